//! The whole gateway, between a real socket and a broker that lives in memory.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use futures::FutureExt;
use futures::future::BoxFuture;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::metadata_response::MetadataResponseBroker;
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, ApiVersionsResponse, BrokerId, FetchRequest, ListOffsetsRequest, ListOffsetsResponse,
    MetadataRequest, MetadataResponse, ProduceRequest, ProduceResponse, RequestHeader, ResponseHeader,
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::kafka::testing::{Asked, read_frame};
use crate::kafka::{BoxStream, DialError, DialReason, Endpoint, NodeId, Target};

/// Every wait of these tests; far more than a local round trip takes.
const SOON: Duration = Duration::from_secs(5);

/// A cluster of two brokers, of which only the first answers.
#[derive(Default)]
struct FakeCluster {
    /// `api@target`, in the order of arrival.
    seen: Arc<Mutex<Vec<String>>>,
    dials: Arc<AtomicUsize>,
}

impl Dialer for FakeCluster {
    fn dial<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<BoxStream, DialError>> {
        async move {
            let Target::Node(node, endpoint) = target else { panic!("the gateway dials nodes") };
            if node.0 == 102 {
                return Err(DialError::new(DialReason::Gone, "pod b-2 does not exist (now)"));
            }
            self.dials.fetch_add(1, Ordering::Relaxed);
            let (near, far) = tokio::io::duplex(64 * 1024);
            tokio::spawn(broker(far, endpoint.to_string(), Arc::clone(&self.seen)));
            Ok(Box::new(near) as BoxStream)
        }
        .boxed()
    }
}

/// Answers in order, a byte at a time where it matters how the bytes arrive.
async fn broker(mut stream: tokio::io::DuplexStream, address: String, seen: Arc<Mutex<Vec<String>>>) {
    while let Some(asked) = Asked::read(&mut stream).await {
        seen.lock().expect("no panic").push(format!("{:?}@{address}", asked.api));
        let answer = match asked.api {
            ApiKey::ApiVersions => {
                let range = |key: ApiKey, high| ApiVersion::default().with_api_key(key as i16).with_max_version(high);
                let keys = vec![range(ApiKey::Fetch, 18), range(ApiKey::Metadata, 13), range(ApiKey::ApiVersions, 4)];
                asked.answer(&ApiVersionsResponse::default().with_api_keys(keys))
            }
            ApiKey::Metadata => {
                let broker = |id, host| {
                    let host = StrBytes::from_static_str(host);
                    MetadataResponseBroker::default().with_node_id(BrokerId(id)).with_host(host).with_port(9092)
                };
                let brokers = vec![broker(101, "b-1.svc"), broker(102, "b-2.svc")];
                asked.answer(&MetadataResponse::default().with_brokers(brokers))
            }
            ApiKey::Produce if asked.decode::<ProduceRequest>().acks == 0 => continue,
            ApiKey::Produce => asked.answer(&ProduceResponse::default()),
            ApiKey::ListOffsets => asked.answer(&ListOffsetsResponse::default()),
            other => panic!("{other:?} reached the broker"),
        };
        for byte in answer {
            if stream.write_all(&[byte]).await.is_err() {
                return;
            }
        }
    }
}

/// A client that speaks frame by frame.
struct Client {
    stream: TcpStream,
    correlation: i32,
}

impl Client {
    async fn connect(gateway: &Gateway) -> Self {
        let stream = TcpStream::connect(gateway.bootstrap_servers()).await.expect("a listener");
        Self { stream, correlation: 0 }
    }

    async fn authenticated(gateway: &Gateway) -> Self {
        let mut client = Self::connect(gateway).await;
        let code = client.authenticate(gateway.password()).await;
        assert_eq!(code, 0);
        client
    }

    async fn authenticate(&mut self, password: &str) -> i16 {
        let mechanism = StrBytes::from_static_str("PLAIN");
        self.send(&SaslHandshakeRequest::default().with_mechanism(mechanism), 1).await;
        let handshake: SaslHandshakeResponse = self.receive(1).await.1;
        assert_eq!(handshake.error_code, 0);
        let token = Bytes::from(format!("\0kubectl-kafka\0{password}"));
        self.send(&SaslAuthenticateRequest::default().with_auth_bytes(token), 2).await;
        let answer: SaslAuthenticateResponse = self.receive(2).await.1;
        answer.error_code
    }

    async fn send<R: Request>(&mut self, request: &R, version: i16) -> i32 {
        self.correlation += 1;
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(self.correlation);
        let mut body = BytesMut::new();
        header.encode(&mut body, R::header_version(version)).expect("a header");
        request.encode(&mut body, version).expect("a request");
        let mut frame = BytesMut::new();
        frame.put_i32(i32::try_from(body.len()).expect("small"));
        frame.extend_from_slice(&body);
        self.stream.write_all(&frame).await.expect("a connection");
        self.correlation
    }

    async fn receive<R: Decodable + HeaderVersion>(&mut self, version: i16) -> (i32, R) {
        let frame = tokio::time::timeout(SOON, read_frame(&mut self.stream)).await.expect("an answer in time");
        let mut frame = frame.expect("an answer");
        let header = ResponseHeader::decode(&mut frame, R::header_version(version)).expect("a header");
        (header.correlation_id, R::decode(&mut frame, version).expect("the response that was asked for"))
    }

    async fn is_closed(&mut self) -> bool {
        let read = tokio::time::timeout(SOON, self.stream.read_u8()).await.expect("closed in time");
        read.is_err()
    }
}

fn gateway() -> (Gateway, Arc<Mutex<Vec<String>>>) {
    let (gateway, seen, _) = counted();
    (gateway, seen)
}

