//! One record, borrowed from the bytes that a broker sent.

/// What a record's timestamp means (`message.timestamp.type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer's clock.
    Create,
    /// The broker's clock.
    LogAppend,
}

impl TimestampType {
    /// Kafka's word: `CreateTime`, `LogAppendTime`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "CreateTime",
            Self::LogAppend => "LogAppendTime",
        }
    }
}

/// One record. Null and empty are different things in a key, a value and a header's value.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// The topic's name.
    pub topic: &'a str,
    /// The partition's number.
    pub partition: i32,
    /// The record's offset.
    pub offset: i64,
    /// Milliseconds since 1970; −1 when the producer gave none.
    pub timestamp: i64,
    /// Whose clock it was.
    pub timestamp_type: TimestampType,
    /// The epoch of the leader that wrote it; `None` where the reader does not learn it.
    pub leader_epoch: Option<i32>,
    /// The key.
    pub key: Option<&'a [u8]>,
    /// The value; a null one deletes its key from a compacted topic.
    pub value: Option<&'a [u8]>,
    /// In order, duplicates included.
    pub headers: Headers<'a>,
}

/// Headers in their wire form, read only when somebody asks: count (zigzag varint), then name and value,
/// each behind its length; a value of length −1 is null.
#[derive(Debug, Clone, Copy, Default)]
pub struct Headers<'a>(&'a [u8]);

impl<'a> Headers<'a> {
    /// From the tail of an encoded record.
    pub fn encoded(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Their wire form.
    pub fn as_encoded(&self) -> &'a [u8] {
        self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Name and value of each. Ends early where the bytes are no headers.
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> {
        let mut rest = self.0;
        let mut left = varint(&mut rest).unwrap_or(0);
        std::iter::from_fn(move || {
            if left <= 0 {
                return None;
            }
            left -= 1;
            Some((sized(&mut rest)?.unwrap_or_default(), sized(&mut rest)?))
        })
    }

    /// Writes headers in their wire form behind what the buffer holds.
    pub fn encode<'h>(headers: impl ExactSizeIterator<Item = (&'h [u8], Option<&'h [u8]>)>, buffer: &mut Vec<u8>) {
        put_varint(wire_length(headers.len()), buffer);
        for (name, value) in headers {
            put_varint(wire_length(name.len()), buffer);
            buffer.extend_from_slice(name);
            put_varint(value.map_or(-1, |value| wire_length(value.len())), buffer);
            buffer.extend_from_slice(value.unwrap_or_default());
        }
    }
}

/// A length as it is written.
pub(crate) fn wire_length(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Reads a zigzag varint of up to 64 bits.
pub(crate) fn varint(bytes: &mut &[u8]) -> Option<i64> {
    let mut value = 0_u64;
    for shift in (0..70).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
        }
    }
    None
}

/// Bytes behind their length; `Some(None)` is null.
#[expect(clippy::option_option, reason = "cut off is not null")]
pub(crate) fn sized<'a>(bytes: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let length = varint(bytes)?;
    if length < 0 {
        return Some(None);
    }
    let (found, rest) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
    *bytes = rest;
    Some(Some(found))
}

/// Writes a zigzag varint.
pub(crate) fn put_varint(value: i64, buffer: &mut Vec<u8>) {
    let mut left = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while left >= 0x80 {
        buffer.push(u8::try_from(left & 0x7f).unwrap_or_default() | 0x80);
        left >>= 7;
    }
    buffer.push(u8::try_from(left).unwrap_or_default());
}

/// How many bytes [`put_varint`] writes.
pub(crate) fn varint_length(value: i64) -> usize {
    let zigzag = ((value << 1) ^ (value >> 63)).cast_unsigned();
    // 7 bits in each byte, one byte at least.
    usize::try_from((70 - (zigzag | 1).leading_zeros()) / 7).unwrap_or(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_round_trip() {
        for value in [0, -1, 1, 63, 64, -64, -65, 8191, 1 << 40, i64::MAX, i64::MIN] {
            let mut buffer = Vec::new();
            put_varint(value, &mut buffer);
            assert_eq!(buffer.len(), varint_length(value), "{value}");
            let mut bytes = buffer.as_slice();
            assert_eq!(varint(&mut bytes), Some(value));
            assert_eq!(bytes, [0_u8; 0]);
        }
        assert_eq!(varint(&mut [0x80_u8; 3].as_slice()), None);
    }

    #[test]
    fn headers_keep_order_duplicates_null_and_empty() {
        let headers: [(&[u8], Option<&[u8]>); 4] =
            [(b"a", Some(b"1")), (b"a", Some(b"")), (b"b", None), (b"", Some(&[0xff]))];
        let mut buffer = Vec::new();
        Headers::encode(headers.iter().copied(), &mut buffer);
        assert_eq!(Headers::encoded(&buffer).iter().collect::<Vec<_>>(), headers);
        assert!(Headers::default().is_empty());
    }
}
