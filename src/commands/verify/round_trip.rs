//! The proof that a cluster works: a topic of its own, messages with a run id, every one counted on the way
//! in and on the way out, the topic deleted whatever happens.

use std::future::pending;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::time::Instant as Deadline;

use super::exchange;
use crate::connect::Session;
use crate::error::CommandError;
use crate::kafka::Family;
use crate::kafka::admin::acls::Operation;
use crate::kafka::admin::topics::{self, NewTopic};

/// Every test topic begins so, and `topics list` shows what a killed run left behind.
const PREFIX: &str = "kubectl-kafka-verify-";

/// What a user needs who is to verify.
const FAMILY: Family =
    Family { prefix: PREFIX, operations: &[Operation::Create, Operation::Write, Operation::Read, Operation::Delete] };

/// The topic is deleted also when the time is over.
const DELETE_WITHIN: Duration = Duration::from_secs(15);

/// What to send round.
#[derive(Debug, Clone)]
pub struct RoundTripPlan {
    /// A topic that does not exist yet; [`topic_name`] makes one up.
    pub topic: String,
    /// How many partitions it gets.
    pub partitions: i32,
    /// Replicas of each.
    pub replication_factor: i16,
    /// How many messages each partition gets, with acks=all.
    pub messages_per_partition: u32,
    /// How long everything may take, besides deleting the topic.
    pub deadline: Duration,
}

/// What went round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoundTrip {
    /// The Kafka cluster.
    pub cluster: String,
    /// Whether every message came back unchanged.
    pub ok: bool,
    /// The topic that was used.
    pub topic: String,
    /// What every message of this run carries.
    pub run_id: String,
    /// Replicas of each partition.
    pub replication_factor: i16,
    /// By number.
    pub partitions: Vec<PartitionTrip>,
    /// How long each step took.
    pub timings: Timings,
}

/// One partition's part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PartitionTrip {
    /// Its number.
    pub partition: i32,
    /// Messages that all replicas in sync have.
    pub produced: u64,
    /// Messages that came back.
    pub consumed: u64,
    /// The first offset that was acknowledged.
    pub first_offset: Option<i64>,
    /// The last offset that was acknowledged.
    pub last_offset: Option<i64>,
    /// CRC-32C of offset, key and value of every message in the order of offsets, as sent.
    pub produced_checksum: String,
    /// The same, as it came back.
    pub consumed_checksum: String,
}

/// Milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Timings {
    /// Until every broker knew a leader of every partition.
    pub create_ms: u64,
    /// Until every message was acknowledged.
    pub produce_ms: u64,
    /// Until every message was back.
    pub consume_ms: u64,
    /// Until no broker knew the topic any more.
    pub delete_ms: u64,
}

impl PartitionTrip {
    /// Whether what came back is what was sent.
    pub fn is_ok(&self) -> bool {
        self.produced == self.consumed && self.produced_checksum == self.consumed_checksum
    }
}

impl RoundTrip {
    /// An error that names the first partition from which something else came back than was sent.
    pub fn check(&self) -> Result<(), CommandError> {
        let Some(bad) = self.partitions.iter().find(|partition| !partition.is_ok()) else { return Ok(()) };
        let problem = if bad.produced == bad.consumed {
            "as many messages came back as were acknowledged, but not the same ones".to_owned()
        } else {
            format!("{} messages were acknowledged, {} came back", bad.produced, bad.consumed)
        };
        Err(CommandError::failed(format!("cluster \"{}\", partition {}: {problem}", self.cluster, bad.partition))
            .hinted("see the brokers and partitions with `kubectl kafka status`"))
    }

    /// How many came back.
    pub fn consumed(&self) -> u64 {
        self.partitions.iter().map(|partition| partition.consumed).sum()
    }

    /// How many were acknowledged.
    pub fn produced(&self) -> u64 {
        self.partitions.iter().map(|partition| partition.produced).sum()
    }
}

/// A topic's name that no run has used.
pub fn topic_name() -> String {
    let id = uuid::Uuid::new_v4().simple().to_string();
    format!("{PREFIX}{}", id.get(..8).unwrap_or(&id))
}

