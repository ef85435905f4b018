//! How a connection reaches a broker: node id → byte stream.
//!
//! Port-forward, plain TCP and a test's in-memory pipe are dialers. Security wraps whatever the dialer
//! returned.

use std::fmt;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};

/// A node's id (`node.id`, `broker.id`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(pub i32);

impl fmt::Display for NodeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The address that a node advertises: a name of the cluster's inside, rarely reachable from here.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Endpoint {
    /// Advertised host, also the name that its certificate carries.
    pub host: String,
    /// Advertised port.
    pub port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

/// Where a connection should go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Any broker that answers; the dialer knows the candidates and their order.
    Bootstrap,
    /// One node, at the address that Metadata gave.
    Node(NodeId, Endpoint),
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bootstrap => formatter.write_str("the Kafka cluster"),
            Self::Node(node, endpoint) => write!(formatter, "broker {node} ({endpoint})"),
        }
    }
}

/// A two-way byte stream.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for T {}

/// Any stream.
pub type BoxStream = Box<dyn Stream>;

/// Why no stream could be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialReason {
    /// The pod or host does not exist (now).
    Gone,
    /// Nothing listens on the port (yet).
    Refused,
    /// The caller may not open it.
    Forbidden,
    /// The way to it is broken: API server unreachable, network down.
    Unreachable,
    /// It did not answer in time.
    TimedOut,
    /// One side does not accept the other: a certificate, or TLS where there is none.
    Refusal,
    /// A login is wanted, and there is none or a wrong one.
    Denied,
}

/// No stream: the reason for the program, a sentence for the person.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct DialError {
    /// What kind of failure it is.
    pub reason: DialReason,
    /// One line that names the pod or address.
    pub message: String,
    /// What to do, if that is known.
    pub hint: Option<String>,
}

impl DialError {
    /// An error without a hint.
    pub fn new(reason: DialReason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), hint: None }
    }

    /// Whether the same dial may work a moment later (a pod that restarts).
    pub fn is_transient(&self) -> bool {
        matches!(self.reason, DialReason::Gone | DialReason::Refused | DialReason::TimedOut | DialReason::Unreachable)
    }
}

/// Opens streams to brokers. Implementations add their own deadline to each dial and do not retry:
/// retries belong to the caller, who knows how long it may take.
pub trait Dialer: Send + Sync + 'static {
    /// Opens a fresh stream to the target.
    fn dial<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, std::result::Result<BoxStream, DialError>>;

    /// As [`dial`](Self::dial), and tells whose stream it is: the host that the certificate must be for. `None`
    /// when that is not known.
    fn dial_host<'a>(
        &'a self,
        target: &'a Target,
    ) -> BoxFuture<'a, std::result::Result<(BoxStream, Option<String>), DialError>> {
        let host = match target {
            Target::Bootstrap => None,
            Target::Node(_, endpoint) => Some(endpoint.host.clone()),
        };
        async move { Ok((self.dial(target).await?, host)) }.boxed()
    }
}
