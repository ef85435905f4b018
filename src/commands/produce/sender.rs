//! Hands messages to librdkafka, and waits where its queue is full.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _};

use super::delivery::{Producer, Receipt};
use super::source::Source;
use super::{PartitionChoice, ProduceArgs};
use crate::commands::lookup;
use crate::error::CommandError;
use crate::kafka::admin::topics::Topic;
use crate::kafka::records::Draft;

/// A full queue empties by hundreds of messages in this time.
const FULL: Duration = Duration::from_millis(1);

/// What the sending thread shares with the command.
#[derive(Default)]
pub(super) struct Shared {
    /// Stop reading.
    pub(super) stop: AtomicBool,
    /// Messages that librdkafka has taken.
    pub(super) accepted: AtomicU64,
}

/// Sends a source to a topic.
pub(super) struct Sender<R: Receipt> {
    pub(super) producer: Arc<Producer<R>>,
    pub(super) shared: Arc<Shared>,
    pub(super) topic: Topic,
    /// Of every message.
    pub(super) key: Option<Vec<u8>>,
    /// Of every message.
    pub(super) headers: Vec<(String, String)>,
    pub(super) partition: Option<PartitionChoice>,
    pub(super) timestamp: Option<i64>,
    /// The topic's `max.message.bytes`, where it could be asked for.
    pub(super) limit: Option<usize>,
}

impl<R: Receipt> Sender<R> {
    pub(super) fn new(
        args: &ProduceArgs,
        topic: Topic,
        limit: Option<usize>,
        producer: Arc<Producer<R>>,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            producer,
            shared,
            topic,
            key: args.key.clone().map(String::into_bytes),
            headers: args.headers.clone(),
            partition: args.partition,
            timestamp: args.timestamp,
            limit,
        }
    }

    /// Sends until the source ends, a message is refused or was lost, or somebody says stop. Blocks.
    pub(super) fn run(&self, mut source: Source) -> Result<(), CommandError> {
        let mut number = 0;
        while !self.shared.stop.load(Ordering::Relaxed) && !self.producer.context().has_failed() {
            let Some(draft) = source.next()? else { break };
            number += 1;
            if let Err(error) = self.send(&draft, number) {
                drop(draft);
                return Err(error.about(source.place()));
            }
            self.shared.accepted.store(number, Ordering::Release);
        }
        Ok(())
    }

    fn send(&self, draft: &Draft<'_>, number: u64) -> Result<(), CommandError> {
        let key = draft.key.as_deref().or(self.key.as_deref());
        self.check_size(draft, key)?;
        let partition = match self.partition {
            None => None,
            Some(PartitionChoice::Number(number)) => Some(number),
            Some(PartitionChoice::Same) => Some(self.partition_of(draft)?),
        };
        let opaque = usize::try_from(number).unwrap_or(usize::MAX);
        let mut record: BaseRecord<'_, [u8], [u8], usize> = BaseRecord::with_opaque_to(&self.topic.name, opaque);
        record.key = key;
        record.payload = draft.value.as_deref();
        record.partition = partition;
        record.timestamp = self.timestamp.or(draft.timestamp);
        record.headers = self.headers(draft);
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again)) => {
                    if self.shared.stop.load(Ordering::Relaxed) || self.producer.context().has_failed() {
                        return Err(CommandError::failed("it was not sent"));
                    }
                    std::thread::sleep(FULL);
                    record = again;
                }
                Err((error, _)) => return Err(CommandError::failed(super::run::words(&error))),
            }
        }
    }

    fn check_size(&self, draft: &Draft<'_>, key: Option<&[u8]>) -> Result<(), CommandError> {
        let Some(limit) = self.limit else { return Ok(()) };
        let size = key.map_or(0, <[u8]>::len) + draft.value.as_deref().map_or(0, <[u8]>::len);
        if size <= limit {
            return Ok(());
        }
        let name = &self.topic.name;
        Err(CommandError::failed(format!(
            "the message has {size} bytes, but topic \"{name}\" takes at most {limit} (max.message.bytes)"
        )))
    }

    fn partition_of(&self, draft: &Draft<'_>) -> Result<i32, CommandError> {
        let partition = draft.partition.ok_or_else(|| CommandError::failed("it names no partition"))?;
        if self.topic.partitions.iter().any(|known| known.partition == partition) {
            return Ok(partition);
        }
        Err(CommandError::failed(lookup::no_partition(&self.topic, partition).message)
            .hinted("leave out --partition same to let keys decide"))
    }

    fn headers(&self, draft: &Draft<'_>) -> Option<OwnedHeaders> {
        let count = self.headers.len() + draft.headers.len();
        if count == 0 {
            return None;
        }
        let mut headers = OwnedHeaders::new_with_capacity(count);
        for header in &draft.headers {
            headers = headers.insert(Header { key: &header.name, value: header.value.as_deref() });
        }
        for (name, value) in &self.headers {
            headers = headers.insert(Header { key: name, value: Some(value.as_bytes()) });
        }
        Some(headers)
    }
}
