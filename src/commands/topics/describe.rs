//! `kubectl kafka topics describe`

use std::fmt::Write;

use clap::Args;
use serde::Serialize;

use super::names;
use crate::cli::OutputArgs;
use crate::commands::{Context, Run};
use crate::connect::Session;
use crate::error::{CommandError, CommandResult};
use crate::kafka::admin::configs::{self, ConfigEntry, ConfigSource};
use crate::kafka::admin::topics::{self, Partition, Topic};
use crate::kafka::{Ask, Error};
use crate::ui::{TextOptions, View};
use crate::view::{self, Table};

/// What was typed.
#[derive(Debug, Clone, Args)]
pub struct DescribeArgs {
    /// The topics; all but Kafka's own without one
    #[arg(value_name = "TOPIC")]
    topics: Vec<String>,

    /// Show only partitions with fewer in-sync replicas than replicas
    #[arg(long)]
    under_replicated: bool,

    /// Show only partitions without a leader
    #[arg(long)]
    offline: bool,

    #[command(flatten)]
    output: OutputArgs,
}

impl Run for DescribeArgs {
    async fn run(self, context: Context) -> CommandResult {
        names::check(&self.topics)?;
        let ask = if self.topics.is_empty() { Ask::AllTopics } else { Ask::Topics(self.topics.clone()) };
        let session = context.kafka(&ask).await?;
        let (mut found, errors) = topics::from_metadata(&session.metadata);
        if self.topics.is_empty() {
            found.retain(|topic| !topic.internal);
        }
        let mut errors: Vec<CommandError> = errors.into_iter().map(|error| missing(&session, error)).collect();
        topics::add_eligible_leaders(&session.kafka, &mut found).await?;
        let items = self.details(&session, found, &mut errors).await?;
        context.ui.show(&self.output, &TopicDetails { items })?;
        super::create::finish(&context, errors)
    }
}

impl DescribeArgs {
    async fn details(
        &self,
        session: &Session,
        found: Vec<Topic>,
        errors: &mut Vec<CommandError>,
    ) -> Result<Vec<TopicDetail>, CommandError> {
        let filtered = self.under_replicated || self.offline;
        let shown = |partition: &Partition| {
            !filtered
                || (self.under_replicated && partition.is_under_replicated())
                || (self.offline && partition.is_offline())
        };
        let names: Vec<String> = found.iter().map(|topic| topic.name.clone()).collect();
        let mut settings = configs::describe_topics(&session.kafka, &names, None).await?;
        let mut items = Vec::new();
        for mut topic in found {
            let position = settings.iter().position(|(name, _)| *name == topic.name);
            let configs = match position.map(|position| settings.swap_remove(position).1) {
                Some(Ok(entries)) => entries.into_iter().filter(is_changed).collect(),
                Some(Err(error)) => {
                    errors.push(error.into());
                    Vec::new()
                }
                None => Vec::new(),
            };
            let partition_count = topic.partitions.len();
            let replication_factor = topic.replication_factor();
            topic.partitions.retain(shown);
            if !filtered || !topic.partitions.is_empty() {
                items.push(TopicDetail { topic, partition_count, replication_factor, configs });
            }
        }
        Ok(items)
    }
}

/// Set by somebody, on the topic or for the whole cluster: not Kafka's default.
fn is_changed(entry: &ConfigEntry) -> bool {
    !matches!(entry.source, ConfigSource::Default | ConfigSource::Unknown)
}

fn missing(session: &Session, error: Error) -> CommandError {
    let unknown = kafka_protocol::ResponseError::UnknownTopicOrPartition;
    match &error {
        Error::Code { subject, code, .. } if code.is(unknown) => {
            CommandError::failed(format!("{subject} does not exist in cluster \"{}\"", session.name))
                .hinted("list the topics with `kubectl kafka topics list`")
        }
        _ => error.into(),
    }
}

#[derive(Debug, Serialize)]
struct TopicDetails {
    items: Vec<TopicDetail>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TopicDetail {
    #[serde(flatten)]
    topic: Topic,
    partition_count: usize,
    replication_factor: usize,
    /// The settings that differ from Kafka's default.
    configs: Vec<ConfigEntry>,
}

impl View for TopicDetails {
    fn text(&self, options: TextOptions) -> String {
        self.items.iter().map(|topic| topic.text(options)).collect::<Vec<_>>().join("\n")
    }

