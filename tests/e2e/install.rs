//! `install`: from nothing to a message, the reasons when it cannot be, and what a second run does.

use std::time::Duration;

use crate::world::{Permit, SMALL, kubectl, name_only, namespace, own, run, start};

trials! {
    one_small_node_takes_and_returns_a_message,
    a_second_install_changes_nothing_and_other_options_are_shown,
    a_dry_run_prints_what_would_be_applied_and_applies_nothing,
    an_image_that_cannot_be_pulled_is_the_reason,
    a_storage_class_that_does_not_exist_is_the_reason,
    ctrl_c_in_the_middle_says_what_is_there_and_the_same_command_continues,
    a_cluster_of_other_hands_is_not_touched,
    a_name_that_kubernetes_would_refuse_is_refused,
}

/// Long enough for a pod's failure to show, far less than an install is given.
const DOOMED: Duration = Duration::from_secs(100);

fn one_small_node_takes_and_returns_a_message() {
    let kafka = own(&[]);
    let topic = kafka.topic(&[]);
    kafka.produce(&topic, &[], "hello\n").succeeded();
    assert_eq!(kafka.consume(&topic, &[]).succeeded().lines(), ["hello"]);
    kafka.run(&["status"]).succeeded();
    let pods = kafka.kubectl(&["get", "pods", "-o", "name"]);
    assert_eq!(pods.lines().count(), 1, "{pods}");
    // The strictest Pod Security level has nothing to say about it.
    let warning = kubectl(&[
        "label",
        "namespace",
        &kafka.namespace.name,
        "pod-security.kubernetes.io/enforce=restricted",
        "--dry-run=server",
        "-o",
        "name",
    ]);
    assert_eq!(warning.trim(), format!("namespace/{}", kafka.namespace.name));
}

fn a_second_install_changes_nothing_and_other_options_are_shown() {
    let kafka = own(&[]);
    let generation = || kafka.kubectl(&["get", "statefulsets", "-o", "jsonpath={.items[*].metadata.generation}"]);
    let before = generation();
    let install = [&["install", "own"][..], &SMALL, &["--preset", "dev"]].concat();
    let again = kafka.run(&install).succeeded();
    assert!(again.stderr.contains("nothing was changed"), "{again}");
    assert_eq!(generation(), before);
    let bare = kafka.run(&["install", "own"]).succeeded();
    assert!(bare.stderr.contains("nothing was changed"), "what is not said stays as it is: {bare}");

    let other = kafka.run(&["install", "own", "--storage", "7Gi"]).exited(1);
    assert!(other.stderr.contains("storage") && other.stderr.contains("7Gi"), "{other}");
    assert_eq!(generation(), before);
}

fn a_dry_run_prints_what_would_be_applied_and_applies_nothing() {
    let namespace = namespace();
    let printed =
        run(&["install", "dry", "-n", &namespace.name, "--dry-run=client", "-o", "yaml"]).succeeded().stdout_text();
    for kind in ["StatefulSet", "Service", "ConfigMap", "PodDisruptionBudget", "NetworkPolicy", "ServiceAccount"] {
        assert!(printed.contains(&format!("kind: {kind}\n")), "no {kind}");
    }
    run(&["install", "dry", "-n", &namespace.name, "--dry-run=server"]).succeeded();
    let objects = kubectl(&[
        "get",
        "statefulsets,services,configmaps,secrets",
        "-n",
        &namespace.name,
        "-l",
        "app.kubernetes.io/instance=dry",
        "-o",
        "name",
    ]);
    assert_eq!(objects, "");
}

fn an_image_that_cannot_be_pulled_is_the_reason() {
    let namespace = namespace();
    let arguments = [
        "install",
        "bad",
        "-n",
        &namespace.name,
        "--preset",
        "dev",
        "--image",
        "example.invalid/kafka:none",
        "--timeout",
        "60s",
    ];
    let outcome = start(&arguments).within(DOOMED).end();
    assert!(!outcome.is_success(), "{outcome}");
    assert!(outcome.stderr.contains("example.invalid/kafka:none"), "{outcome}");
    assert!(outcome.stderr.contains("bad-broker-0"), "the pod is named: {outcome}");
}

fn a_storage_class_that_does_not_exist_is_the_reason() {
    let namespace = namespace();
    let arguments = [
        "install",
        "bad",
        "-n",
        &namespace.name,
        "--preset",
        "dev",
        "--storage-class",
        "no-such-class",
        "--timeout",
        "40s",
    ];
    let outcome = start(&arguments).within(DOOMED).end();
    assert!(!outcome.is_success(), "{outcome}");
    assert!(outcome.stderr.contains("no-such-class"), "{outcome}");
}

fn ctrl_c_in_the_middle_says_what_is_there_and_the_same_command_continues() {
    let _permit = Permit::take();
    let namespace = namespace();
    let arguments = [&["install", "late", "-n", &namespace.name, "--preset", "dev"][..], &SMALL].concat();
    let mut installing = start(&arguments).within(Duration::from_secs(120));
    installing.until("the objects are applied", |running| running.stdout().contains("statefulset"));
    installing.interrupt();
    let outcome = installing.end().exited(130);
    assert!(outcome.stderr.contains("interrupted") && outcome.stderr.contains("uninstall late"), "{outcome}");

    start(&arguments).within(Duration::from_secs(300)).end().succeeded();
    run(&["status", "late", "-n", &namespace.name]).succeeded();
}

fn a_cluster_of_other_hands_is_not_touched() {
    let namespace = namespace();
    kubectl(&[
        "create",
        "deployment",
        "theirs-broker",
        "--image=example.invalid/x",
        "--replicas=0",
        "-n",
        &namespace.name,
    ]);
    kubectl(&["create", "configmap", "theirs-broker", "-n", &namespace.name]);
    kubectl(&["create", "service", "clusterip", "theirs-bootstrap", "--tcp=9092", "-n", &namespace.name]);
    let before = kubectl(&["get", "services,configmaps,deployments", "-n", &namespace.name, "-o", "json"]);
    let outcome = run(&["install", "theirs", "-n", &namespace.name, "--preset", "dev", "--timeout", "20s"]).exited(1);
    assert!(outcome.stderr.contains("theirs-bootstrap") || outcome.stderr.contains("theirs-broker"), "{outcome}");
    let after = kubectl(&["get", "services,configmaps,deployments", "-n", &namespace.name, "-o", "json"]);
    assert_eq!(after, before);
}

fn a_name_that_kubernetes_would_refuse_is_refused() {
    let namespace = name_only();
    let outcome =
        run(&["install", "Not_A_Name", "-n", &namespace.name, "--create-namespace"]).exited(2).says("Not_A_Name");
    assert_eq!(outcome.stdout, b"", "{outcome}");
}
