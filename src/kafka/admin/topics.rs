//! Metadata (3), DescribeTopicPartitions (75, KIP-966), CreateTopics (19), DeleteTopics (20).

use std::time::Duration;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::describe_topic_partitions_request::{Cursor, TopicRequest};
use kafka_protocol::messages::{
    BrokerId, CreateTopicsRequest, DeleteTopicsRequest, DescribeTopicPartitionsRequest, MetadataResponse,
};
use serde::Serialize;
use tokio::time::Instant;

use super::acls::Operation;
use super::{nodes, text, timeout_ms, topic_name};
use crate::kafka::cluster::metadata_request;
use crate::kafka::patience::Backoff;
use crate::kafka::{Ask, Cluster, Error, ErrorCode, NodeId, Result};

/// How soon a created or deleted topic is looked for again: metadata reaches idle brokers within tens of
/// milliseconds, busy ones within seconds, and a topic of 1,000 partitions is 100 kB an answer.
const LOOK_AGAIN: Backoff = Backoff::new(Duration::from_millis(25), Duration::from_millis(400));

/// A topic as Metadata tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Its id, a UUID in hexadecimal groups; absent before Kafka 2.8.
    pub id: Option<String>,
    /// Kafka's own (`__consumer_offsets`).
    pub internal: bool,
    /// By number.
    pub partitions: Vec<Partition>,
}

/// A partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Partition {
    /// Its number.
    pub partition: i32,
    /// `None` while it is offline.
    pub leader: Option<NodeId>,
    /// The leader's epoch; −1 unknown.
    pub leader_epoch: i32,
    /// In the order of preference.
    pub replicas: Vec<NodeId>,
    /// In sync.
    pub isr: Vec<NodeId>,
    /// On brokers or disks that are down.
    pub offline_replicas: Vec<NodeId>,
    /// Out of sync and still eligible to lead (ELR, KIP-966); `None` where the broker does not tell.
    pub eligible_leader_replicas: Option<Vec<NodeId>>,
}

impl Topic {
    /// The number of replicas of its first partition.
    pub fn replication_factor(&self) -> usize {
        self.partitions.first().map_or(0, |partition| partition.replicas.len())
    }
}

impl Partition {
    /// Nobody serves it.
    pub fn is_offline(&self) -> bool {
        self.leader.is_none()
    }

    /// Fewer in sync than replicas.
    pub fn is_under_replicated(&self) -> bool {
        self.isr.len() < self.replicas.len()
    }
}

/// The topics of a Metadata answer, by name; a topic's own error beside them.
pub fn from_metadata(response: &MetadataResponse) -> (Vec<Topic>, Vec<Error>) {
    let mut topics = Vec::new();
    let mut errors = Vec::new();
    for wire in &response.topics {
        let name = wire.name.as_ref().map(|name| name.0.to_string()).unwrap_or_default();
        if let Err(error) = ErrorCode::check(wire.error_code, format!("topic \"{name}\""), None)
            .map_err(|error| error.needing(Operation::Describe))
        {
            errors.push(error);
            continue;
        }
        let mut partitions: Vec<Partition> = wire
            .partitions
            .iter()
            .map(|partition| Partition {
                partition: partition.partition_index,
                leader: (partition.leader_id.0 >= 0).then_some(NodeId(partition.leader_id.0)),
                leader_epoch: partition.leader_epoch,
                replicas: nodes(&partition.replica_nodes),
                isr: nodes(&partition.isr_nodes),
                offline_replicas: nodes(&partition.offline_replicas),
                eligible_leader_replicas: None,
            })
            .collect();
        partitions.sort_by_key(|partition| partition.partition);
        let id = (!wire.topic_id.is_nil()).then(|| wire.topic_id.to_string());
        topics.push(Topic { name, id, internal: wire.is_internal, partitions });
    }
    topics.sort_by(|a, b| a.name.cmp(&b.name));
    (topics, errors)
}

/// Fills in the eligible leader replicas, where the brokers know them (Kafka 4.0 and later). One round
/// trip per 2,000 partitions.
pub async fn add_eligible_leaders(cluster: &Cluster, topics: &mut [Topic]) -> Result<()> {
    if topics.is_empty() || cluster.bootstrap().await?.supports::<DescribeTopicPartitionsRequest>().is_none() {
        return Ok(());
    }
    let asked: Vec<TopicRequest> =
        topics.iter().map(|topic| TopicRequest::default().with_name(topic_name(&topic.name))).collect();
    let mut cursor: Option<Cursor> = None;
    loop {
        let request = DescribeTopicPartitionsRequest::default()
            .with_topics(asked.clone())
            .with_response_partition_limit(2000)
            .with_cursor(cursor.take());
        let response = cluster.any(&request).await?;
        for answer in &response.topics {
            let name = answer.name.as_ref().map(|name| name.0.to_string()).unwrap_or_default();
            let Some(topic) = topics.iter_mut().find(|topic| topic.name == name) else { continue };
            for told in &answer.partitions {
                let wanted = topic.partitions.iter_mut().find(|known| known.partition == told.partition_index);
                if let Some(partition) = wanted {
                    partition.eligible_leader_replicas =
                        Some(told.eligible_leader_replicas.as_deref().map(nodes).unwrap_or_default());
                }
            }
        }
        match response.next_cursor {
            Some(next) => {
                let position = Cursor::default().with_topic_name(next.topic_name);
                cursor = Some(position.with_partition_index(next.partition_index));
            }
            None => return Ok(()),
        }
    }
}

