//! Record batches of magic 2, borrowed from a Fetch response.
//!
//! Source: <https://kafka.apache.org/documentation/#messageformat>.

use crate::kafka::records::record::{sized, varint};
use crate::kafka::records::{Codec, Headers, TimestampType};

/// Base offset, length, leader epoch, magic, CRC, attributes, last offset delta, base and maximal timestamp,
/// producer id and epoch, base sequence, number of records.
const HEAD: usize = 61;
/// Base offset and length, which the length does not count.
const PREFIX: usize = 12;
/// Where what the CRC covers begins: the attributes.
const COVERED: usize = 21;

/// The bytes are no record batch that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// A checksum or a length is wrong.
    #[error("the records at offset {offset} are corrupt: {problem}")]
    Corrupt {
        /// The batch's first offset.
        offset: i64,
        /// What is wrong.
        problem: String,
    },
    /// Written before Kafka 0.11.
    #[error("the records at offset {offset} are in the format of Kafka before 0.11 (magic {magic}), which is not read")]
    OldFormat {
        /// The batch's first offset.
        offset: i64,
        /// 0 or 1.
        magic: i8,
    },
}

/// One batch: its head decoded, its records as they are.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// The offset of its first record.
    pub base_offset: i64,
    /// The offset of its last record, also when compaction took that away.
    pub last_offset: i64,
    /// The epoch of the leader that wrote it.
    pub leader_epoch: i32,
    /// How the records are compressed.
    pub codec: Codec,
    /// Whose clock the timestamps are of.
    pub timestamp_type: TimestampType,
    /// Of a transaction.
    pub transactional: bool,
    /// Transaction markers, not records.
    pub control: bool,
    /// Of a transaction's or an idempotent producer; −1 for none.
    pub producer_id: i64,
    /// The records, compressed or not.
    pub payload: &'a [u8],
    base_timestamp: i64,
    maximal_timestamp: i64,
    count: i32,
}

/// A record before it is known which topic and partition it is of.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the fields of `Record`")]
pub struct RawRecord<'a> {
    pub offset: i64,
    pub timestamp: i64,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: Headers<'a>,
}

/// The batches of a response's blob, in order. A last one that was cut off ends it without an error.
pub fn batches(mut blob: &[u8]) -> impl Iterator<Item = Result<Batch<'_>, BatchError>> {
    std::iter::from_fn(move || {
        let whole = cut(&mut blob)?;
        Some(parse(whole))
    })
}

/// The position behind the last whole batch; `None` when there is none. Heads are not checked.
pub fn position_behind(mut blob: &[u8]) -> Option<i64> {
    let mut position = None;
    while let Some(whole) = cut(&mut blob) {
        position = Some(int64(whole, 0)?.saturating_add(i64::from(int32(whole, 23)?)).saturating_add(1));
    }
    position
}

/// Takes the next whole batch off the front.
fn cut<'a>(blob: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(int32(blob, 8)?).ok()?;
    let (whole, rest) = blob.split_at_checked(length.checked_add(PREFIX)?)?;
    *blob = rest;
    Some(whole)
}

fn parse(whole: &[u8]) -> Result<Batch<'_>, BatchError> {
    let offset = int64(whole, 0).unwrap_or(-1);
    let corrupt = |problem: &str| BatchError::Corrupt { offset, problem: problem.to_owned() };
    let magic = whole.get(16).map_or(-1, |magic| magic.cast_signed());
    if matches!(magic, 0 | 1) {
        return Err(BatchError::OldFormat { offset, magic });
    }
    if magic != 2 || whole.len() < HEAD {
        return Err(corrupt("not a record batch"));
    }
    if int32(whole, 17).map(i32::cast_unsigned) != Some(crc32c::crc32c(&whole[COVERED..])) {
        return Err(corrupt("the checksum is wrong"));
    }
    read_head(whole).ok_or_else(|| corrupt("unknown compression"))
}

