//! `uninstall`: what goes, what stays, and that what stays is enough.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::world::{Namespace, SMALL, kubectl, kubectl_reading, namespace, own, run, shared, start};

trials! {
    data_is_kept_and_a_later_install_finds_its_messages,
    data_goes_only_when_that_is_said,
    it_asks_and_refuses_where_nobody_can_answer,
    a_cluster_that_does_not_exist_is_named,
    whoever_waits_for_a_cluster_is_told_that_it_was_removed,
    a_cluster_that_is_rolled_stays_unless_the_roll_is_stopped,
    a_roll_ends_with_its_cluster,
}

fn data_is_kept_and_a_later_install_finds_its_messages() {
    let kafka = own(&[]);
    let topic = kafka.topic(&["--partitions", "1"]);
    kafka.produce(&topic, &[], "kept\n").succeeded();
    let id = || kafka.run(&["version", "-o", "jsonpath={.cluster.clusterId}"]).succeeded().stdout_text();
    let before = id();

    let outcome = kafka.run(&["uninstall", "own", "--yes"]).succeeded();
    assert!(outcome.stdout_text().contains("own-broker"), "{outcome}");
    assert_eq!(kafka.kubectl(&["get", "pods,statefulsets", "-o", "name"]), "");
    assert_eq!(kafka.kubectl(&["get", "pvc", "-o", "name"]).lines().count(), 1);

    let install = [&["install", "own"][..], &SMALL, &["--preset", "dev"]].concat();
    kafka.start(&install).within(std::time::Duration::from_secs(300)).end().succeeded();
    assert_eq!(id(), before);
    assert_eq!(kafka.consume(&topic, &[]).succeeded().lines(), ["kept"]);
}

fn data_goes_only_when_that_is_said() {
    let kafka = own(&[]);
    kafka.run(&["uninstall", "own", "--delete-data", "--yes"]).succeeded();
    let selector = "app.kubernetes.io/managed-by=kubectl-kafka";
    let left = kubectl(&[
        "get",
        "all,pvc,configmaps,secrets,serviceaccounts,poddisruptionbudgets,networkpolicies",
        "-n",
        &kafka.namespace.name,
        "-l",
        selector,
        "-o",
        "name",
    ]);
    assert_eq!(left, "");
    assert_eq!(kafka.kubectl(&["get", "pvc", "-o", "name"]), "");
}

fn it_asks_and_refuses_where_nobody_can_answer() {
    let kafka = shared();
    let outcome = kafka.run(&["uninstall", "shared"]).exited(2).says("--yes");
    assert!(outcome.stderr.contains("shared-broker"), "what would go is named: {outcome}");
    kafka.run(&["uninstall", "shared", "--delete-data"]).exited(2).says("--yes");
    assert_eq!(kafka.kubectl(&["get", "statefulsets", "-o", "name"]).lines().count(), 2);
}

fn a_cluster_that_does_not_exist_is_named() {
    shared().run(&["uninstall", "nobody", "--yes"]).exited(1).says("\"nobody\"");
}

/// A cluster whose only pod no node takes: it costs nothing and is never ready.
fn never_ready(namespace: &Namespace) -> Vec<&str> {
    vec!["install", "never", "-n", &namespace.name, "--preset", "dev", "--memory", "900Gi"]
}

fn whoever_waits_for_a_cluster_is_told_that_it_was_removed() {
    let namespace = namespace();
    let mut waiting = start(&never_ready(&namespace));
    waiting.until("the StatefulSet is applied", |running| running.stdout().contains("statefulset.apps/never-broker"));
    run(&["uninstall", "never", "--yes", "-n", &namespace.name]).succeeded();
    let began = Instant::now();
    waiting.end().exited(1).says("cluster \"never\" was removed meanwhile: statefulset \"never-broker\" is gone");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

fn a_cluster_that_is_rolled_stays_unless_the_roll_is_stopped() {
    let namespace = namespace();
    run(&[&never_ready(&namespace)[..], &["--no-wait"]].concat()).succeeded();
    // Its holder's clock is far ahead, so that it does not expire.
    let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "never-roll"},
        "spec": {"holderIdentity": "ann@laptop (process 7)", "leaseDurationSeconds": 30,
            "acquireTime": "2026-01-01T10:00:00.000000Z", "renewTime": "2999-01-01T10:00:00.000000Z"}});
    kubectl_reading(&["apply", "-n", &namespace.name, "-f", "-"], &lease.to_string());
    let uninstall = ["uninstall", "never", "--yes", "-n", &namespace.name];
    let refused =
        run(&uninstall).exited(1).says("cluster \"never\" is being rolled by ann@laptop (process 7) since 2026");
    assert!(refused.stderr.contains("`kubectl delete lease never-roll"), "{refused}");
    assert_eq!(refused.stdout_text(), "");
    kubectl(&["delete", "lease", "never-roll", "-n", &namespace.name]);
    run(&uninstall).succeeded();
}

fn a_roll_ends_with_its_cluster() {
    let namespace = namespace();
    run(&[&never_ready(&namespace)[..], &["--no-wait"]].concat()).succeeded();
    let mut rolling = start(&["restart", "never", "-n", &namespace.name]);
    rolling.until("the roll began", |running| running.stderr().contains("to be replaced"));
    kubectl(&["delete", "statefulset", "never-broker", "-n", &namespace.name]);
    rolling.end().exited(1).says("cluster \"never\" was removed while it was rolled");
}
