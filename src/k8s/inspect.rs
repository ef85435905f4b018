//! What Kubernetes knows of a Kafka cluster: its workloads and pods, whatever state they are in.
//!
//! Unlike [`discover`](super::discover), which asks only for what a connection needs, this also sees
//! clusters whose brokers are gone, and says what the caller's Role did not let it see.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use kube::api::ListParams;
use serde::Serialize;

use super::client::Kubernetes;
use super::discover::{BrokerPod, dns_name, is_ready, uses_tls};
use super::error::{Error, Result};
use super::names::{
    CLIENT_PORT, ClusterName, LABEL_COMPONENT, LABEL_INSTANCE, LABEL_MANAGED_BY, MANAGER, METRICS_PORT_NAME, Role,
};

/// A Kafka cluster as Kubernetes sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Its name.
    pub name: ClusterName,
    /// Its namespace.
    pub namespace: String,
    /// The replicas that the StatefulSets ask for; a role without one is absent.
    pub wanted: BTreeMap<Role, u32>,
    /// Every pod, by role and ordinal.
    pub pods: Vec<PodState>,
    /// What could not be read, in words.
    pub unseen: Vec<String>,
}

/// A pod's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PodState {
    /// Its name.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// Its number within the StatefulSet.
    pub ordinal: u32,
    /// The node id that it has by its ordinal.
    pub node_id: i32,
    /// The Ready condition.
    pub ready: bool,
    /// `Running`, `Pending`, …, or why its container does not run (`CrashLoopBackOff`).
    pub state: String,
    /// Restarts of its containers.
    pub restarts: i32,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// The Kubernetes node that it runs on.
    pub host: Option<String>,
    /// Kafka's image.
    pub image: Option<String>,
    /// The name that its certificate carries.
    #[serde(skip)]
    pub dns_name: Option<String>,
    /// Whether its listeners use TLS.
    #[serde(skip)]
    pub tls: bool,
    /// Where it serves Prometheus; `None` without metrics.
    #[serde(skip)]
    pub metrics_port: Option<u16>,
}

impl PodState {
    /// For tests: a pod of the cluster "demo" that runs.
    #[cfg(test)]
    pub(crate) fn sample(role: Role, ordinal: u32) -> Self {
        Self {
            name: format!("demo-{role}-{ordinal}"),
            role,
            ordinal,
            node_id: role.node_id(ordinal),
            ready: true,
            state: "Running".into(),
            restarts: 0,
            created: None,
            host: None,
            image: None,
            dns_name: None,
            tls: false,
            metrics_port: None,
        }
    }

    /// Whether it may accept a connection.
    pub fn may_answer(&self) -> bool {
        self.ready || self.state == "Running"
    }

    /// As far as a connection needs it.
    pub fn as_broker(&self) -> BrokerPod {
        BrokerPod {
            name: self.name.clone(),
            port: CLIENT_PORT,
            host: self.dns_name.clone(),
            tls: self.tls,
            ready: self.ready,
            phase: self.state.clone(),
        }
    }
}

impl Inspection {
    /// How many pods of a role there should be: what the StatefulSet asks for, or what is there when that
    /// could not be read.
    pub fn wanted(&self, role: Role) -> u32 {
        self.wanted.get(&role).copied().unwrap_or_else(|| u32::try_from(self.of(role).count()).unwrap_or(u32::MAX))
    }

    /// The pods of a role.
    pub fn of(&self, role: Role) -> impl Iterator<Item = &PodState> {
        self.pods.iter().filter(move |pod| pod.role == role)
    }
}

/// The clusters of the namespace, or of all namespaces. Two requests, at once.
///
/// # Errors
/// Only when the pods cannot be listed; a Role without StatefulSets is noted in `unseen`.
pub async fn clusters(kubernetes: &Kubernetes, all_namespaces: bool, name: Option<&str>) -> Result<Vec<Inspection>> {
    let mut selector = format!("{LABEL_MANAGED_BY}={MANAGER}");
    if let Some(name) = name {
        selector = format!("{selector},{LABEL_INSTANCE}={name}");
    }
    let parameters = ListParams::default().labels(&selector);
    let pods: Api<Pod> = api(kubernetes, all_namespaces);
    let sets: Api<StatefulSet> = api(kubernetes, all_namespaces);
    let (pods, sets) = tokio::join!(kubernetes.call(pods.list(&parameters)), kubernetes.call(sets.list(&parameters)));
    let (sets, unseen) = match sets {
        Ok(list) => (list.items, Vec::new()),
        Err(error @ Error::Server { .. }) if error.is_forbidden() => {
            (Vec::new(), vec![format!("the wanted number of pods: {error}")])
        }
        Err(error) => return Err(error),
    };
    Ok(group(&pods?.items, &sets, &unseen))
}

fn api<K>(kubernetes: &Kubernetes, all_namespaces: bool) -> Api<K>
where
    K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
    K::DynamicType: Default,
{
    if all_namespaces {
        Api::all(kubernetes.client.clone())
    } else {
        Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace)
    }
}

fn group(pods: &[Pod], sets: &[StatefulSet], unseen: &[String]) -> Vec<Inspection> {
    let mut clusters: BTreeMap<Key, Inspection> = BTreeMap::new();
    for set in sets {
        let Some((role, key)) = owner(&set.metadata) else { continue };
        let replicas = set.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
        entry(&mut clusters, key, unseen).wanted.insert(role, u32::try_from(replicas).unwrap_or(0));
    }
    for pod in pods {
        let Some((role, key)) = owner(&pod.metadata) else { continue };
        entry(&mut clusters, key, unseen).pods.extend(pod_state(pod, role));
    }
    let mut clusters: Vec<Inspection> = clusters.into_values().collect();
    for cluster in &mut clusters {
        cluster.pods.sort_by_key(|pod| (pod.role, pod.ordinal));
    }
    clusters
}

