//! `install --metrics`: a real scrape, and the dashboard and the alerts that live on it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::world::{
    Kafka, Outcome, Permit, SMALL, User, documented, kubectl, kubectl_reading, namespace, own, run, start,
};

trials! {
    scrapes_are_small_and_have_every_series_of_the_dashboard_and_the_alerts,
    where_the_prometheus_operator_is_it_is_told_about_the_pods,
}

/// Labels that look like series.
const LABELS: [&str; 1] = ["kafka_cluster"];

/// What a pod serves to Prometheus.
pub(crate) fn scrape(kafka: &Kafka, pod: &str) -> String {
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
    let without_an_ensemble = |series: &str| series.starts_with("zookeeper_") || series.contains("_zookeeper");
    every_series_was_seen(&seen, |series| !without_an_ensemble(series));
    figures_are_shown_where_they_were_asked_for(&kafka, &topic);
    who_may_not_reach_a_pod_sees_the_others(&kafka);
    let service = kafka.kubectl(&["get", "endpoints", "own-metrics", "-o", "jsonpath={.subsets[0].addresses[*].ip}"]);
    assert_eq!(service.split_whitespace().count(), 2, "both pods are behind the Service: {service}");
}

/// Checks the series of the dashboard and of the alerts that `is_meant` is about.
pub(crate) fn every_series_was_seen(seen: &BTreeSet<&str>, is_meant: impl Fn(&str) -> bool) {
    for file in ["monitoring/dashboard.json", "monitoring/alerts.yaml"] {
        let text = std::fs::read_to_string(file).expect(file);
        let used: BTreeSet<&str> = text
            .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
            .filter(|word| ["kafka_", "jvm_", "process_", "zookeeper_"].iter().any(|start| word.starts_with(start)))
            .filter(|word| !LABELS.contains(word) && is_meant(word))
            .collect();
        assert!(used.len() > 2, "{file} uses {used:?}");
        let missing: Vec<&&str> = used.difference(seen).collect();
        assert!(missing.is_empty(), "{file} uses series that no scrape has: {missing:?}");
    }
}

/// Ten thousand messages within a minute are more than whatever else goes on in a cluster that nobody uses.
const NOTABLE: f64 = 50.0;

fn figures_are_shown_where_they_were_asked_for(kafka: &Kafka, topic: &str) {
    let metrics = || kafka.run(&["status", "-o", "json"]).succeeded().json()["metrics"].take();
    let rate = |metrics: &Value| metrics["brokers"][0]["messagesInPerSecond"].as_f64().expect("a rate");
    let before = metrics();
    assert!(rate(&before) < NOTABLE, "{before}");
    let messages: String = (0..10_000).map(|number| format!("{number}\n")).collect();
    kafka.produce(topic, &[], messages).succeeded();
    // Kafka's averages move every five seconds, each at a moment of its own.
    let moving = ["bytesInPerSecond", "produceRequests", "produceP99Ms", "requestHandlersIdle"];
    let still = |metrics: &Value| {
        let broker = &metrics["brokers"][0];
        moving.into_iter().find(|figure| broker[figure].as_f64().is_none_or(|value| value <= 0.0))
    };
    let began = Instant::now();
    let metrics = loop {
        let metrics = metrics();
        let measured = rate(&metrics) > NOTABLE && still(&metrics).is_none();
        if measured || began.elapsed() > Duration::from_secs(30) {
            break metrics;
        }
        std::thread::sleep(Duration::from_secs(1));
    };
    let (broker, controller) = (&metrics["brokers"][0], &metrics["controllers"][0]);
    assert!(rate(&metrics) > NOTABLE, "{metrics}");
    assert_eq!(still(&metrics), None, "{metrics}");
    assert_eq!((&broker["node"], &broker["error"]), (&100.into(), &Value::Null));
    assert_eq!((&controller["active"], &controller["metadataErrors"]), (&true.into(), &0.into()), "{metrics}");
    for figure in [
        &broker["connections"],
        &controller["eventQueueP99Ms"],
        &controller["metadataLagMs"],
        &controller["heap"]["used"],
    ] {
        assert!(figure.is_number(), "{metrics}");
    }
    let wide = kafka.run(&["status", "-o", "wide", "-v", "1"]).succeeded();
    let text = wide.stdout_text();
    assert!(text.contains("messages/s") && text.contains("MESSAGES-IN") && !text.contains("<unknown>"), "{text}");
    // Who does not see them does not pay for them.
    let plain = kafka.run(&["status", "-v", "1"]).succeeded();
    assert!(!plain.stdout_text().contains("Metrics"), "{plain}");
    let scrapes = |outcome: &Outcome| outcome.stderr.matches("port=9404").count();
    assert_eq!((scrapes(&wide), scrapes(&plain)), (2, 0), "{wide}{plain}");
}

fn who_may_not_reach_a_pod_sees_the_others(kafka: &Kafka) {
    let mut rules = [documented("kafka-user"), documented("kafka-observer")].concat();
    let forward = rules.iter_mut().find(|rule| rule["resources"] == json!(["pods/portforward"])).expect("a rule");
    forward["resourceNames"] = json!(["own-broker-0"]);
    let user = User::who_may(&kafka.namespace.name, &rules);
    let status = user.run(&["status", "-o", "json"]).succeeded().json();
    let unseen = status["unseen"].to_string();
    assert!(unseen.contains("the metrics of own-controller-0: ") && unseen.contains("pods/portforward"), "{status}");
    assert_eq!(status["metrics"]["brokers"][0]["error"], Value::Null, "{status}");
    assert!(status["metrics"]["brokers"][0]["heap"]["used"].is_number(), "{status}");
    assert_eq!(status["metrics"]["controllers"], json!([]), "{status}");
    let text = user.run(&["status", "-o", "wide"]).succeeded().stdout_text();
    assert!(text.contains("Not seen:\n  the metrics of own-controller-0: "), "{text}");
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