/// Sends messages round; the topic is deleted afterwards, also on failure. An error when one message was
/// lost or changed.
///
/// # Caveats
/// Dropping the future leaves the topic behind: who wants to stop early uses [`until`].
pub async fn round_trip(session: &Session, plan: &RoundTripPlan) -> Result<RoundTrip, CommandError> {
    let result = until(session, plan, pending()).await?;
    let result = result.ok_or_else(|| CommandError::failed("the round trip was interrupted"))?;
    result.check()?;
    Ok(result)
}

/// As [`round_trip`], but what went wrong with messages is in the result, and `cancelled` stops it early:
/// then the topic is deleted and the answer is `None`.
pub async fn until(
    session: &Session,
    plan: &RoundTripPlan,
    cancelled: impl Future<Output = ()>,
) -> Result<Option<RoundTrip>, CommandError> {
    let deadline = Deadline::now() + plan.deadline;
    let mut step = exchange::Step::default();
    // Its state is large, and whoever waits for this would carry it.
    let exchange = Box::pin(there_and_back(session, plan, deadline, &mut step));
    let outcome = tokio::select! {
        outcome = tokio::time::timeout_at(deadline, exchange) => Some(outcome),
        () = cancelled => None,
    };
    let started = Instant::now();
    let deleted = delete(session, &plan.topic).await;
    let delete_ms = milliseconds(started);
    match outcome {
        None => deleted.map(|()| None),
        Some(Ok(Ok(mut result))) => {
            deleted?;
            result.timings.delete_ms = delete_ms;
            Ok(Some(result))
        }
        // What went wrong first is what matters.
        Some(Ok(Err(error))) => Err(left_behind(for_every_run(error), deleted)),
        Some(Err(_)) => Err(left_behind(
            CommandError::timed_out(format!(
                "cluster \"{}\": no round trip within {}: {step}",
                session.name,
                crate::view::duration(plan.deadline)
            ))
            .hinted("see the brokers and partitions with `kubectl kafka status`"),
            deleted,
        )),
    }
}

/// The next run's topic has another name: a rule for this one would allow nothing.
fn for_every_run(mut error: CommandError) -> CommandError {
    if let Some(denied) = &mut error.denied
        && denied.resource_name.starts_with(PREFIX)
    {
        denied.family = Some(FAMILY);
    }
    error
}

/// Says that the topic could not be deleted either. Whoever may not create it has none.
fn left_behind(error: CommandError, deleted: Result<(), CommandError>) -> CommandError {
    let is_made = error.denied.as_ref().is_none_or(|denied| denied.operation != Operation::Create);
    match deleted {
        Err(left) if is_made => left.hints.into_iter().fold(error.hinted(left.message), CommandError::hinted),
        _ => error,
    }
}

async fn there_and_back(
    session: &Session,
    plan: &RoundTripPlan,
    deadline: Deadline,
    step: &mut exchange::Step,
) -> Result<RoundTrip, CommandError> {
    let started = Instant::now();
    create(session, plan, deadline).await?;
    let create_ms = milliseconds(started);

    let started = Instant::now();
    let run_id = uuid::Uuid::new_v4().to_string();
    let sent = exchange::produce(session, plan, &run_id, deadline, step).await?;
    let produce_ms = milliseconds(started);

    let started = Instant::now();
    let received = exchange::consume(session, plan, step).await?;
    let consume_ms = milliseconds(started);

    let partitions: Vec<PartitionTrip> =
        sent.into_iter().zip(received).map(|(sent, received)| exchange::compare(&sent, &received)).collect();
    Ok(RoundTrip {
        cluster: session.name.clone(),
        ok: partitions.iter().all(PartitionTrip::is_ok),
        topic: plan.topic.clone(),
        run_id,
        replication_factor: plan.replication_factor,
        partitions,
        timings: Timings { create_ms, produce_ms, consume_ms, delete_ms: 0 },
    })
}

async fn create(session: &Session, plan: &RoundTripPlan, deadline: Deadline) -> Result<(), CommandError> {
    let topic = NewTopic {
        name: plan.topic.clone(),
        partitions: Some(plan.partitions),
        replication_factor: Some(plan.replication_factor),
        ..NewTopic::default()
    };
    for (_, created) in topics::create(&session.kafka, &[topic], false).await? {
        created?;
    }
    topics::wait_until_usable(&session.kafka, std::slice::from_ref(&plan.topic), deadline).await?;
    Ok(())
}

