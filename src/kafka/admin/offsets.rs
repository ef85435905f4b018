//! ListOffsets (2): first, last, and by time. One request per leader for all of its partitions.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use kafka_protocol::messages::ListOffsetsRequest;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::list_offsets_response::ListOffsetsResponse;
use tokio::time::Instant;

use super::acls::Operation;
use super::topic_name;
use crate::kafka::fetch::Isolation;
use crate::kafka::{Ask, Cluster, Error, ErrorCode, NodeId, Result};

/// How long to wait before partitions whose leader has moved are asked for again.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// Which offset is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffsetSpec {
    /// Of the first record that is kept (log start offset).
    Start,
    /// Behind the last record: the high watermark, or with `read_committed` the last stable offset.
    End,
    /// Of the first record at or after this time, in milliseconds since 1970.
    Time(i64),
}

impl OffsetSpec {
    fn wire(self) -> i64 {
        match self {
            Self::Start => -2,
            Self::End => -1,
            Self::Time(time) => time,
        }
    }
}

/// A partition whose offset is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffsetQuery {
    /// The topic's name.
    pub topic: String,
    /// The partition's number.
    pub partition: i32,
    /// Its leader as far as it is known.
    pub leader: Option<NodeId>,
}

/// Asks for the offset of every partition, in their order; `None` when no record is as late as the time.
/// Partitions whose leader moves or is down are asked for again, as long as the cluster's options say.
pub async fn list(
    cluster: &Cluster,
    queries: &[OffsetQuery],
    spec: OffsetSpec,
    isolation: Isolation,
) -> Vec<Result<Option<i64>>> {
    let deadline = Instant::now() + cluster.options().retry_for;
    let mut leaders: Vec<Option<NodeId>> = queries.iter().map(|query| query.leader).collect();
    let mut answers: Vec<Option<Result<Option<i64>>>> = queries.iter().map(|_| None).collect();
    loop {
        let mut by_leader: BTreeMap<NodeId, Vec<usize>> = BTreeMap::new();
        for (at, leader) in leaders.iter().enumerate() {
            let open = answers[at].as_ref().is_none_or(|answer| answer.as_ref().is_err_and(Error::is_transient));
            match leader {
                _ if !open => {}
                Some(leader) => by_leader.entry(*leader).or_default().push(at),
                None => answers[at] = Some(Err(no_leader(&queries[at]))),
            }
        }
        let asked =
            by_leader.into_iter().map(|(leader, rows)| ask_leader(cluster, leader, rows, queries, spec, isolation));
        for (at, answer) in join_all(asked).await.into_iter().flatten() {
            answers[at] = Some(answer);
        }
        let again =
            answers.iter().any(|answer| answer.as_ref().is_none_or(|a| a.as_ref().is_err_and(Error::is_transient)));
        if !again || Instant::now() + ASK_AGAIN >= deadline {
            break;
        }
        tokio::time::sleep(ASK_AGAIN).await;
        if let Ok(found) = find_leaders(cluster, queries).await {
            leaders = found;
        }
    }
    let never = |query: &OffsetQuery| Err(no_leader(query));
    answers.into_iter().zip(queries).map(|(answer, query)| answer.unwrap_or_else(|| never(query))).collect()
}

async fn ask_leader(
    cluster: &Cluster,
    leader: NodeId,
    rows: Vec<usize>,
    queries: &[OffsetQuery],
    spec: OffsetSpec,
    isolation: Isolation,
) -> Vec<(usize, Result<Option<i64>>)> {
    let answer = async {
        let connection = cluster.connection(leader).await?;
        connection.send(&request(&rows, queries, spec, isolation)).await
    };
    match answer.await {
        Ok(response) => rows.into_iter().map(|at| (at, row(&response, &queries[at]))).collect(),
        Err(error) => rows.into_iter().map(|at| (at, Err(error.clone()))).collect(),
    }
}

