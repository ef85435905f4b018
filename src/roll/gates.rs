//! Whether a pod may be taken away now. Pure, from Kafka's own state.

use super::facts::{BrokerFacts, Facts, node};
use crate::k8s::Role;
use crate::k8s::rollout::RollPod;
use crate::kafka::NodeId;
use crate::kafka::admin::quorum::Quorum;
use crate::view::{list, plural};

/// What the gates say about one pod.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Why it must stay for now, one reason each; none: it may go.
    pub blocks: Vec<String>,
    /// What is down while it is away, whenever that is: too few replicas, or the only controller.
    pub unprotected: Unprotected,
}

/// What no order can protect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unprotected {
    /// Partitions with no more replicas than `min.insync.replicas`: `orders-0`.
    pub partitions: Vec<String>,
    /// Why the quorum cannot do without this one.
    pub quorum: Option<String>,
}

/// Asks all gates of a pod.
pub fn verdict(facts: &Facts, pod: &RollPod) -> Verdict {
    let mut verdict = Verdict::default();
    match &facts.ensemble {
        Some(ensemble) => ensemble_gate(facts, ensemble.len(), pod, &mut verdict),
        None => controller_gate(facts, pod, &mut verdict),
    }
    if pod.role == Role::Broker {
        match &facts.brokers {
            Ok(brokers) => broker_gate(brokers, pod, &mut verdict),
            // Nobody serves, so there is nothing to be lost by replacing one that does not.
            Err(_) if !pod.serves() => {}
            Err(reason) => verdict.blocks.push(format!("no broker answers: {reason}")),
        }
    }
    verdict
}

/// ZooKeeper must have a leader, and keep a majority.
fn ensemble_gate(facts: &Facts, all: usize, pod: &RollPod, verdict: &mut Verdict) {
    if !pod.serves() {
        return;
    }
    if !facts.servers().any(|(_, server)| server.mode.leads()) {
        verdict.blocks.push("ZooKeeper has no leader".to_owned());
        return;
    }
    if pod.role != Role::ZooKeeper {
        return;
    }
    let majority = all / 2 + 1;
    let others = facts.servers().filter(|(name, _)| *name != pod.name).count();
    if all <= majority {
        let words = if all == 1 { "it is the only ZooKeeper server" } else { "there are only two ZooKeeper servers" };
        verdict.unprotected.quorum = Some(words.to_owned());
    } else if others < majority {
        verdict.blocks.push(format!(
            "without it only {others} of {all} ZooKeeper servers would be left, and {majority} are needed"
        ));
    }
}

/// The others must still be a majority that follows a leader.
fn controller_gate(facts: &Facts, pod: &RollPod, verdict: &mut Verdict) {
    let quorum = match &facts.quorum {
        Ok(quorum) => quorum,
        Err(reason) => {
            if pod.serves() {
                verdict.blocks.push(format!("the controllers cannot be asked: {reason}"));
            }
            return;
        }
    };
    let this = quorum.voters.iter().find(|voter| voter.node == node(pod));
    let contributes = pod.serves() || this.is_some_and(|voter| facts.follows(quorum, voter));
    if !contributes {
        return;
    }
    if quorum.leader.is_none() {
        // A broker could not register again either.
        verdict.blocks.push("the controllers have no leader".to_owned());
        return;
    }
    if this.is_some() {
        majority_without(facts, quorum, node(pod), verdict);
    }
}

fn majority_without(facts: &Facts, quorum: &Quorum, this: NodeId, verdict: &mut Verdict) {
    let majority = quorum.voters.len() / 2 + 1;
    let others = || quorum.voters.iter().filter(|voter| voter.node != this);
    if others().count() < majority {
        let words =
            if quorum.voters.len() == 1 { "it is the only controller" } else { "there are only two controllers" };
        verdict.unprotected.quorum = Some(words.to_owned());
        return;
    }
    let behind: Vec<NodeId> = others().filter(|voter| !facts.follows(quorum, voter)).map(|voter| voter.node).collect();
    let follow = others().count() - behind.len();
    if follow < majority {
        verdict.blocks.push(format!(
            "controller {} {} not follow the leader: without controller {this} only {follow} of {} would be left, and {majority} are needed",
            list(&behind),
            if behind.len() == 1 { "does" } else { "do" },
            quorum.voters.len(),
        ));
    }
}

