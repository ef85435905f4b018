//! What was asked of `install`, as a plain value: the source of every manifest.

use std::collections::BTreeMap;

mod marks;
mod mode;
mod parts;
mod place;
mod presets;
mod validate;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use mode::{ClusterMode, NO_CONTROLLERS, ZooKeeperSpec};
pub use parts::{Authentication, ControllerResources, Listener, Metrics, Pods, Security, Tls};
pub use place::{Place, SpecError, Step};
pub use presets::Preset;

use super::quantity::Quantity;
use crate::k8s::names::Role;

/// The Kafka that is installed when none is named.
const DEFAULT_KAFKA_VERSION: &str = "4.3.1";

/// One StatefulSet per role; beyond this a person wants more than one of them.
const MOST_BROKERS: u32 = 500;
/// With combined roles, this many brokers vote when there are at least as many.
const COMBINED_VOTERS: u32 = 3;
/// The quorum's log is small: a controller or ZooKeeper server never needs more than this.
const CONTROLLER_MEMORY: &str = "1Gi";
const CONTROLLER_STORAGE: &str = "10Gi";
const CONTROLLER_CPU: &str = "100m";
/// Below this the JVM itself does not fit.
const LEAST_MEMORY: i128 = 256 << 20;
/// Kafka wants the page cache: half of the memory is heap, and never more than this.
const LARGEST_HEAP_MIB: i128 = 6 * 1024;

/// Apache Kafka as it is asked for: the `spec` of a cluster document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ClusterSpec {
    /// Who keeps the metadata: topics, configurations, which broker leads what.
    #[serde(skip_serializing_if = "ClusterMode::is_kraft")]
    pub mode: ClusterMode,
    /// The ensemble, in the mode `zookeeper` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zookeeper: Option<ZooKeeperSpec>,
    /// Pods that serve clients.
    pub brokers: u32,
    /// Pods of the quorum; 0: the brokers are the controllers too. There is none with ZooKeeper.
    pub controllers: u32,
    /// Apache Kafka's version.
    pub kafka_version: String,
    /// The image, where it is not `apache/kafka:<kafkaVersion>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The volume of each broker.
    pub storage: Storage,
    /// Memory of each broker, request and limit.
    pub memory: Quantity,
    /// CPU request of each broker.
    pub cpu: Quantity,
    /// The JVM's heap, where it is not half of the memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heap: Option<Quantity>,
    /// Options of the JVM beyond ours, as `-XX:MaxGCPauseMillis=50`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub jvm_options: Vec<String>,
    /// What the controllers get.
    #[serde(skip_serializing_if = "ControllerResources::is_empty")]
    pub controller_resources: ControllerResources,
    /// Server properties beyond ours.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("additionalProperties" = {"type": ["string", "number", "boolean"]}))]
    pub config: BTreeMap<String, String>,
    /// TLS and users.
    #[serde(skip_serializing_if = "Security::is_none")]
    pub security: Security,
    /// Listeners beyond ours.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub listeners: Vec<Listener>,
    /// Prometheus' endpoint; without it there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Metrics>,
    /// `broker.rack`: the numbers of the brokers that are in each rack.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub rack_map: BTreeMap<String, Vec<u32>>,
    /// How pods are placed and marked.
    #[serde(skip_serializing_if = "Pods::is_empty")]
    pub pods: Pods,
}

/// A pod's volumes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Storage {
    /// Size of each volume.
    pub size: Quantity,
    /// Its StorageClass; without one the cluster's default is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// How many volumes each broker spreads its partitions over (JBOD).
    #[serde(skip_serializing_if = "is_one")]
    pub disks: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // the shape that serde calls
fn is_one(count: &u32) -> bool {
    *count == 1
}

