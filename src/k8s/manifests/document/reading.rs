//! Reads a document so that a mistake is found by the person who made it: line, path, and what would be right.

use std::sync::OnceLock;

use serde_json::Value;
use serde_path_to_error::Segment;

use super::shape::{Mistake, fitted, joined};
use super::written::{Content, Node};
use super::{API_VERSION, ClusterDocument, KIND};

/// A document that was understood.
pub(super) struct Read {
    /// Typed.
    pub(super) document: ClusterDocument,
    /// The value that it was made from.
    pub(super) value: Value,
    /// As it is written.
    pub(super) node: Node,
}

/// Reads a document.
pub(super) fn read(text: &str) -> Result<Read, String> {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    let Some(node) = Node::read(text)? else { return Err(format!("line 1: it is empty; {}", beginning())) };
    check_kind(&node)?;
    let value = fitted(&node, SCHEMA.get_or_init(ClusterDocument::schema))?;
    let document = serde_path_to_error::deserialize(&value).map_err(|error| {
        let (line, path) = place(&node, error.path());
        String::from(Mistake::new(line, &path, error.inner().to_string()))
    })?;
    Ok(Read { document, value, node })
}

fn beginning() -> String {
    format!("a cluster document begins with apiVersion: {API_VERSION} and kind: {KIND}")
}

/// Refuses other documents. What a document of ours lacks is for the schema to tell, which knows what was meant.
fn check_kind(written: &Node) -> Result<(), Mistake> {
    let Content::Fields(_) = written.content else {
        return Err(Mistake::new(written.line, "", format!("it has no fields; {}", beginning())));
    };
    // What is no text is for the schema to tell.
    let word = |key: &str| match &written.field(key)?.content {
        Content::Scalar { value: Value::String(word), .. } => Some(word.as_str()),
        _ => None,
    };
    let (version, kind) = (word("apiVersion").unwrap_or(API_VERSION), word("kind").unwrap_or(KIND));
    let line = |key: &str| written.field(key).map_or(written.line, |field| field.line);
    for (key, word, known) in [("apiVersion", version, API_VERSION), ("kind", kind, KIND)] {
        if word != known && word.eq_ignore_ascii_case(known) {
            return Err(Mistake::new(line(key), key, format!("\"{word}\" is written {known}")));
        }
    }
    if (version, kind) == (API_VERSION, KIND) {
        return Ok(());
    }
    let reason = format!(
        "it is a {version} {kind}, and this version of kubectl-kafka reads {API_VERSION} {KIND}; \
         `kubectl kafka install --dry-run=client -o cluster` writes one"
    );
    Err(Mistake::new(line(if version == API_VERSION { "kind" } else { "apiVersion" }), "", reason))
}

