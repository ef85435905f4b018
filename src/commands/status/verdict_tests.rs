//! The verdict on clusters that are well, half down, and worse.

use super::*;
use crate::kafka::Endpoint;
use crate::kafka::admin::cluster::BrokerDescription;
use crate::kafka::admin::topics::Partition;
use crate::ui::{TextOptions, View};

fn pod(role: Role, ordinal: u32, ready: bool) -> PodState {
    let state = if ready { "Running" } else { "CrashLoopBackOff" }.into();
    PodState { ready, state, image: Some("apache/kafka:4.3.1".into()), ..PodState::sample(role, ordinal) }
}

fn broker(node: i32, fenced: bool) -> BrokerDescription {
    BrokerDescription { node: NodeId(node), endpoint: Endpoint { host: "h".into(), port: 9092 }, rack: None, fenced }
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
fn whoever_is_not_let_in_is_not_told_that_nobody_answers() {
    let mut facts = healthy();
    facts.not_admitted = true;
    facts.description = Some(Err("the login as nobody was refused".into()));
    facts.topics = Some(Err("Kafka does not let us in".into()));
    assert_eq!(
        messages(&facts),
        [
            "Kafka cannot be asked: the login as nobody was refused",
            "the partitions cannot be read: Kafka does not let us in"
        ]
    );
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
    let dir =
        LogDir { path: "/d".into(), total_bytes: Some(1000), usable_bytes: Some(50), error: None, replicas: vec![] };
    facts.log_dirs.insert(NodeId(100), Ok(vec![dir]));
    assert_eq!(messages(&facts), ["broker 100: 5 % of its disk is free (50B)"]);
    assert!(Status::from_facts(&facts).healthy);
}
