//! The course of one `produce`: connect, send, wait for the answers, account for them.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::Producer as _;
use serde::Serialize;
use tokio::time::Instant;

use super::delivery::{self, Delivery, Failure, Poller, Producer, Receipt};
use super::sender::{Sender, Shared};
use super::source::Source;
use super::{Acks, Compression, PartitionChoice, ProduceArgs};
use crate::cli::interrupted;
use crate::commands::tally::Tally;
use crate::commands::{Context, lookup};
use crate::connect::Session;
use crate::error::{CommandError, CommandResult, Exit};
use crate::gateway::Gateway;
use crate::kafka::admin::acls::{Operation, ResourceType};
use crate::kafka::admin::configs;
use crate::kafka::admin::topics::Topic;
use crate::kafka::{Ask, NodeId};
use crate::kafka::{Denied, ErrorCode};
use crate::ui::Ui;
use crate::view;
use kafka_protocol::ResponseError;

/// How often the command looks whether all answers are there.
const LOOK: Duration = Duration::from_millis(2);
/// How long Ctrl-C waits for what was handed over already.
const FLUSH_ON_INTERRUPT: Duration = Duration::from_secs(10);
/// librdkafka gives every message up after `--timeout`; this is how much later we stop waiting for it to
/// say so.
const GRACE: Duration = Duration::from_secs(5);

/// What is queued at most: 32 MiB of keys and values, and 100,000 messages, which cost 350 bytes each.
const QUEUE_KBYTES: usize = 32 * 1024;
const QUEUE_MESSAGES: usize = 100_000;
/// A batch that is larger gains nothing.
const BATCH_BYTES: usize = 1_000_000;
/// Streams that are opened before librdkafka asks for them.
const MOST_EARLY_STREAMS: usize = 6;
/// The range of librdkafka's `message.max.bytes`.
const MESSAGE_BYTES: std::ops::RangeInclusive<usize> = 1_000..=100 << 20;

/// Prints where messages arrived, and counts.
struct Report {
    ui: Ui,
    style: Style,
    topic: String,
    tally: Tally,
    /// Something was printed that is not flushed.
    dirty: bool,
    /// Why printing stopped.
    unwritable: Option<CommandError>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Silent,
    Text,
    Json,
}

#[derive(Serialize)]
struct Arrived<'a> {
    message: u64,
    topic: &'a str,
    partition: i32,
    /// Null when nobody was asked to acknowledge.
    offset: Option<i64>,
}

impl Receipt for Report {
    fn arrived(&mut self, number: u64, partition: i32, offset: i64, bytes: u64) {
        self.tally.add(&self.topic, partition, 1, bytes);
        if self.style == Style::Silent || self.unwritable.is_some() {
            return;
        }
        let offset = Some(offset).filter(|offset| *offset >= 0);
        let arrived = Arrived { message: number, topic: &self.topic, partition, offset };
        let line = match self.style {
            Style::Json => serde_json::to_string(&arrived).unwrap_or_default() + "\n",
            _ => format!("{} partition {partition} offset {}\n", self.topic, view::or_none(offset)),
        };
        self.unwritable = self.ui.out(line).err();
        self.dirty = true;
    }

    fn pause(&mut self) {
        if std::mem::take(&mut self.dirty) && self.unwritable.is_none() {
            self.unwritable = self.ui.flush().err();
        }
    }
}

/// What ended the sending.
enum End {
    Complete,
    Interrupted,
    Failed(CommandError),
}

