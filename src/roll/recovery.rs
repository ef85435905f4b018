//! Whether a replaced pod is all that it was before. Pure.

use super::facts::{Facts, node};
use crate::k8s::Role;
use crate::k8s::rollout::RollPod;
use crate::kafka::NodeId;
use crate::view::{list, plural};

/// What a pod was before it was replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    /// Its name.
    pub pod: String,
    /// Its uid; `None` where only its being back counts.
    pub uid: Option<String>,
    /// Whether it voted in the quorum.
    pub voted: bool,
}

impl Before {
    /// A pod that is about to be replaced.
    pub fn of(facts: &Facts, pod: &RollPod) -> Self {
        Self { pod: pod.name.clone(), uid: Some(pod.uid.clone()), voted: facts.is_voter(node(pod)) }
    }

    /// The new pod, once it is ready.
    pub fn ready<'f>(&self, facts: &'f crate::k8s::rollout::Rollout) -> Option<&'f RollPod> {
        facts.pod(&self.pod).filter(|pod| pod.serves() && self.uid.as_ref() != Some(&pod.uid))
    }
}

/// What the cluster still waits for; `None`: the pod is back with everything that it had.
///
/// `others_are_stuck`: pods that are still to be replaced do not work either, so that nobody may be there
/// to lead the quorum or a partition; that cannot be waited for.
pub fn pending(facts: &Facts, before: &Before, others_are_stuck: bool) -> Option<String> {
    let Some(pod) = before.ready(&facts.rollout) else { return Some("it is not ready".to_owned()) };
    if pod.role == Role::ZooKeeper {
        let serves = facts.servers().any(|(name, _)| name == pod.name);
        return (!serves).then(|| "ZooKeeper does not serve there yet".to_owned());
    }
    let quorum = before.voted.then(|| of_quorum(facts, node(pod), others_are_stuck)).flatten();
    quorum.or_else(|| if pod.role == Role::Broker { of_broker(facts, node(pod), others_are_stuck) } else { None })
}

fn of_quorum(facts: &Facts, this: NodeId, others_are_stuck: bool) -> Option<String> {
    let quorum = match &facts.quorum {
        Ok(quorum) if quorum.leader.is_some() => quorum,
        _ if others_are_stuck => return None,
        Ok(_) => return Some("the controllers elect a leader".to_owned()),
        Err(reason) => return Some(format!("the controllers cannot be asked: {reason}")),
    };
    match quorum.voters.iter().find(|voter| voter.node == this) {
        None => Some(format!("controller {this} does not vote")),
        Some(voter) if facts.follows(quorum, voter) => None,
        Some(voter) => Some(match quorum.lag(voter) {
            Some(lag) if lag > 0 => {
                format!("controller {this} is {} behind", plural(usize::try_from(lag).unwrap_or_default(), "record"))
            }
            _ => format!("controller {this} does not follow the leader yet"),
        }),
    }
}

