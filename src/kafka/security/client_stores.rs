//! What client properties say of certificates and keys (`ssl.truststore.…`, `ssl.keystore.…`, `ssl.key.password`):
//! PEM in the file or in one of its own, PKCS12 and JKS.

use secrecy::{ExposeSecret, SecretString};

use super::client_properties::{File, PropertiesError, Result};
use super::pem::{self, Encrypted};
use super::stores::{Contents, Passwords, Store, StoreError};
use super::tls::{KeyPair, Trust};

const TRUSTSTORE: &str = "ssl.truststore";
const KEYSTORE: &str = "ssl.keystore";
const KEY_PASSWORD: &str = "ssl.key.password";

/// What a file turned out to be.
enum Found {
    Pem(String),
    Store(Contents),
}

impl File<'_> {
    pub(super) fn trust(&self) -> Result<Trust> {
        if let Some(certificates) = self.set("ssl.truststore.certificates") {
            return Ok(Trust::Pem(certificates.to_owned()));
        }
        let Some(path) = self.set("ssl.truststore.location") else { return Ok(Trust::System) };
        match self.found(TRUSTSTORE, path)? {
            Found::Pem(text) => Ok(Trust::Pem(text)),
            Found::Store(contents) if contents.trusted.is_empty() => {
                Err(PropertiesError::new(format!("ssl.truststore.location: {path} has no certificate that is trusted"))
                    .hinted(format!(
                        "add the authority's with `keytool -importcert -keystore {path} -alias ca -file ca.pem`"
                    )))
            }
            Found::Store(contents) => Ok(Trust::Pem(pem::certificates_of(&contents.trusted))),
        }
    }

    pub(super) fn key_pair(&self) -> Result<Option<KeyPair>> {
        let inline = (self.set("ssl.keystore.certificate.chain"), self.set("ssl.keystore.key"));
        let pair = match (inline, self.set("ssl.keystore.location")) {
            ((Some(chain), Some(key)), _) => KeyPair { chain: chain.to_owned(), key: self.decrypted(key)? },
            ((None, None), None) => return Ok(None),
            ((None, None), Some(path)) => match self.found(KEYSTORE, path)? {
                Found::Pem(text) => KeyPair { key: self.decrypted(&text)?, chain: text },
                Found::Store(contents) => stored_key(contents, path)?,
            },
            ((Some(_), None), _) => {
                return Err(PropertiesError::new("ssl.keystore.key is not set, and the chain needs it"));
            }
            ((None, Some(_)), _) => {
                return Err(PropertiesError::new("ssl.keystore.certificate.chain is not set, and the key needs it"));
            }
        };
        pem::private_key(pair.key.expose_secret())
            .map_err(|reason| PropertiesError::new(format!("{KEYSTORE}: {reason}")))?;
        Ok(Some(pair))
    }

    /// The text of a key, without its password.
    fn decrypted(&self, text: &str) -> Result<SecretString> {
        pem::decrypted(text, self.set(KEY_PASSWORD)).map_err(|error| match error {
            Encrypted::NoPassword => {
                PropertiesError::new(format!("{KEY_PASSWORD} is not set, and the key of {KEYSTORE} is encrypted"))
            }
            Encrypted::WrongPassword => {
                PropertiesError::new(format!("{KEY_PASSWORD} is wrong for the key of {KEYSTORE}"))
            }
            Encrypted::Otherwise => {
                PropertiesError::new(format!("{KEYSTORE}: its private key is encrypted in a way that is not read"))
                    .hinted("convert it with `openssl pkcs8 -topk8 -in KEY.pem -out NEW.pem`")
            }
        })
    }

    /// What is in the file of `PREFIX.location`.
    fn found(&self, prefix: &str, path: &str) -> Result<Found> {
        let location = |reason: String| PropertiesError::new(format!("{prefix}.location: {reason}"));
        let bytes = (self.read)(path).map_err(|error| location(format!("cannot read {path}: {error}")))?;
        let keys = prefix == KEYSTORE;
        let store = match Store::of(bytes) {
            Store::Pem(text) => return Ok(Found::Pem(text)),
            other => other,
        };
        let password = self.set(&format!("{prefix}.password"));
        // A PKCS12 store may have none; the keys of a JKS store always have one.
        if keys && password.is_none() && matches!(store, Store::Jks(_)) {
            return Err(PropertiesError::new(format!("{prefix}.password is not set, and {path} needs it")));
        }
        let key = keys.then(|| self.set(KEY_PASSWORD).or(password).unwrap_or_default());
        match store.open(&Passwords { store: password, key }) {
            Some(Ok(contents)) => Ok(Found::Store(contents)),
            Some(Err(StoreError::Password)) if password.is_none() => {
                Err(PropertiesError::new(format!("{prefix}.password is not set, and {path} needs it")))
            }
            Some(Err(StoreError::Password)) => {
                Err(PropertiesError::new(format!("{prefix}.password is wrong for {path}")))
            }
            Some(Err(StoreError::KeyPassword)) => {
                let name = if self.set(KEY_PASSWORD).is_some() {
                    "is wrong"
                } else {
                    "is not set, and is another than the store's,"
                };
                Err(PropertiesError::new(format!("{KEY_PASSWORD} {name} for the key in {path}")))
            }
            Some(Err(StoreError::Broken(reason))) => Err(location(format!("{path} cannot be read: {reason}"))),
            None => Err(not_read(&store, prefix, path, keys)),
        }
    }
}

