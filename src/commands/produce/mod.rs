//! `kubectl kafka produce`: send messages, and account for every one.
//!
//! One thread reads the input into the producer's queue; the producer sends idempotently, so that a broker that
//! dies in the middle neither loses nor reorders anything.

mod report;
mod run;
mod sender;
mod source;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::consume::RecordOutput;
use super::{Context, Run, topics};
use crate::cli::duration;
use crate::error::CommandResult;
use crate::kafka::produce;
use crate::kafka::records::{Codec, input, offsets};

pub(super) use run::destination;

/// What was typed.
#[derive(Debug, Clone, Args)]
#[command(after_help = AFTER_HELP)]
pub struct ProduceArgs {
    /// The topic; it must exist
    #[arg(value_name = "TOPIC")]
    topic: String,

    /// Send this value instead of reading lines from stdin
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["file", "format", "null_value", "key_separator"])]
    value: Option<String>,

    /// Send one null value: a tombstone, which deletes --key from a compacted topic
    #[arg(long, conflicts_with_all = ["file", "format", "key_separator", "empty_as_null"])]
    null_value: bool,

    /// The key of every message
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["key_separator", "format"])]
    key: Option<String>,

    /// Each line is a key, this separator, and a value; \t and \xXX work
    #[arg(long, value_name = "TEXT", value_parser = separator)]
    key_separator: Option<Separator>,

    /// Send an empty value as null
    #[arg(short = 'Z', long, conflicts_with = "format")]
    empty_as_null: bool,

    /// A header of every message, as name=value; repeat it for several
    #[arg(long = "header", value_name = "NAME=VALUE", value_parser = header)]
    headers: Vec<(String, String)>,

    /// Send to this partition; with --format json also `same`: the one that each line names
    #[arg(long, value_name = "NUMBER|same", value_parser = partition)]
    partition: Option<PartitionChoice>,

    /// The timestamp of every message instead of now: ms, s, 2026-01-31, RFC 3339, or -1h
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = timestamp)]
    timestamp: Option<i64>,

    /// How many replicas must have a message: all in sync, the leader alone (1), or none (0)
    #[arg(long, value_enum, value_name = "ACKS", default_value_t)]
    acks: Acks,

    /// How batches are compressed
    #[arg(long, value_enum, value_name = "CODEC", default_value_t)]
    compression: Compression,

    /// Send --value this many times; {} in value and key is the number
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,

    /// Read from this file instead of stdin (-)
    #[arg(short = 'f', long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// What a line of the input is: text, or json as `consume -o json` writes it
    #[arg(long, value_enum, value_name = "FORMAT", conflicts_with = "key_separator")]
    format: Option<InputFormat>,

    /// How long a message may take to be delivered
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "2m")]
    timeout: Duration,

    /// Print each message's partition and offset: json, one object per line (text with -v)
    #[arg(short = 'o', long, value_enum, value_name = "FORMAT", hide_possible_values = true)]
    output: Option<RecordOutput>,
}

const AFTER_HELP: &str = "\
Examples:
  kubectl kafka produce orders < lines.txt
  kubectl kafka produce orders --value hello --key a --header trace=1
  kubectl kafka produce orders --key a --null-value             # a tombstone
  kubectl kafka produce orders --value 'message {}' --count 1000
  kubectl kafka consume a --offset :end -o json | kubectl kafka produce b --format json";

/// `--acks`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Acks {
    /// All that are in sync
    #[default]
    #[value(alias = "-1")]
    All,
    /// The leader
    #[value(name = "1")]
    Leader,
    /// Nobody: messages may be lost silently
    #[value(name = "0")]
    None,
}

impl From<Acks> for produce::Acks {
    fn from(acks: Acks) -> Self {
        match acks {
            Acks::All => Self::All,
            Acks::Leader => Self::Leader,
            Acks::None => Self::None,
        }
    }
}

/// `--compression`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Compression {
    None,
    Gzip,
    Snappy,
    Lz4,
    #[default]
    Zstd,
}

impl From<Compression> for Codec {
    fn from(compression: Compression) -> Self {
        match compression {
            Compression::None => Self::None,
            Compression::Gzip => Self::Gzip,
            Compression::Snappy => Self::Snappy,
            Compression::Lz4 => Self::Lz4,
            Compression::Zstd => Self::Zstd,
        }
    }
}

/// `--format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum InputFormat {
    /// A line is a value
    Text,
    /// A line is a JSON record
    Json,
}

/// `--partition`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PartitionChoice {
    /// This one.
    Number(i32),
    /// The one that the input names.
    Same,
}

/// `--key-separator`, unescaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Separator(pub(super) Vec<u8>);

fn separator(text: &str) -> Result<Separator, String> {
    match input::unescape(text)? {
        separator if separator.is_empty() => Err("a separator has at least one character".to_owned()),
        separator => Ok(Separator(separator)),
    }
}

fn header(pair: &str) -> Result<(String, String), String> {
    let (name, value) = pair.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn partition(text: &str) -> Result<PartitionChoice, String> {
    if text == "same" {
        return Ok(PartitionChoice::Same);
    }
    let number: Option<i32> = text.parse().ok().filter(|number| *number >= 0);
    number.map(PartitionChoice::Number).ok_or_else(|| "expected a partition's number, or same".to_owned())
}

fn timestamp(text: &str) -> Result<i64, String> {
    offsets::parse_time(text, Timestamp::now())
        .ok_or_else(|| "expected milliseconds, seconds, 2026-01-31, 2026-01-31T10:00:00Z, or -1h".to_owned())
}

impl Run for ProduceArgs {
    const HANDLES_INTERRUPT: bool = true;

    async fn run(self, context: Context) -> CommandResult {
        topics::names::check(std::slice::from_ref(&self.topic))?;
        self.check()?;
        run::run(self, context).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_flags() {
        assert_eq!(partition("3"), Ok(PartitionChoice::Number(3)));
        assert_eq!(partition("same"), Ok(PartitionChoice::Same));
        assert!(partition("-1").is_err() && partition("x").is_err());
        assert_eq!(header("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert!(header("a").is_err());
        assert_eq!(timestamp("2026-01-31"), Ok(1_769_817_600_000));
        assert!(timestamp("end").is_err() && timestamp("5").is_err() && timestamp("2026-01-31:").is_err());
        assert!(separator("").is_err());
    }
}
