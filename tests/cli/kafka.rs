//! Runs the program in an empty world and shows all that it did as one block.

use std::fmt;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// One run to be: `kafka(&["topics", "list"]).env("NO_COLOR", "1").run()`.
pub(crate) struct Kafka {
    command: Command,
    shown: String,
    stdout: Stdio,
    home: TempDir,
}

/// A run of `kubectl-kafka` with these arguments.
pub(crate) fn kafka(arguments: &[&str]) -> Kafka {
    let home = tempfile::tempdir().expect("a temporary directory");
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-kafka"));
    command.args(arguments).env_clear().env("HOME", home.path()).current_dir(home.path());
    Kafka { command, shown: arguments.join(" "), stdout: Stdio::piped(), home }
}

impl Kafka {
    /// Sets a variable of the environment.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Writes a file into the home directory, which is the working directory too.
    pub(crate) fn file(self, path: &str, content: &str) -> Self {
        let path = self.home.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a file has a directory")).expect("a directory");
        std::fs::write(path, content).expect("a file");
        self
    }

    /// Writes the kubeconfig that is read when nothing else is said.
    pub(crate) fn kubeconfig(self, content: &str) -> Self {
        self.file(".kube/config", content)
    }

    /// Sends stdout elsewhere; it is then shown as empty.
    pub(crate) fn stdout(mut self, target: impl Into<Stdio>) -> Self {
        self.stdout = target.into();
        self
    }

    /// Runs it to its end.
    pub(crate) fn run(mut self) -> Outcome {
        self.command.stdin(Stdio::null()).stdout(self.stdout).stderr(Stdio::piped());
        let child = self.command.spawn().expect("the program starts");
        let output = child.wait_with_output().expect("the program ends");
        let home = self.home.path().display().to_string();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8").replace(&home, "$HOME");
        Outcome {
            shown: self.shown,
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            code: output.status.code(),
        }
    }
}

/// What a run did. Its `Display` is what the snapshots hold.
pub(crate) struct Outcome {
    shown: String,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: Option<i32>,
}

impl Outcome {
    /// The same, with each text replaced by another: for ports and times.
    pub(crate) fn with(mut self, text: &str, replacement: &str) -> Self {
        self.shown = self.shown.replace(text, replacement);
        self.stdout = self.stdout.replace(text, replacement);
        self.stderr = self.stderr.replace(text, replacement);
        self
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "$ kubectl kafka {}", self.shown)?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                write!(formatter, "--- {name}\n{text}")?;
                if !text.ends_with('\n') {
                    writeln!(formatter, "(no newline)")?;
                }
            }
        }
        match self.code {
            Some(code) => write!(formatter, "--- exit code {code}"),
            None => write!(formatter, "--- killed by a signal"),
        }
    }
}
