//! For tests: the broker's side of a connection.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey, RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion};
use tokio::io::{AsyncRead, AsyncReadExt};

/// A request as a broker sees it.
pub(crate) struct Asked {
    pub(crate) api: ApiKey,
    pub(crate) version: i16,
    pub(crate) correlation: i32,
    body: Bytes,
}

impl Asked {
    /// The next request; `None` when the client is gone.
    pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Self> {
        let mut frame = read_frame(stream).await?;
        let (api, version) = (frame.slice(0..2).get_i16(), frame.slice(2..4).get_i16());
        let api = ApiKey::try_from(api).expect("a known request");
        let header = RequestHeader::decode(&mut frame, api.request_header_version(version)).expect("a header");
        Some(Self { api, version, correlation: header.correlation_id, body: frame })
    }

    /// Its body.
    pub(crate) fn decode<R: Decodable>(&self) -> R {
        R::decode(&mut self.body.clone(), self.version).expect("the request that the key says")
    }

    /// The frame of its answer.
    pub(crate) fn answer<R: Encodable + HeaderVersion>(&self, response: &R) -> Bytes {
        let mut frame = BytesMut::new();
        frame.put_i32(0);
        let header = ResponseHeader::default().with_correlation_id(self.correlation);
        header.encode(&mut frame, R::header_version(self.version)).expect("a header");
        response.encode(&mut frame, self.version).expect("a response of this version");
        let length = i32::try_from(frame.len() - 4).expect("small");
        frame[..4].copy_from_slice(&length.to_be_bytes());
        frame.freeze()
    }
}

/// A frame without its length; `None` at the end of the stream.
pub(crate) async fn read_frame(stream: &mut (impl AsyncRead + Unpin)) -> Option<Bytes> {
    let length = stream.read_i32().await.ok()?;
    let mut frame = BytesMut::zeroed(usize::try_from(length).ok()?);
    stream.read_exact(&mut frame).await.ok()?;
    Some(frame.freeze())
}