fn request(rows: &[usize], queries: &[OffsetQuery], spec: OffsetSpec, isolation: Isolation) -> ListOffsetsRequest {
    let mut topics: BTreeMap<&str, Vec<ListOffsetsPartition>> = BTreeMap::new();
    for at in rows {
        let query = &queries[*at];
        let wanted = ListOffsetsPartition::default().with_partition_index(query.partition).with_timestamp(spec.wire());
        topics.entry(&query.topic).or_default().push(wanted);
    }
    let topics = topics
        .into_iter()
        .map(|(name, partitions)| ListOffsetsTopic::default().with_name(topic_name(name)).with_partitions(partitions))
        .collect();
    ListOffsetsRequest::default()
        .with_replica_id((-1).into())
        .with_isolation_level(isolation.wire())
        .with_topics(topics)
}

fn row(response: &ListOffsetsResponse, query: &OffsetQuery) -> Result<Option<i64>> {
    let found = response
        .topics
        .iter()
        .filter(|topic| topic.name.0.as_str() == query.topic)
        .flat_map(|topic| &topic.partitions)
        .find(|partition| partition.partition_index == query.partition)
        .ok_or_else(|| no_leader(query))?;
    ErrorCode::check(found.error_code, subject(query), None).map_err(|error| error.needing(Operation::Describe))?;
    Ok((found.offset >= 0).then_some(found.offset))
}

async fn find_leaders(cluster: &Cluster, queries: &[OffsetQuery]) -> Result<Vec<Option<NodeId>>> {
    let mut names: Vec<String> = queries.iter().map(|query| query.topic.clone()).collect();
    names.sort_unstable();
    names.dedup();
    let (topics, _) = super::topics::from_metadata(&cluster.metadata(&Ask::Topics(names)).await?);
    let leader = |query: &OffsetQuery| {
        let topic = topics.iter().find(|topic| topic.name == query.topic)?;
        topic.partitions.iter().find(|partition| partition.partition == query.partition)?.leader
    };
    Ok(queries.iter().map(leader).collect())
}

fn subject(query: &OffsetQuery) -> String {
    format!("partition {} of topic \"{}\"", query.partition, query.topic)
}

fn no_leader(query: &OffsetQuery) -> Error {
    Error::Code {
        subject: subject(query),
        code: ErrorCode(kafka_protocol::ResponseError::LeaderNotAvailable.code()),
        message: None,
    }
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse};

    use super::*;

    fn query(topic: &str, partition: i32) -> OffsetQuery {
        OffsetQuery { topic: topic.to_owned(), partition, leader: None }
    }

    #[test]
    fn one_request_carries_all_partitions_of_a_leader() {
        let queries = [query("a", 0), query("b", 1), query("a", 2), query("a", 3)];
        let request = request(&[0, 1, 2], &queries, OffsetSpec::Start, Isolation::ReadCommitted);
        let asked: Vec<(&str, Vec<i32>)> = request
            .topics
            .iter()
            .map(|topic| (topic.name.0.as_str(), topic.partitions.iter().map(|p| p.partition_index).collect()))
            .collect();
        assert_eq!(asked, [("a", vec![0, 2]), ("b", vec![1])]);
        assert_eq!((request.isolation_level, request.topics[0].partitions[0].timestamp), (1, -2));
    }

    #[test]
    fn rows_have_their_own_outcome() {
        let partition = |index, code, offset| {
            ListOffsetsPartitionResponse::default()
                .with_partition_index(index)
                .with_error_code(code)
                .with_offset(offset)
        };
        let topic = ListOffsetsTopicResponse::default().with_name(topic_name("a")).with_partitions(vec![
            partition(0, 0, 42),
            partition(1, 0, -1),
            partition(2, 6, -1),
        ]);
        let response = ListOffsetsResponse::default().with_topics(vec![topic]);
        assert_eq!(row(&response, &query("a", 0)).ok(), Some(Some(42)));
        assert_eq!(row(&response, &query("a", 1)).ok(), Some(None));
        let moved = row(&response, &query("a", 2)).expect_err("not the leader");
        assert!(moved.is_transient() && moved.to_string().starts_with("partition 2 of topic \"a\""), "{moved}");
        assert!(row(&response, &query("b", 0)).is_err());
    }
}
