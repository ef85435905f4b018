//! `server.properties`: ours, and what the person adds. What differs from pod to pod (node id, roles,
//! advertised names) is added by the start script.

mod meant;

use std::fmt::Write as _;

use super::spec::{ClusterSpec, SpecError};
use super::{TLS_MOUNT, Target, data_directory, voter_addresses, zookeeper};
use crate::k8s::names::{ADMIN, ClusterName, Role};

/// Settings that tie a node to its pod, its listeners or its quorum. Changing one breaks the cluster, so
/// `--config` refuses them.
const OWNED: [&str; 26] = [
    "node.id",
    "broker.id",
    "process.roles",
    "listeners",
    "advertised.listeners",
    "listener.security.protocol.map",
    "controller.listener.names",
    "inter.broker.listener.name",
    "security.inter.broker.protocol",
    "controller.quorum.voters",
    "controller.quorum.bootstrap.servers",
    "log.dir",
    "log.dirs",
    "metadata.log.dir",
    "broker.id.generation.enable",
    "zookeeper.connect",
    "broker.rack",
    "ssl.keystore.type",
    "ssl.keystore.location",
    "ssl.truststore.type",
    "ssl.truststore.location",
    "ssl.client.auth",
    "ssl.principal.mapping.rules",
    "sasl.enabled.mechanisms",
    "authorizer.class.name",
    "super.users",
];

/// The listeners between pods: who may come there, and as whom, is not for `--config` to say.
const BETWEEN_PODS: [&str; 2] = ["internal", "controller"];

/// Whether a setting is one of ours, also where it is meant for one listener.
fn is_owned(key: &str) -> bool {
    let Some((listener, setting)) = key.strip_prefix("listener.name.").and_then(|rest| rest.split_once('.')) else {
        return OWNED.contains(&key);
    };
    let about_security = ["ssl.", "sasl.", "principal."].iter().any(|start| setting.starts_with(start));
    OWNED.contains(&setting)
        || setting.ends_with(".sasl.jaas.config")
        || about_security && BETWEEN_PODS.contains(&listener.to_lowercase().as_str())
}

/// Settings that cannot be more than the number of brokers.
const BOUND_BY_BROKERS: [&str; 7] = [
    "default.replication.factor",
    "min.insync.replicas",
    "offsets.topic.replication.factor",
    "transaction.state.log.replication.factor",
    "transaction.state.log.min.isr",
    "share.coordinator.state.topic.replication.factor",
    "share.coordinator.state.topic.min.isr",
];

/// Checks `--config`.
pub(super) fn validate(spec: &ClusterSpec) -> Result<(), SpecError> {
    for (key, value) in &spec.config {
        check(spec, key, value).map_err(|reason| SpecError::new("--config", reason).named(key))?;
    }
    Ok(())
}

fn check(spec: &ClusterSpec, key: &str, value: &str) -> Result<(), String> {
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
        return Err(format!("\"{key}\" is no name of a server property"));
    }
    if key.starts_with("zookeeper.") && !spec.has_zookeeper() {
        return Err(format!("{key}: there is no ZooKeeper in a KRaft cluster"));
    }
    if key.starts_with("share.") && spec.has_zookeeper() {
        return Err(format!("{key}: there are no share groups in a Kafka with ZooKeeper"));
    }
    if is_owned(key) {
        return Err(format!("{key} is set by kubectl-kafka itself and cannot be changed"));
    }
    if let Some(meant) = meant::meant(key) {
        return Err(format!("{key} is no server property of Kafka; did you mean {meant}?"));
    }
    if value.contains(['\n', '\r']) {
        return Err(format!("{key}: a value has one line"));
    }
    if !BOUND_BY_BROKERS.contains(&key) {
        return Ok(());
    }
    match value.trim().parse::<u32>() {
        Ok(number) if (1..=spec.brokers).contains(&number) => Ok(()),
        Ok(number) => Err(format!("{key}={number} does not fit {}", brokers(spec.brokers))),
        Err(_) => Err(format!("{key}={value} is no number")),
    }
}

fn brokers(count: u32) -> String {
    if count == 1 { "1 broker".to_owned() } else { format!("{count} brokers") }
}

