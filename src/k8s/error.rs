//! What can go wrong between us and the API server, in kubectl's words.

use kube::core::Status;
use kube::core::response::StatusCause;

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
    /// Fields of an object belong to another tool, which gave them other values.
    #[error("{object}: {}", claims(fields))]
    Conflict {
        /// `statefulset.apps/demo-broker`
        object: String,
        /// Which, and whose.
        fields: Vec<OwnedField>,
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
    /// A user's Secret lacks something.
    #[error("cannot use Secret {secret}: {reason}")]
    Unusable {
        /// Its name.
        secret: String,
        /// Where it is.
        namespace: String,
        /// Whose it is.
        user: String,
        /// What is wrong with it.
        reason: String,
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

/// A field, and the tool that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedField {
    /// `.spec.replicas`
    pub field: String,
    /// The field manager: `kubectl-client-side-apply`, `argocd-controller`.
    pub manager: String,
}

impl OwnedField {
    /// From the API server's `conflict with "kubectl" using apps/v1`.
    fn from_cause(cause: &StatusCause) -> Option<Self> {
        let quoted = cause.message.strip_prefix("conflict with \"")?;
        let manager = quoted.split_once('"').map(|(manager, _)| manager.to_owned())?;
        (cause.reason == "FieldManagerConflict").then(|| Self { field: cause.field.clone(), manager })
    }
}

/// `"argocd" has set .spec.replicas and .spec.template to other values`
fn claims(fields: &[OwnedField]) -> String {
    let mut managers: Vec<&str> = fields.iter().map(|field| field.manager.as_str()).collect();
    managers.sort_unstable();
    managers.dedup();
    let claims = managers.into_iter().map(|manager| {
        let theirs: Vec<&str> =
            fields.iter().filter(|field| field.manager == manager).map(|field| field.field.as_str()).collect();
        let values = if theirs.len() == 1 { "another value" } else { "other values" };
        format!("\"{manager}\" has set {} to {values}", theirs.join(" and "))
    });
    claims.collect::<Vec<_>>().join("; ")
}

/// kube's own words for an answer that is no `Status`; a kubelet's is plain text.
const NO_STATUS: &str = "Failed to parse error data";

/// The API server's word for a code.
fn reason_of(code: u16) -> &'static str {
    match code {
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        409 => "Conflict",
        429 => "TooManyRequests",
        500 => "InternalError",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        _ => "Unknown",
    }
}

impl Error {
    /// The same, with the name of the object where the API server names fields only.
    #[must_use]
    pub fn about(self, object: &str) -> Self {
        let Self::Server { status } = &self else { return self };
        let causes = status.details.iter().flat_map(|details| &details.causes);
        let fields: Vec<OwnedField> = causes.filter_map(OwnedField::from_cause).collect();
        if status.code == 409 && !fields.is_empty() {
            return Self::Conflict { object: object.to_owned(), fields };
        }
        self
    }

    /// From kube's error, which must never be shown as it is: its text is a Rust debug dump.
    pub fn from_kube(server: &str, error: kube::Error) -> Self {
        match error {
            kube::Error::Api(mut status) => {
                if status.reason == NO_STATUS {
                    reason_of(status.code).clone_into(&mut status.reason);
                }
                Self::Server { status }
            }
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
            Error::Conflict { .. } => Self::failed(message)
                .hinted("who applies it from elsewhere changes it there; --force-conflicts takes these fields over"),
            Error::Unusable { secret, namespace, user, .. } => Self::failed(message).hinted(format!(
                "delete it with `kubectl delete secret {secret} -n {namespace}`, then `kubectl kafka users rotate {user}` makes it anew"
            )),
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(status: serde_json::Value) -> Error {
        let status: Status = serde_json::from_value(status).expect("a Status");
        Error::from_kube("https://there", kube::Error::Api(status.boxed()))
    }

    #[test]
    fn a_conflict_names_the_object_the_fields_and_whose_they_are() {
        let cause = |manager: &str, field: &str| {
            let message = format!("conflict with \"{manager}\" using apps/v1");
            json!({"reason": "FieldManagerConflict", "message": message, "field": field})
        };
        for (causes, expected) in [
            (
                vec![cause("kubectl-client-side-apply", ".data.cluster.yaml")],
                "configmap/demo: \"kubectl-client-side-apply\" has set .data.cluster.yaml to another value",
            ),
            (
                vec![cause("flux", ".spec.a"), cause("hpa at 10:00", ".spec.b"), cause("flux", ".spec.c")],
                "configmap/demo: \"flux\" has set .spec.a and .spec.c to other values; \"hpa at 10:00\" has set .spec.b \
                 to another value",
            ),
        ] {
            let error = refused(json!({"code": 409, "reason": "Conflict", "message": "Apply failed with conflicts",
                "details": {"causes": causes}}));
            let error = CommandError::from(error.about("configmap/demo"));
            assert_eq!(error.message, expected);
            assert!(error.hints[0].contains("--force-conflicts"), "{}", error.text());
        }
        let changed = refused(json!({"code": 409, "reason": "Conflict", "message": "the object has been modified"}));
        assert!(matches!(changed.about("configmap/demo"), Error::Server { .. }), "that is another kind of conflict");
    }

    #[test]
    fn a_users_broken_secret_has_a_way_out() {
        let (secret, namespace, user) = ("demo-user-alice".to_owned(), "kafka".to_owned(), "alice".to_owned());
        let error =
            CommandError::from(Error::Unusable { secret, namespace, user, reason: "it has no key password".into() });
        assert_eq!(
            error.text(),
            "error: cannot use Secret demo-user-alice: it has no key password\n\
             hint: delete it with `kubectl delete secret demo-user-alice -n kafka`, then `kubectl kafka users rotate alice` makes it \
             anew\n"
        );
    }

    #[test]
    fn an_answer_in_plain_text_has_kubernetes_word_for_its_code() {
        let answered = |code| {
            let status = Status::failure("pod not found (\"demo-broker-0\")", NO_STATUS).with_code(code);
            CommandError::from(Error::from_kube("https://there", kube::Error::Api(status.boxed()))).text()
        };
        assert!(answered(500).starts_with("Error from server (InternalError): pod not found"), "{}", answered(500));
        assert!(answered(404).starts_with("Error from server (NotFound): pod not found"), "{}", answered(404));
    }
}
