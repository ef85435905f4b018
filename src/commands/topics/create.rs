//! `kubectl kafka topics create`

use std::time::Duration;

use clap::Args;
use kafka_protocol::ResponseError;
use serde::Serialize;
use tokio::time::Instant;

use super::names;
use crate::cli::{DryRun, DryRunArgs, OutputArgs, duration};
use crate::commands::{Context, Run};
use crate::connect::Session;
use crate::error::{CommandError, CommandResult, Exit};
use crate::kafka::admin::topics::{self, CreatedTopic, NewTopic};
use crate::kafka::{Ask, Error, NodeId};
use crate::ui::{TextOptions, View};

/// What was typed.
#[derive(Debug, Clone, Args)]
pub struct CreateArgs {
    /// The topics
    #[arg(required = true, value_name = "TOPIC")]
    topics: Vec<String>,

    /// Number of partitions; the broker's num.partitions without it
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(i32).range(1..))]
    partitions: Option<i32>,

    /// Replicas of each partition; the broker's default.replication.factor without it
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(i16).range(1..))]
    replication_factor: Option<i16>,

    /// A setting of the topic, as cleanup.policy=compact; repeat it for several
    #[arg(long = "config", value_name = "KEY=VALUE")]
    configs: Vec<String>,

    /// The brokers of each partition, the leader first: 100:101,101:102 for two partitions
    #[arg(long, value_name = "ID:ID,…", conflicts_with_all = ["partitions", "replication_factor"])]
    replica_assignment: Option<String>,

    /// Succeed when a topic exists already
    #[arg(long)]
    if_not_exists: bool,

    #[command(flatten)]
    dry_run: DryRunArgs,

    /// How long to wait until every broker knows the topic and its leaders
    #[arg(long, value_parser = duration::parse, default_value = "60s", value_name = "DURATION")]
    timeout: Duration,

    #[command(flatten)]
    output: OutputArgs,
}

impl Run for CreateArgs {
    async fn run(self, context: Context) -> CommandResult {
        let wanted = self.new_topics()?;
        if self.dry_run.dry_run == DryRun::Client {
            let items = wanted.iter().map(|topic| row(topic, Outcome::Created)).collect();
            context.ui.show(&self.output, &self.report(items))?;
            return Ok(Exit::Done);
        }
        let deadline = Instant::now() + self.timeout;
        let session = context.kafka(&Ask::Nothing).await?;
        let creating = topics::create(&session.kafka, &wanted, self.dry_run.dry_run == DryRun::Server);
        let answers = context.ui.patiently("waiting for Kafka's controller", creating).await?;

        let mut items = Vec::new();
        let mut errors = Vec::new();
        for (name, answer) in answers {
            match answer {
                Ok(created) => items.push(created_row(created)),
                Err(error) if self.if_not_exists && exists(&error) => {
                    items.push(CreateRow {
                        name,
                        outcome: Outcome::Unchanged,
                        partitions: None,
                        replication_factor: None,
                    });
                }
                Err(error) => errors.push(explain(&session, &name, error)),
            }
        }
        let made: Vec<String> =
            items.iter().filter(|row| row.outcome == Outcome::Created).map(|row| row.name.clone()).collect();
        let usable = match self.dry_run.dry_run {
            DryRun::None if !made.is_empty() => {
                let wait = topics::wait_until_usable(&session.kafka, &made, deadline);
                context.ui.patiently("waiting until every broker knows the leader of every partition", wait).await
            }
            _ => Ok(()),
        };
        context.ui.show(&self.output, &self.report(items))?;
        usable.map_err(|_| {
            CommandError::timed_out(format!(
                "{} created, but not every broker knew a leader for it within {}",
                crate::view::plural(made.len(), "topic"),
                crate::view::duration(self.timeout)
            ))
            .hinted("see the brokers with `kubectl kafka status`")
        })?;
        finish(&context, errors)
    }
}

/// One failed topic is the command's error; of several each is printed and the exit code is 1.
pub(in crate::commands) fn finish(context: &Context, mut errors: Vec<CommandError>) -> CommandResult {
    match errors.len() {
        0 => Ok(Exit::Done),
        1 => Err(errors.remove(0)),
        _ => {
            for error in &errors {
                context.ui.error(error);
            }
            Ok(Exit::Failed)
        }
    }
}

impl CreateArgs {
    fn new_topics(&self) -> Result<Vec<NewTopic>, CommandError> {
        names::check(&self.topics)?;
        let configs = self.configs.iter().map(|pair| config(pair)).collect::<Result<Vec<_>, _>>()?;
        let assignment = self.replica_assignment.as_deref().map(assignment).transpose()?.unwrap_or_default();
        Ok(self
            .topics
            .iter()
            .map(|name| NewTopic {
                name: name.clone(),
                partitions: self.partitions,
                replication_factor: self.replication_factor,
                assignment: assignment.clone(),
                configs: configs.clone(),
            })
            .collect())
    }

