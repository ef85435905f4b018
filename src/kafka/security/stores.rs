//! What a file of certificates or keys is, by its first bytes, and how it becomes PEM. What the file is called by
//! its type property may be wrong, and often is not said at all.

/// What was found in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Store {
    /// PEM: the text.
    Pem(String),
    /// Java's own (JKS and JCEKS).
    Java,
    /// PKCS #12, which keytool writes since Java 9.
    Pkcs12,
    /// One certificate as bytes (DER).
    Certificate,
    /// Nothing at all.
    Empty,
    /// None of these.
    Other,
}

/// The first bytes of JKS and of JCEKS (`sun.security.provider.JavaKeyStore`).
const JAVA: [[u8; 4]; 2] = [[0xFE, 0xED, 0xFE, 0xED], [0xCE, 0xCE, 0xCE, 0xCE]];
/// DER's tags.
const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;

impl Store {
    /// Looks at a file.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        if bytes.is_empty() {
            return Self::Empty;
        }
        if JAVA.iter().any(|magic| bytes.starts_with(magic)) {
            return Self::Java;
        }
        match first_in_sequence(&bytes) {
            // RFC 7292: a PFX begins with its version, RFC 5280: a certificate with what was signed.
            Some(INTEGER) => return Self::Pkcs12,
            Some(SEQUENCE) => return Self::Certificate,
            _ => {}
        }
        match String::from_utf8(bytes) {
            Ok(text) if text.contains("-----BEGIN ") => Self::Pem(text),
            _ => Self::Other,
        }
    }

    /// What it is, where that is not PEM, and the command that makes PEM of it.
    pub(super) fn converted(&self, path: &str, to: &str, keys: bool) -> (&'static str, Option<String>) {
        let what = if keys { "-nodes" } else { "-nokeys" };
        let from_pkcs12 = |path: &str| format!("openssl pkcs12 -in {path} {what} -out {to}");
        match self {
            Self::Java => {
                let keytool = format!(
                    "keytool -importkeystore -srckeystore {path} -destkeystore store.p12 -deststoretype PKCS12 && {}",
                    from_pkcs12("store.p12")
                );
                ("a JKS store, and only PEM is read", Some(keytool))
            }
            Self::Pkcs12 => ("a PKCS12 store, and only PEM is read", Some(from_pkcs12(path))),
            Self::Certificate if keys => ("a certificate without a key, in DER", None),
            Self::Certificate => (
                "a certificate in DER, and only PEM is read",
                Some(format!("openssl x509 -inform der -in {path} -out {to}")),
            ),
            Self::Empty => ("empty", None),
            Self::Pem(_) | Self::Other => ("no PEM file", None),
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
mod tests {
    use super::*;

    #[test]
    fn by_the_first_bytes() {
        let der = rcgen::generate_simple_self_signed(vec!["a".to_owned()]).expect("a certificate").cert;
        for (bytes, expected) in [
            (vec![0xFE, 0xED, 0xFE, 0xED, 0, 0, 0, 2], Store::Java),
            (vec![0xCE, 0xCE, 0xCE, 0xCE, 0, 0, 0, 2], Store::Java),
            (vec![0x30, 0x82, 0x0A, 0x10, 0x02, 0x01, 0x03], Store::Pkcs12),
            (vec![0x30, 0x80, 0x02, 0x01, 0x03], Store::Pkcs12),
            (der.der().to_vec(), Store::Certificate),
            (der.pem().into_bytes(), Store::Pem(der.pem())),
            (Vec::new(), Store::Empty),
            (b"0 is no sequence".to_vec(), Store::Other),
            (vec![0x30], Store::Other),
            (vec![0xFF, 0x00], Store::Other),
        ] {
            assert_eq!(Store::of(bytes), expected);
        }
    }

    #[test]
    fn each_has_its_own_command() {
        let command = |store: Store, keys| store.converted("a", "b", keys).1;
        let jks = command(Store::Java, true).expect("a command");
        assert!(jks.starts_with("keytool -importkeystore -srckeystore a ") && jks.ends_with(" -nodes -out b"), "{jks}");
        assert_eq!(command(Store::Pkcs12, false).as_deref(), Some("openssl pkcs12 -in a -nokeys -out b"));
        assert_eq!(command(Store::Certificate, false).as_deref(), Some("openssl x509 -inform der -in a -out b"));
        assert_eq!((command(Store::Certificate, true), command(Store::Other, false)), (None, None));
    }
}
