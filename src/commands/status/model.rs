//! What was learned of a cluster, and the verdict.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::k8s::Role;
use crate::k8s::inspect::PodState;
use crate::kafka::NodeId;
use crate::kafka::admin::cluster::ClusterDescription;
use crate::kafka::admin::log_dirs::LogDir;
use crate::kafka::admin::quorum::{Quorum, QuorumReplica};
use crate::kafka::admin::topics::Topic;

/// A controller whose log was at the leader's end within this time counts as caught up: five times
/// `controller.quorum.fetch.timeout.ms`, so that a short pause of a busy machine is no alarm.
const CAUGHT_UP_MS: i64 = 10_000;

/// Below this share of free space a disk is a warning.
const DISK_LOW: f64 = 0.10;

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
    pub(super) controllers: ControllerSection,
    pub(super) brokers: BrokerSection,
    pub(super) partitions: PartitionSection,
    pub(super) problems: Vec<Problem>,
    /// What the caller's Role did not let this report see.
    pub(super) unseen: Vec<String>,
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

/// Everything that was asked; each answer may be an error in words.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    pub(super) pods: Vec<PodState>,
    pub(super) wanted: BTreeMap<Role, u32>,
    /// Why a pod does not run, by pod.
    pub(super) diagnoses: BTreeMap<String, String>,
    pub(super) unseen: Vec<String>,
    /// The controllers' node ids that the pods stand for; empty with combined roles.
    pub(super) description: Option<Result<ClusterDescription, String>>,
    pub(super) quorum: Option<Result<Quorum, String>>,
    pub(super) topics: Option<Result<Vec<Topic>, String>>,
    pub(super) min_isr: BTreeMap<String, usize>,
    pub(super) log_dirs: BTreeMap<NodeId, Result<Vec<LogDir>, String>>,
}

impl Status {
    /// The verdict. Pure: the same facts make the same report.
    pub(super) fn from_facts(facts: &Facts) -> Self {
        let mut problems = Vec::new();
        let controllers = controllers(facts, &mut problems);
        let brokers = brokers(facts, &mut problems);
        let partitions = partitions(facts, &mut problems);
        problems.sort_by_key(|problem| (std::cmp::Reverse(problem.severity), problem.section));
        let worst = |section| {
            problems
                .iter()
                .filter(|problem| problem.section == section)
                .map(|problem| problem.severity)
                .max()
                .unwrap_or_default()
        };
        Self {
            name: facts.name.clone(),
            namespace: facts.namespace.clone(),
            healthy: problems.iter().all(|problem| problem.severity < Severity::Critical),
            cluster_id: match &facts.description {
                Some(Ok(description)) => Some(description.cluster_id.clone()),
                _ => None,
            },
            image: facts.pods.iter().find_map(|pod| pod.image.clone()),
            controllers: ControllerSection { severity: worst(SectionName::Controllers), ..controllers },
            brokers: BrokerSection { severity: worst(SectionName::Brokers), ..brokers },
            partitions: PartitionSection { severity: worst(SectionName::Partitions), ..partitions },
            unseen: facts.unseen.clone(),
            problems,
        }
    }

    /// `cluster "demo"`
    pub(super) fn title(&self) -> String {
        format!("cluster \"{}\"", self.name)
    }

    /// The worst thing, for a one-line report.
    pub(super) fn first_problem(&self) -> String {
        self.problems.first().map_or_else(|| "healthy".to_owned(), |problem| problem.message.clone())
    }
}

fn critical(section: SectionName, message: String) -> Problem {
    Problem { severity: Severity::Critical, section, message }
}

fn warning(section: SectionName, message: String) -> Problem {
    Problem { severity: Severity::Warning, section, message }
}

/// Combined roles have no pods of their own for controllers: the brokers' pods stand for them.
fn controller_role(facts: &Facts) -> Role {
    let own = facts.wanted.contains_key(&Role::Controller) || facts.pods.iter().any(|pod| pod.role == Role::Controller);
    if own { Role::Controller } else { Role::Broker }
}