/// Where the types found a value that they cannot hold.
fn place(document: &Node, path: &serde_path_to_error::Path) -> (u64, String) {
    let (mut node, mut text) = (document, String::new());
    for segment in path {
        let (next, longer) = match segment {
            Segment::Map { key } => (node.field(key), joined(&text, key)),
            Segment::Seq { index } => (node.item(*index), format!("{text}[{index}]")),
            Segment::Enum { .. } | Segment::Unknown => (None, text),
        };
        (node, text) = (next.unwrap_or(node), longer);
    }
    (node.line, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(spec: &str) -> String {
        let indented: String = spec.lines().map(|line| format!("  {line}\n")).collect();
        format!("apiVersion: {API_VERSION}\nkind: {KIND}\nspec:\n{indented}")
    }

    fn refusal(text: &str) -> String {
        read(text).map(|_| ()).expect_err("a mistake")
    }

    fn mistake(spec: &str) -> String {
        refusal(&document(spec))
    }

    #[test]
    fn a_mistake_is_told_with_line_path_and_what_was_meant() {
        insta::assert_snapshot!(mistake("controllers: 3\nbrokrs: 5"), @r#"line 5: spec.brokrs: unknown field; did you mean "brokers"?"#);
        insta::assert_snapshot!(mistake("storage:\n  sise: 10Gi"), @r#"line 5: spec.storage.sise: unknown field; did you mean "size"?"#);
        insta::assert_snapshot!(mistake("brokers: many"), @"line 4: spec.brokers: it must be a whole number that is not negative");
        insta::assert_snapshot!(mistake("memory: lots"), @"line 4: spec.memory: `lots` is no quantity; write for example 10Gi, 512Mi or 500m");
        insta::assert_snapshot!(mistake("security:\n  authentication: scrm"), @r#"line 5: spec.security.authentication: "scrm" is not one of: none, scram; did you mean "scram"?"#);
        insta::assert_snapshot!(mistake("pods:\n  tolerations:\n  - key: a\n    opertor: Exists"), @r#"line 7: spec.pods.tolerations[0].opertor: unknown field; did you mean "operator"?"#);
        insta::assert_snapshot!(mistake("pods:\n  affinity:\n    nodeAffinty: {a: 1}"), @r#"line 6: spec.pods.affinity.nodeAffinty: unknown field; did you mean "nodeAffinity"?"#);
        insta::assert_snapshot!(mistake("brokers: 3\nbrokers: 4"), @"line 5: spec.brokers: it is written twice, first in line 4");
        insta::assert_snapshot!(mistake("brokers: [3"), @"line 4: unclosed bracket '['");
    }

    #[test]
    fn what_has_no_value_is_refused_and_not_guessed() {
        insta::assert_snapshot!(mistake("security:\n  tls:"), @"line 5: spec.security.tls has no value: write {} for the defaults, or leave the line out");
        insta::assert_snapshot!(mistake("security:"), @"line 4: spec.security has no value: write {} for the defaults, or leave the line out");
        insta::assert_snapshot!(mistake("metrics: ~"), @"line 4: spec.metrics has no value: write {} for the defaults, or leave the line out");
        insta::assert_snapshot!(mistake("brokers: null"), @"line 4: spec.brokers has no value: write one, or leave the line out");
        insta::assert_snapshot!(mistake("mode:"), @"line 4: spec.mode has no value: write one, or leave the line out");
        insta::assert_snapshot!(mistake("listeners:"), @"line 4: spec.listeners has no value: write [] for an empty list, or leave the line out");
        insta::assert_snapshot!(mistake("config:\n  a:"), @"line 5: spec.config.a has no value: write one, or leave the line out");
        insta::assert_snapshot!(mistake("jvmOptions: [~]"), @"line 4: spec.jvmOptions[0] has no value: write one, or leave the line out");
        insta::assert_snapshot!(mistake("pods:\n  affinity: {nodeAffinity: }"), @"line 5: spec.pods.affinity.nodeAffinity has no value: write {} for the defaults, or leave the line out");
        insta::assert_snapshot!(refusal(&format!("apiVersion: {API_VERSION}\nkind: {KIND}\nspec:\n")), @"line 3: spec has no value: write {} for the defaults, or leave the line out");
        insta::assert_snapshot!(refusal(&format!("apiVersion: {API_VERSION}\nkind: {KIND}\nmetadata: {{namespace: }}\n")), @"line 3: metadata.namespace has no value: write one, or leave the line out");
    }

    #[test]
    fn numbers_are_quantities_and_settings_as_they_are_written() {
        let text = "cpu: 0.5\nmemory: 1073741824\nstorage: {size: 1}\nconfig:\n  log.retention.hours: 48\n  \
                    log.cleaner.min.cleanable.ratio: 0.50\n  a: true\n  b: text\n  c: ''";
        let spec = read(&document(text)).expect("a document").document.spec;
        assert_eq!((spec.cpu, spec.memory), ("500m".parse().expect("a quantity"), "1Gi".parse().expect("a quantity")));
        assert_eq!(spec.storage.size.whole(), 1);
        let settings: Vec<&str> = spec.config.values().map(String::as_str).collect();
        assert_eq!(settings, ["true", "text", "", "0.50", "48"]);
    }

    #[test]
    fn a_value_of_another_type_is_told_what_is_expected() {
        insta::assert_snapshot!(mistake("kafkaVersion: 4.3"), @r#"line 4: spec.kafkaVersion: it must be text: write it in quotes, "4.3""#);
        insta::assert_snapshot!(mistake("brokers: '3'"), @"line 4: spec.brokers: it must be a whole number that is not negative, without quotes");
        insta::assert_snapshot!(mistake("brokers: -1"), @"line 4: spec.brokers: it must be a whole number that is not negative");
        insta::assert_snapshot!(mistake("brokers: 2.5"), @"line 4: spec.brokers: it must be a whole number that is not negative");
        insta::assert_snapshot!(mistake("brokers: 5000000000"), @"line 4: spec.brokers: 5000000000 is too large: at most 4294967295");
        insta::assert_snapshot!(mistake("cpu: -1"), @"line 4: spec.cpu: `-1` is no quantity; write for example 10Gi, 512Mi or 500m");
        insta::assert_snapshot!(mistake("cpu: true"), @"line 4: spec.cpu: it must be a number, or text such as 512Mi");
        insta::assert_snapshot!(mistake("cpu: [1]"), @"line 4: spec.cpu: it must be a number, or text such as 512Mi");
        insta::assert_snapshot!(mistake("config: {a: [1]}"), @"line 4: spec.config.a: it must be text, a number, true or false");
        insta::assert_snapshot!(mistake("config: [a]"), @"line 4: spec.config: it takes names with values, not a list: leave the hyphens out");
        insta::assert_snapshot!(mistake("security: {tls: true}"), @"line 4: spec.security.tls: it takes fields of its own (caSecret, certificateDays), or {}");
        insta::assert_snapshot!(mistake("security: {authentication: true}"), @r#"line 4: spec.security.authentication: "true" is not one of: none, scram"#);
        insta::assert_snapshot!(mistake("storage: 10Gi"), @"line 4: spec.storage: it takes fields of its own (size, class, disks), or {}");
        insta::assert_snapshot!(mistake("listeners: {name: A}"), @"line 4: spec.listeners: it must be a list: begin each item with a hyphen, or write [a, b]");
        insta::assert_snapshot!(mistake("listeners: [{name: A, port: 70000, advertised: 'a:1'}]"), @"line 4: spec.listeners[0].port: 70000 is too large: at most 65535");
        insta::assert_snapshot!(mistake("listeners: [{name: A}]"), @"line 4: spec.listeners[0]: port, advertised are missing");
        insta::assert_snapshot!(mistake("pods: {onePerNode: 'true'}"), @"line 4: spec.pods.onePerNode: it must be true or false, without quotes");
        insta::assert_snapshot!(mistake("pods: {nodeSelector: {a: true}}"), @r#"line 4: spec.pods.nodeSelector.a: it must be text: write it in quotes, "true""#);
        insta::assert_snapshot!(mistake("pods: {annotations: {a: 1}}"), @r#"line 4: spec.pods.annotations.a: it must be text: write it in quotes, "1""#);
        insta::assert_snapshot!(mistake("pods: {labels: {a: 1.50}}"), @r#"line 4: spec.pods.labels.a: it must be text: write it in quotes, "1.50""#);
        insta::assert_snapshot!(mistake("pods: {tolerations: [{tolerationSeconds: soon}]}"), @"line 4: spec.pods.tolerations[0].tolerationSeconds: it must be a whole number");
        insta::assert_snapshot!(mistake("config: {[a]: 1}"), @"line 4: spec.config: a name is no list");
        insta::assert_snapshot!(mistake("config: {a: 1, a: 2}"), @"line 4: spec.config.a: it is written twice");
    }

    #[test]
    fn what_people_write_out_of_habit_is_told_what_it_is_called_here() {
        insta::assert_snapshot!(mistake("kafka_version: 4.3.1"), @r#"line 4: spec.kafka_version: unknown field; did you mean "kafkaVersion"?"#);
        insta::assert_snapshot!(mistake("Brokers: 3"), @r#"line 4: spec.Brokers: unknown field; did you mean "brokers"?"#);
        insta::assert_snapshot!(mistake("replicas: 3"), @r#"line 4: spec.replicas: unknown field; did you mean "brokers"?"#);
        insta::assert_snapshot!(mistake("version: 4.3.1"), @r#"line 4: spec.version: unknown field; did you mean "kafkaVersion"?"#);
        insta::assert_snapshot!(mistake("resources: {requests: {memory: 2Gi}}"), @r#"line 4: spec.resources: unknown field; did you mean "memory"?"#);
        insta::assert_snapshot!(mistake("tls: true"), @r#"line 4: spec.tls: unknown field; did you mean "spec.security.tls"?"#);
        insta::assert_snapshot!(mistake("authorization: {type: simple}"), @r#"line 4: spec.authorization: unknown field; did you mean "security"?"#);
        insta::assert_snapshot!(mistake("storage: {storageClassName: fast}"), @r#"line 4: spec.storage.storageClassName: unknown field; did you mean "class"?"#);
        insta::assert_snapshot!(mistake("storage: {type: persistent-claim}"), @"line 4: spec.storage.type: unknown field; known are size, class, disks");
        insta::assert_snapshot!(mistake("listeners: [{name: A, port: 9094, type: route}]"), @"line 4: spec.listeners[0].type: unknown field; known are name, port, advertised");
        insta::assert_snapshot!(mistake("entityOperator: {}"), @"line 4: spec.entityOperator: unknown field; known are mode, zookeeper, brokers, controllers, kafkaVersion, image, storage, memory, cpu, heap, jvmOptions, controllerResources, config, security, listeners, metrics, rackMap, pods");
        insta::assert_snapshot!(refusal(&format!("apiVersion: {API_VERSION}\nkind: {KIND}\nspec:\nbrokers: 3\n")), @"line 4: brokers: it belongs in spec: indent it by two spaces more");
        insta::assert_snapshot!(mistake("storage:\nsize: 10Gi"), @"line 5: spec.size: it belongs in storage: indent it by two spaces more");
        insta::assert_snapshot!(mistake("brokers:3"), @"line 4: spec: write a space after the colon, brokers: 3");
        insta::assert_snapshot!(mistake("- brokers: 3"), @"line 4: spec: it takes names with values, not a list: leave the hyphens out");
        insta::assert_snapshot!(mistake("config: [log.retention.hours=4]"), @"line 4: spec.config: it takes names with values, not a list: leave the hyphens out");
        insta::assert_snapshot!(mistake("config: {log: {retention: {hours: 4}}}"), @"line 4: spec.config.log: it must be text, a number, true or false: write the whole name, as log.retention.hours: 4");
        insta::assert_snapshot!(mistake("brokers: {{ .Values.brokers }}"), @"line 4: spec.brokers: it is a template: fill in what {{ … }} stands for");
        insta::assert_snapshot!(mistake("image: {{ .Values.image }}"), @"line 4: spec.image: it is a template: fill in what {{ … }} stands for");
        insta::assert_snapshot!(mistake("memory: 2GB"), @"line 4: spec.memory: `2GB` is no quantity; did you mean 2G?");
        insta::assert_snapshot!(mistake("storage: {size: 10gi}"), @"line 4: spec.storage.size: `10gi` is no quantity; did you mean 10Gi?");
        insta::assert_snapshot!(mistake("brokers: 99999999999999999999999"), @"line 4: spec.brokers: 99999999999999999999999 is too large: at most 4294967295");
        insta::assert_snapshot!(mistake("brokers: 18446744073709551615"), @"line 4: spec.brokers: 18446744073709551615 is too large: at most 4294967295");
    }

    #[test]
    fn json_and_other_ends_of_lines_have_lines_too() {
        let json = "{\n\t\"apiVersion\": \"kubectl-kafka/v1\",\n\t\"kind\": \"Cluster\",\n\t\"spec\": {\n\t\t\"brokrs\": 3}\n}";
        insta::assert_snapshot!(refusal(json), @r#"line 5: spec.brokrs: unknown field; did you mean "brokers"?"#);
        insta::assert_snapshot!(refusal(&document("storage: {size: 1Gi}\nbrokrs: 3").replace('\n', "\r\n")), @r#"line 5: spec.brokrs: unknown field; did you mean "brokers"?"#);
        insta::assert_snapshot!(refusal(&format!("\u{feff}{}", document("brokrs: 3"))), @r#"line 4: spec.brokrs: unknown field; did you mean "brokers"?"#);
    }

    #[test]
    fn kubernetes_own_types_are_checked_as_well() {
        insta::assert_snapshot!(mistake("pods: {affinity: {nodeAfinity: {}}}"), @r#"line 4: spec.pods.affinity.nodeAfinity: unknown field; did you mean "nodeAffinity"?"#);
        insta::assert_snapshot!(mistake("pods: {topologySpreadConstraints: [{maxSkew: 1}]}"), @"line 4: spec.pods.topologySpreadConstraints[0]: topologyKey, whenUnsatisfiable are missing");
        insta::assert_snapshot!(mistake("pods: {topologySpreadConstraints: [{maxSkew: 1, topologyKey: a, whenUnsatisfiable: b, labelSelector: {matchLabels: {a: 1}}}]}"), @r#"line 4: spec.pods.topologySpreadConstraints[0].labelSelector.matchLabels.a: it must be text: write it in quotes, "1""#);
        let taken = "pods:\n  tolerations: [{operator: Exists, tolerationSeconds: 30}]\n  affinity: {}\n  \
                     topologySpreadConstraints: []\n  nodeSelector: {disk: ssd}";
        let spec = read(&document(taken)).expect("a document").document.spec;
        assert_eq!(spec.pods.tolerations[0].toleration_seconds, Some(30));
    }

    #[test]
    fn names_are_those_that_kubernetes_takes() {
        let metadata =
            |metadata: &str| refusal(&format!("apiVersion: {API_VERSION}\nkind: {KIND}\nmetadata:\n  {metadata}\n"));
        insta::assert_snapshot!(metadata("name: Bad Name"), @r#"line 4: metadata.name: "Bad Name" is no name for a cluster: a cluster name has lower-case letters, digits and hyphens, starts with a letter and ends with a letter or digit"#);
        insta::assert_snapshot!(metadata("name: 7"), @r#"line 4: metadata.name: it must be text: write it in quotes, "7""#);
        insta::assert_snapshot!(metadata("namespace: Bad Name"), @r#"line 4: metadata.namespace: "Bad Name" is no namespace: a name has 1 to 63 lower-case letters, digits and hyphens, and begins and ends with a letter or digit"#);
    }

    #[test]
    fn other_documents_are_named() {
        insta::assert_snapshot!(refusal("apiVersion: v1\nkind: Pod\n"), @"line 1: it is a v1 Pod, and this version of kubectl-kafka reads kubectl-kafka/v1 Cluster; `kubectl kafka install --dry-run=client -o cluster` writes one");
        insta::assert_snapshot!(refusal("apiVersion: kubectl-kafka/v1\nkind: Pod\n"), @"line 2: it is a kubectl-kafka/v1 Pod, and this version of kubectl-kafka reads kubectl-kafka/v1 Cluster; `kubectl kafka install --dry-run=client -o cluster` writes one");
        insta::assert_snapshot!(refusal("apiVersion: kubectl-kafka/v2\nkind: Cluster\n"), @"line 1: it is a kubectl-kafka/v2 Cluster, and this version of kubectl-kafka reads kubectl-kafka/v1 Cluster; `kubectl kafka install --dry-run=client -o cluster` writes one");
        insta::assert_snapshot!(refusal("apiVersion: kubectl-kafka/v1\nkind: cluster\n"), @r#"line 2: kind: "cluster" is written Cluster"#);
        insta::assert_snapshot!(refusal("apiVersion:\nkind: Cluster\n"), @"line 1: apiVersion has no value: write kubectl-kafka/v1");
        insta::assert_snapshot!(refusal("apiVersion: 1\nkind: Cluster\n"), @r#"line 1: apiVersion: it must be text: write it in quotes, "1""#);
        insta::assert_snapshot!(refusal("apiVersion: [a]\nkind: Cluster\n"), @"line 1: apiVersion: it must be text");
        insta::assert_snapshot!(refusal("kind: Cluster\nspec: {}\n"), @"line 1: apiVersion is missing: write apiVersion: kubectl-kafka/v1");
        insta::assert_snapshot!(refusal("apiversion: kubectl-kafka/v1\nkind: Cluster\n"), @r#"line 1: apiversion: unknown field; did you mean "apiVersion"?"#);
        insta::assert_snapshot!(refusal("brokers: 3\n"), @r#"line 1: brokers: unknown field; did you mean "spec.brokers"?"#);
        insta::assert_snapshot!(refusal(""), @"line 1: it is empty; a cluster document begins with apiVersion: kubectl-kafka/v1 and kind: Cluster");
        insta::assert_snapshot!(refusal("[a]"), @"line 1: it has no fields; a cluster document begins with apiVersion: kubectl-kafka/v1 and kind: Cluster");
    }

    #[test]
    fn every_preset_is_understood() {
        for preset in ["dev", "default", "production"] {
            let path = format!("{}/presets/{preset}.yaml", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(path).expect("a preset");
            read(&text).expect(preset);
        }
    }
}
