//! What one Fetch response brought of one partition.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use super::Isolation;
use super::batch::{BatchError, batches};
use super::committed::{Aborted, Committed};
use super::decompress::Decompressor;
use crate::kafka::records::Record;

/// Undecoded batches. Decoding is work for the processor and belongs on the thread that uses the records.
pub struct Chunk {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's number.
    pub partition: i32,
    pub(super) isolation: Isolation,
    /// The first offset that is wanted: a batch may begin before it.
    pub(super) start: i64,
    /// The first offset that is no longer wanted.
    pub(super) stop: Option<i64>,
    pub(super) blob: Bytes,
    pub(super) aborted: Vec<Aborted>,
    /// Dropping the chunk lets its broker be asked for more.
    pub(super) _permit: Arc<OwnedSemaphorePermit>,
}

impl Chunk {
    /// Visits every wanted record in the order of offsets, until the visitor breaks.
    pub fn visit<B>(
        &self,
        decompressor: &mut Decompressor,
        mut visitor: impl FnMut(&Record<'_>) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, BatchError> {
        let mut committed = Committed::new(self.aborted.clone());
        for batch in batches(&self.blob) {
            let batch = batch?;
            let shown = match self.isolation {
                Isolation::ReadCommitted => committed.shows(&batch),
                Isolation::ReadUncommitted => !batch.control,
            };
            if !shown || batch.last_offset < self.start {
                continue;
            }
            let payload = decompressor.payload(&batch)?;
            for raw in batch.records(payload) {
                let raw = raw?;
                if raw.offset < self.start {
                    continue;
                }
                if self.stop.is_some_and(|stop| raw.offset >= stop) {
                    return Ok(ControlFlow::Continue(()));
                }
                let record = Record {
                    topic: &self.topic,
                    partition: self.partition,
                    offset: raw.offset,
                    timestamp: raw.timestamp,
                    timestamp_type: batch.timestamp_type,
                    leader_epoch: Some(batch.leader_epoch).filter(|epoch| *epoch >= 0),
                    key: raw.key,
                    value: raw.value,
                    headers: raw.headers,
                };
                if let ControlFlow::Break(reason) = visitor(&record) {
                    return Ok(ControlFlow::Break(reason));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::super::batch::tests::{Made, plain};
    use super::*;

    fn offsets(start: i64, stop: Option<i64>, isolation: Isolation, log: &[Made], at_most: usize) -> Vec<i64> {
        let permit = Arc::new(Semaphore::new(1)).try_acquire_owned().expect("free");
        let chunk = Chunk {
            topic: Arc::from("orders"),
            partition: 0,
            isolation,
            start,
            stop,
            blob: log.iter().flat_map(Made::encode).collect(),
            aborted: vec![Aborted { producer_id: 9, first_offset: 4 }],
            _permit: Arc::new(permit),
        };
        let mut seen = Vec::new();
        let outcome = chunk.visit(&mut Decompressor::default(), |record| {
            seen.push(record.offset);
            if seen.len() == at_most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert_eq!(outcome.expect("good batches").is_break(), seen.len() == at_most);
        seen
    }

    #[test]
    fn only_what_is_wanted_is_seen() {
        let aborted = Made { attributes: 16, producer_id: 9, ..plain(4, &["e", "f"]) };
        let mut marker = Made { attributes: 48, producer_id: 9, ..plain(6, &["g"]) };
        marker.records[0].1 = Some(vec![0; 4]);
        let log = [plain(0, &["a", "b", "c", "d"]), aborted, marker, plain(7, &["h", "i"])];
        let all = usize::MAX;
        assert_eq!(offsets(0, None, Isolation::ReadCommitted, &log, all), [0, 1, 2, 3, 7, 8]);
        assert_eq!(offsets(0, None, Isolation::ReadUncommitted, &log, all), [0, 1, 2, 3, 4, 5, 7, 8]);
        assert_eq!(offsets(2, Some(8), Isolation::ReadCommitted, &log, all), [2, 3, 7]);
        assert_eq!(offsets(2, None, Isolation::ReadCommitted, &log, 1), [2]);
    }
}
