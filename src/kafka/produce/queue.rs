//! What the thread that reads the input shares with the loop that sends: open batches, and a limit on what
//! waits.
//!
//! Messages are encoded where they are put in, straight into the batch of their partition. Those without a
//! key go to one partition until its batch is full or sent, then to the next: full batches are what makes
//! producing fast (KIP-480).

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::batch::{Builder, Message};
use super::partitioner;

/// How long a batch waits for more messages.
pub(super) const LINGER: Duration = Duration::from_millis(5);

/// What waits or is under way at most, uncompressed.
const MEMORY: usize = 32 << 20;

/// The largest batch: a larger one gains nothing.
const LARGEST: usize = 1_000_000;

/// What a message costs besides its bytes.
const OVERHEAD: usize = size_of::<u64>();

/// Nothing more is taken: a message was lost, or somebody said stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped;

/// The messages on their way to the loop.
pub struct Queue {
    state: Mutex<State>,
    /// Something was settled, or everything stops.
    room: Condvar,
    /// There is something for the loop.
    news: Notify,
}

struct State {
    /// By partition.
    open: Vec<Option<Builder>>,
    full: VecDeque<(usize, Builder)>,
    /// Partitions without a leader are left out as long as there are others.
    has_leader: Vec<bool>,
    /// Where the next message without a key goes.
    current: usize,
    /// Of everything that is not settled.
    weight: usize,
    /// The largest batch.
    largest: usize,
    accepted: u64,
    settled: u64,
    ended: bool,
    stopped: bool,
}

impl Queue {
    /// For so many partitions; `start` chooses the one that messages without a key begin with.
    pub(super) fn new(partitions: usize, start: usize) -> Self {
        let state = State {
            open: (0..partitions).map(|_| None).collect(),
            full: VecDeque::new(),
            has_leader: vec![true; partitions],
            current: start % partitions.max(1),
            weight: 0,
            largest: LARGEST,
            accepted: 0,
            settled: 0,
            ended: false,
            stopped: false,
        };
        Self { state: Mutex::new(state), room: Condvar::new(), news: Notify::new() }
    }