/// The file for a role, the same for all of its pods.
pub(super) fn server_properties(name: &ClusterName, namespace: &str, spec: &ClusterSpec, role: Role) -> String {
    let mut lines: Vec<(String, String)> = Vec::new();
    let mut set = |key: &str, value: String| lines.push((key.to_owned(), value));
    if spec.has_zookeeper() {
        for (key, value) in zookeeper::properties(&Target { name, namespace, spec }) {
            set(key, value);
        }
    } else {
        set("controller.quorum.bootstrap.servers", voter_addresses(name, namespace, spec).join(","));
        set("controller.listener.names", "CONTROLLER".into());
    }
    set("listener.security.protocol.map", protocols(spec));
    if role == Role::Broker {
        set("inter.broker.listener.name", "INTERNAL".into());
    }
    set("log.dirs", (0..spec.disks(role)).map(data_directory).collect::<Vec<_>>().join(","));
    // The controllers create topics and hand out the cluster-wide minimum of in-sync replicas, so both
    // roles need these.
    set("default.replication.factor", spec.replication_factor().to_string());
    set("min.insync.replicas", spec.min_in_sync().to_string());
    if role == Role::Broker {
        let share_groups = (!spec.has_zookeeper()).then_some("share.coordinator.state.topic");
        for topic in ["offsets.topic", "transaction.state.log"].into_iter().chain(share_groups) {
            set(&format!("{topic}.replication.factor"), spec.replication_factor().to_string());
        }
        for topic in std::iter::once("transaction.state.log").chain(share_groups) {
            set(&format!("{topic}.min.isr"), spec.min_in_sync().to_string());
        }
        set("auto.create.topics.enable", "false".into());
    }
    lines.extend(security(name, spec, role));
    for (key, value) in &spec.config {
        lines.retain(|(ours, _)| ours != key);
        lines.push((key.clone(), value.clone()));
    }
    let mut text = String::new();
    for (key, value) in lines {
        let _ = writeln!(text, "{key}={}", escaped(&value));
    }
    text
}

/// `CONTROLLER:SSL,INTERNAL:SSL,CLIENT:SASL_SSL`
fn protocols(spec: &ClusterSpec) -> String {
    let between = if spec.security.tls.is_some() { "SSL" } else { "PLAINTEXT" };
    let mut map = if spec.has_zookeeper() { String::new() } else { format!("CONTROLLER:{between},") };
    let _ = write!(map, "INTERNAL:{between}");
    for listener in client_listeners(spec) {
        let _ = write!(map, ",{listener}:{}", spec.security.protocol());
    }
    map
}

/// The names of the listeners that clients come to.
fn client_listeners(spec: &ClusterSpec) -> impl Iterator<Item = &str> {
    std::iter::once("CLIENT").chain(spec.listeners.iter().map(|listener| listener.name.as_str()))
}

/// TLS, users and authorization. The start script adds the keystore, which is the pod's own.
fn security(name: &ClusterName, spec: &ClusterSpec, role: Role) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    let mut set = |key: &str, value: &str| lines.push((key.to_owned(), value.to_owned()));
    if spec.security.tls.is_some() {
        set("ssl.keystore.type", "PEM");
        set("ssl.truststore.type", "PEM");
        set("ssl.truststore.location", &format!("{TLS_MOUNT}/ca.crt"));
        set("ssl.client.auth", "required");
        set("ssl.principal.mapping.rules", "RULE:^CN=([^,]+).*$/$1/,DEFAULT");
    }
    if spec.security.is_scram() {
        set("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer");
        let pods = spec.roles().iter().map(|role| format!("User:{}", name.workload(*role)));
        let users: Vec<String> = pods.chain([format!("User:{ADMIN}")]).collect();
        set("super.users", &users.join(";"));
    }
    if role == Role::Broker {
        for listener in client_listeners(spec).map(str::to_lowercase) {
            if spec.security.tls.is_some() {
                set(&format!("listener.name.{listener}.ssl.client.auth"), "none");
            }
            if spec.security.is_scram() {
                set(&format!("listener.name.{listener}.sasl.enabled.mechanisms"), "SCRAM-SHA-512");
                set(
                    &format!("listener.name.{listener}.scram-sha-512.sasl.jaas.config"),
                    "org.apache.kafka.common.security.scram.ScramLoginModule required;",
                );
            }
        }
    }
    lines
}

