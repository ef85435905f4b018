//! `install --metrics`: a real scrape, and the dashboard and the alerts that live on it.

use std::collections::BTreeSet;

use crate::world::{kubectl, own};

trials! {
    a_scrape_is_small_and_has_every_series_of_the_dashboard_and_the_alerts,
}

/// What Prometheus brings itself.
const FUNCTIONS: [&str; 1] = ["kafka_cluster"];

fn a_scrape_is_small_and_has_every_series_of_the_dashboard_and_the_alerts() {
    let kafka = own(&["--metrics"]);
    let topic = kafka.topic(&[]);
    kafka.produce(&topic, &[], "hello\n").succeeded();
    kafka.consume(&topic, &[]).succeeded();
    let pod = kafka.kubectl(&["get", "pods", "-o", "name"]);
    let pod = pod.trim().trim_start_matches("pod/");
    let path = format!("/api/v1/namespaces/{}/pods/{pod}:9404/proxy/metrics", kafka.namespace.name);
    let scrape = kubectl(&["get", "--raw", &path]);
    let samples: Vec<&str> = scrape.lines().filter(|line| !line.starts_with('#')).collect();
    assert!((100..400).contains(&samples.len()), "{} samples", samples.len());
    assert!(samples.iter().any(|sample| sample.contains(&format!("topic=\"{topic}\""))), "the topic's own figures");

    let seen: BTreeSet<&str> = samples.iter().filter_map(|sample| sample.split(['{', ' ']).next()).collect();
    for file in ["monitoring/dashboard.json", "monitoring/alerts.yaml"] {
        let text = std::fs::read_to_string(file).expect(file);
        let used: BTreeSet<&str> = text
            .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
            .filter(|word| ["kafka_", "jvm_", "process_"].iter().any(|start| word.starts_with(start)))
            .filter(|word| !FUNCTIONS.contains(word))
            .collect();
        assert!(used.len() > 5, "{file} uses {used:?}");
        let missing: Vec<&&str> = used.difference(&seen).collect();
        assert!(missing.is_empty(), "{file} uses series that no scrape has: {missing:?}");
    }
    // Kafka's own tools run in the same pod, where the port is taken.
    kafka.run(&["status"]).succeeded();
    let service = kafka.kubectl(&["get", "service", "own-metrics", "-o", "jsonpath={.spec.ports[0].port}"]);
    assert_eq!(service, "9404");
}
