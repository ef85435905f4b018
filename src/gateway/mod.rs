//! One loopback listener per broker, for Kafka clients that open their own sockets.
//!
//! Brokers advertise names of the cluster's inside. A client that is told such a name cannot reach it, so
//! every response that carries addresses is rewritten: node 101 becomes `127.0.0.1:<its listener>`. All
//! other bytes pass as they are; requests are looked at only as far as their header.
//!
//! Rewriting goes by node id, never by name: a node that appears for the first time (a broker that was
//! down, or new) gets its listener while the response that names it is rewritten.
//!
//! A random password per run keeps other users of this machine out: the gateway answers SASL/PLAIN itself
//! and passes nothing but `ApiVersions` before that.

mod connection;
mod directory;
mod frame;
mod librdkafka;
mod rewrite;
mod sasl;

use std::sync::Arc;

use tokio::sync::watch;

use crate::error::CommandError;
use crate::kafka::{Broker, Dialer};
use directory::Directory;
pub use librdkafka::quiet;

/// A running gateway. Dropping it closes every listener and every connection.
pub struct Gateway {
    directory: Arc<Directory>,
    bootstrap: String,
    /// Connections watch for its end.
    _open: watch::Sender<()>,
}

/// No listener could be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on 127.0.0.1: {0}")]
pub struct ListenError(#[from] std::io::Error);

impl From<ListenError> for CommandError {
    fn from(error: ListenError) -> Self {
        Self::failed(error.to_string())
    }
}

impl Gateway {
    /// Opens a listener for each broker. Must be called within a tokio runtime, which serves the
    /// connections.
    pub fn open(dialer: Arc<dyn Dialer>, brokers: &[Broker]) -> Result<Self, ListenError> {
        let (open, closed) = watch::channel(());
        let directory = Arc::new(Directory::new(dialer, random_password()?, closed));
        let mut addresses = Vec::with_capacity(brokers.len());
        for broker in brokers {
            let port = directory.port(broker.node, &broker.endpoint)?;
            addresses.push(format!("127.0.0.1:{port}"));
        }
        Ok(Self { directory, bootstrap: addresses.join(","), _open: open })
    }

    /// `127.0.0.1:port,…`: the listeners of the brokers that were known at the start.
    pub fn bootstrap_servers(&self) -> &str {
        &self.bootstrap
    }

    /// The user of SASL/PLAIN.
    pub fn username(&self) -> &'static str {
        sasl::USERNAME
    }

    /// The password of SASL/PLAIN, random and only for this run.
    pub fn password(&self) -> &str {
        self.directory.password()
    }
}

/// 192 bits, in characters that no client's configuration file has to quote.
fn random_password() -> Result<String, std::io::Error> {
    use base64::Engine;
    let mut secret = [0_u8; 24];
    getrandom::fill(&mut secret).map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(secret))
}

#[cfg(test)]
mod tests;
