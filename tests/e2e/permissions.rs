//! The smallest Roles, and what is said when one is too small.

use crate::world::{User, shared};

trials! {
    pods_and_port_forward_are_all_that_a_user_needs,
    without_port_forward_the_missing_right_is_named,
    without_pods_the_missing_right_is_named,
    status_lists_what_it_may_not_see,
    install_without_rights_says_so_and_applies_nothing,
}

/// docs/permissions.md: what everything but `install` and `uninstall` needs.
const READER: [(&[&str], &[&str]); 2] =
    [(&["pods", "services"], &["get", "list"]), (&["pods/portforward"], &["get", "create"])];

fn pods_and_port_forward_are_all_that_a_user_needs() {
    let kafka = shared();
    let user = User::who_may(&kafka.namespace.name, &READER);
    let topic = crate::world::unique("t");
    user.run(&["topics", "create", &topic, "--partitions", "2"]).succeeded();
    user.run(&["topics", "list"]).succeeded();
    user.run(&["topics", "describe", &topic]).succeeded();
    user.run_reading(&["produce", &topic], "hello\n").succeeded();
    let read = user.run(&["consume", &topic, "--from-beginning", "--exit-at-end"]).succeeded();
    assert_eq!(read.lines(), ["hello"]);
    user.run(&["verify"]).succeeded();
    user.run(&["version"]).succeeded();
    user.run(&["topics", "delete", &topic, "--yes"]).succeeded();
}

fn without_port_forward_the_missing_right_is_named() {
    let user = User::who_may(&shared().namespace.name, &READER[..1]);
    let outcome = user.run(&["topics", "list"]).exited(1).says("pods/portforward").says("hint: ");
    assert!(outcome.elapsed.as_secs() < 10, "a refusal is final: {outcome}");
}

fn without_pods_the_missing_right_is_named() {
    let user = User::who_may(&shared().namespace.name, &READER[1..]);
    let outcome = user.run(&["topics", "list"]).exited(1);
    assert!(outcome.stderr.starts_with("Error from server (Forbidden): pods is forbidden"), "{outcome}");
}

fn status_lists_what_it_may_not_see() {
    let user = User::who_may(&shared().namespace.name, &READER);
    let outcome = user.run(&["status"]).succeeded();
    assert!(outcome.stdout_text().contains("healthy"), "{outcome}");
    assert!(outcome.stdout_text().contains("statefulsets") || outcome.stderr.contains("statefulsets"), "{outcome}");
}

fn install_without_rights_says_so_and_applies_nothing() {
    let kafka = shared();
    let user = User::who_may(&kafka.namespace.name, &READER);
    user.run(&["install", "other"]).exited(1).says("Forbidden");
    let objects =
        kafka.kubectl(&["get", "all,configmaps,secrets", "-l", "app.kubernetes.io/instance=other", "-o", "name"]);
    assert_eq!(objects, "", "{objects}");
}
