//! One broker as the producer sees it: requests under way, pauses after failures.

use std::time::{Duration, Instant};

/// Requests under way to one broker. With at most one batch of a partition in each, no partition has more
/// batches under way than idempotence allows.
pub(super) const MOST_REQUESTS: usize = super::line::MOST_FLYING;

/// Between two tries at a broker that does not answer: the pause doubles up to a second.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A broker that leads partitions.
#[derive(Debug)]
pub(super) struct Lane {
    /// Requests without an answer.
    pub(super) requests: usize,
    /// One is being written: the next must wait, or they could change places.
    pub(super) writing: bool,
    not_before: Option<Instant>,
    pause: Duration,
}

impl Default for Lane {
    fn default() -> Self {
        Self { requests: 0, writing: false, not_before: None, pause: FIRST_PAUSE }
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
        self.pause = FIRST_PAUSE;
        self.not_before = (!throttle.is_zero()).then(|| now + throttle);
    }

    /// It did not answer: wait a little longer each time.
    pub(super) fn failed(&mut self, now: Instant) {
        // The requests that broke together are one failure.
        if self.not_before.is_none_or(|until| until <= now) {
            self.not_before = Some(now + self.pause);
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_but_not_for_each_request_of_one_failure() {
        let (mut lane, now) = (Lane::default(), Instant::now());
        lane.failed(now);
        lane.failed(now);
        assert_eq!(lane.pause_ends(now), Some(now + FIRST_PAUSE));
        assert!(!lane.is_free(now) && lane.is_free(now + FIRST_PAUSE));
        lane.failed(now + FIRST_PAUSE);
        assert_eq!(lane.pause_ends(now), Some(now + 3 * FIRST_PAUSE));
        lane.works(Duration::ZERO, now);
        assert!(lane.is_free(now));
        lane.works(Duration::from_secs(1), now);
        assert!(!lane.is_free(now), "a quota");
        (lane.requests, lane.not_before) = (MOST_REQUESTS, None);
        assert!(!lane.is_free(now));
    }
}
