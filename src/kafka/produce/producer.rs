//! The loop: it takes batches from the queue, keeps requests under way to each leader, and accounts for every
//! batch.
//!
//! One task owns every line, so that no batch is lost or sent twice by accident, whatever breaks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use kafka_protocol::messages::{MetadataResponse, ProduceRequest, ProduceResponse};

use super::batch::{Builder, pack};
use super::lane::Lane;
use super::line::{BatchId, Line};
use super::queue::Queue;
use super::wire;
use super::{Acks, Destination, Identity, Losses, Reason, Receipt, Settings};
use crate::kafka::connection::Pending;
use crate::kafka::fetch::TopicRef;
use crate::kafka::records::Codec;
use crate::kafka::{Ask, Cluster, Connection, Error, NodeId};

/// What one request carries: a batch at least, and many where they are small.
const REQUEST: usize = 4 << 20;
/// Smaller batches are compressed at once: handing one to another thread takes as long.
const SMALL: usize = 16 * 1024;
/// Connections that are opened before there is something to send.
const MOST_EARLY: usize = 6;
/// The loop looks up at least so often.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

pub(super) type Work<'c> = FuturesUnordered<BoxFuture<'c, Outcome>>;

/// A request that was sent.
pub(super) struct Sent {
    pub(super) node: NodeId,
    pub(super) batches: Vec<(usize, BatchId)>,
}

/// What has happened.
pub(super) enum Outcome {
    Connected,
    Identified(Result<Identity, Error>),
    Packed { line: usize, id: BatchId, packed: std::io::Result<Bytes> },
    Written { sent: Sent, answer: Result<(Arc<Connection>, Option<Pending>), Error> },
    Answered { sent: Sent, answer: Result<ProduceResponse, Error> },
    Looked(Result<MetadataResponse, Error>),
}

/// Sends what is put into its queue.
pub struct Producer<'c, R> {
    pub(super) cluster: &'c Cluster,
    pub(super) topic: TopicRef,
    pub(super) settings: Settings,
    pub(super) queue: Arc<Queue>,
    /// By partition.
    pub(super) lines: Vec<Line>,
    pub(super) lanes: BTreeMap<NodeId, Lane>,
    pub(super) receipt: R,
    pub(super) losses: Losses,
    pub(super) looking: bool,
    pub(super) identifying: bool,
    pub(super) ask_again_at: Instant,
    pub(super) missing_since: Option<Instant>,
}

impl<'c, R: Receipt> Producer<'c, R> {
    /// A producer; what arrived is told to the receipt.
    pub fn new(cluster: &'c Cluster, destination: Destination, settings: Settings, receipt: R) -> Self {
        let mut seed = [0; 4];
        // Without randomness everybody begins with the first partition, and nothing breaks.
        let _ = getrandom::fill(&mut seed);
        let start = usize::try_from(u32::from_ne_bytes(seed)).unwrap_or(0);
        let queue = Queue::new(destination.leaders.len(), start);
        queue.set_leaders(destination.leaders.iter().map(Option::is_some).collect());
        let mut lines: Vec<Line> =
            destination.leaders.into_iter().zip(0..).map(|(leader, partition)| Line::new(partition, leader)).collect();
        if settings.acks == Acks::All {
            lines.iter_mut().for_each(Line::await_identity);
        }
        Self {
            cluster,
            topic: destination.topic,
            settings,
            queue: Arc::new(queue),
            lines,
            lanes: BTreeMap::new(),
            receipt,
            losses: Losses::default(),
            looking: false,
            identifying: false,
            ask_again_at: Instant::now(),
            missing_since: None,
        }
    }

    /// Where messages go in.
    pub fn queue(&self) -> Arc<Queue> {
        Arc::clone(&self.queue)
    }

    /// What it was given.
    pub fn receipt(&mut self) -> &mut R {
        &mut self.receipt
    }

    /// What did not arrive so far.
    pub fn losses(&self) -> &Losses {
        &self.losses
    }

    /// Sends until the queue has ended and every message has its outcome. After the first loss the queue takes
    /// nothing more; what it had taken for other partitions is still sent.
    pub async fn run(&mut self) {
        let mut work: Work<'c> = FuturesUnordered::new();
        self.connect_early(&work);
        loop {
            let now = Instant::now();
            self.take_batches(&work, now);
            self.give_up_late(now);
            self.start_questions(&work, now);
            self.start_requests(&work, now);
            if self.queue.is_finished() {
                return;
            }
            let wake = tokio::time::Instant::from_std(self.next_wake(now));
            tokio::select! {
                Some(outcome) = work.next() => self.settle(outcome, &work),
                () = self.queue.news() => {}
                () = tokio::time::sleep_until(wake) => {}
            }
        }
    }

    /// The leaders' connections, while the input is still read. Who is missed is connected to later.
    fn connect_early(&self, work: &Work<'c>) {
        let leaders: BTreeSet<NodeId> = self.lines.iter().filter_map(|line| line.leader).collect();
        for node in leaders.into_iter().take(MOST_EARLY) {
            let cluster = self.cluster;
            work.push(Box::pin(async move {
                let _ = cluster.connection(node).await;
                Outcome::Connected
            }));
        }
    }

    fn take_batches(&mut self, work: &Work<'c>, now: Instant) {
        for (at, builder) in self.queue.take(now, |at| self.lines[at].is_idle()) {
            self.enqueue(at, builder, work);
        }
    }