type Key = (String, ClusterName);

/// Whose object it is, by its labels.
fn owner(metadata: &ObjectMeta) -> Option<(Role, Key)> {
    let labels = metadata.labels.as_ref()?;
    let name = ClusterName::from_label(labels.get(LABEL_INSTANCE)?);
    let role = labels.get(LABEL_COMPONENT)?.parse().ok()?;
    Some((role, (metadata.namespace.clone().unwrap_or_default(), name)))
}

fn entry<'c>(clusters: &'c mut BTreeMap<Key, Inspection>, key: Key, unseen: &[String]) -> &'c mut Inspection {
    clusters.entry(key).or_insert_with_key(|(namespace, name)| Inspection {
        namespace: namespace.clone(),
        name: name.clone(),
        wanted: BTreeMap::new(),
        pods: Vec::new(),
        unseen: unseen.to_vec(),
    })
}

fn pod_state(pod: &Pod, role: Role) -> Option<PodState> {
    let name = pod.metadata.name.clone()?;
    let ordinal = name.rsplit('-').next()?.parse().ok()?;
    let status = pod.status.as_ref();
    let container = status.and_then(|status| status.container_statuses.as_ref()).and_then(|statuses| statuses.first());
    Some(PodState {
        role,
        ordinal,
        node_id: role.node_id(ordinal),
        ready: is_ready(pod),
        dns_name: dns_name(pod),
        tls: uses_tls(pod),
        metrics_port: metrics_port(pod),
        state: state(pod, container),
        restarts: container.map_or(0, |container| container.restart_count),
        created: pod.metadata.creation_timestamp.as_ref().map(|time| time.0),
        host: pod.spec.as_ref().and_then(|spec| spec.node_name.clone()),
        image: pod.spec.as_ref().and_then(|spec| spec.containers.first()).and_then(|container| container.image.clone()),
        name,
    })
}

/// The container port with our name for it: told by the pod itself, so that it costs no request.
fn metrics_port(pod: &Pod) -> Option<u16> {
    let containers = pod.spec.as_ref()?.containers.iter();
    let mut ports = containers.filter_map(|container| container.ports.as_ref()).flatten();
    let port = ports.find(|port| port.name.as_deref() == Some(METRICS_PORT_NAME))?;
    u16::try_from(port.container_port).ok()
}

/// As `kubectl get pods` shows it.
fn state(pod: &Pod, container: Option<&ContainerStatus>) -> String {
    if pod.metadata.deletion_timestamp.is_some() {
        return "Terminating".to_owned();
    }
    let waiting = container
        .and_then(|container| container.state.as_ref())
        .and_then(|state| state.waiting.as_ref())
        .and_then(|waiting| waiting.reason.clone());
    let terminated = container
        .and_then(|container| container.state.as_ref())
        .and_then(|state| state.terminated.as_ref())
        .and_then(|terminated| terminated.reason.clone());
    let phase = pod.status.as_ref().and_then(|status| status.phase.clone());
    waiting.or(terminated).or(phase).unwrap_or_else(|| "Unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn object<T: serde::de::DeserializeOwned>(value: Value) -> T {
        serde_json::from_value(value).expect("a Kubernetes object")
    }

    fn metadata(name: &str, component: &str) -> Value {
        json!({"name": name, "namespace": "kafka", "labels": {LABEL_INSTANCE: "demo", LABEL_COMPONENT: component}})
    }

    #[test]
    fn a_cluster_without_pods_is_still_seen() {
        let set: StatefulSet = object(json!({
            "metadata": metadata("demo-broker", "broker"),
            "spec": {"replicas": 3, "serviceName": "x", "selector": {}, "template": {}},
        }));
        let found = group(&[], &[set], &[]);
        assert_eq!((found[0].wanted(Role::Broker), found[0].pods.len()), (3, 0));
    }

    #[test]
    fn pods_carry_their_node_id_and_kubectls_state() {
        let pod: Pod = object(json!({
            "metadata": metadata("demo-broker-2", "broker"),
            "status": {"phase": "Running", "containerStatuses": [{
                "name": "kafka", "image": "i", "imageID": "", "ready": false, "restartCount": 4,
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            }]},
        }));
        let found = group(&[pod], &[], &["the wanted number of pods".into()]);
        let pod = &found[0].pods[0];
        assert_eq!((pod.node_id, pod.state.as_str(), pod.restarts, pod.ready), (102, "CrashLoopBackOff", 4, false));
        assert_eq!(found[0].wanted(Role::Broker), 1);
    }

    #[test]
    fn a_pod_says_where_it_serves_prometheus() {
        let with_port = |name: &str| {
            let ports = json!([{"name": "tcp-kafka", "containerPort": 9092}, {"name": name, "containerPort": 9404}]);
            let spec = json!({"containers": [{"name": "kafka", "ports": ports}]});
            let pod: Pod = object(json!({"metadata": metadata("demo-broker-0", "broker"), "spec": spec}));
            group(&[pod], &[], &[])[0].pods[0].metrics_port
        };
        assert_eq!((with_port("tcp-metrics"), with_port("tcp-other")), (Some(9404), None));
    }
}
