//! Kafka's protocol, spoken over any stream. Knows nothing of Kubernetes or of the terminal.
//!
//! * [`dial`]: the one trait that joins this room with a way to reach a broker.
//! * [`connection`]: one stream: negotiation, pipelined requests.
//! * `frame`: requests and answers as bytes.
//! * [`cluster`]: many connections: routing by node, retries.
//! * [`admin`]: one file per family of requests, with plain structs of our own.
//! * [`fetch`]: reading partitions without a group.
//! * [`produce`]: writing messages.
//! * [`security`]: TLS and SASL around any dialer.
//! * [`records`]: offsets, templates and envelopes of the records that people type and read.

mod access;
pub mod admin;
pub mod cluster;
pub mod connection;
pub mod dial;
pub mod error;
mod error_words;
pub mod fetch;
mod frame;
mod patience;
pub mod produce;
pub mod records;
pub mod security;
#[cfg(test)]
pub(crate) mod testing;

pub use access::{Denied, Family};
pub use cluster::{Ask, Broker, Cluster, ClusterOptions};
pub use connection::Connection;
pub use dial::{BoxStream, DialError, DialReason, Dialer, Endpoint, NodeId, Stream, Target};
pub use error::{Error, ErrorCode, Result};
pub use frame::CLIENT_ID;
pub use security::Security;
