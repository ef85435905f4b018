//! Records as people ask for them, read them and write them.
//!
//! * [`record`]: one record, borrowed from wherever it was read.
//! * [`codec`]: the compression of a batch.
//! * [`offsets`]: the grammar of `--offset`.
//! * [`template`]: `--format '%t %p %o %v\n'`.
//! * [`envelope`]: the lossless JSON line, both ways.
//! * [`input`]: lines of text that become records.

pub mod codec;
pub mod envelope;
pub mod input;
pub mod offsets;
pub mod record;
pub mod template;

pub use codec::Codec;
pub(in crate::kafka) use codec::{XERIAL, XERIAL_MAGIC};
pub use envelope::EnvelopeError;
pub use input::{Draft, DraftHeader};
pub use offsets::{Bound, OffsetRange};
pub use record::{Headers, Record, TimestampType};
pub use template::Template;
