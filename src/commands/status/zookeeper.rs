//! The verdict on a ZooKeeper ensemble, pure.

use super::model::{Problem, SectionName, Severity, ZooKeeperRow, ZooKeeperSection};
use super::verdict::{Facts, critical, not_ready};
use crate::k8s::Role;
use crate::k8s::inspect::PodState;

/// The section, and what is wrong with it.
pub(super) fn zookeeper(facts: &Facts, problems: &mut Vec<Problem>) -> ZooKeeperSection {
    let pods: Vec<&PodState> = facts.pods.iter().filter(|pod| pod.role == Role::ZooKeeper).collect();
    let there = u32::try_from(pods.len()).unwrap_or(u32::MAX);
    let wanted = facts.wanted.get(&Role::ZooKeeper).copied().unwrap_or(there);
    let mut report = |message: String| problems.push(critical(SectionName::ZooKeeper, message));
    if wanted > there {
        report(format!("{there} of {wanted} ZooKeeper pods exist"));
    }
    let items: Vec<ZooKeeperRow> = pods.iter().map(|pod| row(facts, pod)).collect();
    for (pod, row) in pods.iter().zip(&items) {
        match &row.error {
            // What it says itself says more than a pod's state, unless Kubernetes knows why it does not run.
            Some(reason) if !pod.ready && pod.may_answer() && !facts.diagnoses.contains_key(&pod.name) => {
                report(format!("pod {} is not ready: {reason}", pod.name));
            }
            _ if !pod.ready => report(not_ready(facts, pod)),
            Some(reason) => report(format!("ZooKeeper server {}: {reason}", row.pod)),
            None => {}
        }
    }
    let leaders: Vec<&ZooKeeperRow> =
        items.iter().filter(|row| row.server.as_ref().is_some_and(|server| server.mode.leads())).collect();
    match leaders.as_slice() {
        [] => report("ZooKeeper has no leader: the brokers cannot change anything".to_owned()),
        [_] => {}
        several => {
            let names: Vec<&str> = several.iter().map(|row| row.pod.as_str()).collect();
            report(format!("{} say that they lead ZooKeeper", names.join(" and ")));
        }
    }
    let leader = leaders.first().map(|row| row.pod.clone());
    ZooKeeperSection { severity: Severity::Ok, leader, wanted, items }
}

