//! One partition's batches in their order: waiting, under way, and again. Pure: time and answers come in,
//! bytes to send come out.
//!
//! Idempotence (KIP-98) rests on three things here. A batch keeps its producer id and sequence number
//! however often it is sent. At most [`MOST_FLYING`] are under way, because a broker remembers that many of a
//! producer. And after a failure nothing is sent until all that is under way has its answer; then everything
//! without a good one goes again, in order.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::Identity;
use super::batch::{Batch, behind};
use crate::kafka::{Error, NodeId};

/// Batches of a partition that a broker can recognise when they come again.
pub(super) const MOST_FLYING: usize = 5;

/// Before a batch is sent again.
const PAUSE: Duration = Duration::from_millis(100);

/// Names a batch while it is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct BatchId(u64);

#[derive(Debug)]
struct Waiting {
    id: BatchId,
    batch: Batch,
    /// It is compressed and may be sent.
    ready: bool,
}

#[derive(Debug)]
struct Flying {
    id: BatchId,
    batch: Batch,
    /// It was answered, and must be sent again.
    again: bool,
}

/// What is to be done about an answer that is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cure {
    /// Send it again to the same broker.
    Repeat,
    /// Look for the leader first.
    FindLeader,
    /// The broker does not know what came before it: if that was acknowledged, begin anew as another producer.
    Sequence,
}

/// One partition.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) partition: i32,
    pub(super) leader: Option<NodeId>,
    identity: Option<Identity>,
    /// The broker has a batch of this identity.
    introduced: bool,
    /// Of the next batch that is sent for the first time.
    sequence: i32,
    waiting: VecDeque<Waiting>,
    flying: VecDeque<Flying>,
    next_id: u64,
    /// Why it is not getting on.
    trouble: Option<Error>,
    not_before: Option<Instant>,
    /// Another producer id is needed.
    wants_identity: bool,
    failed: bool,
}

impl Line {
    pub(super) fn new(partition: i32, leader: Option<NodeId>) -> Self {
        Self {
            partition,
            leader,
            identity: None,
            introduced: false,
            sequence: 0,
            waiting: VecDeque::new(),
            flying: VecDeque::new(),
            next_id: 0,
            trouble: None,
            not_before: None,
            wants_identity: false,
            failed: false,
        }
    }

    /// Appends a batch that is not compressed yet.
    pub(super) fn push(&mut self, batch: Batch) -> BatchId {
        let id = self.new_id();
        self.waiting.push_back(Waiting { id, batch, ready: false });
        id
    }