fn counted() -> (Gateway, Arc<Mutex<Vec<String>>>, Arc<AtomicUsize>) {
    let cluster = FakeCluster::default();
    let (seen, dials) = (Arc::clone(&cluster.seen), Arc::clone(&cluster.dials));
    let endpoint = Endpoint { host: "b-1.svc".into(), port: 9092 };
    let brokers = [Broker { node: NodeId(101), endpoint, rack: None }];
    (Gateway::open(Arc::new(cluster), &brokers).expect("a gateway"), seen, dials)
}

#[tokio::test]
async fn a_client_learns_the_brokers_versions_before_it_authenticates() {
    let (gateway, _) = gateway();
    let mut client = Client::connect(&gateway).await;
    client.send(&ApiVersionsRequest::default(), 3).await;
    let (_, versions) = client.receive::<ApiVersionsResponse>(3).await;
    let fetch = versions.api_keys.iter().find(|range| range.api_key == ApiKey::Fetch as i16);
    assert_eq!(fetch.map(|range| range.max_version), Some(15));
    assert_eq!(client.authenticate(gateway.password()).await, 0);
}

#[tokio::test]
async fn a_wrong_password_is_told_and_then_shut_out() {
    let (gateway, seen) = gateway();
    let mut client = Client::connect(&gateway).await;
    assert_eq!(client.authenticate("guess").await, 58);
    assert!(client.is_closed().await);
    assert_eq!(*seen.lock().expect("no panic"), [""; 0]);
}

#[tokio::test]
async fn nothing_passes_before_authentication() {
    let (gateway, seen) = gateway();
    let mut client = Client::connect(&gateway).await;
    client.send(&MetadataRequest::default(), 9).await;
    assert!(client.is_closed().await);
    let mut client = Client::connect(&gateway).await;
    client.stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("a connection");
    assert!(client.is_closed().await);
    assert_eq!(*seen.lock().expect("no panic"), [""; 0]);
}

#[tokio::test]
async fn a_node_that_metadata_names_gets_a_listener() {
    let (gateway, seen) = gateway();
    let mut client = Client::authenticated(&gateway).await;
    client.send(&MetadataRequest::default(), 12).await;
    let (_, metadata) = client.receive::<MetadataResponse>(12).await;
    let addresses: Vec<String> =
        metadata.brokers.iter().map(|broker| format!("{}:{}", broker.host.as_str(), broker.port)).collect();
    assert_eq!(addresses[0], gateway.bootstrap_servers());
    assert_ne!(addresses[0], addresses[1]);
    assert_eq!(*seen.lock().expect("no panic"), ["Metadata@b-1.svc:9092"]);

    // The new node cannot be reached: its connection ends.
    let mut other = Client { stream: TcpStream::connect(&addresses[1]).await.expect("a listener"), correlation: 0 };
    other.send(&ApiVersionsRequest::default(), 3).await;
    assert!(other.is_closed().await);
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order_also_behind_one_without_an_answer() {
    let (gateway, seen) = gateway();
    let mut client = Client::authenticated(&gateway).await;
    let offsets = client.send(&ListOffsetsRequest::default(), 6).await;
    let silent = client.send(&ProduceRequest::default().with_acks(0), 9).await;
    let metadata = client.send(&MetadataRequest::default(), 12).await;
    let produced = client.send(&ProduceRequest::default().with_acks(-1), 10).await;
    assert_eq!((offsets + 1, silent + 1, metadata + 1), (silent, metadata, produced));
    assert_eq!(client.receive::<ListOffsetsResponse>(6).await.0, offsets);
    assert_eq!(client.receive::<MetadataResponse>(12).await.0, metadata);
    assert_eq!(client.receive::<ProduceResponse>(10).await.0, produced);
    let seen = seen.lock().expect("no panic").clone();
    assert_eq!(seen.iter().filter(|request| request.starts_with("Produce")).count(), 2);
}

#[tokio::test]
async fn a_stream_that_was_left_between_requests_serves_the_next_client() {
    let (gateway, _, dials) = counted();
    for _ in 0..3 {
        let mut client = Client::authenticated(&gateway).await;
        let asked = client.send(&ListOffsetsRequest::default(), 6).await;
        assert_eq!(client.receive::<ListOffsetsResponse>(6).await.0, asked);
        drop(client);
        // The gateway notices the end in its own time.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(dials.load(Ordering::Relaxed), 1);

    // One that is left with an answer under way does not.
    let mut client = Client::authenticated(&gateway).await;
    client.send(&ListOffsetsRequest::default(), 6).await;
    client.stream.write_all(&[0, 0]).await.expect("a connection");
    drop(client);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut client = Client::authenticated(&gateway).await;
    let asked = client.send(&ListOffsetsRequest::default(), 6).await;
    assert_eq!(client.receive::<ListOffsetsResponse>(6).await.0, asked);
    assert_eq!(dials.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_version_that_was_not_offered_ends_the_connection() {
    let (gateway, seen) = gateway();
    let mut client = Client::authenticated(&gateway).await;
    client.send(&FetchRequest::default(), 16).await;
    assert!(client.is_closed().await);
    assert_eq!(*seen.lock().expect("no panic"), [""; 0]);
}

#[tokio::test]
async fn dropping_the_gateway_closes_connections_and_listeners() {
    let (gateway, _) = gateway();
    let mut client = Client::authenticated(&gateway).await;
    let address = gateway.bootstrap_servers().to_owned();
    drop(gateway);
    assert!(client.is_closed().await);
    let refused = tokio::time::timeout(SOON, async {
        while TcpStream::connect(&address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(refused.await.is_ok(), "the listener is still open");
}

#[test]
fn passwords_differ_and_are_long() {
    let (one, other) = (random_password().expect("entropy"), random_password().expect("entropy"));
    assert_ne!(one, other);
    assert_eq!(one.len(), 32);
}
