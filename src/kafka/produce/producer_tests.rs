use std::collections::BTreeSet;

use kafka_protocol::messages::metadata_response::{MetadataResponsePartition, MetadataResponseTopic};
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{ApiKey, BrokerId, InitProducerIdResponse, ProducerId, TopicName};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::*;
use crate::kafka::fetch::Decompressor;
use crate::kafka::fetch::batch::batches;
use crate::kafka::produce::{Arrived, Message, NO_HEADERS};
use crate::kafka::testing::{self, Asked, Brokers, InMemory, Reaction, versions};

/// Every test ends long before.
const SOON: Duration = Duration::from_secs(20);
const TOPIC_ID: Uuid = Uuid::from_u128(7);

type Event = fn(&mut World) -> Fate;

/// What becomes of a request.
enum Fate {
    /// It is done.
    Done,
    /// Every partition answers with this code.
    Refused(i16),
    /// The connection breaks before anything is written.
    Lost,
    /// Everything is written, but the connection breaks before the answer.
    Unanswered,
}

/// A batch in a log.
struct Written {
    producer: i64,
    sequence: i32,
    offset: i64,
    values: Vec<String>,
}

#[derive(Default)]
struct Log {
    leader: i32,
    batches: Vec<Written>,
    end: i64,
}

/// Two brokers and one topic, with the memory of producers that brokers have.
#[derive(Default)]
struct World {
    logs: Vec<Log>,
    down: BTreeSet<i32>,
    highest_produce: i16,
    /// `max.message.bytes`
    largest: usize,
    produced: usize,
    identities: i64,
    /// What becomes of the Produce of this number.
    events: Vec<(usize, Event)>,
}

fn world(partitions: usize, events: Vec<(usize, Event)>) -> InMemory<World> {
    let logs = (0..partitions).map(|_| Log { leader: 1, ..Log::default() }).collect();
    InMemory::new(World { logs, highest_produce: 12, largest: usize::MAX, events, ..World::default() })
}

impl Brokers for World {
    fn first(&self) -> i32 {
        if self.down.contains(&1) { 2 } else { 1 }
    }

    fn accepts(&mut self, node: i32) -> bool {
        !self.down.contains(&node)
    }

    fn answer(&mut self, node: i32, asked: &Asked) -> Reaction {
        if self.down.contains(&node) {
            return Reaction::HangUp;
        }
        match asked.api {
            ApiKey::ApiVersions => asked.react(&versions(&[
                (ApiKey::ApiVersions, 3),
                (ApiKey::Metadata, 12),
                (ApiKey::InitProducerId, 4),
                (ApiKey::Produce, self.highest_produce),
            ])),
            ApiKey::Metadata => asked.react(&self.metadata()),
            ApiKey::InitProducerId => {
                self.identities += 1;
                asked.react(&InitProducerIdResponse::default().with_producer_id(ProducerId(self.identities)))
            }
            ApiKey::Produce => self.produce(node, asked),
            other => panic!("{other:?}"),
        }
    }
}

impl World {
    fn metadata(&self) -> MetadataResponse {
        let partitions = self.logs.iter().zip(0..).map(|(log, index)| {
            MetadataResponsePartition::default().with_partition_index(index).with_leader_id(BrokerId(log.leader))
        });
        let topic = MetadataResponseTopic::default()
            .with_name(Some(TopicName(StrBytes::from_static_str("orders"))))
            .with_topic_id(TOPIC_ID)
            .with_partitions(partitions.collect());
        testing::metadata(&self.down, topic)
    }

    fn produce(&mut self, node: i32, asked: &Asked) -> Reaction {
        self.produced += 1;
        let now = self.produced;
        let event = self.events.iter().find(|(at, _)| *at == now).map(|(_, event)| *event);
        let fate = event.map_or(Fate::Done, |event| event(self));
        if matches!(fate, Fate::Lost) {
            return Reaction::HangUp;
        }
        let request = asked.decode::<ProduceRequest>();
        let data = &request.topic_data[0];
        assert!(if asked.version < 13 { data.name.0.as_str() == "orders" } else { data.topic_id == TOPIC_ID });
        let largest = self.largest;
        let rows = data.partition_data.iter().map(|row| {
            let answer = PartitionProduceResponse::default().with_index(row.index).with_base_offset(-1);
            let log = &mut self.logs[usize::try_from(row.index).expect("a partition")];
            let written = match fate {
                Fate::Refused(code) => Err(code),
                _ if log.leader != node => Err(6),
                _ if row.records.as_ref().is_some_and(|records| records.len() > largest) => Err(10),
                _ => log.append(row.records.as_ref().expect("a batch")),
            };
            match written {
                Ok(offset) => answer.with_base_offset(offset),
                Err(code) => answer.with_error_code(code),
            }
        });
        let topic = TopicProduceResponse::default().with_partition_responses(rows.collect());
        match (fate, request.acks) {
            (Fate::Unanswered, _) => Reaction::HangUp,
            (_, 0) => Reaction::Silence,
            _ => asked.react(&ProduceResponse::default().with_responses(vec![topic])),
        }
    }

