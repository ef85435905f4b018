//! One stream to one broker: version negotiation and pipelined requests.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Buf, Bytes};
use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse, ResponseHeader};
use kafka_protocol::protocol::{Decodable, HeaderVersion, Request, StrBytes};
use tokio::io::{AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::dial::BoxStream;
use super::error::{Error, Result};
use super::frame::{CLIENT_ID, StreamEnd, api_name, encode, read_frame};

/// The version of a request that is sent before the negotiation is over. ApiVersions v3 is known to
/// every broker since 2.4; older ones answer it with v0 and an error (KIP-511).
const FIRST_API_VERSIONS: i16 = 3;

type Waiting = HashMap<i32, oneshot::Sender<Bytes>>;

/// What requests in flight share with the reader of the answers.
#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// Why the stream ended, once it has.
    ended: Mutex<Option<StreamEnd>>,
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
