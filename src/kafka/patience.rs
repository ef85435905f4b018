//! How long is waited before something is asked again, and how long something may be missing.

use std::time::Duration;

/// Between two looks at the metadata for leaders, and two tries at a producer id.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// A topic is missing for a moment after its broker has started; longer means deleted.
pub(super) const MISSING_FOR: Duration = Duration::from_secs(10);

/// A pause that doubles with each failure, up to a limit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    first: Duration,
    most: Duration,
    next: Duration,
}

impl Backoff {
    /// Between two tries at a broker that does not answer.
    pub(super) const BROKER: Self = Self::new(Duration::from_millis(50), Duration::from_secs(1));

    pub(super) const fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, next: first }
    }

    /// The pause after this failure.
    pub(super) fn lengthen(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.most);
        pause
    }

    /// It works again.
    pub(super) fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_limit_and_start_again() {
        let mut backoff = Backoff::new(Duration::from_millis(40), Duration::from_millis(100));
        let pauses: Vec<u128> = (0..4).map(|_| backoff.lengthen().as_millis()).collect();
        assert_eq!(pauses, [40, 80, 100, 100]);
        backoff.reset();
        assert_eq!(backoff.lengthen().as_millis(), 40);
    }
}
