//! The Kubernetes objects of a Kafka cluster, pure: what was asked ([`ClusterSpec`]) and who it is
//! ([`Identity`]) in, objects out. Nothing here talks to a cluster.
//!
//! Why they are as they are: StatefulSets are `Parallel`, because controllers need each other to start,
//! and `OnDelete`, because Kafka's health and not a pod's readiness must gate a roll. Headless services
//! publish addresses that are not ready, or nothing would ever start. Volumes outlive everything.

mod configuration;
mod document;
pub mod dynamic;
mod identity;
mod metrics;
mod placement;
mod policies;
mod properties;
mod quantity;
mod revision;
mod script;
pub mod security;
mod services;
mod spec;
mod volumes;
mod workload;
mod zookeeper;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::core::ApiResource;
use serde::Serialize;
use serde_json::Value;

pub use document::{ClusterDocument, DOCUMENT_KEY, WrittenDocument};
pub use identity::{Identity, KEY_MODE, Mode};
pub use metrics::pod_monitors;
pub use quantity::Quantity;
pub use revision::{FileNames, file_name, file_names, is_file_name};
pub use spec::{
    Authentication, ClusterMode, ClusterSpec, ControllerResources, Listener, Metrics, NO_CONTROLLERS, Place, Pods,
    Preset, Security, SpecError, Step, Storage, Tls, ZooKeeperSpec,
};

use crate::k8s::error::{Error, Result};
use crate::k8s::names::{CONTROLLER_PORT, ClusterName, Role};

/// Where the first volume is mounted; others have their number behind it.
const DATA_MOUNT: &str = "/var/lib/kafka/data";
/// Where the Secret with the role's certificates is mounted.
const TLS_MOUNT: &str = "/etc/kubectl-kafka-tls";
/// Where the admin's password is mounted.
const ADMIN_MOUNT: &str = "/etc/kubectl-kafka-admin";
/// Where the metrics agent is.
const AGENT_MOUNT: &str = "/opt/jmx";
/// Where the ConfigMap is mounted.
const CONFIG_MOUNT: &str = "/etc/kubectl-kafka";
/// The name of the volume with the role's files.
pub const CONFIG_VOLUME: &str = "config";
/// The name of the volume and of the claim template: a claim is `data-<pod>`.
pub const DATA_VOLUME: &str = "data";

/// One object, of whatever kind, as it is applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Its kind.
    pub resource: ApiResource,
    /// Its name.
    pub name: String,
    /// The whole object.
    pub body: Value,
}

impl Manifest {
    pub(crate) fn of<K: Resource<DynamicType = ()> + Serialize>(object: &K) -> Result<Self> {
        let mut body = serde_json::to_value(object)
            .map_err(|error| Error::Other(format!("cannot write a {}: {error}", K::kind(&()))))?;
        // People look for the name first, as kubectl prints it.
        if let Some(metadata) = body.as_object_mut().and_then(|fields| fields.shift_remove("metadata"))
            && let Some(fields) = body.as_object_mut()
        {
            fields.shift_insert(2, "metadata".to_owned(), metadata);
        }
        let name = object.meta().name.clone().unwrap_or_default();
        Ok(Self { resource: ApiResource::erase::<K>(&()), name, body })
    }

    /// kubectl's name of it: `statefulset.apps/demo-broker`.
    pub fn reference(&self) -> String {
        let kind = self.resource.kind.to_lowercase();
        if self.resource.group.is_empty() {
            format!("{kind}/{}", self.name)
        } else {
            format!("{kind}.{}/{}", self.resource.group, self.name)
        }
    }
}

/// Which cluster the objects are for.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Its name.
    pub name: &'a ClusterName,
    /// Its namespace.
    pub namespace: &'a str,
    /// What was asked.
    pub spec: &'a ClusterSpec,
}

impl Target<'_> {
    fn metadata(&self, name: String) -> ObjectMeta {
        ObjectMeta {
            name: Some(name),
            namespace: Some(self.namespace.to_owned()),
            labels: Some(self.name.labels()),
            ..ObjectMeta::default()
        }
    }

    fn role_metadata(&self, name: String, role: Role) -> ObjectMeta {
        ObjectMeta { labels: Some(self.name.role_labels(role)), ..self.metadata(name) }
    }
}

