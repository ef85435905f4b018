use std::collections::BTreeSet;
use std::ops::ControlFlow;

use bytes::Bytes;
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse};
use kafka_protocol::messages::metadata_response::{MetadataResponsePartition, MetadataResponseTopic};
use kafka_protocol::messages::{ApiKey, BrokerId, ListOffsetsRequest, ListOffsetsResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::super::batch::tests::plain;
use super::super::decompress::Decompressor;
use super::super::partition::TopicRef;
use super::*;
use crate::kafka::testing::{self, Asked, Brokers, InMemory, Reaction, versions};

/// Every test ends long before.
const SOON: Duration = Duration::from_secs(20);
const TOPIC_ID: Uuid = Uuid::from_u128(7);

type Event = fn(&mut World);

/// Two brokers and one topic of one partition, in memory.
#[derive(Default)]
struct World {
    leader: i32,
    /// Brokers that cannot be dialled, and whose connections break.
    down: BTreeSet<i32>,
    /// `(offset, values)` of each batch.
    log: Vec<(i64, Vec<&'static str>)>,
    log_start: i64,
    /// Behind the last record, also when compaction took it away.
    log_end: i64,
    topic_id: Uuid,
    highest_fetch: i16,
    fetches: usize,
    /// What happens before the Fetch of this number is answered.
    events: Vec<(usize, Event)>,
}

type Fake = InMemory<World>;

fn fake(change: impl FnOnce(&mut World)) -> Fake {
    let mut world = World { leader: 1, topic_id: TOPIC_ID, highest_fetch: 12, ..World::default() };
    world.log = vec![(0, vec!["a", "b"]), (2, vec!["c"]), (3, vec!["d", "e", "f"]), (6, vec!["g"])];
    world.log_end = 7;
    change(&mut world);
    InMemory::new(world)
}

impl Brokers for World {
    fn first(&self) -> i32 {
        if self.down.contains(&1) { 2 } else { 1 }
    }

    fn accepts(&mut self, node: i32) -> bool {
        !self.down.contains(&node)
    }

    fn answer(&mut self, node: i32, asked: &Asked) -> Reaction {
        if asked.api == ApiKey::Fetch {
            self.fetches += 1;
            let now = self.fetches;
            let due: Vec<_> = self.events.iter().filter(|(at, _)| *at == now).map(|(_, event)| *event).collect();
            for event in due {
                event(self);
            }
        }
        if self.down.contains(&node) {
            return Reaction::HangUp;
        }
        match asked.api {
            ApiKey::ApiVersions => asked.react(&versions(&[
                (ApiKey::ApiVersions, 3),
                (ApiKey::Metadata, 12),
                (ApiKey::ListOffsets, 6),
                (ApiKey::Fetch, self.highest_fetch),
            ])),
            ApiKey::Metadata => asked.react(&metadata(self)),
            ApiKey::ListOffsets => asked.react(&offsets(self, asked)),
            ApiKey::Fetch => asked.react(&fetch(self, node, asked)),
            other => panic!("{other:?}"),
        }
    }
}

fn name() -> TopicName {
    TopicName(StrBytes::from_static_str("orders"))
}

fn metadata(world: &World) -> MetadataResponse {
    let partition = MetadataResponsePartition::default().with_leader_id(BrokerId(world.leader));
    let topic = MetadataResponseTopic::default()
        .with_name(Some(name()))
        .with_topic_id(world.topic_id)
        .with_partitions(vec![partition]);
    testing::metadata(&world.down, topic)
}

fn offsets(world: &World, asked: &Asked) -> ListOffsetsResponse {
    let wanted = asked.decode::<ListOffsetsRequest>().topics[0].partitions[0].timestamp;
    let offset = if wanted == -2 { world.log_start } else { world.log_end };
    let partition = ListOffsetsPartitionResponse::default().with_offset(offset);
    let topic = ListOffsetsTopicResponse::default().with_name(name()).with_partitions(vec![partition]);
    ListOffsetsResponse::default().with_topics(vec![topic])
}

/// One batch per answer: the one that the position is in, or the next.
fn fetch(world: &World, node: i32, asked: &Asked) -> FetchResponse {
    let wanted = asked.decode::<FetchRequest>().topics[0].partitions[0].fetch_offset;
    let code = match wanted {
        _ if node != world.leader => 6,
        _ if wanted < world.log_start || wanted > world.log_end => 1,
        _ => 0,
    };
    let after =
        |(offset, values): &&(i64, Vec<&'static str>)| offset + i64::try_from(values.len()).expect("few") > wanted;
    let batch = world.log.iter().find(after).filter(|_| code == 0);
    let records = batch.map(|(offset, values)| Bytes::from(plain(*offset, values).encode()));
    let row = PartitionData::default()
        .with_error_code(code)
        .with_high_watermark(world.log_end)
        .with_last_stable_offset(world.log_end)
        .with_records(records);
    let topic = FetchableTopicResponse::default().with_partitions(vec![row]);
    let topic = if asked.version < 13 { topic.with_topic(name()) } else { topic.with_topic_id(TOPIC_ID) };
    FetchResponse::default().with_responses(vec![topic])
}

/// Reads from the position to the stop; values as one string, and what was told.
async fn read(
    fake: &Fake,
    position: i64,
    stop: Option<i64>,
    patience: Duration,
) -> (String, Vec<Notice>, Option<Error>) {
    let cluster = fake.connect(Duration::ZERO).await;
    let topic = TopicRef { name: Arc::from("orders"), id: TOPIC_ID };
    let leader = Some(NodeId(1));
    let selection = Selection { topic, partition: 0, leader, start: position, position, stop };
    let (output, mut happenings) = mpsc::unbounded_channel();
    let options = ReadOptions { isolation: Isolation::ReadCommitted, patience: Some(patience) };
    let reading = Reader::new(&cluster, vec![selection], options, output).run();
    let mut values = String::new();
    let mut notices = Vec::new();
    let collecting = async {
        while let Some(happening) = happenings.recv().await {
            match happening {
                Happening::Notice(notice) => notices.push(notice),
                Happening::Chunk(chunk) => {
                    let visited = chunk.visit(&mut Decompressor::default(), |record| {
                        values.push_str(&String::from_utf8_lossy(record.value.unwrap_or_default()));
                        ControlFlow::<()>::Continue(())
                    });
                    assert!(visited.is_ok_and(|visited| visited.is_continue()));
                }
            }
        }
    };
    let (outcome, ()) =
        tokio::time::timeout(SOON, async { tokio::join!(reading, collecting) }).await.expect("an end in time");
    (values, notices, outcome.err())
}

#[tokio::test]
async fn everything_up_to_the_stop_in_order_by_name_and_by_id() {
    for highest_fetch in [4, 12, 13, 18] {
        let world = fake(|world| world.highest_fetch = highest_fetch);
        let (values, notices, error) = read(&world, 0, Some(7), SOON).await;
        assert_eq!((values.as_str(), notices, error.is_none()), ("abcdefg", vec![], true), "v{highest_fetch}");
        assert_eq!(read(&world, 1, Some(5), SOON).await.0, "bcde");
    }
}

#[tokio::test]
async fn a_leader_that_moves_and_a_broker_that_dies_cost_and_repeat_nothing() {
    let world = fake(|world| {
        world.events = vec![
            (2, |world| world.leader = 2),
            (4, |world| {
                world.down.insert(2);
                world.leader = 1;
            }),
            (6, |world| {
                world.down = BTreeSet::from([1]);
                world.leader = 2;
            }),
        ];
    });
    let (values, _, error) = read(&world, 0, Some(7), SOON).await;
    assert_eq!((values.as_str(), error.map(|error| error.to_string())), ("abcdefg", None));
}

#[tokio::test]
async fn records_that_retention_took_are_told_and_passed() {
    let world = fake(|world| {
        world.events = vec![(2, |world| {
            world.log_start = 3;
            world.log.retain(|(offset, _)| *offset >= 3);
        })];
    });
    let (values, notices, error) = read(&world, 0, Some(7), SOON).await;
    assert_eq!((values.as_str(), error.is_none()), ("abdefg", true));
    let told: Vec<String> = notices.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["partition 0 of topic \"orders\": offsets 2 to 2 were deleted before they were read"]);
}

#[tokio::test]
async fn a_tail_that_was_compacted_away_is_no_reason_to_wait() {
    let world = fake(|world| world.log_end = 12);
    assert_eq!(read(&world, 0, Some(12), SOON).await.0, "abcdefg");
}

#[tokio::test]
async fn a_topic_that_was_made_anew_is_another_one() {
    let world = fake(|world| {
        world.events = vec![(2, |world| {
            world.topic_id = Uuid::from_u128(8);
            world.leader = 2;
        })];
    });
    let (values, _, error) = read(&world, 0, Some(7), SOON).await;
    assert_eq!(values, "ab");
    let error = error.expect("it is gone").to_string();
    assert!(error.starts_with("topic \"orders\": it was deleted while it was read"), "{error}");
}

#[tokio::test]
async fn patience_ends() {
    let world = fake(|world| {
        world.events = vec![(2, |world| {
            world.down = BTreeSet::from([1]);
            world.leader = -1;
        })];
    });
    let (values, _, error) = read(&world, 0, Some(7), Duration::from_millis(300)).await;
    assert_eq!(values, "ab");
    let error = error.expect("nobody leads it").to_string();
    assert!(error.contains("partition 0 of topic \"orders\"") || error.contains("broker 1"), "{error}");
}
