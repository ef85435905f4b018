//! The file of `--command-config`: the client properties that Kafka's own tools take.

use std::collections::HashMap;

use super::properties::Entry;
use super::sasl::{Mechanism, Sasl};
use super::spelling::Spelling;
use super::tls::{HostCheck, Tls, TlsSettings};
use super::{Security, jaas, properties};

/// What cannot be used of a file: a sentence that names the property, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PropertiesError {
    /// One line.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl PropertiesError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    pub(super) fn hinted(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

pub(super) type Result<T> = std::result::Result<T, PropertiesError>;

/// Properties that hand the connection to a Java class.
const JAVA_ONLY: [&str; 5] = [
    "ssl.engine.factory.class",
    "security.providers",
    "sasl.client.callback.handler.class",
    "sasl.login.callback.handler.class",
    "sasl.login.class",
];

/// Security from the text of a properties file. `source` names the file in messages; `read` reads the files that
/// it names.
///
/// # Errors
/// The property that is wrong, misspelt or not supported, or that there is none of a client's. What does not concern
/// a connection's security is ignored.
pub fn from_client_properties(
    text: &str,
    source: &str,
    read: &dyn Fn(&str) -> std::io::Result<Vec<u8>>,
) -> Result<Security> {
    let entries = properties::parse(text);
    let values = entries.iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect();
    let file = File { values, read };
    let security = file.check(text, &entries).and_then(|()| file.security(source));
    security.map_err(|error| PropertiesError { message: format!("{source}: {}", error.message), ..error })
}

/// Whether a text has keys within keys, as YAML has them: to Java such a key is one with an empty value.
fn is_nested_yaml(text: &str) -> bool {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let lines: Vec<&str> =
        text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')).collect();
    lines.windows(2).any(|pair| pair[0].trim_end().ends_with(':') && indent(pair[1]) > indent(pair[0]))
}

pub(super) struct File<'f> {
    values: HashMap<String, String>,
    pub(super) read: &'f dyn Fn(&str) -> std::io::Result<Vec<u8>>,
}