/// A value in Java's properties format, which is read as Latin-1.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for (position, character) in value.chars().enumerate() {
        match character {
            '\\' => text.push_str("\\\\"),
            ' ' if position == 0 => text.push_str("\\ "),
            ' '..='~' => text.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let _ = write!(text, "\\u{unit:04x}");
                }
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::k8s::manifests::spec::{Authentication, Listener, Security, Tls};

    fn spec(brokers: u32, controllers: u32, config: &[(&str, &str)]) -> ClusterSpec {
        let mut spec = ClusterSpec::default();
        (spec.brokers, spec.controllers) = (brokers, controllers);
        spec.config = config.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        spec
    }

    fn rendered(spec: &ClusterSpec, role: Role) -> String {
        server_properties(&ClusterName::from_label("demo"), "kafka", spec, role)
    }

    #[test]
    fn a_brokers_file() {
        insta::assert_snapshot!(rendered(&spec(3, 3, &[("log.retention.hours", "24")]), Role::Broker), @r"
        controller.quorum.bootstrap.servers=demo-controller-0.demo-controllers.kafka.svc:9093,demo-controller-1.demo-controllers.kafka.svc:9093,demo-controller-2.demo-controllers.kafka.svc:9093
        controller.listener.names=CONTROLLER
        listener.security.protocol.map=CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT,CLIENT:PLAINTEXT
        inter.broker.listener.name=INTERNAL
        log.dirs=/var/lib/kafka/data/kafka-log
        default.replication.factor=3
        min.insync.replicas=2
        offsets.topic.replication.factor=3
        transaction.state.log.replication.factor=3
        share.coordinator.state.topic.replication.factor=3
        transaction.state.log.min.isr=2
        share.coordinator.state.topic.min.isr=2
        auto.create.topics.enable=false
        log.retention.hours=24
        ");
    }

    #[test]
    fn a_controllers_file() {
        insta::assert_snapshot!(rendered(&spec(2, 1, &[]), Role::Controller), @r"
        controller.quorum.bootstrap.servers=demo-controller-0.demo-controllers.kafka.svc:9093
        controller.listener.names=CONTROLLER
        listener.security.protocol.map=CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT,CLIENT:PLAINTEXT
        log.dirs=/var/lib/kafka/data/kafka-log
        default.replication.factor=2
        min.insync.replicas=1
        ");
    }

    #[test]
    fn a_secured_brokers_file_ends_with_its_security() {
        let mut secured = spec(3, 3, &[]);
        secured.security = Security { tls: Some(Tls::default()), authentication: Authentication::Scram };
        secured.listeners =
            vec![Listener { name: "PUBLIC".into(), port: 9094, advertised: "kafka-{ordinal}.example.com:9094".into() }];
        let text = rendered(&secured, Role::Broker);
        let start = text.find("ssl.keystore.type").expect("TLS");
        insta::assert_snapshot!(&text[start..], @r"
        ssl.keystore.type=PEM
        ssl.truststore.type=PEM
        ssl.truststore.location=/etc/kubectl-kafka-tls/ca.crt
        ssl.client.auth=required
        ssl.principal.mapping.rules=RULE:^CN=([^,]+).*$/$1/,DEFAULT
        authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
        super.users=User:demo-controller;User:demo-broker;User:admin
        listener.name.client.ssl.client.auth=none
        listener.name.client.sasl.enabled.mechanisms=SCRAM-SHA-512
        listener.name.client.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
        listener.name.public.ssl.client.auth=none
        listener.name.public.sasl.enabled.mechanisms=SCRAM-SHA-512
        listener.name.public.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
        ");
        assert!(text.contains(
            "\nlistener.security.protocol.map=CONTROLLER:SSL,INTERNAL:SSL,CLIENT:SASL_SSL,PUBLIC:SASL_SSL\n"
        ));
        let controllers = rendered(&secured, Role::Controller);
        assert!(controllers.contains("\nsuper.users=User:demo-controller;User:demo-broker;User:admin\n"));
        assert!(!controllers.contains("listener.name."), "{controllers}");
    }

    #[test]
    fn several_disks_are_several_directories() {
        let mut spec = spec(3, 3, &[]);
        spec.storage.disks = 2;
        let directories = "log.dirs=/var/lib/kafka/data/kafka-log,/var/lib/kafka/data-1/kafka-log\n";
        assert!(rendered(&spec, Role::Broker).contains(directories));
        assert!(rendered(&spec, Role::Controller).contains("log.dirs=/var/lib/kafka/data/kafka-log\n"));
    }

    #[test]
    fn what_the_person_sets_replaces_ours() {
        let text = rendered(&spec(3, 3, &[("min.insync.replicas", "1")]), Role::Broker);
        assert_eq!(text.matches("\nmin.insync.replicas=").count(), 1);
        assert!(text.ends_with("\nmin.insync.replicas=1\n"), "{text}");
    }

    #[test]
    fn settings_that_would_break_the_cluster_are_refused() {
        for (key, value, reason) in [
            ("node.id", "7", "set by kubectl-kafka itself"),
            ("listeners", "PLAINTEXT://:9092", "set by kubectl-kafka itself"),
            ("listener.name.client.sasl.enabled.mechanisms", "PLAIN", "set by kubectl-kafka itself"),
            ("listener.name.client.plain.sasl.jaas.config", "x", "set by kubectl-kafka itself"),
            ("listener.name.client.ssl.client.auth", "required", "set by kubectl-kafka itself"),
            ("listener.name.INTERNAL.ssl.endpoint.identification.algorithm", "", "set by kubectl-kafka itself"),
            ("listener.name.controller.sasl.mechanism", "PLAIN", "set by kubectl-kafka itself"),
            ("zookeeper.connect", "zk:2181", "no ZooKeeper"),
            ("default.replication.factor", "3", "does not fit 2 brokers"),
            ("min.insync.replicas", "many", "is no number"),
            ("a b", "1", "no name of a server property"),
            ("log.retention.hours", "1\nnode.id=7", "one line"),
        ] {
            let error = validate(&spec(2, 1, &[(key, value)])).expect_err(key);
            assert!(error.reason.contains(reason), "{error}");
        }
        for (key, value) in [
            ("log.retention.hours", "1"),
            ("listener.name.client.connections.max.reauth.ms", "60000"),
            ("listener.name.client.ssl.enabled.protocols", "TLSv1.3"),
            ("listener.name.internal.max.connections", "100"),
        ] {
            assert_eq!(validate(&spec(2, 1, &[(key, value)])), Ok(()), "{key}");
        }
    }

    #[test]
    fn values_survive_javas_properties_format() {
        assert_eq!(escaped("C:\\logs"), "C:\\\\logs");
        assert_eq!(escaped(" é"), "\\ \\u00e9");
    }
}
