use std::sync::Mutex;

use futures::FutureExt;
use futures::future::BoxFuture;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::metadata_response::MetadataResponseBroker;
use kafka_protocol::messages::{ApiKey, ApiVersionsResponse, BrokerId, DeleteTopicsRequest, DeleteTopicsResponse};
use tokio::io::AsyncWriteExt;

use super::*;
use crate::kafka::testing::Asked;
use crate::kafka::{BoxStream, DialError, DialReason};

/// Three brokers in memory; the first one is the one that everybody reaches first.
struct World {
    /// What Metadata says.
    controller: i32,
    /// The one that cannot be dialled, and who is the controller as soon as somebody tried.
    dead: Option<(i32, i32)>,
    is_kraft: bool,
    /// Who was asked to delete a topic.
    deletions: Vec<i32>,
}

#[derive(Clone)]
struct Fake(Arc<Mutex<World>>);

impl Dialer for Fake {
    fn dial<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, std::result::Result<BoxStream, DialError>> {
        async move {
            let node = match target {
                Target::Bootstrap => 1,
                Target::Node(node, _) => node.0,
            };
            let mut world = self.0.lock().expect("no panic");
            if let Some((dead, next)) = world.dead.filter(|(dead, _)| *dead == node) {
                world.controller = next;
                return Err(DialError::new(DialReason::Gone, format!("pod b-{dead} does not exist (now)")));
            }
            let (near, far) = tokio::io::duplex(64 * 1024);
            tokio::spawn(serve(far, node, Arc::clone(&self.0)));
            Ok(Box::new(near) as BoxStream)
        }
        .boxed()
    }
}

async fn serve(mut stream: tokio::io::DuplexStream, node: i32, world: Arc<Mutex<World>>) {
    while let Some(asked) = Asked::read(&mut stream).await {
        let answer = {
            let mut world = world.lock().expect("no panic");
            match asked.api {
                ApiKey::ApiVersions => asked.answer(&versions(&world)),
                ApiKey::Metadata => asked.answer(&metadata(&world)),
                ApiKey::DeleteTopics => {
                    world.deletions.push(node);
                    asked.answer(&DeleteTopicsResponse::default())
                }
                other => panic!("{other:?}"),
            }
        };
        if stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

fn versions(world: &World) -> ApiVersionsResponse {
    let range = |key: ApiKey, high| ApiVersion::default().with_api_key(key as i16).with_max_version(high);
    let mut keys = vec![range(ApiKey::ApiVersions, 3), range(ApiKey::Metadata, 12), range(ApiKey::DeleteTopics, 6)];
    keys.extend(world.is_kraft.then(|| range(ApiKey::DescribeQuorum, 1)));
    ApiVersionsResponse::default().with_api_keys(keys)
}

fn metadata(world: &World) -> MetadataResponse {
    let broker = |id: i32| {
        let host = StrBytes::from_string(format!("b-{id}"));
        MetadataResponseBroker::default().with_node_id(BrokerId(id)).with_host(host).with_port(9092)
    };
    MetadataResponse::default()
        .with_brokers(vec![broker(1), broker(2), broker(3)])
        .with_controller_id(BrokerId(world.controller))
}

/// Who got a request for the controller.
async fn asked(controller: i32, dead: Option<(i32, i32)>, is_kraft: bool) -> Vec<i32> {
    let world = World { controller, dead, is_kraft, deletions: Vec::new() };
    let fake = Fake(Arc::new(Mutex::new(world)));
    let options = ClusterOptions { request_timeout: Duration::from_secs(5), retry_for: Duration::from_secs(5) };
    let (cluster, _) = Cluster::connect(Arc::new(fake.clone()), options, &Ask::Nothing).await.expect("a cluster");
    cluster.controller(&DeleteTopicsRequest::default()).await.expect("an answer");
    fake.0.lock().expect("no panic").deletions.clone()
}

#[tokio::test]
async fn with_zookeeper_the_controller_itself_is_asked() {
    assert_eq!(asked(3, None, false).await, [3]);
}

#[tokio::test]
async fn in_kraft_any_broker_passes_it_on() {
    assert_eq!(asked(3, None, true).await, [1]);
}

#[tokio::test]
async fn without_a_controller_any_broker_says_so() {
    assert_eq!(asked(-1, None, false).await, [1]);
}

#[tokio::test]
async fn a_controller_that_died_is_looked_for_again() {
    assert_eq!(asked(3, Some((3, 2)), false).await, [2]);
}