impl Default for ClusterSpec {
    fn default() -> Self {
        Self {
            mode: ClusterMode::Kraft,
            zookeeper: None,
            brokers: 3,
            controllers: 3,
            kafka_version: DEFAULT_KAFKA_VERSION.to_owned(),
            image: None,
            storage: Storage::default(),
            memory: Quantity::gibibytes(2),
            cpu: Quantity::millis(250),
            heap: None,
            jvm_options: Vec::new(),
            controller_resources: ControllerResources::default(),
            config: BTreeMap::new(),
            security: Security::default(),
            listeners: Vec::new(),
            metrics: None,
            rack_map: BTreeMap::new(),
            pods: Pods::default(),
        }
    }
}

impl Default for Storage {
    fn default() -> Self {
        Self { size: Quantity::gibibytes(10), class: None, disks: 1 }
    }
}

impl ClusterSpec {
    /// The image that Kafka's pods run.
    pub fn image(&self) -> String {
        self.image.clone().unwrap_or_else(|| format!("apache/kafka:{}", self.kafka_version))
    }

    /// The workloads, the quorum's first.
    pub fn roles(&self) -> &'static [Role] {
        match self.mode {
            ClusterMode::ZooKeeper => &[Role::ZooKeeper, Role::Broker],
            ClusterMode::Kraft if self.is_combined() => &[Role::Broker],
            ClusterMode::Kraft => &[Role::Controller, Role::Broker],
        }
    }

    /// Whether the brokers are the controllers too.
    pub fn is_combined(&self) -> bool {
        self.mode == ClusterMode::Kraft && self.controllers == 0
    }

    /// The pods of a workload.
    pub fn replicas(&self, role: Role) -> u32 {
        match role {
            Role::ZooKeeper => self.zookeeper_servers(),
            Role::Controller => self.controllers,
            Role::Broker => self.brokers,
        }
    }

    /// The workload whose first pods form the quorum: Kafka's own, or the ensemble.
    pub fn voter_role(&self) -> Role {
        match self.mode {
            ClusterMode::ZooKeeper => Role::ZooKeeper,
            ClusterMode::Kraft if self.is_combined() => Role::Broker,
            ClusterMode::Kraft => Role::Controller,
        }
    }

    /// How many pods of [`Self::voter_role`] form the quorum, from ordinal 0.
    pub fn voters(&self) -> u32 {
        match self.controllers {
            _ if self.has_zookeeper() => self.zookeeper_servers(),
            0 if self.brokers >= COMBINED_VOTERS => COMBINED_VOTERS,
            0 => 1,
            controllers => controllers,
        }
    }

    /// The replication factor of everything that does not say otherwise.
    pub fn replication_factor(&self) -> u32 {
        self.brokers.min(3)
    }

    /// The in-sync replicas that a write needs.
    pub fn min_in_sync(&self) -> u32 {
        self.replication_factor().saturating_sub(1).max(1)
    }

    /// Memory of a pod, request and limit.
    pub fn memory(&self, role: Role) -> Quantity {
        Self::for_role(role, &self.memory, self.quorum_resources().memory.as_ref(), CONTROLLER_MEMORY)
    }

    /// CPU request of a pod.
    pub fn cpu(&self, role: Role) -> Quantity {
        Self::for_role(role, &self.cpu, self.quorum_resources().cpu.as_ref(), CONTROLLER_CPU)
    }

    /// Size of a pod's volume.
    pub fn storage_size(&self, role: Role) -> Quantity {
        Self::for_role(role, &self.storage.size, self.quorum_resources().storage.as_ref(), CONTROLLER_STORAGE)
    }

    /// The JVM's heap in MiB.
    pub fn heap_mib(&self, role: Role) -> i128 {
        match (&self.heap, role) {
            (Some(heap), Role::Broker) => heap.whole() >> 20,
            _ => ((self.memory(role).whole() >> 20) / 2).min(LARGEST_HEAP_MIB),
        }
    }

    fn for_role(role: Role, asked: &Quantity, own: Option<&Quantity>, most_of_a_controller: &str) -> Quantity {
        match (role, own, most_of_a_controller.parse()) {
            (Role::Controller | Role::ZooKeeper, Some(own), _) => own.clone(),
            (Role::Controller | Role::ZooKeeper, None, Ok(most)) => asked.at_most(&most),
            _ => asked.clone(),
        }
    }

    /// The volumes of a pod.
    pub fn disks(&self, role: Role) -> u32 {
        match role {
            Role::Controller | Role::ZooKeeper => 1,
            Role::Broker => self.storage.disks,
        }
    }

    /// The rack of a broker.
    pub fn rack(&self, ordinal: u32) -> Option<&str> {
        self.rack_map.iter().find(|(_, ordinals)| ordinals.contains(&ordinal)).map(|(rack, _)| rack.as_str())
    }
}

