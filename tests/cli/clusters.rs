//! Which Kafka cluster is meant.

use insta::assert_snapshot;

use crate::api_server::{ApiServer, broker_pods};
use crate::kafka::kafka;

/// Two clusters in the namespace; the selector's instance is honoured as Kubernetes does.
fn two_clusters() -> ApiServer {
    ApiServer::answering(|request| {
        let named = ["blue", "green"].into_iter().find(|name| request.path.contains(&format!("instance%3D{name}")));
        let all = !request.path.contains("instance%3D");
        (200, broker_pods(if all { &["blue", "green"] } else { named.as_slice() }))
    })
}

#[test]
fn none_in_the_namespace() {
    let server = ApiServer::answering(|_| (200, broker_pods(&[])));
    assert_snapshot!(kafka(&["topics", "list"]).kubeconfig(&server.kubeconfig()).run(), @r#"
    $ kubectl kafka topics list
    --- stderr
    error: no Kafka cluster found in namespace "kafka"
    hint: look in all namespaces with `kubectl kafka clusters -A`, then pass -n
    hint: install one with `kubectl kafka install`
    --- exit code 1
    "#);
}

#[test]
fn many_in_the_namespace_are_listed() {
    assert_snapshot!(kafka(&["topics", "list"]).kubeconfig(&two_clusters().kubeconfig()).run(), @r#"
    $ kubectl kafka topics list
    --- stderr
    error: namespace "kafka" has 2 Kafka clusters: blue, green
    hint: choose one with -K, for example -K blue
    --- exit code 2
    "#);
}

#[test]
fn an_unknown_name_is_answered_with_those_that_exist() {
    assert_snapshot!(kafka(&["topics", "list", "-K", "red"]).kubeconfig(&two_clusters().kubeconfig()).run(), @r#"
    $ kubectl kafka topics list -K red
    --- stderr
    error: no Kafka cluster "red" found in namespace "kafka"
    hint: it has: blue, green
    --- exit code 1
    "#);
}

#[test]
fn the_name_may_come_from_the_environment_and_the_flag_wins() {
    let run = |arguments: &[&str]| {
        kafka(arguments).kubeconfig(&two_clusters().kubeconfig()).env("KUBECTL_KAFKA", "red").run()
    };
    assert!(run(&["topics", "list"]).stderr.contains("no Kafka cluster \"red\""));
    let outcome = run(&["topics", "list", "-K", "yellow"]);
    assert!(outcome.stderr.contains("no Kafka cluster \"yellow\""), "{outcome}");
    let outcome = run(&["status", "yellow"]);
    assert!(outcome.stderr.contains("no Kafka cluster \"yellow\""), "{outcome}");
    let unset = kafka(&["topics", "list"]).kubeconfig(&two_clusters().kubeconfig()).env("KUBECTL_KAFKA", "").run();
    assert!(unset.stderr.contains("has 2 Kafka clusters"), "{unset}");
}

#[test]
fn a_name_and_a_flag_that_differ_are_not_chosen_between() {
    assert_snapshot!(kafka(&["uninstall", "blue", "-K", "green"]).run(), @r#"
    $ kubectl kafka uninstall blue -K green
    --- stderr
    error: NAME is "blue" and --kafka is "green": they are the same, so give one of them
    --- exit code 2
    "#);
    for command in [
        &["install", "blue"][..],
        &["restart", "blue"],
        &["status", "blue"],
        &["verify", "blue"],
        &["get", "cluster", "blue"],
        &["certs", "list", "blue"],
        &["certs", "renew", "blue"],
    ] {
        let outcome = kafka(&[command, &["-K", "green"]].concat()).kubeconfig(&two_clusters().kubeconfig()).run();
        assert!(outcome.code == Some(2) && outcome.stderr.contains("so give one of them"), "{outcome}");
    }
}
