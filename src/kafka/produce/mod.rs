//! Writing messages: our own producer on our own connections.
//!
//! librdkafka can do it, but not as fast as a laptop and three brokers allow: sending idempotently it spins
//! while five requests are under way (twice the processor time of the same run without), every message is an
//! allocation and a callback, and every byte passes through the gateway once more. Here a message is encoded
//! once, into its batch, and a batch goes straight into the stream.
//!
//! * `queue`: what the thread that reads the input shares with the loop; bounds the memory.
//! * `batch`, `compress`: record batches (magic 2), the four codecs.
//! * `partitioner`: the partition of a key.
//! * `line`: one partition's batches in their order; sequence numbers, failures. Pure.
//! * `producer`, `answers`: the loop: requests under way, leaders looked for again when they move.
//! * `lane`: one broker: how much is under way, and pauses.
//! * `wire`: the requests, and what the codes of an answer ask for.

mod answers;
mod batch;
mod compress;
mod lane;
mod line;
mod partitioner;
mod producer;
mod queue;
mod wire;

use std::time::Duration;

use super::{Error, NodeId};
use crate::kafka::fetch::TopicRef;
use crate::kafka::records::Codec;

pub use batch::{Message, NO_HEADERS};
pub use producer::Producer;
pub use queue::{Queue, Stopped};

/// Who must have a message before it counts (`acks`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acks {
    /// All replicas in sync; sent idempotently, so that a retry neither writes twice nor in another order.
    All,
    /// The leader.
    Leader,
    /// Nobody: there is no answer at all.
    None,
}

impl Acks {
    fn wire(self) -> i16 {
        match self {
            Self::All => -1,
            Self::Leader => 1,
            Self::None => 0,
        }
    }
}

/// How to send.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Who must have a message before it counts.
    pub acks: Acks,
    /// The compression.
    pub codec: Codec,
    /// How long a message may take, with all tries; `None`: for ever.
    pub timeout: Option<Duration>,
}

/// Where to send.
#[derive(Debug, Clone)]
pub struct Destination {
    /// The topic.
    pub topic: TopicRef,
    /// The leader of each partition, by number.
    pub leaders: Vec<Option<NodeId>>,
}

/// A producer's id and epoch, given by a broker (KIP-98).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    id: i64,
    epoch: i16,
}

/// Messages that arrived together: one behind the other in one partition.
#[derive(Debug, Clone, Copy)]
pub struct Arrived<'a> {
    /// The partition.
    pub partition: i32,
    /// The offset of the first; `None` when no broker said.
    pub offset: Option<i64>,
    /// The number of each message in the whole run, from 1.
    pub numbers: &'a [u64],
    /// Of keys and values.
    pub bytes: u64,
}

/// Learns about every message that arrived.
pub trait Receipt {
    /// These are in Kafka.
    fn arrived(&mut self, arrived: &Arrived<'_>);
}

/// What was lost.
#[derive(Debug, Clone, Default)]
pub struct Losses {
    /// How many messages.
    pub messages: u64,
    /// About the first that was noticed.
    pub first: Option<Failure>,
}

/// Why a message did not arrive.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Which message, from 1.
    pub number: u64,
    /// The partition that it was for.
    pub partition: i32,
    /// Why.
    pub reason: Reason,
}

/// Why.
#[derive(Debug, Clone)]
pub enum Reason {
    /// Its time was over; the last trouble that its partition had.
    TimedOut(Option<Error>),
    /// Kafka refused it, or cannot be spoken to.
    Refused(Error),
}
