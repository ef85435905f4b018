//! The four codecs of Kafka.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use lz4_flex::frame::FrameDecoder;
use zstd::stream::raw::{Decoder, InBuffer, Operation, OutBuffer};

use super::batch::{Batch, BatchError};
use crate::kafka::records::{Codec, XERIAL, XERIAL_MAGIC};

/// The largest batch after decompression. Brokers limit the compressed size (1 MiB by default); what grows
/// a thousandfold is an attack or zeros, and must not take the machine's memory.
const MAX_UNPACKED: usize = 1 << 30;

/// Unpacks batches into a buffer that is used again and again.
#[derive(Default)]
pub struct Decompressor {
    buffer: Vec<u8>,
    zstd: Option<Decoder<'static>>,
}

impl Decompressor {
    /// The records of a batch, unpacked if they are packed.
    pub fn payload<'s>(&'s mut self, batch: &Batch<'s>) -> Result<&'s [u8], BatchError> {
        if batch.codec == Codec::None {
            return Ok(batch.payload);
        }
        self.buffer.clear();
        self.unpack(batch.codec, batch.payload).map_err(|problem| BatchError::Corrupt {
            offset: batch.base_offset,
            problem: format!("they cannot be decompressed: {problem}"),
        })?;
        Ok(&self.buffer)
    }

    fn unpack(&mut self, codec: Codec, packed: &[u8]) -> Result<(), String> {
        let text = |error: std::io::Error| error.to_string();
        match codec {
            Codec::None => self.buffer.extend_from_slice(packed),
            Codec::Gzip => read(MultiGzDecoder::new(packed), &mut self.buffer).map_err(text)?,
            Codec::Lz4 => read(FrameDecoder::new(packed), &mut self.buffer).map_err(text)?,
            Codec::Snappy => snappy(packed, &mut self.buffer)?,
            Codec::Zstd => self.zstd(packed).map_err(text)?,
        }
        Ok(())
    }

    fn zstd(&mut self, packed: &[u8]) -> std::io::Result<()> {
        let decoder = match &mut self.zstd {
            Some(decoder) => {
                decoder.reinit()?;
                decoder
            }
            none => none.insert(Decoder::new()?),
        };
        let mut input = InBuffer::around(packed);
        self.buffer.reserve(packed.len().saturating_mul(4));
        loop {
            let start = self.buffer.len();
            let mut output = OutBuffer::around_pos(&mut self.buffer, start);
            let wanted = decoder.run(&mut input, &mut output)?;
            let all_read = input.pos == packed.len();
            if wanted == 0 && all_read {
                return Ok(());
            }
            if self.buffer.len() > MAX_UNPACKED {
                return Err(too_large());
            }
            if self.buffer.len() < self.buffer.capacity() && all_read {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            self.buffer.reserve(self.buffer.capacity().max(64 * 1024));
        }
    }
}

fn read(reader: impl Read, buffer: &mut Vec<u8>) -> std::io::Result<()> {
    let limit = u64::try_from(MAX_UNPACKED).unwrap_or(u64::MAX);
    let unpacked = reader.take(limit + 1).read_to_end(buffer)?;
    if unpacked > MAX_UNPACKED { Err(too_large()) } else { Ok(()) }
}

fn too_large() -> std::io::Error {
    std::io::Error::other("more than 1 GiB")
}

/// Raw snappy (librdkafka), or blocks behind their lengths (Java).
fn snappy(packed: &[u8], buffer: &mut Vec<u8>) -> Result<(), String> {
    if !packed.starts_with(XERIAL_MAGIC) {
        return snappy_block(packed, buffer);
    }
    let mut rest = packed.get(XERIAL.len()..).ok_or("cut off")?;
    while !rest.is_empty() {
        let (length, behind) = rest.split_first_chunk().ok_or("cut off")?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|error| error.to_string())?;
        let (block, behind) = behind.split_at_checked(length).ok_or("cut off")?;
        snappy_block(block, buffer)?;
        rest = behind;
    }
    Ok(())
}

fn snappy_block(block: &[u8], buffer: &mut Vec<u8>) -> Result<(), String> {
    let start = buffer.len();
    let length = snap::raw::decompress_len(block).map_err(|error| error.to_string())?;
    if start + length > MAX_UNPACKED {
        return Err(too_large().to_string());
    }
    buffer.resize(start + length, 0);
    let written =
        snap::raw::Decoder::new().decompress(block, &mut buffer[start..]).map_err(|error| error.to_string())?;
    buffer.truncate(start + written);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::batch::{batches, tests::plain};
    use super::*;

    fn pack(codec: Codec, data: &[u8]) -> Vec<u8> {
        match codec {
            Codec::None => data.to_vec(),
            Codec::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(data).expect("memory");
                encoder.finish().expect("memory")
            }
            Codec::Lz4 => {
                let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
                encoder.write_all(data).expect("memory");
                encoder.finish().expect("memory")
            }
            Codec::Snappy => snap::raw::Encoder::new().compress_vec(data).expect("short"),
            Codec::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).expect("memory");
                encoder.write_all(data).expect("memory");
                encoder.finish().expect("memory")
            }
        }
    }

    fn xerial(data: &[u8]) -> Vec<u8> {
        let mut framed = XERIAL.to_vec();
        for part in data.chunks(1000) {
            let block = pack(Codec::Snappy, part);
            framed.extend_from_slice(&u32::try_from(block.len()).expect("short").to_be_bytes());
            framed.extend_from_slice(&block);
        }
        framed
    }

    fn unpacked(codec: Codec, packed: &[u8]) -> Result<Vec<u8>, String> {
        let mut decompressor = Decompressor::default();
        decompressor.unpack(codec, packed)?;
        Ok(decompressor.buffer)
    }

    #[test]
    fn every_codec_gives_back_what_was_packed() {
        let small = b"a short one".to_vec();
        let large: Vec<u8> = (0..300_000_u32).flat_map(|number| (number / 7).to_le_bytes()).collect();
        for data in [&small, &large, &Vec::new()] {
            for codec in [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
                let unpacked = unpacked(codec, &pack(codec, data));
                assert!(unpacked.as_ref() == Ok(data), "{codec:?} {:?}", unpacked.map(|data| data.len()));
            }
            assert!(unpacked(Codec::Snappy, &xerial(data)).as_ref() == Ok(data), "xerial");
        }
    }

    #[test]
    fn what_is_cut_off_is_an_error() {
        let data = vec![7; 10_000];
        for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
            let packed = pack(codec, &data);
            assert!(unpacked(codec, &packed[..packed.len() / 2]).is_err(), "{codec:?}");
            assert!(unpacked(codec, b"nonsense").is_err(), "{codec:?}");
        }
        assert!(unpacked(Codec::Snappy, &xerial(&data)[..40]).is_err());
    }

    #[test]
    fn one_decompressor_unpacks_batch_after_batch() {
        let mut decompressor = Decompressor::default();
        for (attributes, codec) in [(4, Codec::Zstd), (0, Codec::None), (4, Codec::Zstd), (1, Codec::Gzip)] {
            let mut made = plain(0, &["one", "two"]);
            made.attributes = attributes;
            let blob = made.encode_with(&pack(codec, &made.records_payload()));
            let batch = batches(&blob).next().expect("one").expect("a batch");
            let payload = decompressor.payload(&batch).expect("records");
            let values: Vec<&[u8]> =
                batch.records(payload).map(|record| record.expect("a record").value.expect("a value")).collect();
            assert_eq!(values, [b"one", b"two"]);
        }
    }
}