/// The Secret with the identity.
pub fn secret(target: &Target<'_>, identity: &Identity) -> Result<Manifest> {
    Manifest::of(&configuration::secret(target, identity))
}

/// What was asked, kept in the cluster.
pub fn document(target: &Target<'_>) -> Result<Manifest> {
    Manifest::of(&configuration::document(target)?)
}

/// The files that a role's pods mount, by name.
pub fn files(target: &Target<'_>, role: Role) -> BTreeMap<String, String> {
    configuration::files(target, role)
}

/// Changes with the files, but for what Kafka takes at once.
pub fn checksum(target: &Target<'_>, role: Role) -> String {
    configuration::checksum(target, role)
}

/// The ConfigMaps with those files, under these names.
pub fn config_maps(target: &Target<'_>, names: &FileNames) -> Result<Vec<Manifest>> {
    names.iter().map(|(role, name)| Manifest::of(&configuration::config_map(target, *role, name))).collect()
}

/// Everything else that the workloads need, in the order in which it is applied.
pub fn supporting(target: &Target<'_>) -> Result<Vec<Manifest>> {
    let mut manifests = vec![Manifest::of(&configuration::service_account(target))?];
    for role in target.spec.roles() {
        manifests.push(Manifest::of(&services::headless(target, *role))?);
    }
    manifests.push(Manifest::of(&services::bootstrap(target))?);
    if target.spec.has_zookeeper() {
        manifests.push(Manifest::of(&services::zookeeper(target))?);
    }
    if target.spec.metrics.is_some() {
        manifests.push(Manifest::of(&services::metrics(target))?);
    }
    for role in target.spec.roles() {
        manifests.push(Manifest::of(&policies::network(target, *role))?);
        manifests.push(Manifest::of(&policies::disruption_budget(target, *role))?);
    }
    Ok(manifests)
}

/// The PodMonitor, for a cluster that has the Prometheus operator.
pub fn pod_monitor(target: &Target<'_>) -> Option<Manifest> {
    target.spec.metrics.as_ref().map(|_| metrics::pod_monitor(target))
}

/// The StatefulSets, the quorum's first; their pods mount the ConfigMaps of these names.
pub fn workloads(target: &Target<'_>, names: &FileNames) -> Result<Vec<Manifest>> {
    names.iter().map(|(role, name)| Manifest::of(&workload::stateful_set(target, *role, name))).collect()
}

/// The claim of a pod's volume.
pub fn claim(disk: u32, pod: &str) -> String {
    format!("{}-{pod}", data_volume(disk))
}

/// `data`, `data-1`, …: also the name of the claim template.
fn data_volume(disk: u32) -> String {
    numbered(DATA_VOLUME, disk)
}

fn data_mount(disk: u32) -> String {
    numbered(DATA_MOUNT, disk)
}

/// Kafka's log directory: below the mount, whose root holds `lost+found` on many disks.
fn data_directory(disk: u32) -> String {
    format!("{}/kafka-log", data_mount(disk))
}

fn numbered(name: &str, disk: u32) -> String {
    if disk == 0 { name.to_owned() } else { format!("{name}-{disk}") }
}

/// `<pod>.<service>.<namespace>.svc` of each voter. Without the cluster's domain, which differs between
/// clusters and which every pod's resolver adds.
fn voter_hosts(name: &ClusterName, namespace: &str, spec: &ClusterSpec) -> Vec<String> {
    let role = spec.voter_role();
    let service = name.headless(role);
    (0..spec.voters()).map(|ordinal| format!("{}.{service}.{namespace}.svc", name.pod(role, ordinal))).collect()
}

fn voter_addresses(name: &ClusterName, namespace: &str, spec: &ClusterSpec) -> Vec<String> {
    voter_hosts(name, namespace, spec).into_iter().map(|host| format!("{host}:{CONTROLLER_PORT}")).collect()
}

#[cfg(test)]
mod tests;
