//! The one error that a command returns, and the exit codes that scripts rely on.
//!
//! Each room has its own `thiserror` enum. The `From` implementations beside those enums are the
//! only places that choose a kind and hints; commands add what only they know with
//! [`CommandError::hinted`].

use std::io;
use std::process::ExitCode;

use crate::kafka::Denied;

/// How a command that did its work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: everything that was asked for is done.
    Done,
    /// 1: at least one row of a batch failed; the rows were printed.
    Failed,
    /// 1: there are differences (`install --diff`), as `kubectl diff` says it.
    Different,
    /// 3: the command worked and what it looked at is unhealthy (`status`, `doctor`).
    Unhealthy,
    /// 124: what the command waited for did not come in time.
    TimedOut,
    /// 130: the person pressed Ctrl-C.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(match exit {
            Exit::Done => 0,
            Exit::Failed | Exit::Different => 1,
            Exit::Unhealthy => 3,
            Exit::TimedOut => 124,
            Exit::Interrupted => 130,
        })
    }
}

/// What every command returns.
pub type CommandResult = Result<Exit, CommandError>;

/// Why a command could not do its work; decides the exit code and the first words on stderr.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorKind {
    /// 1, `error: …`
    Failed,
    /// 1, `Error from server (<reason>): …`, kubectl's words for an answer of the API server.
    Server(String),
    /// 2, `error: …`: what was typed cannot be meant.
    Usage,
    /// 124, `error: …`
    TimedOut,
    /// 130, `error: …`
    Interrupted,
    /// 0, silent: the reader of stdout went away, as in `… | head -1`.
    BrokenPipe,
}

/// An error as the person reads it: one line that names the object and says what is wrong, then
/// hints that can be pasted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandError {
    /// Decides exit code and prefix.
    pub kind: ErrorKind,
    /// Lower case, names the object, no trailing full stop.
    pub message: String,
    /// Each is printed as `hint: …`.
    pub hints: Vec<String>,
    /// What Kafka did not allow, if that is what it is.
    pub denied: Option<Box<Denied>>,
    /// Whether 1 says something else for this command, so that a failure is 2.
    is_comparison: bool,
}

impl CommandError {
    /// An error of any kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hints: Vec::new(), denied: None, is_comparison: false }
    }

    /// Exit code 1.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Failed, message)
    }

    /// Exit code 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// Exit code 124.
    pub fn timed_out(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::TimedOut, message)
    }

    /// Adds a line that says what to do.
    #[must_use]
    pub fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Of a command whose 1 says that there are differences: every other failure is more, as with `kubectl diff`.
    #[must_use]
    pub fn of_comparison(mut self) -> Self {
        self.is_comparison = true;
        self
    }

    /// Says what Kafka did not allow.
    #[must_use]
    pub fn denied(mut self, denied: Denied) -> Self {
        self.denied = Some(Box::new(denied));
        self
    }

    /// Adds who was not allowed, and the command that allows it. Without a principal the command has a place for
    /// its name.
    #[must_use]
    pub fn told_to(mut self, principal: Option<&str>) -> Self {
        let Some(denied) = self.denied.take() else { return self };
        let who = principal.unwrap_or("NAME");
        if let Some(principal) = principal {
            self.hints.push(format!("{principal} has no ACL for it"));
        }
        self.hints.push(format!("allow it with `{}`", denied.grant(who)));
        self
    }

    /// Puts the object that the error is about before the message: `topic "a": …`.
    #[must_use]
    pub fn about(mut self, object: impl std::fmt::Display) -> Self {
        self.message = format!("{object}: {}", self.message);
        self
    }

    /// The text for stderr, hints included, ending in a newline; empty for a broken pipe.
    pub fn text(&self) -> String {
        let mut text = match &self.kind {
            ErrorKind::BrokenPipe => return String::new(),
            ErrorKind::Server(reason) if reason.is_empty() => {
                format!("Error from server: {}\n", self.message)
            }
            ErrorKind::Server(reason) => format!("Error from server ({reason}): {}\n", self.message),
            _ => format!("error: {}\n", self.message),
        };
        for hint in &self.hints {
            text.push_str("hint: ");
            text.push_str(hint);
            text.push('\n');
        }
        text
    }

    /// The process's exit code for this error.
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            ErrorKind::Failed | ErrorKind::Server(_) if self.is_comparison => 2,
            ErrorKind::Failed | ErrorKind::Server(_) => 1,
            ErrorKind::Usage => 2,
            ErrorKind::TimedOut => 124,
            ErrorKind::Interrupted => 130,
            ErrorKind::BrokenPipe => 0,
        }
    }
}

/// For writing to stdout only: any other I/O error wants the name of what was read or written.
impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::new(ErrorKind::BrokenPipe, "")
        } else {
            Self::failed(format!("cannot write the output: {error}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_errors_keep_kubectls_words() {
        let error = CommandError::new(ErrorKind::Server("NotFound".into()), "pods \"a\" not found")
            .hinted("list them with `kubectl get pods`");
        assert_eq!(
            error.text(),
            "Error from server (NotFound): pods \"a\" not found\nhint: list them with `kubectl get pods`\n"
        );
        assert_eq!(error.exit_code(), 1);
    }

    #[test]
    fn whoever_is_not_allowed_is_told_what_allows_it() {
        use crate::kafka::ErrorCode;
        use crate::kafka::admin::acls::Operation;
        let error = crate::kafka::Error::Code { subject: "topic \"a\"".into(), code: ErrorCode(29), message: None };
        let error = CommandError::from(error.needing(Operation::Write));
        let message =
            "error: not allowed to Write topic \"a\": topic authorization failed (TOPIC_AUTHORIZATION_FAILED)\n";
        assert_eq!(
            error.clone().told_to(Some("User:alice")).text(),
            format!(
                "{message}hint: User:alice has no ACL for it\nhint: allow it with `kubectl kafka acls create --principal alice --operation Write --topic a`\n"
            )
        );
        assert!(error.told_to(None).text().contains("--principal NAME"));
    }

    #[test]
    fn a_comparison_fails_with_more_than_one() {
        let codes = |error: CommandError| (error.exit_code(), error.of_comparison().exit_code());
        assert_eq!(codes(CommandError::failed("a")), (1, 2));
        assert_eq!(codes(CommandError::new(ErrorKind::Server("NotFound".into()), "a")), (1, 2));
        assert_eq!(codes(CommandError::usage("a")), (2, 2));
        assert_eq!(codes(CommandError::timed_out("a")), (124, 124));
    }

    #[test]
    fn a_closed_pipe_is_silent_and_no_failure() {
        let error = CommandError::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((error.text().as_str(), error.exit_code()), ("", 0));
    }
}
