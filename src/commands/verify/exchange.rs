//! There and back: an idempotent producer with acks=all, and a fresh reader from the beginning.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::round_trip::{PartitionTrip, RoundTripPlan};
use crate::commands::produce::destination;
use crate::connect::Session;
use crate::error::CommandError;
use crate::kafka::admin::offsets::{self, OffsetQuery, OffsetSpec};
use crate::kafka::admin::topics::{self, Topic};
use crate::kafka::fetch::{Decompressor, Happening, Isolation, ReadOptions, Reader, Selection, TopicRef};
use crate::kafka::produce::{Acks, Arrived, Message, NO_HEADERS, Producer, Queue, Reason, Receipt, Settings};
use crate::kafka::records::Codec;
use crate::kafka::{Ask, Error};

/// How often the progress is noted.
const LOOK: Duration = Duration::from_millis(100);

/// How far a round trip is, for the message when its time is over.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Step {
    #[default]
    Creating,
    Producing {
        acknowledged: u64,
        all: u64,
    },
    Consuming {
        back: u64,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Creating => formatter.write_str("the topic was not usable everywhere"),
            Self::Producing { acknowledged, all } => {
                write!(formatter, "{acknowledged} of {all} messages were acknowledged")
            }
            Self::Consuming { back } => write!(formatter, "{back} messages came back"),
        }
    }
}

/// What one partition took, or gave back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Side {
    pub(super) partition: i32,
    pub(super) count: u64,
    pub(super) first: Option<i64>,
    pub(super) last: Option<i64>,
    checksum: u32,
}

impl Side {
    fn of(partition: i32) -> Self {
        Self { partition, ..Self::default() }
    }

    /// Takes the next message in the order of offsets.
    fn add(&mut self, offset: i64, key: Option<&[u8]>, value: Option<&[u8]>) {
        self.count += 1;
        self.first.get_or_insert(offset);
        self.last = Some(offset);
        let mut checksum = crc32c::crc32c_append(self.checksum, &offset.to_be_bytes());
        for field in [key, value] {
            // The length keeps a null from being an empty one, and a key from running into its value.
            let length = field.map_or(-1, |field| i64::try_from(field.len()).unwrap_or(i64::MAX));
            checksum = crc32c::crc32c_append(checksum, &length.to_be_bytes());
            checksum = crc32c::crc32c_append(checksum, field.unwrap_or_default());
        }
        self.checksum = checksum;
    }
}

pub(super) fn compare(sent: &Side, received: &Side) -> PartitionTrip {
    PartitionTrip {
        partition: sent.partition,
        produced: sent.count,
        consumed: received.count,
        first_offset: sent.first,
        last_offset: sent.last,
        produced_checksum: format!("{:08x}", sent.checksum),
        consumed_checksum: format!("{:08x}", received.checksum),
    }
}

/// Which message is at which offset of each partition.
#[derive(Default)]
struct Receipts(BTreeMap<(i32, i64), u64>);

impl Receipt for Receipts {
    fn arrived(&mut self, arrived: &Arrived<'_>) {
        let offsets = arrived.offset.into_iter().flat_map(|first| first..);
        let places = offsets.map(|offset| (arrived.partition, offset));
        self.0.extend(places.zip(arrived.numbers.iter().copied()));
    }
}

fn key(number: u64) -> String {
    number.to_string()
}

fn value(run_id: &str, number: u64) -> String {
    format!("{run_id} {number}")
}

/// Sends every message and waits until all replicas in sync have it.
pub(super) async fn produce(
    session: &Session,
    plan: &RoundTripPlan,
    run_id: &str,
    deadline: Instant,
    step: &mut Step,
) -> Result<Vec<Side>, CommandError> {
    let all = u64::from(plan.partitions.cast_unsigned()) * u64::from(plan.messages_per_partition);
    *step = Step::Producing { acknowledged: 0, all };
    let topic = topic(session, plan).await?;
    let timeout = Some(deadline.saturating_duration_since(Instant::now()));
    let settings = Settings { acks: Acks::All, codec: Codec::Zstd, timeout };
    let mut producer = Producer::new(&session.kafka, destination(&topic), settings, Receipts::default());
    let queue = producer.queue();
    let feeder = Feeder { queue: producer.queue(), run_id: run_id.to_owned(), partitions: plan.partitions, all };
    let feeding = tokio::task::spawn_blocking(move || feeder.run());
    let watching = async {
        loop {
            tokio::time::sleep(LOOK).await;
            *step = Step::Producing { acknowledged: all.saturating_sub(queue.unsettled()), all };
        }
    };
    tokio::select! {
        () = producer.run() => {}
        () = watching => {}
    }
    // It has ended, or it is stopped by a loss.
    let _ = feeding.await;
    if let Some(first) = &producer.losses().first {
        let why = match &first.reason {
            Reason::Refused(error) | Reason::TimedOut(Some(error)) => error.to_string(),
            Reason::TimedOut(None) => "no answer in time".to_owned(),
        };
        return Err(CommandError::failed(format!(
            "topic \"{}\": {} of {all} messages were not acknowledged; message {}: {why}",
            plan.topic,
            producer.losses().messages,
            first.number
        )));
    }
    let mut sides: Vec<Side> = (0..plan.partitions).map(Side::of).collect();
    for ((partition, offset), number) in &producer.receipt().0 {
        if let Some(side) = usize::try_from(*partition).ok().and_then(|at| sides.get_mut(at)) {
            side.add(*offset, Some(key(*number).as_bytes()), Some(value(run_id, *number).as_bytes()));
        }
    }
    Ok(sides)
}

