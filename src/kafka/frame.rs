//! Requests and answers as bytes on a stream, each behind its length, and why a stream ended.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey, RequestHeader};
use kafka_protocol::protocol::{Encodable, Request, StrBytes};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::dial::{DialError, DialReason};

/// The name that brokers see in their logs and quotas.
pub const CLIENT_ID: &str = "kubectl-kafka";

/// The largest answer we accept. Metadata of 100,000 partitions is about 10 MB; a length beyond this
/// means that the peer does not speak Kafka (the first bytes of HTTP read as 1.2 GB).
const MAX_RESPONSE: usize = 512 << 20;

/// Length, header and client id of a request.
const HEADER_ROOM: usize = 64;

/// Why a stream ended.
#[derive(Debug, Clone)]
pub(crate) struct StreamEnd {
    /// What was seen, in words.
    pub(crate) reason: String,
    /// The other side wants something else of us: trying again is in vain.
    pub(crate) refusal: Option<DialError>,
}

impl StreamEnd {
    pub(super) fn because(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), refusal: None }
    }
}

impl From<&std::io::Error> for StreamEnd {
    fn from(error: &std::io::Error) -> Self {
        // A stream of TLS tells what a person must know through its errors.
        let refusal = error.get_ref().and_then(|inner| inner.downcast_ref::<DialError>()).cloned();
        let reason = match error.kind() {
            std::io::ErrorKind::UnexpectedEof => "closed by the other side".to_owned(),
            _ => error.to_string(),
        };
        Self { reason, refusal }
    }
}

/// The request's name in Kafka's documentation: `DescribeQuorum`.
pub(super) fn api_name(key: i16) -> String {
    ApiKey::try_from(key).map_or_else(|()| format!("request {key}"), |key| format!("{key:?}"))
}

pub(crate) fn encode<R: Request>(request: &R, version: i16, correlation: i32) -> std::result::Result<Bytes, String> {
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_correlation_id(correlation)
        .with_client_id(Some(StrBytes::from_static_str(CLIENT_ID)));
    let size = request.compute_size(version).map_err(|error| error.to_string())?;
    let mut frame = BytesMut::with_capacity(size + HEADER_ROOM);
    frame.put_i32(0);
    header.encode(&mut frame, R::header_version(version)).map_err(|error| error.to_string())?;
    request.encode(&mut frame, version).map_err(|error| error.to_string())?;
    let length = i32::try_from(frame.len() - 4).map_err(|error| error.to_string())?;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    Ok(frame.freeze())
}

/// One answer without its length.
pub(crate) async fn read_frame(stream: &mut (impl AsyncRead + Unpin)) -> std::result::Result<Bytes, StreamEnd> {
    let head = stream.read_u32().await.map_err(|error| StreamEnd::from(&error))?;
    if is_tls_alert(head) {
        return Err(wants_tls());
    }
    let length = usize::try_from(head).ok().filter(|length| (4..=MAX_RESPONSE).contains(length)).ok_or_else(|| {
        StreamEnd::because(format!("an answer of {head} bytes was announced: the peer does not speak Kafka"))
    })?;
    let mut frame = BytesMut::zeroed(length);
    stream.read_exact(&mut frame).await.map_err(|error| StreamEnd::from(&error))?;
    Ok(frame.freeze())
}

/// A listener with TLS answers plain text with an alert: type 21, then version 3.x. As the length of an answer
/// that would be 352 MB.
fn is_tls_alert(head: u32) -> bool {
    let [kind, major, minor, _] = head.to_be_bytes();
    (kind, major) == (21, 3) && minor <= 4
}

fn wants_tls() -> StreamEnd {
    let message = "the listener of the broker uses TLS, and plain text was sent";
    let mut refusal = DialError::new(DialReason::Refusal, message);
    refusal.hint = Some(
        "give --command-config a file with security.protocol=SASL_SSL or SSL; without that property it is PLAINTEXT"
            .to_owned(),
    );
    StreamEnd { reason: message.to_owned(), refusal: Some(refusal) }
}