/// No partition may lose a replica that it needs.
fn broker_gate(brokers: &BrokerFacts, pod: &RollPod, verdict: &mut Verdict) {
    let this = node(pod);
    for (topic, partition) in brokers.hosted(this) {
        let name = format!("{}-{}", topic.name, partition.partition);
        // Where it may not be read, the most that still lets a broker go is assumed.
        let most = partition.replicas.len().saturating_sub(1).max(1);
        let least = brokers.min_in_sync.get(&topic.name).copied().unwrap_or(most);
        let (in_sync, is_in_sync) = (partition.isr.len(), partition.isr.contains(&this));
        if !pod.serves() && (!is_in_sync || partition.leader.is_none()) {
            // It gives this partition nothing that could be taken away.
            continue;
        }
        if brokers.moving.contains(&(topic.name.clone(), partition.partition)) {
            verdict.blocks.push(format!("partition {name} is being reassigned"));
        } else if partition.replicas.len() <= least {
            verdict.unprotected.partitions.push(name);
        } else if in_sync < least || (in_sync == least && is_in_sync) {
            verdict.blocks.push(format!(
                "partition {name} has {in_sync} of {} in sync and needs {least} (min.insync.replicas)",
                plural(partition.replicas.len(), "replica")
            ));
        }
    }
}

