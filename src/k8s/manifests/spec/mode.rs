//! Who keeps Kafka's metadata, its own controllers or a ZooKeeper ensemble, and what follows from it: which
//! Kafka, how large a quorum.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ClusterSpec, ControllerResources, DEFAULT_KAFKA_VERSION, SpecError};
use crate::k8s::names::Role;

/// The first version with a dynamic quorum and the group and share features that we configure.
const OLDEST_KAFKA: (u32, u32) = (4, 1);
/// The same with ZooKeeper, which Kafka 4.0 no longer has; older ones than these have no fixes any more.
const DEFAULT_KAFKA_VERSION_WITH_ZOOKEEPER: &str = "3.9.2";
const KAFKA_WITH_ZOOKEEPER: std::ops::RangeInclusive<(u32, u32)> = (3, 7)..=(3, 9);
/// The ZooKeeper that is installed.
const ZOOKEEPER_VERSION: &str = "3.9.5";
const DEFAULT_ZOOKEEPER_SERVERS: u32 = 3;
/// Every write waits for a majority: more servers are slower without being safer.
const MOST_ZOOKEEPER_SERVERS: u32 = 7;

/// Node ids of controllers end below the brokers' first one, and a quorum of more than nine is slower
/// without being safer.
const MOST_CONTROLLERS: u32 = 9;

/// Who keeps Kafka's metadata.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ClusterMode {
    /// Kafka's own controllers
    #[default]
    Kraft,
    /// A ZooKeeper ensemble, as Kafka before 4.0 could
    #[value(name = "zookeeper")]
    ZooKeeper,
}

impl ClusterMode {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
    pub(super) fn is_kraft(&self) -> bool {
        *self == Self::Kraft
    }
}

impl std::fmt::Display for ClusterMode {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Kraft => "kraft",
            Self::ZooKeeper => "zookeeper",
        })
    }
}

/// The ZooKeeper ensemble.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ZooKeeperSpec {
    /// Its servers.
    pub servers: u32,
    /// The image, where it is not `zookeeper:3.9.5`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// What each server gets.
    #[serde(skip_serializing_if = "ControllerResources::is_empty")]
    pub resources: ControllerResources,
}

impl Default for ZooKeeperSpec {
    fn default() -> Self {
        Self { servers: DEFAULT_ZOOKEEPER_SERVERS, image: None, resources: ControllerResources::default() }
    }
}

impl ClusterSpec {
    /// The same in another mode, with a quorum of the same size and the Kafka that is right for it.
    #[must_use]
    pub fn in_mode(self, mode: ClusterMode) -> Self {
        if self.mode == mode {
            return self;
        }
        let quorum = self.voters();
        let (controllers, zookeeper, version) = match mode {
            ClusterMode::Kraft => (if quorum == 1 { 0 } else { quorum }, None, DEFAULT_KAFKA_VERSION),
            ClusterMode::ZooKeeper => {
                let ensemble = ZooKeeperSpec { servers: quorum, ..ZooKeeperSpec::default() };
                (0, Some(ensemble), DEFAULT_KAFKA_VERSION_WITH_ZOOKEEPER)
            }
        };
        let controller_resources = ControllerResources::default();
        Self { mode, zookeeper, controllers, controller_resources, kafka_version: version.to_owned(), ..self }
    }

    /// Whether there is a ZooKeeper ensemble.
    pub fn has_zookeeper(&self) -> bool {
        self.mode == ClusterMode::ZooKeeper
    }

    /// The ZooKeeper servers; 0 in KRaft mode.
    pub fn zookeeper_servers(&self) -> u32 {
        match self.mode {
            ClusterMode::Kraft => 0,
            ClusterMode::ZooKeeper => {
                self.zookeeper.as_ref().map_or(DEFAULT_ZOOKEEPER_SERVERS, |ensemble| ensemble.servers)
            }
        }
    }

    /// What each member of the quorum gets, where somebody said so.
    pub(super) fn quorum_resources(&self) -> ControllerResources {
        match &self.zookeeper {
            Some(ensemble) if self.has_zookeeper() => ensemble.resources.clone(),
            _ => self.controller_resources.clone(),
        }
    }

    /// The image that ZooKeeper's pods run.
    pub fn zookeeper_image(&self) -> String {
        let asked = self.zookeeper.as_ref().and_then(|ensemble| ensemble.image.clone());
        asked.unwrap_or_else(|| format!("zookeeper:{ZOOKEEPER_VERSION}"))
    }

    /// The image of a role's pods.
    pub fn image_of(&self, role: Role) -> String {
        match role {
            Role::ZooKeeper => self.zookeeper_image(),
            Role::Controller | Role::Broker => self.image(),
        }
    }

