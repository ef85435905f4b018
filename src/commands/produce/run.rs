//! The course of one `produce`: connect, send, wait for the answers, account for them.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::report::{self, Report, Unprinted};
use super::sender::Sender;
use super::source::Source;
use super::{PartitionChoice, ProduceArgs};
use crate::cli::interrupted;
use crate::commands::{Context, lookup};
use crate::connect::Session;
use crate::error::{CommandError, CommandResult, Exit};
use crate::kafka::Ask;
use crate::kafka::admin::acls::Operation;
use crate::kafka::admin::configs;
use crate::kafka::admin::topics::Topic;
use crate::kafka::fetch::TopicRef;
use crate::kafka::produce::{Destination, Producer, Queue, Settings};

/// How long Ctrl-C waits for what was handed over already.
const FLUSH_ON_INTERRUPT: Duration = Duration::from_secs(10);

/// What ended the sending.
enum End {
    Complete,
    Interrupted,
    Failed(CommandError),
}

pub(super) async fn run(args: ProduceArgs, context: Context) -> CommandResult {
    let mut interrupted = std::pin::pin!(interrupted());
    let source = Source::open(&args)?;
    let (session, topic) = tokio::select! {
        prepared = prepare(&args, &context) => prepared?,
        () = &mut interrupted => return Ok(Exit::Interrupted),
    };
    let report = Report::new(&args, &context);
    let mut producer = Producer::new(&session.kafka, destination(&topic), settings(&args), report);
    let queue = producer.queue();
    let unprinted = producer.receipt().unprinted();
    let feeding = feed(&args, &session, topic, source, producer.queue(), unprinted);
    let mut end = send(&mut producer, feeding, &queue, interrupted.as_mut()).await;
    if !matches!(end, End::Interrupted) {
        tokio::select! {
            printed = producer.receipt().finish() => if let (Err(error), End::Complete) = (printed, &end) {
                end = End::Failed(error);
            },
            () = interrupted => end = End::Interrupted,
        }
    }
    conclude(&args, &context, &mut producer, end, queue.unsettled())
}

async fn prepare(args: &ProduceArgs, context: &Context) -> Result<(Session, Topic), CommandError> {
    let session = context.kafka(&Ask::Topics(vec![args.topic.clone()])).await?;
    let topic = lookup::topics(&session, std::slice::from_ref(&args.topic), Operation::Write)?.remove(0);
    if let Some(PartitionChoice::Number(number)) = args.partition
        && topic.partitions.iter().all(|known| known.partition != number)
    {
        return Err(lookup::no_partition(&topic, number));
    }
    Ok((session, topic))
}

fn settings(args: &ProduceArgs) -> Settings {
    let timeout = Some(args.timeout).filter(|timeout| !timeout.is_zero());
    Settings { acks: args.acks.into(), codec: args.compression.into(), timeout }
}

/// A topic as the producer wants it.
pub(in crate::commands) fn destination(topic: &Topic) -> Destination {
    Destination {
        topic: TopicRef::from(topic),
        leaders: topic.partitions.iter().map(|partition| partition.leader).collect(),
    }
}

/// Reads the source into the queue. The first message waits for the topic's limit, connections do not.
async fn feed(
    args: &ProduceArgs,
    session: &Session,
    topic: Topic,
    source: Source,
    queue: Arc<Queue>,
    unprinted: Unprinted,
) -> Result<(), CommandError> {
    let limit = largest_message(session, &args.topic).await;
    if let Some(limit) = limit {
        queue.set_largest_message(limit);
    }
    let sender = Sender::new(args, topic, limit, Arc::clone(&queue), unprinted);
    tokio::task::spawn_blocking(move || sender.run(source)).await.unwrap_or_else(|panic| {
        queue.stop();
        Err(CommandError::failed(format!("reading the input failed: {panic}")))
    })
}

/// The topic's `max.message.bytes`; `None` when it may not be asked for, and then the broker decides.
async fn largest_message(session: &Session, topic: &str) -> Option<usize> {
    let topics = [topic.to_owned()];
    let answers = configs::describe_topics(&session.kafka, &topics, Some(&["max.message.bytes"])).await.ok()?;
    let (_, settings) = answers.into_iter().next()?;
    settings.ok()?.into_iter().find(|entry| entry.name == "max.message.bytes")?.value?.parse().ok()
}

/// Sends until everything has its outcome. After Ctrl-C nothing more is read, and what was read already gets a
/// while to arrive.
async fn send(
    producer: &mut Producer<'_, Report>,
    feeding: impl Future<Output = Result<(), CommandError>>,
    queue: &Queue,
    mut interrupted: Pin<&mut impl Future<Output = ()>>,
) -> End {
    let mut sending = std::pin::pin!(producer.run());
    let mut feeding = std::pin::pin!(feeding);
    let mut fed = None;
    loop {
        tokio::select! {
            () = &mut sending => break,
            outcome = &mut feeding, if fed.is_none() => fed = Some(outcome),
            () = interrupted.as_mut() => {
                queue.stop();
                let _ = tokio::time::timeout(FLUSH_ON_INTERRUPT, sending).await;
                return End::Interrupted;
            }
        }
    }
    // After a loss the thread may be stuck in a read of stdin: it is left to itself.
    if fed.is_none() && !queue.is_stopped() {
        fed = Some(feeding.await);
    }
    match fed {
        Some(Err(error)) => End::Failed(error),
        _ => End::Complete,
    }
}

fn conclude(
    args: &ProduceArgs,
    context: &Context,
    producer: &mut Producer<'_, Report>,
    end: End,
    open: u64,
) -> CommandResult {
    let losses = producer.losses().clone();
    let report = producer.receipt();
    context.ui.status(report.tally.line("produced", "to"));
    if let Some(error) = report::lost(args, &losses, open, report.tally.messages) {
        return Err(error);
    }
    match end {
        End::Failed(error) => Err(error),
        End::Interrupted if open > 0 => {
            context.ui.warning(format!("{} still had no answer", report::messages(open)));
            Ok(Exit::Interrupted)
        }
        End::Interrupted => Ok(Exit::Interrupted),
        End::Complete => Ok(Exit::Done),
    }
}
