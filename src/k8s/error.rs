//! What can go wrong between us and the API server, in kubectl's words.

use kube::core::Status;

use crate::error::{CommandError, ErrorKind};

/// Shorthand of this room.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that a call to Kubernetes can end with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kubeconfig is missing, broken, or names something that it does not have.
    #[error("{message}")]
    Kubeconfig {
        /// One line that names the file or the entry.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// The API server refused.
    #[error("{}", status.message)]
    Server {
        /// Its answer.
        status: Box<Status>,
    },
    /// The API server could not be reached or did not speak HTTP.
    #[error("cannot reach the Kubernetes API server {server}: {reason}")]
    Unreachable {
        /// Its URL.
        server: String,
        /// The cause, without the layers above it.
        reason: String,
    },
    /// An exec plugin, a token file or OIDC failed.
    #[error("cannot log in to {server}: {reason}")]
    Login {
        /// The API server's URL.
        server: String,
        /// The cause.
        reason: String,
        /// The plugin's own install hint.
        hint: Option<String>,
    },
    /// The answer could not be understood, or a request could not be built.
    #[error("{0}")]
    Other(String),
    /// No answer within the deadline.
    #[error("the Kubernetes API server {server} did not answer within {after}")]
    TimedOut {
        /// Its URL.
        server: String,
        /// The deadline in words.
        after: String,
    },
}

impl Error {
    /// From kube's error, which must never be shown as it is: its text is a Rust debug dump.
    pub fn from_kube(server: &str, error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::Server { status },
            kube::Error::Auth(error) => {
                Self::Login { server: server.to_owned(), reason: login_reason(&error), hint: None }
            }
            kube::Error::HyperError(error) => Self::unreachable(server, &error),
            kube::Error::Service(error) => {
                // An exec plugin runs inside the service stack and is reported through it.
                match find::<kube::client::AuthError>(error.as_ref()) {
                    Some(auth) => Self::Login { server: server.to_owned(), reason: login_reason(auth), hint: None },
                    None => Self::unreachable(server, error.as_ref()),
                }
            }
            kube::Error::SerdeError(error) => Self::Unreachable {
                server: server.to_owned(),
                reason: format!("its answer is not Kubernetes' ({error})"),
            },
            other => Self::Other(deepest(&other)),
        }
    }

    fn unreachable(server: &str, error: &(dyn std::error::Error + 'static)) -> Self {
        let reason = deepest(error);
        Self::Unreachable { server: server.to_owned(), reason: certificate_words(&reason).unwrap_or(reason) }
    }

    /// The HTTP code of the API server's answer.
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Server { status } => Some(status.code),
            _ => None,
        }
    }

    /// 404
    pub fn is_not_found(&self) -> bool {
        self.code() == Some(404)
    }

    /// 403
    pub fn is_forbidden(&self) -> bool {
        self.code() == Some(403)
    }

    /// Whether the same call may work a moment later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::TimedOut { .. })
            || matches!(self.code(), Some(409 | 429 | 500 | 502 | 503 | 504))
    }
}

fn login_reason(error: &kube::client::AuthError) -> String {
    use kube::client::AuthError;
    match error {
        AuthError::AuthExecRun { out, .. } => {
            let stderr = String::from_utf8_lossy(&out.stderr);
            let last = stderr.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it said nothing");
            format!("failed with {}: {last}", out.status)
        }
        AuthError::AuthExecStart(error) => format!("could not be started: {error}"),
        other => deepest(other),
    }
}

/// The innermost cause: the layers above it say "failed to" and nothing else.
pub(crate) fn deepest(error: &(dyn std::error::Error + 'static)) -> String {
    let mut current = error;
    while let Some(source) = current.source() {
        current = source;
    }
    current.to_string()
}

/// rustls names the variants of its own errors; a person needs the sentence.
fn certificate_words(reason: &str) -> Option<String> {
    let variant = reason.strip_prefix("invalid peer certificate: ")?;
    Some(match variant {
        "UnknownIssuer" => "its certificate is not signed by the kubeconfig's certificate authority".to_owned(),
        "CaUsedAsEndEntity" => "its certificate is marked as a certificate authority; give it a proper server \
                                certificate, or pass --insecure-skip-tls-verify on a cluster for tests"
            .to_owned(),
        variant if variant.contains("certificate expired") || variant.contains("not valid for name") => {
            format!("its {variant}")
        }
        variant => format!("its certificate is not accepted: {variant}"),
    })
}

fn find<'e, T: std::error::Error + 'static>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e T> {
    let mut current = Some(error);
    while let Some(error) = current {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        current = error.source();
    }
    None
}

/// The Role of whoever works with Kafka, in words: people who have the program need not have its documentation.
const ASK_FOR_A_ROLE: &str = "ask for a Role with this verb on this resource; most commands need get and list on pods \
                              and services, and get and create on pods/portforward";

impl From<Error> for CommandError {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Server { status } => {
                let error = Self::new(ErrorKind::Server(status.reason.clone()), message);
                match status.code {
                    401 => error.hinted("your credentials are missing or expired; check with `kubectl auth whoami`"),
                    403 => error.hinted(ASK_FOR_A_ROLE),
                    _ => error,
                }
            }
            Error::TimedOut { .. } => Self::timed_out(message),
            Error::Kubeconfig { hint: Some(hint), .. } | Error::Login { hint: Some(hint), .. } => {
                Self::failed(message).hinted(hint)
            }
            Error::Unreachable { .. } => Self::failed(message)
                .hinted("is the cluster up, and the context right? `kubectl config current-context` tells"),
            _ => Self::failed(message),
        }
    }
}
