//! What a certificate says.

use jiff::Timestamp;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, RootCertStore};
use x509_parser::extensions::GeneralName;
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::{FromDer, X509Certificate};

/// A certificate as people talk about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateInfo {
    /// Whose it is.
    pub common_name: String,
    /// The common name of who signed it.
    pub issuer: String,
    /// DNS names and addresses.
    pub names: Vec<String>,
    /// Its number, in hexadecimal digits.
    pub serial: String,
    /// From when on it is valid.
    pub not_before: Timestamp,
    /// Until when it is valid.
    pub not_after: Timestamp,
    /// Whether it may sign others.
    pub is_authority: bool,
    /// Whether its key usage, where it has one, is to sign certificates.
    pub signs_certificates: bool,
    public_key: Vec<u8>,
    der: Vec<u8>,
}

impl CertificateInfo {
    /// The first certificate of a PEM text.
    pub fn from_pem(text: &str) -> Result<Self, String> {
        let start = text.find("-----BEGIN CERTIFICATE-----").ok_or("there is no PEM certificate in it")?;
        let (_, pem) = parse_x509_pem(&text.as_bytes()[start..]).map_err(|_| "there is no PEM certificate in it")?;
        Self::from_der(&pem.contents)
    }

    /// From the bytes that a server shows in a handshake.
    pub fn from_der(bytes: &[u8]) -> Result<Self, String> {
        let (_, certificate) =
            X509Certificate::from_der(bytes).map_err(|error| format!("the certificate is not read: {error}"))?;
        let time = |seconds: i64| Timestamp::from_second(seconds).map_err(|error| error.to_string());
        Ok(Self {
            common_name: common_name(certificate.subject()),
            issuer: common_name(certificate.issuer()),
            names: names(&certificate),
            serial: hexadecimal(certificate.raw_serial()),
            not_before: time(certificate.validity().not_before.timestamp())?,
            not_after: time(certificate.validity().not_after.timestamp())?,
            is_authority: certificate.is_ca(),
            signs_certificates: match certificate.key_usage() {
                Ok(usage) => usage.is_none_or(|usage| usage.value.key_cert_sign()),
                Err(_) => false,
            },
            public_key: certificate.public_key().raw.to_vec(),
            der: bytes.to_vec(),
        })
    }

    /// Seconds until it expires; negative when it has.
    pub fn seconds_left(&self) -> i64 {
        self.not_after.as_second() - Timestamp::now().as_second()
    }

    /// Whether its signature is that of an authority, given as PEM. What is signed in a way that is not known here
    /// counts as signed.
    pub fn is_signed_by(&self, authority: &str) -> bool {
        let certificate = CertificateDer::from(self.der.as_slice());
        let mut roots = RootCertStore::empty();
        let Ok(root) = CertificateDer::from_pem_slice(authority.as_bytes()) else { return false };
        let (Ok(()), Ok(parsed)) = (roots.add(root), ParsedCertificate::try_from(&certificate)) else { return true };
        let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
        let verified = rustls::client::verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &roots,
            &[],
            UnixTime::now(),
            algorithms.all,
        );
        !matches!(
            verified,
            Err(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature))
        )
    }

    /// Whether it is about a key, given as SubjectPublicKeyInfo.
    pub(super) fn fits(&self, public_key: &[u8]) -> bool {
        self.public_key == public_key
    }
}

fn common_name(name: &x509_parser::x509::X509Name<'_>) -> String {
    let first = name.iter_common_name().next().and_then(|name| name.as_str().ok());
    first.map_or_else(|| name.to_string(), str::to_owned)
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    extension
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) => address(bytes),
            _ => None,
        })
        .collect()
}

fn address(bytes: &[u8]) -> Option<String> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(|bytes| std::net::Ipv4Addr::from(bytes).to_string()),
        16 => <[u8; 16]>::try_from(bytes).ok().map(|bytes| std::net::Ipv6Addr::from(bytes).to_string()),
        _ => None,
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
