//! What was asked of `install`, as a plain value: the source of every manifest.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::properties;
use super::quantity::Quantity;
use crate::k8s::names::Role;

/// The Kafka that is installed when none is named.
const DEFAULT_KAFKA_VERSION: &str = "4.3.1";
/// The first version with a dynamic quorum and the group and share features that we configure.
const OLDEST_KAFKA: (u32, u32) = (4, 1);

/// Node ids of controllers end below the brokers' first one, and a quorum of more than nine is slower
/// without being safer.
const MOST_CONTROLLERS: u32 = 9;
/// One StatefulSet per role; beyond this a person wants more than one of them.
const MOST_BROKERS: u32 = 500;
/// With combined roles, this many brokers vote when there are at least as many.
const COMBINED_VOTERS: u32 = 3;
/// The quorum's log is small: a controller never needs more than this.
const CONTROLLER_MEMORY: &str = "1Gi";
const CONTROLLER_STORAGE: &str = "10Gi";
const CONTROLLER_CPU: &str = "100m";
/// Below this the JVM itself does not fit.
const LEAST_MEMORY: i128 = 256 << 20;
/// Kafka wants the page cache: half of the memory is heap, and never more than this.
const LARGEST_HEAP_MIB: i128 = 6 * 1024;

/// Apache Kafka as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClusterSpec {
    /// Pods that serve clients.
    pub brokers: u32,
    /// Pods of the quorum; 0: the brokers are the controllers too.
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
    /// Server properties beyond ours.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub config: BTreeMap<String, String>,
}

/// A pod's volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Storage {
    /// Its size.
    pub size: Quantity,
    /// Its StorageClass; without one the cluster's default is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
}

/// A value that cannot be installed: which flag, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{flag}: {reason}")]
pub struct SpecError {
    /// `--brokers`
    pub flag: &'static str,
    /// Lower case, no full stop.
    pub reason: String,
}

impl SpecError {
    pub(super) fn new(flag: &'static str, reason: impl Into<String>) -> Self {
        Self { flag, reason: reason.into() }
    }
}

impl ClusterSpec {
    /// Three controllers and three brokers.
    ///
    /// # Errors
    /// Never; the quantities are constants that are parsed.
    pub fn standard() -> Result<Self, String> {
        Self::sized(3, 3, "2Gi", "250m", "10Gi")
    }

    /// One broker that is its own controller, for a laptop.
    ///
    /// # Errors
    /// Never, as [`Self::standard`].
    pub fn dev() -> Result<Self, String> {
        Self::sized(1, 0, "1Gi", "100m", "1Gi")
    }

    fn sized(brokers: u32, controllers: u32, memory: &str, cpu: &str, storage: &str) -> Result<Self, String> {
        Ok(Self {
            brokers,
            controllers,
            kafka_version: DEFAULT_KAFKA_VERSION.to_owned(),
            image: None,
            storage: Storage { size: storage.parse()?, class: None },
            memory: memory.parse()?,
            cpu: cpu.parse()?,
            config: BTreeMap::new(),
        })
    }

    /// The image that the pods run.
    pub fn image(&self) -> String {
        self.image.clone().unwrap_or_else(|| format!("apache/kafka:{}", self.kafka_version))
    }

