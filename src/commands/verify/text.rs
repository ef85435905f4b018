//! The report of a round trip for people.

use std::time::Duration;

use super::round_trip::RoundTrip;
use crate::ui::{TextOptions, View};
use crate::view::{self, Table};

impl View for RoundTrip {
    fn text(&self, options: TextOptions) -> String {
        let mut table =
            Table::new(["PARTITION", "PRODUCED", "CONSUMED", "OFFSETS", "CHECKSUM", "SAME"], options.no_headers);
        for partition in &self.partitions {
            let offsets = match (partition.first_offset, partition.last_offset) {
                (Some(first), Some(last)) => format!("{first}-{last}"),
                _ => "<none>".to_owned(),
            };
            let same = if partition.is_ok() { "yes" } else { "NO" };
            table.row([
                partition.partition.to_string(),
                partition.produced.to_string(),
                partition.consumed.to_string(),
                offsets,
                partition.consumed_checksum.clone(),
                same.to_owned(),
            ]);
        }
        let took = |milliseconds| view::duration(Duration::from_millis(milliseconds));
        let timings = &self.timings;
        format!(
            "{}\n{} of {} messages came back from cluster \"{}\", each from {}; create {}, produce {}, consume {}, \
             delete {}\n",
            table.text(),
            self.consumed(),
            self.produced(),
            self.cluster,
            view::plural(usize::try_from(self.replication_factor).unwrap_or_default(), "replica"),
            took(timings.create_ms),
            took(timings.produce_ms),
            took(timings.consume_ms),
            took(timings.delete_ms),
        )
    }

    fn names(&self) -> Vec<String> {
        vec![format!("kafka/{}", self.cluster)]
    }
}

#[cfg(test)]
mod tests {
    use super::super::round_trip::{PartitionTrip, Timings};
    use super::*;

    #[test]
    fn the_report() {
        let partition = |partition, consumed, checksum: &str| PartitionTrip {
            partition,
            produced: 100,
            consumed,
            first_offset: Some(0),
            last_offset: Some(99),
            produced_checksum: "8a9136aa".into(),
            consumed_checksum: checksum.into(),
        };
        let trip = RoundTrip {
            cluster: "demo".into(),
            ok: false,
            topic: "kubectl-kafka-verify-1".into(),
            run_id: "r".into(),
            replication_factor: 3,
            partitions: vec![partition(0, 100, "8a9136aa"), partition(1, 99, "00000000")],
            timings: Timings { create_ms: 45, produce_ms: 1200, consume_ms: 80, delete_ms: 30 },
        };
        assert_eq!(
            trip.text(TextOptions::default()),
            "PARTITION   PRODUCED   CONSUMED   OFFSETS   CHECKSUM   SAME\n\
             0           100        100        0-99      8a9136aa   yes\n\
             1           100        99         0-99      00000000   NO\n\n\
             199 of 200 messages came back from cluster \"demo\", each from 3 replicas; create 45ms, produce 1.2s, \
             consume 80ms, delete 30ms\n"
        );
    }
}
