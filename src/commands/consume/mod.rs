//! `kubectl kafka consume`: read records of topics, with or without a group.
//!
//! Without a group the reader of [`kafka::fetch`](crate::kafka::fetch) reads every partition; with one,
//! librdkafka does, through the gateway. Either way records are formatted on a thread of their own.

mod group;
mod plan;
mod printer;
mod run;

use std::time::Duration;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::{Context, Run, topics};
use crate::cli::duration;
use crate::error::{CommandError, CommandResult};
use crate::kafka::fetch::Isolation;
use crate::kafka::records::{OffsetRange, Template};

/// What was typed.
#[derive(Debug, Clone, Args)]
#[command(after_help = AFTER_HELP)]
pub struct ConsumeArgs {
    /// The topics
    #[arg(required = true, value_name = "TOPIC")]
    topics: Vec<String>,

    /// Read everything that is there, then what comes
    #[arg(long, conflicts_with = "offset")]
    from_beginning: bool,

    /// Where to start, and where to stop: start, end, 5, +5, -5, 5:9, :end, @-1h, @2026-01-31:end
    #[arg(
        long, value_name = "RANGE", allow_hyphen_values = true,
        value_parser = |text: &str| OffsetRange::parse(text, Timestamp::now())
    )]
    offset: Option<OffsetRange>,

    /// Only these partitions; repeat it or separate them by commas
    #[arg(long = "partition", value_name = "NUMBER", value_delimiter = ',', value_parser = clap::value_parser!(i32).range(0..))]
    partitions: Vec<i32>,

    /// Stop after this many messages
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,

    /// Stop where each partition ended when the command was started; reads from the beginning unless told
    /// otherwise
    #[arg(long)]
    exit_at_end: bool,

    /// Stop after this time (exit code 124 when --count or the end was not reached)
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    timeout: Option<Duration>,

    /// Read as a member of this consumer group, from where it committed; commits what was printed
    #[arg(long, value_name = "NAME", conflicts_with_all = ["offset", "partitions"])]
    group: Option<String>,

    /// Which messages of transactions to show
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t)]
    isolation_level: IsolationLevel,

    /// Print each message by a template, as '%t %p %o %k %v\n'
    #[arg(long, value_name = "TEMPLATE", value_parser = Template::parse, conflicts_with = "output")]
    format: Option<Template>,

    /// Output format: json, one lossless object per line
    #[arg(short = 'o', long, value_enum, value_name = "FORMAT", hide_possible_values = true)]
    output: Option<RecordOutput>,
}

const AFTER_HELP: &str = "\
Template verbs:
  %t topic   %p partition   %o offset   %e leader epoch   %h headers   %% percent sign
  %k key     %K its length  %v or %s value                %V or %S its length
  %d or %T timestamp in ms, %d{strftime[%F %T]}, %d{rfc3339}
  %k and %v take {hex}, {base64}, {json}; escapes are \\n \\r \\t \\\\ \\xXX

Examples:
  kubectl kafka consume orders                              # what comes
  kubectl kafka consume orders --from-beginning --exit-at-end
  kubectl kafka consume orders --offset -10:end             # the last 10 of each partition
  kubectl kafka consume orders --offset @-1h:end -o json | jq -r .value";

/// Which messages of transactions are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(super) enum IsolationLevel {
    /// Only those of committed ones
    #[default]
    ReadCommitted,
    /// All
    ReadUncommitted,
}

impl From<IsolationLevel> for Isolation {
    fn from(level: IsolationLevel) -> Self {
        match level {
            IsolationLevel::ReadCommitted => Self::ReadCommitted,
            IsolationLevel::ReadUncommitted => Self::ReadUncommitted,
        }
    }
}

/// `-o`, where only JSON lines make sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum RecordOutput {
    /// One object per line
    Json,
}

impl ConsumeArgs {
    /// Where reading starts and stops, besides `--exit-at-end`.
    fn range(&self) -> OffsetRange {
        match self.offset {
            Some(range) => range,
            // From the end to the end would be nothing.
            None if self.from_beginning || self.exit_at_end => OffsetRange::FROM_START,
            None => OffsetRange::FROM_END,
        }
    }

    fn check(&self) -> Result<(), CommandError> {
        topics::names::check(&self.topics)?;
        if self.group.as_ref().is_some_and(String::is_empty) {
            return Err(CommandError::usage("--group needs a name"));
        }
        if self.group.is_some() && self.exit_at_end && self.topics.len() > 1 {
            return Err(CommandError::usage("--group with --exit-at-end takes one topic")
                .hinted("read each topic with a command of its own"));
        }
        Ok(())
    }
}

impl Run for ConsumeArgs {
    const HANDLES_INTERRUPT: bool = true;

    async fn run(self, context: Context) -> CommandResult {
        self.check()?;
        run::run(self, context).await
    }
}
