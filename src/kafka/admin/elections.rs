//! ElectLeaders (43, KIP-460): leadership back to the replicas that come first.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::elect_leaders_response::ReplicaElectionResult;
use kafka_protocol::messages::{ElectLeadersRequest, ElectLeadersResponse};

use super::topics::Topic;
use super::{timeout_ms, topic_name};
use crate::kafka::{Cluster, ErrorCode, Result};

/// `ElectionType`: the first replica, if it is in sync.
const PREFERRED: i8 = 0;

/// How an election went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Elected {
    /// Partitions that have another leader now.
    pub moved: usize,
    /// Partitions that keep theirs although another replica comes first, and why.
    pub failed: Vec<(String, ErrorCode)>,
}

/// Elects the preferred leader of every partition that has another one. One round trip; none when there
/// is nothing to move.
pub async fn preferred(cluster: &Cluster, topics: &[Topic]) -> Result<Elected> {
    let wanted = misled(topics);
    if wanted.is_empty() {
        return Ok(Elected::default());
    }
    let partitions = wanted
        .into_iter()
        .map(|(topic, partitions)| {
            TopicPartitions::default().with_topic(topic_name(&topic)).with_partitions(partitions)
        })
        .collect();
    let request = ElectLeadersRequest::default()
        .with_election_type(PREFERRED)
        .with_topic_partitions(Some(partitions))
        .with_timeout_ms(timeout_ms(cluster));
    elected(cluster.controller(&request).await?)
}

/// The partitions by topic that are not led by their first replica.
fn misled(topics: &[Topic]) -> Vec<(String, Vec<i32>)> {
    let of_topic = |topic: &Topic| {
        let led_by_another = topic
            .partitions
            .iter()
            .filter(|partition| partition.leader.is_some() && partition.leader.as_ref() != partition.replicas.first());
        led_by_another.map(|partition| partition.partition).collect::<Vec<_>>()
    };
    let all = topics.iter().map(|topic| (topic.name.clone(), of_topic(topic)));
    all.filter(|(_, partitions)| !partitions.is_empty()).collect()
}

fn elected(response: ElectLeadersResponse) -> Result<Elected> {
    ErrorCode::check(response.error_code, "the election of preferred leaders", None)?;
    let mut elected = Elected::default();
    for ReplicaElectionResult { topic, partition_result, .. } in response.replica_election_results {
        for result in partition_result {
            match ErrorCode::from_response(result.error_code) {
                None => elected.moved += 1,
                Some(code) if code.is(ResponseError::ElectionNotNeeded) => {}
                Some(code) => elected.failed.push((format!("{}-{}", topic.0, result.partition_id), code)),
            }
        }
    }
    Ok(elected)
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::elect_leaders_response::PartitionResult;

    use super::*;
    use crate::kafka::NodeId;
    use crate::kafka::admin::topics::Partition;

    #[test]
    fn only_partitions_that_another_replica_leads_are_elected() {
        let partition = |partition, leader: Option<i32>| Partition {
            partition,
            leader: leader.map(NodeId),
            leader_epoch: 0,
            replicas: vec![NodeId(100), NodeId(101)],
            isr: vec![],
            offline_replicas: vec![],
            eligible_leader_replicas: None,
        };
        let topic = |name: &str, partitions| Topic { name: name.into(), id: None, internal: false, partitions };
        let topics = [
            topic("a", vec![partition(0, Some(100)), partition(1, Some(101)), partition(2, None)]),
            topic("b", vec![partition(0, Some(100))]),
        ];
        assert_eq!(misled(&topics), [("a".to_owned(), vec![1])]);
    }

    #[test]
    fn an_election_that_was_not_needed_is_no_failure() {
        let result = |partition, code| PartitionResult::default().with_partition_id(partition).with_error_code(code);
        let response = ElectLeadersResponse::default().with_replica_election_results(vec![
            ReplicaElectionResult::default().with_topic(topic_name("a")).with_partition_result(vec![
                result(0, 0),
                result(1, 84),
                result(2, 80),
            ]),
        ]);
        let elected = elected(response).expect("an answer");
        assert_eq!((elected.moved, elected.failed), (1, vec![("a-2".to_owned(), ErrorCode(80))]));
    }
}
