//! Which pods of a cluster run an older revision than their StatefulSet asks for, and the wish that makes
//! all of them so: `kubectl rollout restart`'s own annotation on the pod template.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Pod, PodSpec};
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};

use super::apply::Intent;
use super::client::Kubernetes;
use super::discover::{dns_name, is_ready, uses_tls};
use super::error::Result;
use super::manifests::CONFIG_VOLUME;
use super::names::{ClusterName, LABEL_COMPONENT, MANAGER, Role};

/// What `kubectl rollout restart` sets on a pod template, to the time of the wish.
pub const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";
/// On pods: the revision of the template that they were made from.
const REVISION: &str = "controller-revision-hash";

/// A StatefulSet of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// Its uid.
    pub uid: String,
    /// How many pods it should have.
    pub replicas: u32,
    /// The revision that new pods get; `None` while the controller manager has not seen the newest template.
    pub revision: Option<String>,
    /// When a restart was wished for last.
    pub restarted_at: Option<String>,
    /// The ConfigMap with the files that new pods mount.
    pub files: Option<String>,
}

/// A pod of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollPod {
    /// Its name.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// Its number within the StatefulSet.
    pub ordinal: u32,
    /// Changes when it is replaced.
    pub uid: String,
    /// The Ready condition.
    pub ready: bool,
    /// Being removed.
    pub leaving: bool,
    /// The revision that it was made from.
    pub revision: Option<String>,
    /// The ConfigMap with the files that it mounts.
    pub files: Option<String>,
    /// The name that its certificate carries.
    pub host: Option<String>,
    /// Whether its listeners use TLS.
    pub tls: bool,
}

impl RollPod {
    /// Kafka's id of the node that runs in it.
    pub fn node_id(&self) -> i32 {
        self.role.node_id(self.ordinal)
    }

    /// Ready, and not on its way out.
    pub fn serves(&self) -> bool {
        self.ready && !self.leaving
    }
}

/// The StatefulSets and pods of a cluster at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rollout {
    /// By role.
    pub workloads: BTreeMap<Role, Workload>,
    /// By role and ordinal.
    pub pods: Vec<RollPod>,
}

impl Rollout {
    /// Looks. Two requests at once.
    pub async fn of(kubernetes: &Kubernetes, name: &ClusterName) -> Result<Self> {
        let sets: Api<StatefulSet> = Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace);
        let pods: Api<Pod> = Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace);
        let ours = ListParams::default().labels(&name.selector());
        let (sets, pods) = tokio::join!(kubernetes.call(sets.list(&ours)), kubernetes.call(pods.list(&ours)));
        Ok(Self::from_objects(&sets?.items, &pods?.items))
    }

    fn from_objects(sets: &[StatefulSet], pods: &[Pod]) -> Self {
        let mut pods: Vec<RollPod> = pods.iter().filter_map(roll_pod).collect();
        pods.sort_by_key(|pod| (pod.role, pod.ordinal));
        Self { workloads: sets.iter().filter_map(workload).collect(), pods }
    }

    /// The pod of that name.
    pub fn pod(&self, name: &str) -> Option<&RollPod> {
        self.pods.iter().find(|pod| pod.name == name)
    }

    /// Whether the pod was made from an older template than its StatefulSet has now. A revision that is
    /// not known yet is newer than any pod.
    pub fn is_outdated(&self, pod: &RollPod) -> bool {
        let wanted = self.workloads.get(&pod.role).and_then(|workload| workload.revision.as_ref());
        wanted.is_none() || pod.revision.as_ref() != wanted
    }

    /// Whether the controller manager has seen every template.
    pub fn is_observed(&self) -> bool {
        self.workloads.values().all(|workload| workload.revision.is_some())
    }

    /// Whether a roll has stopped: there are pods older than their StatefulSet, and one that is not does
    /// not serve.
    pub fn is_stopped(&self) -> bool {
        let (outdated, current): (Vec<_>, Vec<_>) = self.pods.iter().partition(|pod| self.is_outdated(pod));
        !outdated.is_empty() && current.iter().any(|pod| !pod.serves())
    }

    /// Whether a pod mounts that ConfigMap, or a new one would.
    pub fn mounts(&self, files: &str) -> bool {
        self.mounted().any(|mounted| mounted == files)
    }

    /// The ConfigMap of every pod, and of every StatefulSet's new pods.
    pub fn mounted(&self) -> impl Iterator<Item = &str> {
        let pods = self.pods.iter().map(|pod| pod.files.as_deref());
        pods.chain(self.workloads.values().map(|workload| workload.files.as_deref())).flatten()
    }

    /// Brokers that are the controllers too: there is no StatefulSet for those.
    pub fn is_combined(&self) -> bool {
        !self.workloads.contains_key(&Role::Controller) && !self.has_zookeeper()
    }

    /// Whether ZooKeeper is what the brokers stand on.
    pub fn has_zookeeper(&self) -> bool {
        self.workloads.contains_key(&Role::ZooKeeper)
    }
}

