//! Record batches of magic 2 as a producer writes them: records behind a head that is filled in last.
//!
//! Source: <https://kafka.apache.org/documentation/#messageformat>; the way back is `fetch::batch`.

use std::ops::Range;
use std::time::Instant;

use bytes::Bytes;

use super::Identity;
use super::compress;
use crate::kafka::fetch::Decompressor;
use crate::kafka::fetch::batch::{RawRecord, batches};
use crate::kafka::records::Codec;
use crate::kafka::records::record::{put_varint, varint_length, wire_length};

/// Base offset, length, leader epoch, magic, CRC, attributes, last offset delta, base and maximal timestamp,
/// producer id and epoch, base sequence, number of records.
pub(super) const HEAD: usize = 61;
const LENGTH: Range<usize> = 8..12;
const LEADER_EPOCH: Range<usize> = 12..16;
const MAGIC: usize = 16;
const CHECKSUM: Range<usize> = 17..21;
/// What the checksum covers begins with the attributes.
const COVERED: usize = 21;
const ATTRIBUTES: Range<usize> = 21..23;
const LAST_OFFSET_DELTA: Range<usize> = 23..27;
const BASE_TIMESTAMP: Range<usize> = 27..35;
const MAXIMAL_TIMESTAMP: Range<usize> = 35..43;
const PRODUCER_ID: Range<usize> = 43..51;
const PRODUCER_EPOCH: Range<usize> = 51..53;
const BASE_SEQUENCE: Range<usize> = 53..57;
const COUNT: Range<usize> = 57..61;

/// A batch's first room. It grows by doubling; most batches of a small run stay in it.
const ROOM: usize = 16 * 1024;

/// A message, borrowed.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// The key.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// In their wire form, which begins with their number.
    pub headers: &'a [u8],
    /// Milliseconds since 1970.
    pub timestamp: i64,
}

/// The headers of a message that has none.
pub const NO_HEADERS: &[u8] = &[0];

/// Records of one partition, not sent yet.
#[derive(Debug)]
pub(super) struct Builder {
    /// Room for the head, then the records.
    bytes: Vec<u8>,
    /// The number of each message in the whole run, from 1.
    numbers: Vec<u64>,
    /// Of keys and values.
    payload: u64,
    base_timestamp: i64,
    maximal_timestamp: i64,
    /// When its first message came.
    pub(super) born: Instant,
}

impl Builder {
    pub(super) fn new(born: Instant) -> Self {
        let mut bytes = Vec::with_capacity(ROOM);
        bytes.resize(HEAD, 0);
        Self { bytes, numbers: Vec::new(), payload: 0, base_timestamp: 0, maximal_timestamp: 0, born }
    }

    /// What the batch would weigh with this message, uncompressed.
    pub(super) fn size_with(&self, message: &Message<'_>) -> usize {
        let (length, _) = self.lengths(message);
        self.bytes.len() + length + varint_length(wire_length(length))
    }

    /// What it weighs, uncompressed.
    pub(super) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Appends a message with its number in the run.
    pub(super) fn push(&mut self, message: &Message<'_>, number: u64) {
        if self.numbers.is_empty() {
            self.base_timestamp = message.timestamp;
            self.maximal_timestamp = message.timestamp;
        }
        let (length, delta) = self.lengths(message);
        self.bytes.reserve(length + 5);
        put_varint(wire_length(length), &mut self.bytes);
        // The attributes of a record have no meaning yet.
        self.bytes.push(0);
        put_varint(delta, &mut self.bytes);
        put_varint(wire_length(self.numbers.len()), &mut self.bytes);
        for field in [message.key, message.value] {
            put_varint(field.map_or(-1, |field| wire_length(field.len())), &mut self.bytes);
            self.bytes.extend_from_slice(field.unwrap_or_default());
            self.payload += field.map_or(0, |field| field.len() as u64);
        }
        self.bytes.extend_from_slice(message.headers);
        self.maximal_timestamp = self.maximal_timestamp.max(message.timestamp);
        self.numbers.push(number);
    }