    fn report(&self, items: Vec<CreateRow>) -> CreateReport {
        CreateReport { items, suffix: self.dry_run.dry_run.suffix() }
    }
}

fn config(pair: &str) -> Result<(String, String), CommandError> {
    match pair.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err(CommandError::usage(format!("--config \"{pair}\": expected KEY=VALUE"))),
    }
}

/// `100:101,101:102` as Kafka's own tool takes it: partitions by comma, replicas by colon.
fn assignment(text: &str) -> Result<Vec<Vec<NodeId>>, CommandError> {
    let wrong = |reason: &str| {
        CommandError::usage(format!("--replica-assignment \"{text}\": {reason}"))
            .hinted("write the broker ids of each partition, as 100:101,101:102 for two partitions with two replicas")
    };
    let partitions = text
        .split(',')
        .map(|partition| partition.split(':').map(|id| id.trim().parse().ok().map(NodeId)).collect::<Option<Vec<_>>>())
        .collect::<Option<Vec<Vec<NodeId>>>>()
        .ok_or_else(|| wrong("a broker id is a number"))?;
    let replicas = partitions.first().map_or(0, Vec::len);
    if partitions.iter().any(|partition| partition.len() != replicas) {
        return Err(wrong("every partition needs the same number of replicas"));
    }
    if partitions.iter().any(|partition| (1..partition.len()).any(|at| partition[..at].contains(&partition[at]))) {
        return Err(wrong("a partition cannot have two replicas on one broker"));
    }
    Ok(partitions)
}

fn exists(error: &Error) -> bool {
    error.code().is_some_and(|code| code.is(ResponseError::TopicAlreadyExists))
}

/// Kafka's error in the words of what was typed.
fn explain(session: &Session, name: &str, error: Error) -> CommandError {
    let code = error.code();
    let is = |wanted: ResponseError| code.is_some_and(|code| code.is(wanted));
    if is(ResponseError::TopicAlreadyExists) {
        CommandError::failed(format!("topic \"{name}\" already exists in cluster \"{}\"", session.name))
            .hinted(format!("see it with `kubectl kafka topics describe {name}`, or pass --if-not-exists"))
    } else if is(ResponseError::InvalidReplicationFactor) {
        CommandError::from(error).hinted(format!(
            "cluster \"{}\" has {} up; see them with `kubectl kafka status`",
            session.name,
            crate::view::plural(session.kafka.brokers().len(), "broker")
        ))
    } else {
        error.into()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Outcome {
    Created,
    Unchanged,
}

#[derive(Debug, Serialize)]
struct CreateReport {
    items: Vec<CreateRow>,
    #[serde(skip)]
    suffix: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CreateRow {
    name: String,
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    partitions: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replication_factor: Option<i16>,
}

fn row(topic: &NewTopic, outcome: Outcome) -> CreateRow {
    let assigned = (!topic.assignment.is_empty()).then_some(&topic.assignment);
    CreateRow {
        name: topic.name.clone(),
        outcome,
        partitions: topic.partitions.or_else(|| i32::try_from(assigned?.len()).ok()),
        replication_factor: topic.replication_factor.or_else(|| i16::try_from(assigned?.first()?.len()).ok()),
    }
}

fn created_row(created: CreatedTopic) -> CreateRow {
    CreateRow {
        name: created.name,
        outcome: Outcome::Created,
        partitions: (created.partitions >= 0).then_some(created.partitions),
        replication_factor: (created.replication_factor >= 0).then_some(created.replication_factor),
    }
}

impl View for CreateReport {
    fn text(&self, _options: TextOptions) -> String {
        let word = |outcome| if outcome == Outcome::Created { "created" } else { "unchanged" };
        self.items.iter().map(|row| format!("topic/{} {}{}\n", row.name, word(row.outcome), self.suffix)).collect()
    }

    fn names(&self) -> Vec<String> {
        self.items.iter().map(|row| format!("topic/{}", row.name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_as_kafkas_own_tool_takes_them() {
        let ids = |text: &str| assignment(text).map_err(|error| error.message);
        assert_eq!(ids("100:101,101:102"), Ok(vec![vec![NodeId(100), NodeId(101)], vec![NodeId(101), NodeId(102)]]));
        assert!(ids("100:101,102").is_err_and(|message| message.contains("same number")));
        assert!(ids("100:100").is_err_and(|message| message.contains("two replicas on one broker")));
        assert!(ids("a").is_err_and(|message| message.contains("is a number")));
    }

    #[test]
    fn mutations_read_like_kubectls() {
        let topic = NewTopic { name: "orders".into(), partitions: Some(3), ..NewTopic::default() };
        let report = CreateReport { items: vec![row(&topic, Outcome::Created)], suffix: DryRun::Server.suffix() };
        assert_eq!(report.text(TextOptions::default()), "topic/orders created (server dry run)\n");
    }
}
