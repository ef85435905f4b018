//! `kubectl kafka topics delete`

use std::time::Duration;

use clap::Args;
use kafka_protocol::ResponseError;
use serde::Serialize;
use tokio::time::Instant;

use super::create::finish;
use super::names;
use crate::cli::{DryRunArgs, OutputArgs, duration};
use crate::commands::{Context, Run};
use crate::error::{CommandError, CommandResult, Exit};
use crate::kafka::admin::topics;
use crate::kafka::{Ask, Error};
use crate::ui::{TextOptions, View};
use crate::view;

/// What was typed.
#[derive(Debug, Clone, Args)]
pub struct DeleteArgs {
    /// The topics
    #[arg(required = true, value_name = "TOPIC")]
    topics: Vec<String>,

    /// Succeed when a topic does not exist
    #[arg(long)]
    if_exists: bool,

    /// Do not ask
    #[arg(short = 'y', long)]
    yes: bool,

    #[command(flatten)]
    dry_run: DryRunArgs,

    /// How long to wait until no broker knows the topics any more
    #[arg(long, value_parser = duration::parse, default_value = "60s", value_name = "DURATION")]
    timeout: Duration,

    #[command(flatten)]
    output: OutputArgs,
}

impl Run for DeleteArgs {
    async fn run(self, context: Context) -> CommandResult {
        names::check(&self.topics)?;
        let session = context.kafka(&Ask::Topics(self.topics.clone())).await?;
        let (found, errors) = topics::from_metadata(&session.metadata);
        let (missing, errors): (Vec<Error>, Vec<Error>) = errors.into_iter().partition(is_unknown);
        if let Some(error) = errors.into_iter().next() {
            return Err(error.into());
        }
        if !missing.is_empty() && !self.if_exists {
            // Nothing is deleted when one name is wrong: it may be the one that mattered.
            let names: Vec<String> =
                self.topics.iter().filter(|name| !found.iter().any(|topic| &topic.name == *name)).cloned().collect();
            return Err(CommandError::failed(format!(
                "no topic \"{}\" in cluster \"{}\"; nothing was deleted",
                names.join("\", \""),
                session.name
            ))
            .hinted("list the topics with `kubectl kafka topics list`, or pass --if-exists"));
        }
        let existing: Vec<String> = found.iter().map(|topic| topic.name.clone()).collect();
        if existing.is_empty() {
            context.ui.status("No topics deleted.");
            context.ui.show(&self.output, &DeleteReport::new(Vec::new(), self.dry_run.dry_run.suffix()))?;
            return Ok(Exit::Done);
        }
        if self.dry_run.dry_run.is_real() && !self.yes {
            for topic in &found {
                context.ui.status(format!(
                    "topic/{} ({})",
                    topic.name,
                    view::plural(topic.partitions.len(), "partition")
                ));
            }
            let question = format!(
                "Delete {} with all messages from cluster \"{}\"?",
                view::plural(existing.len(), "topic"),
                session.name
            );
            if !context.ui.confirm(&question)? {
                return Err(CommandError::failed("not confirmed; nothing was deleted"));
            }
        }
        let mut errors = Vec::new();
        let mut items = Vec::new();
        if self.dry_run.dry_run.is_real() {
            let deleting = topics::delete(&session.kafka, &existing);
            for (name, answer) in context.ui.patiently("waiting for Kafka's controller", deleting).await? {
                match answer {
                    Ok(()) => items.push(name),
                    Err(error) if self.if_exists && is_unknown(&error) => {}
                    Err(error) => errors.push(error.into()),
                }
            }
            let wait = topics::wait_until_gone(&session.kafka, &items, Instant::now() + self.timeout);
            context.ui.patiently("waiting until no broker knows the topics any more", wait).await?;
        } else {
            items = existing;
        }
        context.ui.show(&self.output, &DeleteReport::new(items, self.dry_run.dry_run.suffix()))?;
        finish(&context, errors)
    }
}

fn is_unknown(error: &Error) -> bool {
    error.code().is_some_and(|code| code.is(ResponseError::UnknownTopicOrPartition))
}

#[derive(Debug, Serialize)]
struct DeleteReport {
    items: Vec<DeletedTopic>,
    #[serde(skip)]
    suffix: &'static str,
}

#[derive(Debug, Serialize)]
struct DeletedTopic {
    name: String,
    outcome: &'static str,
}

impl DeleteReport {
    fn new(names: Vec<String>, suffix: &'static str) -> Self {
        Self { items: names.into_iter().map(|name| DeletedTopic { name, outcome: "deleted" }).collect(), suffix }
    }
}

impl View for DeleteReport {
    fn text(&self, _options: TextOptions) -> String {
        self.items.iter().map(|topic| format!("topic \"{}\" deleted{}\n", topic.name, self.suffix)).collect()
    }

    fn names(&self) -> Vec<String> {
        self.items.iter().map(|topic| format!("topic/{}", topic.name)).collect()
    }
}
