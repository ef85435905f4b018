//! Fetch (1): the request for a broker's partitions, and what each row of the answer means.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::{FetchRequest, TopicName};
use kafka_protocol::protocol::StrBytes;

use super::Isolation;
use super::committed::Aborted;
use super::partition::{Progress, TopicRef};
use crate::kafka::ErrorCode;

/// From this version on topics go by id (KIP-516).
const FIRST_BY_ID: i16 = 13;

/// How long a broker may wait for records. Long enough to be cheap when nothing comes; a new record is sent
/// at once.
pub(super) const MAX_WAIT_MS: i32 = 500;

/// How much one answer may carry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) response: i32,
    pub(super) partition: i32,
}

/// Asks for partitions in the given order: the broker fills the answer from the front.
pub(super) fn request(parts: &[&Progress], isolation: Isolation, sizes: Sizes, version: i16) -> FetchRequest {
    let mut topics: Vec<FetchTopic> = Vec::new();
    let mut previous: Option<&TopicRef> = None;
    for part in parts {
        let wanted = FetchPartition::default()
            .with_partition(part.selection.partition)
            .with_fetch_offset(part.position)
            .with_partition_max_bytes(sizes.partition);
        let topic = &part.selection.topic;
        if previous != Some(topic) {
            topics.push(if version >= FIRST_BY_ID {
                FetchTopic::default().with_topic_id(topic.id)
            } else {
                FetchTopic::default().with_topic(TopicName(StrBytes::from_string(topic.name.to_string())))
            });
            previous = Some(topic);
        }
        if let Some(topic) = topics.last_mut() {
            topic.partitions.push(wanted);
        }
    }
    FetchRequest::default()
        .with_max_wait_ms(MAX_WAIT_MS)
        .with_min_bytes(1)
        .with_max_bytes(sizes.response)
        .with_isolation_level(isolation.wire())
        .with_topics(topics)
}

/// Whether a row of the answer is about this topic.
pub(super) fn is_about(answer: &FetchableTopicResponse, topic: &TopicRef) -> bool {
    if answer.topic.0.is_empty() { answer.topic_id == topic.id } else { answer.topic.0.as_str() == &*topic.name }
}

/// What a row asks of the reader.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Take the records.
    Good,
    /// The position is not in the log.
    OutOfRange,
    /// Look for the leader and ask again.
    Moved(ErrorCode),
    /// It will not become better.
    Failed(ErrorCode),
}

pub(super) fn verdict(code: i16) -> Verdict {
    let Some(error) = ErrorCode::from_response(code) else { return Verdict::Good };
    match ResponseError::try_from_code(code) {
        Some(ResponseError::OffsetOutOfRange) => Verdict::OutOfRange,
        // While a broker starts it does not know its topics yet; one that is really gone shows in Metadata.
        Some(
            ResponseError::UnknownTopicOrPartition
            | ResponseError::UnknownTopicId
            | ResponseError::InconsistentTopicId
            | ResponseError::NotLeaderOrFollower
            | ResponseError::FencedLeaderEpoch
            | ResponseError::UnknownLeaderEpoch
            | ResponseError::KafkaStorageError
            | ResponseError::OffsetNotAvailable,
        ) => Verdict::Moved(error),
        _ if error.is_retriable() => Verdict::Moved(error),
        _ => Verdict::Failed(error),
    }
}

/// The aborted transactions that a row lists.
pub(super) fn aborted(row: &PartitionData) -> Vec<Aborted> {
    let listed = row.aborted_transactions.as_deref().unwrap_or_default();
    listed
        .iter()
        .map(|transaction| Aborted { producer_id: transaction.producer_id.0, first_offset: transaction.first_offset })
        .collect()
}

/// The offset up to which the reader may see.
pub(super) fn visible_end(row: &PartitionData, isolation: Isolation) -> i64 {
    match isolation {
        Isolation::ReadCommitted if row.last_stable_offset >= 0 => row.last_stable_offset,
        _ => row.high_watermark,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::BytesMut;
    use kafka_protocol::protocol::Encodable;
    use uuid::Uuid;

    use super::super::partition::Selection;
    use super::*;

    fn part(topic: &str, id: u128, partition: i32, position: i64) -> Progress {
        let topic = TopicRef { name: Arc::from(topic), id: Uuid::from_u128(id) };
        Progress::new(Selection { topic, partition, leader: None, start: position, position, stop: None })
    }

    #[test]
    fn every_version_can_be_asked() {
        let parts = [part("a", 1, 0, 10), part("a", 1, 1, 11), part("b", 2, 0, 12)];
        let parts: Vec<&Progress> = parts.iter().collect();
        let sizes = Sizes { response: 1000, partition: 500 };
        for version in 4..=18 {
            let request = request(&parts, Isolation::ReadCommitted, sizes, version);
            let shape: Vec<usize> = request.topics.iter().map(|topic| topic.partitions.len()).collect();
            assert_eq!(shape, [2, 1], "v{version}");
            request.encode(&mut BytesMut::new(), version).expect("a request of this version");
        }
    }

    #[test]
    fn answers_go_by_name_or_by_id() {
        let topic = TopicRef { name: Arc::from("a"), id: Uuid::from_u128(1) };
        let by_name = |name| FetchableTopicResponse::default().with_topic(TopicName(StrBytes::from_static_str(name)));
        let by_id = |id| FetchableTopicResponse::default().with_topic_id(Uuid::from_u128(id));
        assert!(is_about(&by_name("a"), &topic) && is_about(&by_id(1), &topic));
        assert!(!is_about(&by_name("b"), &topic) && !is_about(&by_id(2), &topic));
    }

    #[test]
    fn what_each_code_asks_for() {
        assert_eq!((verdict(0), verdict(1)), (Verdict::Good, Verdict::OutOfRange));
        for code in [3, 6, 9, 56, 74, 76, 78, 100, 103] {
            let expected = if code == 76 { Verdict::Failed(ErrorCode(76)) } else { Verdict::Moved(ErrorCode(code)) };
            assert_eq!(verdict(code), expected);
        }
        assert_eq!(verdict(29), Verdict::Failed(ErrorCode(29)));
    }
}