    /// The version of what a role's pods run; `None` where only the image knows it.
    pub fn version_of(&self, role: Role) -> Option<String> {
        match role {
            Role::ZooKeeper => {
                let is_ours = self.zookeeper.as_ref().is_none_or(|ensemble| ensemble.image.is_none());
                is_ours.then(|| ZOOKEEPER_VERSION.to_owned())
            }
            Role::Controller | Role::Broker => Some(self.kafka_version.clone()),
        }
    }

    /// Checks the size of the quorum, and that nothing of the other mode is asked.
    pub(super) fn validate_quorum(&self) -> Result<(), SpecError> {
        if self.mode == ClusterMode::Kraft && self.zookeeper.is_some() {
            return Err(SpecError::new(
                "spec.zookeeper",
                "a KRaft cluster has no ZooKeeper servers: ask for them with spec.mode: zookeeper",
            ));
        }
        if self.has_zookeeper() && self.controllers > 0 {
            return Err(SpecError::new("--controllers", NO_CONTROLLERS));
        }
        if self.has_zookeeper() && !self.controller_resources.is_empty() {
            let reason = "with ZooKeeper there are no controllers; spec.zookeeper.resources says what its servers get";
            return Err(SpecError::new("spec.controllerResources", reason));
        }
        if self.has_zookeeper() && !self.security.is_none() {
            return Err(SpecError::new(
                if self.security.is_scram() { "--authentication" } else { "--tls" },
                NO_SECURITY,
            ));
        }
        if self.has_zookeeper() && self.zookeeper_servers() == 0 {
            return Err(SpecError::new("--zookeeper-servers", "0 is no ensemble; 3 is right for most"));
        }
        let alternative = if self.has_zookeeper() { "" } else { ", or 0 to let the brokers do it" };
        let (flag, count, most) = match self.mode {
            ClusterMode::Kraft => ("--controllers", self.controllers, MOST_CONTROLLERS),
            ClusterMode::ZooKeeper => ("--zookeeper-servers", self.zookeeper_servers(), MOST_ZOOKEEPER_SERVERS),
        };
        if count > most {
            return Err(SpecError::new(flag, format!("at most {most}; 3 is right for most")));
        }
        if count > 0 && count.is_multiple_of(2) {
            let fewer = count - 1;
            let reason = format!("{count} survive no more failures than {fewer}: take an odd number{alternative}");
            return Err(SpecError::new(flag, reason));
        }
        Ok(())
    }
}

/// Why `--controllers` cannot be given with ZooKeeper.
pub const NO_CONTROLLERS: &str =
    "with ZooKeeper one of the brokers is the controller; --zookeeper-servers says how many servers ZooKeeper has";

/// Why a cluster with ZooKeeper has neither encryption nor users.
const NO_SECURITY: &str = "not with ZooKeeper: its servers would need certificates, and users would need to be written \
                           into it; install without --mode zookeeper";

