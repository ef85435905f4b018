//! What cannot be meant is refused with 2 and a line that says what could be.

use insta::assert_snapshot;

use crate::kafka::kafka;

#[test]
fn an_unknown_command_is_answered_with_the_nearest() {
    assert_snapshot!(kafka(&["topcis", "list"]).run(), @"
    $ kubectl kafka topcis list
    --- stderr
    error: unrecognized subcommand 'topcis'

      tip: some similar subcommands exist: 'topic', 'topics'

    Usage: kubectl kafka [OPTIONS] <COMMAND>

    For more information, try '--help'.
    --- exit code 2
    ");
}

#[test]
fn a_noun_without_a_verb_shows_its_verbs() {
    let outcome = kafka(&["topics"]).run();
    assert!(outcome.stderr.contains("Usage: kubectl kafka topics [OPTIONS] <COMMAND>"), "{outcome}");
    assert_eq!((outcome.stdout.as_str(), outcome.code), ("", Some(2)));
}

#[test]
fn an_unknown_flag_is_answered_with_the_nearest() {
    assert_snapshot!(kafka(&["topics", "list", "--namespaces", "a"]).run(), @"
    $ kubectl kafka topics list --namespaces a
    --- stderr
    error: unexpected argument '--namespaces' found

      tip: a similar argument exists: '--namespace'

    Usage: kubectl kafka topics list --namespace <NAMESPACE>

    For more information, try '--help'.
    --- exit code 2
    ");
}

#[test]
fn a_flag_without_its_value() {
    assert_snapshot!(kafka(&["topics", "list", "-n"]).run(), @"
    $ kubectl kafka topics list -n
    --- stderr
    error: a value is required for '--namespace <NAMESPACE>' but none was supplied

    For more information, try '--help'.
    --- exit code 2
    ");
}

#[test]
fn a_timeout_that_is_none() {
    assert_snapshot!(kafka(&["topics", "list", "--request-timeout", "soon"]).run(), @"
    $ kubectl kafka topics list --request-timeout soon
    --- stderr
    error: invalid value 'soon' for '--request-timeout <DURATION>': `soon` is no duration; write for example 30s, 5m or 1h30m

    For more information, try '--help'.
    --- exit code 2
    ");
}

#[test]
fn a_colour_that_is_none() {
    assert_snapshot!(kafka(&["topics", "list", "--color", "blue"]).run(), @"
    $ kubectl kafka topics list --color blue
    --- stderr
    error: invalid value 'blue' for '--color <WHEN>'
      [possible values: auto, always, never]

    For more information, try '--help'.
    --- exit code 2
    ");
}

#[test]
fn global_flags_work_before_and_after_the_command() {
    let before = kafka(&["--bootstrap-server", "nowhere", "topics", "list"]).run();
    let between = kafka(&["topics", "--bootstrap-server", "nowhere", "list"]).run();
    let after = kafka(&["topics", "list", "--bootstrap-server", "nowhere"]).run();
    assert!(before.stderr.contains("\"nowhere\" is no host:port"), "{before}");
    assert_eq!((&before.stderr, before.code), (&between.stderr, between.code));
    assert_eq!((&before.stderr, before.code), (&after.stderr, after.code));
}

#[test]
fn aliases_are_the_command_itself() {
    let long = kafka(&["topics", "list", "--bootstrap-server", "nowhere"]).run();
    let short = kafka(&["topic", "ls", "--bootstrap-server", "nowhere"]).run();
    assert_eq!((&long.stderr, long.code), (&short.stderr, short.code));
}

#[test]
fn what_a_kafka_with_zookeeper_cannot_have_is_refused_before_a_cluster_is_asked() {
    assert_snapshot!(kafka(&["install", "--mode", "zookeeper", "--controllers", "3"]).run(), @r"
    $ kubectl kafka install --mode zookeeper --controllers 3
    --- stderr
    error: --controllers: with ZooKeeper one of the brokers is the controller; --zookeeper-servers says how many servers ZooKeeper has
    --- exit code 2
    ");
    assert_snapshot!(kafka(&["install", "--mode", "zookeeper", "--kafka-version", "4.3.1"]).run(), @r"
    $ kubectl kafka install --mode zookeeper --kafka-version 4.3.1
    --- stderr
    error: --kafka-version: 4.3.1 has no ZooKeeper mode: 3.9 is the last that has it; without --mode zookeeper this one can be installed
    --- exit code 2
    ");
    assert_snapshot!(kafka(&["install", "--kafka-version", "3.9.2", "--dry-run=client"]).run(), @r"
    $ kubectl kafka install --kafka-version 3.9.2 --dry-run=client
    --- stderr
    warning: the cluster was not read, so its ids are new: no Kubernetes cluster is configured: there is no kubeconfig
    error: --kafka-version: 3.9.2 is too old: 4.1 is the first that can be installed; with --mode zookeeper this one can
    --- exit code 2
    ");
    assert_snapshot!(kafka(&["install", "--mode", "zookeeper", "--tls"]).run(), @r"
    $ kubectl kafka install --mode zookeeper --tls
    --- stderr
    error: --tls: not with ZooKeeper: its servers would need certificates, and users would need to be written into it; install without --mode zookeeper
    --- exit code 2
    ");
}