    /// The workloads, the quorum's first.
    pub fn roles(&self) -> &'static [Role] {
        if self.is_combined() { &[Role::Broker] } else { &[Role::Controller, Role::Broker] }
    }

    /// Whether the brokers are the controllers too.
    pub fn is_combined(&self) -> bool {
        self.controllers == 0
    }

    /// The pods of a workload.
    pub fn replicas(&self, role: Role) -> u32 {
        match role {
            Role::Controller => self.controllers,
            Role::Broker => self.brokers,
        }
    }

    /// The workload whose first pods form the quorum.
    pub fn voter_role(&self) -> Role {
        if self.is_combined() { Role::Broker } else { Role::Controller }
    }

    /// How many pods of [`Self::voter_role`] form the quorum, from ordinal 0.
    pub fn voters(&self) -> u32 {
        match self.controllers {
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
        Self::for_role(role, &self.memory, CONTROLLER_MEMORY)
    }

    /// CPU request of a pod.
    pub fn cpu(&self, role: Role) -> Quantity {
        Self::for_role(role, &self.cpu, CONTROLLER_CPU)
    }

    /// Size of a pod's volume.
    pub fn storage_size(&self, role: Role) -> Quantity {
        Self::for_role(role, &self.storage.size, CONTROLLER_STORAGE)
    }

    /// The JVM's heap in MiB.
    pub fn heap_mib(&self, role: Role) -> i128 {
        ((self.memory(role).whole() >> 20) / 2).min(LARGEST_HEAP_MIB)
    }

    fn for_role(role: Role, asked: &Quantity, most_of_a_controller: &str) -> Quantity {
        match (role, most_of_a_controller.parse()) {
            (Role::Controller, Ok(most)) => asked.at_most(&most),
            _ => asked.clone(),
        }
    }

    /// Checks everything that can be checked without a cluster.
    pub fn validate(&self) -> Result<(), SpecError> {
        if !(1..=MOST_BROKERS).contains(&self.brokers) {
            return Err(SpecError::new("--brokers", format!("{} is not in 1 to {MOST_BROKERS}", self.brokers)));
        }
        if self.controllers > MOST_CONTROLLERS {
            return Err(SpecError::new("--controllers", format!("at most {MOST_CONTROLLERS}; 3 is right for most")));
        }
        if self.controllers > 0 && self.controllers.is_multiple_of(2) {
            return Err(SpecError::new(
                "--controllers",
                format!(
                    "{} survive no more failures than {}: take an odd number, or 0 to let the brokers do it",
                    self.controllers,
                    self.controllers - 1
                ),
            ));
        }
        version(&self.kafka_version)?;
        if let Some(image) = &self.image
            && (image.is_empty() || image.contains(|character: char| character.is_whitespace()))
        {
            return Err(SpecError::new("--image", format!("\"{image}\" is no image")));
        }
        if let Some(class) = &self.storage.class
            && (class.is_empty() || !class.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.')))
        {
            return Err(SpecError::new("--storage-class", format!("\"{class}\" is no name of a StorageClass")));
        }
        if self.memory.whole() < LEAST_MEMORY {
            return Err(SpecError::new(
                "--memory",
                format!("{} is too little: Kafka needs 512Mi or more", self.memory),
            ));
        }
        if self.storage.size.whole() < 1 << 20 {
            return Err(SpecError::new(
                "--storage",
                format!("{} is too little; write for example 10Gi", self.storage.size),
            ));
        }
        properties::validate(self)
    }
}

fn version(text: &str) -> Result<(), SpecError> {
    let numbers: Option<Vec<u32>> = text.split('.').map(|part| part.parse().ok()).collect();
    match numbers.as_deref() {
        Some([major, minor, _]) if (*major, *minor) >= OLDEST_KAFKA => Ok(()),
        Some([_, _, _]) => Err(SpecError::new(
            "--kafka-version",
            format!("{text} is too old: {}.{} is the first that can be installed", OLDEST_KAFKA.0, OLDEST_KAFKA.1),
        )),
        _ => Err(SpecError::new(
            "--kafka-version",
            format!("`{text}` is no version of Apache Kafka; write for example {DEFAULT_KAFKA_VERSION}"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(change: impl FnOnce(&mut ClusterSpec)) -> ClusterSpec {
        let mut spec = ClusterSpec::standard().expect("the defaults");
        change(&mut spec);
        spec
    }

    #[test]
    fn the_presets_are_valid() {
        assert_eq!(spec(|_| ()).validate(), Ok(()));
        assert_eq!(ClusterSpec::dev().expect("the defaults").validate(), Ok(()));
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
            let error = spec(change).validate().expect_err(reason);
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
            let spec = spec(|spec| (spec.brokers, spec.controllers) = (brokers, controllers));
            assert_eq!((spec.voters(), spec.voter_role()), (voters, role), "{brokers}+{controllers}");
        }
    }

    #[test]
    fn replication_is_clamped_to_the_brokers() {
        for (brokers, factor, in_sync) in [(1, 1, 1), (2, 2, 1), (3, 3, 2), (9, 3, 2)] {
            let spec = spec(|spec| spec.brokers = brokers);
            assert_eq!((spec.replication_factor(), spec.min_in_sync()), (factor, in_sync));
        }
    }

    #[test]
    fn half_of_the_memory_is_heap_up_to_six_gibibytes() {
        let heap = |memory: &str, role| spec(|spec| spec.memory = memory.parse().expect("a quantity")).heap_mib(role);
        assert_eq!(heap("2Gi", Role::Broker), 1024);
        assert_eq!(heap("768Mi", Role::Controller), 384);
        assert_eq!(heap("64Gi", Role::Broker), 6144);
        assert_eq!(heap("64Gi", Role::Controller), 512);
    }
}
