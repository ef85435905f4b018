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
    /// The name that its certificate carries; see [`dns_name`].
    pub host: Option<String>,
    /// Whether its listeners use TLS; see [`uses_tls`].
    pub tls: bool,
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

impl KafkaCluster {
    /// Whether its listeners use TLS.
    pub fn uses_tls(&self) -> bool {
        self.brokers.iter().any(|broker| broker.tls)
    }
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
            host: dns_name(&pod),
            tls: uses_tls(&pod),
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

/// A pod's own name in the cluster's DNS, `<pod>.<service>.<namespace>.svc`; `None` for a pod that has none. It is
/// what brokers advertise, and so what their certificates are for.
pub fn dns_name(pod: &Pod) -> Option<String> {
    let spec = pod.spec.as_ref()?;
    let (host, service) = (spec.hostname.as_ref()?, spec.subdomain.as_ref()?);
    Some(format!("{host}.{service}.{}.svc", pod.metadata.namespace.as_ref()?))
}

/// Whether a pod's listeners use TLS: it mounts the certificates of its role.
pub fn uses_tls(pod: &Pod) -> bool {
    let label = |key: &str| pod.metadata.labels.as_ref()?.get(key).map(String::as_str);
    let (Some(cluster), Some(Ok(role))) = (label(LABEL_INSTANCE), label(LABEL_COMPONENT).map(str::parse)) else {
        return false;
    };
    let wanted = ClusterName::from_label(cluster).certificates(role);
    pod.spec
        .iter()
        .filter_map(|spec| spec.volumes.as_ref())
        .flatten()
        .any(|volume| volume.secret.as_ref().and_then(|secret| secret.secret_name.as_ref()) == Some(&wanted))
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
    fn a_pod_of_a_stateful_set_has_a_name_of_its_own() {
        let mut pod = pod("kafka", "demo", "demo-broker-0", "True");
        assert_eq!(dns_name(&pod), None);
        let spec = json!({"hostname": "demo-broker-0", "subdomain": "demo-brokers", "containers": []});
        pod.spec = Some(serde_json::from_value(spec).expect("a spec"));
        assert_eq!(dns_name(&pod).as_deref(), Some("demo-broker-0.demo-brokers.kafka.svc"));
    }

    #[test]
    fn a_pod_with_certificates_uses_tls() {
        let mut pod = pod("kafka", "demo", "demo-broker-0", "True");
        assert!(!uses_tls(&pod));
        let labels = pod.metadata.labels.get_or_insert_default();
        labels.insert(LABEL_COMPONENT.to_owned(), "broker".to_owned());
        for (secret, expected) in [("other", false), ("demo-broker-tls", true)] {
            let spec = json!({"containers": [], "volumes": [{"name": "tls", "secret": {"secretName": secret}}]});
            pod.spec = Some(serde_json::from_value(spec).expect("a spec"));
            assert_eq!(uses_tls(&pod), expected, "{secret}");
        }
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
