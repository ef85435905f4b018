//! `uninstall`: what goes, what stays, and that what stays is enough.

use crate::world::{SMALL, kubectl, own, shared};

trials! {
    data_is_kept_and_a_later_install_finds_its_messages,
    data_goes_only_when_that_is_said,
    it_asks_and_refuses_where_nobody_can_answer,
    a_cluster_that_does_not_exist_is_named,
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
