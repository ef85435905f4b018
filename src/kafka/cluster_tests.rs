use kafka_protocol::messages::{ApiKey, ApiVersionsResponse, BrokerId, DeleteTopicsRequest, DeleteTopicsResponse};

use super::*;
use crate::kafka::testing::{Asked, Brokers, InMemory, Reaction, broker, versions};

/// Three brokers in memory; the first one is the one that everybody reaches first.
struct World {
    /// What Metadata says.
    controller: i32,
    /// The one that cannot be dialled, and who is the controller as soon as somebody tried.
    dead: Option<(i32, i32)>,
    /// When its session is over: until then it stays the controller.
    session: Instant,
    is_kraft: bool,
    /// Who was asked to delete a topic.
    deletions: Vec<i32>,
}

impl Brokers for World {
    fn accepts(&mut self, node: i32) -> bool {
        match self.dead.filter(|(dead, _)| *dead == node) {
            Some((_, next)) => {
                if Instant::now() >= self.session {
                    self.controller = next;
                }
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
    let world = World { controller, dead, is_kraft, ..alive() };
    let brokers = InMemory::new(world);
    let cluster = brokers.connect(Duration::from_secs(5)).await;
    cluster.controller(&DeleteTopicsRequest::default()).await.expect("an answer");
    brokers.brokers().deletions.clone()
}

/// Brokers with a controller that is dead and keeps its place for so long.
fn after_a_death(session: Duration) -> InMemory<World> {
    let session = Instant::now() + session;
    InMemory::new(World { controller: 3, dead: Some((3, 2)), session, ..alive() })
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
async fn without_a_controller_the_next_is_waited_for() {
    let brokers = InMemory::new(World { controller: -1, ..alive() });
    let cluster = brokers.connect(SHORT).await;
    let request = DeleteTopicsRequest::default();
    let elected = async {
        tokio::time::sleep(SHORT * 5).await;
        assert_eq!(brokers.brokers().deletions, [0; 0]);
        brokers.brokers().controller = 2;
    };
    let (answer, ()) = tokio::join!(cluster.controller(&request), elected);
    answer.expect("an answer");
    assert_eq!(brokers.brokers().deletions, [2]);
    brokers.brokers().controller = -1;
    let cluster = brokers.connect(Duration::ZERO).await;
    let error = cluster.controller(&request).await.expect_err("nobody");
    assert_eq!(error.to_string(), "none of the brokers is the controller (yet)");
}

/// What a test waits for, in parts of a second, lasts longer than anything else is retried.
const SHORT: Duration = Duration::from_millis(100);

/// Without anybody dead.
fn alive() -> World {
    World { controller: 1, dead: None, is_kraft: false, session: Instant::now(), deletions: Vec::new() }
}

#[tokio::test]
async fn a_controller_that_died_is_looked_for_again() {
    assert_eq!(asked(3, Some((3, 2)), false).await, [2]);
}

#[tokio::test]
async fn a_controller_that_died_is_waited_out_until_its_session_is_over() {
    let brokers = after_a_death(SHORT * 5);
    let cluster = brokers.connect(SHORT).await;
    cluster.controller(&DeleteTopicsRequest::default()).await.expect("an answer");
    assert_eq!(brokers.brokers().deletions, [2]);
    let brokers = after_a_death(SHORT);
    let cluster = brokers.connect(Duration::ZERO).await;
    let asked = cluster.controller(&DeleteTopicsRequest::default()).await;
    assert!(asked.is_err_and(|error| error.to_string().contains("pod b-3 does not exist")), "who retries nothing");
}