impl File<'_> {
    /// Kafka takes the blanks around a value away.
    fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(|value| value.trim())
    }

    pub(super) fn set(&self, key: &str) -> Option<&str> {
        self.get(key).filter(|value| !value.is_empty())
    }

    /// Whether it is a file for clients, and says what it was meant to say.
    fn check(&self, text: &str, entries: &[Entry]) -> Result<()> {
        let expected = "one property stands on a line, as in security.protocol=SASL_SSL";
        if self.set("security.protocol").is_none() && is_nested_yaml(text) {
            return Err(
                PropertiesError::new("it is YAML with keys in keys, and Java properties are read").hinted(expected)
            );
        }
        let mut knows_any = false;
        for Entry { line, key, .. } in entries {
            let spelling = Spelling::of(key);
            knows_any |= spelling != Spelling::Unknown;
            // A file may be for more than one library, and have both names.
            match spelling {
                Spelling::Slip(meant) if !self.values.contains_key(meant) => {
                    let message = format!("line {line}: property {key} is unknown; did you mean {meant}?");
                    return Err(PropertiesError::new(message));
                }
                Spelling::OfLibrdkafka(meant) if !self.values.contains_key(meant) => {
                    let message = format!("line {line}: property {key} is librdkafka's; write {meant}");
                    return Err(PropertiesError::new(message));
                }
                Spelling::Unknown => tracing::info!(line, key, "ignored: it is no property of a Kafka client"),
                _ => {}
            }
        }
        if knows_any {
            return Ok(());
        }
        Err(PropertiesError::new("it has no property of a Kafka client").hinted(expected))
    }

    fn security(&self, source: &str) -> Result<Security> {
        if let Some(key) = JAVA_ONLY.into_iter().find(|key| self.set(key).is_some()) {
            return Err(PropertiesError::new(format!("{key} is not supported: it names a class of Java's")));
        }
        let protocol = self.set("security.protocol").unwrap_or("PLAINTEXT").to_uppercase();
        let (tls, sasl) = match protocol.as_str() {
            "PLAINTEXT" => (false, false),
            "SSL" => (true, false),
            "SASL_PLAINTEXT" => (false, true),
            "SASL_SSL" => (true, true),
            other => {
                let quotes = if other.starts_with(['"', '\'']) { ", without quotes" } else { "" };
                return Err(PropertiesError::new(format!("security.protocol={other} is unknown"))
                    .hinted(format!("it is PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL{quotes}")));
            }
        };
        Ok(Security {
            tls: tls.then(|| self.tls()).transpose()?,
            sasl: sasl.then(|| self.sasl()).transpose()?,
            source: source.to_owned(),
        })
    }

    fn sasl(&self) -> Result<Sasl> {
        let spoken = "PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 are";
        let name = self.set("sasl.mechanism").ok_or_else(|| {
            PropertiesError::new("sasl.mechanism is not set, and Kafka's default GSSAPI is not supported")
                .hinted(spoken)
        })?;
        let mechanism = Mechanism::from_name(name)
            .ok_or_else(|| PropertiesError::new(format!("sasl.mechanism={name} is not supported")).hinted(spoken))?;
        let config = self.set("sasl.jaas.config").ok_or_else(|| {
            PropertiesError::new(format!("sasl.jaas.config is not set, and {name} needs it")).hinted(example(mechanism))
        })?;
        let wrong =
            |reason: &str| PropertiesError::new(format!("sasl.jaas.config: {reason}")).hinted(example(mechanism));
        let login = jaas::parse(config).map_err(|reason| wrong(&reason))?;
        if login.module != module(mechanism) {
            return Err(wrong(&format!("login module {} does not go with {name}", login.module)));
        }
        if let Some(option) = login.other.iter().find(|option| *option == "tokenauth") {
            return Err(PropertiesError::new(format!("sasl.jaas.config: option {option} is not supported")));
        }
        Ok(Sasl {
            mechanism,
            username: login.username.ok_or_else(|| wrong("it has no username"))?,
            password: login.password.ok_or_else(|| wrong("it has no password"))?,
        })
    }

    fn tls(&self) -> Result<Tls> {
        let host_check = match self.get("ssl.endpoint.identification.algorithm") {
            None => HostCheck::Required,
            Some("") => HostCheck::Off,
            Some(name) if name.eq_ignore_ascii_case("https") => HostCheck::Required,
            Some(other) => {
                let message = format!("ssl.endpoint.identification.algorithm={other} is unknown");
                return Err(PropertiesError::new(message).hinted("it is https, or empty to accept any host"));
            }
        };
        let settings = TlsSettings { trust: self.trust()?, key_pair: self.key_pair()?, host_check };
        Tls::new(&settings).map_err(|error| PropertiesError::new(error.to_string()))
    }
}

fn module(mechanism: Mechanism) -> &'static str {
    match mechanism {
        Mechanism::Plain => "org.apache.kafka.common.security.plain.PlainLoginModule",
        Mechanism::Scram(_) => "org.apache.kafka.common.security.scram.ScramLoginModule",
    }
}

