//! The Secret of a Kafka user: everything that a client needs to connect, so that a pod can mount it and a
//! person can read one object.
//!
//! Keys: `username`, `password`, `sasl.mechanism`, `sasl.jaas.config`, `security.protocol`,
//! `bootstrap.servers`, `ca.crt` and `client.properties`, which is complete by itself (PEM inline) wherever it
//! is mounted. The admin's also has `tls.crt` and `tls.key`, for the listeners between brokers and controllers.

mod store;

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use secrecy::{ExposeSecret, SecretString};

use super::error::Result;
use super::manifests::Manifest;
use super::names::{ClusterName, LABEL_USER};

pub use store::{Before, Lookup, authority, before, delete, exists, find, password_of, readers, users, write};

const KEY_USERNAME: &str = "username";
const KEY_PASSWORD: &str = "password";
const KEY_MECHANISM: &str = "sasl.mechanism";
const KEY_JAAS: &str = "sasl.jaas.config";
const KEY_PROTOCOL: &str = "security.protocol";
const KEY_BOOTSTRAP: &str = "bootstrap.servers";
/// Key of the certificate authority, here and in the Secret and the ConfigMap of the authority itself.
pub const KEY_CA: &str = "ca.crt";
const KEY_CLIENT_PROPERTIES: &str = "client.properties";
const KEY_CERTIFICATE: &str = "tls.crt";
const KEY_PRIVATE_KEY: &str = "tls.key";

/// What one Kafka user connects with. Its `Debug` shows neither password nor key.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user's name, which is also its principal's: `User:<name>`.
    pub username: String,
    /// Its password.
    pub password: SecretString,
    /// `SCRAM-SHA-512`
    pub mechanism: String,
    /// `SASL_SSL`, or `SASL_PLAINTEXT` without TLS.
    pub protocol: String,
    /// Where clients in the Kubernetes cluster start.
    pub bootstrap_servers: String,
    /// The certificate authority, PEM; `None` without TLS.
    pub ca: Option<String>,
    /// A client certificate, for listeners that ask for one.
    pub certificate: Option<ClientCertificate>,
}

/// A client certificate and its key, both PEM.
#[derive(Clone)]
pub struct ClientCertificate {
    /// The certificate, followed by its issuers if there are any.
    pub chain: String,
    /// PKCS#8.
    pub key: SecretString,
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ClientCertificate").finish_non_exhaustive()
    }
}

/// The Secret of a user, pure.
///
/// # Errors
/// Never in practice: a Secret is always written.
pub fn secret(cluster: &ClusterName, namespace: &str, credentials: &Credentials) -> Result<Manifest> {
    let mut labels = cluster.labels();
    labels.insert(LABEL_USER.to_owned(), credentials.username.clone());
    Manifest::of(&Secret {
        metadata: ObjectMeta {
            name: Some(cluster.user(&credentials.username)),
            namespace: Some(namespace.to_owned()),
            labels: Some(labels),
            ..ObjectMeta::default()
        },
        type_: Some("Opaque".to_owned()),
        data: Some(credentials.data()),
        ..Secret::default()
    })
}

impl Credentials {
    /// From a Secret.
    ///
    /// # Errors
    /// The key that is missing or no text.
    pub fn from_secret(secret: &Secret) -> Result<Self, String> {
        let data = secret.data.as_ref();
        let optional = |key: &str| -> Result<Option<String>, String> {
            let Some(bytes) = data.and_then(|data| data.get(key)) else { return Ok(None) };
            String::from_utf8(bytes.0.clone()).map(Some).map_err(|_| format!("its key {key} is no text"))
        };
        let value = |key: &str| optional(key)?.ok_or_else(|| format!("it has no key {key}"));
        let certificate = match (optional(KEY_CERTIFICATE)?, optional(KEY_PRIVATE_KEY)?) {
            (Some(chain), Some(key)) => Some(ClientCertificate { chain, key: key.into() }),
            (None, None) => None,
            _ => return Err(format!("it has only one of {KEY_CERTIFICATE} and {KEY_PRIVATE_KEY}")),
        };
        Ok(Self {
            username: value(KEY_USERNAME)?,
            password: value(KEY_PASSWORD)?.into(),
            mechanism: value(KEY_MECHANISM)?,
            protocol: value(KEY_PROTOCOL)?,
            bootstrap_servers: value(KEY_BOOTSTRAP)?,
            ca: optional(KEY_CA)?,
            certificate,
        })
    }

    /// The Secret's data.
    pub fn data(&self) -> BTreeMap<String, ByteString> {
        let mut data = BTreeMap::from([
            (KEY_USERNAME, self.username.clone()),
            (KEY_PASSWORD, self.password.expose_secret().to_owned()),
            (KEY_MECHANISM, self.mechanism.clone()),
            (KEY_JAAS, self.jaas()),
            (KEY_PROTOCOL, self.protocol.clone()),
            (KEY_BOOTSTRAP, self.bootstrap_servers.clone()),
            (KEY_CLIENT_PROPERTIES, self.client_properties()),
        ]);
        data.extend(self.ca.clone().map(|ca| (KEY_CA, ca)));
        if let Some(certificate) = &self.certificate {
            data.insert(KEY_CERTIFICATE, certificate.chain.clone());
            data.insert(KEY_PRIVATE_KEY, certificate.key.expose_secret().to_owned());
        }
        data.into_iter().map(|(key, value)| (key.to_owned(), ByteString(value.into_bytes()))).collect()
    }