/// A topic to create.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// `None`: the broker's default (`num.partitions`).
    pub partitions: Option<i32>,
    /// `None`: the broker's default (`default.replication.factor`).
    pub replication_factor: Option<i16>,
    /// The replicas of each partition; then the two numbers above must be `None`.
    pub assignment: Vec<Vec<NodeId>>,
    /// `cleanup.policy` and the like.
    pub configs: Vec<(String, String)>,
}

/// What the controller made, or would make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreatedTopic {
    /// Its name.
    pub name: String,
    /// The number of partitions; −1 where the broker does not tell (before 2.4).
    pub partitions: i32,
    /// The replication factor; −1 where the broker does not tell.
    pub replication_factor: i16,
}

/// Creates topics, or only validates them. One request for all; each row has its own outcome.
pub async fn create(
    cluster: &Cluster,
    topics: &[NewTopic],
    validate_only: bool,
) -> Result<Vec<(String, Result<CreatedTopic>)>> {
    let request = CreateTopicsRequest::default()
        .with_topics(topics.iter().map(creatable).collect())
        .with_timeout_ms(timeout_ms(cluster))
        .with_validate_only(validate_only);
    let response = cluster.controller(&request).await?;
    Ok(response
        .topics
        .into_iter()
        .map(|row| {
            let name = row.name.0.to_string();
            let checked = ErrorCode::check(row.error_code, format!("topic \"{name}\""), row.error_message.as_deref())
                .map_err(|error| error.needing(Operation::Create));
            let created = CreatedTopic {
                name: name.clone(),
                partitions: row.num_partitions,
                replication_factor: row.replication_factor,
            };
            (name, checked.map(|()| created))
        })
        .collect())
}

fn creatable(topic: &NewTopic) -> CreatableTopic {
    let assignments = topic
        .assignment
        .iter()
        .zip(0..)
        .map(|(replicas, partition)| {
            CreatableReplicaAssignment::default()
                .with_partition_index(partition)
                .with_broker_ids(replicas.iter().map(|node| BrokerId(node.0)).collect())
        })
        .collect();
    let configs = topic
        .configs
        .iter()
        .map(|(key, value)| CreatableTopicConfig::default().with_name(text(key)).with_value(Some(text(value))))
        .collect();
    CreatableTopic::default()
        .with_name(topic_name(&topic.name))
        .with_num_partitions(topic.partitions.unwrap_or(-1))
        .with_replication_factor(topic.replication_factor.unwrap_or(-1))
        .with_assignments(assignments)
        .with_configs(configs)
}

/// Waits until every broker knows every partition of the topics and its leader, so that whichever broker
/// a client asks first, the topic is usable.
pub async fn wait_until_usable(cluster: &Cluster, names: &[String], deadline: Instant) -> Result<()> {
    let request = metadata_request(&Ask::Topics(names.to_vec()));
    let mut again = LOOK_AGAIN;
    loop {
        let answers = cluster.each_broker(&request).await;
        // A broker that is down knows nothing, and no client can ask it either.
        let reachable: Vec<_> = answers.into_iter().filter_map(|(_, answer)| answer.ok()).collect();
        if !reachable.is_empty() && reachable.iter().all(|response| knows_all(response, names.len())) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(Error::TimedOut {
                to: "the Kafka cluster".to_owned(),
                api: "Metadata with a leader for every partition".to_owned(),
                after: cluster.options().request_timeout,
            });
        }
        tokio::time::sleep(again.lengthen()).await;
    }
}

fn knows_all(response: &MetadataResponse, count: usize) -> bool {
    let (topics, errors) = from_metadata(response);
    errors.is_empty()
        && topics.len() == count
        && topics.iter().all(|topic| !topic.partitions.is_empty() && topic.partitions.iter().all(|p| !p.is_offline()))
}

/// Deletes topics. One request for all; each row has its own outcome.
pub async fn delete(cluster: &Cluster, names: &[String]) -> Result<Vec<(String, Result<()>)>> {
    let mut request = DeleteTopicsRequest::default().with_timeout_ms(timeout_ms(cluster));
    if cluster.bootstrap().await?.supports::<DeleteTopicsRequest>().is_some_and(|version| version >= 6) {
        let states = names.iter().map(|name| DeleteTopicState::default().with_name(Some(topic_name(name))));
        request = request.with_topics(states.collect());
    } else {
        request = request.with_topic_names(names.iter().map(|name| topic_name(name)).collect());
    }
    let response = cluster.controller(&request).await?;
    Ok(response
        .responses
        .into_iter()
        .map(|row| {
            let name = row.name.map(|name| name.0.to_string()).unwrap_or_default();
            let checked = ErrorCode::check(row.error_code, format!("topic \"{name}\""), row.error_message.as_deref())
                .map_err(|error| error.needing(Operation::Delete));
            (name, checked)
        })
        .collect())
}

/// Waits until no broker knows any of the topics, so that a new one of the same name can be made.
pub async fn wait_until_gone(cluster: &Cluster, names: &[String], deadline: Instant) -> Result<()> {
    let request = metadata_request(&Ask::Topics(names.to_vec()));
    let mut again = LOOK_AGAIN;
    while Instant::now() < deadline {
        let answers = cluster.each_broker(&request).await;
        let unknown = |code: i16| ErrorCode(code).is(ResponseError::UnknownTopicOrPartition);
        let gone = answers
            .iter()
            .filter_map(|(_, answer)| answer.as_ref().ok())
            .all(|response| response.topics.iter().all(|topic| unknown(topic.error_code)));
        if gone {
            return Ok(());
        }
        tokio::time::sleep(again.lengthen()).await;
    }
    Err(Error::TimedOut {
        to: "the Kafka cluster".to_owned(),
        api: "Metadata without the deleted topics".to_owned(),
        after: cluster.options().request_timeout,
    })
}
