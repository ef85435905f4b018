//! Namespaces that vanish with the test, or with the run, or with the next run.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use super::program::kubectl_reading;
use super::{kubeconfig, kubectl, kubectl_program, unique};

/// Marks everything of these tests; its value is the machine that they run on.
const LABEL: &str = "kubectl-kafka-test/machine";
/// The process that will remove it.
const LABEL_PROCESS: &str = "kubectl-kafka-test/process";
/// Whoever made it, it is of no use to anybody after this time.
const STALE_AFTER: Duration = Duration::from_secs(2 * 3600);
/// How long the end of a run waits for its namespaces to be gone, so that the next finds a quiet cluster.
const REMOVAL: Duration = Duration::from_secs(90);

static MADE: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A namespace; removed (without waiting) when dropped.
pub(crate) struct Namespace {
    pub(crate) name: String,
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if !keep() {
            remove(&self.name);
        }
    }
}

/// A fresh namespace.
pub(crate) fn namespace() -> Namespace {
    let namespace = name_only();
    let object = serde_json::json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": namespace.name, "labels": {LABEL: machine(), LABEL_PROCESS: process()}},
    });
    kubectl_reading(&["create", "-f", "-"], &object.to_string());
    namespace
}

/// The name of a namespace that something else creates; it is labelled as soon as it exists.
pub(crate) fn name_only() -> Namespace {
    let name = unique("e2e");
    MADE.lock().expect("no holder panics").push(name.clone());
    Namespace { name }
}

/// Labels a namespace that something else is about to create.
pub(crate) fn label_when_it_exists(name: &str) {
    let name = name.to_owned();
    thread::spawn(move || {
        let labels = [format!("{LABEL}={}", machine()), format!("{LABEL_PROCESS}={}", process())];
        for _ in 0..100 {
            if quiet(&["label", "namespace", &name, &labels[0], &labels[1]]) {
                return;
            }
            thread::sleep(Duration::from_millis(300));
        }
    });
}

/// Removes what this run made, and waits for it.
pub(super) fn remove_all() {
    let made = std::mem::take(&mut *MADE.lock().expect("no holder panics"));
    if keep() {
        eprintln!("kept, because KUBECTL_KAFKA_TEST_KEEP is set: {}", made.join(" "));
        return;
    }
    for name in &made {
        remove(name);
    }
    let mut arguments = vec!["wait", "--for=delete", "--timeout=1s", "namespace"];
    arguments.extend(made.iter().map(String::as_str));
    let began = Instant::now();
    while !made.is_empty() && began.elapsed() < REMOVAL && !quiet(&arguments) {
        // Pods that were being made while the namespace was deleted come late.
        for name in &made {
            hurry(name);
        }
    }
}

/// Removes what runs left that are dead, or so old that they must be.
pub(super) fn sweep() {
    let list = kubectl(&["get", "namespaces", "-l", LABEL, "-o", "json"]);
    let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
    for item in list["items"].as_array().into_iter().flatten() {
        let metadata = &item["metadata"];
        let label = |name: &str| metadata["labels"][name].as_str().unwrap_or_default();
        let dead = label(LABEL) == machine() && !Path::new("/proc").join(label(LABEL_PROCESS)).exists();
        let created = metadata["creationTimestamp"].as_str().unwrap_or_default();
        if let (true, Some(name)) = (dead || is_stale(created), metadata["name"].as_str()) {
            eprintln!("removing the namespace {name} of an earlier run");
            remove(name);
        }
    }
}

fn is_stale(created: &str) -> bool {
    created.parse::<jiff::Timestamp>().is_ok_and(|created| {
        Duration::try_from(created.duration_until(jiff::Timestamp::now())).is_ok_and(|age| age > STALE_AFTER)
    })
}

fn remove(name: &str) {
    quiet(&["delete", "namespace", name, "--wait=false", "--ignore-not-found"]);
    hurry(name);
}

/// Brokers without controllers hang until the end of their grace period, which is five minutes.
fn hurry(name: &str) {
    quiet(&["delete", "pods", "--all", "--namespace", name, "--grace-period=1", "--wait=false"]);
}

/// For what may fail.
fn quiet(arguments: &[&str]) -> bool {
    Command::new(kubectl_program())
        .args(arguments)
        .env("KUBECONFIG", kubeconfig())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn keep() -> bool {
    std::env::var_os("KUBECTL_KAFKA_TEST_KEEP").is_some()
}

fn machine() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let valid: String = name.trim().chars().filter(char::is_ascii_alphanumeric).take(60).collect();
    if valid.is_empty() { "unknown".to_owned() } else { valid }
}

fn process() -> String {
    std::process::id().to_string()
}
