//! The four codecs of Kafka, the way in. The way out is `fetch::decompress`.

use std::io::{self, Write};

use crate::kafka::records::{Codec, XERIAL};

/// Java's block. A larger one is read by all, and compresses no better.
const SNAPPY_BLOCK: usize = 32 * 1024;

/// What Kafka's own clients choose by default: fast rather than small.
const ZSTD_LEVEL: i32 = 3;

/// Appends the compressed records to the buffer.
pub(super) fn append(codec: Codec, records: &[u8], buffer: &mut Vec<u8>) -> io::Result<()> {
    match codec {
        Codec::None => buffer.extend_from_slice(records),
        Codec::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(buffer, flate2::Compression::default());
            encoder.write_all(records)?;
            encoder.finish()?;
        }
        Codec::Snappy => snappy(records, buffer)?,
        Codec::Lz4 => {
            let mut encoder = lz4_flex::frame::FrameEncoder::new(buffer);
            encoder.write_all(records)?;
            encoder.finish().map_err(io::Error::other)?;
        }
        Codec::Zstd => zstd::stream::copy_encode(records, buffer, ZSTD_LEVEL)?,
    }
    Ok(())
}

fn snappy(records: &[u8], buffer: &mut Vec<u8>) -> io::Result<()> {
    buffer.extend_from_slice(XERIAL);
    let mut encoder = snap::raw::Encoder::new();
    for part in records.chunks(SNAPPY_BLOCK) {
        let block = encoder.compress_vec(part).map_err(io::Error::other)?;
        let length = u32::try_from(block.len()).map_err(io::Error::other)?;
        buffer.extend_from_slice(&length.to_be_bytes());
        buffer.extend_from_slice(&block);
    }
    Ok(())
}
