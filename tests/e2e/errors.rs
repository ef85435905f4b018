//! What is said when there is nothing to work with. What needs no cluster at all is in `tests/cli`.

use crate::world::{namespace, run, shared};

trials! {
    an_empty_namespace_has_no_cluster_and_the_hint_says_how_to_get_one,
    a_namespace_that_does_not_exist_is_named,
    a_wrong_name_is_answered_with_the_right_ones,
    every_command_fails_alike_without_a_cluster,
    an_address_that_only_the_cluster_knows_is_named,
}

fn an_empty_namespace_has_no_cluster_and_the_hint_says_how_to_get_one() {
    let empty = namespace();
    let outcome = run(&["topics", "list", "-n", &empty.name]).exited(1).says("hint: ");
    assert!(outcome.stderr.contains(&format!("no Kafka cluster found in namespace \"{}\"", empty.name)), "{outcome}");
    assert!(outcome.stderr.contains(&format!("`kubectl kafka install -n {}`", empty.name)), "{outcome}");
    let clusters = run(&["clusters", "-n", &empty.name]).succeeded();
    assert_eq!(clusters.stdout, b"", "{clusters}");
    assert!(clusters.stderr.contains(&empty.name), "{clusters}");
}

fn a_namespace_that_does_not_exist_is_named() {
    run(&["topics", "list", "-n", "no-such-place"]).exited(1).says("no-such-place");
    run(&["install", "demo", "-n", "no-such-place", "--timeout", "20s"])
        .exited(1)
        .says("no-such-place")
        .says("--create-namespace");
}

fn a_wrong_name_is_answered_with_the_right_ones() {
    let kafka = shared();
    kafka.run(&["topics", "list", "-K", "wrong"]).exited(1).says("\"wrong\"").says("shared");
    kafka.run(&["status", "wrong"]).exited(1).says("\"wrong\"");
}

fn every_command_fails_alike_without_a_cluster() {
    let empty = namespace();
    for command in [
        &["topics", "create", "a"][..],
        &["topics", "describe", "a"],
        &["topics", "delete", "a", "--yes"],
        &["produce", "a", "--value", "x"],
        &["consume", "a"],
        &["status"],
        &["verify"],
        &["version"],
    ] {
        let outcome = run(&[command, &["-n", &empty.name]].concat()).exited(1);
        assert!(outcome.stderr.starts_with("error: no Kafka cluster found in namespace"), "{outcome}");
    }
}

fn an_address_that_only_the_cluster_knows_is_named() {
    let outcome = run(&["topics", "list", "--bootstrap-server", "shared-bootstrap.nowhere.invalid:9092"]).exited(1);
    assert!(outcome.stderr.contains("shared-bootstrap.nowhere.invalid:9092"), "{outcome}");
}
