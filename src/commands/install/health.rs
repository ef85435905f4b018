//! Whether Kafka itself is ready, asked over its own protocol: ready pods alone prove little.

use std::collections::BTreeSet;

use crate::connect::{Login, ensemble};
use crate::k8s::Kubernetes;
use crate::k8s::Role;
use crate::k8s::discover::KafkaCluster;
use crate::k8s::manifests::ClusterSpec;
use crate::kafka::NodeId;
use crate::kafka::admin::cluster::{self, ClusterDescription};
use crate::kafka::admin::quorum::{self, Quorum};
use crate::kafka::admin::topics::{self, Topic};
use crate::kafka::{Ask, Cluster, ClusterOptions, DialError, DialReason, Result};
use crate::view::{list, plural};

/// A voter that was at the leader's end this recently follows it: a follower fetches at least every
/// 500 ms, `controller.quorum.fetch.timeout.ms` is 2 s.
const CAUGHT_UP_MS: i64 = 2000;

/// Connects to the brokers of a place.
pub(super) async fn connect(kubernetes: &Kubernetes, place: &KafkaCluster, options: ClusterOptions) -> Result<Cluster> {
    // The Secret that is read was made by this very command: whoever may not read it need not wait.
    let secured = Login::Automatic.to_pods(kubernetes, place).await.map_err(|error| DialError {
        reason: DialReason::Forbidden,
        message: error.message,
        hint: error.hints.into_iter().next(),
    })?;
    Ok(Cluster::connect(secured.dialer, options, &Ask::Nothing).await?.0)
}

/// What Kafka still waits for; `None`: nothing. Three requests at once.
///
/// A broker answers in order and passes the quorum's on to a controller, so that one goes last: where it
/// hangs, the error names it and not a request that had to wait behind it.
pub(super) async fn pending(kafka: &Cluster, spec: &ClusterSpec) -> Result<Option<String>> {
    if spec.has_zookeeper() {
        return pending_with_zookeeper(kafka, spec).await;
    }
    let (cluster, metadata, quorum) =
        tokio::join!(cluster::describe(kafka), kafka.metadata(&Ask::AllTopics), quorum::describe(kafka));
    let (topics, _) = topics::from_metadata(&metadata?);
    let (quorum, cluster) = (quorum?, cluster?);
    Ok(of_quorum(&quorum, spec).or_else(|| of_brokers(&cluster, spec)).or_else(|| of_partitions(&topics)))
}

/// The same without a quorum of Kafka's own. Two requests at once.
async fn pending_with_zookeeper(kafka: &Cluster, spec: &ClusterSpec) -> Result<Option<String>> {
    let (cluster, metadata) = tokio::join!(cluster::describe(kafka), kafka.metadata(&Ask::AllTopics));
    let (topics, _) = topics::from_metadata(&metadata?);
    let cluster = cluster?;
    let no_controller = cluster.controller.is_none().then(|| "the brokers elect a controller".to_owned());
    Ok(no_controller.or_else(|| of_brokers(&cluster, spec)).or_else(|| of_partitions(&topics)))
}

/// What a ZooKeeper ensemble still waits for.
pub(super) fn of_ensemble(answers: &[ensemble::Answer]) -> Option<String> {
    let silent = answers.iter().find_map(|answer| Some((&answer.pod, answer.server.as_ref().err()?)));
    if let Some((pod, reason)) = silent {
        return Some(format!("ZooKeeper server {pod}: {reason}"));
    }
    let leaders = answers.iter().filter_map(|answer| answer.server.as_ref().ok()).filter(|server| server.mode.leads());
    match leaders.count() {
        1 => None,
        0 => Some("the ZooKeeper servers elect a leader".to_owned()),
        leaders => Some(format!("{leaders} ZooKeeper servers say that they lead")),
    }
}

fn of_quorum(quorum: &Quorum, spec: &ClusterSpec) -> Option<String> {
    let Some(leader) = quorum.leader else { return Some("the controllers elect a leader".into()) };
    let wanted: BTreeSet<NodeId> =
        (0..spec.voters()).map(|ordinal| NodeId(spec.voter_role().node_id(ordinal))).collect();
    let voting: BTreeSet<NodeId> = quorum.voters.iter().map(|voter| voter.node).collect();
    let missing: Vec<&NodeId> = wanted.difference(&voting).collect();
    if !missing.is_empty() {
        return Some(format!("controllers {} do not vote yet", list(&missing)));
    }
    let now = quorum.voters.iter().map(|voter| voter.last_caught_up_ms).max().unwrap_or_default();
    let behind = quorum.voters.iter().find(|voter| {
        voter.node != leader && quorum.lag(voter) != Some(0) && now - voter.last_caught_up_ms > CAUGHT_UP_MS
    })?;
    let lag = quorum.lag(behind).map_or_else(|| "never was there".into(), |lag| format!("is {} behind", records(lag)));
    Some(format!("controller {} {lag}", behind.node))
}

fn records(lag: i64) -> String {
    plural(usize::try_from(lag).unwrap_or_default(), "record")
}

fn of_brokers(cluster: &ClusterDescription, spec: &ClusterSpec) -> Option<String> {
    let wanted = (0..spec.brokers).map(|ordinal| NodeId(Role::Broker.node_id(ordinal)));
    let serving: BTreeSet<NodeId> =
        cluster.brokers.iter().filter(|broker| !broker.fenced).map(|broker| broker.node).collect();
    let missing: Vec<NodeId> = wanted.filter(|node| !serving.contains(node)).collect();
    (!missing.is_empty()).then(|| format!("brokers {} are not serving yet", list(&missing)))
}

