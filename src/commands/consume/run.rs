//! The course of one `consume`: start the source, wait for whatever ends it, say what was read.

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::plan::Plan;
use super::printer::{Printer, Shared, Style};
use super::{ConsumeArgs, group};
use crate::cli::interrupted;
use crate::commands::Context;
use crate::connect::Session;
use crate::error::{CommandError, CommandResult, ErrorKind, Exit};
use crate::gateway::Gateway;
use crate::kafka::admin::acls::Operation;
use crate::kafka::fetch::{ReadOptions, Reader};
use crate::kafka::{Ask, Error};
use crate::view;

/// How long a partition may be out of reach when reading has an end: a broker that restarts on another node
/// needs a minute for its volume and image.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often to look whether anybody still reads stdout while nothing comes.
const LOOK_AT_STDOUT: Duration = Duration::from_millis(500);

/// How long the printing thread gets to end after it was told to. Leaving a group takes a round trip; a
/// pipe that nobody reads takes for ever.
const WIND_DOWN: Duration = Duration::from_secs(5);

type Reading<'s> = Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 's>>;

/// What ended the reading.
enum End {
    /// All that was wanted was printed.
    Complete,
    /// Ctrl-C.
    Interrupted,
    /// `--timeout`
    TimedOut,
    /// It cannot go on.
    Failed(CommandError),
}

pub(super) async fn run(args: ConsumeArgs, context: Context) -> CommandResult {
    let deadline = args.timeout.map(|timeout| Instant::now() + timeout);
    let shared = Shared::new();
    let interrupted = interrupted();
    let mut interrupted = std::pin::pin!(interrupted);
    let ask = Ask::Topics(args.topics.clone());
    let session = tokio::select! {
        session = context.kafka(&ask) => session?,
        () = &mut interrupted => return Ok(Exit::Interrupted),
    };
    let style = match (&args.format, args.output) {
        (Some(template), _) => Style::Template(template.clone()),
        (None, Some(_)) => Style::Json,
        (None, None) => Style::Value,
    };
    let printer = Printer::new(context.ui.clone(), style, args.count, Arc::clone(&shared));
    let end = if let Some(group) = &args.group {
        let source = start_group(&args, group, &session, printer)?;
        let watch = Watch { context: &context, shared: &shared, deadline, interrupted };
        let bounded = args.exit_at_end;
        let end = wait(Box::pin(pending()), source.thread, watch).await;
        drop(source.gateway);
        (end, bounded)
    } else {
        let planning = Plan::make(&args, &session, &context.ui);
        let plan = tokio::select! {
            plan = planning => plan?,
            () = &mut interrupted => return Ok(Exit::Interrupted),
        };
        let (output, happenings) = mpsc::unbounded_channel();
        let patience = plan.bounded.then_some(PATIENCE);
        let options = ReadOptions { isolation: args.isolation_level.into(), patience };
        let reader = Reader::new(&session.kafka, plan.selections, options, output);
        let thread = tokio::task::spawn_blocking(move || printer.drain(happenings));
        let watch = Watch { context: &context, shared: &shared, deadline, interrupted };
        (wait(Box::pin(reader.run()), thread, watch).await, plan.bounded)
    };
    conclude(&args, &context, &shared, end)
}

struct GroupSource {
    gateway: Gateway,
    thread: JoinHandle<Result<(), CommandError>>,
}

fn start_group(
    args: &ConsumeArgs,
    group: &str,
    session: &Session,
    printer: Printer,
) -> Result<GroupSource, CommandError> {
    crate::commands::lookup::topics(session, &args.topics, Operation::Read)?;
    let gateway = Gateway::open(session.kafka.dialer(), &session.kafka.brokers())?;
    let reader = group::GroupReader::new(args, group, &gateway)?;
    let thread = tokio::task::spawn_blocking(move || reader.run(printer));
    Ok(GroupSource { gateway, thread })
}

/// What may end the reading from outside.
struct Watch<'a, I> {
    context: &'a Context,
    shared: &'a Shared,
    deadline: Option<Instant>,
    interrupted: Pin<&'a mut I>,
}

/// Waits for the first of: everything printed, an error, Ctrl-C, the deadline, nobody who reads.
async fn wait(
    reading: Reading<'_>,
    mut thread: JoinHandle<Result<(), CommandError>>,
    watch: Watch<'_, impl Future<Output = ()>>,
) -> End {
    let Watch { context, shared, deadline, mut interrupted } = watch;
    let mut reading = Some(reading);
    let mut failure = None;
    let timed_out = async {
        match deadline {
            Some(deadline) => tokio::time::sleep_until(deadline).await,
            None => pending().await,
        }
    };
    let mut timed_out = std::pin::pin!(timed_out);
    let gone = async {
        while !context.ui.stdout_is_gone() {
            tokio::time::sleep(LOOK_AT_STDOUT).await;
        }
    };
    let mut gone = std::pin::pin!(gone);
    let early = loop {
        let go_on = async {
            match &mut reading {
                Some(reading) => reading.await,
                None => pending().await,
            }
        };
        tokio::select! {
            read = go_on => {
                // Dropping the reader ends the thread when it has printed what is left.
                reading = None;
                failure = read.err().map(CommandError::from);
            }
            printed = &mut thread => break Err(printed),
            () = &mut interrupted => break Ok(End::Interrupted),
            () = &mut timed_out => break Ok(End::TimedOut),
            () = &mut gone => break Ok(End::Failed(CommandError::new(ErrorKind::BrokenPipe, ""))),
        }
    };
    match early {
        Err(printed) => match (printed.unwrap_or_else(|panic| Err(CommandError::failed(panic.to_string()))), failure) {
            (Err(error), _) | (Ok(()), Some(error)) => End::Failed(error),
            (Ok(()), None) => End::Complete,
        },
        Ok(end) => {
            shared.stop.store(true, Ordering::Relaxed);
            drop(reading);
            match tokio::time::timeout(WIND_DOWN, thread).await {
                Ok(Ok(Err(error))) => End::Failed(error),
                _ => end,
            }
        }
    }
}

fn conclude(args: &ConsumeArgs, context: &Context, shared: &Shared, (end, bounded): (End, bool)) -> CommandResult {
    let tally = shared.tally();
    let summary = || context.ui.status(tally.line("consumed", "from"));
    match end {
        End::Failed(error) if error.kind == ErrorKind::BrokenPipe => Err(error),
        End::Failed(error) => {
            summary();
            Err(error)
        }
        End::Complete | End::Interrupted => {
            summary();
            Ok(Exit::Done)
        }
        End::TimedOut => {
            summary();
            let after = view::duration(args.timeout.unwrap_or_default());
            match args.count {
                Some(count) => Err(CommandError::timed_out(format!(
                    "{} of {} messages came within {after}",
                    tally.messages, count
                ))),
                None if bounded => Err(CommandError::timed_out(format!("the end was not reached within {after}"))),
                None => Ok(Exit::Done),
            }
        }
    }
}
