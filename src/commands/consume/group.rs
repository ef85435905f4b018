//! Reading as a member of a consumer group: librdkafka, through the gateway.
//!
//! An offset is stored only after its record was formatted and passed on, and committed in the background
//! and at the end: at least once, as everybody expects of a group.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::Duration;

use kafka_protocol::ResponseError;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers as _, Message, Timestamp};
use rdkafka::{ClientConfig, ClientContext};

use super::printer::{self, Printer};
use super::{ConsumeArgs, IsolationLevel};
use crate::error::CommandError;
use crate::gateway::{Gateway, quiet};
use crate::kafka::admin::acls::{Operation, ResourceType};
use crate::kafka::records::{Headers, Record, TimestampType};
use crate::kafka::{Denied, ErrorCode};

/// One poll; Ctrl-C and `--timeout` are noticed in between.
const POLL: Duration = Duration::from_millis(100);

/// Keeps librdkafka's own lines off stderr.
struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, line: &str) {
        quiet(facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        quiet(&error.to_string(), reason);
    }
}

impl ConsumerContext for Quiet {}

/// A member of a group.
pub(super) struct GroupReader {
    consumer: BaseConsumer<Quiet>,
    group: String,
    topics: Vec<String>,
    exit_at_end: bool,
}

impl GroupReader {
    pub(super) fn new(args: &ConsumeArgs, group: &str, gateway: &Gateway) -> Result<Self, CommandError> {
        let failed = |error: KafkaError| CommandError::failed(format!("group \"{group}\": {error}"));
        let consumer: BaseConsumer<Quiet> = config(args, group, gateway).create_with_context(Quiet).map_err(failed)?;
        let topics: Vec<&str> = args.topics.iter().map(String::as_str).collect();
        consumer.subscribe(&topics).map_err(failed)?;
        Ok(Self { consumer, group: group.to_owned(), topics: args.topics.clone(), exit_at_end: args.exit_at_end })
    }

    /// Reads and prints until told to stop, or until enough was printed. Blocks.
    pub(super) fn run(self, mut printer: Printer) -> Result<(), CommandError> {
        let mut at_end = BTreeSet::new();
        let mut headers = Vec::new();
        let mut stored = false;
        while !printer.is_stopped() {
            // Nothing ready means that whoever reads our lines should see them now.
            let polled = match self.consumer.poll(Duration::ZERO) {
                None => {
                    printer.flush()?;
                    self.consumer.poll(POLL)
                }
                some => some,
            };
            match polled {
                None => {}
                Some(Ok(message)) => {
                    at_end.remove(&message.partition());
                    let enough = take(&message, &mut headers, &mut printer)?;
                    self.consumer.store_offset_from_message(&message).map_err(|error| self.failed(&error))?;
                    stored = true;
                    if enough.is_break() {
                        break;
                    }
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    at_end.insert(partition);
                }
                Some(Err(error)) => self.judge(&error)?,
            }
            if self.exit_at_end && self.all_at_end(&at_end) {
                break;
            }
        }
        printer.flush()?;
        if stored { self.commit() } else { Ok(()) }
    }

    fn all_at_end(&self, at_end: &BTreeSet<i32>) -> bool {
        let assigned = self.consumer.assignment();
        assigned.is_ok_and(|assigned| {
            assigned.count() > 0 && assigned.elements().iter().all(|part| at_end.contains(&part.partition()))
        })
    }

    fn commit(&self) -> Result<(), CommandError> {
        match self.consumer.commit_consumer_state(CommitMode::Sync) {
            // Everything was committed in the background already.
            Ok(()) | Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => Ok(()),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Brokers that come and go are librdkafka's to deal with; the rest is told.
    fn judge(&self, error: &KafkaError) -> Result<(), CommandError> {
        quiet("consume", &error.to_string());
        let hopeless = matches!(
            error.rdkafka_error_code(),
            Some(
                RDKafkaErrorCode::UnknownTopicOrPartition
                    | RDKafkaErrorCode::TopicAuthorizationFailed
                    | RDKafkaErrorCode::GroupAuthorizationFailed
                    | RDKafkaErrorCode::Fatal
                    | RDKafkaErrorCode::InvalidGroupId
            )
        );
        if hopeless { Err(self.failed(error)) } else { Ok(()) }
    }

    fn failed(&self, error: &KafkaError) -> CommandError {
        let told = CommandError::failed(format!("group \"{}\": {error}", self.group));
        let denied = |resource_type, name: &str, code: ResponseError| Denied {
            operation: Operation::Read,
            resource_type,
            resource_name: name.to_owned(),
            code: ErrorCode(code.code()),
            family: None,
        };
        match (error.rdkafka_error_code(), self.topics.as_slice()) {
            (Some(RDKafkaErrorCode::GroupAuthorizationFailed), _) => {
                told.denied(denied(ResourceType::Group, &self.group, ResponseError::GroupAuthorizationFailed))
            }
            (Some(RDKafkaErrorCode::TopicAuthorizationFailed), [topic]) => {
                told.denied(denied(ResourceType::Topic, topic, ResponseError::TopicAuthorizationFailed))
            }
            _ => told,
        }
    }
}

fn config(args: &ConsumeArgs, group: &str, gateway: &Gateway) -> ClientConfig {
    let mut config = gateway.client_config();
    config
        .set("group.id", group)
        .set("enable.auto.offset.store", "false")
        .set("auto.commit.interval.ms", "1000")
        .set("auto.offset.reset", if args.from_beginning || args.exit_at_end { "earliest" } else { "latest" })
        .set("enable.partition.eof", args.exit_at_end.to_string())
        .set(
            "isolation.level",
            match args.isolation_level {
                IsolationLevel::ReadCommitted => "read_committed",
                IsolationLevel::ReadUncommitted => "read_uncommitted",
            },
        )
        // Together these bound the memory: what is queued, and what is on its way from each broker.
        .set("queued.min.messages", "50000")
        .set("queued.max.messages.kbytes", "16384")
        .set("fetch.max.bytes", "8388608")
        .set("message.max.bytes", "8388608");
    config
}

fn take(
    message: &BorrowedMessage<'_>,
    headers: &mut Vec<u8>,
    printer: &mut Printer,
) -> Result<ControlFlow<()>, CommandError> {
    headers.clear();
    if let Some(given) = message.headers() {
        let pairs: Vec<(&[u8], Option<&[u8]>)> =
            given.iter().map(|header| (header.key.as_bytes(), header.value)).collect();
        Headers::encode(pairs.into_iter(), headers);
    }
    let (timestamp, timestamp_type) = match message.timestamp() {
        Timestamp::NotAvailable => (-1, TimestampType::Create),
        Timestamp::CreateTime(time) => (time, TimestampType::Create),
        Timestamp::LogAppendTime(time) => (time, TimestampType::LogAppend),
    };
    let record = Record {
        topic: message.topic(),
        partition: message.partition(),
        offset: message.offset(),
        timestamp,
        timestamp_type,
        // librdkafka's safe interface does not tell it.
        leader_epoch: None,
        key: message.key(),
        value: message.payload(),
        headers: Headers::encoded(headers),
    };
    let enough = printer.take(&record)?;
    printer.count(record.topic, record.partition, 1, printer::size(&record));
    Ok(enough)
}
