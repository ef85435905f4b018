//! Reads messages and puts them into the producer's queue, on a thread of its own: reading blocks.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::report::Unprinted;
use super::source::Source;
use super::{PartitionChoice, ProduceArgs};
use crate::commands::lookup;
use crate::error::CommandError;
use crate::kafka::admin::topics::Topic;
use crate::kafka::produce::{Message, NO_HEADERS, Queue, Stopped};
use crate::kafka::records::{Draft, Headers};

/// How often it is looked whether somebody reads what is printed.
const LATE: Duration = Duration::from_millis(5);

/// Sends a source to a topic.
pub(super) struct Sender {
    queue: Arc<Queue>,
    topic: Topic,
    /// Of every message.
    key: Option<Vec<u8>>,
    /// Of every message.
    headers: Vec<(String, String)>,
    partition: Option<PartitionChoice>,
    timestamp: Option<i64>,
    /// The topic's `max.message.bytes`, where it could be asked for.
    limit: Option<usize>,
    unprinted: Unprinted,
}

impl Sender {
    pub(super) fn new(
        args: &ProduceArgs,
        topic: Topic,
        limit: Option<usize>,
        queue: Arc<Queue>,
        unprinted: Unprinted,
    ) -> Self {
        Self {
            queue,
            topic,
            key: args.key.clone().map(String::into_bytes),
            headers: args.headers.clone(),
            partition: args.partition,
            timestamp: args.timestamp,
            limit,
            unprinted,
        }
    }

    /// Sends until the source ends, a message is refused or was lost, or somebody says stop. Blocks.
    pub(super) fn run(&self, source: Source) -> Result<(), CommandError> {
        let outcome = self.send_all(source);
        self.queue.end();
        outcome
    }

    fn send_all(&self, mut source: Source) -> Result<(), CommandError> {
        let mut headers = Vec::new();
        loop {
            while self.unprinted.is_too_much() && !self.queue.is_stopped() {
                std::thread::sleep(LATE);
            }
            let Some(draft) = source.next()? else { return Ok(()) };
            match self.send(&draft, &mut headers) {
                Ok(Ok(())) => {}
                // Its reason is elsewhere: in what was lost, or a signal.
                Ok(Err(Stopped)) => return Ok(()),
                Err(error) => {
                    drop(draft);
                    return Err(error.about(source.place()));
                }
            }
        }
    }

    fn send(&self, draft: &Draft<'_>, headers: &mut Vec<u8>) -> Result<Result<(), Stopped>, CommandError> {
        let key = draft.key.as_deref().or(self.key.as_deref());
        self.check_size(draft, key)?;
        let partition = match self.partition {
            None => None,
            Some(PartitionChoice::Number(number)) => Some(number),
            Some(PartitionChoice::Same) => Some(self.partition_of(draft)?),
        };
        let message = Message {
            key,
            value: draft.value.as_deref(),
            headers: self.headers(draft, headers),
            timestamp: self.timestamp.or(draft.timestamp).unwrap_or_else(now),
        };
        Ok(self.queue.put(&message, partition))
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

    /// The message's own headers and those of every message, in their wire form.
    fn headers<'b>(&self, draft: &Draft<'_>, buffer: &'b mut Vec<u8>) -> &'b [u8] {
        if self.headers.is_empty() && draft.headers.is_empty() {
            return NO_HEADERS;
        }
        let own = draft.headers.iter().map(|header| (header.name.as_bytes(), header.value.as_deref()));
        let common = self.headers.iter().map(|(name, value)| (name.as_bytes(), Some(value.as_bytes())));
        let all: Vec<(&[u8], Option<&[u8]>)> = own.chain(common).collect();
        buffer.clear();
        Headers::encode(all.into_iter(), buffer);
        buffer
    }
}

/// Milliseconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