    /// The values of every partition in the order of offsets.
    fn values(&self) -> Vec<Vec<&str>> {
        self.logs
            .iter()
            .map(|log| log.batches.iter().flat_map(|batch| &batch.values).map(String::as_str).collect())
            .collect()
    }
}

impl Log {
    /// As `ProducerStateManager` does: a batch that is one of the last five is known, one that does not follow the
    /// last is refused, and of a producer that is not known any is the first.
    fn append(&mut self, bytes: &[u8]) -> Result<i64, i16> {
        let batch = batches(bytes).next().expect("one").expect("a good one");
        let sequence = i32::from_be_bytes(*bytes[53..].first_chunk().expect("a head"));
        let mut decompressor = Decompressor::default();
        let payload = decompressor.payload(&batch).expect("records");
        let text = |value: Option<&[u8]>| String::from_utf8_lossy(value.unwrap_or_default()).into_owned();
        let values: Vec<String> = batch.records(payload).map(|record| text(record.expect("a record").value)).collect();
        if batch.producer_id >= 0 {
            let own: Vec<&Written> =
                self.batches.iter().rev().filter(|written| written.producer == batch.producer_id).take(5).collect();
            if let Some(known) = own.iter().find(|written| written.sequence == sequence) {
                return Ok(known.offset);
            }
            let next =
                own.first().map_or(sequence, |last| last.sequence + i32::try_from(last.values.len()).expect("few"));
            if sequence != next {
                return Err(45);
            }
        }
        let offset = self.end;
        self.end += i64::try_from(values.len()).expect("few");
        self.batches.push(Written { producer: batch.producer_id, sequence, offset, values });
        Ok(offset)
    }
}

/// What was told about each message.
#[derive(Default)]
struct Receipts(Vec<(u64, i32, Option<i64>)>);

impl Receipt for Receipts {
    fn arrived(&mut self, arrived: &Arrived<'_>) {
        for (number, place) in arrived.numbers.iter().zip(0..) {
            self.0.push((*number, arrived.partition, arrived.offset.map(|first| first + place)));
        }
    }
}

fn settings(acks: Acks) -> Settings {
    Settings { acks, codec: Codec::None, timeout: Some(SOON) }
}

/// Sends so many numbered messages in turn to the partitions, in batches of about ten.
async fn send(world: &InMemory<World>, settings: Settings, count: u64) -> (Receipts, Losses) {
    let cluster = world.connect(Duration::ZERO).await;
    let leaders: Vec<Option<NodeId>> = world.brokers().logs.iter().map(|log| Some(NodeId(log.leader))).collect();
    let partitions = u64::try_from(leaders.len()).expect("few");
    let destination = Destination { topic: TopicRef { name: Arc::from("orders"), id: TOPIC_ID }, leaders };
    let mut producer = Producer::new(&cluster, destination, settings, Receipts::default());
    let queue = producer.queue();
    queue.set_largest_message(200);
    let feeding = tokio::task::spawn_blocking(move || {
        for number in 0..count {
            let value = number.to_string();
            let value = Some(value.as_bytes());
            let message = Message { key: None, value, headers: NO_HEADERS, timestamp: 1_000 };
            let partition = i32::try_from(number % partitions).expect("few");
            if queue.put(&message, Some(partition)).is_err() {
                return;
            }
        }
        queue.end();
    });
    tokio::time::timeout(SOON, producer.run()).await.expect("an end in time");
    feeding.await.expect("no panic");
    let losses = producer.losses().clone();
    (std::mem::take(producer.receipt()), losses)
}

/// Every message is in its partition once and in order, and the receipts say where.
fn check(world: &InMemory<World>, receipts: &Receipts, count: u64) {
    let world = world.brokers();
    let partitions = u64::try_from(world.logs.len()).expect("few");
    for (log, partition) in world.values().iter().zip(0..) {
        let wanted: Vec<String> =
            (0..count).filter(|number| number % partitions == partition).map(|number| number.to_string()).collect();
        assert_eq!(*log, wanted, "partition {partition}");
    }
    assert_eq!(receipts.0.len(), usize::try_from(count).expect("few"));
    for (number, partition, offset) in &receipts.0 {
        let offset = usize::try_from(offset.expect("an offset")).expect("an offset");
        let at = usize::try_from(*partition).expect("a partition");
        assert_eq!(world.values()[at][offset], (number - 1).to_string());
    }
}