/// Deletes the test topic; one that was never made is fine.
async fn delete(session: &Session, topic: &str) -> Result<(), CommandError> {
    let failed = |reason: String| {
        CommandError::failed(format!("cannot delete topic \"{topic}\": {reason}"))
            .hinted(format!("delete it with `kubectl kafka topics delete {topic}`"))
    };
    let names = [topic.to_owned()];
    match tokio::time::timeout(DELETE_WITHIN, topics::delete(&session.kafka, &names)).await {
        Err(_) => Err(failed("no answer".to_owned())),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Ok(Ok(rows)) => {
            for (_, deleted) in rows {
                match deleted {
                    Err(error) if !is_unknown(&error) => return Err(failed(error.to_string())),
                    _ => {}
                }
            }
            // Whoever lists the topics next, at whichever broker, must not find it.
            let deadline = Deadline::now() + DELETE_WITHIN;
            topics::wait_until_gone(&session.kafka, &names, deadline).await.map_err(|error| failed(error.to_string()))
        }
    }
}

fn is_unknown(error: &crate::kafka::Error) -> bool {
    error.code().is_some_and(|code| code.is(kafka_protocol::ResponseError::UnknownTopicOrPartition))
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::admin::acls::ResourceType;
    use crate::kafka::{Denied, ErrorCode};

    fn trip(produced: u64, consumed: u64, same: bool) -> RoundTrip {
        let partition = PartitionTrip {
            partition: 1,
            produced,
            consumed,
            first_offset: Some(0),
            last_offset: Some(99),
            produced_checksum: "00000001".into(),
            consumed_checksum: if same { "00000001" } else { "00000002" }.into(),
        };
        RoundTrip {
            cluster: "demo".into(),
            ok: partition.is_ok(),
            topic: topic_name(),
            run_id: "r".into(),
            replication_factor: 3,
            partitions: vec![partition],
            timings: Timings::default(),
        }
    }

    #[test]
    fn loss_and_change_are_told_apart() {
        assert_eq!(trip(100, 100, true).check(), Ok(()));
        let message = |trip: RoundTrip| trip.check().expect_err("something is wrong").message;
        assert_eq!(
            message(trip(100, 98, false)),
            "cluster \"demo\", partition 1: 100 messages were acknowledged, 98 came back"
        );
        assert!(message(trip(100, 100, false)).ends_with("but not the same ones"));
    }

    fn refused(operation: Operation, topic: &str) -> CommandError {
        CommandError::failed("not allowed").denied(Denied {
            operation,
            resource_type: ResourceType::Topic,
            resource_name: topic.to_owned(),
            code: ErrorCode(29),
            family: None,
        })
    }

    #[test]
    fn what_is_to_be_allowed_helps_the_next_run_too() {
        let error = for_every_run(refused(Operation::Create, &topic_name())).told_to(Some("User:alice"));
        assert_eq!(
            error.hints.last().map(String::as_str),
            Some(
                "allow it with `kubectl kafka acls create --principal alice --operation Create --operation Write \
                 --operation Read --operation Delete --topic kubectl-kafka-verify- --prefixed`"
            )
        );
        let other = for_every_run(refused(Operation::Create, "orders"));
        assert_eq!(other.denied.expect("denied").family, None);
    }

    #[test]
    fn a_topic_that_stays_is_named() {
        let not_deleted = || Err(CommandError::failed("cannot delete topic \"t\"").hinted("delete it"));
        let hints = |error: CommandError, deleted| left_behind(error, deleted).hints;
        assert_eq!(hints(refused(Operation::Write, "t"), not_deleted()), ["cannot delete topic \"t\"", "delete it"]);
        assert!(hints(refused(Operation::Create, "t"), not_deleted()).is_empty());
        assert!(hints(refused(Operation::Write, "t"), Ok(())).is_empty());
    }

    #[test]
    fn names_differ_and_tell_where_they_come_from() {
        let (one, other) = (topic_name(), topic_name());
        assert!(one != other && one.starts_with("kubectl-kafka-verify-") && one.len() == PREFIX.len() + 8, "{one}");
    }
}