    /// The length of the record behind its own length, and its distance from the first timestamp.
    fn lengths(&self, message: &Message<'_>) -> (usize, i64) {
        let delta = if self.numbers.is_empty() { 0 } else { message.timestamp.wrapping_sub(self.base_timestamp) };
        let field = |field: Option<&[u8]>| {
            let length = field.map_or(0, <[u8]>::len);
            varint_length(field.map_or(-1, |_| wire_length(length))) + length
        };
        let deltas = varint_length(delta) + varint_length(wire_length(self.numbers.len()));
        (1 + deltas + field(message.key) + field(message.value) + message.headers.len(), delta)
    }

    /// The batch without its producer, and its bytes, which are still to be compressed.
    pub(super) fn close(self, partition: i32) -> (Batch, Open) {
        let open = Open { base_timestamp: self.base_timestamp, maximal_timestamp: self.maximal_timestamp };
        let batch = Batch {
            partition,
            weight: self.bytes.len(),
            bytes: self.bytes.into(),
            numbers: self.numbers,
            payload: self.payload,
            born: self.born,
            stamp: None,
        };
        (batch, open)
    }
}

/// The part of a head that only its builder knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open {
    base_timestamp: i64,
    maximal_timestamp: i64,
}

/// A batch on its way.
#[derive(Debug)]
pub(super) struct Batch {
    /// Its partition.
    pub(super) partition: i32,
    /// The whole batch, as it goes over the wire.
    pub(super) bytes: Bytes,
    /// The number of each message in the whole run, from 1.
    pub(super) numbers: Vec<u64>,
    /// Of keys and values.
    pub(super) payload: u64,
    /// What it weighed before compression.
    pub(super) weight: usize,
    /// When its first message came.
    pub(super) born: Instant,
    /// Who sends it with which sequence number; `None` until it is sent for the first time.
    pub(super) stamp: Option<(Identity, i32)>,
}

impl Batch {
    /// How many messages are in it.
    pub(super) fn count(&self) -> i32 {
        i32::try_from(self.numbers.len()).unwrap_or(i32::MAX)
    }

    /// Writes who sends it, and the checksum. Without an identity, a broker cannot tell a repeated batch from
    /// a new one.
    pub(super) fn stamp(&mut self, identity: Option<Identity>, sequence: i32) {
        self.stamp = identity.map(|identity| (identity, sequence));
        // Nothing is copied unless a request still holds the bytes.
        let mut bytes = bytes::BytesMut::from(std::mem::take(&mut self.bytes));
        let (id, epoch) = identity.map_or((-1, -1), |identity| (identity.id, identity.epoch));
        bytes[PRODUCER_ID].copy_from_slice(&id.to_be_bytes());
        bytes[PRODUCER_EPOCH].copy_from_slice(&epoch.to_be_bytes());
        bytes[BASE_SEQUENCE].copy_from_slice(&identity.map_or(-1, |_| sequence).to_be_bytes());
        let checksum = crc32c::crc32c(&bytes[COVERED..]);
        bytes[CHECKSUM].copy_from_slice(&checksum.to_be_bytes());
        self.bytes = bytes.freeze();
    }
}

/// Makes two of one that is too large as a whole. Together they are what it was: the same messages under the same
/// sequence numbers.
pub(super) fn split(whole: &Batch, codec: Codec) -> Result<[Batch; 2], String> {
    let decoded = batches(&whole.bytes).next().ok_or("it is empty")?.map_err(|error| error.to_string())?;
    let mut decompressor = Decompressor::default();
    let payload = decompressor.payload(&decoded).map_err(|error| error.to_string())?;
    let half = whole.numbers.len() / 2;
    let mut builders = [Builder::new(whole.born), Builder::new(whole.born)];
    for (at, record) in decoded.records(payload).enumerate() {
        let RawRecord { timestamp, key, value, headers, .. } = record.map_err(|error| error.to_string())?;
        let message = Message { key, value, headers: headers.as_encoded(), timestamp };
        builders[usize::from(at >= half)].push(&message, whole.numbers[at]);
    }
    let [first, second] = builders.map(|builder| builder.close(whole.partition));
    let make = |(mut batch, open): (Batch, Open), weight| {
        let packed = pack(std::mem::take(&mut batch.bytes), batch.count(), open, codec);
        batch.bytes = packed.map_err(|error| error.to_string())?;
        Ok::<_, String>(Batch { weight, ..batch })
    };
    let light = whole.weight / 2;
    let (mut first, mut second) = (make(first, light)?, make(second, whole.weight - light)?);
    let (identity, sequence) = whole.stamp.map_or((None, -1), |(identity, sequence)| (Some(identity), sequence));
    first.stamp(identity, sequence);
    second.stamp(identity, behind(sequence, first.count()));
    Ok([first, second])
}

