//! From facts to a verdict, pure: the same facts make the same report.

use std::collections::BTreeMap;

use super::certificates::{self, Served};
use super::model::{
    BrokerRow, BrokerSection, ControllerRow, ControllerSection, Disk, PartitionRow, PartitionSection, Problem,
    SectionName, Severity, Standing, Status, Trouble, ZooKeeperSection,
};
use super::zookeeper::zookeeper;
use crate::connect::ensemble::Answer;
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
    pub(super) quorum: Option<Result<Quorum, String>>,
    pub(super) topics: Option<Result<Vec<Topic>, String>>,
    pub(super) min_isr: BTreeMap<String, usize>,
    pub(super) log_dirs: BTreeMap<NodeId, Result<Vec<LogDir>, String>>,
    /// The certificates that pods serve.
    pub(super) certificates: Vec<Served>,
}

impl Status {
    /// The verdict. Pure: the same facts make the same report.
    pub(super) fn from_facts(facts: &Facts) -> Self {
        let mut problems = Vec::new();
        let zookeeper = (facts.has_zookeeper && facts.namespace.is_some()).then(|| zookeeper(facts, &mut problems));
        let controllers = (!facts.has_zookeeper).then(|| controllers(facts, &mut problems));
        let brokers = brokers(facts, &mut problems);
        let partitions = partitions(facts, &mut problems);
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
            unseen: facts.unseen.clone(),
            problems,
        }
    }
}

