//! `status`, `clusters` and `version` of a healthy cluster; unhealthy ones are in `faults`.

use crate::world::{kubectl, shared};

trials! {
    a_healthy_cluster_is_said_to_be_healthy,
    every_broker_and_controller_is_shown,
    without_metrics_wide_says_how_to_have_them,
    waiting_for_a_healthy_cluster_ends_at_once,
    clusters_are_listed_in_one_namespace_and_in_all,
    the_clusters_version_is_told,
}

fn a_healthy_cluster_is_said_to_be_healthy() {
    let kafka = shared();
    let named = kafka.run(&["status", "shared"]).succeeded().stdout_text();
    assert!(named.contains("healthy") && !named.contains("unhealthy"), "{named}");
    let alone = kafka.run(&["status"]).succeeded().stdout_text();
    assert!(alone.contains("shared"), "{alone}");
}

fn every_broker_and_controller_is_shown() {
    let kafka = shared();
    let status = kafka.run(&["status", "-o", "json"]).succeeded().json();
    assert_eq!(status["healthy"], true, "{status}");
    for format in ["wide", "yaml"] {
        let text = kafka.run(&["status", "-o", format]).succeeded().stdout_text();
        for pod in ["shared-broker-0", "shared-broker-2", "shared-controller-0", "shared-controller-2"] {
            assert!(text.contains(pod), "no {pod} in {text}");
        }
    }
}

fn without_metrics_wide_says_how_to_have_them() {
    let kafka = shared();
    let hint = "Metrics: none; `kubectl kafka install shared --metrics` serves them\n";
    let wide = kafka.run(&["status", "-o", "wide"]).succeeded().stdout_text();
    assert!(wide.contains(hint), "{wide}");
    assert_eq!(kafka.run(&["status", "-o", "json"]).succeeded().json()["metrics"], serde_json::Value::Null);
}

fn waiting_for_a_healthy_cluster_ends_at_once() {
    let outcome = shared().run(&["status", "--wait", "--timeout", "60s"]).succeeded();
    assert!(outcome.elapsed.as_secs() < 30, "{outcome}");
}

fn clusters_are_listed_in_one_namespace_and_in_all() {
    let kafka = shared();
    let here = kafka.run(&["clusters"]).succeeded().stdout_text();
    assert!(here.contains("shared") && !here.contains("NAMESPACE"), "{here}");
    let everywhere = kafka.run(&["clusters", "-A"]).succeeded().stdout_text();
    assert!(everywhere.starts_with("NAMESPACE") && everywhere.contains(&kafka.namespace.name), "{everywhere}");
    // What kubectl sees is what we see.
    let labelled =
        kubectl(&["get", "statefulsets", "-A", "-l", "app.kubernetes.io/managed-by=kubectl-kafka", "-o", "name"]);
    assert!(labelled.contains("shared-broker"), "{labelled}");
}

fn the_clusters_version_is_told() {
    let kafka = shared();
    let version = kafka.run(&["version", "-o", "json"]).succeeded().json();
    assert_eq!(version["client"]["version"], env!("CARGO_PKG_VERSION"));
    let cluster = &version["cluster"];
    assert_eq!(cluster["name"], "shared");
    assert_eq!(cluster["brokers"], 3);
    assert_eq!(cluster["clusterId"].as_str().map(str::len), Some(22), "{cluster}");
    assert_eq!(cluster["release"], "4.3", "{cluster}");
    assert_eq!(cluster["metadataVersion"]["name"], "4.3-IV0", "{cluster}");
    let text = kafka.run(&["version"]).succeeded().stdout_text();
    assert!(text.contains("Kafka Version: 4.3\n"), "{text}");
}
