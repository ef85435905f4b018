//! Which Kafka clusters there are, read from the labels of their pods.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::ListParams;

use super::client::Kubernetes;
use super::error::Result;
use super::names::{CLIENT_PORT, ClusterName, LABEL_COMPONENT, LABEL_INSTANCE, LABEL_MANAGED_BY, MANAGER, Role};

/// A broker's pod, as far as a connection needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerPod {
    /// The pod's name.
    pub name: String,
    /// The port of the client listener.
    pub port: u16,
    /// The Ready condition.
    pub ready: bool,
    /// `Running`, `Pending`, …
    pub phase: String,
}

/// A Kafka cluster and its broker pods, ready ones first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaCluster {
    /// Its name.
    pub name: ClusterName,
    /// Its namespace.
    pub namespace: String,
    /// May be empty only in tests: a cluster is recognised by its pods.
    pub brokers: Vec<BrokerPod>,
}

/// The clusters of a namespace (or of all), by namespace and name. One request.
pub async fn clusters(kubernetes: &Kubernetes, all_namespaces: bool, name: Option<&str>) -> Result<Vec<KafkaCluster>> {
    let pods: Api<Pod> = if all_namespaces {
        Api::all(kubernetes.client.clone())
    } else {
        Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace)
    };
    let mut selector = format!("{LABEL_MANAGED_BY}={MANAGER},{LABEL_COMPONENT}={}", Role::Broker);
    if let Some(name) = name {
        selector = format!("{selector},{LABEL_INSTANCE}={name}");
    }
    let list = kubernetes.call(pods.list(&ListParams::default().labels(&selector))).await?;
    Ok(group(list.items))
}

/// Pods by cluster, ready brokers first.
pub fn group(pods: Vec<Pod>) -> Vec<KafkaCluster> {
    let mut clusters: BTreeMap<(String, ClusterName), Vec<BrokerPod>> = BTreeMap::new();
    for pod in pods {
        let Some(cluster) = pod.metadata.labels.as_ref().and_then(|labels| labels.get(LABEL_INSTANCE)) else {
            continue;
        };
        let key = (pod.metadata.namespace.clone().unwrap_or_default(), ClusterName::from_label(cluster));
        clusters.entry(key).or_default().push(BrokerPod {
            ready: is_ready(&pod),
            port: CLIENT_PORT,
            phase: pod.status.and_then(|status| status.phase).unwrap_or_else(|| "Unknown".into()),
            name: pod.metadata.name.unwrap_or_default(),
        });
    }
    clusters
        .into_iter()
        .map(|((namespace, name), mut brokers)| {
            brokers.sort_by(|a, b| b.ready.cmp(&a.ready).then_with(|| a.name.cmp(&b.name)));
            KafkaCluster { name, namespace, brokers }
        })
        .collect()
}

/// The pod's Ready condition.
pub fn is_ready(pod: &Pod) -> bool {
    pod.status.as_ref().and_then(|status| status.conditions.as_ref()).is_some_and(|conditions| {
        conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(namespace: &str, cluster: &str, name: &str, ready: &str) -> Pod {
        serde_json::from_value(json!({
            "metadata": {"name": name, "namespace": namespace, "labels": {LABEL_INSTANCE: cluster}},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]},
        }))
        .expect("a pod")
    }

    #[test]
    fn pods_are_grouped_by_cluster_and_ready_ones_come_first() {
        let found = group(vec![
            pod("b", "demo", "demo-broker-1", "True"),
            pod("a", "demo", "demo-broker-0", "True"),
            pod("b", "demo", "demo-broker-0", "False"),
        ]);
        let names: Vec<(&str, Vec<&str>)> = found
            .iter()
            .map(|cluster| {
                (cluster.namespace.as_str(), cluster.brokers.iter().map(|broker| broker.name.as_str()).collect())
            })
            .collect();
        assert_eq!(names, [("a", vec!["demo-broker-0"]), ("b", vec!["demo-broker-1", "demo-broker-0"])]);
    }
}
