//! `install --metrics`: a real scrape, and the dashboard and the alerts that live on it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use crate::world::{Kafka, Permit, SMALL, kubectl, kubectl_reading, namespace, own, run, start};

trials! {
    scrapes_are_small_and_have_every_series_of_the_dashboard_and_the_alerts,
    where_the_prometheus_operator_is_it_is_told_about_the_pods,
}

/// Labels that look like series.
const LABELS: [&str; 1] = ["kafka_cluster"];

fn scrape(kafka: &Kafka, pod: &str) -> String {
    let path = format!("/api/v1/namespaces/{}/pods/{pod}:9404/proxy/metrics", kafka.namespace.name);
    kubectl(&["get", "--raw", &path])
}

fn scrapes_are_small_and_have_every_series_of_the_dashboard_and_the_alerts() {
    let kafka = own(&["--metrics", "--brokers", "1", "--controllers", "1"]);
    let topic = kafka.topic(&[]);
    kafka.produce(&topic, &[], "hello\n").succeeded();
    kafka.consume(&topic, &[]).succeeded();
    let (broker, controller) = (scrape(&kafka, "own-broker-0"), scrape(&kafka, "own-controller-0"));
    assert!(broker.contains(&format!("topic=\"{topic}\"")), "the topic's own figures");
    assert!(controller.contains("kafka_controller_kafkacontroller_activecontrollercount 1.0"), "{controller}");
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for scrape in [&broker, &controller] {
        let samples: Vec<&str> = scrape.lines().filter(|line| !line.starts_with('#')).collect();
        assert!((60..400).contains(&samples.len()), "{} samples", samples.len());
        seen.extend(samples.iter().filter_map(|sample| sample.split(['{', ' ']).next()));
    }
    for file in ["monitoring/dashboard.json", "monitoring/alerts.yaml"] {
        let text = std::fs::read_to_string(file).expect(file);
        let used: BTreeSet<&str> = text
            .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
            .filter(|word| ["kafka_", "jvm_", "process_"].iter().any(|start| word.starts_with(start)))
            .filter(|word| !LABELS.contains(word))
            .collect();
        assert!(used.len() > 5, "{file} uses {used:?}");
        let missing: Vec<&&str> = used.difference(&seen).collect();
        assert!(missing.is_empty(), "{file} uses series that no scrape has: {missing:?}");
    }
    kafka.run(&["status"]).succeeded();
    let service = kafka.kubectl(&["get", "endpoints", "own-metrics", "-o", "jsonpath={.subsets[0].addresses[*].ip}"]);
    assert_eq!(service.split_whitespace().count(), 2, "both pods are behind the Service: {service}");
}

fn where_the_prometheus_operator_is_it_is_told_about_the_pods() {
    let _permit = Permit::take();
    let namespace = namespace();
    let here = namespace.name.as_str();
    let kind = OperatorsKind::create();
    let flags = ["install", "watched", "-n", here, "--preset", "dev", "--metrics"];
    start(&[&flags[..], &SMALL].concat()).within(Duration::from_secs(300)).end().succeeded();
    let monitors =
        || kubectl(&["get", "podmonitors", "-n", here, "-o", "jsonpath={.items[*].spec.podMetricsEndpoints[0].port}"]);
    assert_eq!(monitors(), "tcp-metrics");
    run(&["uninstall", "watched", "-n", here, "--delete-data", "--yes"]).succeeded();
    assert_eq!(monitors(), "");
    drop(kind);
}

/// As much of the Prometheus operator as an install can see; gone when dropped.
struct OperatorsKind;

const PODMONITORS: &str = "podmonitors.monitoring.coreos.com";

impl OperatorsKind {
    fn create() -> Self {
        let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
        let definition = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": PODMONITORS},
            "spec": {
                "group": "monitoring.coreos.com", "scope": "Namespaced",
                "names": {"kind": "PodMonitor", "plural": "podmonitors", "singular": "podmonitor"},
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": schema}],
            },
        });
        kubectl_reading(&["apply", "-f", "-"], &definition.to_string());
        kubectl(&["wait", "--for=condition=Established", "crd", PODMONITORS, "--timeout=30s"]);
        Self
    }
}

impl Drop for OperatorsKind {
    fn drop(&mut self) {
        kubectl(&["delete", "crd", PODMONITORS, "--ignore-not-found"]);
    }
}