fn read_head(whole: &[u8]) -> Option<Batch<'_>> {
    let base_offset = int64(whole, 0)?;
    let attributes = i16::from_be_bytes(*whole.get(21..)?.first_chunk()?);
    Some(Batch {
        base_offset,
        last_offset: base_offset.checked_add(int32(whole, 23)?.into())?,
        leader_epoch: int32(whole, 12)?,
        codec: Codec::from_attributes(attributes)?,
        timestamp_type: if attributes & 8 == 0 { TimestampType::Create } else { TimestampType::LogAppend },
        transactional: attributes & 16 != 0,
        control: attributes & 32 != 0,
        producer_id: int64(whole, 43)?,
        payload: &whole[HEAD..],
        base_timestamp: int64(whole, 27)?,
        maximal_timestamp: int64(whole, 35)?,
        count: int32(whole, 57)?,
    })
}

impl Batch<'_> {
    /// The records, from the payload after decompression.
    pub fn records<'p>(&self, mut payload: &'p [u8]) -> impl Iterator<Item = Result<RawRecord<'p>, BatchError>> {
        let batch = Batch { payload: &[], ..*self };
        let mut left = self.count;
        std::iter::from_fn(move || {
            if left <= 0 {
                return None;
            }
            left -= 1;
            let record = batch.record(&mut payload);
            if record.is_none() {
                left = 0;
            }
            let corrupt =
                || BatchError::Corrupt { offset: batch.base_offset, problem: "a record is cut off".to_owned() };
            Some(record.ok_or_else(corrupt))
        })
    }

    fn record<'p>(&self, payload: &mut &'p [u8]) -> Option<RawRecord<'p>> {
        let mut body = sized(payload)??;
        // The attributes of a record have no meaning yet.
        body = body.get(1..)?;
        let timestamp = self.base_timestamp.wrapping_add(varint(&mut body)?);
        let offset = self.base_offset.checked_add(varint(&mut body)?)?;
        Some(RawRecord {
            offset,
            // The broker's clock is stored once for the whole batch.
            timestamp: match self.timestamp_type {
                TimestampType::Create => timestamp,
                TimestampType::LogAppend => self.maximal_timestamp,
            },
            key: sized(&mut body)?,
            value: sized(&mut body)?,
            headers: Headers::encoded(body),
        })
    }
}

