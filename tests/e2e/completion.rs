//! Completion with names from the live cluster.

use std::process::Command;

use crate::world::{kubeconfig, shared};

trials! {
    topics_are_completed_from_the_cluster,
    kafka_clusters_are_completed_from_the_namespace,
    namespaces_are_completed_from_kubernetes,
    kubectl_itself_completes_our_words,
}

fn topics_are_completed_from_the_cluster() {
    let kafka = shared();
    let topic = kafka.topic(&["--partitions", "2"]);
    let namespace = kafka.namespace.name.as_str();
    for words in [&["topics", "delete"][..], &["topics", "describe"], &["produce"], &["consume"]] {
        let line = [&["__complete", "--"], words, &["-n", namespace, &topic[..4]]].concat();
        let answer = crate::world::run(&line).succeeded();
        assert!(answer.lines().contains(&format!("{topic}\t2 partitions")), "{answer}");
    }
    let line = ["__complete", "--", "topics", "delete", "-n", namespace, &topic, ""];
    let answer = crate::world::run(&line).succeeded();
    assert!(!answer.stdout_text().contains(&topic), "a topic that is there already: {answer}");
}

fn kafka_clusters_are_completed_from_the_namespace() {
    let namespace = shared().namespace.name.as_str();
    for words in [&["topics", "list", "-K"][..], &["status"], &["verify"], &["uninstall"]] {
        let line = [&["__complete", "--", "-n", namespace], words, &[""]].concat();
        let answer = crate::world::run(&line).succeeded();
        assert_eq!(answer.lines(), ["shared\t3 brokers", ":4"], "{answer}");
    }
}

fn namespaces_are_completed_from_kubernetes() {
    let namespace = shared().namespace.name.as_str();
    let answer = crate::world::run(&["__complete", "--", "topics", "list", "-n", "e2e-"]).succeeded();
    assert!(answer.lines().iter().any(|line| line == namespace), "{answer}");
}

fn kubectl_itself_completes_our_words() {
    let kafka = shared();
    let topic = kafka.topic(&[]);
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_kubectl-kafka"));
    let directories = [
        program.parent().expect("a directory").display().to_string(),
        concat!(env!("CARGO_MANIFEST_DIR"), "/completions").to_owned(),
        std::env::var("PATH").expect("PATH"),
    ];
    let output = Command::new("kubectl")
        .args(["__complete", "kafka", "topics", "describe", "-n", &kafka.namespace.name, &topic[..6]])
        .env("PATH", directories.join(":"))
        .env("KUBECONFIG", kubeconfig())
        .output()
        .expect("kubectl");
    let answer = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(answer.lines().any(|line| line.starts_with(&topic)), "{answer}");
}
