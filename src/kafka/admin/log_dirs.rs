//! DescribeLogDirs (35): what each broker keeps on its disks.

use kafka_protocol::messages::{DescribeLogDirsRequest, DescribeLogDirsResponse};
use serde::Serialize;

use super::acls::Operation;
use crate::kafka::{Cluster, ErrorCode, NodeId, Result};

/// One log directory of one broker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogDir {
    /// `/var/lib/kafka/data/kafka-log`
    pub path: String,
    /// The size of its volume in bytes; `None` before Kafka 3.3 (KIP-827).
    pub total_bytes: Option<u64>,
    /// What is left of it in bytes.
    pub usable_bytes: Option<u64>,
    /// Kafka's word for what is wrong with the directory.
    pub error: Option<String>,
    /// The replicas in it.
    pub replicas: Vec<ReplicaSize>,
}

/// A replica and its size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplicaSize {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The bytes of its log segments.
    pub bytes: u64,
}

/// Asks every broker at once; each has its own outcome. One round trip for all.
pub async fn describe(cluster: &Cluster) -> Vec<(NodeId, Result<Vec<LogDir>>)> {
    let request = DescribeLogDirsRequest::default().with_topics(None);
    let answers = cluster.each_broker(&request).await;
    answers.into_iter().map(|(node, answer)| (node, answer.and_then(|response| log_dirs(node, response)))).collect()
}

fn log_dirs(node: NodeId, response: DescribeLogDirsResponse) -> Result<Vec<LogDir>> {
    ErrorCode::check(response.error_code, format!("broker {node}"), None)
        .map_err(|error| error.needing(Operation::Describe))?;
    Ok(response
        .results
        .into_iter()
        .map(|result| LogDir {
            path: result.log_dir.to_string(),
            total_bytes: u64::try_from(result.total_bytes).ok(),
            usable_bytes: u64::try_from(result.usable_bytes).ok(),
            error: ErrorCode::from_response(result.error_code).map(|code| code.words().to_owned()),
            replicas: result
                .topics
                .into_iter()
                .flat_map(|topic| {
                    let name = topic.name.0.to_string();
                    topic.partitions.into_iter().map(move |partition| ReplicaSize {
                        topic: name.clone(),
                        partition: partition.partition_index,
                        bytes: u64::try_from(partition.partition_size).unwrap_or(0),
                    })
                })
                .collect(),
        })
        .collect())
}