fn example(mechanism: Mechanism) -> String {
    format!("write sasl.jaas.config={} required username=\"USER\" password=\"PASSWORD\";", module(mechanism))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn read(path: &str) -> std::io::Result<Vec<u8>> {
        match path {
            "garbage" => Ok(vec![0xFF, 0x00]),
            "empty.pem" => Ok(Vec::new()),
            _ => Err(std::io::ErrorKind::NotFound.into()),
        }
    }

    fn security(text: &str) -> Result<Security> {
        from_client_properties(text, "client.properties", &read)
    }

    fn fault(text: &str) -> PropertiesError {
        security(text).expect_err("it cannot be used")
    }

    const SCRAM: &str = "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=SCRAM-SHA-512\n\
        sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\\n \
        username=\"alice\" password=\"s3cret\";\nacks=all\nssl.truststore.location=nowhere\n";

    #[test]
    fn a_login_without_tls() {
        let security = security(SCRAM).expect("security");
        assert!(security.tls.is_none());
        assert_eq!(security.principal().as_deref(), Some("User:alice"));
        let sasl = security.sasl.as_ref().expect("a login");
        assert_eq!((sasl.mechanism.name(), sasl.password.expose_secret()), ("SCRAM-SHA-512", "s3cret"));
        assert!(!format!("{security:?}").contains("s3cret"));
    }

    #[test]
    fn nothing_is_asked_for() {
        let security = security("bootstrap.servers=a:9092\n").expect("security");
        assert!(security.is_plain());
        assert_eq!(security.principal().as_deref(), Some("User:ANONYMOUS"));
    }

    #[test]
    fn what_is_not_supported_is_named() {
        for (text, message) in [
            ("security.protocol=TLS", "security.protocol=TLS is unknown"),
            ("security.protocol=SASL_PLAINTEXT\nsasl.mechanism=GSSAPI", "sasl.mechanism=GSSAPI is not supported"),
            ("security.protocol=SASL_PLAINTEXT", "Kafka's default GSSAPI is not supported"),
            ("security.protocol=SASL_PLAINTEXT\nsasl.mechanism=OAUTHBEARER", "sasl.mechanism=OAUTHBEARER is not"),
            ("security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN", "sasl.jaas.config is not set"),
            ("sasl.login.class=a.B", "sasl.login.class is not supported"),
            ("security.protocol=SSL\nssl.endpoint.identification.algorithm=x", "algorithm=x is unknown"),
            ("security.protocol=SSL\nssl.truststore.location=gone.pem", "cannot read gone.pem"),
            ("security.protocol=SSL\nssl.truststore.type=PEM\nssl.truststore.location=empty.pem", "empty.pem is empty"),
            (
                "security.protocol=SSL\nssl.truststore.type=JKS\nssl.truststore.location=garbage",
                "garbage is no PEM file and no store of Java's",
            ),
            ("security.protocol=SSL\nssl.truststore.certificates=x", "authority cannot be used"),
            ("security.protocol=SSL\nssl.keystore.key=x", "certificate.chain is not set"),
        ] {
            let fault = fault(text);
            assert!(fault.message.starts_with("client.properties: ") && fault.message.contains(message), "{fault:?}");
        }
    }

    #[test]
    fn a_file_that_does_not_say_what_was_meant_is_refused() {
        let yaml = "it is YAML with keys in keys";
        for (text, message) in [
            ("security.protcol=SSL", "line 1: property security.protcol is unknown; did you mean security.protocol?"),
            (
                "# mine\nsecurity.protocol=SSL\nssl.trustore.location=a.pem",
                "line 3: property ssl.trustore.location is unknown; did you mean ssl.truststore.location?",
            ),
            (
                "security.protocol=SSL\nssl.ca.location=a.pem",
                "line 2: property ssl.ca.location is librdkafka's; write ssl.truststore.location",
            ),
            ("", "it has no property of a Kafka client"),
            ("# security.protocol=SSL\n", "it has no property of a Kafka client"),
            ("x=y", "it has no property of a Kafka client"),
            ("{\"security.protocol\": \"SSL\"}", "it has no property of a Kafka client"),
            ("security:\n  protocol: SSL\n", yaml),
            ("spring:\n  kafka:\n    producer:\n      acks: all\n", yaml),
        ] {
            let fault = fault(text);
            assert!(fault.message.starts_with(&format!("client.properties: {message}")), "{text}: {fault:?}");
        }
        let quoted = fault("security.protocol: \"SASL_SSL\"");
        assert!(quoted.hint.is_some_and(|hint| hint.ends_with(", without quotes")));
    }

    #[test]
    fn what_belongs_to_others_is_ignored() {
        for text in [
            "security.protocol: SASL_PLAINTEXT\nsasl.mechanism: PLAIN\nsasl.mechanisms: PLAIN\nx: y\n\
             sasl.jaas.config: org.apache.kafka.common.security.plain.PlainLoginModule required username=\"a\" password=\"b\";",
            "\u{feff}security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nschema.registry.url=http://a\n\
             sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username=\"a\" password=\"b\";",
        ] {
            let security = security(text).expect("security");
            assert_eq!(security.principal().as_deref(), Some("User:a"), "{text}");
        }
    }

    #[test]
    fn a_module_of_another_mechanism_is_refused_without_telling_the_password() {
        let fault = fault(&SCRAM.replace("SCRAM-SHA-512", "PLAIN"));
        assert!(fault.message.contains("ScramLoginModule does not go with PLAIN"), "{fault:?}");
        assert!(!format!("{fault:?}").contains("s3cret"));
    }
}
