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
    error: a.yaml: spec.security.tls.caSecret: "Bad Name" is no name of a Secret: a name has 1 to 253 lower-case letters, digits, hyphens and dots, and begins and ends with a letter or digit
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
    error: a.yaml: spec.config: listeners is set by kubectl-kafka itself and cannot be changed
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