    /// Takes a message, for a partition or for where its key belongs. Blocks while too much waits.
    ///
    /// # Errors
    /// [`Stopped`], and then the message was not taken.
    pub fn put(&self, message: &Message<'_>, partition: Option<i32>) -> Result<(), Stopped> {
        let mut state = self.state();
        let weight = message.key.map_or(0, <[u8]>::len) + message.value.map_or(0, <[u8]>::len) + OVERHEAD;
        while state.weight > 0 && state.weight + weight > MEMORY && !state.stopped {
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.stopped {
            return Err(Stopped);
        }
        let chosen = partition.and_then(|number| usize::try_from(number).ok());
        let at = match (chosen, message.key) {
            (Some(number), _) => Some(number.min(state.open.len().saturating_sub(1))),
            (None, Some(key)) => Some(partitioner::of_key(key, state.open.len())),
            (None, None) => None,
        };
        if append(&mut state, at, message) {
            self.news.notify_one();
        }
        Ok(())
    }

    /// A batch beyond the topic's `max.message.bytes` would be refused as a whole.
    pub fn set_largest_message(&self, limit: usize) {
        self.state().largest = limit.min(LARGEST);
    }

    /// No more messages come; what was taken is still sent.
    pub fn end(&self) {
        self.state().ended = true;
        self.news.notify_one();
    }

    /// Takes no more messages; what was taken is still sent.
    pub fn stop(&self) {
        let mut state = self.state();
        (state.stopped, state.ended) = (true, true);
        drop(state);
        self.room.notify_all();
        self.news.notify_one();
    }

    /// Whether messages are refused.
    pub fn is_stopped(&self) -> bool {
        self.state().stopped
    }

    /// Messages that were taken and have no outcome yet.
    pub fn unsettled(&self) -> u64 {
        let state = self.state();
        state.accepted - state.settled
    }

    /// Wakes when there is something to take.
    pub(super) async fn news(&self) {
        self.news.notified().await;
    }

    /// The batches that are full, and of the partitions that are idle also those that have waited long enough.
    pub(super) fn take(&self, now: Instant, is_idle: impl Fn(usize) -> bool) -> Vec<(usize, Builder)> {
        let mut state = self.state();
        let mut taken: Vec<(usize, Builder)> = state.full.drain(..).collect();
        for at in 0..state.open.len() {
            let due = state.open[at].as_ref().is_some_and(|open| state.ended || open.born + LINGER <= now);
            if due
                && is_idle(at)
                && let Some(open) = state.open[at].take()
            {
                taken.push((at, open));
                if at == state.current {
                    state.turn();
                }
            }
        }
        taken
    }

    /// When the next batch of an idle partition has waited long enough.
    pub(super) fn next_due(&self, is_idle: impl Fn(usize) -> bool) -> Option<Instant> {
        let state = self.state();
        let open = state.open.iter().enumerate().filter(|(at, _)| is_idle(*at));
        open.filter_map(|(_, open)| open.as_ref().map(|open| open.born + LINGER)).min()
    }

    /// Which partitions have a leader.
    pub(super) fn set_leaders(&self, has_leader: Vec<bool>) {
        self.state().has_leader = has_leader;
    }

    /// So many messages that weighed so much have their outcome.
    pub(super) fn settle(&self, messages: usize, weight: usize) {
        let mut state = self.state();
        state.settled += messages as u64;
        state.weight = state.weight.saturating_sub(weight + messages * OVERHEAD);
        drop(state);
        self.room.notify_one();
    }

    /// Whether nothing more comes and nothing is left.
    pub(super) fn is_finished(&self) -> bool {
        let state = self.state();
        state.ended && state.accepted == state.settled
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Appends to the partition's batch, or to the current one; says whether the loop should look.
fn append(state: &mut State, chosen: Option<usize>, message: &Message<'_>) -> bool {
    let mut news = false;
    let mut at = chosen.unwrap_or(state.current);
    while state.open[at].as_ref().is_some_and(|open| open.size_with(message) > state.largest)
        && let Some(full) = state.open[at].take()
    {
        state.full.push_back((at, full));
        news = true;
        if at == state.current {
            state.turn();
        }
        at = chosen.unwrap_or(state.current);
    }
    state.accepted += 1;
    let number = state.accepted;
    let before = state.open[at].as_ref().map_or(0, Builder::size);
    let builder = state.open[at].get_or_insert_with(|| {
        news = true;
        Builder::new(Instant::now())
    });
    builder.push(message, number);
    state.weight += builder.size() - before + OVERHEAD;
    news
}

impl State {
    /// The next partition for messages without a key.
    fn turn(&mut self) {
        let count = self.open.len();
        let next = (1..=count).map(|step| (self.current + step) % count);
        let mut next = next.skip_while(|at| !self.has_leader[*at]);
        self.current = next.next().unwrap_or((self.current + 1) % count.max(1));
    }
}

#[cfg(test)]
mod tests {
    use super::super::batch::NO_HEADERS;
    use super::*;

    fn message(key: Option<&'static str>, value: &'static [u8]) -> Message<'static> {
        Message { key: key.map(str::as_bytes), value: Some(value), headers: NO_HEADERS, timestamp: 0 }
    }

    fn queue(partitions: usize, largest: usize, start: usize) -> Queue {
        let queue = Queue::new(partitions, start);
        queue.set_largest_message(largest);
        queue
    }

    fn put(queue: &Queue, key: Option<&'static str>, partition: Option<i32>) {
        queue.put(&message(key, b"0123456789"), partition).expect("there is room");
    }

    fn partitions(taken: &[(usize, Builder)]) -> Vec<usize> {
        taken.iter().map(|(at, _)| *at).collect()
    }

    #[test]
    fn messages_without_a_key_fill_one_batch_after_the_other() {
        // Room for the head and two messages.
        let queue = queue(3, 61 + 2 * 18, 1);
        for _ in 0..7 {
            put(&queue, None, None);
        }
        let nobody = |_: usize| false;
        assert_eq!(partitions(&queue.take(Instant::now(), nobody)), [1, 2, 0]);
        queue.end();
        assert_eq!(partitions(&queue.take(Instant::now(), |_| true)), [1], "the seventh");
        assert_eq!((queue.unsettled(), queue.is_finished()), (7, false));
        queue.settle(7, 0);
        assert!(queue.is_finished());
    }

    #[test]
    fn keys_and_chosen_partitions_stay_where_they_belong() {
        let queue = queue(4, 61 + 2 * 20, 0);
        for _ in 0..5 {
            put(&queue, Some("a"), None);
            put(&queue, Some("a"), Some(2));
        }
        queue.end();
        let of_key = partitioner::of_key(b"a", 4);
        let mut taken = partitions(&queue.take(Instant::now(), |_| true));
        taken.sort_unstable();
        let mut wanted = vec![of_key, of_key, of_key, 2, 2, 2];
        wanted.sort_unstable();
        assert_eq!(taken, wanted);
    }

    #[test]
    fn a_batch_waits_for_more_and_for_its_partition_to_be_idle() {
        let queue = queue(2, 1000, 0);
        let before = Instant::now();
        put(&queue, None, None);
        let due = queue.next_due(|_| true).expect("one is open");
        assert!(due >= before + LINGER);
        assert!(queue.take(before, |_| true).is_empty());
        assert!(queue.take(due, |_| false).is_empty());
        assert_eq!(queue.next_due(|_| false), None);
        assert_eq!(partitions(&queue.take(due, |_| true)), [0]);
        put(&queue, None, None);
        queue.end();
        assert_eq!(partitions(&queue.take(before, |_| true)), [1], "the next partition, at once");
    }

    #[test]
    fn partitions_without_a_leader_are_left_out() {
        let queue = queue(3, 61 + 18, 0);
        queue.set_leaders(vec![true, false, true]);
        for _ in 0..4 {
            put(&queue, None, None);
        }
        assert_eq!(partitions(&queue.take(Instant::now(), |_| false)), [0, 2, 0]);
        queue.set_leaders(vec![false; 3]);
        put(&queue, None, None);
        put(&queue, None, None);
        assert_eq!(queue.take(Instant::now(), |_| false).len(), 2, "somewhere, when none has a leader");
    }

    #[test]
    fn what_does_not_fit_waits_until_something_is_settled_or_all_stops() {
        static LARGE: [u8; MEMORY] = [0; MEMORY];
        let queue = queue(1, 1 << 20, 0);
        queue.put(&message(None, &LARGE), None).expect("alone, anything fits");
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| queue.put(&message(None, b"a"), None));
            std::thread::sleep(Duration::from_millis(20));
            assert!(!waiting.is_finished());
            queue.settle(1, 2 * MEMORY);
            assert_eq!(waiting.join().expect("no panic"), Ok(()));
            let waiting = scope.spawn(|| queue.put(&message(None, &LARGE), None));
            queue.stop();
            assert_eq!(waiting.join().expect("no panic"), Err(Stopped));
        });
    }
}