    fn names(&self) -> Vec<String> {
        self.items.iter().map(|detail| format!("topic/{}", detail.topic.name)).collect()
    }
}

impl TopicDetail {
    fn text(&self, options: TextOptions) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "Name:                {}", self.topic.name);
        let _ = writeln!(text, "ID:                  {}", view::or_none(self.topic.id.as_ref()));
        let _ = writeln!(text, "Internal:            {}", self.topic.internal);
        let _ = writeln!(text, "Partitions:          {}", self.partition_count);
        let _ = writeln!(text, "Replication factor:  {}", self.replication_factor);
        if self.configs.is_empty() {
            text.push_str("Configs:             <none>\n");
        } else {
            text.push_str("Configs:\n");
            for entry in &self.configs {
                let value = if entry.sensitive { "<hidden>" } else { entry.value.as_deref().unwrap_or_default() };
                let _ = writeln!(text, "  {}={value} ({})", entry.name, source(entry.source));
            }
        }
        text.push('\n');
        text.push_str(&partitions(&self.topic.partitions, options));
        text
    }
}

fn source(source: ConfigSource) -> &'static str {
    match source {
        ConfigSource::Topic => "topic",
        ConfigSource::Broker => "broker",
        ConfigSource::Cluster => "cluster",
        ConfigSource::Static => "server.properties",
        ConfigSource::Default => "default",
        ConfigSource::Unknown => "unknown",
    }
}

fn partitions(partitions: &[Partition], options: TextOptions) -> String {
    let mut table = Table::new(["PARTITION", "LEADER", "REPLICAS", "ISR", "ELR", "STATUS"], options.no_headers);
    for partition in partitions {
        let status = if partition.is_offline() {
            "offline"
        } else if partition.is_under_replicated() {
            "under-replicated"
        } else {
            "ok"
        };
        table.row([
            partition.partition.to_string(),
            view::or_none(partition.leader),
            view::list(&partition.replicas),
            view::list(&partition.isr),
            partition.eligible_leader_replicas.as_ref().map_or_else(|| "<unknown>".into(), |elr| view::list(elr)),
            status.to_owned(),
        ]);
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::NodeId;

    #[test]
    fn shows_partitions_and_changed_settings() {
        let partition = |number, leader: Option<i32>, isr: &[i32], elr: Option<&[i32]>| Partition {
            partition: number,
            leader: leader.map(NodeId),
            leader_epoch: 1,
            replicas: vec![NodeId(100), NodeId(101)],
            isr: isr.iter().copied().map(NodeId).collect(),
            offline_replicas: vec![],
            eligible_leader_replicas: elr.map(|elr| elr.iter().copied().map(NodeId).collect()),
        };
        let entry = |name: &str, source| ConfigEntry {
            name: name.into(),
            value: Some("x".into()),
            source,
            read_only: false,
            sensitive: false,
        };
        let configs: Vec<ConfigEntry> =
            [entry("cleanup.policy", ConfigSource::Topic), entry("flush.ms", ConfigSource::Default)]
                .into_iter()
                .filter(is_changed)
                .collect();
        let partitions = vec![
            partition(0, Some(100), &[100, 101], Some(&[])),
            partition(1, Some(100), &[100], Some(&[101])),
            partition(2, None, &[], None),
        ];
        let topic = Topic { name: "orders".into(), id: None, internal: false, partitions };
        let detail = TopicDetail { partition_count: 3, replication_factor: 2, configs, topic };
        insta::assert_snapshot!(detail.text(TextOptions::default()), @r"
        Name:                orders
        ID:                  <none>
        Internal:            false
        Partitions:          3
        Replication factor:  2
        Configs:
          cleanup.policy=x (topic)

        PARTITION   LEADER   REPLICAS   ISR       ELR         STATUS
        0           100      100,101    100,101   <none>      ok
        1           100      100,101    100       101         under-replicated
        2           <none>   100,101    <none>    <unknown>   offline
        ");
    }
}