#[cfg(test)]
impl ClusterSpec {
    /// The default with a change.
    pub(crate) fn changed(change: impl FnOnce(&mut Self)) -> Self {
        let mut spec = Self::default();
        change(&mut spec);
        spec
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_presets_are_valid() {
        assert_eq!(Preset::Default.spec(), Ok(ClusterSpec::default()));
        assert_eq!(Preset::Production.spec().expect("the preset").validate(), Ok(()));
        assert_eq!(ClusterSpec::changed(|_| ()).validate(), Ok(()));
        assert_eq!(Preset::Dev.spec().expect("the preset").validate(), Ok(()));
    }

    #[test]
    fn what_cannot_be_installed_is_refused_with_its_flag() {
        type Change = fn(&mut ClusterSpec);
        let refused: [(&str, &str, Change); 9] = [
            ("--brokers", "not in 1 to", |spec| spec.brokers = 0),
            ("--controllers", "take an odd number", |spec| spec.controllers = 2),
            ("--controllers", "at most", |spec| spec.controllers = 11),
            ("--kafka-version", "too old", |spec| spec.kafka_version = "3.9.2".into()),
            ("--kafka-version", "no version", |spec| spec.kafka_version = "latest".into()),
            ("--image", "no image", |spec| spec.image = Some("a b".into())),
            ("--storage-class", "no name", |spec| spec.storage.class = Some("Fast SSD".into())),
            ("--memory", "too little", |spec| spec.memory = "64Mi".parse().expect("a quantity")),
            ("--storage", "too little", |spec| spec.storage.size = "10".parse().expect("a quantity")),
        ];
        for (flag, reason, change) in refused {
            let error = ClusterSpec::changed(change).validate().expect_err(reason);
            assert!(error.flag == flag && error.reason.contains(reason), "{error}");
        }
    }

    #[test]
    fn combined_roles_vote_with_three_brokers_or_one() {
        for (brokers, controllers, voters, role) in [
            (3, 3, 3, Role::Controller),
            (1, 5, 5, Role::Controller),
            (5, 0, 3, Role::Broker),
            (3, 0, 3, Role::Broker),
            (2, 0, 1, Role::Broker),
            (1, 0, 1, Role::Broker),
        ] {
            let spec = ClusterSpec::changed(|spec| (spec.brokers, spec.controllers) = (brokers, controllers));
            assert_eq!((spec.voters(), spec.voter_role()), (voters, role), "{brokers}+{controllers}");
        }
    }

    #[test]
    fn replication_is_clamped_to_the_brokers() {
        for (brokers, factor, in_sync) in [(1, 1, 1), (2, 2, 1), (3, 3, 2), (9, 3, 2)] {
            let spec = ClusterSpec::changed(|spec| spec.brokers = brokers);
            assert_eq!((spec.replication_factor(), spec.min_in_sync()), (factor, in_sync));
        }
    }

    #[test]
    fn half_of_the_memory_is_heap_up_to_six_gibibytes() {
        let heap = |memory: &str, role| {
            ClusterSpec::changed(|spec| spec.memory = memory.parse().expect("a quantity")).heap_mib(role)
        };
        assert_eq!(heap("2Gi", Role::Broker), 1024);
        assert_eq!(heap("768Mi", Role::Controller), 384);
        assert_eq!(heap("64Gi", Role::Broker), 6144);
        assert_eq!(heap("64Gi", Role::Controller), 512);
    }
}
