//! ListPartitionReassignments (46, KIP-455): partitions whose replicas are being moved.

use kafka_protocol::messages::{ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse};

use super::{nodes, timeout_ms};
use crate::kafka::{Cluster, ErrorCode, NodeId, Result};

/// A partition on the move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reassignment {
    /// Its topic.
    pub topic: String,
    /// Its number.
    pub partition: i32,
    /// Every replica, old and new.
    pub replicas: Vec<NodeId>,
}

/// All that are under way, as the controller knows them. One round trip.
pub async fn ongoing(cluster: &Cluster) -> Result<Vec<Reassignment>> {
    let request = ListPartitionReassignmentsRequest::default().with_timeout_ms(timeout_ms(cluster)).with_topics(None);
    reassignments(cluster.controller(&request).await?)
}

fn reassignments(response: ListPartitionReassignmentsResponse) -> Result<Vec<Reassignment>> {
    ErrorCode::check(response.error_code, "the reassignments", response.error_message.as_deref())?;
    let of_topic =
        |topic: kafka_protocol::messages::list_partition_reassignments_response::OngoingTopicReassignment| {
            let name = topic.name.0.to_string();
            topic.partitions.into_iter().map(move |partition| Reassignment {
                topic: name.clone(),
                partition: partition.partition_index,
                replicas: nodes(&partition.replicas),
            })
        };
    Ok(response.topics.into_iter().flat_map(of_topic).collect())
}
