//! What went through: the last line of `produce` and `consume`, on stderr.

use std::collections::BTreeSet;
use std::sync::Arc;
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
    partitions: BTreeSet<(Arc<str>, i32)>,
}

impl Tally {
    pub(super) fn start() -> Self {
        let now = Instant::now();
        Self { started: now, last: now, messages: 0, bytes: 0, partitions: BTreeSet::new() }
    }

    /// Counts messages of one partition.
    pub(super) fn add(&mut self, topic: &Arc<str>, partition: i32, messages: u64, bytes: u64) {
        self.messages += messages;
        self.bytes += bytes;
        self.last = Instant::now();
        if !self.partitions.contains(&(Arc::clone(topic), partition)) {
            self.partitions.insert((Arc::clone(topic), partition));
        }
    }

    /// `consumed 3 messages (17B) from 2 partitions in 1.2s, 2 messages/s, 14B/s`
    pub(super) fn line(&self, verb: &str, preposition: &str) -> String {
        line(verb, preposition, self.messages, self.bytes, self.partitions.len(), self.last - self.started)
    }
}

fn line(verb: &str, preposition: &str, messages: u64, bytes: u64, partitions: usize, elapsed: Duration) -> String {
    let count = usize::try_from(messages).unwrap_or(usize::MAX);
    let mut text = format!("{verb} {}", view::plural(count, "message"));
    if messages == 0 {
        return text;
    }
    let from = view::plural(partitions, "partition");
    let took = view::duration(elapsed);
    text.push_str(&format!(" ({}) {preposition} {from} in {took}", view::bytes(bytes)));
    // The rate of a few milliseconds says nothing.
    if elapsed >= Duration::from_millis(100) {
        let each_second = |amount: u64| whole(amount as f64 / elapsed.as_secs_f64());
        text.push_str(&format!(", {} messages/s, {}/s", each_second(messages), view::bytes(each_second(bytes))));
    }
    text
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
        let second = Duration::from_secs(2);
        assert_eq!(line("consumed", "from", 0, 0, 0, second), "consumed 0 messages");
        assert_eq!(
            line("consumed", "from", 1, 5, 1, Duration::from_millis(3)),
            "consumed 1 message (5B) from 1 partition in 3ms"
        );
        assert_eq!(
            line("produced", "to", 1000, 102_400, 3, second),
            "produced 1000 messages (100Ki) to 3 partitions in 2.0s, 500 messages/s, 50Ki/s"
        );
    }
}
