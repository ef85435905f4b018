//! The TLS handshake: rustls with ring. A certificate is verified against the cluster's authority and for the host
//! that the broker advertises, whatever way the bytes go.

use std::fmt;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use secrecy::{ExposeSecret, SecretString};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{elliptic, pem};
use crate::kafka::BoxStream;

/// Whose certificates are accepted.
#[derive(Debug, Clone)]
pub enum Trust {
    /// Those signed by these authorities, PEM.
    Pem(String),
    /// Those signed by an authority that this computer trusts.
    System,
}

/// Whether a certificate must be for the host that the broker advertises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostCheck {
    /// It must.
    Required,
    /// Any host's certificate of the authority will do: `ssl.endpoint.identification.algorithm=`.
    Off,
}

/// A client certificate with its issuers, and its key, PEM.
#[derive(Debug, Clone)]
pub struct KeyPair {
    /// The certificate first.
    pub chain: String,
    /// PKCS#8, PKCS#1 or SEC1, not encrypted.
    pub key: SecretString,
}

/// What TLS needs to know.
#[derive(Debug, Clone)]
pub struct TlsSettings {
    /// Whose certificates are accepted.
    pub trust: Trust,
    /// Our own certificate, if the listener asks for one.
    pub key_pair: Option<KeyPair>,
    /// Whether names are checked.
    pub host_check: HostCheck,
}

/// TLS, ready for handshakes. Cheap to clone; all clones share one cache of sessions.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ClientConfig>,
    has_key_pair: bool,
    trusts_system: bool,
    host_check: HostCheck,
}

impl fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Tls")
            .field("has_key_pair", &self.has_key_pair)
            .field("host_check", &self.host_check)
            .finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the certificates and the key.
    ///
    /// # Errors
    /// What is wrong with them, as a sentence about `it`: the authority, the certificate or the key.
    pub fn new(settings: &TlsSettings) -> Result<Self, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = match &settings.trust {
            Trust::Pem(text) => roots(text).map_err(TlsError::Authority)?,
            Trust::System => system_roots(),
        };
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .map_err(|error| TlsError::Authority(error.to_string()))?;
        let verifier = Arc::new(Verifier { inner: verifier, host_check: settings.host_check });
        let builder = builder(provider)?.dangerous().with_custom_certificate_verifier(verifier);
        let config = match &settings.key_pair {
            None => builder.with_no_client_auth(),
            Some(pair) => {
                let (chain, key) = own(pair)?;
                builder.with_client_auth_cert(chain, key).map_err(|error| match error {
                    rustls::Error::InconsistentKeys(_) => TlsError::Key("it does not fit the certificate".to_owned()),
                    other => TlsError::Key(format!("it cannot be used: {other}")),
                })?
            }
        };
        let (has_key_pair, trusts_system) = (settings.key_pair.is_some(), matches!(settings.trust, Trust::System));
        Ok(Self { config: Arc::new(config), has_key_pair, trusts_system, host_check: settings.host_check })
    }

    /// Whether we have a certificate of our own.
    pub fn has_key_pair(&self) -> bool {
        self.has_key_pair
    }

    /// Whether the authorities of this computer are the ones that are trusted.
    pub(super) fn trusts_system(&self) -> bool {
        self.trusts_system
    }

    pub(super) fn checks_hosts(&self) -> bool {
        self.host_check == HostCheck::Required
    }

    /// One round trip with TLS 1.3, two with 1.2.
    pub(super) async fn handshake(
        &self,
        stream: BoxStream,
        host: ServerName<'static>,
    ) -> std::io::Result<TlsStream<BoxStream>> {
        TlsConnector::from(Arc::clone(&self.config)).connect(host, stream).await
    }
}

/// What cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsError {
    /// The authority's certificates.
    Authority(String),
    /// Our own certificate.
    Certificate(String),
    /// Its key.
    Key(String),
}

impl fmt::Display for TlsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authority(reason) => write!(formatter, "the certificate authority cannot be used: {reason}"),
            Self::Certificate(reason) => write!(formatter, "the client certificate cannot be used: {reason}"),
            Self::Key(reason) => write!(formatter, "the client certificate's key cannot be used: {reason}"),
        }
    }
}

fn builder(
    provider: Arc<CryptoProvider>,
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, TlsError> {
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Authority(error.to_string()))
}

fn roots(text: &str) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    for certificate in pem::certificates(text)? {
        store.add(certificate).map_err(|error| format!("its certificate is broken: {error}"))?;
    }
    Ok(store)
}

/// What Java would take from its own store, this computer has in its system's.
fn system_roots() -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    store
}

fn own(pair: &KeyPair) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
    let chain = pem::certificates(&pair.chain).map_err(TlsError::Certificate)?;
    let key = pem::private_key(pair.key.expose_secret()).map_err(TlsError::Key)?;
    let key = match chain.first() {
        Some(certificate) => elliptic::completed(key, certificate),
        None => key,
    };
    Ok((chain, key))
}

/// rustls' own verifier, which checks the chain before the name.
#[derive(Debug)]
struct Verifier {
    inner: Arc<WebPkiServerVerifier>,
    host_check: HostCheck,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.host_check == HostCheck::Off => Ok(ServerCertVerified::assertion()),
            outcome => outcome,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
