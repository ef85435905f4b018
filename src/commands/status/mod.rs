//! `kubectl kafka status`: is the cluster healthy, and if not, which half of it and why.
//!
//! * `gather`: asks Kubernetes and Kafka; every part may fail on its own.
//! * `verdict`, `zookeeper`: from facts to problems, pure.
//! * `metrics`: the figures of pods that serve them, pure.
//! * `model`: the report.
//! * `text`: the report for people, pure.

mod brokers;
mod certificates;
mod gather;
mod metrics;
mod model;
mod partitions;
mod text;
mod verdict;
mod zookeeper;

use std::time::Duration;

use clap::Args;
use tokio::time::Instant;

use super::{Context, Run};
use crate::cli::{OutputArgs, OutputFormat, duration};
use crate::error::{CommandError, CommandResult, Exit};
use crate::ui::render;
use gather::Gatherer;
use model::Status;

/// How often a watched or awaited cluster is looked at. Each look costs a handful of requests.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What was typed.
#[derive(Debug, Clone, Args)]
pub struct StatusArgs {
    /// The Kafka cluster; the same as --kafka
    #[arg(value_name = "NAME")]
    name: Option<String>,

    /// Wait until the cluster is healthy
    #[arg(long)]
    wait: bool,

    /// How long --wait waits
    #[arg(long, value_parser = duration::parse, default_value = "5m", value_name = "DURATION")]
    timeout: Duration,

    /// Show the status again whenever it changes, until Ctrl-C
    #[arg(short = 'w', long, conflicts_with = "wait")]
    watch: bool,

    #[command(flatten)]
    output: OutputArgs,
}

impl Run for StatusArgs {
    async fn run(self, context: Context) -> CommandResult {
        let mut gatherer = Gatherer::new(&context, self.name.as_deref(), self.shows_metrics()).await?;
        if self.watch {
            return self.watch(&context, &mut gatherer).await;
        }
        if self.wait {
            return self.wait(&context, &mut gatherer).await;
        }
        let status = gatherer.gather().await?;
        context.ui.show(&self.output, &status)?;
        Ok(exit(&status))
    }
}

impl StatusArgs {
    /// A scrape of every pod is too much to ask for and not to show; in a document anybody may look for it.
    fn shows_metrics(&self) -> bool {
        !matches!(self.output.format(), OutputFormat::Text | OutputFormat::Name)
    }

    async fn wait(&self, context: &Context, gatherer: &mut Gatherer) -> CommandResult {
        let deadline = Instant::now() + self.timeout;
        let progress = context.ui.progress();
        loop {
            let status = gatherer.gather().await?;
            if status.healthy {
                drop(progress);
                context.ui.show(&self.output, &status)?;
                return Ok(Exit::Done);
            }
            if Instant::now() + LOOK_EVERY > deadline {
                drop(progress);
                context.ui.show(&self.output, &status)?;
                return Err(CommandError::timed_out(format!(
                    "{} is not healthy after {}: {}",
                    status.title(),
                    crate::view::duration(self.timeout),
                    status.first_problem()
                )));
            }
            progress.set("status", format!("waiting for {}: {}", status.title(), status.first_problem()));
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn watch(&self, context: &Context, gatherer: &mut Gatherer) -> CommandResult {
        let redraw =
            context.ui.stdout_is_terminal() && matches!(self.output.format(), OutputFormat::Text | OutputFormat::Wide);
        let mut shown = String::new();
        loop {
            let text = render(&self.output.format(), self.output.no_headers, &gatherer.gather().await?)?;
            if text != shown {
                if redraw {
                    // Home, then clear to the end: less flicker than clearing first.
                    context.ui.out("\x1b[H\x1b[2J")?;
                } else if !shown.is_empty() {
                    context.ui.out("\n")?;
                }
                context.ui.out(&text)?;
                context.ui.flush()?;
                shown = text;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

fn exit(status: &Status) -> Exit {
    if status.healthy { Exit::Done } else { Exit::Unhealthy }
}
