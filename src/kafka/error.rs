//! What can go wrong between us and a broker, and Kafka's error codes in words.

use std::fmt;
use std::time::Duration;

use kafka_protocol::ResponseError;

use super::access::Denied;
use super::admin::acls::Operation;
use super::dial::{DialError, DialReason, NodeId};
use crate::error::CommandError;

/// Shorthand of this room.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that a request can end with, besides its answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// No stream could be opened.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The stream broke, or the broker closed it.
    #[error("the connection to {to} was lost: {reason}")]
    Lost {
        /// The broker as a person names it.
        to: String,
        /// What was seen.
        reason: String,
    },
    /// No answer within the deadline.
    #[error("{to} did not answer {api} within {}", crate::view::duration(*after))]
    TimedOut {
        /// The broker as a person names it.
        to: String,
        /// The request's name.
        api: String,
        /// The deadline.
        after: Duration,
    },
    /// The broker is too old or too new for a request.
    #[error("{to} does not support {api}")]
    Unsupported {
        /// The broker as a person names it.
        to: String,
        /// The request's name.
        api: String,
    },
    /// The answer could not be understood: not Kafka, or a broken peer.
    #[error("{to} sent an answer to {api} that is not Kafka's: {reason}")]
    Malformed {
        /// The broker as a person names it.
        to: String,
        /// The request's name.
        api: String,
        /// What the decoder said.
        reason: String,
    },
    /// Kafka answered with an error code.
    #[error("{subject}: {}", words(*code, message.as_deref()))]
    Code {
        /// The object that it is about: `topic "orders"`.
        subject: String,
        /// The code.
        code: ErrorCode,
        /// Kafka's own message, where the response has one.
        message: Option<String>,
    },
    /// Kafka does not allow it.
    #[error("not allowed to {} {}: {}", denied.operation, denied.resource(), words(denied.code, None))]
    Denied {
        /// What, and on what.
        denied: Box<Denied>,
    },
    /// The metadata has no such node.
    #[error("broker {0} is not part of the cluster (or is down)")]
    UnknownNode(NodeId),
    /// With ZooKeeper, between the end of one controller and the election of the next.
    #[error("none of the brokers is the controller (yet)")]
    NoController,
}

impl Error {
    /// Kafka's error code, if that is what it is.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Code { code, .. } => Some(*code),
            Self::Denied { denied } => Some(denied.code),
            _ => None,
        }
    }

    /// Says which operation a request needed, where Kafka did not allow it; other errors stay as they are.
    #[must_use]
    pub fn needing(self, operation: Operation) -> Self {
        let denied = match &self {
            Self::Code { subject, code, .. } => Denied::from_code(subject, *code, operation),
            _ => None,
        };
        denied.map_or(self, |denied| Self::Denied { denied: Box::new(denied) })
    }

    /// Whether the same request may succeed a moment later or at another broker.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Dial(error) => error.is_transient(),
            Self::Lost { .. } | Self::TimedOut { .. } | Self::UnknownNode(_) | Self::NoController => true,
            Self::Code { code, .. } => code.is_retriable(),
            Self::Unsupported { .. } | Self::Malformed { .. } | Self::Denied { .. } => false,
        }
    }
}

fn words(code: ErrorCode, message: Option<&str>) -> String {
    match message.map(str::trim).filter(|message| !message.is_empty()) {
        Some(message) => format!("{} ({})", message.trim_end_matches('.'), code.name()),
        None => format!("{} ({})", code.words(), code.name()),
    }
}

/// A Kafka error code. 0 is success and never becomes one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ErrorCode(pub i16);

impl ErrorCode {
    /// `None` for 0.
    pub fn from_response(code: i16) -> Option<Self> {
        (code != 0).then_some(Self(code))
    }

    /// `Ok` for 0, otherwise an error about the subject.
    pub fn check(code: i16, subject: impl Into<String>, message: Option<&str>) -> Result<()> {
        match Self::from_response(code) {
            None => Ok(()),
            Some(code) => Err(Error::Code { subject: subject.into(), code, message: message.map(ToOwned::to_owned) }),
        }
    }

    /// The protocol's name in capitals: `TOPIC_ALREADY_EXISTS`.
    pub fn name(self) -> String {
        match ResponseError::try_from_code(self.0) {
            None | Some(ResponseError::Unknown(_)) => format!("error code {}", self.0),
            Some(error) => capitals(&format!("{error:?}")),
        }
    }

    /// What it means, as Kafka's documentation says it: lower case, no full stop.
    pub fn words(self) -> &'static str {
        super::error_words::words(self.0)
    }

    /// Whether Kafka says that the same request may succeed later.
    pub fn is_retriable(self) -> bool {
        ResponseError::try_from_code(self.0).is_some_and(|error| error.is_retriable())
    }

    /// Whether the code is this error.
    pub fn is(self, error: ResponseError) -> bool {
        self.0 == error.code()
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name())
    }
}

/// `TopicAlreadyExists` → `TOPIC_ALREADY_EXISTS`.
fn capitals(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 8);
    for (position, character) in name.char_indices() {
        if character.is_ascii_uppercase() && position > 0 {
            text.push('_');
        }
        text.push(character.to_ascii_uppercase());
    }
    text
}

impl From<Error> for CommandError {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let timed_out = matches!(&error, Error::TimedOut { .. })
            || matches!(&error, Error::Dial(dial) if dial.reason == DialReason::TimedOut);
        let error = match error {
            Error::Denied { denied } => return Self::failed(message).denied(*denied),
            other => other,
        };
        let mut converted = if timed_out { Self::timed_out(message) } else { Self::failed(message) };
        match &error {
            Error::Dial(DialError { hint: Some(hint), .. }) => converted = converted.hinted(hint.clone()),
            Error::Code { code, .. } => {
                if let Some(hint) = hint(*code) {
                    converted = converted.hinted(hint);
                }
            }
            _ => {}
        }
        converted
    }
}

/// What to do about a code, where that is the same for every command.
fn hint(code: ErrorCode) -> Option<&'static str> {
    Some(match ResponseError::try_from_code(code.0)? {
        ResponseError::TopicAuthorizationFailed => "the principal lacks an ACL on this topic",
        ResponseError::GroupAuthorizationFailed => "the principal lacks an ACL on this group",
        ResponseError::ClusterAuthorizationFailed => "the principal lacks an ACL on the cluster",
        ResponseError::UnknownTopicOrPartition => "list the topics with `kubectl kafka topics list`",
        ResponseError::NotEnoughReplicas | ResponseError::NotEnoughReplicasAfterAppend => {
            "see which brokers are missing with `kubectl kafka status`"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_names_and_words() {
        let code = ErrorCode(36);
        assert_eq!(code.name(), "TOPIC_ALREADY_EXISTS");
        assert_eq!(code.words(), "topic with this name already exists");
        assert!(ErrorCode(6).is_retriable());
        assert_eq!(ErrorCode(4321).name(), "error code 4321");
    }

    #[test]
    fn kafkas_own_message_comes_first() {
        let error = ErrorCode::check(38, "topic \"a\"", Some("Unable to replicate 5 times.")).err();
        assert_eq!(
            error.map(|error| error.to_string()),
            Some("topic \"a\": Unable to replicate 5 times (INVALID_REPLICATION_FACTOR)".to_owned())
        );
        assert!(ErrorCode::check(0, "x", None).is_ok());
    }
}
