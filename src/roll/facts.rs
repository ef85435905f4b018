//! What Kubernetes and Kafka say at one moment.

use std::collections::{BTreeMap, BTreeSet};

use crate::connect::ensemble::Answer;
use crate::k8s::Role;
use crate::k8s::rollout::{RollPod, Rollout};
use crate::kafka::NodeId;
use crate::kafka::admin::quorum::{Quorum, QuorumReplica};
use crate::kafka::admin::topics::{Partition, Topic};
use crate::zookeeper::Server;

/// `controller.quorum.fetch.timeout.ms`, where no broker tells it: Kafka's default.
pub const FETCH_TIMEOUT_MS: i64 = 2000;

/// One look at everything that decides about the next pod.
#[derive(Debug, Clone)]
pub struct Facts {
    /// StatefulSets and pods.
    pub rollout: Rollout,
    /// The controllers, or why they could not be asked.
    pub quorum: Result<Quorum, String>,
    /// The brokers and partitions, or why no broker answered.
    pub brokers: Result<BrokerFacts, String>,
    /// A voter that was at the leader's end within this time follows it.
    pub fetch_timeout_ms: i64,
    /// With ZooKeeper: each server, or why it does not answer.
    pub ensemble: Option<Vec<Answer>>,
}

/// What the brokers say.
#[derive(Debug, Clone, Default)]
pub struct BrokerFacts {
    /// Every topic, Kafka's own too.
    pub topics: Vec<Topic>,
    /// `min.insync.replicas` by topic.
    pub min_in_sync: BTreeMap<String, usize>,
    /// Partitions whose replicas are being moved.
    pub moving: BTreeSet<(String, i32)>,
    /// Registered and not fenced.
    pub serving: BTreeSet<NodeId>,
    /// With ZooKeeper: the broker that is the controller.
    pub controller: Option<NodeId>,
}

impl BrokerFacts {
    /// The partitions that have a replica on a broker.
    pub fn hosted(&self, node: NodeId) -> impl Iterator<Item = (&Topic, &Partition)> {
        let all = self.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |partition| (topic, partition)));
        all.filter(move |(_, partition)| partition.replicas.contains(&node))
    }
}

impl Facts {
    /// The active controller's node.
    pub fn leader(&self) -> Option<NodeId> {
        if self.ensemble.is_some() {
            return self.brokers.as_ref().ok().and_then(|brokers| brokers.controller);
        }
        self.quorum.as_ref().ok().and_then(|quorum| quorum.leader)
    }

    /// Whether a pod does not serve, and its quorum is lost in a way that a new one alone would not be ready either:
    /// brokers that are controllers too, and ZooKeeper's servers, need a majority for that.
    pub fn is_stuck_without_others(&self, pod: &RollPod) -> bool {
        let lost = match pod.role {
            Role::ZooKeeper => !self.servers().any(|(_, server)| server.mode.leads()),
            Role::Broker => self.rollout.is_combined() && self.leader().is_none(),
            Role::Controller => false,
        };
        lost && !pod.serves()
    }

    /// Whether ZooKeeper's writes go through a pod.
    pub fn leads_zookeeper(&self, pod: &RollPod) -> bool {
        self.servers().any(|(name, server)| name == pod.name && server.mode.leads())
    }

    /// The ZooKeeper servers that serve, by pod.
    pub fn servers(&self) -> impl Iterator<Item = (&str, &Server)> {
        let answers = self.ensemble.iter().flatten();
        answers.filter_map(|answer| Some((answer.pod.as_str(), answer.server.as_ref().ok()?)))
    }

    /// Whether a node votes in the quorum; `false` when the quorum could not be asked.
    pub fn is_voter(&self, node: NodeId) -> bool {
        self.quorum.as_ref().is_ok_and(|quorum| quorum.voters.iter().any(|voter| voter.node == node))
    }

