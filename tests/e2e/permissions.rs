//! The Roles of docs/permissions.md are enough, and what is said when one is too small.

use std::time::Duration;

use crate::world::{Permit, SMALL, User, documented, namespace, shared};

trials! {
    pods_and_port_forward_are_all_that_a_user_needs,
    without_port_forward_the_missing_right_is_named,
    without_pods_the_missing_right_is_named,
    status_lists_what_it_may_not_see_and_nothing_with_the_role_for_it,
    install_without_rights_says_so_and_applies_nothing,
    the_installers_role_installs_and_removes,
}

fn pods_and_port_forward_are_all_that_a_user_needs() {
    let kafka = shared();
    let user = User::who_may(&kafka.namespace.name, &documented("kafka-user"));
    let topic = crate::world::unique("t");
    user.run(&["topics", "create", &topic, "--partitions", "2"]).succeeded();
    user.run(&["topics", "list"]).succeeded();
    user.run(&["topics", "describe", &topic]).succeeded();
    user.start(&["produce", &topic]).reading("hello\n").end().succeeded();
    let read = user.run(&["consume", &topic, "--from-beginning", "--exit-at-end"]).succeeded();
    assert_eq!(read.lines(), ["hello"]);
    user.run(&["verify"]).succeeded();
    user.run(&["version"]).succeeded();
    user.run(&["clusters"]).succeeded();
    user.run(&["topics", "delete", &topic, "--yes"]).succeeded();
}

fn without_port_forward_the_missing_right_is_named() {
    let rules = documented("kafka-user");
    let user = User::who_may(&shared().namespace.name, &rules[..1]);
    let outcome = user.run(&["topics", "list"]).exited(1).says("pods/portforward").says("hint: ");
    assert!(outcome.elapsed.as_secs() < 10, "a refusal is final: {outcome}");
}

fn without_pods_the_missing_right_is_named() {
    let rules = documented("kafka-user");
    let user = User::who_may(&shared().namespace.name, &rules[1..]);
    let outcome = user.run(&["topics", "list"]).exited(1);
    assert!(outcome.stderr.starts_with("Error from server (Forbidden): pods is forbidden"), "{outcome}");
}

fn status_lists_what_it_may_not_see_and_nothing_with_the_role_for_it() {
    let namespace = &shared().namespace.name;
    let user = User::who_may(namespace, &documented("kafka-user"));
    let status = user.run(&["status", "-o", "json"]).succeeded().json();
    assert_eq!(status["healthy"], true, "{status}");
    assert!(status["unseen"].to_string().contains("statefulsets"), "{status}");

    let observer = User::who_may(namespace, &[documented("kafka-user"), documented("kafka-observer")].concat());
    let status = observer.run(&["status", "-o", "json"]).succeeded().json();
    assert_eq!(status["unseen"], serde_json::json!([]), "{status}");
}

fn install_without_rights_says_so_and_applies_nothing() {
    let kafka = shared();
    let user = User::who_may(&kafka.namespace.name, &documented("kafka-user"));
    user.run(&["install", "other"]).exited(1).says("Forbidden");
    let objects =
        kafka.kubectl(&["get", "all,configmaps,secrets", "-l", "app.kubernetes.io/instance=other", "-o", "name"]);
    assert_eq!(objects, "", "{objects}");
}

fn the_installers_role_installs_and_removes() {
    let _permit = Permit::take();
    let namespace = namespace();
    let user = User::who_may(&namespace.name, &documented("kafka-installer"));
    let install = [&["install", "own", "--preset", "dev"][..], &SMALL].concat();
    user.start(&install).within(Duration::from_secs(300)).end().succeeded();
    user.run(&["status"]).succeeded();
    let change = ["install", "own", "--config", "num.partitions=2"];
    let changed = user.start(&change).within(Duration::from_secs(300)).end().succeeded().stdout_text();
    assert!(changed.contains("pod/own-broker-0 restarted\nconfigmap/own-broker-"), "{changed}");
    user.run(&["uninstall", "own", "--delete-data", "--yes"]).succeeded();
}