/// Some reasons in one line.
pub fn words(blocks: &[String]) -> String {
    match blocks {
        [] => String::new(),
        [only] => only.clone(),
        [first, rest @ ..] => format!("{first} (and {} more)", plural(rest.len(), "reason")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts::samples::{
        answer, combined, healthy, partition, quorum, topic, with_brokers, with_pod, with_zookeeper,
    };
    use super::*;
    use crate::kafka::admin::topics::Partition;

    fn of(facts: &Facts, pod: &str) -> Verdict {
        verdict(facts, facts.rollout.pod(pod).expect("a pod"))
    }

    fn blocks(facts: &Facts, pod: &str) -> Vec<String> {
        of(facts, pod).blocks
    }

    /// Voters 0, 1 and 2 with these times of their last being caught up; 1 leads at 10,000 ms.
    fn voters(zero: i64, two: i64) -> Facts {
        Facts { quorum: Ok(quorum(Some(1), &[(0, zero), (1, 10_000), (2, two)])), ..healthy() }
    }

    #[test]
    fn a_healthy_cluster_blocks_nothing() {
        for pod in &healthy().rollout.pods {
            assert_eq!(of(&healthy(), &pod.name), Verdict::default(), "{}", pod.name);
        }
    }

    #[test]
    fn zookeeper_keeps_its_majority() {
        for pod in &with_zookeeper().rollout.pods {
            assert_eq!(of(&with_zookeeper(), &pod.name), Verdict::default(), "{}", pod.name);
        }
        let ensemble = |last| Some(vec![answer(0, Some(false)), answer(1, Some(true)), answer(2, last)]);
        let two = Facts { ensemble: ensemble(None), ..with_zookeeper() };
        let reason = "without it only 1 of 3 ZooKeeper servers would be left, and 2 are needed";
        assert_eq!(blocks(&two, "demo-zookeeper-0"), [reason]);
        assert_eq!(blocks(&two, "demo-broker-0"), [""; 0], "a majority serves the brokers");
        let silent = Some((0..3).map(|ordinal| answer(ordinal, None)).collect());
        let silent = Facts { ensemble: silent, ..with_zookeeper() };
        assert_eq!(blocks(&silent, "demo-broker-0"), ["ZooKeeper has no leader"]);
    }

    #[test]
    fn a_controller_stays_while_the_others_are_no_majority() {
        let late = voters(9_900, 7_999);
        assert_eq!(
            blocks(&late, "demo-controller-0"),
            [
                "controller 2 does not follow the leader: without controller 0 only 1 of 3 would be left, and 2 are needed"
            ]
        );
        assert_eq!(blocks(&late, "demo-controller-1").len(), 1, "the leader stays too");
        assert_eq!(blocks(&late, "demo-controller-2"), [""; 0], "the late one itself may go");
        assert_eq!(blocks(&voters(8_000, 8_000), "demo-controller-1"), [""; 0], "2 s late is not late");
    }

    #[test]
    fn the_fetch_timeout_that_is_configured_decides_who_is_late() {
        let patient = Facts { fetch_timeout_ms: 5_000, ..voters(9_900, 7_000) };
        assert_eq!(blocks(&patient, "demo-controller-0"), [""; 0]);
    }

    #[test]
    fn without_a_leader_nothing_that_works_is_touched() {
        let facts = Facts { quorum: Ok(quorum(None, &[(0, 1), (1, 1), (2, 1)])), ..healthy() };
        for pod in ["demo-controller-0", "demo-broker-0"] {
            assert_eq!(blocks(&facts, pod), ["the controllers have no leader"]);
        }
        let stuck = with_pod(facts, "demo-controller-0", |pod| pod.ready = false);
        assert_eq!(blocks(&stuck, "demo-controller-0"), [""; 0], "it is why there is no leader");
    }

    #[test]
    fn controllers_that_cannot_be_asked_keep_what_works() {
        let facts = Facts { quorum: Err("it hangs".into()), ..healthy() };
        assert_eq!(blocks(&facts, "demo-controller-0"), ["the controllers cannot be asked: it hangs"]);
        let stuck = with_pod(facts, "demo-controller-0", |pod| pod.ready = false);
        assert_eq!(blocks(&stuck, "demo-controller-0"), [""; 0]);
    }

    #[test]
    fn a_quorum_of_one_is_unprotected_and_not_blocked() {
        let facts = Facts { quorum: Ok(quorum(Some(0), &[(0, 10_000)])), ..healthy() };
        let verdict = of(&facts, "demo-controller-0");
        assert_eq!(
            (verdict.blocks.len(), verdict.unprotected.quorum.as_deref()),
            (0, Some("it is the only controller"))
        );
        let facts = Facts { quorum: Ok(quorum(Some(0), &[(0, 10_000), (1, 10_000)])), ..healthy() };
        assert!(of(&facts, "demo-controller-1").unprotected.quorum.is_some());
    }

    #[test]
    fn a_combined_broker_obeys_both_gates() {
        let facts = Facts { quorum: Ok(quorum(Some(101), &[(100, 9_900), (101, 10_000), (102, 1)])), ..combined() };
        assert!(blocks(&facts, "demo-broker-0")[0].starts_with("controller 102 does not follow"));
        let facts = with_brokers(combined(), |brokers| {
            brokers.topics[0].partitions[0] = partition(0, Some(100), &[100, 101, 102], &[100, 101]);
        });
        assert!(blocks(&facts, "demo-broker-0")[0].starts_with("partition orders-0 has 2 of 3 replicas in sync"));
        let mut facts = facts;
        facts.rollout.pods.push(super::super::facts::samples::pod(Role::Broker, 3));
        assert_eq!(blocks(&facts, "demo-broker-3"), [""; 0], "it neither votes nor hosts");
    }

    fn one_partition(least: usize, this: Partition) -> Facts {
        with_brokers(healthy(), |brokers| {
            brokers.topics = vec![topic("orders", vec![this])];
            brokers.min_in_sync.insert("orders".into(), least);
        })
    }

    #[test]
    fn the_broker_gate() {
        let all = [100, 101, 102];
        // min.insync.replicas, ISR, whether 100 may go, whether 102 may go
        for (least, isr, first, third) in [
            (2, &[100, 101, 102][..], true, true),
            (2, &[100, 101], false, true),
            (2, &[100], false, false),
            (1, &[100], false, true),
            (1, &[100, 101], true, true),
        ] {
            let facts = one_partition(least, partition(0, Some(100), &all, isr));
            let may = |pod| blocks(&facts, pod).is_empty();
            assert_eq!((may("demo-broker-0"), may("demo-broker-2")), (first, third), "{least} {isr:?}");
        }
    }

    #[test]
    fn too_few_replicas_are_unprotected_and_not_blocked() {
        for (least, replicas) in [(1, &[100][..]), (2, &[100, 101]), (3, &[100, 101, 102])] {
            let facts = one_partition(least, partition(4, Some(100), replicas, &[100]));
            let verdict = of(&facts, "demo-broker-0");
            assert_eq!(verdict.blocks, [""; 0]);
            assert_eq!(verdict.unprotected.partitions, ["orders-4"]);
            assert_eq!(of(&facts, "demo-broker-2").unprotected.partitions.len(), usize::from(replicas.len() == 3));
        }
    }

    #[test]
    fn a_minimum_that_may_not_be_read_is_taken_for_a_high_one() {
        let unread = |isr: &[i32]| {
            with_brokers(one_partition(1, partition(0, Some(100), &[100, 101, 102], isr)), |brokers| {
                brokers.min_in_sync.clear();
            })
        };
        assert_eq!(blocks(&unread(&[100, 101, 102]), "demo-broker-0"), [""; 0]);
        assert_eq!(blocks(&unread(&[100, 101]), "demo-broker-0").len(), 1);
    }

    #[test]
    fn a_partition_on_the_move_blocks_its_brokers() {
        let facts = with_brokers(healthy(), |brokers| {
            brokers.moving.insert(("orders".into(), 0));
        });
        assert_eq!(blocks(&facts, "demo-broker-0"), ["partition orders-0 is being reassigned"]);
        let elsewhere = with_brokers(healthy(), |brokers| {
            brokers.moving.insert(("orders".into(), 7));
        });
        assert_eq!(blocks(&elsewhere, "demo-broker-0"), [""; 0]);
    }

    #[test]
    fn a_broker_that_gives_nothing_is_replaced_whatever_its_partitions_lack() {
        let facts = one_partition(2, partition(0, Some(101), &[100, 101, 102], &[101]));
        assert_eq!(blocks(&facts, "demo-broker-0").len(), 1);
        let stuck = with_pod(facts, "demo-broker-0", |pod| pod.ready = false);
        assert_eq!(blocks(&stuck, "demo-broker-0"), [""; 0]);
        let unready_but_needed = with_pod(
            one_partition(2, partition(0, Some(101), &[100, 101, 102], &[100, 101])),
            "demo-broker-0",
            |pod| pod.ready = false,
        );
        assert_eq!(blocks(&unready_but_needed, "demo-broker-0").len(), 1, "it is still in sync");
        let offline =
            with_pod(one_partition(2, partition(0, None, &[100, 101, 102], &[100])), "demo-broker-0", |pod| {
                pod.ready = false;
            });
        assert_eq!(blocks(&offline, "demo-broker-0"), [""; 0], "it is down and the only one in sync");
    }

    #[test]
    fn when_no_broker_answers_only_the_broken_ones_are_replaced() {
        let facts = Facts { brokers: Err("nobody".into()), ..healthy() };
        assert_eq!(blocks(&facts, "demo-broker-0"), ["no broker answers: nobody"]);
        let stuck = with_pod(facts, "demo-broker-0", |pod| pod.ready = false);
        assert_eq!(blocks(&stuck, "demo-broker-0"), [""; 0]);
    }

    #[test]
    fn many_reasons_are_one_line() {
        assert_eq!(words(&["a".into()]), "a");
        assert_eq!(words(&["a".into(), "b".into(), "c".into()]), "a (and 2 reasons more)");
    }
}