fn pod_of(facts: &Facts, node: NodeId) -> Option<&PodState> {
    facts.pods.iter().find(|pod| pod.node_id == node.0)
}

fn controllers(facts: &Facts, problems: &mut Vec<Problem>) -> ControllerSection {
    let role = controller_role(facts);
    let own_pods: Vec<&PodState> =
        facts.pods.iter().filter(|pod| role == Role::Controller && pod.role == role).collect();
    let mut section = ControllerSection {
        wanted: facts.wanted.get(&Role::Controller).copied().unwrap_or(0),
        ..ControllerSection::default()
    };
    for pod in own_pods.iter().filter(|pod| !pod.ready) {
        problems.push(critical(SectionName::Controllers, not_ready(facts, pod)));
    }
    match &facts.quorum {
        Some(Ok(quorum)) => {
            section.leader = quorum.leader;
            section.epoch = Some(quorum.epoch);
            section.items = voters(facts, quorum, problems);
            if quorum.leader.is_none() {
                problems.push(critical(SectionName::Controllers, "the controllers have no leader".to_owned()));
            }
        }
        Some(Err(reason)) => {
            section.error = Some(reason.clone());
            problems.push(critical(SectionName::Controllers, format!("the quorum cannot be read: {reason}")));
        }
        None => {}
    }
    for pod in own_pods {
        if !section.items.iter().any(|row| row.node.0 == pod.node_id) {
            section.items.push(controller_row(Some(pod), NodeId(pod.node_id), Standing::Unknown));
            if matches!(&facts.quorum, Some(Ok(_))) {
                let message = format!("controller {} (pod {}) is not part of the quorum", pod.node_id, pod.name);
                problems.push(critical(SectionName::Controllers, message));
            }
        }
    }
    section.items.sort_by_key(|row| row.node);
    let there = u32::try_from(section.items.iter().filter(|row| row.pod.is_some()).count()).unwrap_or(u32::MAX);
    if section.wanted > there {
        let message = format!("{} of {} controller pods exist", there, section.wanted);
        problems.push(critical(SectionName::Controllers, message));
    }
    section
}

fn voters(facts: &Facts, quorum: &Quorum, problems: &mut Vec<Problem>) -> Vec<ControllerRow> {
    let leader = quorum.voters.iter().find(|voter| Some(voter.node) == quorum.leader);
    let behind = |replica: &QuorumReplica| {
        let now = leader?.last_caught_up_ms;
        (now >= 0 && replica.last_caught_up_ms >= 0).then(|| (now - replica.last_caught_up_ms).max(0))
    };
    let mut rows = Vec::new();
    for voter in &quorum.voters {
        let standing = if Some(voter.node) == quorum.leader { Standing::Leader } else { Standing::Follower };
        let mut row = controller_row(pod_of(facts, voter.node), voter.node, standing);
        row.lag = quorum.lag(voter);
        row.behind_ms = behind(voter);
        if standing == Standing::Follower && row.behind_ms.is_none_or(|behind| behind > CAUGHT_UP_MS) {
            let behind = row.behind_ms.map_or_else(
                || "has not been seen by the leader".to_owned(),
                |behind| format!("is {} s behind the leader", behind / 1000),
            );
            problems.push(critical(SectionName::Controllers, format!("controller {} {behind}", voter.node)));
        }
        rows.push(row);
    }
    // Brokers observe as well; and a removed voter lingers as an observer that no longer fetches.
    for observer in quorum.observers.iter().filter(|observer| observer.node.0 < Role::Broker.first_node_id()) {
        if behind(observer).is_some_and(|behind| behind <= CAUGHT_UP_MS) {
            let mut row = controller_row(pod_of(facts, observer.node), observer.node, Standing::Observer);
            row.lag = quorum.lag(observer);
            row.behind_ms = behind(observer);
            let message = format!("controller {} follows, but has no vote", observer.node);
            problems.push(warning(SectionName::Controllers, message));
            rows.push(row);
        }
    }
    rows
}

