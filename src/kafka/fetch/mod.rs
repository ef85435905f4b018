//! Reading partitions without a group: our own Fetch loop on our own connections.
//!
//! librdkafka reads for consumer groups. Here it would ask for a group's coordinator even without one
//! (which creates `__consumer_offsets` on a fresh cluster), tell the end of a partition without its topic,
//! and hide leader epochs. This reader ends by fetch **position**, so that a tail of transaction markers or
//! compacted records never makes it wait, and goes on by offset when brokers die.
//!
//! * `batch`: record batches (magic 2), as they lie in a Fetch response.
//! * `decompress`: gzip, snappy, lz4, zstd.
//! * `committed`: which batches `read_committed` leaves out.
//! * `chunk`: what one response brought of one partition, to be decoded elsewhere.
//! * `reader`, `answers`: the loop, which keeps one `lane` per broker and the progress of each `partition`.
//! * `notice`: what a person should know meanwhile.

mod answers;
pub mod batch;
pub mod chunk;
mod committed;
pub mod decompress;
mod lane;
pub mod notice;
mod partition;
pub mod reader;
mod wire;

pub use chunk::Chunk;
pub use decompress::Decompressor;
pub use notice::Notice;
pub use partition::{Selection, TopicRef};
pub use reader::{Happening, ReadOptions, Reader};

/// Which records a reader sees (`isolation.level`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// All of them, also those of open and aborted transactions.
    ReadUncommitted,
    /// Those of no transaction or a committed one; reading stops where the oldest open transaction begins.
    #[default]
    ReadCommitted,
}

impl Isolation {
    /// The byte of Fetch and `ListOffsets`.
    pub fn wire(self) -> i8 {
        match self {
            Self::ReadUncommitted => 0,
            Self::ReadCommitted => 1,
        }
    }
}
