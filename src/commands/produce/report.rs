//! Where messages arrived, as it becomes known; and what did not, in words.

use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use kafka_protocol::ResponseError;
use serde::Serialize;
use tokio::task::JoinHandle;

use super::ProduceArgs;
use crate::commands::Context;
use crate::commands::tally::Tally;
use crate::error::CommandError;
use crate::kafka::produce::{Arrived, Failure, Losses, Reason, Receipt};
use crate::kafka::{Error, ErrorCode};
use crate::ui::Ui;
use crate::view;

/// Messages whose place is not printed yet, at most: then no more are sent until somebody reads.
const MOST_UNPRINTED: usize = 100_000;

/// Prints where messages arrived, and counts.
pub(super) struct Report {
    topic: String,
    pub(super) tally: Tally,
    printing: Option<Printing>,
}

/// Printing, on a thread of its own: whoever reads it may be slow or stuck, and Ctrl-C must work all the same.
struct Printing {
    style: Style,
    lines: mpsc::Sender<(usize, String)>,
    unprinted: Unprinted,
    thread: JoinHandle<Result<(), CommandError>>,
}

/// How many messages are printed late.
#[derive(Clone, Default)]
pub(super) struct Unprinted(Arc<AtomicUsize>);

impl Unprinted {
    /// Whether sending should wait for the reader.
    pub(super) fn is_too_much(&self) -> bool {
        self.0.load(Ordering::Relaxed) > MOST_UNPRINTED
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Text,
    Json,
}

#[derive(Serialize)]
struct Line<'a> {
    message: u64,
    topic: &'a str,
    partition: i32,
    /// Null when nobody was asked to acknowledge.
    offset: Option<i64>,
}

impl Printing {
    fn start(ui: Ui, style: Style) -> Self {
        let (lines, printed) = mpsc::channel::<(usize, String)>();
        let unprinted = Unprinted::default();
        let left = unprinted.clone();
        let thread = tokio::task::spawn_blocking(move || {
            let mut outcome = Ok(());
            for (messages, text) in printed {
                // After an error the rest is taken and dropped: the messages themselves still arrive.
                outcome = outcome.and_then(|()| ui.out(text)).and_then(|()| ui.flush());
                left.0.fetch_sub(messages, Ordering::Relaxed);
            }
            outcome
        });
        Self { style, lines, unprinted, thread }
    }

    fn print(&self, topic: &str, arrived: &Arrived<'_>) {
        let mut text = String::new();
        for (number, place) in arrived.numbers.iter().zip(0..) {
            let offset = arrived.offset.map(|first| first + place);
            let line = Line { message: *number, topic, partition: arrived.partition, offset };
            match self.style {
                Style::Json => text += &serde_json::to_string(&line).unwrap_or_default(),
                Style::Text => {
                    // Writing to a String cannot fail.
                    let _ = write!(text, "{topic} partition {} offset {}", line.partition, view::or_none(offset));
                }
            }
            text.push('\n');
        }
        self.unprinted.0.fetch_add(arrived.numbers.len(), Ordering::Relaxed);
        // The thread lives as long as this end of the channel.
        let _ = self.lines.send((arrived.numbers.len(), text));
    }
}

impl Report {
    pub(super) fn new(args: &ProduceArgs, context: &Context) -> Self {
        let style = match args.output {
            Some(_) => Some(Style::Json),
            None => (context.ui.verbosity() > 0).then_some(Style::Text),
        };
        let printing = style.map(|style| Printing::start(context.ui.clone(), style));
        Self { topic: args.topic.clone(), tally: Tally::start(), printing }
    }

    /// How many messages are printed late.
    pub(super) fn unprinted(&self) -> Unprinted {
        self.printing.as_ref().map(|printing| printing.unprinted.clone()).unwrap_or_default()
    }

    /// Waits until everything is printed.
    pub(super) async fn finish(&mut self) -> Result<(), CommandError> {
        let Some(Printing { thread, lines, .. }) = self.printing.take() else { return Ok(()) };
        drop(lines);
        thread.await.unwrap_or_else(|panic| Err(CommandError::failed(format!("printing failed: {panic}"))))
    }
}

impl Receipt for Report {
    fn arrived(&mut self, arrived: &Arrived<'_>) {
        self.tally.add(&self.topic, arrived.partition, arrived.numbers.len() as u64, arrived.bytes);
        if let Some(printing) = &self.printing {
            printing.print(&self.topic, arrived);
        }
    }
}

/// The error about messages that were lost, and those that have no answer at all; `None` when there is none.
pub(super) fn lost(args: &ProduceArgs, losses: &Losses, open: u64, delivered: u64) -> Option<CommandError> {
    let failure = losses.first.as_ref()?;
    let lost = messages(losses.messages + open);
    let reason = reason(args, failure);
    let error = CommandError::failed(format!("{lost} not delivered, {delivered} delivered: {reason}"));
    Some(match &failure.reason {
        Reason::Refused(Error::Denied { denied }) => error.denied(denied.as_ref().clone()),
        _ => error.hinted(SEE_BROKERS),
    })
}

pub(super) fn messages(count: u64) -> String {
    view::plural(usize::try_from(count).unwrap_or(usize::MAX), "message")
}

const SEE_BROKERS: &str = "see the brokers with `kubectl kafka status`";

/// Which message, which partition, why.
fn reason(args: &ProduceArgs, failure: &Failure) -> String {
    let Failure { number, partition, .. } = failure;
    let why = match &failure.reason {
        Reason::TimedOut(trouble) => {
            let trouble = trouble.as_ref().map(|error| format!("; {error}")).unwrap_or_default();
            format!("had no answer within {}{trouble}", view::duration(args.timeout))
        }
        Reason::Refused(error) if is_too_large(error.code()) => {
            format!("is larger than topic \"{}\" takes (max.message.bytes)", args.topic)
        }
        Reason::Refused(error) => format!("was refused: {error}"),
    };
    format!("message {number} for partition {partition} {why}")
}

fn is_too_large(code: Option<ErrorCode>) -> bool {
    code.is_some_and(|code| code.is(ResponseError::MessageTooLarge) || code.is(ResponseError::RecordListTooLarge))
}
