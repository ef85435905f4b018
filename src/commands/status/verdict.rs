//! From facts to a verdict, pure: the same facts make the same report.

use std::collections::BTreeMap;

use super::brokers;
use super::certificates::{self, Certificates};
use super::metrics;
use super::model::{
    BrokerSection, ControllerRow, ControllerSection, PartitionSection, Problem, SectionName, Severity, Standing,
    Status, ZooKeeperSection,
};
use super::partitions;
use super::zookeeper::zookeeper;
use crate::connect::ensemble::Answer;
use crate::connect::metrics::Answer as Scraped;
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

/// Everything that was asked; each answer may be an error in words.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    pub(super) pods: Vec<PodState>,
    pub(super) wanted: BTreeMap<Role, u32>,
    /// Why a pod does not run, by pod.
    pub(super) diagnoses: BTreeMap<String, String>,
    /// Why pods that should exist do not.
    pub(super) refusals: Vec<String>,
    pub(super) unseen: Vec<String>,
    /// Whether there is a ZooKeeper ensemble, seen or not.
    pub(super) has_zookeeper: bool,
    /// What its running servers say.
    pub(super) zookeeper: Vec<Answer>,
    /// The controllers' node ids that the pods stand for; empty with combined roles.
    pub(super) description: Option<Result<ClusterDescription, String>>,
    /// Whether Kafka is there and does not let us in.
    pub(super) not_admitted: bool,
    pub(super) quorum: Option<Result<Quorum, String>>,
    pub(super) topics: Option<Result<Vec<Topic>, String>>,
    pub(super) min_isr: BTreeMap<String, usize>,
    pub(super) log_dirs: BTreeMap<NodeId, Result<Vec<LogDir>, String>>,
    /// The authority's end, and the certificates that pods serve.
    pub(super) certificates: Certificates,
    /// What the pods' endpoints say; `None` where it is not shown.
    pub(super) metrics: Option<Vec<Scraped>>,
}

impl Status {
    /// The verdict. Pure: the same facts make the same report.
    pub(super) fn from_facts(facts: &Facts) -> Self {
        let mut problems = Vec::new();
        let zookeeper = (facts.has_zookeeper && facts.namespace.is_some()).then(|| zookeeper(facts, &mut problems));
        let controllers = (!facts.has_zookeeper).then(|| controllers(facts, &mut problems));
        let brokers = brokers::section(facts, &mut problems);
        let partitions = partitions::section(facts, &mut problems);
        problems.extend(certificates::problems(&facts.certificates));
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
            image: facts.pods.iter().filter(|pod| pod.role != Role::ZooKeeper).find_map(|pod| pod.image.clone()),
            zookeeper: zookeeper.map(|section| ZooKeeperSection { severity: worst(SectionName::ZooKeeper), ..section }),
            controllers: controllers
                .map(|section| ControllerSection { severity: worst(SectionName::Controllers), ..section }),
            brokers: BrokerSection { severity: worst(SectionName::Brokers), ..brokers },
            partitions: PartitionSection { severity: worst(SectionName::Partitions), ..partitions },
            metrics: metrics::section(facts),
            unseen: facts.unseen.iter().cloned().chain(facts.metrics.as_deref().and_then(metrics::unseen)).collect(),
            problems,
        }
    }
}

pub(super) fn critical(section: SectionName, message: String) -> Problem {
    Problem { severity: Severity::Critical, section, message }
}

pub(super) fn warning(section: SectionName, message: String) -> Problem {
    Problem { severity: Severity::Warning, section, message }
}

/// Combined roles have no pods of their own for controllers: the brokers' pods stand for them.
pub(super) fn controller_role(facts: &Facts) -> Role {
    let own = facts.wanted.contains_key(&Role::Controller) || facts.pods.iter().any(|pod| pod.role == Role::Controller);
    if own { Role::Controller } else { Role::Broker }
}

pub(super) fn pod_of(facts: &Facts, node: NodeId) -> Option<&PodState> {
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

pub(super) fn not_ready(facts: &Facts, pod: &PodState) -> String {
    match facts.diagnoses.get(&pod.name) {
        Some(reason) => format!("pod {} is not ready: {reason}", pod.name),
        None => format!("pod {} is not ready ({})", pod.name, pod.state),
    }
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
