//! Runs the program under test, and kubectl, with a deadline.

use std::fmt;
use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::{kubeconfig, kubectl_program};

/// Longer than anything that is not an install should take on two busy cores.
const DEADLINE: Duration = Duration::from_secs(120);

/// How often a child is looked at.
const GLANCE: Duration = Duration::from_millis(20);

/// Runs the program to its end.
pub(crate) fn run(arguments: &[&str]) -> Outcome {
    start(arguments).end()
}

/// Runs kubectl, which must succeed; returns its stdout.
pub(crate) fn kubectl(arguments: &[&str]) -> String {
    let mut command = Command::new(kubectl_program());
    command.args(arguments);
    Running::spawn(command, "kubectl", arguments).end().succeeded().stdout_text()
}

/// Runs kubectl with something to read; it must succeed.
pub(crate) fn kubectl_reading(arguments: &[&str], input: &str) -> String {
    let mut command = Command::new(kubectl_program());
    command.args(arguments);
    let mut running = Running::spawn(command, "kubectl", arguments);
    running.write(input.as_bytes());
    running.end().succeeded().stdout_text()
}

/// Starts the program.
pub(crate) fn start(arguments: &[&str]) -> Running {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-kafka"));
    command.args(arguments).env_remove("KUBECTL_KAFKA").env_remove("NO_COLOR");
    Running::spawn(command, "kubectl kafka", arguments)
}

/// A child whose output is being collected. Killed when dropped.
pub(crate) struct Running {
    child: Child,
    shown: String,
    began: Instant,
    deadline: Duration,
    stdout: Arc<Mutex<Vec<u8>>>,
    stderr: Arc<Mutex<Vec<u8>>>,
    readers: Vec<thread::JoinHandle<()>>,
}

impl Running {
    fn spawn(mut command: Command, program: &str, arguments: &[&str]) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if command.get_envs().all(|(name, _)| name != "KUBECONFIG") {
            command.env("KUBECONFIG", kubeconfig());
        }
        let mut child = command.spawn().expect("the child starts");
        let (stdout, out) = collect(child.stdout.take().expect("a pipe"));
        let (stderr, err) = collect(child.stderr.take().expect("a pipe"));
        Self {
            child,
            shown: format!("{program} {}", arguments.join(" ")),
            began: Instant::now(),
            deadline: DEADLINE,
            stdout,
            stderr,
            readers: vec![out, err],
        }
    }

    /// Allows it more time (or less).
    pub(crate) fn within(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Writes to its stdin, which stays open.
    pub(crate) fn write(&mut self, input: &[u8]) {
        // A child that has ended already is judged by its outcome.
        let _ = self.child.stdin.as_mut().expect("an open stdin").write_all(input);
    }

    /// Writes all of its stdin from another thread, and closes it.
    pub(crate) fn reading(mut self, input: impl Into<Vec<u8>>) -> Self {
        let mut stdin = self.child.stdin.take().expect("an open stdin");
        let input = input.into();
        thread::spawn(move || {
            let _ = stdin.write_all(&input);
        });
        self
    }

    /// What it has written to stdout so far.
    pub(crate) fn stdout(&self) -> String {
        text(&self.stdout.lock().expect("no reader panics"))
    }

    /// What it has written to stderr so far.
    pub(crate) fn stderr(&self) -> String {
        text(&self.stderr.lock().expect("no reader panics"))
    }

    /// Waits until its output is as wanted.
    pub(crate) fn until(&mut self, what: &str, wanted: impl Fn(&Self) -> bool) {
        while !wanted(self) {
            let state = if self.child.try_wait().expect("a child").is_some() { "ended" } else { "took too long" };
            assert!(
                state != "ended" && self.began.elapsed() < self.deadline,
                "{} {state} before {what}\n--- stdout\n{}\n--- stderr\n{}",
                self.shown,
                self.stdout(),
                self.stderr()
            );
            thread::sleep(GLANCE);
        }
    }

    /// Presses Ctrl-C.
    pub(crate) fn interrupt(&self) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-INT", &id]).status().expect("kill");
        assert!(sent.success(), "{} has ended already\n{}", self.shown, self.stderr());
    }

    /// Closes its stdin and waits for its end.
    pub(crate) fn end(mut self) -> Outcome {
        drop(self.child.stdin.take());
        let status = loop {
            match self.child.try_wait().expect("a child") {
                Some(status) => break status,
                None if self.began.elapsed() > self.deadline => panic!(
                    "{} was still running after {:?}\n--- stdout\n{}\n--- stderr\n{}",
                    self.shown,
                    self.deadline,
                    self.stdout(),
                    self.stderr()
                ),
                None => thread::sleep(GLANCE),
            }
        };
        let elapsed = self.began.elapsed();
        for reader in self.readers.drain(..) {
            reader.join().expect("no reader panics");
        }
        let take = |bytes: &Mutex<Vec<u8>>| std::mem::take(&mut *bytes.lock().expect("no reader panics"));
        Outcome {
            shown: std::mem::take(&mut self.shown),
            stdout: take(&self.stdout),
            stderr: text(&take(&self.stderr)),
            status,
            elapsed,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a child did.
pub(crate) struct Outcome {
    shown: String,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
    status: ExitStatus,
    pub(crate) elapsed: Duration,
}

impl Outcome {
    /// Whether the exit code is 0.
    pub(crate) fn is_success(&self) -> bool {
        self.status.success()
    }

    /// Fails the test unless the exit code is 0.
    pub(crate) fn succeeded(self) -> Self {
        self.exited(0)
    }

    /// Fails the test unless the exit code is this one.
    pub(crate) fn exited(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "exit code of {self}");
        self
    }

    /// Fails the test unless stderr has the text.
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "no \"{text}\" on stderr of {self}");
        self
    }

    /// stdout, which must be text.
    pub(crate) fn stdout_text(&self) -> String {
        String::from_utf8(self.stdout.clone()).expect("UTF-8")
    }

    /// stdout, which must be one JSON document.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|error| panic!("no JSON ({error}) from {self}"))
    }

    /// stdout, which must be one JSON document a line.
    pub(crate) fn json_lines(&self) -> Vec<serde_json::Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.stdout_text().lines().map(parse).collect()
    }

    /// The lines of stdout.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.stdout_text().lines().map(ToOwned::to_owned).collect()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |bytes: &[u8]| {
            let text = text(bytes);
            if text.len() > 4000 { format!("{} bytes, beginning {:.400}", text.len(), text) } else { text }
        };
        write!(
            formatter,
            "{}\n{} after {:.1?}\n--- stdout\n{}\n--- stderr\n{}",
            self.shown,
            self.status,
            self.elapsed,
            shown(&self.stdout),
            shown(self.stderr.as_bytes())
        )
    }
}

fn collect(mut source: impl Read + Send + 'static) -> (Arc<Mutex<Vec<u8>>>, thread::JoinHandle<()>) {
    let collected = Arc::new(Mutex::new(Vec::new()));
    let target = Arc::clone(&collected);
    let reader = thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = source.read(&mut buffer) {
            target.lock().expect("no reader panics").extend_from_slice(&buffer[..count]);
        }
    });
    (collected, reader)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
