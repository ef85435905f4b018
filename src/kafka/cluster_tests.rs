use kafka_protocol::messages::{ApiKey, ApiVersionsResponse, BrokerId, DeleteTopicsRequest, DeleteTopicsResponse};

use super::*;
use crate::kafka::testing::{Asked, Brokers, InMemory, Reaction, broker, versions};

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

impl Brokers for World {
    fn accepts(&mut self, node: i32) -> bool {
        match self.dead.filter(|(dead, _)| *dead == node) {
            Some((_, next)) => {
                self.controller = next;
                false
            }
            None => true,
        }
    }

    fn answer(&mut self, node: i32, asked: &Asked) -> Reaction {
        match asked.api {
            ApiKey::ApiVersions => asked.react(&known(self)),
            ApiKey::Metadata => asked.react(&metadata(self)),
            ApiKey::DeleteTopics => {
                self.deletions.push(node);
                asked.react(&DeleteTopicsResponse::default())
            }
            other => panic!("{other:?}"),
        }
    }
}

fn known(world: &World) -> ApiVersionsResponse {
    let mut known = vec![(ApiKey::ApiVersions, 3), (ApiKey::Metadata, 12), (ApiKey::DeleteTopics, 6)];
    known.extend(world.is_kraft.then_some((ApiKey::DescribeQuorum, 1)));
    versions(&known)
}

fn metadata(world: &World) -> MetadataResponse {
    MetadataResponse::default()
        .with_brokers(vec![broker(1), broker(2), broker(3)])
        .with_controller_id(BrokerId(world.controller))
}

/// Who got a request for the controller.
async fn asked(controller: i32, dead: Option<(i32, i32)>, is_kraft: bool) -> Vec<i32> {
    let world = World { controller, dead, is_kraft, deletions: Vec::new() };
    let brokers = InMemory::new(world);
    let cluster = brokers.connect(Duration::from_secs(5)).await;
    cluster.controller(&DeleteTopicsRequest::default()).await.expect("an answer");
    brokers.brokers().deletions.clone()
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