fn int32(bytes: &[u8], at: usize) -> Option<i32> {
    Some(i32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn int64(bytes: &[u8], at: usize) -> Option<i64> {
    Some(i64::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Offset delta, key, value.
    type MadeRecord = (i64, Option<Vec<u8>>, Option<Vec<u8>>);

    /// What a test's batch is made of.
    pub(crate) struct Made {
        pub(crate) base_offset: i64,
        pub(crate) attributes: i16,
        pub(crate) producer_id: i64,
        pub(crate) last_offset_delta: i32,
        pub(crate) records: Vec<MadeRecord>,
    }

    pub(crate) fn plain(base_offset: i64, values: &[&str]) -> Made {
        let records = values.iter().zip(0..).map(|(value, delta)| (delta, None, Some(value.as_bytes().to_vec())));
        let last_offset_delta = i32::try_from(values.len()).expect("few") - 1;
        Made { base_offset, attributes: 0, producer_id: -1, last_offset_delta, records: records.collect() }
    }

    impl Made {
        pub(crate) fn records_payload(&self) -> Vec<u8> {
            let mut payload = Vec::new();
            for (delta, key, value) in &self.records {
                let mut body = vec![0];
                put(0, &mut body);
                put(*delta, &mut body);
                for field in [key, value] {
                    put(field.as_ref().map_or(-1, |field| i64::try_from(field.len()).expect("short")), &mut body);
                    body.extend_from_slice(field.as_deref().unwrap_or_default());
                }
                put(0, &mut body);
                put(i64::try_from(body.len()).expect("short"), &mut payload);
                payload.extend_from_slice(&body);
            }
            payload
        }

        pub(crate) fn encode(&self) -> Vec<u8> {
            self.encode_with(&self.records_payload())
        }

        pub(crate) fn encode_with(&self, payload: &[u8]) -> Vec<u8> {
            let mut covered = Vec::new();
            covered.extend_from_slice(&self.attributes.to_be_bytes());
            covered.extend_from_slice(&self.last_offset_delta.to_be_bytes());
            covered.extend_from_slice(&1_000_i64.to_be_bytes());
            covered.extend_from_slice(&2_000_i64.to_be_bytes());
            covered.extend_from_slice(&self.producer_id.to_be_bytes());
            covered.extend_from_slice(&0_i16.to_be_bytes());
            covered.extend_from_slice(&(-1_i32).to_be_bytes());
            covered.extend_from_slice(&i32::try_from(self.records.len()).expect("few").to_be_bytes());
            covered.extend_from_slice(payload);
            let mut batch = self.base_offset.to_be_bytes().to_vec();
            batch.extend_from_slice(&i32::try_from(covered.len() + 9).expect("short").to_be_bytes());
            batch.extend_from_slice(&7_i32.to_be_bytes());
            batch.push(2);
            batch.extend_from_slice(&crc32c::crc32c(&covered).to_be_bytes());
            batch.extend_from_slice(&covered);
            batch
        }
    }

    fn put(value: i64, buffer: &mut Vec<u8>) {
        let mut left = u64::from_ne_bytes(((value << 1) ^ (value >> 63)).to_ne_bytes());
        while left >= 0x80 {
            buffer.push(u8::try_from(left & 0x7f).expect("7 bits") | 0x80);
            left >>= 7;
        }
        buffer.push(u8::try_from(left).expect("7 bits"));
    }

    fn values(blob: &[u8]) -> Vec<(i64, i64, Option<Vec<u8>>)> {
        let mut found = Vec::new();
        for batch in batches(blob) {
            let batch = batch.expect("a batch");
            for record in batch.records(batch.payload) {
                let record = record.expect("a record");
                found.push((record.offset, record.timestamp, record.value.map(<[u8]>::to_vec)));
            }
        }
        found
    }

    #[test]
    fn batches_in_a_row_and_one_that_is_cut_off() {
        let mut blob = plain(10, &["a", ""]).encode();
        blob.extend(plain(12, &["c"]).encode());
        let whole = blob.len();
        blob.extend(&plain(13, &["lost"]).encode()[..70]);
        let wanted =
            vec![(10, 1000, Some(b"a".to_vec())), (11, 1000, Some(Vec::new())), (12, 1000, Some(b"c".to_vec()))];
        assert_eq!(values(&blob), wanted);
        assert_eq!((position_behind(&blob), position_behind(&blob[..whole])), (Some(13), Some(13)));
        assert_eq!((position_behind(&blob[..30]), position_behind(b"")), (None, None));
    }

    #[test]
    fn compaction_leaves_holes_that_the_position_jumps_over() {
        let mut made = plain(100, &["kept"]);
        made.last_offset_delta = 9;
        made.records[0].0 = 3;
        let blob = made.encode();
        assert_eq!(values(&blob), [(103, 1000, Some(b"kept".to_vec()))]);
        assert_eq!(position_behind(&blob), Some(110));
    }

    #[test]
    fn the_brokers_clock_counts_for_the_whole_batch() {
        let mut made = plain(0, &["a"]);
        made.attributes = 8;
        assert_eq!(values(&made.encode()), [(0, 2000, Some(b"a".to_vec()))]);
    }

    #[test]
    fn damage_is_noticed() {
        let mut blob = plain(5, &["a"]).encode();
        let last = blob.len() - 1;
        blob[last] ^= 1;
        let error = batches(&blob).next().expect("one").expect_err("damaged");
        assert_eq!(error.to_string(), "the records at offset 5 are corrupt: the checksum is wrong");

        let mut made = plain(5, &["a"]);
        made.records.push((1, None, None));
        let cut_off = made.encode_with(&plain(5, &["a"]).records_payload());
        let batch = batches(&cut_off).next().expect("one").expect("a good head");
        let outcomes: Vec<bool> = batch.records(batch.payload).map(|record| record.is_ok()).collect();
        assert_eq!(outcomes, [true, false]);

        let mut old = plain(5, &["a"]).encode();
        old[16] = 1;
        assert_eq!(batches(&old).next().expect("one").err(), Some(BatchError::OldFormat { offset: 5, magic: 1 }));
    }
}