    /// Whether a voter was at the leader's end within the fetch timeout, as the leader sees it.
    pub fn follows(&self, quorum: &Quorum, voter: &QuorumReplica) -> bool {
        let Some(leader) = quorum.voters.iter().find(|known| Some(known.node) == quorum.leader) else { return false };
        voter.node == leader.node || leader.last_caught_up_ms - voter.last_caught_up_ms <= self.fetch_timeout_ms
    }

    /// Pods that should be there and are not, of these roles.
    pub fn missing(&self, roles: &[Role]) -> Vec<(Role, u32)> {
        let there: BTreeSet<(Role, u32)> = self.rollout.pods.iter().map(|pod| (pod.role, pod.ordinal)).collect();
        let wanted = self.rollout.workloads.iter().filter(|(role, _)| roles.contains(role));
        wanted
            .flat_map(|(role, workload)| (0..workload.replicas).map(|ordinal| (*role, ordinal)))
            .filter(|pod| !there.contains(pod))
            .collect()
    }
}

/// The node that runs in a pod.
pub fn node(pod: &RollPod) -> NodeId {
    NodeId(pod.node_id())
}

#[cfg(test)]
pub(crate) mod samples {
    //! A healthy cluster of three controllers and three brokers, to be spoilt.

    use super::*;
    use crate::k8s::rollout::Workload;
    use crate::zookeeper::Mode;

    pub(crate) fn pod(role: Role, ordinal: u32) -> RollPod {
        RollPod {
            name: format!("demo-{role}-{ordinal}"),
            role,
            ordinal,
            uid: format!("{role}-{ordinal}"),
            ready: true,
            leaving: false,
            revision: Some("old".into()),
            files: None,
            host: None,
            tls: false,
        }
    }

    pub(crate) fn workload(replicas: u32) -> Workload {
        Workload { uid: "u".into(), replicas, revision: Some("new".into()), restarted_at: None, files: None }
    }

    pub(crate) fn voter(node: i32, caught_up: i64) -> QuorumReplica {
        QuorumReplica {
            node: NodeId(node),
            directory_id: None,
            log_end_offset: 10,
            last_fetch_ms: caught_up,
            last_caught_up_ms: caught_up,
        }
    }

    pub(crate) fn quorum(leader: Option<i32>, voters: &[(i32, i64)]) -> Quorum {
        Quorum {
            leader: leader.map(NodeId),
            epoch: 1,
            high_watermark: 10,
            voters: voters.iter().map(|(node, caught_up)| voter(*node, *caught_up)).collect(),
            observers: Vec::new(),
        }
    }

    pub(crate) fn partition(number: i32, leader: Option<i32>, replicas: &[i32], isr: &[i32]) -> Partition {
        let nodes = |ids: &[i32]| ids.iter().copied().map(NodeId).collect();
        Partition {
            partition: number,
            leader: leader.map(NodeId),
            leader_epoch: 0,
            replicas: nodes(replicas),
            isr: nodes(isr),
            offline_replicas: Vec::new(),
            eligible_leader_replicas: None,
        }
    }

    pub(crate) fn topic(name: &str, partitions: Vec<Partition>) -> Topic {
        Topic { name: name.into(), id: None, internal: false, partitions }
    }

    /// Topic `orders` with one partition on all three brokers, two of which must be in sync.
    pub(crate) fn healthy() -> Facts {
        let pods = [Role::Controller, Role::Broker].into_iter().flat_map(|role| (0..3).map(move |at| pod(role, at)));
        Facts {
            rollout: Rollout {
                workloads: BTreeMap::from([(Role::Controller, workload(3)), (Role::Broker, workload(3))]),
                pods: pods.collect(),
            },
            quorum: Ok(quorum(Some(1), &[(0, 9_900), (1, 10_000), (2, 9_500)])),
            brokers: Ok(BrokerFacts {
                topics: vec![topic("orders", vec![partition(0, Some(100), &[100, 101, 102], &[100, 101, 102])])],
                min_in_sync: BTreeMap::from([("orders".to_owned(), 2)]),
                moving: BTreeSet::new(),
                serving: [100, 101, 102].map(NodeId).into(),
                controller: None,
            }),
            fetch_timeout_ms: FETCH_TIMEOUT_MS,
            ensemble: None,
        }
    }