    fn enqueue(&mut self, at: usize, builder: Builder, work: &Work<'c>) {
        let line = &mut self.lines[at];
        let (mut batch, open) = builder.close(line.partition);
        // Whoever alone holds the bytes changes them without a copy.
        let (bytes, count, codec) = (std::mem::take(&mut batch.bytes), batch.count(), self.settings.codec);
        let small = codec == Codec::None || batch.weight < SMALL;
        let id = line.push(batch);
        if line.has_failed() {
            self.lose(at, None);
        } else if small {
            let packed = pack(bytes, count, open, codec);
            self.packed(at, id, packed);
        } else {
            work.push(Box::pin(async move {
                let packing = tokio::task::spawn_blocking(move || pack(bytes, count, open, codec));
                let packed = packing.await.unwrap_or_else(|panic| Err(std::io::Error::other(panic)));
                Outcome::Packed { line: at, id, packed }
            }));
        }
    }

    pub(super) fn packed(&mut self, at: usize, id: BatchId, packed: std::io::Result<Bytes>) {
        match packed {
            Ok(bytes) => self.lines[at].packed(id, bytes),
            Err(error) => {
                let to = self.subject(at);
                self.lose(at, Some(Reason::Refused(Error::Lost { to, reason: format!("cannot compress: {error}") })));
            }
        }
    }

    fn give_up_late(&mut self, now: Instant) {
        let Some(timeout) = self.settings.timeout else { return };
        for at in 0..self.lines.len() {
            if self.lines[at].oldest().is_some_and(|born| born + timeout <= now) {
                let trouble = self.lines[at].trouble().cloned();
                self.lose(at, Some(Reason::TimedOut(trouble)));
            }
        }
    }

    /// Asks for leaders and for a producer id where they are needed.
    fn start_questions(&mut self, work: &Work<'c>, now: Instant) {
        if self.ask_again_at > now {
            return;
        }
        let cluster = self.cluster;
        if !self.looking && self.lines.iter().any(Line::is_lost) {
            self.looking = true;
            let ask = Ask::Topics(vec![self.topic.name.to_string()]);
            work.push(Box::pin(async move { Outcome::Looked(cluster.metadata(&ask).await) }));
        }
        if !self.identifying && self.lines.iter().any(Line::is_without_identity) {
            self.identifying = true;
            work.push(Box::pin(async move { Outcome::Identified(wire::identity(cluster).await) }));
        }
    }

    fn start_requests(&mut self, work: &Work<'c>, now: Instant) {
        let mut by_leader: BTreeMap<NodeId, Vec<usize>> = BTreeMap::new();
        for (at, line) in self.lines.iter().enumerate().filter(|(_, line)| line.is_ready(now)) {
            if let Some(leader) = line.leader {
                by_leader.entry(leader).or_default().push(at);
            }
        }
        for (node, mut ready) in by_leader {
            let lane = self.lanes.entry(node).or_default();
            if !lane.is_free(now) {
                continue;
            }
            lane.writing = true;
            lane.requests += 1;
            ready.sort_by_key(|at| self.lines[*at].oldest());
            let mut batches = Vec::new();
            let mut records = Vec::new();
            let mut size = 0;
            for at in ready {
                let Some((id, bytes)) = self.lines[at].take() else { continue };
                size += bytes.len();
                batches.push((at, id));
                records.push((self.lines[at].partition, bytes));
                if size >= REQUEST {
                    break;
                }
            }
            let sent = Sent { node, batches };
            work.push(Box::pin(write(self.cluster, self.topic.clone(), self.settings.acks, sent, records)));
        }
    }

    /// When something can be done that could not be done now.
    fn next_wake(&self, now: Instant) -> Instant {
        let asks = self.lines.iter().any(|line| line.is_lost() || line.is_without_identity());
        let lines = self.lines.iter().filter_map(Line::pause_ends);
        let lanes = self.lanes.values().filter_map(|lane| lane.pause_ends(now));
        let late = self.lines.iter().filter_map(|line| Some(line.oldest()? + self.settings.timeout?));
        lines
            .chain(lanes)
            .chain(late)
            .chain(asks.then_some(self.ask_again_at))
            .chain(self.queue.next_due(|at| self.lines[at].is_idle()))
            .filter(|wake| *wake > now)
            .min()
            .unwrap_or(now + LONGEST_SLEEP)
            .min(now + LONGEST_SLEEP)
    }
}

impl<R> Drop for Producer<'_, R> {
    /// Whoever waits for room in the queue would wait for ever.
    fn drop(&mut self) {
        self.queue.stop();
    }
}

/// Sends a request to a broker, over a new connection if there is none.
async fn write(cluster: &Cluster, topic: TopicRef, acks: Acks, sent: Sent, records: Vec<(i32, Bytes)>) -> Outcome {
    // The broker gives up first, so that its reason is learned.
    let patience = cluster.options().request_timeout.mul_f32(0.75).as_millis();
    let timeout_ms = i32::try_from(patience).unwrap_or(i32::MAX);
    let written = async {
        let connection = cluster.connection(sent.node).await?;
        let version = connection.supports::<ProduceRequest>().unwrap_or_default();
        let request = wire::request(&topic, records, acks, timeout_ms, version);
        if acks == Acks::None {
            connection.tell(&request).await?;
            return Ok((connection, None));
        }
        let pending = connection.begin(&request).await?;
        Ok((connection, Some(pending)))
    };
    Outcome::Written { answer: written.await, sent }
}

#[cfg(test)]
#[path = "producer_tests.rs"]
mod tests;
