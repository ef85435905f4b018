//! What the tests stand on: the Kubernetes cluster, the Kafka that they share, and the program itself.

mod kafka;
mod load;
mod namespace;
mod program;
mod user;

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;

pub(crate) use kafka::{Kafka, Permit, SMALL, breakable, ensemble, own, rolling, secured, shared};
pub(crate) use load::{Load, PER_SECOND};
pub(crate) use namespace::{Namespace, name_only, namespace};
pub(crate) use program::{Outcome, Running, kubectl, kubectl_reading, run, start};
pub(crate) use user::{User, documented};

/// `trials! { it_does_this, it_does_that }`: the file's tests, named after the file.
macro_rules! trials {
    ($($name:ident),+ $(,)?) => {
        pub(crate) fn trials() -> Vec<libtest_mimic::Trial> {
            vec![$($crate::world::trial(module_path!(), stringify!($name), $name)),+]
        }
    };
}

/// Where the cluster is, for every child process.
struct Access {
    kubeconfig: PathBuf,
    _directory: TempDir,
}

static ACCESS: OnceLock<Access> = OnceLock::new();

/// Checks that there is a cluster, and clears up what runs before left on it.
pub(crate) fn open() -> Result<(), String> {
    let access = access()?;
    let _ = ACCESS.set(access);
    panic::set_hook(Box::new(|panicked| {
        let payload = panicked.payload();
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let message = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("panicked");
        let place = panicked.location().map(|location| format!("\nat {}:{}", location.file(), location.line()));
        PANIC.with_borrow_mut(|panic| *panic = format!("{message}{}", place.unwrap_or_default()));
    }));
    namespace::sweep();
    clear_up_when_interrupted();
    Ok(())
}

/// Removes everything that this run made.
pub(crate) fn close() {
    namespace::remove_all();
}

thread_local! {
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// A test that fails when it panics, with the place where it did.
pub(crate) fn trial(module: &str, name: &str, test: fn()) -> Trial {
    let file = module.rsplit("::").next().unwrap_or(module);
    Trial::test(format!("{file}::{name}"), move || {
        panic::catch_unwind(AssertUnwindSafe(test)).map_err(|_| Failed::from(PANIC.take()))
    })
}

/// The kubeconfig with nothing but the chosen context, so that no child needs `--context`.
fn access() -> Result<Access, String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let kubeconfig = directory.path().join("kubeconfig");
    let mut view = Command::new(kubectl_program());
    view.args(["config", "view", "--minify", "--flatten", "--output=json"]);
    if let Ok(context) = std::env::var("KUBECTL_KAFKA_TEST_CONTEXT_NAME") {
        view.args(["--context", &context]);
    }
    let viewed = view.output().map_err(|error| format!("kubectl does not start ({error})"))?;
    let hint = "no test cluster; start it with `make cluster`, then `eval \"$(tests/cluster/cluster env)\"`";
    if !viewed.status.success() {
        return Err(hint.to_owned());
    }
    std::fs::write(&kubeconfig, viewed.stdout).map_err(|error| error.to_string())?;
    let ready = Command::new(kubectl_program())
        .args(["get", "--raw", "/readyz", "--request-timeout=10s"])
        .env("KUBECONFIG", &kubeconfig)
        .output()
        .map_err(|error| error.to_string())?;
    if !ready.status.success() {
        return Err(format!("{hint}: {}", String::from_utf8_lossy(&ready.stderr).trim()));
    }
    Ok(Access { kubeconfig, _directory: directory })
}

/// The kubeconfig of the test cluster.
pub(crate) fn kubeconfig() -> PathBuf {
    ACCESS.get().map(|access| access.kubeconfig.clone()).expect("the world is open")
}

/// `kubectl`, or what `KUBECTL` names.
fn kubectl_program() -> String {
    std::env::var("KUBECTL").unwrap_or_else(|_| "kubectl".to_owned())
}

/// A name that no other test and no other run uses.
pub(crate) fn unique(prefix: &str) -> String {
    let random = uuid::Uuid::new_v4().simple().to_string();
    format!("{prefix}-{}", &random[..8])
}

#[expect(clippy::exit, reason = "the tests' own threads cannot be stopped")]
fn clear_up_when_interrupted() {
    std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(kubectl_kafka::cli::interrupted());
        eprintln!("interrupted; removing what the tests made");
        close();
        std::process::exit(130);
    });
}