pub(super) fn critical(section: SectionName, message: String) -> Problem {
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

pub(super) fn not_ready(facts: &Facts, pod: &PodState) -> String {
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
    for refusal in &facts.refusals {
        problems.push(critical(SectionName::Brokers, refusal.clone()));
    }
    if wanted > there && facts.namespace.is_some() {
        problems.push(critical(SectionName::Brokers, format!("{there} of {wanted} broker pods exist")));
    }
    // A KRaft broker names any broker.
    let described = facts.description.as_ref().and_then(|description| description.as_ref().ok());
    let controller = described.filter(|_| facts.has_zookeeper).map(|description| description.controller);
    if controller == Some(None) {
        problems.push(critical(SectionName::Brokers, "none of the brokers is the controller".to_owned()));
    }
    let items: Vec<BrokerRow> = nodes.into_iter().map(|node| broker_row(facts, node, problems)).collect();
    BrokerSection { severity: Severity::Ok, error, controller: controller.flatten(), wanted, items }
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
            None if facts.has_zookeeper => format!("broker {node} has not registered with ZooKeeper"),
            None => format!("broker {node} has not registered with the controllers"),
        };
        problems.push(critical(SectionName::Brokers, message));
    } else if unfenced == Some(true) && pod.is_none() && facts.namespace.is_some() {
        // Its session lives on for some seconds; whoever looks now must not read that all is well.
        let message = format!("broker {node} has no pod; the controllers have not noticed yet");
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::Endpoint;
    use crate::kafka::admin::cluster::BrokerDescription;
    use crate::kafka::admin::topics::Partition;
    use crate::ui::{TextOptions, View};

    fn pod(role: Role, ordinal: u32, ready: bool) -> PodState {
        PodState {
            name: format!("demo-{role}-{ordinal}"),
            role,
            ordinal,
            node_id: role.node_id(ordinal),
            ready,
            state: if ready { "Running" } else { "CrashLoopBackOff" }.into(),
            restarts: 0,
            created: None,
            host: None,
            image: Some("apache/kafka:4.3.1".into()),
            dns_name: None,
            tls: false,
        }
    }

    fn broker(node: i32, fenced: bool) -> BrokerDescription {
        BrokerDescription {
            node: NodeId(node),
            endpoint: Endpoint { host: "h".into(), port: 9092 },
            rack: None,
            fenced,
        }
    }

    fn voter(node: i32, end: i64, caught_up_ms: i64) -> QuorumReplica {
        QuorumReplica {
            node: NodeId(node),
            directory_id: None,
            log_end_offset: end,
            last_fetch_ms: caught_up_ms,
            last_caught_up_ms: caught_up_ms,
        }
    }

    fn topic(isr: &[i32]) -> Topic {
        let partition = Partition {
            partition: 0,
            leader: isr.first().copied().map(NodeId),
            leader_epoch: 1,
            replicas: vec![NodeId(100), NodeId(101)],
            isr: isr.iter().copied().map(NodeId).collect(),
            offline_replicas: vec![],
            eligible_leader_replicas: None,
        };
        Topic { name: "orders".into(), id: None, internal: false, partitions: vec![partition] }
    }

    fn healthy() -> Facts {
        let quorum = Quorum {
            leader: Some(NodeId(0)),
            epoch: 4,
            high_watermark: 10,
            voters: vec![voter(0, 10, 100_000)],
            observers: vec![],
        };
        let description = ClusterDescription {
            cluster_id: "5L6g3nShT-eMCtK--X86sw".into(),
            brokers: vec![broker(100, false), broker(101, false)],
            includes_fenced: true,
            controller: None,
        };
        Facts {
            name: "demo".into(),
            namespace: Some("kafka".into()),
            pods: vec![pod(Role::Controller, 0, true), pod(Role::Broker, 0, true), pod(Role::Broker, 1, true)],
            wanted: BTreeMap::from([(Role::Controller, 1), (Role::Broker, 2)]),
            description: Some(Ok(description)),
            quorum: Some(Ok(quorum)),
            topics: Some(Ok(vec![topic(&[100, 101])])),
            min_isr: BTreeMap::from([("orders".into(), 2)]),
            ..Facts::default()
        }
    }

    fn messages(facts: &Facts) -> Vec<String> {
        Status::from_facts(facts).problems.into_iter().map(|problem| problem.message).collect()
    }

    #[test]
    fn a_healthy_cluster_has_no_problems() {
        let status = Status::from_facts(&healthy());
        assert!(status.healthy && status.problems.is_empty(), "{:?}", status.problems);
    }

    #[test]
    fn half_a_cluster_down_is_named_and_the_other_half_still_shown() {
        let mut facts = healthy();
        facts.pods[2] = pod(Role::Broker, 1, false);
        facts.description = Some(Ok(ClusterDescription {
            cluster_id: "5L6g3nShT-eMCtK--X86sw".into(),
            brokers: vec![broker(100, false), broker(101, true)],
            includes_fenced: true,
            controller: None,
        }));
        facts.topics = Some(Ok(vec![topic(&[100])]));
        insta::assert_snapshot!(Status::from_facts(&facts).text(TextOptions::default()), @r"
        Name:        demo
        Namespace:   kafka
        Cluster ID:  5L6g3nShT-eMCtK--X86sw
        Image:       apache/kafka:4.3.1
        Status:      unhealthy (3 problems)

        Controllers: ok, leader 0, epoch 4
          NODE   POD                 READY   ROLE     LAG   BEHIND   RESTARTS
          0      demo-controller-0   True    leader   0     0.0s     0

        Brokers: critical, 1 of 2 ready
          NODE   POD             READY                      STATE      LEADERS   REPLICAS   DISK
          100    demo-broker-0   True                       unfenced   1         1          <unknown>
          101    demo-broker-1   False (CrashLoopBackOff)   fenced     0         1          <unknown>

        Partitions: critical, 1 in 1 topic; 0 offline, 1 under min ISR, 1 under-replicated
          TOPIC    PARTITION   LEADER   REPLICAS   ISR   STATUS
          orders   0           100      100,101    100   under min ISR

        Problems:
          critical: pod demo-broker-1 is not ready (CrashLoopBackOff)
          critical: 1 partition under min ISR: acks=all writes to them fail
          critical: 1 partition under-replicated
        ");
    }

    #[test]
    fn a_broker_whose_pod_is_gone_is_a_problem_before_its_session_ends() {
        let mut facts = healthy();
        facts.pods.retain(|pod| pod.node_id != 101);
        let gone = facts.wanted.get_mut(&Role::Broker).expect("brokers");
        *gone -= 1;
        let status = Status::from_facts(&facts);
        let messages: Vec<&str> = status.problems.iter().map(|problem| problem.message.as_str()).collect();
        assert_eq!(
            (status.healthy, messages),
            (false, vec!["broker 101 has no pod; the controllers have not noticed yet"])
        );
    }

    #[test]
    fn without_brokers_the_controllers_are_still_reported() {
        let mut facts = healthy();
        facts.pods.retain(|pod| pod.role == Role::Controller);
        facts.description = Some(Err("no broker pod is running".into()));
        facts.topics = Some(Err("no broker answers".into()));
        let status = Status::from_facts(&facts);
        assert_eq!(status.controllers.as_ref().map(|section| section.severity), Some(Severity::Ok));
        assert_eq!(status.controllers.and_then(|section| section.leader), Some(NodeId(0)));
        assert!(messages(&facts).contains(&"0 of 2 broker pods exist".to_owned()));
    }

    #[test]
    fn a_controller_that_fell_behind_is_a_problem() {
        let mut facts = healthy();
        let Some(Ok(quorum)) = &mut facts.quorum else { panic!("a quorum") };
        quorum.voters.push(voter(1, 3, 40_000));
        facts.pods.push(pod(Role::Controller, 1, true));
        facts.wanted.insert(Role::Controller, 2);
        assert_eq!(messages(&facts), ["controller 1 is 60 s behind the leader"]);
    }

    #[test]
    fn a_removed_controller_that_lingers_as_an_observer_is_ignored() {
        let mut facts = healthy();
        let Some(Ok(quorum)) = &mut facts.quorum else { panic!("a quorum") };
        quorum.observers = vec![voter(7, 3, 40_000), voter(100, 10, 100_000)];
        assert_eq!(Status::from_facts(&facts).controllers.map(|section| section.items.len()), Some(1));
        assert_eq!(messages(&facts), Vec::<String>::new());
    }

    #[test]
    fn a_full_disk_warns_and_leaves_the_cluster_healthy() {
        let mut facts = healthy();
        let dir = LogDir {
            path: "/d".into(),
            total_bytes: Some(1000),
            usable_bytes: Some(50),
            error: None,
            replicas: vec![],
        };
        facts.log_dirs.insert(NodeId(100), Ok(vec![dir]));
        assert_eq!(messages(&facts), ["broker 100: 5 % of its disk is free (50B)"]);
        assert!(Status::from_facts(&facts).healthy);
    }
}