/// Marks the pods of a role as to be replaced. By a merge, so that the next apply of the whole object,
/// which does not name the annotation, leaves it alone.
pub async fn mark_restart(
    kubernetes: &Kubernetes,
    name: &ClusterName,
    role: Role,
    at: Timestamp,
    intent: Intent,
) -> Result<()> {
    let sets: Api<StatefulSet> = Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace);
    let parameters = PatchParams {
        field_manager: Some(MANAGER.to_owned()),
        dry_run: intent == Intent::Rehearsal,
        ..PatchParams::default()
    };
    let time = format!("{at:.0}");
    let patch = serde_json::json!({"spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: time}}}}});
    kubernetes.call(sets.patch(&name.workload(role), &parameters, &Patch::Merge(patch))).await.map(|_| ())
}

fn role_of(labels: Option<&BTreeMap<String, String>>) -> Option<Role> {
    labels?.get(LABEL_COMPONENT)?.parse().ok()
}

fn workload(set: &StatefulSet) -> Option<(Role, Workload)> {
    let role = role_of(set.metadata.labels.as_ref())?;
    let spec = set.spec.as_ref()?;
    let status = set.status.as_ref();
    let observed = status.and_then(|status| status.observed_generation) >= set.metadata.generation;
    let annotations = spec.template.metadata.as_ref().and_then(|metadata| metadata.annotations.as_ref());
    let workload = Workload {
        uid: set.metadata.uid.clone().unwrap_or_default(),
        replicas: u32::try_from(spec.replicas.unwrap_or(1)).unwrap_or_default(),
        revision: status.filter(|_| observed).and_then(|status| status.update_revision.clone()),
        restarted_at: annotations.and_then(|annotations| annotations.get(RESTARTED_AT)).cloned(),
        files: spec.template.spec.as_ref().and_then(files),
    };
    Some((role, workload))
}

/// The ConfigMap behind the volume with the files.
fn files(pod: &PodSpec) -> Option<String> {
    let volume = pod.volumes.iter().flatten().find(|volume| volume.name == CONFIG_VOLUME)?;
    volume.config_map.as_ref().map(|map| map.name.clone())
}

fn roll_pod(pod: &Pod) -> Option<RollPod> {
    let name = pod.metadata.name.clone()?;
    let labels = pod.metadata.labels.as_ref();
    Some(RollPod {
        role: role_of(labels)?,
        ordinal: name.rsplit('-').next()?.parse().ok()?,
        uid: pod.metadata.uid.clone().unwrap_or_default(),
        ready: is_ready(pod),
        leaving: pod.metadata.deletion_timestamp.is_some(),
        revision: labels.and_then(|labels| labels.get(REVISION)).cloned(),
        files: pod.spec.as_ref().and_then(files),
        host: dns_name(pod),
        tls: uses_tls(pod),
        name,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(generation: i64, observed: i64) -> StatefulSet {
        serde_json::from_value(json!({
            "metadata": {"name": "demo-broker", "uid": "u", "generation": generation,
                "labels": {LABEL_COMPONENT: "broker"}},
            "spec": {"replicas": 2, "serviceName": "x", "selector": {},
                "template": {"metadata": {"annotations": {RESTARTED_AT: "2026-01-01T00:00:00Z"}},
                    "spec": {"containers": [], "volumes": [{"name": "config", "configMap": {"name": "demo-broker-b"}}]}}},
            "status": {"replicas": 2, "observedGeneration": observed, "updateRevision": "demo-broker-new"},
        }))
        .expect("a StatefulSet")
    }

    fn pod(ordinal: u32, revision: &str) -> Pod {
        serde_json::from_value(json!({
            "metadata": {"name": format!("demo-broker-{ordinal}"), "uid": format!("u{ordinal}"),
                "labels": {LABEL_COMPONENT: "broker", REVISION: revision}},
            "spec": {"containers": [], "volumes": [
                {"name": "tmp", "emptyDir": {}}, {"name": "config", "configMap": {"name": "demo-broker-a"}}]},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]},
        }))
        .expect("a pod")
    }

    #[test]
    fn a_pod_of_another_revision_is_outdated() {
        let found = Rollout::from_objects(&[set(3, 3)], &[pod(1, "demo-broker-old"), pod(0, "demo-broker-new")]);
        let outdated: Vec<bool> = found.pods.iter().map(|pod| found.is_outdated(pod)).collect();
        assert_eq!((outdated, found.pods[1].node_id()), (vec![false, true], 101));
        assert_eq!(found.workloads[&Role::Broker].restarted_at.as_deref(), Some("2026-01-01T00:00:00Z"));
        assert!(found.is_observed() && found.is_combined());
        assert_eq!(found.mounted().collect::<Vec<_>>(), ["demo-broker-a", "demo-broker-a", "demo-broker-b"]);
        assert!(found.mounts("demo-broker-a") && found.mounts("demo-broker-b") && !found.mounts("demo-broker"));
    }

    #[test]
    fn a_roll_has_stopped_when_a_new_pod_does_not_serve_and_old_ones_are_left() {
        let pods = |ready: &[(&str, bool)]| {
            let pods = (0..).zip(ready).map(|(ordinal, (revision, ready))| {
                let mut pod = pod(ordinal, revision);
                if !ready {
                    pod.status = None;
                }
                pod
            });
            Rollout::from_objects(&[set(3, 3)], &pods.collect::<Vec<_>>()).is_stopped()
        };
        let (new, old) = ("demo-broker-new", "demo-broker-old");
        assert!(pods(&[(new, false), (old, true)]));
        assert!(!pods(&[(new, true), (old, true)]), "it may go on");
        assert!(!pods(&[(new, true), (old, false)]), "the old one is replaced first");
        assert!(!pods(&[(new, false), (new, true)]), "no roll is under way");
    }

    #[test]
    fn a_template_that_nobody_has_seen_yet_makes_every_pod_outdated() {
        let found = Rollout::from_objects(&[set(4, 3)], &[pod(0, "demo-broker-new")]);
        assert!(!found.is_observed());
        assert!(found.is_outdated(&found.pods[0]));
    }
}
