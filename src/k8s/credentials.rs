//! The Secret of a Kafka user: everything that a client needs to connect, so that a pod can mount it and a
//! person can read one object.
//!
//! Keys: `username`, `password`, `sasl.mechanism`, `sasl.jaas.config`, `security.protocol`,
//! `bootstrap.servers`, `ca.crt` and `client.properties`, which is complete by itself (PEM inline) wherever it
//! is mounted. The admin's also has `tls.crt` and `tls.key`, for the listeners between brokers and controllers.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use secrecy::{ExposeSecret, SecretString};

use super::apply::{self, Existing, Intent};
use super::client::Kubernetes;
use super::error::{Error, Result};
use super::manifests::Manifest;
use super::names::{ClusterName, LABEL_USER, MANAGER};

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

/// What looking for a user's Secret came to.
#[derive(Debug, Clone)]
pub enum Lookup {
    /// It is there, and may be read.
    Found(Box<Credentials>),
    /// There is none.
    Missing,
    /// The caller may not read it; the API server's words.
    Forbidden(String),
}

/// Reads the credentials of a Kafka user: of [`ADMIN`](super::names::ADMIN), or of the one that was named.
///
/// # Errors
/// What is neither "there is none" nor "not yours to read": the API server is down, or the Secret is broken.
pub async fn find(kubernetes: &Kubernetes, cluster: &ClusterName, user: &str) -> Result<Lookup> {
    let secrets: Api<Secret> = Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace);
    let name = cluster.user(user);
    match kubernetes.find(secrets.get(&name)).await {
        Ok(None) => Ok(Lookup::Missing),
        Err(error) if error.is_forbidden() => Ok(Lookup::Forbidden(error.to_string())),
        Err(error) => Err(error),
        Ok(Some(secret)) => Credentials::from_secret(&secret)
            .map(|found| Lookup::Found(Box::new(found)))
            .map_err(|reason| Error::Other(format!("cannot use Secret {name}: {reason}"))),
    }
}

/// The certificate authority's public half, PEM; `None` where there is none.
pub async fn authority(kubernetes: &Kubernetes, cluster: &ClusterName) -> Result<Option<String>> {
    let maps: Api<ConfigMap> = Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace);
    let map = kubernetes.find(maps.get(&cluster.authority())).await?;
    Ok(map.and_then(|map| map.data?.remove(KEY_CA)))
}

/// The names of the users that have a Secret, in order. One request, without the Secrets' content.
pub async fn users(kubernetes: &Kubernetes, cluster: &ClusterName) -> Result<Vec<String>> {
    let secrets: Api<Secret> = Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace);
    let selector = ListParams::default().labels(&format!("{},{LABEL_USER}", cluster.selector()));
    let list = kubernetes.call(secrets.list_metadata(&selector)).await?;
    let mut users: Vec<String> =
        list.items.into_iter().filter_map(|secret| secret.metadata.labels?.remove(LABEL_USER)).collect();
    users.sort();
    Ok(users)
}

/// What a Secret of a user was before it was written over.
pub struct Before(Existing);

impl Before {
    /// What it held, where it was a user's Secret.
    pub fn credentials(&self) -> Option<Credentials> {
        let secret: Secret = serde_json::from_value(serde_json::to_value(self.0.as_ref()?).ok()?).ok()?;
        Credentials::from_secret(&secret).ok()
    }

    /// Whether there was one.
    pub fn existed(&self) -> bool {
        self.0.is_some()
    }
}

/// The Secret of a user as it is now.
///
/// # Errors
/// It is there and is not ours.
pub async fn before(kubernetes: &Kubernetes, cluster: &ClusterName, credentials: &Credentials) -> Result<Before> {
    let manifest = secret(cluster, &kubernetes.namespace, credentials)?;
    let found = kubernetes.find(apply::api(kubernetes, &manifest).get(&manifest.name)).await?;
    match &found {
        Some(object) if !apply::is_ours(cluster, &object.metadata) => {
            Err(Error::Other(format!("{} exists and does not belong to cluster \"{cluster}\"", manifest.reference())))
        }
        _ => Ok(Before(found)),
    }
}