fn of_partitions(topics: &[Topic]) -> Option<String> {
    let partitions = topics.iter().flat_map(|topic| &topic.partitions);
    let offline = partitions.clone().filter(|partition| partition.is_offline()).count();
    let under_replicated = partitions.filter(|partition| partition.is_under_replicated()).count();
    match (offline, under_replicated) {
        (0, 0) => None,
        (0, count) => Some(format!("{} catch up with their leader", plural(count, "partition"))),
        (count, _) => Some(format!("{} have no leader", plural(count, "partition"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::Endpoint;
    use crate::kafka::admin::cluster::BrokerDescription;
    use crate::kafka::admin::quorum::QuorumReplica;
    use crate::kafka::admin::topics::Partition;
    use crate::zookeeper::{Mode, Server};

    fn spec() -> ClusterSpec {
        ClusterSpec::default()
    }

    fn quorum(leader: Option<i32>, voters: &[(i32, i64, i64)]) -> Quorum {
        let voter = |(node, end, caught_up): &(i32, i64, i64)| QuorumReplica {
            node: NodeId(*node),
            directory_id: None,
            log_end_offset: *end,
            last_fetch_ms: *caught_up,
            last_caught_up_ms: *caught_up,
        };
        Quorum {
            leader: leader.map(NodeId),
            epoch: 1,
            high_watermark: 1,
            voters: voters.iter().map(voter).collect(),
            observers: Vec::new(),
        }
    }

    #[test]
    fn a_quorum_is_ready_when_all_its_voters_follow_the_leader() {
        let all = [(0, 9, 10_000), (1, 9, 9_900), (2, 8, 9_000)];
        assert_eq!(of_quorum(&quorum(Some(0), &all), &spec()), None);
        assert_eq!(of_quorum(&quorum(None, &all), &spec()), Some("the controllers elect a leader".into()));
        assert_eq!(of_quorum(&quorum(Some(0), &all[..2]), &spec()), Some("controllers 2 do not vote yet".into()));
        let behind = [(0, 9, 10_000), (1, 9, 9_900), (2, 4, 1_000)];
        assert_eq!(of_quorum(&quorum(Some(0), &behind), &spec()), Some("controller 2 is 5 records behind".into()));
    }

    #[test]
    fn a_fenced_broker_does_not_count() {
        let cluster = |fenced| ClusterDescription {
            cluster_id: "x".into(),
            brokers: [100, 101, 102]
                .map(|node| BrokerDescription {
                    node: NodeId(node),
                    endpoint: Endpoint { host: "h".into(), port: 9092 },
                    rack: None,
                    fenced: node == fenced,
                })
                .into(),
            includes_fenced: true,
            controller: None,
        };
        assert_eq!(of_brokers(&cluster(0), &spec()), None);
        assert_eq!(of_brokers(&cluster(101), &spec()), Some("brokers 101 are not serving yet".into()));
    }

    #[test]
    fn partitions_must_be_whole() {
        let topic = |leader: Option<i32>, isr: &[i32]| Topic {
            name: "orders".into(),
            id: None,
            internal: false,
            partitions: vec![Partition {
                partition: 0,
                leader: leader.map(NodeId),
                leader_epoch: 0,
                replicas: vec![NodeId(100), NodeId(101)],
                isr: isr.iter().copied().map(NodeId).collect(),
                offline_replicas: Vec::new(),
                eligible_leader_replicas: None,
            }],
        };
        assert_eq!(of_partitions(&[topic(Some(100), &[100, 101])]), None);
        assert_eq!(of_partitions(&[topic(Some(100), &[100])]), Some("1 partition catch up with their leader".into()));
        assert_eq!(of_partitions(&[topic(None, &[])]), Some("1 partition have no leader".into()));
    }

    #[test]
    fn an_ensemble_is_ready_when_all_answer_and_one_leads() {
        let server = |mode| Server {
            version: None,
            mode,
            zxid: "0x1".into(),
            connections: None,
            latency_ms: None,
            outstanding: None,
        };
        let answers = |servers: &[std::result::Result<Mode, &str>]| -> Vec<ensemble::Answer> {
            let answer = |(ordinal, told): (usize, &std::result::Result<Mode, &str>)| ensemble::Answer {
                pod: format!("demo-zookeeper-{ordinal}"),
                server: told.map(server).map_err(str::to_owned),
            };
            servers.iter().enumerate().map(answer).collect()
        };
        assert_eq!(of_ensemble(&answers(&[Ok(Mode::Follower), Ok(Mode::Leader), Ok(Mode::Follower)])), None);
        assert_eq!(of_ensemble(&answers(&[Ok(Mode::Standalone)])), None);
        let silent = of_ensemble(&answers(&[Ok(Mode::Leader), Err("it serves nobody")]));
        assert_eq!(silent.as_deref(), Some("ZooKeeper server demo-zookeeper-1: it serves nobody"));
        let headless = of_ensemble(&answers(&[Ok(Mode::Follower), Ok(Mode::Follower)]));
        assert_eq!(headless.as_deref(), Some("the ZooKeeper servers elect a leader"));
    }
}
