//! The Kafka clusters of the tests: one that all share, one that may be broken, and small ones of their own.

use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::namespace::{label_when_it_exists, name_only};
use super::program::{Outcome, Running, run, start};
use super::{Namespace, namespace, unique};

/// Six JVMs that start at once on two cores that also compile.
const INSTALL_DEADLINE: Duration = Duration::from_secs(420);

/// Flags that make a node as small as it may be.
pub(crate) const SMALL: [&str; 6] = ["--memory", "768Mi", "--cpu", "50m", "--storage", "1Gi"];

/// A Kafka cluster in a namespace.
pub(crate) struct Kafka {
    pub(crate) namespace: Namespace,
    _permit: Option<Permit>,
}

impl Kafka {
    /// Runs the program against this cluster, to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        run(&self.with_namespace(arguments))
    }

    /// Starts the program against this cluster.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        start(&self.with_namespace(arguments))
    }

    /// Runs kubectl in this cluster's namespace.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        super::kubectl(&self.with_namespace(arguments))
    }

    /// A new topic with these flags, ready to use.
    pub(crate) fn topic(&self, flags: &[&str]) -> String {
        let name = unique("t");
        self.run(&[&["topics", "create", &name], flags].concat()).succeeded();
        name
    }

    /// Produces these lines with these flags.
    pub(crate) fn produce(&self, topic: &str, flags: &[&str], input: impl Into<Vec<u8>>) -> Outcome {
        self.start(&[&["produce", topic], flags].concat()).reading(input).end()
    }

    /// Everything in a topic, with these flags.
    pub(crate) fn consume(&self, topic: &str, flags: &[&str]) -> Outcome {
        self.run(&[&["consume", topic, "--from-beginning", "--exit-at-end"], flags].concat())
    }

    /// Brings the breakable Kafka back to its three brokers.
    pub(crate) fn repair(&self) {
        self.kubectl(&["scale", "statefulset", "breakable-broker", "--replicas=3"]);
        self.start(&["status", "--wait", "--timeout", "240s"]).within(Duration::from_secs(260)).end().succeeded();
    }

    fn with_namespace<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        // Before a `--`, and for the program after its subcommand as most people type it.
        let mut all = vec![arguments[0], "--namespace", &self.namespace.name];
        all.extend(&arguments[1..]);
        all
    }
}

static SHARED: OnceLock<Result<Kafka, String>> = OnceLock::new();

/// Three brokers and three controllers, for every test that does no harm to them.
pub(crate) fn shared() -> &'static Kafka {
    let outcome = SHARED.get_or_init(|| {
        // The namespace is the program's to create here.
        let namespace = name_only();
        label_when_it_exists(&namespace.name);
        install(namespace, "shared", &["--create-namespace"], None)
    });
    outcome.as_ref().unwrap_or_else(|reason| panic!("the shared Kafka could not be installed: {reason}"))
}

static BREAKABLE: OnceLock<Result<Mutex<Kafka>, String>> = OnceLock::new();

/// Three brokers that are their own controllers, for one test at a time, which may break what it can repair.
pub(crate) fn breakable() -> MutexGuard<'static, Kafka> {
    let outcome =
        BREAKABLE.get_or_init(|| install(namespace(), "breakable", &["--controllers", "0"], None).map(Mutex::new));
    let kafka =
        outcome.as_ref().unwrap_or_else(|reason| panic!("the breakable Kafka could not be installed: {reason}"));
    // A test that failed half-way may have left it broken: the next one repairs it.
    let kafka = kafka.lock().unwrap_or_else(PoisonError::into_inner);
    kafka.repair();
    kafka
}

static ROLLING: OnceLock<Result<Mutex<Kafka>, String>> = OnceLock::new();

/// Three brokers and three controllers, for one test at a time, which leaves it as healthy as it was.
pub(crate) fn rolling() -> MutexGuard<'static, Kafka> {
    let outcome = ROLLING.get_or_init(|| install(namespace(), "rolling", &[], None).map(Mutex::new));
    let kafka = outcome.as_ref().unwrap_or_else(|reason| panic!("the rolling Kafka could not be installed: {reason}"));
    let kafka = kafka.lock().unwrap_or_else(PoisonError::into_inner);
    kafka.start(&["status", "--wait", "--timeout", "240s"]).within(Duration::from_secs(260)).end().succeeded();
    kafka
}

static SECURED: OnceLock<Result<Kafka, String>> = OnceLock::new();

/// One node where everyone logs in, for every test of users that does no harm to the others.
pub(crate) fn secured() -> &'static Kafka {
    let outcome = SECURED.get_or_init(|| {
        let flags = ["--preset", "dev", "--tls", "--authentication", "scram"];
        install(namespace(), "secured", &flags, None)
    });
    outcome.as_ref().unwrap_or_else(|reason| panic!("the secure Kafka could not be installed: {reason}"))
}

/// Three ZooKeeper servers and three brokers, for one test alone.
pub(crate) fn ensemble() -> Kafka {
    let permit = Permit::take();
    let flags = ["--mode", "zookeeper", "--metrics"];
    install(namespace(), "ensemble", &flags, Some(permit)).unwrap_or_else(|reason| panic!("{reason}"))
}

/// A Kafka of one node, for this test alone. At most two of them live at once.
pub(crate) fn own(flags: &[&str]) -> Kafka {
    let permit = Permit::take();
    install(namespace(), "own", &[&["--preset", "dev"], flags].concat(), Some(permit))
        .unwrap_or_else(|reason| panic!("{reason}"))
}

fn install(namespace: Namespace, name: &'static str, flags: &[&str], permit: Option<Permit>) -> Result<Kafka, String> {
    let kafka = Kafka { namespace, _permit: permit };
    let arguments = [&["install", name][..], &SMALL, flags].concat();
    let outcome = kafka.start(&arguments).within(INSTALL_DEADLINE).end();
    if outcome.is_success() { Ok(kafka) } else { Err(outcome.to_string()) }
}

/// One of two places for a Kafka of one's own: more would starve each other on two cores.
pub(crate) struct Permit;

static FREE: Mutex<usize> = Mutex::new(2);
static RETURNED: Condvar = Condvar::new();

impl Permit {
    /// Waits for a free place.
    pub(crate) fn take() -> Self {
        let free = FREE.lock().expect("no holder panics");
        *RETURNED.wait_while(free, |free| *free == 0).expect("no holder panics") -= 1;
        Self
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        *FREE.lock().expect("no holder panics") += 1;
        RETURNED.notify_one();
    }
}
