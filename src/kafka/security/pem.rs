//! PEM as Kafka reads it: also on one line, as a properties file has it, where blanks stand for line breaks.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pkcs8::EncryptedPrivateKeyInfoRef;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};
use secrecy::SecretString;

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
    let block = key_block(text).ok_or("it has no PEM private key")?;
    if block.is_encrypted() {
        return Err("its private key is encrypted".to_owned());
    }
    let der = block.decode()?;
    match block.label {
        "PRIVATE KEY" => Ok(PrivatePkcs8KeyDer::from(der).into()),
        "RSA PRIVATE KEY" => Ok(PrivatePkcs1KeyDer::from(der).into()),
        "EC PRIVATE KEY" => Ok(PrivateSec1KeyDer::from(der).into()),
        other => Err(format!("its \"{other}\" is of no kind that can be used")),
    }
}

/// Why an encrypted key cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Encrypted {
    NoPassword,
    WrongPassword,
    /// Not by PKCS#5's second scheme, which is the one that Kafka's own clients read.
    Otherwise,
}

/// A text whose key is not encrypted: the same if it was not.
pub(super) fn decrypted(text: &str, password: Option<&str>) -> Result<SecretString, Encrypted> {
    let Some(block) = key_block(text).filter(Block::is_encrypted) else { return Ok(SecretString::from(text)) };
    if block.label != "ENCRYPTED PRIVATE KEY" {
        return Err(Encrypted::Otherwise);
    }
    let der = block.decode().map_err(|_| Encrypted::Otherwise)?;
    let info = EncryptedPrivateKeyInfoRef::try_from(der.as_slice()).map_err(|_| Encrypted::Otherwise)?;
    if info.encryption_algorithm.pbes2().is_none() {
        return Err(Encrypted::Otherwise);
    }
    let key = info.decrypt(password.ok_or(Encrypted::NoPassword)?).map_err(|_| Encrypted::WrongPassword)?;
    Ok(private_key_of(key.as_bytes()))
}

/// Certificates as text.
pub(super) fn certificates_of(certificates: &[Vec<u8>]) -> String {
    certificates.iter().map(|der| text("CERTIFICATE", der)).collect()
}

/// A key (PKCS#8) as text.
pub(super) fn private_key_of(der: &[u8]) -> SecretString {
    text("PRIVATE KEY", der).into()
}

fn text(label: &str, der: &[u8]) -> String {
    format!("{BEGIN}{label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

fn key_block(text: &str) -> Option<Block<'_>> {
    blocks(text).find(|block| block.label.ends_with("PRIVATE KEY"))
}

struct Block<'t> {
    label: &'t str,
    body: &'t str,
}

impl Block<'_> {
    fn is_encrypted(&self) -> bool {
        self.label == "ENCRYPTED PRIVATE KEY" || self.body.contains("ENCRYPTED")
    }

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
            assert!(private_key(text).is_err_and(|error| error == "its private key is encrypted"), "{text}");
            assert_eq!(decrypted(text, Some("x")).map(|_| ()), Err(Encrypted::Otherwise), "{text}");
        }
        assert!(private_key("").is_err_and(|error| error.contains("no PEM private key")));
    }
}
