//! TLS and SASL, around whatever stream a dialer opened: a [`SecureDialer`] holds another dialer, so everything
//! above it works with a secure cluster as it does with an open one.
//!
//! * `dialer`: the dialer.
//! * `tls`: the handshake; certificates are verified for the host that the broker advertises.
//! * `sasl`, `scram`: logging in.
//! * `client_properties`, `client_stores`, `properties`, `spelling`, `jaas`, `stores`, `pem`: the files that Kafka's own
//!   tools take.

mod client_properties;
mod client_stores;
mod dialer;
mod elliptic;
mod jaas;
mod pem;
mod properties;
mod sasl;
pub mod scram;
mod served;
mod spelling;
mod stores;
mod tls;
mod tls_words;

use std::fmt;
use std::sync::Arc;

pub use client_properties::{PropertiesError, from_client_properties};
pub use dialer::{SecureDialer, mechanisms, wants_login};
pub use sasl::{Mechanism, Sasl};
pub use served::served_certificate;
pub use tls::{HostCheck, KeyPair, Tls, TlsSettings, Trust};

use super::dial::Dialer;

/// The principal of who shows neither a password nor a certificate.
pub const ANONYMOUS: &str = "User:ANONYMOUS";

/// How connections are protected, and who we are. Its `Debug` shows no secret.
#[derive(Clone)]
pub struct Security {
    /// TLS, or plain text.
    pub tls: Option<Tls>,
    /// Logging in, or not.
    pub sasl: Option<Sasl>,
    /// Where it was read, for messages: `Secret demo-user-admin`, or a file's name.
    pub source: String,
}

impl Security {
    /// Neither TLS nor a login.
    pub fn open() -> Self {
        Self { tls: None, sasl: None, source: String::new() }
    }

    /// The principal that Kafka knows us by; `None` when that depends on the broker's mapping of certificates.
    pub fn principal(&self) -> Option<String> {
        match (&self.sasl, &self.tls) {
            (Some(sasl), _) => Some(format!("User:{}", sasl.username)),
            (None, Some(tls)) if tls.has_key_pair() => None,
            (None, _) => Some(ANONYMOUS.to_owned()),
        }
    }

    /// Whether there is anything to do on a fresh stream.
    pub fn is_plain(&self) -> bool {
        self.tls.is_none() && self.sasl.is_none()
    }

    /// The dialer, secured.
    pub fn around(self, dialer: Arc<dyn Dialer>) -> Arc<dyn Dialer> {
        if self.is_plain() { dialer } else { Arc::new(SecureDialer::new(dialer, self)) }
    }
}

impl fmt::Debug for Security {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Security")
            .field("tls", &self.tls.is_some())
            .field("sasl", &self.sasl)
            .field("source", &self.source)
            .finish()
    }
}

#[cfg(test)]
mod tests;
