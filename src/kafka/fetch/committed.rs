//! Which batches `read_committed` leaves out.
//!
//! A Fetch response lists the aborted transactions that touch what it carries: producer id and first offset.
//! From that offset on, the producer's transactional batches are dropped until its abort marker.

use std::collections::HashSet;

use super::batch::Batch;

/// The key of a control record is two i16: its version and its type, where 0 is abort.
const ABORT: [u8; 2] = [0, 0];

/// An aborted transaction of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Aborted {
    pub(super) producer_id: i64,
    pub(super) first_offset: i64,
}

/// Walks the batches of one response's partition.
pub(super) struct Committed {
    /// Not reached yet, the first last.
    coming: Vec<Aborted>,
    /// Producers within an aborted transaction.
    aborting: HashSet<i64>,
}

impl Committed {
    pub(super) fn new(mut aborted: Vec<Aborted>) -> Self {
        aborted.sort_by_key(|transaction| std::cmp::Reverse(transaction.first_offset));
        Self { coming: aborted, aborting: HashSet::new() }
    }

    /// Whether the batch's records are to be seen. Must be asked for every batch, in order.
    pub(super) fn shows(&mut self, batch: &Batch<'_>) -> bool {
        while let Some(next) = self.coming.pop_if(|next| next.first_offset <= batch.last_offset) {
            self.aborting.insert(next.producer_id);
        }
        if batch.control {
            if is_abort(batch) {
                self.aborting.remove(&batch.producer_id);
            }
            return false;
        }
        !(batch.transactional && self.aborting.contains(&batch.producer_id))
    }
}

fn is_abort(batch: &Batch<'_>) -> bool {
    let first = batch.records(batch.payload).next().and_then(Result::ok);
    first.and_then(|record| record.key).and_then(|key| key.get(2..4)) == Some(&ABORT)
}

#[cfg(test)]
mod tests {
    use super::super::batch::{
        batches,
        tests::{Made, plain},
    };
    use super::*;

    const TRANSACTIONAL: i16 = 16;
    const CONTROL: i16 = 32;

    fn of(producer_id: i64, offset: i64) -> Made {
        Made { attributes: TRANSACTIONAL, producer_id, ..plain(offset, &["x"]) }
    }

    fn marker(producer_id: i64, offset: i64, kind: u8) -> Made {
        let mut made = Made { attributes: TRANSACTIONAL | CONTROL, producer_id, ..plain(offset, &["x"]) };
        made.records[0].1 = Some(vec![0, 0, 0, kind]);
        made
    }

    #[test]
    fn only_the_aborted_transactions_of_a_producer_disappear() {
        let log = [
            of(1, 0),
            of(2, 1),
            plain(2, &["no transaction"]),
            of(1, 3),
            marker(1, 4, 0),
            of(1, 5),
            marker(2, 6, 1),
            marker(1, 7, 1),
            of(2, 8),
            marker(2, 9, 0),
        ];
        let blob: Vec<u8> = log.iter().flat_map(Made::encode).collect();
        let aborted = vec![Aborted { producer_id: 2, first_offset: 8 }, Aborted { producer_id: 1, first_offset: 0 }];
        let mut committed = Committed::new(aborted);
        let shown: Vec<i64> = batches(&blob)
            .map(|batch| batch.expect("a batch"))
            .filter(|batch| committed.shows(batch))
            .map(|batch| batch.base_offset)
            .collect();
        assert_eq!(shown, [1, 2, 5]);
    }

    #[test]
    fn markers_are_never_shown() {
        let blob = marker(1, 0, 1).encode();
        let batch = batches(&blob).next().expect("one").expect("a batch");
        assert!(!Committed::new(Vec::new()).shows(&batch));
    }
}
