//! The brokers' answers: what arrived where, and what did not.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, Producer as _, ProducerContext};

use crate::error::CommandError;
use crate::gateway::quiet;

/// Longer than it takes to find out that there is nothing to hurry.
const HURRY: Duration = Duration::from_secs(2);

/// One poll: answers are taken at once, this is how often the thread looks up.
const POLL: Duration = Duration::from_millis(20);

/// librdkafka's producer with our accounting.
pub(in crate::commands) type Producer<R> = BaseProducer<Delivery<R>>;

/// Learns about every message that arrived.
pub(in crate::commands) trait Receipt: Send + 'static {
    /// The message of this number (from 1) is in this partition at this offset, or at −1 when no broker
    /// said where.
    fn arrived(&mut self, number: u64, partition: i32, offset: i64, bytes: u64);

    /// No answer waits at the moment: what was printed should become visible.
    fn pause(&mut self) {}
}

/// Accounts for every message that was handed over.
pub(in crate::commands) struct Delivery<R> {
    settled: AtomicU64,
    failed: AtomicBool,
    state: Arc<Mutex<State<R>>>,
}

/// What the answers said.
pub(in crate::commands) struct State<R> {
    /// What arrived.
    pub(in crate::commands) receipt: R,
    /// How many did not.
    pub(in crate::commands) lost: u64,
    /// The first of them.
    pub(in crate::commands) first: Option<Failure>,
    /// The last that librdkafka said about the connections.
    pub(in crate::commands) remark: Option<String>,
}

/// Why a message did not arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::commands) struct Failure {
    /// Which message, from 1.
    pub(in crate::commands) number: u64,
    /// The partition that it was for, where that was decided.
    pub(in crate::commands) partition: Option<i32>,
    /// librdkafka's code.
    pub(in crate::commands) code: RDKafkaErrorCode,
}

impl<R: Receipt> Delivery<R> {
    pub(in crate::commands) fn new(receipt: R) -> Self {
        let state = State { receipt, lost: 0, first: None, remark: None };
        Self { settled: AtomicU64::new(0), failed: AtomicBool::new(false), state: Arc::new(Mutex::new(state)) }
    }

    /// How many messages have arrived or failed.
    pub(in crate::commands) fn settled(&self) -> u64 {
        self.settled.load(Ordering::Acquire)
    }

    /// Whether any failed.
    pub(in crate::commands) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// What the answers said so far.
    pub(in crate::commands) fn state(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Spares the first message half a second: librdkafka asks for a producer id when metadata comes, drops its
/// bootstrap connection for the same reason, finds no broker and waits 500 ms. A second answer, by a broker
/// that stays, makes it ask again at once.
pub(in crate::commands) fn hurry<R: Receipt>(producer: &Arc<Producer<R>>, topic: &str) {
    let (producer, topic) = (Arc::clone(producer), topic.to_owned());
    std::thread::spawn(move || {
        for _ in 0..2 {
            let _ = producer.client().fetch_metadata(Some(&topic), HURRY);
        }
    });
}

/// Takes the brokers' answers on a thread of its own, until it is dropped.
pub(in crate::commands) struct Poller(Arc<AtomicBool>);

impl Poller {
    pub(in crate::commands) fn start<R: Receipt>(producer: &Arc<Producer<R>>) -> Result<Self, CommandError> {
        let stop = Arc::new(AtomicBool::new(false));
        let (producer, stopped) = (Arc::clone(producer), Arc::clone(&stop));
        let work = move || {
            while !stopped.load(Ordering::Relaxed) {
                producer.poll(POLL);
                producer.context().state().receipt.pause();
            }
        };
        let started = std::thread::Builder::new().name("deliveries".to_owned()).spawn(work);
        started.map_err(|error| CommandError::failed(format!("cannot start a thread: {error}")))?;
        Ok(Self(stop))
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<R: Receipt> ClientContext for Delivery<R> {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, line: &str) {
        quiet(facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        quiet(&error.to_string(), reason);
        self.state().remark = Some(reason.to_owned());
    }
}

impl<R: Receipt> ProducerContext for Delivery<R> {
    /// The message's number.
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        let number = u64::try_from(number).unwrap_or(u64::MAX);
        let mut state = self.state();
        match result {
            Ok(message) => {
                let bytes = u64::try_from(message.key_len() + message.payload_len()).unwrap_or(u64::MAX);
                state.receipt.arrived(number, message.partition(), message.offset().max(-1), bytes);
            }
            Err((error, message)) => {
                state.lost += 1;
                let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown);
                let partition = Some(message.partition()).filter(|partition| *partition >= 0);
                state.first.get_or_insert(Failure { number, partition, code });
                self.failed.store(true, Ordering::Relaxed);
            }
        }
        drop(state);
        self.settled.fetch_add(1, Ordering::Release);
    }
}