#[tokio::test]
async fn everything_arrives_once_and_in_order_by_name_and_by_id() {
    for highest_produce in [3, 9, 12, 13] {
        let world = world(3, vec![]);
        world.brokers().highest_produce = highest_produce;
        let (receipts, losses) = send(&world, settings(Acks::All), 300).await;
        assert_eq!(losses.messages, 0);
        check(&world, &receipts, 300);
    }
}

#[tokio::test]
async fn what_is_refused_at_first_is_not_overtaken() {
    let world = world(2, vec![(1, |_| Fate::Refused(19)), (2, |_| Fate::Refused(19))]);
    let (receipts, losses) = send(&world, settings(Acks::All), 300).await;
    assert_eq!(losses.messages, 0);
    check(&world, &receipts, 300);
}

#[tokio::test]
async fn whatever_breaks_nothing_is_lost_doubled_or_out_of_order() {
    let world = world(
        2,
        vec![
            (2, |_| Fate::Refused(19)),
            (4, |_| Fate::Lost),
            (7, |_| Fate::Unanswered),
            (10, |world| {
                world.logs[0].leader = 2;
                Fate::Done
            }),
            (14, |_| Fate::Refused(7)),
            (17, |world| {
                world.down = BTreeSet::from([1]);
                world.logs.iter_mut().for_each(|log| log.leader = 2);
                Fate::Lost
            }),
            (22, |_| Fate::Unanswered),
        ],
    );
    let (receipts, losses) = send(&world, settings(Acks::All), 600).await;
    assert_eq!(losses.messages, 0, "{:?}", losses.first);
    check(&world, &receipts, 600);
    assert!(world.brokers().produced > 22, "all of it happened");
}

#[tokio::test]
async fn a_producer_that_the_broker_has_forgotten_begins_anew() {
    let world = world(1, vec![(3, |_| Fate::Refused(59))]);
    let (receipts, losses) = send(&world, settings(Acks::All), 100).await;
    assert_eq!((losses.messages, world.brokers().identities), (0, 2));
    check(&world, &receipts, 100);
}

#[tokio::test]
async fn what_is_too_large_together_goes_in_parts() {
    let world = world(2, vec![]);
    world.brokers().largest = 100;
    let (receipts, losses) = send(&world, settings(Acks::All), 200).await;
    assert_eq!(losses.messages, 0, "{:?}", losses.first);
    check(&world, &receipts, 200);
    world.brokers().largest = 60;
    let (_, losses) = send(&world, settings(Acks::All), 1).await;
    let first = losses.first.expect("one message cannot be divided");
    assert!(matches!(first.reason, Reason::Refused(Error::Code { code, .. }) if code.0 == 10));
}

#[tokio::test]
async fn without_acknowledgement_what_is_sent_counts() {
    for acks in [Acks::Leader, Acks::None] {
        let world = world(2, vec![]);
        let (receipts, losses) = send(&world, settings(acks), 50).await;
        assert_eq!((losses.messages, receipts.0.len(), world.brokers().identities), (0, 50, 0));
        let wants_offset = acks == Acks::Leader;
        assert!(receipts.0.iter().all(|(_, _, offset)| offset.is_some() == wants_offset));
    }
}

#[tokio::test]
async fn a_refusal_loses_its_partition_and_stops_the_rest() {
    let world = world(1, vec![(2, |_| Fate::Refused(87))]);
    let (receipts, losses) = send(&world, settings(Acks::All), 1000).await;
    let first = losses.first.expect("a failure");
    assert_eq!(first.number, u64::try_from(receipts.0.len()).expect("few") + 1, "what came before has arrived");
    assert!(matches!(first.reason, Reason::Refused(Error::Code { code, .. }) if code.0 == 87));
    assert!(losses.messages > 0);
}

#[tokio::test]
async fn what_has_no_leader_for_too_long_is_lost_with_the_reason() {
    let gone: Event = |world| {
        world.logs[0].leader = -1;
        Fate::Refused(6)
    };
    let world = world(1, vec![(2, gone)]);
    let short = Settings { timeout: Some(Duration::from_millis(400)), ..settings(Acks::All) };
    let (_, losses) = send(&world, short, 50).await;
    let first = losses.first.expect("a failure");
    let Reason::TimedOut(Some(trouble)) = first.reason else { panic!("{:?}", first.reason) };
    assert!(trouble.to_string().starts_with("partition 0 of topic \"orders\""), "{trouble}");
}
