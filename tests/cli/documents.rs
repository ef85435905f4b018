//! `install -f`: a mistake is told with the file, the line, the path and what would be right; nothing is guessed.

use insta::assert_snapshot;

use crate::kafka::{Outcome, kafka};

/// Needs no cluster: the document that is asked for is printed.
fn installed(spec: &str, more: &[&str]) -> Outcome {
    let document = format!("apiVersion: kubectl-kafka/v1\nkind: Cluster\nspec:\n{spec}\n");
    let arguments = [&["install", "-f", "a.yaml", "--dry-run=client", "-o", "cluster"], more].concat();
    kafka(&arguments).file("a.yaml", &document).run()
}

#[test]
fn tls_without_a_value_is_no_plain_text() {
    assert_snapshot!(installed("  security:\n    tls:", &[]), @r"
    $ kubectl kafka install -f a.yaml --dry-run=client -o cluster
    --- stderr
    error: a.yaml: line 5: spec.security.tls has no value: write {} for the defaults, or leave the line out
    --- exit code 2
    ");
}

#[test]
fn numbers_are_quantities_and_settings() {
    let spec = "  brokers: 1\n  controllers: 0\n  cpu: 0.5\n  memory: 1073741824\n  storage: {size: 10737418240}\n  \
                config: {log.retention.hours: 48, log.cleaner.min.cleanable.ratio: 0.50}";
    assert_snapshot!(installed(spec, &[]), @r#"
    $ kubectl kafka install -f a.yaml --dry-run=client -o cluster
    --- stdout
    apiVersion: kubectl-kafka/v1
    kind: Cluster
    metadata:
      name: kafka
    spec:
      brokers: 1
      controllers: 0
      kafkaVersion: "4.3.1"
      storage:
        size: "10737418240"
      memory: "1073741824"
      cpu: "0.5"
      config:
        log.cleaner.min.cleanable.ratio: "0.50"
        log.retention.hours: "48"
    --- exit code 0
    "#);
}

#[test]
fn a_version_is_text() {
    assert_snapshot!(installed("  kafkaVersion: 4.3", &[]), @r#"
    $ kubectl kafka install -f a.yaml --dry-run=client -o cluster
    --- stderr
    error: a.yaml: line 4: spec.kafkaVersion: it must be text: write it in quotes, "4.3"
    --- exit code 2
    "#);
}

#[test]
fn a_file_holds_one_cluster() {
    assert_eq!(installed("  brokers: 3\n---", &[]).code, Some(0));
    assert_snapshot!(installed("  brokers: 3\n---\napiVersion: kubectl-kafka/v1", &[]), @r"
    $ kubectl kafka install -f a.yaml --dry-run=client -o cluster
    --- stderr
    error: a.yaml: line 6: here begins another of 2 documents, and a file holds one cluster
    --- exit code 2
    ");
}

#[test]
fn a_name_that_kubernetes_does_not_take_is_told_before_it_is_asked() {
    assert_snapshot!(installed("  security: {tls: {caSecret: Bad Name}}", &[]), @r#"
    $ kubectl kafka install -f a.yaml --dry-run=client -o cluster
    --- stderr
    error: a.yaml: line 4: spec.security.tls.caSecret: "Bad Name" is no name of a Secret: a name has 1 to 253 lower-case letters, digits, hyphens and dots, and begins and ends with a letter or digit
    --- exit code 2
    "#);
    assert_snapshot!(kafka(&["users", "create", "alice", "--secret", "Bad Name"]).run(), @r"
    $ kubectl kafka users create alice --secret Bad Name
    --- stderr
    error: invalid value 'Bad Name' for '--secret <NAME>': a name has 1 to 253 lower-case letters, digits, hyphens and dots, and begins and ends with a letter or digit

    For more information, try '--help'.
    --- exit code 2
    ");
    assert_snapshot!(kafka(&["topics", "list", "-n", "Bad Name"]).run(), @r"
    $ kubectl kafka topics list -n Bad Name
    --- stderr
    error: invalid value 'Bad Name' for '--namespace <NAMESPACE>': a name has 1 to 63 lower-case letters, digits and hyphens, and begins and ends with a letter or digit

    For more information, try '--help'.
    --- exit code 2
    ");
    assert_snapshot!(kafka(&["topics", "list", "--kafka-user", "Bad Name"]).run(), @r"
    $ kubectl kafka topics list --kafka-user Bad Name
    --- stderr
    error: invalid value 'Bad Name' for '--kafka-user <NAME>': a name has 1 to 253 lower-case letters, digits, hyphens and dots, and begins and ends with a letter or digit

    For more information, try '--help'.
    --- exit code 2
    ");
    assert_snapshot!(kafka(&["topics", "list", "--kafka-user", ""]).run(), @r"
    $ kubectl kafka topics list --kafka-user 
    --- stderr
    error: invalid value '' for '--kafka-user <NAME>': a name has 1 to 253 lower-case letters, digits, hyphens and dots, and begins and ends with a letter or digit

    For more information, try '--help'.
    --- exit code 2
    ");
}

#[test]
fn a_flags_mistake_is_the_flags() {
    assert_snapshot!(installed("  brokers: 3", &["--config", "=x"]), @r#"
    $ kubectl kafka install -f a.yaml --dry-run=client -o cluster --config =x
    --- stderr
    error: --config: "" is no name of a server property
    --- exit code 2
    "#);
    assert_snapshot!(installed("  config: {listeners: a}", &["--config", "a=x"]), @r"
    $ kubectl kafka install -f a.yaml --dry-run=client -o cluster --config a=x
    --- stderr
    error: a.yaml: line 4: spec.config: listeners is set by kubectl-kafka itself and cannot be changed
    --- exit code 2
    ");
}

#[test]
fn what_only_the_preset_asks_for_is_the_presets() {
    assert_snapshot!(kafka(&["install", "--mode", "zookeeper", "--preset", "production"]).run(), @r"
    $ kubectl kafka install --mode zookeeper --preset production
    --- stderr
    error: --preset: production asks for TLS and users: not with ZooKeeper: its servers would need certificates, and users would need to be written into it; install without --mode zookeeper
    --- exit code 2
    ");
}

#[test]
fn a_file_that_cannot_be_read_is_a_failure_wherever_it_is_named() {
    assert_snapshot!(kafka(&["install", "-f", "gone.yaml"]).run(), @r"
    $ kubectl kafka install -f gone.yaml
    --- stderr
    error: cannot read gone.yaml: No such file or directory (os error 2)
    --- exit code 1
    ");
    assert_snapshot!(kafka(&["topics", "list", "--command-config", "gone", "--bootstrap-server", "127.0.0.1:1"]).run(), @r"
    $ kubectl kafka topics list --command-config gone --bootstrap-server 127.0.0.1:1
    --- stderr
    error: --command-config: cannot read gone: No such file or directory (os error 2)
    --- exit code 1
    ");
}

#[test]
fn a_comparison_that_fails_is_no_difference() {
    assert_snapshot!(kafka(&["install", "--diff", "-f", "gone.yaml"]).run(), @r"
    $ kubectl kafka install --diff -f gone.yaml
    --- stderr
    error: cannot read gone.yaml: No such file or directory (os error 2)
    --- exit code 2
    ");
}

#[test]
fn a_value_that_cannot_be_meant_is_told_with_its_line() {
    assert_snapshot!(installed("  pods:\n    labels:\n      app.kubernetes.io/name: mine", &[]), @r"
    $ kubectl kafka install -f a.yaml --dry-run=client -o cluster
    --- stderr
    error: a.yaml: line 6: spec.pods.labels: app.kubernetes.io/name is set by kubectl-kafka itself and cannot be changed
    --- exit code 2
    ");
    assert_snapshot!(installed("  jvmOptions:\n  - -Xss1m\n  - -Xmx3g", &[]), @r"
    $ kubectl kafka install -f a.yaml --dry-run=client -o cluster
    --- stderr
    error: a.yaml: line 6: spec.jvmOptions[1]: -Xmx3g would be beside the heap that kubectl-kafka sets; use spec.heap
    --- exit code 2
    ");
    assert_snapshot!(installed("  listeners:\n  - name: PUBLIC\n    port: 9094\n    advertised: kafka.example.com:9094", &[]), @r#"
    $ kubectl kafka install -f a.yaml --dry-run=client -o cluster
    --- stderr
    error: a.yaml: line 7: spec.listeners[0].advertised: PUBLIC: "kafka.example.com:9094" is one address for 3 brokers, and clients must reach each of them: put {ordinal} where the broker's number belongs
    --- exit code 2
    "#);
    assert_snapshot!(installed("  brokers: 1\n  listeners:\n  - {name: A, port: 9094, advertised: 'a:1'}\n  - {name: A, port: 9095, advertised: 'a:2'}", &[]), @r"
    $ kubectl kafka install -f a.yaml --dry-run=client -o cluster
    --- stderr
    error: a.yaml: line 7: spec.listeners[1].name: A is the name of another listener
    --- exit code 2
    ");
    assert_snapshot!(installed("  memory: 2Gi\n  heap: 3Gi", &[]), @r"
    $ kubectl kafka install -f a.yaml --dry-run=client -o cluster
    --- stderr
    error: a.yaml: line 5: spec.heap: 3Gi does not fit into the memory, 2Gi: take at most nine tenths of it
    --- exit code 2
    ");
    assert_snapshot!(installed("  storage:\n    size: 10gi", &[]), @r"
    $ kubectl kafka install -f a.yaml --dry-run=client -o cluster
    --- stderr
    error: a.yaml: line 5: spec.storage.size: `10gi` is no quantity; did you mean 10Gi?
    --- exit code 2
    ");
    assert_snapshot!(installed("  config:\n    log.retension.hours: 48", &[]), @r"
    $ kubectl kafka install -f a.yaml --dry-run=client -o cluster
    --- stderr
    error: a.yaml: line 5: spec.config: log.retension.hours is no server property of Kafka; did you mean log.retention.hours?
    --- exit code 2
    ");
    assert_snapshot!(installed("  config:\n    retention.ms: 48", &[]), @r"
    $ kubectl kafka install -f a.yaml --dry-run=client -o cluster
    --- stderr
    error: a.yaml: line 5: spec.config: retention.ms is no server property of Kafka; did you mean log.retention.ms?
    --- exit code 2
    ");
    assert_snapshot!(installed("  config:\n    min.insync.replicas: 4", &[]), @r"
    $ kubectl kafka install -f a.yaml --dry-run=client -o cluster
    --- stderr
    error: a.yaml: line 5: spec.config: min.insync.replicas=4 does not fit 3 brokers
    --- exit code 2
    ");
    assert_snapshot!(installed("  controllerResources:\n    memory: 10Mi", &[]), @r"
    $ kubectl kafka install -f a.yaml --dry-run=client -o cluster
    --- stderr
    error: a.yaml: line 5: spec.controllerResources.memory: 10Mi is too little: take 256Mi or more
    --- exit code 2
    ");
    assert_snapshot!(installed("  mode: zookeeper\n  controllers: 3", &[]), @r"
    $ kubectl kafka install -f a.yaml --dry-run=client -o cluster
    --- stderr
    error: a.yaml: line 5: spec.controllers: with ZooKeeper one of the brokers is the controller; spec.zookeeper.servers says how many servers ZooKeeper has
    --- exit code 2
    ");
}

#[test]
fn a_value_of_a_flag_is_the_flags_and_what_it_does_not_fit_is_the_files() {
    assert_snapshot!(installed("  brokers: 3", &["--config", "min.insync.replicas=4"]), @r"
    $ kubectl kafka install -f a.yaml --dry-run=client -o cluster --config min.insync.replicas=4
    --- stderr
    error: --config: min.insync.replicas=4 does not fit 3 brokers
    --- exit code 2
    ");
    assert_snapshot!(installed("  memory: 4Gi\n  heap: 2Gi", &["--memory", "1Gi"]), @r"
    $ kubectl kafka install -f a.yaml --dry-run=client -o cluster --memory 1Gi
    --- stderr
    error: a.yaml: line 5: spec.heap: 2Gi does not fit into the memory, 1Gi: take at most nine tenths of it
    --- exit code 2
    ");
}

#[test]
fn what_is_no_document_is_told_what_one_is() {
    let document = |text: &str| kafka(&["install", "-f", "a.yaml"]).file("a.yaml", text).run();
    assert_snapshot!(document("apiVersion: kafka.strimzi.io/v1beta2\nkind: Kafka\n"), @r"
    $ kubectl kafka install -f a.yaml
    --- stderr
    error: a.yaml: line 1: it is a kafka.strimzi.io/v1beta2 Kafka, and this version of kubectl-kafka reads kubectl-kafka/v1 Cluster; `kubectl kafka install --dry-run=client -o cluster` writes one
    --- exit code 2
    ");
    assert_snapshot!(document("apiVersion: kubectl-kafka/v1\nkind: Cluster\nspec:\nbrokers: 3\n"), @r"
    $ kubectl kafka install -f a.yaml
    --- stderr
    error: a.yaml: line 4: brokers: it belongs in spec: indent it by two spaces more
    --- exit code 2
    ");
    assert_snapshot!(document("apiVersion: kubectl-kafka/v1\nkind: Cluster\nspec:\n\tbrokers: 3\n"), @r"
    $ kubectl kafka install -f a.yaml
    --- stderr
    error: a.yaml: line 4: it is indented with a tab, and YAML takes spaces only
    --- exit code 2
    ");
    assert_snapshot!(document("{\"apiVersion\": \"kubectl-kafka/v1\",\n \"kind\": \"Cluster\",\n \"spec\": {\"brokers\": 0}}"), @r"
    $ kubectl kafka install -f a.yaml
    --- stderr
    error: a.yaml: line 3: spec.brokers: 0 is not in 1 to 500
    --- exit code 2
    ");
    assert_snapshot!(kafka(&["install", "-f", "-"]).run(), @r"
    $ kubectl kafka install -f -
    --- stderr
    error: stdin: line 1: it is empty; a cluster document begins with apiVersion: kubectl-kafka/v1 and kind: Cluster
    --- exit code 2
    ");
    assert_snapshot!(kafka(&["install", "-f", "a"]).file("a/b.yaml", "").run(), @r"
    $ kubectl kafka install -f a
    --- stderr
    error: a: it is a directory: name one file, with one cluster
    --- exit code 2
    ");
}

#[test]
fn a_name_that_the_document_contradicts_is_told_where() {
    let document = "apiVersion: kubectl-kafka/v1\nkind: Cluster\nmetadata:\n  name: demo\n  namespace: team\n";
    let install = |more: &[&str]| kafka(&[&["install", "-f", "a.yaml"], more].concat()).file("a.yaml", document).run();
    assert_snapshot!(install(&["other"]), @r#"
    $ kubectl kafka install -f a.yaml other
    --- stderr
    error: a.yaml: line 4: metadata.name: it is "demo", and "other" was asked for: they are the same, so change one
    --- exit code 2
    "#);
    assert_snapshot!(install(&["-n", "other"]), @r#"
    $ kubectl kafka install -f a.yaml -n other
    --- stderr
    error: a.yaml: line 5: metadata.namespace: it is "team", and -n is "other": they are the same, so change one
    --- exit code 2
    "#);
}