    /// A batch is compressed.
    pub(super) fn packed(&mut self, id: BatchId, bytes: Bytes) {
        if let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.id == id) {
            waiting.batch.bytes = bytes;
            waiting.ready = true;
        }
    }

    /// Whether more messages should be given a batch of their own.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.flying.len() < 2
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.flying.is_empty()
    }

    /// Whether its leader must be looked for.
    pub(super) fn is_lost(&self) -> bool {
        self.leader.is_none() && !self.is_empty()
    }

    /// Whether its first batch may be sent now. `identified`: whether producers here have an id.
    pub(super) fn is_ready(&self, now: Instant) -> bool {
        self.leader.is_some()
            && !self.wants_identity
            && self.flying.len() < self.most_flying()
            && !self.flying.iter().any(|flying| flying.again)
            && self.not_before.is_none_or(|until| until <= now)
            && self.waiting.front().is_some_and(|first| first.ready)
    }

    /// Of a producer that it does not know, a broker takes whatever sequence comes first (KIP-360): were the first
    /// batch refused and the second not, the second would stand before the first for good.
    fn most_flying(&self) -> usize {
        if self.identity.is_none() || self.introduced { MOST_FLYING } else { 1 }
    }

    /// When a pause ends.
    pub(super) fn pause_ends(&self) -> Option<Instant> {
        self.not_before.filter(|_| !self.waiting.is_empty())
    }

    /// When the oldest batch came.
    pub(super) fn oldest(&self) -> Option<Instant> {
        let flying = self.flying.front().map(|flying| flying.batch.born);
        flying.or_else(|| self.waiting.front().map(|waiting| waiting.batch.born))
    }

    /// The first batch, to be sent.
    pub(super) fn take(&mut self) -> Option<(BatchId, Bytes)> {
        let Waiting { id, mut batch, .. } = self.waiting.pop_front()?;
        self.not_before = None;
        if batch.stamp.is_none() {
            batch.stamp(self.identity, self.sequence);
            self.sequence = behind(self.sequence, batch.count());
        }
        let bytes = batch.bytes.clone();
        self.flying.push_back(Flying { id, batch, again: false });
        Some((id, bytes))
    }

    /// A batch was acknowledged; `None` for one that was given up before.
    pub(super) fn arrived(&mut self, id: BatchId) -> Option<Batch> {
        let at = self.flying.iter().position(|flying| flying.id == id)?;
        let arrived = self.flying.remove(at)?;
        self.trouble = None;
        self.introduced = true;
        self.gather(None);
        Some(arrived.batch)
    }

    /// A batch was not acknowledged, but may be another time.
    pub(super) fn again(&mut self, id: BatchId, error: Error, cure: Cure, now: Instant) {
        let Some(at) = self.flying.iter().position(|flying| flying.id == id) else { return };
        self.flying[at].again = true;
        match cure {
            Cure::Repeat => {}
            Cure::FindLeader => self.leader = None,
            // Only what is behind a batch that failed itself can be out of order without a loss.
            Cure::Sequence => self.wants_identity |= at == 0,
        }
        self.trouble = Some(error);
        self.gather(Some(now + PAUSE));
    }

    /// A batch that is under way.
    pub(super) fn flying(&self, id: BatchId) -> Option<&Batch> {
        self.flying.iter().find(|flying| flying.id == id).map(|flying| &flying.batch)
    }

    /// A batch was refused as too large: its halves go in its place.
    pub(super) fn replace(&mut self, id: BatchId, halves: [Batch; 2], now: Instant) {
        let Some(at) = self.flying.iter().position(|flying| flying.id == id) else { return };
        self.flying.remove(at);
        for (half, place) in halves.into_iter().zip(at..) {
            let id = self.new_id();
            self.flying.insert(place, Flying { id, batch: half, again: true });
        }
        self.gather(Some(now));
    }

    fn new_id(&mut self) -> BatchId {
        self.next_id += 1;
        BatchId(self.next_id)
    }

    /// Puts everything that must go again back to the front, once nothing is under way any more.
    fn gather(&mut self, not_before: Option<Instant>) {
        if self.flying.iter().all(|flying| flying.again) {
            while let Some(Flying { id, batch, .. }) = self.flying.pop_back() {
                self.waiting.push_front(Waiting { id, batch, ready: true });
                self.not_before = self.not_before.max(not_before);
            }
        }
    }

    /// Whether another producer id is to be asked for: everything has its answer.
    pub(super) fn is_without_identity(&self) -> bool {
        self.wants_identity && self.flying.is_empty()
    }

    /// From now on the batches are this producer's, also those that were sent as another's and not acknowledged:
    /// the broker has said that it has none of them.
    pub(super) fn identify(&mut self, identity: Identity) {
        self.identity = Some(identity);
        self.introduced = false;
        self.wants_identity = false;
        self.sequence = 0;
        for waiting in &mut self.waiting {
            waiting.batch.stamp = None;
        }
    }

    /// Until [`identify`](Self::identify) nothing is sent.
    pub(super) fn await_identity(&mut self) {
        self.wants_identity = true;
    }

    /// Why it is not getting on, if it is not.
    pub(super) fn trouble(&self) -> Option<&Error> {
        self.trouble.as_ref()
    }

    pub(super) fn set_trouble(&mut self, error: Error) {
        self.trouble = Some(error);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed
    }

    /// Gives everything up, in order: with a batch lost, what comes behind it must not arrive.
    pub(super) fn fail(&mut self) -> Vec<Batch> {
        self.failed = true;
        let flying = self.flying.drain(..).map(|flying| flying.batch);
        flying.chain(self.waiting.drain(..).map(|waiting| waiting.batch)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::batch::{Builder, Message, NO_HEADERS, pack};
    use super::*;
    use crate::kafka::records::Codec;

    const FIRST: Identity = Identity { id: 1, epoch: 0 };
    const SECOND: Identity = Identity { id: 2, epoch: 0 };

    fn lost() -> Error {
        Error::UnknownNode(NodeId(1))
    }

    /// A line with so many batches of two messages, all ready. The broker knows its producer.
    fn line(batches: u64) -> Line {
        let mut line = Line::new(0, Some(NodeId(1)));
        line.identify(FIRST);
        line.introduced = true;
        for _ in 0..batches {
            let mut builder = Builder::new(Instant::now());
            for number in 1..=2 {
                builder.push(&Message { key: None, value: None, headers: NO_HEADERS, timestamp: 0 }, number);
            }
            let (batch, open) = builder.close(0);
            let packed = pack(batch.bytes.clone(), 2, open, Codec::None).expect("memory");
            let id = line.push(batch);
            line.packed(id, packed);
        }
        line
    }

    fn send(line: &mut Line, now: Instant) -> BatchId {
        assert!(line.is_ready(now));
        line.take().expect("one").0
    }

    fn stamps(line: &Line) -> Vec<Option<(Identity, i32)>> {
        line.flying.iter().map(|flying| flying.batch.stamp).collect()
    }

    #[test]
    fn five_are_under_way_in_order_and_numbered() {
        let (mut line, now) = (line(7), Instant::now());
        let sent: Vec<BatchId> = (0..5).map(|_| send(&mut line, now)).collect();
        assert!(!line.is_ready(now));
        assert_eq!(stamps(&line), [0, 2, 4, 6, 8].map(|sequence| Some((FIRST, sequence))));
        assert!(line.arrived(sent[0]).is_some());
        assert!(line.is_ready(now));
        assert!(line.arrived(sent[0]).is_none(), "only once");
    }

    #[test]
    fn after_a_failure_all_answers_are_waited_for_and_the_order_stays() {
        let (mut line, now) = (line(4), Instant::now());
        let sent: Vec<BatchId> = (0..3).map(|_| send(&mut line, now)).collect();
        line.again(sent[0], lost(), Cure::FindLeader, now);
        assert!(!line.is_ready(now) && line.is_lost());
        line.again(sent[1], lost(), Cure::Sequence, now);
        line.leader = Some(NodeId(2));
        assert!(!line.is_ready(now + PAUSE), "the third has no answer");
        line.again(sent[2], lost(), Cure::Sequence, now);
        assert!(!line.is_ready(now) && line.is_ready(now + PAUSE));
        assert_eq!(line.pause_ends(), Some(now + PAUSE));
        assert!(!line.is_without_identity(), "those behind were out of order because of the first");
        let again: Vec<BatchId> = (0..4).map(|_| send(&mut line, now + PAUSE)).collect();
        assert_eq!(again[..3], sent);
        assert_eq!(stamps(&line), [0, 2, 4, 6].map(|sequence| Some((FIRST, sequence))), "the same numbers");
    }

    #[test]
    fn an_answer_that_comes_after_a_failure_counts() {
        let (mut line, now) = (line(2), Instant::now());
        let sent = [send(&mut line, now), send(&mut line, now)];
        line.again(sent[0], lost(), Cure::Repeat, now);
        assert!(line.arrived(sent[1]).is_some());
        assert!(line.is_ready(now + PAUSE));
        assert_eq!((send(&mut line, now + PAUSE), line.waiting.len()), (sent[0], 0));
    }

    #[test]
    fn who_is_out_of_order_behind_nothing_begins_anew() {
        let (mut line, now) = (line(3), Instant::now());
        let sent = [send(&mut line, now), send(&mut line, now)];
        line.again(sent[0], lost(), Cure::Sequence, now);
        assert!(!line.is_without_identity(), "the second has no answer");
        line.again(sent[1], lost(), Cure::Sequence, now);
        assert!(line.is_without_identity() && !line.is_ready(now + PAUSE));
        line.identify(SECOND);
        let first = send(&mut line, now + PAUSE);
        assert!(!line.is_ready(now + PAUSE), "a broker takes whatever comes first of a producer that it does not know");
        assert_eq!(stamps(&line), [Some((SECOND, 0))]);
        assert!(line.arrived(first).is_some());
        for _ in 0..2 {
            send(&mut line, now + PAUSE);
        }
        assert_eq!(stamps(&line), [2, 4].map(|sequence| Some((SECOND, sequence))));
    }

    #[test]
    fn what_is_given_up_is_everything_in_order() {
        let (mut line, now) = (line(3), Instant::now());
        let sent = send(&mut line, now);
        let lost = line.fail();
        assert_eq!((lost.len(), line.is_empty(), line.has_failed()), (3, true, true));
        assert!(line.arrived(sent).is_none());
    }

    #[test]
    fn nothing_is_sent_before_it_is_compressed_or_without_a_leader() {
        let now = Instant::now();
        let mut line = line(0);
        let mut builder = Builder::new(now);
        builder.push(&Message { key: None, value: None, headers: NO_HEADERS, timestamp: 0 }, 1);
        let (batch, _) = builder.close(0);
        let id = line.push(batch);
        assert!(!line.is_ready(now));
        line.packed(id, Bytes::from(vec![0; 100]));
        assert!(line.is_ready(now));
        line.leader = None;
        assert!(!line.is_ready(now));
    }
}