    /// `sasl.jaas.config`
    fn jaas(&self) -> String {
        let module = if self.mechanism == "PLAIN" { "plain.PlainLoginModule" } else { "scram.ScramLoginModule" };
        format!(
            "org.apache.kafka.common.security.{module} required username=\"{}\" password=\"{}\";",
            jaas_escaped(&self.username),
            jaas_escaped(self.password.expose_secret())
        )
    }

    /// The file that every Java client and Kafka's own tools take.
    fn client_properties(&self) -> String {
        let mut lines = vec![
            (KEY_BOOTSTRAP, property(&self.bootstrap_servers)),
            (KEY_PROTOCOL, property(&self.protocol)),
            (KEY_MECHANISM, property(&self.mechanism)),
            (KEY_JAAS, property(&self.jaas())),
        ];
        if let Some(ca) = &self.ca {
            lines.push(("ssl.truststore.type", "PEM".to_owned()));
            lines.push(("ssl.truststore.certificates", property(ca.trim_end())));
        }
        lines.into_iter().map(|(key, value)| format!("{key}={value}\n")).collect()
    }
}

/// Within the quotes of a JAAS option.
fn jaas_escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// A value of a Java properties file. A line break is written as one and the line continued, so that PEM stays
/// readable; Java reads these files as ISO 8859-1, so everything beyond ASCII goes by its number.
fn property(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n\\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            // A leading space would be taken for the space after `=`.
            ' ' if text.is_empty() => text.push_str("\\ "),
            ' '..='~' => text.push(character),
            other => {
                let units = &mut [0; 2];
                text.extend(other.encode_utf16(units).iter().map(|unit| format!("\\u{unit:04X}")));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alice() -> Credentials {
        Credentials {
            username: "alice".into(),
            password: "a\"b\\c".to_owned().into(),
            mechanism: "SCRAM-SHA-512".into(),
            protocol: "SASL_SSL".into(),
            bootstrap_servers: "demo-bootstrap.kafka.svc:9092".into(),
            ca: Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".into()),
            certificate: None,
        }
    }

    fn written(credentials: &Credentials) -> Secret {
        let manifest = secret(&ClusterName::from_label("demo"), "kafka", credentials).expect("a Secret");
        serde_json::from_value(manifest.body).expect("a Secret")
    }

    #[test]
    fn the_file_is_complete_by_itself() {
        let data = alice().data();
        let text = String::from_utf8(data[KEY_CLIENT_PROPERTIES].0.clone()).expect("text");
        assert_eq!(
            text,
            r#"bootstrap.servers=demo-bootstrap.kafka.svc:9092
security.protocol=SASL_SSL
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="alice" password="a\\"b\\\\c";
ssl.truststore.type=PEM
ssl.truststore.certificates=-----BEGIN CERTIFICATE-----\n\
AAAA\n\
-----END CERTIFICATE-----
"#
        );
    }

    #[test]
    fn values_survive_java() {
        assert_eq!(property(" a=b\tü😀"), "\\ a=b\\t\\u00FC\\uD83D\\uDE00");
    }

    #[test]
    fn comes_back_from_its_secret() {
        let certificate = ClientCertificate { chain: "chain".into(), key: "the-key".to_owned().into() };
        let secret = written(&Credentials { certificate: Some(certificate), ..alice() });
        let labels = secret.metadata.labels.clone().unwrap_or_default();
        assert_eq!(secret.metadata.name.as_deref(), Some("demo-user-alice"));
        assert_eq!(labels[LABEL_USER], "alice");
        let read = Credentials::from_secret(&secret).expect("credentials");
        assert_eq!(read.data(), secret.data.unwrap_or_default());
        assert_eq!(read.password.expose_secret(), "a\"b\\c");
    }

    #[test]
    fn a_broken_secret_names_its_key() {
        let mut secret = written(&alice());
        secret.data.as_mut().expect("data").remove(KEY_PASSWORD);
        assert_eq!(Credentials::from_secret(&secret).err(), Some("it has no key password".into()));
        let mut secret = written(&alice());
        secret.data.as_mut().expect("data").insert(KEY_CERTIFICATE.into(), ByteString(b"chain".to_vec()));
        assert_eq!(Credentials::from_secret(&secret).err(), Some("it has only one of tls.crt and tls.key".into()));
    }

    #[test]
    fn nothing_secret_is_in_its_debug_output() {
        let certificate = ClientCertificate { chain: "chain".into(), key: "the-key".to_owned().into() };
        let shown = format!("{:?}", Credentials { certificate: Some(certificate), ..alice() });
        assert!(!shown.contains("a\\\"b") && !shown.contains("the-key"), "{shown}");
    }
}