fn not_read(store: &Store, prefix: &str, path: &str, keys: bool) -> PropertiesError {
    let to = if keys { "client.pem" } else { "ca.pem" };
    let (what, command) = store.other(path, to, keys);
    let error = PropertiesError::new(format!("{prefix}.location: {path} is {what}"));
    match command {
        None if keys => error.hinted("PEM has -----BEGIN CERTIFICATE----- and -----BEGIN PRIVATE KEY----- in it"),
        None => error.hinted("PEM has -----BEGIN CERTIFICATE----- in it"),
        Some(command) => error.hinted(format!("convert it with `{command}`, then set {prefix}.location={to}")),
    }
}

fn stored_key(contents: Contents, path: &str) -> Result<KeyPair> {
    let key = contents.key.ok_or_else(|| {
        PropertiesError::new(format!("ssl.keystore.location: {path} has no key with a certificate"))
            .hinted(format!("`keytool -list -keystore {path}` shows what it has"))
    })?;
    tracing::info!(path, alias = key.alias, "the client's certificate");
    Ok(KeyPair { chain: pem::certificates_of(&key.chain), key: pem::private_key_of(key.pkcs8.expose_secret()) })
}

#[cfg(test)]
mod tests {
    use super::super::Security;
    use super::super::client_properties::from_client_properties;
    use super::*;

    fn read(path: &str) -> std::io::Result<Vec<u8>> {
        std::fs::read(format!("{}/src/kafka/security/stores/samples/{path}", env!("CARGO_MANIFEST_DIR")))
    }

    fn security(more: &str) -> Result<Security> {
        from_client_properties(&format!("security.protocol=SSL\n{more}"), "client.properties", &read)
    }

    fn with_trust(store: &str) -> String {
        format!("ssl.truststore.location={store}\nssl.truststore.password=changeit\n")
    }

    fn with_key(store: &str, more: &str) -> String {
        format!("{}ssl.keystore.location={store}\n{more}\n", with_trust("trust.p12"))
    }

    #[test]
    fn a_client_of_javas_needs_no_other_files() {
        for store in ["trust.jks", "trust.p12", "unmarked.p12", "ca.pem"] {
            let security = security(&with_trust(store)).expect(store);
            assert!(security.tls.is_some_and(|tls| !tls.has_key_pair()), "{store}");
        }
        assert!(
            security("ssl.truststore.location=trust.jks").is_ok(),
            "Java does not check what it has no password for"
        );
        let store = "ssl.keystore.password=changeit";
        let both = "ssl.keystore.password=changeit\nssl.key.password=keykey";
        for (keystore, passwords) in [
            ("client.jks", store),
            ("other.jks", both),
            ("client.p12", store),
            ("openssl.p12", store),
            ("legacy.p12", store),
        ] {
            let security = security(&with_key(keystore, passwords)).expect(keystore);
            assert!(security.tls.is_some_and(|tls| tls.has_key_pair()), "{keystore}");
        }
    }

    #[test]
    fn an_encrypted_key_is_decrypted() {
        let chain = String::from_utf8(read("ca.pem").expect("a sample")).expect("PEM").replace('\n', "\\n");
        for key in ["pbes2.pem", "des3.pem"] {
            let key = String::from_utf8(read(key).expect("a sample")).expect("PEM").replace('\n', "\\n");
            let inline = format!("ssl.keystore.certificate.chain={chain}\nssl.keystore.key={key}\n");
            let right = security(&format!("{inline}ssl.key.password=changeit")).expect("security");
            assert!(right.tls.is_some_and(|tls| tls.has_key_pair()));
            let fault = |more: &str| security(&format!("{inline}{more}")).expect_err("an encrypted key").message;
            assert!(fault("").ends_with("ssl.key.password is not set, and the key of ssl.keystore is encrypted"));
            assert!(fault("ssl.key.password=x").ends_with("ssl.key.password is wrong for the key of ssl.keystore"));
        }
    }

    #[test]
    fn what_is_wrong_with_a_store_is_told() {
        for (text, expected) in [
            (with_trust("trust.jks").replace("changeit", "x"), "ssl.truststore.password is wrong for trust.jks"),
            (with_trust("trust.p12").replace("changeit", "x"), "ssl.truststore.password is wrong for trust.p12"),
            (
                "ssl.truststore.location=trust.p12".to_owned(),
                "ssl.truststore.password is not set, and trust.p12 needs it",
            ),
            (with_trust("client.p12"), "ssl.truststore.location: client.p12 has no certificate that is trusted"),
            (
                with_key("trust.jks", "ssl.keystore.password=changeit"),
                "ssl.keystore.location: trust.jks has no key with a certificate",
            ),
            (with_key("client.jks", ""), "ssl.keystore.password is not set, and client.jks needs it"),
            (
                with_key("other.jks", "ssl.keystore.password=changeit"),
                "ssl.key.password is not set, and is another than the store's, for the key in other.jks",
            ),
            (
                with_key("other.jks", "ssl.keystore.password=changeit\nssl.key.password=x"),
                "ssl.key.password is wrong for the key in other.jks",
            ),
            (
                with_key("pbes1.pem", "ssl.key.password=changeit"),
                "ssl.keystore: its private key is encrypted in a way that is not read",
            ),
        ] {
            let fault = security(&text).expect_err(expected);
            assert_eq!(fault.message, format!("client.properties: {expected}"), "{text}");
            assert!(!format!("{fault:?}").contains("changeit"), "{fault:?}");
        }
    }
}