/// The sequence number behind a batch. They go round at the end of 31 bits.
pub(super) fn behind(sequence: i32, count: i32) -> i32 {
    sequence.wrapping_add(count) & i32::MAX
}

/// Compresses the records of a batch and writes its head, all but the producer. What does not become smaller
/// stays as it is.
pub(super) fn pack(bytes: Bytes, count: i32, open: Open, codec: Codec) -> std::io::Result<Bytes> {
    let mut whole = Vec::from(bytes);
    let mut used = Codec::None;
    if codec != Codec::None {
        let mut packed = Vec::with_capacity(HEAD + whole.len() / 2);
        packed.resize(HEAD, 0);
        compress::append(codec, &whole[HEAD..], &mut packed)?;
        if packed.len() < whole.len() {
            (whole, used) = (packed, codec);
        }
    }
    // Base offset and length themselves do not count.
    let length = i32::try_from(whole.len() - LENGTH.end).map_err(std::io::Error::other)?;
    whole[LENGTH].copy_from_slice(&length.to_be_bytes());
    whole[LEADER_EPOCH].copy_from_slice(&(-1_i32).to_be_bytes());
    whole[MAGIC] = 2;
    whole[ATTRIBUTES].copy_from_slice(&used.wire().to_be_bytes());
    whole[LAST_OFFSET_DELTA].copy_from_slice(&(count - 1).to_be_bytes());
    whole[BASE_TIMESTAMP].copy_from_slice(&open.base_timestamp.to_be_bytes());
    whole[MAXIMAL_TIMESTAMP].copy_from_slice(&open.maximal_timestamp.to_be_bytes());
    whole[COUNT].copy_from_slice(&count.to_be_bytes());
    Ok(whole.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::records::Headers;

    type Seen = (i64, i64, Option<Vec<u8>>, Option<Vec<u8>>, usize);

    fn message<'a>(key: Option<&'a [u8]>, value: Option<&'a [u8]>, timestamp: i64) -> Message<'a> {
        Message { key, value, headers: NO_HEADERS, timestamp }
    }

    fn sent(messages: &[Message<'_>], codec: Codec, identity: Option<Identity>) -> Bytes {
        let mut builder = Builder::new(Instant::now());
        for (message, number) in messages.iter().zip(1..) {
            let expected = builder.size_with(message);
            builder.push(message, number);
            assert_eq!(builder.size(), expected, "the size that was foretold");
        }
        let (mut batch, open) = builder.close(0);
        batch.bytes = pack(batch.bytes.clone(), batch.count(), open, codec).expect("memory");
        batch.stamp(identity, 7);
        batch.bytes
    }

    fn seen(blob: &[u8]) -> Vec<Seen> {
        let batch = batches(blob).next().expect("one").expect("a good head and checksum");
        let mut decompressor = Decompressor::default();
        let payload = decompressor.payload(&batch).expect("records");
        let owned = |field: Option<&[u8]>| field.map(<[u8]>::to_vec);
        batch
            .records(payload)
            .map(|record| record.expect("a record"))
            .map(|record| {
                let headers = record.headers.iter().count();
                (record.offset, record.timestamp, owned(record.key), owned(record.value), headers)
            })
            .collect()
    }

    #[test]
    fn what_is_written_is_read_by_every_codec() {
        let mut headers = Vec::new();
        let pairs: [(&[u8], Option<&[u8]>); 2] = [(b"a", Some(b"1")), (b"a", None)];
        Headers::encode(pairs.into_iter(), &mut headers);
        let long = vec![b'x'; 70_000];
        let messages = [
            message(None, Some(b"a"), 1_000),
            Message { headers: &headers, ..message(Some(b""), Some(b""), 1_500) },
            // A timestamp may be older than the one before.
            message(Some(b"k"), None, 900),
            message(None, Some(&long), 1_000),
        ];
        let wanted = vec![
            (0, 1_000, None, Some(b"a".to_vec()), 0),
            (1, 1_500, Some(Vec::new()), Some(Vec::new()), 2),
            (2, 900, Some(b"k".to_vec()), None, 0),
            (3, 1_000, None, Some(long.clone()), 0),
        ];
        for codec in [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
            let blob = sent(&messages, codec, None);
            assert_eq!(seen(&blob), wanted, "{codec:?}");
            let batch = batches(&blob).next().expect("one").expect("a batch");
            assert_eq!((batch.codec, batch.producer_id), (codec, -1));
            assert!(codec == Codec::None || blob.len() < 10_000, "{codec:?} takes {}", blob.len());
        }
    }

    #[test]
    fn what_does_not_shrink_is_not_compressed() {
        let blob = sent(&[message(None, Some(b"a"), 0)], Codec::Zstd, None);
        assert_eq!(batches(&blob).next().expect("one").expect("a batch").codec, Codec::None);
    }

    #[test]
    fn a_stamp_can_be_changed() {
        let identity = Identity { id: 4000, epoch: 2 };
        let blob = sent(&[message(None, Some(b"a"), 0)], Codec::None, Some(identity));
        assert_eq!(batches(&blob).next().expect("one").expect("a batch").producer_id, 4000);
        assert_eq!((&blob[PRODUCER_EPOCH], &blob[BASE_SEQUENCE]), (&[0, 2][..], &[0, 0, 0, 7][..]));

        let mut builder = Builder::new(Instant::now());
        builder.push(&message(None, Some(b"a"), 0), 1);
        let (mut batch, open) = builder.close(3);
        batch.bytes = pack(batch.bytes.clone(), 1, open, Codec::None).expect("memory");
        batch.stamp(Some(identity), 7);
        let held = batch.bytes.clone();
        batch.stamp(Some(Identity { id: 5000, epoch: 0 }), 0);
        assert_eq!(held, blob, "what is being sent stays as it is");
        assert_eq!(batches(&batch.bytes).next().expect("one").expect("a batch").producer_id, 5000);
    }

    #[test]
    fn two_halves_are_the_whole() {
        let identity = Identity { id: 4000, epoch: 0 };
        let mut builder = Builder::new(Instant::now());
        for number in 1..=5 {
            builder.push(&message(Some(b"k"), Some(b"a value that can be compressed"), 100 + number), 10);
        }
        let (mut whole, open) = builder.close(3);
        whole.bytes = pack(std::mem::take(&mut whole.bytes), 5, open, Codec::Zstd).expect("memory");
        whole.stamp(Some(identity), i32::MAX);
        let [first, second] = split(&whole, Codec::Zstd).expect("two");
        assert_eq!((first.count(), second.count(), first.weight + second.weight), (2, 3, whole.weight));
        assert_eq!((first.stamp, second.stamp), (Some((identity, i32::MAX)), Some((identity, 1))));
        let timestamps = |blob: &[u8]| seen(blob).iter().map(|record| record.1).collect::<Vec<i64>>();
        assert_eq!((timestamps(&first.bytes), timestamps(&second.bytes)), (vec![101, 102], vec![103, 104, 105]));
    }

    #[test]
    fn sequence_numbers_go_round() {
        assert_eq!((behind(0, 10), behind(i32::MAX, 1), behind(i32::MAX - 1, 3)), (10, 0, 1));
    }
}