fn of_broker(facts: &Facts, this: NodeId, others_are_stuck: bool) -> Option<String> {
    let brokers = match &facts.brokers {
        Ok(brokers) => brokers,
        Err(reason) => return Some(format!("no broker answers: {reason}")),
    };
    if !brokers.serving.contains(&this) {
        return Some(format!("broker {this} is not serving yet"));
    }
    let late: Vec<String> = brokers
        .hosted(this)
        .filter(|(_, partition)| !partition.isr.contains(&this))
        .filter(|(_, partition)| partition.leader.is_some() || !others_are_stuck)
        .map(|(topic, partition)| format!("{}-{}", topic.name, partition.partition))
        .collect();
    match late.as_slice() {
        [] => None,
        [one] => Some(format!("partition {one} is not in sync")),
        many => Some(format!("{} are not in sync ({}{})", plural(many.len(), "partition"), list(&many[..2]), ",…")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts::samples::{answer, healthy, partition, quorum, with_brokers, with_pod, with_zookeeper};
    use super::*;

    fn before(pod: &str) -> Before {
        let facts = healthy();
        Before::of(&facts, facts.rollout.pod(pod).expect("a pod"))
    }

    fn replaced(facts: Facts, name: &str) -> Facts {
        with_pod(facts, name, |pod| pod.uid = "another".into())
    }

    #[test]
    fn the_old_pod_is_not_the_new_one() {
        assert_eq!(pending(&healthy(), &before("demo-broker-0"), false), Some("it is not ready".into()));
        assert_eq!(pending(&replaced(healthy(), "demo-broker-0"), &before("demo-broker-0"), false), None);
        let starting = with_pod(replaced(healthy(), "demo-broker-0"), "demo-broker-0", |pod| pod.ready = false);
        assert!(pending(&starting, &before("demo-broker-0"), false).is_some());
    }

    #[test]
    fn a_zookeeper_server_is_back_when_it_serves() {
        let facts = with_zookeeper();
        let before = Before::of(&facts, facts.rollout.pod("demo-zookeeper-0").expect("a pod"));
        let facts = replaced(facts, "demo-zookeeper-0");
        assert_eq!(pending(&facts, &before, false), None);
        let silent = vec![answer(0, None), answer(1, Some(true)), answer(2, Some(false))];
        let silent = Facts { ensemble: Some(silent), ..facts };
        assert_eq!(pending(&silent, &before, false), Some("ZooKeeper does not serve there yet".into()));
    }

    #[test]
    fn a_broker_is_back_when_it_serves_and_is_in_sync_everywhere() {
        let facts = replaced(healthy(), "demo-broker-0");
        let fenced = with_brokers(facts.clone(), |brokers| {
            brokers.serving.remove(&NodeId(100));
        });
        assert_eq!(pending(&fenced, &before("demo-broker-0"), false), Some("broker 100 is not serving yet".into()));
        let behind = with_brokers(facts.clone(), |brokers| {
            brokers.topics[0].partitions[0] = partition(0, Some(101), &[100, 101, 102], &[101, 102]);
        });
        assert_eq!(pending(&behind, &before("demo-broker-0"), false), Some("partition orders-0 is not in sync".into()));
        let mute = Facts { brokers: Err("it hangs".into()), ..facts };
        assert_eq!(pending(&mute, &before("demo-broker-0"), false), Some("no broker answers: it hangs".into()));
    }

    #[test]
    fn a_partition_that_nobody_leads_is_only_waited_for_when_its_brokers_work() {
        let facts = with_brokers(replaced(healthy(), "demo-broker-0"), |brokers| {
            brokers.topics[0].partitions[0] = partition(0, None, &[100, 101, 102], &[101]);
        });
        assert!(pending(&facts, &before("demo-broker-0"), false).is_some());
        assert_eq!(pending(&facts, &before("demo-broker-0"), true), None);
    }

    #[test]
    fn a_controller_is_back_when_it_votes_and_follows() {
        let facts = replaced(healthy(), "demo-controller-0");
        let before = before("demo-controller-0");
        assert_eq!(pending(&facts, &before, false), None);
        let with = |quorum| pending(&Facts { quorum: Ok(quorum), ..facts.clone() }, &before, false);
        let late = with(quorum(Some(1), &[(0, 100), (1, 10_000), (2, 10_000)]));
        assert_eq!(late, Some("controller 0 does not follow the leader yet".into()));
        let removed = with(quorum(Some(1), &[(1, 10_000), (2, 10_000)]));
        assert_eq!(removed, Some("controller 0 does not vote".into()));
        let none = with(quorum(None, &[(0, 1), (1, 1), (2, 1)]));
        assert_eq!(none, Some("the controllers elect a leader".into()));
        let observer = Before { voted: false, ..before };
        assert_eq!(pending(&Facts { quorum: Err("x".into()), ..facts }, &observer, false), None);
    }

    #[test]
    fn a_quorum_that_waits_for_other_broken_pods_is_not_waited_for() {
        let facts = replaced(healthy(), "demo-controller-0");
        let leaderless = Facts { quorum: Ok(quorum(None, &[(0, 1), (1, 1), (2, 1)])), ..facts };
        assert_eq!(pending(&leaderless, &before("demo-controller-0"), true), None);
    }
}