pub(super) async fn run(args: ProduceArgs, context: Context) -> CommandResult {
    let mut interrupted = std::pin::pin!(interrupted());
    let source = Source::open(&args)?;
    let ask = Ask::Topics(vec![args.topic.clone()]);
    let prepare = async {
        let session = context.kafka(&ask).await?;
        let topic = lookup::topics(&session, std::slice::from_ref(&args.topic), Operation::Write)?.remove(0);
        if let Some(PartitionChoice::Number(number)) = args.partition
            && topic.partitions.iter().all(|known| known.partition != number)
        {
            return Err(lookup::no_partition(&topic, number));
        }
        let limit = largest_message(&session, &args.topic).await;
        Ok((session, topic, limit))
    };
    let (session, topic, limit) = tokio::select! {
        prepared = prepare => prepared?,
        () = &mut interrupted => return Ok(Exit::Interrupted),
    };
    let gateway = Gateway::open(session.kafka.dialer(), &session.kafka.brokers())?;
    gateway.warm(leaders(&topic));
    let mut config = gateway.client_config();
    configure(&mut config, args.acks, args.compression, args.timeout, limit);
    let report = Report {
        ui: context.ui.clone(),
        style: style(&args, &context),
        topic: args.topic.clone(),
        tally: Tally::start(),
        dirty: false,
        unwritable: None,
    };
    let producer: Arc<Producer<Report>> = Arc::new(
        config
            .create_with_context(Delivery::new(report))
            .map_err(|error: KafkaError| CommandError::failed(format!("cannot start the producer: {error}")))?,
    );
    let polling = Poller::start(&producer)?;
    if args.acks == Acks::All {
        delivery::hurry(&producer, &args.topic);
    }
    let shared = Arc::new(Shared::default());
    let sender = Sender::new(&args, topic, limit, Arc::clone(&producer), Arc::clone(&shared));
    let end = send(sender, source, interrupted).await;
    let patience = if matches!(end, End::Interrupted) { FLUSH_ON_INTERRUPT } else { args.timeout + GRACE };
    let open = settle(&producer, &shared, patience).await;
    drop(polling);
    conclude(&args, &context, &gateway, &producer, end, open)
}

/// The brokers that messages go to; of many only the first, a stream costs the API server something.
fn leaders(topic: &Topic) -> BTreeSet<NodeId> {
    let leaders: BTreeSet<NodeId> = topic.partitions.iter().filter_map(|partition| partition.leader).collect();
    leaders.into_iter().take(MOST_EARLY_STREAMS).collect()
}

fn style(args: &ProduceArgs, context: &Context) -> Style {
    match args.output {
        Some(_) => Style::Json,
        None if context.ui.verbosity() > 0 => Style::Text,
        None => Style::Silent,
    }
}

/// The topic's `max.message.bytes`; `None` when it may not be asked for, and then the broker decides.
async fn largest_message(session: &Session, topic: &str) -> Option<usize> {
    let topics = [topic.to_owned()];
    let answers = configs::describe_topics(&session.kafka, &topics, Some(&["max.message.bytes"])).await.ok()?;
    let (_, settings) = answers.into_iter().next()?;
    settings.ok()?.into_iter().find(|entry| entry.name == "max.message.bytes")?.value?.parse().ok()
}

/// The part of librdkafka's configuration that is about producing.
pub(in crate::commands) fn configure(
    config: &mut ClientConfig,
    acks: Acks,
    compression: Compression,
    timeout: Duration,
    limit: Option<usize>,
) {
    let largest = limit.unwrap_or(*MESSAGE_BYTES.end()).clamp(*MESSAGE_BYTES.start(), *MESSAGE_BYTES.end());
    let timeout = if timeout.is_zero() { Duration::from_secs(365 * 24 * 3600) } else { timeout };
    config
        .set(
            "acks",
            match acks {
                Acks::All => "all",
                Acks::Leader => "1",
                Acks::None => "0",
            },
        )
        // Without it a retry may write twice, or in another order.
        .set("enable.idempotence", (acks == Acks::All).to_string())
        .set(
            "compression.type",
            match compression {
                Compression::None => "none",
                Compression::Gzip => "gzip",
                Compression::Snappy => "snappy",
                Compression::Lz4 => "lz4",
                Compression::Zstd => "zstd",
            },
        )
        .set("message.timeout.ms", timeout.as_millis().min(i32::MAX as u128).to_string())
        .set("message.max.bytes", largest.to_string())
        // A batch beyond the topic's limit would be refused as a whole.
        .set("batch.size", BATCH_BYTES.min(largest).to_string())
        .set("queue.buffering.max.messages", QUEUE_MESSAGES.to_string())
        .set("queue.buffering.max.kbytes", QUEUE_KBYTES.max(largest / 512).to_string())
        .set("linger.ms", "5")
        // As Java's producer: the same key goes to the same partition, whoever sends it.
        .set("partitioner", "murmur2_random");
}

