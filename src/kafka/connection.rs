//! One stream to one broker: version negotiation and pipelined requests.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey, ApiVersionsRequest, ApiVersionsResponse, RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::dial::{BoxStream, DialError, DialReason};
use super::error::{Error, Result};

/// The name that brokers see in their logs and quotas.
pub const CLIENT_ID: &str = "kubectl-kafka";

/// The largest answer we accept. Metadata of 100,000 partitions is about 10 MB; a length beyond this
/// means that the peer does not speak Kafka (the first bytes of HTTP read as 1.2 GB).
const MAX_RESPONSE: usize = 512 << 20;

/// The version of a request that is sent before the negotiation is over. ApiVersions v3 is known to
/// every broker since 2.4; older ones answer it with v0 and an error (KIP-511).
const FIRST_API_VERSIONS: i16 = 3;

/// Length, header and client id of a request.
const HEADER_ROOM: usize = 64;

type Waiting = HashMap<i32, oneshot::Sender<Bytes>>;

/// What requests in flight share with the reader of the answers.
#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// Why the stream ended, once it has.
    ended: Mutex<Option<StreamEnd>>,
}

/// Why a stream ended.
#[derive(Debug, Clone)]
pub(crate) struct StreamEnd {
    /// What was seen, in words.
    pub(crate) reason: String,
    /// The other side wants something else of us: trying again is in vain.
    pub(crate) refusal: Option<DialError>,
}

impl StreamEnd {
    fn because(reason: impl Into<String>) -> Self {
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

/// The answer to a request that was sent.
pub struct Pending {
    answer: oneshot::Receiver<Bytes>,
    version: i16,
}

/// A negotiated connection. Requests may be sent from several tasks at once; answers find their way by
/// correlation id. Dropping it closes the stream.
pub struct Connection {
    to: String,
    timeout: Duration,
    writer: tokio::sync::Mutex<WriteHalf<BoxStream>>,
    shared: Arc<Shared>,
    correlation: AtomicI32,
    versions: HashMap<i16, (i16, i16)>,
    reader: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Connection {
    /// Negotiates versions on a fresh stream. One round trip.
    ///
    /// `to` names the broker in errors; `timeout` is the deadline of each request.
    pub async fn open(stream: BoxStream, to: impl Into<String>, timeout: Duration) -> Result<Self> {
        let mut connection = Self::start(stream, to.into(), timeout);
        let answer = connection.send_versions().await?;
        connection.learn(&answer.await?)?;
        Ok(connection)
    }

    /// Negotiates and sends a first request together: one round trip instead of two.
    ///
    /// The request goes out in the given version before the broker's range is known; a broker that does
    /// not know it closes the connection, and the caller opens a new one with [`Connection::open`].
    pub async fn open_with<R: Request>(
        stream: BoxStream,
        to: impl Into<String>,
        timeout: Duration,
        request: &R,
        version: i16,
    ) -> Result<(Self, R::Response)> {
        let mut connection = Self::start(stream, to.into(), timeout);
        let versions = connection.send_versions().await?;
        let answer = connection.write(request, version).await?;
        connection.learn(&versions.await?)?;
        let response = connection.decode::<R>(connection.wait(answer, api_name(R::KEY)).await?, version)?;
        Ok((connection, response))
    }

    /// Sends a request in the highest version that both sides know, and waits for its answer.
    pub async fn send<R: Request>(&self, request: &R) -> Result<R::Response> {
        let pending = self.begin(request).await?;
        self.finish::<R>(pending).await
    }

    /// Sends a request; its answer is waited for by [`finish`](Self::finish). Who wants requests to arrive in
    /// order waits for one to be sent before the next is.
    pub async fn begin<R: Request>(&self, request: &R) -> Result<Pending> {
        let version = self.version_of::<R>()?;
        Ok(Pending { answer: self.write(request, version).await?, version })
    }

    /// Waits for the answer to a request of this kind.
    pub async fn finish<R: Request>(&self, pending: Pending) -> Result<R::Response> {
        self.decode::<R>(self.wait(pending.answer, api_name(R::KEY)).await?, pending.version)
    }

    /// Sends a request that is never answered (Produce with `acks=0`).
    pub async fn tell<R: Request>(&self, request: &R) -> Result<()> {
        let version = self.version_of::<R>()?;
        let correlation = self.correlation.fetch_add(1, Ordering::Relaxed);
        self.write_frame(request, version, correlation).await
    }

    /// The highest version of a request that both sides know, if there is one.
    pub fn supports<R: Request>(&self) -> Option<i16> {
        self.version_of::<R>().ok()
    }

    /// The broker as a person names it.
    pub fn to(&self) -> &str {
        &self.to
    }

    /// Whether the stream has ended.
    pub fn is_closed(&self) -> bool {
        lock(&self.shared.ended).is_some()
    }

    fn start(stream: BoxStream, to: String, timeout: Duration) -> Self {
        let (read, write) = tokio::io::split(stream);
        let shared = Arc::new(Shared::default());
        let reader = tokio::spawn(read_answers(read, Arc::clone(&shared)));
        Self {
            to,
            timeout,
            writer: tokio::sync::Mutex::new(write),
            shared,
            correlation: AtomicI32::new(0),
            versions: HashMap::new(),
            reader,
        }
    }

    async fn send_versions(&self) -> Result<impl Future<Output = Result<Bytes>> + use<'_>> {
        let request = ApiVersionsRequest::default()
            .with_client_software_name(StrBytes::from_static_str(CLIENT_ID))
            .with_client_software_version(StrBytes::from_static_str(env!("CARGO_PKG_VERSION")));
        let answer = self.write(&request, FIRST_API_VERSIONS).await?;
        Ok(self.wait(answer, api_name(ApiVersionsRequest::KEY)))
    }

    /// An error answer of ApiVersions is always encoded as v0, but carries the ranges since 2.4.
    fn learn(&mut self, answer: &Bytes) -> Result<()> {
        let mut body = answer.slice(4..);
        let code = body.get(0..2).map_or(0, |mut code| code.get_i16());
        let version = if code == 0 { FIRST_API_VERSIONS } else { 0 };
        let response = ApiVersionsResponse::decode(&mut body, version)
            .map_err(|error| self.malformed(ApiVersionsRequest::KEY, &error))?;
        self.versions =
            response.api_keys.iter().map(|range| (range.api_key, (range.min_version, range.max_version))).collect();
        Ok(())
    }

    fn version_of<R: Request>(&self) -> Result<i16> {
        let ours = R::VERSIONS;
        self.versions
            .get(&R::KEY)
            .map(|(low, high)| ((*low).max(ours.min), (*high).min(ours.max)))
            .filter(|(low, high)| low <= high)
            .map(|(_, high)| high)
            .ok_or_else(|| Error::Unsupported { to: self.to.clone(), api: api_name(R::KEY) })
    }

    async fn write<R: Request>(&self, request: &R, version: i16) -> Result<oneshot::Receiver<Bytes>> {
        let correlation = self.correlation.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        lock(&self.shared.waiting).insert(correlation, sender);
        self.write_frame(request, version, correlation).await?;
        Ok(receiver)
    }

    async fn write_frame<R: Request>(&self, request: &R, version: i16, correlation: i32) -> Result<()> {
        let frame = encode(request, version, correlation).map_err(|error| self.malformed(R::KEY, &error))?;
        // The reader wakes who waits when the stream ends; whoever comes after that must not wait at all.
        if self.is_closed() {
            return Err(self.lost("closed by the broker"));
        }
        tracing::debug!(to = self.to, api = api_name(R::KEY), version, bytes = frame.len(), "request");
        let written = async {
            let mut writer = self.writer.lock().await;
            writer.write_all(&frame).await?;
            writer.flush().await
        };
        match tokio::time::timeout(self.timeout, written).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.lost(&error.to_string())),
            Err(_) => Err(self.timed_out(R::KEY)),
        }
    }

