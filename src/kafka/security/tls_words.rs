//! What went wrong with TLS, in words and with what to do.

use jiff::Timestamp;
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error as TlsFault};

/// A refusal: the sentence that follows the broker's name, and a hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Refusal {
    fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()) }
    }
}

/// Our side of a handshake.
#[derive(Debug, Clone)]
pub(super) struct Ours {
    /// Where it was read: `Secret demo-user-admin`, or a file's name.
    pub(super) source: String,
    /// Whether there is a certificate of our own.
    pub(super) has_key_pair: bool,
    /// Whether the source names no authority, so that this computer's are trusted.
    pub(super) trusts_system: bool,
}

/// From rustls' error. `None`: it says nothing about either side's certificate or settings.
pub(super) fn refusal(fault: &TlsFault, ours: &Ours) -> Option<Refusal> {
    match fault {
        TlsFault::InvalidCertificate(error) => Some(certificate(error, ours)),
        TlsFault::AlertReceived(alert) => alerted(*alert, ours.has_key_pair, &ours.source),
        TlsFault::PeerIncompatible(_) => Some(Refusal::new(
            format!("its TLS has no version or cipher in common with ours ({fault})"),
            "TLS 1.2 and 1.3 are spoken here; see ssl.enabled.protocols and ssl.cipher.suites of the broker",
        )),
        _ => None,
    }
}

/// The broker's certificate is not accepted.
fn certificate(error: &CertificateError, ours: &Ours) -> Refusal {
    let source = &ours.source;
    match error {
        CertificateError::UnknownIssuer | CertificateError::BadSignature if ours.trusts_system => Refusal::new(
            format!(
                "its certificate is not signed by an authority that this computer trusts, and {source} names no other"
            ),
            "name one with ssl.truststore.location and ssl.truststore.type=PEM; of a cluster NAME it is ca.crt in \
             ConfigMap NAME-ca",
        ),
        CertificateError::UnknownIssuer | CertificateError::BadSignature => Refusal::new(
            format!("its certificate is not signed by the certificate authority of {source}"),
            "get the authority that signs the brokers' certificates; of a cluster NAME it is ca.crt in ConfigMap \
             NAME-ca",
        ),
        CertificateError::ExpiredContext { not_after, .. } => {
            Refusal::new(format!("its certificate expired at {}", time(*not_after)), RENEW)
        }
        CertificateError::Expired => Refusal::new("its certificate has expired", RENEW),
        CertificateError::NotValidYetContext { not_before, .. } => Refusal::new(
            format!("its certificate is not valid before {}", time(*not_before)),
            "check the clock of this computer",
        ),
        CertificateError::NotValidYet => {
            Refusal::new("its certificate is not valid yet", "check the clock of this computer")
        }
        CertificateError::NotValidForNameContext { expected, presented } => Refusal::new(
            format!("its certificate is not for \"{}\" but for {}", expected.to_str(), names(presented)),
            OTHER_NAME,
        ),
        CertificateError::NotValidForName => Refusal::new("its certificate is for another host", OTHER_NAME),
        other => Refusal {
            message: format!("its certificate is not accepted: {}", TlsFault::InvalidCertificate(other.clone())),
            hint: None,
        },
    }
}

const RENEW: &str = "renew the brokers' certificates, or check the clock of this computer";
const OTHER_NAME: &str = "connect by a name that the certificate has, or put ssl.endpoint.identification.algorithm= (empty) into the file of --command-config to accept any host of this authority";

/// The broker does not accept ours, or wants one.
fn alerted(alert: AlertDescription, has_key_pair: bool, source: &str) -> Option<Refusal> {
    match alert {
        AlertDescription::CertificateRequired => Some(required()),
        AlertDescription::BadCertificate | AlertDescription::HandshakeFailure if !has_key_pair => Some(required()),
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::DecryptError
        | AlertDescription::AccessDenied
        | AlertDescription::HandshakeFailure => Some(Refusal::new(
            format!("it does not accept the client certificate of {source} ({alert:?})"),
            "the certificate must be valid now and signed by an authority in the broker's truststore",
        )),
        AlertDescription::ProtocolVersion => {
            Some(Refusal::new("it speaks neither TLS 1.2 nor 1.3", "see ssl.enabled.protocols of the broker"))
        }
        _ => None,
    }
}

fn required() -> Refusal {
    Refusal::new(
        "it asks for a client certificate, and there is none",
        "name one with ssl.keystore.location and ssl.keystore.type=PEM in a file for --command-config",
    )
}

fn time(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map_or_else(|_| format!("{seconds} s"), |time| time.to_string())
}

/// webpki writes `DnsName("a")`, and that is its `Debug`.
fn names(presented: &[String]) -> String {
    let plain = |name: &String| match name.split_once('"') {
        Some((_, rest)) => rest.trim_end_matches(['"', ')']).to_owned(),
        None => name.trim_start_matches("IpAddress(").trim_end_matches(')').to_owned(),
    };
    if presented.is_empty() {
        return "no host at all".to_owned();
    }
    presented.iter().map(plain).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_an_authority_is_not_said_to_have_one() {
        let fault = TlsFault::InvalidCertificate(CertificateError::UnknownIssuer);
        let told = |trusts_system| {
            let ours = Ours { source: "client.properties".into(), has_key_pair: false, trusts_system };
            refusal(&fault, &ours).map(|refusal| refusal.message)
        };
        assert_eq!(
            told(true).as_deref(),
            Some(
                "its certificate is not signed by an authority that this computer trusts, and client.properties names \
                 no other"
            )
        );
        assert_eq!(
            told(false).as_deref(),
            Some("its certificate is not signed by the certificate authority of client.properties")
        );
    }
}
