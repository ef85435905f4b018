//! What is to be read of a partition, and how far it is.

use std::sync::Arc;

use tokio::time::Instant;
use uuid::Uuid;

use super::batch::position_behind;
use crate::kafka::admin::topics::Topic;
use crate::kafka::{Error, NodeId};

/// A topic that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicRef {
    /// Its name.
    pub name: Arc<str>,
    /// Its id; nil before Kafka 2.8.
    pub id: Uuid,
}

impl From<&Topic> for TopicRef {
    fn from(topic: &Topic) -> Self {
        let id = topic.id.as_deref().and_then(|id| Uuid::parse_str(id).ok()).unwrap_or_default();
        Self { name: Arc::from(topic.name.as_str()), id }
    }
}

/// What is to be read of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Its topic.
    pub topic: TopicRef,
    /// Its number.
    pub partition: i32,
    /// Its leader as far as it is known.
    pub leader: Option<NodeId>,
    /// The first offset that is wanted; it need not exist yet.
    pub start: i64,
    /// Where fetching begins: an offset that exists, at or before `start`.
    pub position: i64,
    /// The first offset that is no longer wanted; without one, reading goes on.
    pub stop: Option<i64>,
}

/// A selection on its way.
pub(super) struct Progress {
    pub(super) selection: Selection,
    /// The next offset to fetch.
    pub(super) position: i64,
    pub(super) leader: Option<NodeId>,
    /// When it last brought something; those that wait longest are asked for first.
    pub(super) served: u64,
    /// Since when its leader cannot be asked, and why.
    pub(super) trouble: Option<(Instant, Error)>,
    /// How often in a row the broker had nothing although its end is further.
    holes: u8,
}

/// The response says what the broker has of a partition.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    /// Up to where this reader may see.
    pub(super) visible_end: i64,
    /// Whether an empty answer means that there is nothing: no other partition filled the response, and
    /// the broker did not hold back because of a quota.
    pub(super) conclusive: bool,
}

impl Progress {
    pub(super) fn new(selection: Selection) -> Self {
        Self { position: selection.position, leader: selection.leader, selection, served: 0, trouble: None, holes: 0 }
    }

    /// Whether everything that is wanted has been fetched.
    pub(super) fn is_done(&self) -> bool {
        self.selection.stop.is_some_and(|stop| self.position >= stop)
    }

    /// Moves the position behind what was fetched.
    pub(super) fn advance(&mut self, blob: &[u8], level: Level) {
        self.trouble = None;
        if let Some(position) = position_behind(blob) {
            self.position = self.position.max(position);
            self.holes = 0;
        } else if level.conclusive && level.visible_end > self.position {
            // Compaction has taken away everything up to the end. Twice, because the end may have moved
            // while the first answer was made.
            self.holes += 1;
            if self.holes > 1 {
                self.position = level.visible_end;
                self.holes = 0;
            }
        } else {
            self.holes = 0;
        }
    }

    pub(super) fn subject(&self) -> String {
        format!("partition {} of topic \"{}\"", self.selection.partition, self.selection.topic.name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::batch::tests::plain;
    use super::*;

    fn progress(position: i64, stop: Option<i64>) -> Progress {
        let topic = TopicRef { name: Arc::from("orders"), id: Uuid::nil() };
        Progress::new(Selection { topic, partition: 0, leader: None, start: position, position, stop })
    }

    const NOTHING_MORE: Level = Level { visible_end: 0, conclusive: true };

    #[test]
    fn the_end_is_a_position_not_a_record() {
        let mut reading = progress(5, Some(9));
        let mut tail = plain(5, &["a"]);
        // The last three offsets are markers or compacted away.
        tail.last_offset_delta = 3;
        reading.advance(&tail.encode(), NOTHING_MORE);
        assert!(reading.is_done() && reading.position == 9);
        assert!(progress(0, Some(0)).is_done(), "an empty partition");
        assert!(!progress(7, None).is_done(), "following never ends");
    }

    #[test]
    fn a_hole_up_to_the_end_is_jumped_when_it_is_certain() {
        let mut reading = progress(5, Some(9));
        for conclusive in [false, true, false, true] {
            reading.advance(b"", Level { visible_end: 9, conclusive });
        }
        assert_eq!(reading.position, 5, "never twice in a row");
        reading.advance(b"", Level { visible_end: 9, conclusive: true });
        assert_eq!(reading.position, 9);
    }
}