fn controller_row(pod: Option<&PodState>, node: NodeId, standing: Standing) -> ControllerRow {
    ControllerRow {
        node,
        pod: pod.map(|pod| pod.name.clone()),
        ready: pod.map(|pod| pod.ready),
        state: pod.map(|pod| pod.state.clone()),
        standing,
        lag: None,
        behind_ms: None,
        restarts: pod.map(|pod| pod.restarts),
    }
}

fn not_ready(facts: &Facts, pod: &PodState) -> String {
    match facts.diagnoses.get(&pod.name) {
        Some(reason) => format!("pod {} is not ready: {reason}", pod.name),
        None => format!("pod {} is not ready ({})", pod.name, pod.state),
    }
}

fn brokers(facts: &Facts, problems: &mut Vec<Problem>) -> BrokerSection {
    let pods: Vec<&PodState> = facts.pods.iter().filter(|pod| pod.role == Role::Broker).collect();
    let mut nodes: Vec<NodeId> = pods.iter().map(|pod| NodeId(pod.node_id)).collect();
    let described = match &facts.description {
        Some(Ok(description)) => description.brokers.as_slice(),
        _ => &[],
    };
    nodes.extend(described.iter().map(|broker| broker.node));
    nodes.sort_unstable();
    nodes.dedup();
    let wanted = facts.wanted.get(&Role::Broker).copied().unwrap_or_else(|| u32::try_from(nodes.len()).unwrap_or(0));
    let error = match &facts.description {
        Some(Err(reason)) => Some(reason.clone()),
        _ => None,
    };
    if let Some(reason) = &error {
        problems.push(critical(SectionName::Brokers, format!("no broker answers: {reason}")));
    }
    let there = u32::try_from(pods.len()).unwrap_or(u32::MAX);
    if wanted > there && facts.namespace.is_some() {
        problems.push(critical(SectionName::Brokers, format!("{there} of {wanted} broker pods exist")));
    }
    let items: Vec<BrokerRow> = nodes.into_iter().map(|node| broker_row(facts, node, problems)).collect();
    BrokerSection { severity: Severity::Ok, error, wanted, items }
}

fn broker_row(facts: &Facts, node: NodeId, problems: &mut Vec<Problem>) -> BrokerRow {
    let pod = pod_of(facts, node);
    let described = match &facts.description {
        Some(Ok(description)) => Some(description.brokers.iter().find(|broker| broker.node == node)),
        _ => None,
    };
    let unfenced = described.map(|broker| broker.is_some_and(|broker| !broker.fenced));
    if let Some(pod) = pod.filter(|pod| !pod.ready) {
        problems.push(critical(SectionName::Brokers, not_ready(facts, pod)));
    } else if unfenced == Some(false) {
        let message = match described.flatten() {
            Some(_) => format!("broker {node} is fenced: the controllers do not let it serve"),
            None => format!("broker {node} has not registered with the controllers"),
        };
        problems.push(critical(SectionName::Brokers, message));
    }
    let (leaders, replicas) = match &facts.topics {
        Some(Ok(topics)) => {
            let partitions = || topics.iter().flat_map(|topic| &topic.partitions);
            (
                Some(partitions().filter(|partition| partition.leader == Some(node)).count()),
                Some(partitions().filter(|partition| partition.replicas.contains(&node)).count()),
            )
        }
        _ => (None, None),
    };
    let disk = facts.log_dirs.get(&node).and_then(|dirs| dirs.as_ref().ok()).map(|dirs| disk(dirs));
    let error = facts.log_dirs.get(&node).and_then(|dirs| dirs.as_ref().err()).cloned();
    disk_problems(facts, node, disk, problems);
    if let Some(reason) = error.as_ref().filter(|_| pod.is_none_or(|pod| pod.ready)) {
        problems.push(warning(SectionName::Brokers, format!("broker {node} could not be asked: {reason}")));
    }
    BrokerRow {
        node,
        pod: pod.map(|pod| pod.name.clone()),
        ready: pod.map(|pod| pod.ready),
        state: pod.map(|pod| pod.state.clone()),
        unfenced,
        leaders,
        replicas,
        disk,
        error,
        rack: described.flatten().and_then(|broker| broker.rack.clone()),
        host: pod.and_then(|pod| pod.host.clone()),
        restarts: pod.map(|pod| pod.restarts),
    }
}