/// Puts every message into the queue, on a thread of its own.
struct Feeder {
    queue: Arc<Queue>,
    run_id: String,
    partitions: i32,
    all: u64,
}

impl Feeder {
    fn run(&self) {
        let timestamp = jiff::Timestamp::now().as_millisecond();
        for number in 1..=self.all {
            let (key, value) = (key(number), value(&self.run_id, number));
            let partition = i32::try_from((number - 1) % u64::from(self.partitions.cast_unsigned()));
            let (key, value) = (Some(key.as_bytes()), Some(value.as_bytes()));
            let message = Message { key, value, headers: NO_HEADERS, timestamp };
            if self.queue.put(&message, partition.ok()).is_err() {
                return;
            }
        }
        self.queue.end();
    }
}

/// Reads every partition from the beginning to where it ends now.
pub(super) async fn consume(
    session: &Session,
    plan: &RoundTripPlan,
    step: &mut Step,
) -> Result<Vec<Side>, CommandError> {
    let selections = select(session, plan).await?;
    let (output, mut happenings) = mpsc::unbounded_channel();
    // The plan's deadline is the patience.
    let options = ReadOptions { isolation: Isolation::ReadCommitted, patience: None };
    let reading = Reader::new(&session.kafka, selections, options, output).run();
    let mut sides: Vec<Side> = (0..plan.partitions).map(Side::of).collect();
    let mut decompressor = Decompressor::default();
    let collecting = async {
        while let Some(happening) = happenings.recv().await {
            let Happening::Chunk(chunk) = happening else { continue };
            let Some(side) = usize::try_from(chunk.partition).ok().and_then(|at| sides.get_mut(at)) else { continue };
            let visited = chunk.visit(&mut decompressor, |record| {
                side.add(record.offset, record.key, record.value);
                ControlFlow::<()>::Continue(())
            });
            let _whole = visited.map_err(|error| Error::from((&chunk, error)))?;
            *step = Step::Consuming { back: sides.iter().map(|side| side.count).sum() };
        }
        Ok(())
    };
    tokio::try_join!(reading, collecting)?;
    Ok(sides)
}

/// The topic as it is now.
async fn topic(session: &Session, plan: &RoundTripPlan) -> Result<Topic, CommandError> {
    let metadata = session.kafka.metadata(&Ask::Topics(vec![plan.topic.clone()])).await?;
    let (mut found, errors) = topics::from_metadata(&metadata);
    match (errors.into_iter().next(), found.pop()) {
        (Some(error), _) => Err(error.into()),
        (None, Some(topic)) => Ok(topic),
        (None, None) => Err(CommandError::failed(format!("topic \"{}\" is gone", plan.topic))),
    }
}

async fn select(session: &Session, plan: &RoundTripPlan) -> Result<Vec<Selection>, CommandError> {
    let topic = topic(session, plan).await?;
    let queries: Vec<OffsetQuery> = topic
        .partitions
        .iter()
        .map(|known| OffsetQuery { topic: topic.name.clone(), partition: known.partition, leader: known.leader })
        .collect();
    let ends = offsets::list(&session.kafka, &queries, OffsetSpec::End, Isolation::ReadCommitted).await;
    let reference = TopicRef::from(&topic);
    topic
        .partitions
        .iter()
        .zip(ends)
        .map(|(known, end)| {
            Ok(Selection {
                topic: reference.clone(),
                partition: known.partition,
                leader: known.leader,
                start: 0,
                position: 0,
                stop: Some(end?.unwrap_or_default()),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_see_order_offset_null_and_borders() {
        let side = |messages: &[(i64, Option<&str>, Option<&str>)]| {
            let mut side = Side::of(0);
            for (offset, key, value) in messages {
                side.add(*offset, key.map(str::as_bytes), value.map(str::as_bytes));
            }
            side
        };
        let sent = side(&[(0, Some("1"), Some("a")), (1, Some("2"), Some("b"))]);
        assert!(compare(&sent, &sent.clone()).is_ok());
        for other in [
            side(&[(0, Some("2"), Some("b")), (1, Some("1"), Some("a"))]),
            side(&[(0, Some("1"), Some("a")), (2, Some("2"), Some("b"))]),
            side(&[(0, Some("1"), Some("a")), (1, Some("2b"), Some(""))]),
            side(&[(0, Some("1"), Some("a")), (1, Some("2"), None)]),
            side(&[(0, Some("1"), Some("a"))]),
            side(&[]),
        ] {
            assert!(!compare(&sent, &other).is_ok(), "{other:?}");
        }
        assert_eq!((sent.count, sent.first, sent.last), (2, Some(0), Some(1)));
    }
}