fn row(facts: &Facts, pod: &PodState) -> ZooKeeperRow {
    let answer = facts.zookeeper.iter().find(|answer| answer.pod == pod.name).map(|answer| &answer.server);
    ZooKeeperRow {
        pod: pod.name.clone(),
        ready: pod.ready,
        state: pod.state.clone(),
        server: answer.and_then(|server| server.as_ref().ok()).cloned(),
        error: match answer {
            Some(server) => server.as_ref().err().cloned(),
            None => Some("it does not run".to_owned()),
        },
        restarts: pod.restarts,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::commands::status::model::Status;
    use crate::connect::ensemble::Answer;
    use crate::kafka::admin::cluster::{BrokerDescription, ClusterDescription};
    use crate::kafka::{Endpoint, NodeId};
    use crate::ui::{TextOptions, View};
    use crate::zookeeper::{Latency, Mode, Server};

    fn pod(role: Role, ordinal: u32) -> PodState {
        let image = Some(if role == Role::ZooKeeper { "zookeeper:3.9.5" } else { "apache/kafka:3.9.2" }.into());
        PodState { image, ..PodState::sample(role, ordinal) }
    }

    fn answer(ordinal: u32, mode: Mode) -> Answer {
        let latency_ms = Some(Latency { min: 0.0, average: 0.84, max: 21.0 });
        let version = Some("3.9.5".to_owned());
        let zxid = "0x10000003a".to_owned();
        let server = Server { version, mode, zxid, connections: Some(2), latency_ms, outstanding: Some(0) };
        Answer { pod: format!("demo-zookeeper-{ordinal}"), server: Ok(server) }
    }

    fn healthy() -> Facts {
        let endpoint = Endpoint { host: "h".into(), port: 9092 };
        let broker = BrokerDescription { node: NodeId(100), endpoint, rack: None, fenced: false };
        let description = ClusterDescription {
            cluster_id: "5L6g3nShT-eMCtK--X86sw".into(),
            brokers: vec![broker],
            includes_fenced: false,
            controller: Some(NodeId(100)),
        };
        Facts {
            name: "demo".into(),
            namespace: Some("kafka".into()),
            pods: vec![pod(Role::ZooKeeper, 0), pod(Role::ZooKeeper, 1), pod(Role::ZooKeeper, 2), pod(Role::Broker, 0)],
            wanted: BTreeMap::from([(Role::ZooKeeper, 3), (Role::Broker, 1)]),
            has_zookeeper: true,
            zookeeper: vec![answer(0, Mode::Follower), answer(1, Mode::Leader), answer(2, Mode::Follower)],
            description: Some(Ok(description)),
            topics: Some(Ok(Vec::new())),
            ..Facts::default()
        }
    }

    fn messages(facts: &Facts) -> Vec<String> {
        Status::from_facts(facts).problems.into_iter().map(|problem| problem.message).collect()
    }

    #[test]
    fn an_ensemble_takes_the_controllers_place() {
        let status = Status::from_facts(&healthy());
        assert!(status.healthy, "{:?}", status.problems);
        insta::assert_snapshot!(status.text(TextOptions::default()), @r"
        Name:        demo
        Namespace:   kafka
        Cluster ID:  5L6g3nShT-eMCtK--X86sw
        Image:       apache/kafka:3.9.2
        Status:      healthy

        ZooKeeper: ok, 3 of 3 serving, leader demo-zookeeper-1
          POD                READY   MODE       ZXID          CONNECTIONS   LATENCY          RESTARTS
          demo-zookeeper-0   True    follower   0x10000003a   2             0.8 ms, max 21   0
          demo-zookeeper-1   True    leader     0x10000003a   2             0.8 ms, max 21   0
          demo-zookeeper-2   True    follower   0x10000003a   2             0.8 ms, max 21   0

        Brokers: ok, 1 of 1 ready, controller 100
          NODE   POD             READY   STATE      LEADERS   REPLICAS   DISK
          100    demo-broker-0   True    unfenced   0         0          <unknown>

        Partitions: ok, 0 in 0 topics; 0 offline, 0 under min ISR, 0 under-replicated
        ");
    }

    #[test]
    fn as_json_every_server_tells_its_part() {
        let json = serde_json::to_value(Status::from_facts(&healthy())).expect("JSON");
        assert_eq!(json["controllers"], serde_json::Value::Null);
        assert_eq!(json["brokers"]["controller"], 100);
        let section = &json["zookeeper"];
        assert_eq!((&section["leader"], &section["wanted"]), (&"demo-zookeeper-1".into(), &3.into()));
        let server = &section["items"][1]["server"];
        assert_eq!((&server["mode"], &server["zxid"]), (&"leader".into(), &"0x10000003a".into()));
        assert_eq!(server["latencyMs"]["average"], 0.84);
    }

    #[test]
    fn a_lost_server_is_named_and_the_rest_still_shown() {
        let mut facts = healthy();
        facts.pods.remove(2);
        facts.zookeeper.remove(2);
        facts.zookeeper[0].server = Err("it did not answer within 5 s".into());
        assert_eq!(
            messages(&facts),
            ["2 of 3 ZooKeeper pods exist", "ZooKeeper server demo-zookeeper-0: it did not answer within 5 s"]
        );
        facts.pods[0].ready = false;
        facts.diagnoses.insert("demo-zookeeper-0".into(), "its disk is full".into());
        assert!(messages(&facts).contains(&"pod demo-zookeeper-0 is not ready: its disk is full".to_owned()));
        let status = Status::from_facts(&facts);
        assert!(!status.healthy);
        assert!(
            status
                .text(TextOptions::default())
                .contains("ZooKeeper: critical, 1 of 3 serving, leader demo-zookeeper-1")
        );
    }

    #[test]
    fn a_server_that_is_not_ready_says_itself_why() {
        let mut facts = healthy();
        facts.pods[0].ready = false;
        facts.zookeeper[0].server = Err("it serves nobody: it is in no quorum".into());
        let reason = "pod demo-zookeeper-0 is not ready: it serves nobody: it is in no quorum";
        assert_eq!(messages(&facts), [reason]);
        facts.zookeeper.remove(0);
        facts.pods[0].state = "Pending".into();
        assert_eq!(messages(&facts)[0], "pod demo-zookeeper-0 is not ready (Pending)");
    }

    #[test]
    fn without_a_leader_it_is_critical_and_with_two_as_well() {
        let mut facts = healthy();
        facts.zookeeper[1] = answer(1, Mode::Follower);
        assert_eq!(messages(&facts), ["ZooKeeper has no leader: the brokers cannot change anything"]);
        facts.zookeeper = vec![answer(0, Mode::Leader), answer(1, Mode::Leader), answer(2, Mode::Follower)];
        assert_eq!(messages(&facts), ["demo-zookeeper-0 and demo-zookeeper-1 say that they lead ZooKeeper"]);
    }

    #[test]
    fn brokers_without_a_controller_or_a_registration_are_problems() {
        let mut facts = healthy();
        facts.pods.push(pod(Role::Broker, 1));
        facts.wanted.insert(Role::Broker, 2);
        let Some(Ok(description)) = &mut facts.description else { panic!("a description") };
        description.controller = None;
        assert_eq!(
            messages(&facts),
            ["none of the brokers is the controller", "broker 101 has not registered with ZooKeeper"]
        );
    }

    #[test]
    fn behind_a_bootstrap_server_neither_quorum_is_seen() {
        let facts =
            Facts { namespace: None, pods: Vec::new(), wanted: BTreeMap::new(), zookeeper: Vec::new(), ..healthy() };
        let status = Status::from_facts(&facts);
        assert!(status.healthy && status.zookeeper.is_none() && status.controllers.is_none());
    }
}
