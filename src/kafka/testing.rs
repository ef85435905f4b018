//! For tests: the broker's side of a connection, and whole clusters in memory.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures::FutureExt;
use futures::future::BoxFuture;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::metadata_response::{MetadataResponseBroker, MetadataResponseTopic};
use kafka_protocol::messages::{
    ApiKey, ApiVersionsResponse, BrokerId, MetadataResponse, RequestHeader, ResponseHeader,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, StrBytes};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::{Ask, BoxStream, Cluster, ClusterOptions, DialError, DialReason, Dialer, Target};

/// Brokers in memory: what a test makes of them.
pub(crate) trait Brokers: Send + 'static {
    /// Which one everybody reaches first.
    fn first(&self) -> i32 {
        1
    }

    /// Whether a broker can be reached.
    fn accepts(&mut self, node: i32) -> bool;

    /// What a broker does with a request.
    fn answer(&mut self, node: i32, asked: &Asked) -> Reaction;
}

/// What a broker does.
pub(crate) enum Reaction {
    Answer(Bytes),
    Silence,
    HangUp,
}

/// A dialer to them.
pub(crate) struct InMemory<B>(Arc<Mutex<B>>);

impl<B> Clone for InMemory<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B: Brokers> InMemory<B> {
    pub(crate) fn new(brokers: B) -> Self {
        Self(Arc::new(Mutex::new(brokers)))
    }

    pub(crate) fn brokers(&self) -> MutexGuard<'_, B> {
        self.0.lock().expect("no panic")
    }

    /// A client of theirs, which retries so long.
    pub(crate) async fn connect(&self, retry_for: Duration) -> Cluster {
        let options = ClusterOptions { request_timeout: Duration::from_secs(2), retry_for };
        let dialer = Arc::new(self.clone());
        Cluster::connect(dialer, options, &Ask::Nothing).await.expect("a cluster").0
    }
}

impl<B: Brokers> Dialer for InMemory<B> {
    fn dial<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<BoxStream, DialError>> {
        async move {
            let mut brokers = self.brokers();
            let node = match target {
                Target::Bootstrap => brokers.first(),
                Target::Node(node, _) => node.0,
            };
            if !brokers.accepts(node) {
                return Err(DialError::new(DialReason::Gone, format!("pod b-{node} does not exist (now)")));
            }
            let (near, far) = tokio::io::duplex(64 * 1024);
            tokio::spawn(serve(far, node, self.clone()));
            Ok(Box::new(near) as BoxStream)
        }
        .boxed()
    }
}

async fn serve<B: Brokers>(mut stream: DuplexStream, node: i32, brokers: InMemory<B>) {
    while let Some(asked) = Asked::read(&mut stream).await {
        let reaction = brokers.brokers().answer(node, &asked);
        match reaction {
            Reaction::Answer(frame) if stream.write_all(&frame).await.is_ok() => {}
            Reaction::Silence => {}
            Reaction::Answer(_) | Reaction::HangUp => return,
        }
    }
}

/// The answer to `ApiVersions` of who knows these requests, up to these versions.
pub(crate) fn versions(highest: &[(ApiKey, i16)]) -> ApiVersionsResponse {
    let range = |(key, high): &(ApiKey, i16)| ApiVersion::default().with_api_key(*key as i16).with_max_version(*high);
    ApiVersionsResponse::default().with_api_keys(highest.iter().map(range).collect())
}

/// The Metadata of brokers 1 and 2, as far as they are not down, and one topic.
pub(crate) fn metadata(down: &BTreeSet<i32>, topic: MetadataResponseTopic) -> MetadataResponse {
    MetadataResponse::default()
        .with_brokers((1..=2).filter(|id| !down.contains(id)).map(broker).collect())
        .with_topics(vec![topic])
}

/// A broker in Metadata: `b-1:9092`.
pub(crate) fn broker(id: i32) -> MetadataResponseBroker {
    let host = StrBytes::from_string(format!("b-{id}"));
    MetadataResponseBroker::default().with_node_id(BrokerId(id)).with_host(host).with_port(9092)
}

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

    /// The reaction that answers it.
    pub(crate) fn react<R: Encodable + HeaderVersion>(&self, response: &R) -> Reaction {
        Reaction::Answer(self.answer(response))
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
