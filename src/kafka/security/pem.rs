//! PEM as Kafka reads it: also on one line, as a properties file has it, where blanks stand for line breaks.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};

const BEGIN: &str = "-----BEGIN ";

/// Every certificate of a text, in order.
///
/// # Errors
/// There is none, or one is broken.
pub(super) fn certificates(text: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Vec<CertificateDer<'static>> = blocks(text)
        .filter(|block| matches!(block.label, "CERTIFICATE" | "X509 CERTIFICATE"))
        .map(|block| block.decode().map(CertificateDer::from))
        .collect::<Result<_, _>>()?;
    if found.is_empty() { Err("it has no PEM certificate".to_owned()) } else { Ok(found) }
}

/// The first private key of a text: PKCS#8, PKCS#1 or SEC1.
///
/// # Errors
/// There is none, it is broken, or it is encrypted.
pub(super) fn private_key(text: &str) -> Result<PrivateKeyDer<'static>, String> {
    let block = blocks(text).find(|block| block.label.ends_with("PRIVATE KEY")).ok_or("it has no PEM private key")?;
    if block.label == "ENCRYPTED PRIVATE KEY" || block.body.contains("ENCRYPTED") {
        return Err("its private key is encrypted, which is not supported; decrypt it with \
             `openssl pkcs8 -topk8 -nocrypt -in KEY.pem -out PLAIN.pem`"
            .to_owned());
    }
    let der = block.decode()?;
    match block.label {
        "PRIVATE KEY" => Ok(PrivatePkcs8KeyDer::from(der).into()),
        "RSA PRIVATE KEY" => Ok(PrivatePkcs1KeyDer::from(der).into()),
        "EC PRIVATE KEY" => Ok(PrivateSec1KeyDer::from(der).into()),
        other => Err(format!("its \"{other}\" is of no kind that can be used")),
    }
}

struct Block<'t> {
    label: &'t str,
    body: &'t str,
}

impl Block<'_> {
    fn decode(&self) -> Result<Vec<u8>, String> {
        let base64: String = self.body.split_whitespace().collect();
        STANDARD.decode(base64).map_err(|_| format!("its {} is broken", self.label.to_lowercase()))
    }
}

fn blocks(text: &str) -> impl Iterator<Item = Block<'_>> {
    text.split(BEGIN).skip(1).filter_map(|rest| {
        let (label, rest) = rest.split_once("-----")?;
        let (body, _) = rest.split_once("-----END ")?;
        Some(Block { label, body })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_on_lines_or_on_one_line() {
        let lines = "Bag attributes\n-----BEGIN CERTIFICATE-----\nAQID\nBAUG\n-----END CERTIFICATE-----\n";
        let line = "-----BEGIN CERTIFICATE----- AQID BAUG -----END CERTIFICATE-----";
        for text in [lines, line, &format!("{line} {line}")] {
            assert_eq!(certificates(text).expect("certificates")[0].as_ref(), [1, 2, 3, 4, 5, 6], "{text}");
        }
        assert_eq!(certificates(&format!("{line} {line}")).map(|found| found.len()), Ok(2));
    }

    #[test]
    fn what_is_wrong_is_told() {
        assert!(certificates("\u{1}JKS").is_err_and(|error| error.contains("no PEM certificate")));
        assert!(
            certificates("-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----")
                .is_err_and(|error| error == "its certificate is broken")
        );
        for text in [
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAQID\n-----END ENCRYPTED PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAQID\n-----END RSA PRIVATE KEY-----",
        ] {
            assert!(private_key(text).is_err_and(|error| error.contains("openssl pkcs8")), "{text}");
        }
        assert!(private_key("").is_err_and(|error| error.contains("no PEM private key")));
    }
}