    /// Three ZooKeeper servers, the second of which leads, and three brokers, the last of which is the
    /// controller.
    pub(crate) fn with_zookeeper() -> Facts {
        let mut facts = with_brokers(healthy(), |brokers| brokers.controller = Some(NodeId(102)));
        facts.rollout.workloads.remove(&Role::Controller);
        facts.rollout.workloads.insert(Role::ZooKeeper, workload(3));
        facts.rollout.pods.retain(|pod| pod.role == Role::Broker);
        facts.rollout.pods.splice(0..0, (0..3).map(|ordinal| pod(Role::ZooKeeper, ordinal)));
        facts.quorum = Err("there is none".into());
        facts.ensemble = Some((0..3).map(|ordinal| answer(ordinal, Some(ordinal == 1))).collect());
        facts
    }

    /// A server that leads, follows, or does not answer.
    pub(crate) fn answer(ordinal: u32, leads: Option<bool>) -> Answer {
        let server = leads.map(|leads| Server {
            version: None,
            mode: if leads { Mode::Leader } else { Mode::Follower },
            zxid: "0x1".into(),
            connections: None,
            latency_ms: None,
            outstanding: None,
        });
        Answer { pod: format!("demo-zookeeper-{ordinal}"), server: server.ok_or_else(|| "refused".to_owned()) }
    }

    /// Three brokers that are the controllers too; 101 is the active one.
    pub(crate) fn combined() -> Facts {
        let mut facts = healthy();
        facts.rollout.workloads.remove(&Role::Controller);
        facts.rollout.pods.retain(|pod| pod.role == Role::Broker);
        facts.quorum = Ok(quorum(Some(101), &[(100, 9_900), (101, 10_000), (102, 9_500)]));
        facts
    }

    /// Spoils one pod.
    pub(crate) fn with_pod(mut facts: Facts, name: &str, change: impl FnOnce(&mut RollPod)) -> Facts {
        change(facts.rollout.pods.iter_mut().find(|pod| pod.name == name).expect("a pod of the sample"));
        facts
    }

    /// Spoils what the brokers say.
    pub(crate) fn with_brokers(mut facts: Facts, change: impl FnOnce(&mut BrokerFacts)) -> Facts {
        change(facts.brokers.as_mut().expect("brokers"));
        facts
    }
}

#[cfg(test)]
mod tests {
    use super::samples::{answer, combined, healthy, pod, quorum, with_zookeeper};
    use super::*;

    #[test]
    fn a_pod_of_a_lost_quorum_that_needs_others_to_be_ready() {
        let leaderless = |facts: Facts| Facts { quorum: Ok(quorum(None, &[(100, 1), (101, 1), (102, 1)])), ..facts };
        let silent = Some((0..3).map(|ordinal| answer(ordinal, None)).collect());
        let silent = Facts { ensemble: silent, ..with_zookeeper() };
        for (facts, role, lost) in [
            (with_zookeeper(), Role::ZooKeeper, false),
            (silent.clone(), Role::ZooKeeper, true),
            (silent, Role::Broker, false),
            (combined(), Role::Broker, false),
            (leaderless(combined()), Role::Broker, true),
            (leaderless(healthy()), Role::Controller, false),
            (leaderless(healthy()), Role::Broker, false),
        ] {
            let stuck = RollPod { ready: false, ..pod(role, 0) };
            assert_eq!(facts.is_stuck_without_others(&stuck), lost, "{role}");
            assert!(!facts.is_stuck_without_others(&pod(role, 0)), "{role} serves");
        }
    }
}
