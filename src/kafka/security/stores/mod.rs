//! The files of certificates and keys that Java programs have. What a file is, its first bytes say: what its type
//! property says may be wrong, and often is not said at all.

mod jks;
mod pkcs12;

use secrecy::SecretSlice;

/// What was found in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Store {
    /// PEM: the text.
    Pem(String),
    /// Java's own (JKS).
    Jks(Vec<u8>),
    /// PKCS #12, which keytool writes since Java 9.
    Pkcs12(Vec<u8>),
    /// Java's own for secret keys (JCEKS).
    Jceks,
    /// One certificate as bytes (DER).
    Certificate,
    /// Nothing at all.
    Empty,
    /// None of these.
    Other,
}

/// The first bytes of JKS and of JCEKS (`sun.security.provider.JavaKeyStore`).
const JKS: [u8; 4] = [0xFE, 0xED, 0xFE, 0xED];
const JCEKS: [u8; 4] = [0xCE, 0xCE, 0xCE, 0xCE];
/// DER's tags.
const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;

/// What opens a store.
pub(super) struct Passwords<'p> {
    /// Of the whole.
    pub(super) store: Option<&'p str>,
    /// Of the keys in it; `None`: they are not wanted, and may be under a password that nobody has.
    pub(super) key: Option<&'p str>,
}

/// What a client takes from a store, all of it DER.
#[derive(Default)]
pub(super) struct Contents {
    /// The authorities that it trusts.
    pub(super) trusted: Vec<Vec<u8>>,
    /// The first key.
    pub(super) key: Option<Key>,
}

/// A key in a store.
pub(super) struct Key {
    /// Its name in the store.
    pub(super) alias: String,
    /// The key itself.
    pub(super) pkcs8: SecretSlice<u8>,
    /// Its certificate, then those of its issuers.
    pub(super) chain: Vec<Vec<u8>>,
}

/// Why a store cannot be opened.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum StoreError {
    /// The store's password is wrong, or missing.
    Password,
    /// The key's password is wrong.
    KeyPassword,
    /// What is wrong with it.
    Broken(String),
}

impl Store {
    /// Looks at a file.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        if bytes.is_empty() {
            return Self::Empty;
        }
        if bytes.starts_with(&JKS) {
            return Self::Jks(bytes);
        }
        if bytes.starts_with(&JCEKS) {
            return Self::Jceks;
        }
        match first_in_sequence(&bytes) {
            // RFC 7292: a PFX begins with its version, RFC 5280: a certificate with what was signed.
            Some(INTEGER) => return Self::Pkcs12(bytes),
            Some(SEQUENCE) => return Self::Certificate,
            _ => {}
        }
        match String::from_utf8(bytes) {
            Ok(text) if text.contains("-----BEGIN ") => Self::Pem(text),
            _ => Self::Other,
        }
    }

    /// What is in it; `None` for a file that is no store, for which [`Self::other`] has the words.
    pub(super) fn open(&self, passwords: &Passwords<'_>) -> Option<Result<Contents, StoreError>> {
        match self {
            Self::Jks(bytes) => Some(jks::open(bytes, passwords)),
            Self::Pkcs12(bytes) => Some(pkcs12::open(bytes, passwords)),
            _ => None,
        }
    }

    /// What a file is that cannot be read, and the command that makes PEM of it.
    pub(super) fn other(&self, path: &str, to: &str, keys: bool) -> (&'static str, Option<String>) {
        match self {
            Self::Jceks => (
                "a JCEKS store, and PKCS12, JKS and PEM are read",
                Some(format!(
                    "keytool -importkeystore -srckeystore {path} -srcstoretype JCEKS -destkeystore {to} -deststoretype PKCS12"
                )),
            ),
            Self::Certificate if keys => ("a certificate without a key, in DER", None),
            Self::Certificate => (
                "a certificate in DER, and PEM, PKCS12 and JKS are read",
                Some(format!("openssl x509 -inform der -in {path} -out {to}")),
            ),
            Self::Empty => ("empty", None),
            _ => ("no PEM file and no store of Java's", None),
        }
    }
}

/// The tag of the first thing in a DER sequence that is the whole file; `None`: it is none.
fn first_in_sequence(bytes: &[u8]) -> Option<u8> {
    let (SEQUENCE, length) = (*bytes.first()?, *bytes.get(1)?) else { return None };
    // The length follows in one byte, or in as many as its low bits say.
    let more = if length & 0x80 == 0 { 0 } else { usize::from(length & 0x7F) };
    bytes.get(2 + more).copied()
}

#[cfg(test)]
mod tests;
