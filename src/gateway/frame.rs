//! The first bytes of a Kafka frame: as much as forwarding needs, nothing decoded further.
//!
//! Request: length i32, API key i16, version i16, correlation id i32, client id (nullable string), from
//! header version 2 tagged fields. Response: length i32, correlation id i32.
//! Source: <https://kafka.apache.org/protocol#protocol_messages>.

use kafka_protocol::messages::ApiKey;

/// The largest frame that is accepted: the upper bound of `socket.request.max.bytes` that brokers run
/// with in practice. A length beyond it means that the peer does not speak Kafka.
const MAX_FRAME: usize = 1 << 30;

/// The bytes are not Kafka's.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {0} is not Kafka's")]
pub(super) struct Malformed(pub(super) &'static str);

/// What a request's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RequestHead {
    /// Of the whole frame, its length prefix included.
    pub(super) size: usize,
    pub(super) api: i16,
    pub(super) version: i16,
    pub(super) correlation: i32,
    /// `Produce` with `acks=0` is never answered.
    pub(super) answered: bool,
}

/// What a response's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ResponseHead {
    /// Of the whole frame, its length prefix included.
    pub(super) size: usize,
    pub(super) correlation: i32,
}

/// The head of the request at the front of the buffer; `None` until enough of it has arrived.
pub(super) fn request(buffer: &[u8]) -> Result<Option<RequestHead>, Malformed> {
    let mut bytes = Bytes(buffer);
    let Some(size) = frame_size(&mut bytes, 8, "request")? else { return Ok(None) };
    let Some((api, version, correlation)) = bytes.head() else { return Ok(None) };
    let mut head = RequestHead { size, api, version, correlation, answered: true };
    if api == ApiKey::Produce as i16 {
        match bytes.acks(version) {
            Some(acks) => head.answered = acks != 0,
            None if buffer.len() >= size => return Err(Malformed("Produce request")),
            None => return Ok(None),
        }
    }
    Ok(Some(head))
}

/// The head of the response at the front of the buffer; `None` until enough of it has arrived.
pub(super) fn response(buffer: &[u8]) -> Result<Option<ResponseHead>, Malformed> {
    let mut bytes = Bytes(buffer);
    let Some(size) = frame_size(&mut bytes, 4, "response")? else { return Ok(None) };
    Ok(bytes.int32().map(|correlation| ResponseHead { size, correlation }))
}

fn frame_size(bytes: &mut Bytes<'_>, least: usize, what: &'static str) -> Result<Option<usize>, Malformed> {
    let Some(length) = bytes.int32() else { return Ok(None) };
    let length = usize::try_from(length).ok().filter(|length| (least..=MAX_FRAME).contains(length));
    length.map(|length| Some(length + 4)).ok_or(Malformed(what))
}

/// A reader that ends with `None` where the bytes end.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn head(&mut self) -> Option<(i16, i16, i32)> {
        Some((self.int16()?, self.int16()?, self.int32()?))
    }

    /// `acks` of a Produce request, behind client id, tagged fields and transactional id.
    fn acks(&mut self, version: i16) -> Option<i16> {
        let flexible = version >= 9;
        self.nullable_string()?;
        if flexible {
            for _ in 0..self.varint()? {
                self.varint()?;
                let size = self.varint()?;
                self.skip(size)?;
            }
            // A compact string's length is written plus one; 0 is null.
            let length = self.varint()?.saturating_sub(1);
            self.skip(length)?;
        } else if version >= 3 {
            self.nullable_string()?;
        }
        self.int16()
    }

    fn nullable_string(&mut self) -> Option<()> {
        let length = self.int16()?;
        self.skip(usize::try_from(length).unwrap_or(0))
    }

    fn int16(&mut self) -> Option<i16> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(i16::from_be_bytes(*number))
    }

    fn int32(&mut self) -> Option<i32> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(i32::from_be_bytes(*number))
    }

    fn varint(&mut self) -> Option<usize> {
        let mut value = 0;
        for shift in (0..35).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        Some(value)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.0 = self.0.get(count..)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use bytes::{BufMut, BytesMut};
    use kafka_protocol::messages::{ProduceRequest, RequestHeader, TransactionalId};
    use kafka_protocol::protocol::{Encodable, HeaderVersion, StrBytes};

    use super::*;

    fn produce(version: i16, acks: i16, transaction: Option<&str>) -> Vec<u8> {
        let header = RequestHeader::default()
            .with_request_api_key(0)
            .with_request_api_version(version)
            .with_correlation_id(7)
            .with_client_id(Some(StrBytes::from_static_str("client")));
        let transaction = transaction.map(|id| TransactionalId(StrBytes::from_string(id.to_owned())));
        let request = ProduceRequest::default().with_acks(acks).with_transactional_id(transaction);
        let mut body = BytesMut::new();
        header.encode(&mut body, ProduceRequest::header_version(version)).expect("a header");
        request.encode(&mut body, version).expect("a request");
        let mut frame = BytesMut::new();
        frame.put_i32(i32::try_from(body.len()).expect("a small frame"));
        frame.extend_from_slice(&body);
        frame.to_vec()
    }

    #[test]
    fn acks_are_found_in_every_version_however_the_bytes_arrive() {
        for version in 3..=13 {
            for transaction in [None, Some("a-transaction")] {
                for acks in [-1, 0, 1] {
                    let frame = produce(version, acks, transaction);
                    let whole = request(&frame).expect("Kafka").expect("complete");
                    assert_eq!((whole.api, whole.version, whole.correlation), (0, version, 7));
                    assert_eq!((whole.size, whole.answered), (frame.len(), acks != 0), "v{version} acks={acks}");
                    for end in 0..frame.len() {
                        let part = request(&frame[..end]).expect("Kafka so far");
                        assert!(part.is_none() || part == Some(whole), "v{version} cut at {end}");
                    }
                }
            }
        }
    }

    #[test]
    fn other_protocols_are_refused_by_their_first_bytes() {
        assert_eq!(request(b"GET / HTTP/1.1\r\n"), Err(Malformed("request")));
        assert_eq!(response(&[0, 0, 0, 3, 0, 0, 0]), Err(Malformed("response")));
        assert_eq!(request(&[0xff; 12]), Err(Malformed("request")));
    }

    #[test]
    fn a_produce_request_that_ends_before_its_acks_is_refused() {
        let mut frame = produce(9, 1, None);
        frame.truncate(4 + 8 + 2);
        let length = i32::try_from(frame.len() - 4).expect("small");
        frame[..4].copy_from_slice(&length.to_be_bytes());
        assert_eq!(request(&frame), Err(Malformed("Produce request")));
    }
}
