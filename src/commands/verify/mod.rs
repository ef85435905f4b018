//! `kubectl kafka verify`: messages go round, every one is accounted for.

mod exchange;
pub mod round_trip;
mod text;

use std::time::Duration;

use clap::Args;

use super::{Context, Run};
use crate::cli::{OutputArgs, duration, interrupted};
use crate::connect::Session;
use crate::error::{CommandError, CommandResult, Exit};
use crate::kafka::Ask;
use round_trip::RoundTripPlan;

/// Each has two partitions: enough to see that messages stay within theirs.
const PARTITIONS: i32 = 2;
/// Of the test topic, unless there are fewer brokers.
const REPLICATION_FACTOR: i16 = 3;

/// What was typed.
#[derive(Debug, Clone, Args)]
pub struct VerifyArgs {
    /// The Kafka cluster; the same as --kafka
    #[arg(value_name = "NAME")]
    name: Option<String>,

    /// Messages for each of the two partitions
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    messages: u32,

    /// How long it may take
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "60s")]
    timeout: Duration,

    #[command(flatten)]
    output: OutputArgs,
}

impl Run for VerifyArgs {
    const HANDLES_INTERRUPT: bool = true;

    async fn run(self, context: Context) -> CommandResult {
        let mut interrupted = std::pin::pin!(interrupted());
        let session = tokio::select! {
            session = self.connect(&context) => session?,
            () = &mut interrupted => return Ok(Exit::Interrupted),
        };
        let brokers = i16::try_from(session.kafka.brokers().len()).unwrap_or(i16::MAX);
        let plan = RoundTripPlan {
            topic: round_trip::topic_name(),
            partitions: PARTITIONS,
            replication_factor: REPLICATION_FACTOR.min(brokers),
            messages_per_partition: self.messages,
            deadline: self.timeout,
        };
        match round_trip::until(&session, &plan, interrupted).await? {
            None => Ok(Exit::Interrupted),
            Some(result) => {
                context.ui.show(&self.output, &result)?;
                result.check().map(|()| Exit::Done)
            }
        }
    }
}

impl VerifyArgs {
    async fn connect(&self, context: &Context) -> Result<Session, CommandError> {
        let Some(name) = &self.name else { return context.kafka(&Ask::Nothing).await };
        if !context.global.bootstrap_server.is_empty() {
            return Err(CommandError::usage("NAME and --bootstrap-server exclude each other"));
        }
        let (kubernetes, cluster) = context.cluster(Some(name)).await?;
        context.kafka_at(kubernetes, cluster, &Ask::Nothing).await
    }
}