/// Checks `--kafka-version`.
pub(super) fn version(text: &str, mode: ClusterMode) -> Result<(), SpecError> {
    let flag = "--kafka-version";
    let numbers: Option<Vec<u32>> = text.split('.').map(|part| part.parse().ok()).collect();
    let Some([major, minor, _]) = numbers.as_deref() else {
        let reason = format!("`{text}` is no version of Apache Kafka; write for example {DEFAULT_KAFKA_VERSION}");
        return Err(SpecError::new(flag, reason));
    };
    let version = (*major, *minor);
    let reason = match mode {
        ClusterMode::Kraft if version >= OLDEST_KAFKA => return Ok(()),
        ClusterMode::ZooKeeper if KAFKA_WITH_ZOOKEEPER.contains(&version) => return Ok(()),
        ClusterMode::Kraft if KAFKA_WITH_ZOOKEEPER.contains(&version) => {
            format!(
                "{text} is too old: {}.{} is the first that can be installed; with --mode zookeeper this one can",
                OLDEST_KAFKA.0, OLDEST_KAFKA.1
            )
        }
        ClusterMode::Kraft => {
            format!("{text} is too old: {}.{} is the first that can be installed", OLDEST_KAFKA.0, OLDEST_KAFKA.1)
        }
        ClusterMode::ZooKeeper if *major >= 4 => {
            format!(
                "{text} has no ZooKeeper mode: 3.9 is the last that has it; without --mode zookeeper this one can be installed"
            )
        }
        ClusterMode::ZooKeeper => format!("{text} cannot be installed with ZooKeeper: 3.7, 3.8 and 3.9 can"),
    };
    Err(SpecError::new(flag, reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::k8s::manifests::{Authentication, Preset, Tls};

    fn with_zookeeper(change: impl FnOnce(&mut ClusterSpec)) -> ClusterSpec {
        let mut spec = ClusterSpec::default().in_mode(ClusterMode::ZooKeeper);
        change(&mut spec);
        spec
    }

    #[test]
    fn with_zookeeper_the_quorum_keeps_its_size_and_kafka_is_one_that_can() {
        let standard = with_zookeeper(|_| ());
        assert_eq!(standard.validate(), Ok(()));
        assert_eq!(
            (standard.zookeeper_servers(), standard.controllers, standard.image().as_str()),
            (3, 0, "apache/kafka:3.9.2")
        );
        assert_eq!(standard.roles(), [Role::ZooKeeper, Role::Broker]);
        assert_eq!((standard.voter_role(), standard.voters(), standard.is_combined()), (Role::ZooKeeper, 3, false));
        assert_eq!(standard.in_mode(ClusterMode::Kraft), ClusterSpec::changed(|_| ()));
        let dev = Preset::Dev.spec().expect("the preset").in_mode(ClusterMode::ZooKeeper);
        assert_eq!((dev.zookeeper_servers(), dev.validate()), (1, Ok(())));
        assert_eq!(dev.in_mode(ClusterMode::Kraft), Preset::Dev.spec().expect("the preset"));
    }

    #[test]
    fn what_cannot_be_with_zookeeper_is_refused_with_its_flag() {
        type Change = fn(&mut ClusterSpec);
        let servers = |spec: &mut ClusterSpec, servers| {
            spec.zookeeper = Some(ZooKeeperSpec { servers, ..ZooKeeperSpec::default() });
        };
        let refused: [(&str, &str, Change); 9] = [
            ("--tls", "its servers would need certificates", |spec| spec.security.tls = Some(Tls::default())),
            ("--authentication", "users would need", |spec| spec.security.authentication = Authentication::Scram),
            ("spec.controllerResources", "spec.zookeeper.resources", |spec| {
                spec.controller_resources.cpu = Some("1".parse().expect("a quantity"));
            }),
            ("--controllers", "one of the brokers is the controller", |spec| spec.controllers = 3),
            ("--kafka-version", "has no ZooKeeper mode", |spec| spec.kafka_version = "4.0.0".into()),
            ("--kafka-version", "3.7, 3.8 and 3.9 can", |spec| spec.kafka_version = "3.6.2".into()),
            ("--config", "is set by kubectl-kafka itself", |spec| {
                spec.config.insert("zookeeper.connect".into(), "zk:2181".into());
            }),
            ("--config", "share groups", |spec| {
                spec.config.insert("share.coordinator.state.topic.min.isr".into(), "1".into());
            }),
            ("--zookeeper-image", "no image", |spec| {
                spec.zookeeper = Some(ZooKeeperSpec { image: Some(String::new()), ..ZooKeeperSpec::default() });
            }),
        ];
        for (flag, reason, change) in refused {
            let error = with_zookeeper(change).validate().expect_err(reason);
            assert!(error.flag == flag && error.reason.contains(reason), "{error}");
        }
        for (count, reason) in [(0, "no ensemble"), (2, "take an odd number"), (9, "at most 7")] {
            let error = with_zookeeper(|spec| servers(spec, count)).validate().expect_err(reason);
            assert!(error.flag == "--zookeeper-servers" && error.reason.contains(reason), "{error}");
        }
        let error = ClusterSpec::changed(|spec| servers(spec, 3)).validate().expect_err("no ZooKeeper in KRaft");
        assert_eq!(error.flag, "spec.zookeeper");
        let error = ClusterSpec::changed(|spec| spec.kafka_version = "3.9.2".into()).validate().expect_err("too old");
        assert!(error.reason.contains("with --mode zookeeper this one can"), "{error}");
    }

    #[test]
    fn the_version_of_an_image_of_other_hands_is_not_claimed() {
        let mut spec = with_zookeeper(|_| ());
        assert_eq!(spec.version_of(Role::ZooKeeper).as_deref(), Some("3.9.5"));
        spec.zookeeper =
            Some(ZooKeeperSpec { image: Some("registry.example/zk:x".into()), ..ZooKeeperSpec::default() });
        assert_eq!(
            (spec.version_of(Role::ZooKeeper), spec.image_of(Role::ZooKeeper).as_str()),
            (None, "registry.example/zk:x")
        );
    }

    #[test]
    fn zookeeper_gets_what_a_controller_gets_unless_somebody_says_more() {
        let memory = |spec: &ClusterSpec| spec.memory(Role::ZooKeeper).to_string();
        let mut large = with_zookeeper(|spec| spec.memory = "64Gi".parse().expect("a quantity"));
        assert_eq!(
            (memory(&large).as_str(), large.heap_mib(Role::ZooKeeper), large.disks(Role::ZooKeeper)),
            ("1Gi", 512, 1)
        );
        large.zookeeper.get_or_insert_default().resources.memory = Some("4Gi".parse().expect("a quantity"));
        assert_eq!((memory(&large).as_str(), large.heap_mib(Role::ZooKeeper)), ("4Gi", 2048));
    }
}