/// Writes the Secret of a user, or lets the API server check whether that would work. By a merge where there is
/// one: its fields belong to whoever created it, and an apply would be a conflict.
pub async fn write(
    kubernetes: &Kubernetes,
    cluster: &ClusterName,
    credentials: &Credentials,
    before: &Before,
    intent: Intent,
) -> Result<()> {
    let manifest = secret(cluster, &kubernetes.namespace, credentials)?;
    let api = apply::api(kubernetes, &manifest);
    let (field_manager, dry_run) = (Some(MANAGER.to_owned()), intent == Intent::Rehearsal);
    if before.existed() {
        let parameters = PatchParams { field_manager, dry_run, ..PatchParams::default() };
        let patch = Patch::Merge(serde_json::json!({
            "metadata": {"labels": manifest.body["metadata"]["labels"]},
            "data": manifest.body["data"],
        }));
        return kubernetes.call(api.patch(&manifest.name, &parameters, &patch)).await.map(|_| ());
    }
    let object = serde_json::from_value(manifest.body.clone())
        .map_err(|error| Error::Other(format!("cannot write {}: {error}", manifest.reference())))?;
    kubernetes.call(api.create(&PostParams { field_manager, dry_run }, &object)).await.map(|_| ())
}

/// Deletes the Secret of a user; `false` when there is none.
pub async fn delete(kubernetes: &Kubernetes, cluster: &ClusterName, user: &str) -> Result<bool> {
    let secrets: Api<Secret> = Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace);
    let deleted = kubernetes.find(secrets.delete(&cluster.user(user), &DeleteParams::default())).await?;
    Ok(deleted.is_some())
}

/// The pods that were given a Secret, other than Kafka's own.
pub async fn readers(kubernetes: &Kubernetes, cluster: &ClusterName, user: &str) -> Result<Vec<String>> {
    let pods: Api<Pod> = Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace);
    let list = kubernetes.call(pods.list(&ListParams::default())).await?;
    let name = cluster.user(user);
    Ok(list
        .items
        .iter()
        .filter(|pod| !apply::is_ours(cluster, &pod.metadata) && reads(pod, &name))
        .filter_map(|pod| pod.metadata.name.clone())
        .collect())
}

/// Whether a pod mounts a Secret or has its values in the environment.
fn reads(pod: &Pod, secret: &str) -> bool {
    let Some(spec) = &pod.spec else { return false };
    let mounts = spec.volumes.iter().flatten().any(|volume| {
        let direct = volume.secret.as_ref().and_then(|source| source.secret_name.as_deref());
        let mut projected = volume.projected.iter().flat_map(|source| source.sources.iter().flatten());
        direct == Some(secret)
            || projected.any(|source| source.secret.as_ref().is_some_and(|source| source.name == secret))
    });
    let containers = || spec.containers.iter().chain(spec.init_containers.iter().flatten());
    mounts
        || containers()
            .flat_map(|container| container.env_from.iter().flatten())
            .any(|from| from.secret_ref.as_ref().is_some_and(|source| source.name == secret))
        || containers().flat_map(|container| container.env.iter().flatten()).any(|variable| {
            let source = variable.value_from.as_ref().and_then(|from| from.secret_key_ref.as_ref());
            source.is_some_and(|source| source.name == secret)
        })
}

/// A password that somebody keeps in a Secret of their own, by its key `password`.
pub async fn password_of(kubernetes: &Kubernetes, secret: &str) -> Result<SecretString> {
    let secrets: Api<Secret> = Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace);
    let found = kubernetes.call(secrets.get(secret)).await?;
    let unusable = |reason: &str| Error::Other(format!("cannot use Secret {secret}: {reason}"));
    let data = found.data.unwrap_or_default();
    let bytes = data.get(KEY_PASSWORD).ok_or_else(|| unusable("it has no key password"))?;
    let text = String::from_utf8(bytes.0.clone()).map_err(|_| unusable("its key password is no text"))?;
    Ok(text.into())
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
    fn pods_that_were_given_a_secret() {
        let pod = |spec: serde_json::Value| -> Pod {
            serde_json::from_value(serde_json::json!({"metadata": {"name": "p"}, "spec": spec})).expect("a pod")
        };
        let container = |more: serde_json::Value| {
            let mut container = serde_json::json!({"name": "c"});
            container.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            serde_json::json!({"containers": [container]})
        };
        for (spec, expected) in [
            (serde_json::json!({"containers": [], "volumes": [{"name": "v", "secret": {"secretName": "s"}}]}), true),
            (serde_json::json!({"containers": [], "volumes": [{"name": "v", "secret": {"secretName": "t"}}]}), false),
            (
                serde_json::json!({"containers": [], "volumes": [
                    {"name": "v", "projected": {"sources": [{"secret": {"name": "s"}}]}}
                ]}),
                true,
            ),
            (container(serde_json::json!({"envFrom": [{"secretRef": {"name": "s"}}]})), true),
            (
                container(serde_json::json!({"env": [
                    {"name": "P", "valueFrom": {"secretKeyRef": {"name": "s", "key": "password"}}}
                ]})),
                true,
            ),
            (container(serde_json::json!({"env": [{"name": "P", "value": "s"}]})), false),
        ] {
            assert_eq!(reads(&pod(spec.clone()), "s"), expected, "{spec}");
        }
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
