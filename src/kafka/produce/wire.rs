//! Produce (0) and InitProducerId (22): the requests, and what each row of the answer means.

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::PartitionProduceResponse;
use kafka_protocol::messages::{InitProducerIdRequest, ProduceRequest, ProducerId, TopicName};
use kafka_protocol::protocol::StrBytes;

use super::line::Cure;
use super::{Acks, Identity};
use crate::kafka::admin::acls::Operation;
use crate::kafka::fetch::TopicRef;
use crate::kafka::{Cluster, Error, ErrorCode};

/// From this version on topics go by id (KIP-516).
const FIRST_BY_ID: i16 = 13;

/// Batches of one topic, at most one of each partition.
pub(super) fn request(
    topic: &TopicRef,
    batches: Vec<(i32, Bytes)>,
    acks: Acks,
    timeout_ms: i32,
    version: i16,
) -> ProduceRequest {
    let rows = batches
        .into_iter()
        .map(|(partition, bytes)| PartitionProduceData::default().with_index(partition).with_records(Some(bytes)))
        .collect();
    let data = if version >= FIRST_BY_ID {
        TopicProduceData::default().with_topic_id(topic.id)
    } else {
        TopicProduceData::default().with_name(TopicName(StrBytes::from_string(topic.name.to_string())))
    };
    ProduceRequest::default()
        .with_acks(acks.wire())
        .with_timeout_ms(timeout_ms)
        .with_topic_data(vec![data.with_partition_data(rows)])
}

/// What a row of the answer asks of the producer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is written; at this offset, where the broker still knows.
    Written(Option<i64>),
    /// Send it again.
    Again(Cure, ErrorCode),
    /// The batch is too large as a whole.
    TooLarge(ErrorCode),
    /// It will not become better.
    Refused(ErrorCode),
}

pub(super) fn verdict(row: &PartitionProduceResponse) -> Verdict {
    let Some(code) = ErrorCode::from_response(row.error_code) else {
        return Verdict::Written(Some(row.base_offset).filter(|offset| *offset >= 0));
    };
    match ResponseError::try_from_code(code.0) {
        // It was written when it came first, too long ago for the broker to know where.
        Some(ResponseError::DuplicateSequenceNumber) => Verdict::Written(None),
        Some(
            ResponseError::OutOfOrderSequenceNumber
            | ResponseError::UnknownProducerId
            | ResponseError::InvalidProducerEpoch,
        ) => Verdict::Again(Cure::Sequence, code),
        Some(
            ResponseError::NotEnoughReplicas
            | ResponseError::NotEnoughReplicasAfterAppend
            | ResponseError::RequestTimedOut
            | ResponseError::ThrottlingQuotaExceeded,
        ) => Verdict::Again(Cure::Repeat, code),
        // While a broker starts it does not know its topics yet; one that is really gone shows in Metadata.
        Some(ResponseError::UnknownTopicOrPartition | ResponseError::UnknownTopicId) => {
            Verdict::Again(Cure::FindLeader, code)
        }
        Some(ResponseError::MessageTooLarge | ResponseError::RecordListTooLarge) => Verdict::TooLarge(code),
        _ if code.is_retriable() => Verdict::Again(Cure::FindLeader, code),
        _ => Verdict::Refused(code),
    }
}

/// Kafka's reason for a refusal: its own message, or the first about a record.
pub(super) fn message(row: &PartitionProduceResponse) -> Option<String> {
    let of_records = row.record_errors.iter().find_map(|record| record.batch_index_error_message.as_ref());
    row.error_message.as_ref().or(of_records).map(ToString::to_string)
}

/// Asks for an id that no other producer has. Any broker gives one.
///
/// # Errors
/// Transient while brokers have none to give.
pub(super) async fn identity(cluster: &Cluster) -> Result<Identity, Error> {
    let request = InitProducerIdRequest::default()
        .with_transactional_id(None)
        .with_transaction_timeout_ms(i32::MAX)
        .with_producer_id(ProducerId(-1))
        .with_producer_epoch(-1);
    let answer = cluster.any(&request).await?;
    ErrorCode::check(answer.error_code, "the producer's id", None)
        .map_err(|error| error.needing(Operation::IdempotentWrite))?;
    Ok(Identity { id: answer.producer_id.0, epoch: answer.producer_epoch })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::BytesMut;
    use kafka_protocol::messages::produce_response::BatchIndexAndErrorMessage;
    use kafka_protocol::protocol::Encodable;
    use uuid::Uuid;

    use super::*;

    fn row(code: i16) -> PartitionProduceResponse {
        PartitionProduceResponse::default().with_error_code(code).with_base_offset(7)
    }

    #[test]
    fn every_version_can_be_asked() {
        let topic = TopicRef { name: Arc::from("orders"), id: Uuid::from_u128(1) };
        for version in 3..=13 {
            let request = request(&topic, vec![(0, Bytes::from_static(b"records"))], Acks::All, 1000, version);
            request.encode(&mut BytesMut::new(), version).expect("a request of this version");
        }
    }

    #[test]
    fn what_each_code_asks_for() {
        assert_eq!(verdict(&row(0)), Verdict::Written(Some(7)));
        assert_eq!(verdict(&row(0).with_base_offset(-1)), Verdict::Written(None));
        assert_eq!(verdict(&row(46)), Verdict::Written(None));
        for (code, cure) in [
            (45, Cure::Sequence),
            (59, Cure::Sequence),
            (19, Cure::Repeat),
            (20, Cure::Repeat),
            (7, Cure::Repeat),
            (6, Cure::FindLeader),
            (3, Cure::FindLeader),
            (56, Cure::FindLeader),
            (100, Cure::FindLeader),
        ] {
            assert_eq!(verdict(&row(code)), Verdict::Again(cure, ErrorCode(code)));
        }
        assert_eq!([10, 18].map(|code| verdict(&row(code))), [10, 18].map(|code| Verdict::TooLarge(ErrorCode(code))));
        for code in [29, 32, 87, 44] {
            assert_eq!(verdict(&row(code)), Verdict::Refused(ErrorCode(code)));
        }
    }

    #[test]
    fn kafkas_words_about_the_batch_or_a_record() {
        let about_record = BatchIndexAndErrorMessage::default()
            .with_batch_index_error_message(Some(StrBytes::from_static_str("no key")));
        let row = row(87).with_record_errors(vec![about_record]);
        assert_eq!(message(&row), Some("no key".to_owned()));
        let row = row.with_error_message(Some(StrBytes::from_static_str("one or more records")));
        assert_eq!(message(&row), Some("one or more records".to_owned()));
        assert_eq!(message(&PartitionProduceResponse::default()), None);
    }
}
