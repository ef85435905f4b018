//! Reads a document so that a mistake is found by the person who made it: line, path, and what would be right.

use std::sync::OnceLock;

use serde_json::Value;
use serde_path_to_error::Segment;

use super::shape::{Mistake, fitted, joined};
use super::written::Node;
use super::{API_VERSION, ClusterDocument, KIND};

/// The document, typed and as the value that it was made from.
pub(super) fn read(text: &str) -> Result<(ClusterDocument, Value), String> {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    let Some(written) = Node::read(text)? else { return Err(no_document()) };
    check_kind(&written)?;
    let value = fitted(&written, SCHEMA.get_or_init(ClusterDocument::schema))?;
    let document = serde_path_to_error::deserialize(&value).map_err(|error| {
        let (line, path) = place(&written, error.path());
        String::from(Mistake::new(line, &path, error.inner().to_string()))
    })?;
    Ok((document, value))
}

fn no_document() -> String {
    format!("it does not start with apiVersion: {API_VERSION} and kind: {KIND}")
}

fn check_kind(written: &Node) -> Result<(), String> {
    let field = |key: &str| written.field(key).and_then(Node::text);
    match (field("apiVersion"), field("kind")) {
        (Some(API_VERSION), Some(KIND)) => Ok(()),
        (Some(version), Some(kind)) => {
            Err(format!("it is a {version} {kind}, and this version of kubectl-kafka reads {API_VERSION} {KIND}"))
        }
        _ => Err(no_document()),
    }
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

    fn mistake(spec: &str) -> String {
        read(&document(spec)).expect_err("a mistake")
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
        insta::assert_snapshot!(mistake("brokers: 3\nbrokers: 4"), @"line 5: spec.brokers: it is written twice");
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
        insta::assert_snapshot!(read(&format!("apiVersion: {API_VERSION}\nkind: {KIND}\nspec:\n")).expect_err("a mistake"), @"line 3: spec has no value: write {} for the defaults, or leave the line out");
        insta::assert_snapshot!(read(&format!("apiVersion: {API_VERSION}\nkind: {KIND}\nmetadata: {{namespace: }}\n")).expect_err("a mistake"), @"line 3: metadata.namespace has no value: write one, or leave the line out");
    }

    #[test]
    fn numbers_are_quantities_and_settings_as_they_are_written() {
        let text = "cpu: 0.5\nmemory: 1073741824\nstorage: {size: 1}\nconfig:\n  log.retention.hours: 48\n  \
                    log.cleaner.min.cleanable.ratio: 0.50\n  a: true\n  b: text\n  c: ''";
        let (document, _) = read(&document(text)).expect("a document");
        let spec = document.spec;
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
        insta::assert_snapshot!(mistake("brokers: 5000000000"), @"line 4: spec.brokers: it must be a whole number that is not negative");
        insta::assert_snapshot!(mistake("cpu: -1"), @"line 4: spec.cpu: `-1` is no quantity; write for example 10Gi, 512Mi or 500m");
        insta::assert_snapshot!(mistake("cpu: true"), @"line 4: spec.cpu: it must be a number, or text such as 512Mi");
        insta::assert_snapshot!(mistake("cpu: [1]"), @"line 4: spec.cpu: it must be a number, or text such as 512Mi");
        insta::assert_snapshot!(mistake("config: {a: [1]}"), @"line 4: spec.config.a: it must be text, a number, true or false");
        insta::assert_snapshot!(mistake("config: [a]"), @"line 4: spec.config: it takes fields of its own, or {}");
        insta::assert_snapshot!(mistake("security: {tls: true}"), @"line 4: spec.security.tls: it takes fields of its own, or {}");
        insta::assert_snapshot!(mistake("security: {authentication: true}"), @r#"line 4: spec.security.authentication: "true" is not one of: none, scram"#);
        insta::assert_snapshot!(mistake("storage: 10Gi"), @"line 4: spec.storage: it takes fields of its own, or {}");
        insta::assert_snapshot!(mistake("listeners: {name: A}"), @"line 4: spec.listeners: it must be a list, as [a, b]");
        insta::assert_snapshot!(mistake("listeners: [{name: A, port: 70000, advertised: 'a:1'}]"), @"line 4: spec.listeners[0].port: it must be a whole number from 0 to 65535");
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
    fn kubernetes_own_types_are_checked_as_well() {
        insta::assert_snapshot!(mistake("pods: {affinity: {nodeAfinity: {}}}"), @r#"line 4: spec.pods.affinity.nodeAfinity: unknown field; did you mean "nodeAffinity"?"#);
        insta::assert_snapshot!(mistake("pods: {topologySpreadConstraints: [{maxSkew: 1}]}"), @"line 4: spec.pods.topologySpreadConstraints[0]: topologyKey, whenUnsatisfiable are missing");
        insta::assert_snapshot!(mistake("pods: {topologySpreadConstraints: [{maxSkew: 1, topologyKey: a, whenUnsatisfiable: b, labelSelector: {matchLabels: {a: 1}}}]}"), @r#"line 4: spec.pods.topologySpreadConstraints[0].labelSelector.matchLabels.a: it must be text: write it in quotes, "1""#);
        let taken = "pods:\n  tolerations: [{operator: Exists, tolerationSeconds: 30}]\n  affinity: {}\n  \
                     topologySpreadConstraints: []\n  nodeSelector: {disk: ssd}";
        let (document, _) = read(&document(taken)).expect("a document");
        assert_eq!(document.spec.pods.tolerations[0].toleration_seconds, Some(30));
    }

    #[test]
    fn names_are_those_that_kubernetes_takes() {
        let metadata = |metadata: &str| {
            read(&format!("apiVersion: {API_VERSION}\nkind: {KIND}\nmetadata:\n  {metadata}\n")).expect_err("a mistake")
        };
        insta::assert_snapshot!(metadata("name: Bad Name"), @r#"line 4: metadata.name: "Bad Name" is no name for a cluster: a cluster name has lower-case letters, digits and hyphens, starts with a letter and ends with a letter or digit"#);
        insta::assert_snapshot!(metadata("name: 7"), @r#"line 4: metadata.name: it must be text: write it in quotes, "7""#);
        insta::assert_snapshot!(metadata("namespace: Bad Name"), @r#"line 4: metadata.namespace: "Bad Name" is no namespace: a name has 1 to 63 lower-case letters, digits and hyphens, and begins and ends with a letter or digit"#);
    }

    #[test]
    fn other_documents_are_named() {
        insta::assert_snapshot!(read("apiVersion: v1\nkind: Pod\n").expect_err("a mistake"), @"it is a v1 Pod, and this version of kubectl-kafka reads kubectl-kafka/v1 Cluster");
        insta::assert_snapshot!(read("brokers: 3\n").expect_err("a mistake"), @"it does not start with apiVersion: kubectl-kafka/v1 and kind: Cluster");
        insta::assert_snapshot!(read("").expect_err("a mistake"), @"it does not start with apiVersion: kubectl-kafka/v1 and kind: Cluster");
        insta::assert_snapshot!(read("[a]").expect_err("a mistake"), @"it does not start with apiVersion: kubectl-kafka/v1 and kind: Cluster");
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
