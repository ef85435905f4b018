//! DescribeQuorum (55, KIP-595): the controllers' own log, as its leader sees it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kafka_protocol::messages::describe_quorum_request::{PartitionData, TopicData};
use kafka_protocol::messages::describe_quorum_response::ReplicaState;
use kafka_protocol::messages::{DescribeQuorumRequest, DescribeQuorumResponse};
use serde::Serialize;

use super::acls::Operation;
use super::topic_name;
use crate::kafka::{Cluster, Connection, ErrorCode, NodeId, Result};

/// The topic that holds the cluster's metadata.
const METADATA_TOPIC: &str = "__cluster_metadata";

/// The quorum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Quorum {
    /// The active controller; `None` while there is none.
    pub leader: Option<NodeId>,
    /// The leader's epoch.
    pub epoch: i32,
    /// The offset up to which a majority has the log.
    pub high_watermark: i64,
    /// Who votes, by node id.
    pub voters: Vec<QuorumReplica>,
    /// Who only follows: brokers, and controllers that have not joined.
    pub observers: Vec<QuorumReplica>,
}

/// One follower of the metadata log, or its leader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QuorumReplica {
    /// Its node id.
    pub node: NodeId,
    /// Its directory id (KIP-853), base64 without padding; `None` with a static quorum.
    pub directory_id: Option<String>,
    /// The end of its log; −1 unknown.
    pub log_end_offset: i64,
    /// When it last fetched, ms since 1970; −1 unknown.
    pub last_fetch_ms: i64,
    /// When it last was at the leader's end, ms since 1970; −1 unknown.
    pub last_caught_up_ms: i64,
}

impl Quorum {
    /// How many records a replica is behind the leader.
    pub fn lag(&self, replica: &QuorumReplica) -> Option<i64> {
        let leader = self.voters.iter().find(|voter| Some(voter.node) == self.leader)?;
        (replica.log_end_offset >= 0).then(|| (leader.log_end_offset - replica.log_end_offset).max(0))
    }
}

/// Asks any broker, which forwards it. One round trip.
pub async fn describe(cluster: &Cluster) -> Result<Quorum> {
    quorum(cluster.any(&request()).await?)
}

/// Asks on one connection: a controller's own listener, where only the leader knows.
pub async fn describe_on(connection: &Connection) -> Result<Quorum> {
    quorum(connection.send(&request()).await?)
}

fn request() -> DescribeQuorumRequest {
    let topic = TopicData::default()
        .with_topic_name(topic_name(METADATA_TOPIC))
        .with_partitions(vec![PartitionData::default()]);
    DescribeQuorumRequest::default().with_topics(vec![topic])
}

fn quorum(response: DescribeQuorumResponse) -> Result<Quorum> {
    ErrorCode::check(response.error_code, "the controllers' quorum", response.error_message.as_deref())
        .map_err(|error| error.needing(Operation::Describe))?;
    let partition = response.topics.into_iter().flat_map(|topic| topic.partitions).next().unwrap_or_default();
    ErrorCode::check(partition.error_code, "the controllers' quorum", partition.error_message.as_deref())
        .map_err(|error| error.needing(Operation::Describe))?;
    Ok(Quorum {
        leader: (partition.leader_id.0 >= 0).then_some(NodeId(partition.leader_id.0)),
        epoch: partition.leader_epoch,
        high_watermark: partition.high_watermark,
        voters: replicas(&partition.current_voters),
        observers: replicas(&partition.observers),
    })
}

fn replicas(wire: &[ReplicaState]) -> Vec<QuorumReplica> {
    let mut replicas: Vec<QuorumReplica> = wire
        .iter()
        .map(|state| QuorumReplica {
            node: NodeId(state.replica_id.0),
            directory_id: (!state.replica_directory_id.is_nil())
                .then(|| URL_SAFE_NO_PAD.encode(state.replica_directory_id.as_bytes())),
            log_end_offset: state.log_end_offset,
            last_fetch_ms: state.last_fetch_timestamp,
            last_caught_up_ms: state.last_caught_up_timestamp,
        })
        .collect();
    replicas.sort_by_key(|replica| replica.node);
    replicas
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lag_is_counted_from_the_leader() {
        let replica = |node, end| QuorumReplica {
            node: NodeId(node),
            directory_id: None,
            log_end_offset: end,
            last_fetch_ms: -1,
            last_caught_up_ms: -1,
        };
        let quorum = Quorum {
            leader: Some(NodeId(1)),
            epoch: 3,
            high_watermark: 90,
            voters: vec![replica(0, 80), replica(1, 100)],
            observers: vec![replica(100, -1)],
        };
        assert_eq!(quorum.lag(&quorum.voters[0]), Some(20));
        assert_eq!(quorum.lag(&quorum.voters[1]), Some(0));
        assert_eq!(quorum.lag(&quorum.observers[0]), None);
    }
}
