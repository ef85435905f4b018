//! The report of `status`: what was learned of a cluster, with a verdict on each section.

use serde::Serialize;

use super::metrics::MetricsSection;
use crate::kafka::NodeId;
use crate::zookeeper::Server;

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Severity {
    #[default]
    Ok,
    Warning,
    Critical,
}

/// Something that a person should know, worst first in the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Problem {
    pub(super) severity: Severity,
    pub(super) section: SectionName,
    pub(super) message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum SectionName {
    #[serde(rename = "zookeeper")]
    ZooKeeper,
    Controllers,
    Brokers,
    Partitions,
}

/// The whole report.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    pub(super) healthy: bool,
    pub(super) cluster_id: Option<String>,
    pub(super) image: Option<String>,
    /// In place of the controllers, where there is an ensemble.
    pub(super) zookeeper: Option<ZooKeeperSection>,
    /// `None` with ZooKeeper, where one of the brokers is the controller.
    pub(super) controllers: Option<ControllerSection>,
    pub(super) brokers: BrokerSection,
    pub(super) partitions: PartitionSection,
    /// Only where it is shown, and where pods serve any.
    pub(super) metrics: Option<MetricsSection>,
    pub(super) problems: Vec<Problem>,
    /// What the caller's Role did not let this report see.
    pub(super) unseen: Vec<String>,
}

#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ZooKeeperSection {
    pub(super) severity: Severity,
    /// The pod of the server that leads.
    pub(super) leader: Option<String>,
    pub(super) wanted: u32,
    pub(super) items: Vec<ZooKeeperRow>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ZooKeeperRow {
    pub(super) pod: String,
    pub(super) ready: bool,
    pub(super) state: String,
    /// What the server says of itself.
    pub(super) server: Option<Server>,
    /// Why it says nothing.
    pub(super) error: Option<String>,
    pub(super) restarts: i32,
}

#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ControllerSection {
    pub(super) severity: Severity,
    /// Why the quorum could not be read.
    pub(super) error: Option<String>,
    pub(super) leader: Option<NodeId>,
    pub(super) epoch: Option<i32>,
    pub(super) wanted: u32,
    pub(super) items: Vec<ControllerRow>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ControllerRow {
    pub(super) node: NodeId,
    pub(super) pod: Option<String>,
    pub(super) ready: Option<bool>,
    pub(super) state: Option<String>,
    pub(super) standing: Standing,
    /// Records behind the leader.
    pub(super) lag: Option<i64>,
    /// Milliseconds since it was last at the leader's end.
    pub(super) behind_ms: Option<i64>,
    pub(super) restarts: Option<i32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Standing {
    Leader,
    Follower,
    /// Follows, but has no vote.
    Observer,
    /// A pod without a place in the quorum, or the quorum could not be read.
    Unknown,
}

#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BrokerSection {
    pub(super) severity: Severity,
    /// Why Kafka could not be asked.
    pub(super) error: Option<String>,
    /// With ZooKeeper, the broker that is the controller.
    pub(super) controller: Option<NodeId>,
    pub(super) wanted: u32,
    pub(super) items: Vec<BrokerRow>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BrokerRow {
    pub(super) node: NodeId,
    pub(super) pod: Option<String>,
    pub(super) ready: Option<bool>,
    /// The pod's state in kubectl's words.
    pub(super) state: Option<String>,
    /// Registered and serving; `None` when Kafka could not be asked.
    pub(super) unfenced: Option<bool>,
    pub(super) leaders: Option<usize>,
    pub(super) replicas: Option<usize>,
    pub(super) disk: Option<Disk>,
    /// Why the broker itself could not be asked.
    pub(super) error: Option<String>,
    pub(super) rack: Option<String>,
    pub(super) host: Option<String>,
    pub(super) restarts: Option<i32>,
}

/// Bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Disk {
    /// In Kafka's log segments.
    pub(super) used_by_kafka: u64,
    pub(super) total: Option<u64>,
    pub(super) usable: Option<u64>,
}

#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PartitionSection {
    pub(super) severity: Severity,
    pub(super) error: Option<String>,
    pub(super) topics: usize,
    pub(super) partitions: usize,
    pub(super) offline: usize,
    pub(super) under_replicated: usize,
    pub(super) under_min_isr: usize,
    /// The partitions that are not well.
    pub(super) items: Vec<PartitionRow>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PartitionRow {
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) leader: Option<NodeId>,
    pub(super) replicas: Vec<NodeId>,
    pub(super) isr: Vec<NodeId>,
    pub(super) trouble: Trouble,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Trouble {
    Offline,
    UnderMinIsr,
    UnderReplicated,
}

impl Trouble {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::UnderMinIsr => "under min ISR",
            Self::UnderReplicated => "under-replicated",
        }
    }
}

impl Status {
    /// `cluster "demo"`
    pub(super) fn title(&self) -> String {
        format!("cluster \"{}\"", self.name)
    }

    /// The worst thing, for a one-line report.
    pub(super) fn first_problem(&self) -> String {
        self.problems.first().map_or_else(|| "healthy".to_owned(), |problem| problem.message.clone())
    }
}