    async fn wait(&self, answer: oneshot::Receiver<Bytes>, api: String) -> Result<Bytes> {
        match tokio::time::timeout(self.timeout, answer).await {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(_)) => Err(self.lost("closed by the broker")),
            Err(_) => {
                // A tunnel can hang without an error. Whoever asks next gets a new one, instead of
                // waiting on this one for ever.
                lock(&self.shared.ended)
                    .get_or_insert_with(|| StreamEnd::because(format!("{api} was not answered in time")));
                Err(Error::TimedOut { to: self.to.clone(), api, after: self.timeout })
            }
        }
    }

    fn decode<R: Request>(&self, mut body: Bytes, version: i16) -> Result<R::Response> {
        ResponseHeader::decode(&mut body, R::Response::header_version(version))
            .and_then(|_| R::Response::decode(&mut body, version))
            .map_err(|error| self.malformed(R::KEY, &error))
    }

    fn lost(&self, reason: &str) -> Error {
        let ended = lock(&self.shared.ended).clone().unwrap_or_else(|| StreamEnd::because(reason));
        match ended.refusal {
            Some(refusal) => Error::Dial(refusal),
            None => Error::Lost { to: self.to.clone(), reason: ended.reason },
        }
    }

    fn timed_out(&self, key: i16) -> Error {
        Error::TimedOut { to: self.to.clone(), api: api_name(key), after: self.timeout }
    }

    fn malformed(&self, key: i16, reason: &dyn std::fmt::Display) -> Error {
        Error::Malformed { to: self.to.clone(), api: api_name(key), reason: reason.to_string() }
    }
}

/// The request's name in Kafka's documentation: `DescribeQuorum`.
pub fn api_name(key: i16) -> String {
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

/// Hands each answer to the request that waits for it, until the stream ends. Then every waiting
/// request learns why: its sender is dropped.
async fn read_answers(mut stream: ReadHalf<BoxStream>, shared: Arc<Shared>) {
    let reason = loop {
        match read_frame(&mut stream).await {
            Ok(frame) => {
                let correlation = frame.get(0..4).map(|mut id| id.get_i32());
                let waiting = correlation.and_then(|id| lock(&shared.waiting).remove(&id));
                // An answer that nobody waits for belongs to a request that timed out.
                if let Some(sender) = waiting {
                    let _ = sender.send(frame);
                }
            }
            Err(reason) => break reason,
        }
    };
    *lock(&shared.ended) = Some(reason);
    lock(&shared.waiting).clear();
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_that_does_not_answer_is_not_used_again() {
        // The other end takes everything and says nothing.
        let (ours, _theirs) = tokio::io::duplex(64 * 1024);
        let connection = Connection::start(Box::new(ours), "a broker".to_owned(), Duration::from_millis(50));
        let asked = connection.send_versions().await.expect("the bytes are taken").await;
        assert!(matches!(asked, Err(Error::TimedOut { .. })));
        assert!(connection.is_closed());
    }
}