fn disk(dirs: &[LogDir]) -> Disk {
    let sum = |value: fn(&LogDir) -> Option<u64>| dirs.iter().map(value).sum::<Option<u64>>();
    Disk {
        used_by_kafka: dirs.iter().flat_map(|dir| &dir.replicas).map(|replica| replica.bytes).sum(),
        total: sum(|dir| dir.total_bytes),
        usable: sum(|dir| dir.usable_bytes),
    }
}

fn disk_problems(facts: &Facts, node: NodeId, disk: Option<Disk>, problems: &mut Vec<Problem>) {
    if let Some(Ok(dirs)) = facts.log_dirs.get(&node) {
        for (dir, reason) in dirs.iter().filter_map(|dir| Some((dir, dir.error.as_ref()?))) {
            problems
                .push(critical(SectionName::Brokers, format!("broker {node}: log directory {}: {reason}", dir.path)));
        }
    }
    if let Some(Disk { total: Some(total), usable: Some(usable), .. }) = disk {
        let free = usable as f64 / (total.max(1)) as f64;
        if free < DISK_LOW {
            let message =
                format!("broker {node}: {:.0} % of its disk is free ({})", free * 100.0, crate::view::bytes(usable));
            problems.push(warning(SectionName::Brokers, message));
        }
    }
}

fn partitions(facts: &Facts, problems: &mut Vec<Problem>) -> PartitionSection {
    let mut section = PartitionSection::default();
    let topics = match &facts.topics {
        Some(Ok(topics)) => topics,
        Some(Err(reason)) => {
            section.error = Some(reason.clone());
            problems.push(critical(SectionName::Partitions, format!("the partitions cannot be read: {reason}")));
            return section;
        }
        None => return section,
    };
    section.topics = topics.len();
    for topic in topics {
        let min_isr = facts.min_isr.get(&topic.name).copied().unwrap_or(1);
        for partition in &topic.partitions {
            section.partitions += 1;
            let under_min = partition.isr.len() < min_isr.min(partition.replicas.len());
            let trouble = if partition.is_offline() {
                Trouble::Offline
            } else if under_min {
                Trouble::UnderMinIsr
            } else if partition.is_under_replicated() {
                Trouble::UnderReplicated
            } else {
                continue;
            };
            section.offline += usize::from(trouble == Trouble::Offline);
            section.under_min_isr += usize::from(under_min);
            section.under_replicated += usize::from(partition.is_under_replicated());
            section.items.push(PartitionRow {
                topic: topic.name.clone(),
                partition: partition.partition,
                leader: partition.leader,
                replicas: partition.replicas.clone(),
                isr: partition.isr.clone(),
                trouble,
            });
        }
    }
    section.items.sort_by(|a, b| (a.trouble, &a.topic, a.partition).cmp(&(b.trouble, &b.topic, b.partition)));
    let counts = [
        (section.offline, "offline: nobody can read or write them"),
        (section.under_min_isr, "under min ISR: acks=all writes to them fail"),
        (section.under_replicated, "under-replicated"),
    ];
    for (count, words) in counts.into_iter().filter(|(count, _)| *count > 0) {
        let message = format!("{} {words}", crate::view::plural(count, "partition"));
        problems.push(critical(SectionName::Partitions, message));
    }
    section
}
