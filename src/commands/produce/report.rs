//! Where messages arrived, as it becomes known; and what did not, in words.

use serde::Serialize;

use super::ProduceArgs;
use crate::commands::Context;
use crate::commands::tally::Tally;
use crate::error::CommandError;
use crate::kafka::produce::{Arrived, Failure, Losses, Reason, Receipt};
use crate::kafka::{Error, ErrorCode};
use crate::ui::Ui;
use crate::view;
use kafka_protocol::ResponseError;

/// Prints where messages arrived, and counts.
pub(super) struct Report {
    ui: Ui,
    style: Style,
    topic: String,
    pub(super) tally: Tally,
    /// Why printing stopped.
    pub(super) unwritable: Option<CommandError>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Silent,
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

impl Report {
    pub(super) fn new(args: &ProduceArgs, context: &Context) -> Self {
        let style = match args.output {
            Some(_) => Style::Json,
            None if context.ui.verbosity() > 0 => Style::Text,
            None => Style::Silent,
        };
        Self { ui: context.ui.clone(), style, topic: args.topic.clone(), tally: Tally::start(), unwritable: None }
    }

    fn print(&self, arrived: &Arrived<'_>) -> Result<(), CommandError> {
        for (number, place) in arrived.numbers.iter().zip(0..) {
            let offset = arrived.offset.map(|first| first + place);
            let line = Line { message: *number, topic: &self.topic, partition: arrived.partition, offset };
            let text = match self.style {
                Style::Json => serde_json::to_string(&line).unwrap_or_default() + "\n",
                _ => format!("{} partition {} offset {}\n", self.topic, line.partition, view::or_none(offset)),
            };
            self.ui.out(text)?;
        }
        self.ui.flush()
    }
}

impl Receipt for Report {
    fn arrived(&mut self, arrived: &Arrived<'_>) {
        self.tally.add(&self.topic, arrived.partition, arrived.numbers.len() as u64, arrived.bytes);
        if self.style != Style::Silent && self.unwritable.is_none() {
            self.unwritable = self.print(arrived).err();
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
