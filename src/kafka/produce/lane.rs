//! One broker as the producer sees it: requests under way, pauses after failures.

use std::time::{Duration, Instant};

use crate::kafka::patience::Backoff;

/// Requests under way to one broker. With at most one batch of a partition in each, no partition has more
/// batches under way than idempotence allows.
pub(super) const MOST_REQUESTS: usize = super::line::MOST_FLYING;

/// A broker that leads partitions.
#[derive(Debug)]
pub(super) struct Lane {
    /// Requests without an answer.
    pub(super) requests: usize,
    /// One is being written: the next must wait, or they could change places.
    pub(super) writing: bool,
    not_before: Option<Instant>,
    backoff: Backoff,
}

impl Default for Lane {
    fn default() -> Self {
        Self { requests: 0, writing: false, not_before: None, backoff: Backoff::BROKER }
    }
}

impl Lane {
    /// Whether it may be sent another request.
    pub(super) fn is_free(&self, now: Instant) -> bool {
        !self.writing && self.requests < MOST_REQUESTS && self.not_before.is_none_or(|until| until <= now)
    }

    /// When its pause ends.
    pub(super) fn pause_ends(&self, now: Instant) -> Option<Instant> {
        self.not_before.filter(|until| *until > now)
    }

    /// It answered, and perhaps wants to be left alone for a while (a quota).
    pub(super) fn works(&mut self, throttle: Duration, now: Instant) {
        self.backoff.reset();
        self.not_before = (!throttle.is_zero()).then(|| now + throttle);
    }

    /// It did not answer: wait a little longer each time.
    pub(super) fn failed(&mut self, now: Instant) {
        // The requests that broke together are one failure.
        if self.not_before.is_none_or(|until| until <= now) {
            self.not_before = Some(now + self.backoff.lengthen());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_but_not_for_each_request_of_one_failure() {
        let (mut lane, now) = (Lane::default(), Instant::now());
        let first = { Backoff::BROKER }.lengthen();
        lane.failed(now);
        lane.failed(now);
        assert_eq!(lane.pause_ends(now), Some(now + first));
        assert!(!lane.is_free(now) && lane.is_free(now + first));
        lane.failed(now + first);
        assert_eq!(lane.pause_ends(now), Some(now + 3 * first));
        lane.works(Duration::ZERO, now);
        assert!(lane.is_free(now));
        lane.works(Duration::from_secs(1), now);
        assert!(!lane.is_free(now), "a quota");
        (lane.requests, lane.not_before) = (MOST_REQUESTS, None);
        assert!(!lane.is_free(now));
    }
}
