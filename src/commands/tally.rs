//! What went through: the last line of `produce` and `consume`, on stderr.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::view;

/// Counts messages on their way.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    started: Instant,
    last: Instant,
    /// How many.
    pub(super) messages: u64,
    /// Of keys and values.
    pub(super) bytes: u64,
    partitions: BTreeSet<(String, i32)>,
    /// Most messages are of the same partition as the one before.
    latest: Option<(String, i32)>,
}

impl Tally {
    pub(super) fn start() -> Self {
        let now = Instant::now();
        Self { started: now, last: now, messages: 0, bytes: 0, partitions: BTreeSet::new(), latest: None }
    }

    /// Counts messages of one partition.
    pub(super) fn add(&mut self, topic: &str, partition: i32, messages: u64, bytes: u64) {
        self.messages += messages;
        self.bytes += bytes;
        self.last = Instant::now();
        if self.latest.as_ref().is_none_or(|(name, number)| *number != partition || name != topic) {
            let key = (topic.to_owned(), partition);
            self.latest = Some(key.clone());
            self.partitions.insert(key);
        }
    }

    /// `consumed 3 messages (17B) from 2 partitions in 1.2s, 2.5 messages/s, 14B/s`
    pub(super) fn line(&self, verb: &str, preposition: &str) -> String {
        line(verb, preposition, self.messages, self.bytes, self.partitions.len(), self.last - self.started)
    }
}

fn line(verb: &str, preposition: &str, messages: u64, bytes: u64, partitions: usize, elapsed: Duration) -> String {
    let sent = format!("{verb} {}", view::plural(usize::try_from(messages).unwrap_or(usize::MAX), "message"));
    if messages == 0 {
        return sent;
    }
    let size = view::bytes(bytes);
    let moved = format!("{sent} ({size}) {preposition} {}", view::plural(partitions, "partition"));
    let timed = format!("{moved} in {}", view::duration(elapsed));
    // The rate of less than a second says nothing.
    if elapsed < Duration::from_secs(1) {
        return timed;
    }
    let seconds = elapsed.as_secs_f64();
    format!("{timed}, {} messages/s, {}/s", rate(messages as f64 / seconds), view::bytes(whole(bytes as f64 / seconds)))
}

/// Slow ones with a digit, so that no rate is 0.
fn rate(rate: f64) -> String {
    if rate < 10.0 { format!("{rate:.1}") } else { whole(rate).to_string() }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is positive and far from the limit"
)]
fn whole(rate: f64) -> u64 {
    rate.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_well_for_none_one_and_many() {
        let line = |messages, bytes, partitions, milliseconds| {
            line("consumed", "from", messages, bytes, partitions, Duration::from_millis(milliseconds))
        };
        assert_eq!(line(0, 0, 0, 2000), "consumed 0 messages");
        assert_eq!(line(1, 5, 1, 3), "consumed 1 message (5B) from 1 partition in 3ms");
        assert_eq!(
            line(1000, 102_400, 3, 2000),
            "consumed 1000 messages (100Ki) from 3 partitions in 2.0s, 500 messages/s, 50Ki/s"
        );
        assert_eq!(line(1, 8, 1, 4000), "consumed 1 message (8B) from 1 partition in 4.0s, 0.2 messages/s, 2B/s");
    }

    #[test]
    fn partitions_are_counted_once() {
        let mut tally = Tally::start();
        for (topic, partition) in [("a", 0), ("a", 0), ("b", 0), ("a", 1), ("a", 0)] {
            tally.add(topic, partition, 1, 1);
        }
        assert_eq!((tally.messages, tally.partitions.len()), (5, 3));
    }
}