async fn send(sender: Sender<Report>, source: Source, interrupted: Pin<&mut impl Future<Output = ()>>) -> End {
    let shared = Arc::clone(&sender.shared);
    let mut thread = tokio::task::spawn_blocking(move || sender.run(source));
    tokio::select! {
        sent = &mut thread => match sent {
            Ok(Ok(())) => End::Complete,
            Ok(Err(error)) => End::Failed(error),
            Err(panic) => End::Failed(CommandError::failed(format!("reading the input failed: {panic}"))),
        },
        () = interrupted => {
            // The thread may be stuck in a read of stdin: it is left to itself.
            shared.stop.store(true, Ordering::Relaxed);
            End::Interrupted
        }
    }
}

/// Waits until every message that was handed over has its answer; returns how many have none.
async fn settle(producer: &Producer<Report>, shared: &Shared, patience: Duration) -> u64 {
    let deadline = Instant::now() + patience;
    loop {
        let open = shared.accepted.load(Ordering::Acquire).saturating_sub(producer.context().settled());
        if open == 0 || Instant::now() >= deadline {
            return open;
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn conclude(
    args: &ProduceArgs,
    context: &Context,
    gateway: &Gateway,
    producer: &Producer<Report>,
    end: End,
    open: u64,
) -> CommandResult {
    let mut state = producer.context().state();
    state.receipt.pause();
    context.ui.status(state.receipt.tally.line("produced", "to"));
    if let Some(first) = &state.first {
        let reason = reason(args, first, gateway, state.remark.as_deref());
        let error = lost(state.lost + open, state.receipt.tally.messages, &reason);
        return Err(match denied(first.code, &args.topic) {
            Some(denied) => error.denied(denied),
            None => error.hinted(SEE_BROKERS),
        });
    }
    if let Some(error) = state.receipt.unwritable.take() {
        return Err(error);
    }
    match end {
        End::Failed(error) => Err(error),
        End::Interrupted if open > 0 => {
            context.ui.warning(format!("{} still had no answer", messages(open)));
            Ok(Exit::Interrupted)
        }
        End::Interrupted => Ok(Exit::Interrupted),
        End::Complete if open > 0 => {
            let reason = "no broker answered for them in time";
            Err(lost(open, state.receipt.tally.messages, reason).hinted(SEE_BROKERS))
        }
        End::Complete => Ok(Exit::Done),
    }
}

fn messages(count: u64) -> String {
    view::plural(usize::try_from(count).unwrap_or(usize::MAX), "message")
}

fn lost(lost: u64, delivered: u64, reason: &str) -> CommandError {
    CommandError::failed(format!("{} not delivered, {delivered} delivered: {reason}", messages(lost)))
}

const SEE_BROKERS: &str = "see the brokers with `kubectl kafka status`";

/// What Kafka did not allow, by librdkafka's code.
pub(in crate::commands) fn denied(code: RDKafkaErrorCode, topic: &str) -> Option<Denied> {
    (code == RDKafkaErrorCode::TopicAuthorizationFailed).then(|| Denied {
        operation: Operation::Write,
        resource_type: ResourceType::Topic,
        resource_name: topic.to_owned(),
        code: ErrorCode(ResponseError::TopicAuthorizationFailed.code()),
    })
}

/// Which message, which partition, why; and the broker that cannot be reached, when there is one.
fn reason(args: &ProduceArgs, first: &Failure, gateway: &Gateway, remark: Option<&str>) -> String {
    let partition = first.partition.map(|number| format!(" for partition {number}")).unwrap_or_default();
    let why = match first.code {
        RDKafkaErrorCode::MessageTimedOut => format!("had no answer within {}", view::duration(args.timeout)),
        RDKafkaErrorCode::MessageSizeTooLarge => {
            format!("is larger than topic \"{}\" takes (max.message.bytes)", args.topic)
        }
        code => format!("was refused: {}", words(&KafkaError::MessageProduction(code))),
    };
    let mut reason = format!("message {}{partition} {why}", first.number);
    let trouble = gateway.trouble();
    if let Some((node, error)) = trouble.first() {
        reason = format!("{reason}; broker {node}: {error}");
    } else if let (RDKafkaErrorCode::MessageTimedOut, Some(remark)) = (first.code, remark) {
        reason = format!("{reason}; {remark}");
    }
    reason
}

/// librdkafka's words without the name of its error variant.
pub(in crate::commands) fn words(error: &KafkaError) -> String {
    error.rdkafka_error_code().map_or_else(|| error.to_string(), |code| code.to_string())
}
