//! `kubectl kafka topics list`

use std::collections::HashMap;

use clap::Args;
use serde::Serialize;

use crate::cli::OutputArgs;
use crate::cli::OutputFormat;
use crate::commands::{Context, Run};
use crate::error::{CommandResult, Exit};
use crate::kafka::admin::topics::Topic;
use crate::kafka::admin::{log_dirs, topics};
use crate::kafka::{Ask, Cluster};
use crate::ui::{TextOptions, Ui, View};
use crate::view::{self, Table};

/// What was typed.
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    /// Also list Kafka's own topics (__consumer_offsets, …)
    #[arg(long)]
    internal: bool,

    #[command(flatten)]
    output: OutputArgs,
}

impl Run for ListArgs {
    async fn run(self, context: Context) -> CommandResult {
        let session = context.kafka(&Ask::AllTopics).await?;
        let (topics, errors) = topics::from_metadata(&session.metadata);
        // Sizes cost a request to every broker, so only the formats that show them pay for it.
        let sized = matches!(
            self.output.format(),
            OutputFormat::Wide | OutputFormat::JsonPath(_) | OutputFormat::CustomColumns(_)
        ) || matches!(self.output.format(), OutputFormat::Json | OutputFormat::Yaml);
        let sizes = if sized { sizes(&session.kafka, &context.ui).await } else { HashMap::new() };
        let items = topics
            .into_iter()
            .filter(|topic| self.internal || !topic.internal)
            .map(|topic| TopicRow::new(topic, &sizes))
            .collect();
        let list = TopicList { items };
        if list.items.is_empty() && errors.is_empty() {
            context.ui.status(format!("No topics found in cluster \"{}\".", session.name));
        }
        context.ui.show(&self.output, &list)?;
        for error in &errors {
            context.ui.warning(error.to_string());
        }
        Ok(if errors.is_empty() { Exit::Done } else { Exit::Failed })
    }
}

/// The bytes of every topic over all replicas; brokers that do not answer are named and left out.
async fn sizes(cluster: &Cluster, ui: &Ui) -> HashMap<String, u64> {
    let mut sizes: HashMap<String, u64> = HashMap::new();
    for (node, answer) in log_dirs::describe(cluster).await {
        match answer {
            Ok(dirs) => {
                for replica in dirs.into_iter().flat_map(|dir| dir.replicas) {
                    *sizes.entry(replica.topic).or_default() += replica.bytes;
                }
            }
            Err(error) => ui.warning(format!("sizes without broker {node}: {error}")),
        }
    }
    sizes
}

#[derive(Debug, Serialize)]
struct TopicList {
    items: Vec<TopicRow>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TopicRow {
    name: String,
    id: Option<String>,
    internal: bool,
    partitions: usize,
    replication_factor: usize,
    /// Partitions without a leader.
    offline: usize,
    /// Partitions with fewer in-sync replicas than replicas.
    under_replicated: usize,
    /// Bytes over all replicas; absent where it was not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
}

impl TopicRow {
    fn new(topic: Topic, sizes: &HashMap<String, u64>) -> Self {
        Self {
            partitions: topic.partitions.len(),
            replication_factor: topic.replication_factor(),
            offline: topic.partitions.iter().filter(|partition| partition.is_offline()).count(),
            under_replicated: topic.partitions.iter().filter(|partition| partition.is_under_replicated()).count(),
            bytes: sizes.get(&topic.name).copied(),
            internal: topic.internal,
            id: topic.id,
            name: topic.name,
        }
    }

    fn health(&self) -> String {
        match (self.offline, self.under_replicated) {
            (0, 0) => "ok".to_owned(),
            (0, under) => format!("{under} under-replicated"),
            (offline, _) => format!("{offline} offline"),
        }
    }
}

impl View for TopicList {
    fn text(&self, options: TextOptions) -> String {
        if self.items.is_empty() {
            return String::new();
        }
        if options.wide {
            let headers = ["NAME", "PARTITIONS", "REPLICAS", "HEALTH", "SIZE", "INTERNAL", "ID"];
            let mut table = Table::new(headers, options.no_headers);
            for row in &self.items {
                table.row([
                    row.name.clone(),
                    row.partitions.to_string(),
                    row.replication_factor.to_string(),
                    row.health(),
                    row.bytes.map_or_else(|| "<unknown>".to_owned(), view::bytes),
                    row.internal.to_string(),
                    view::or_none(row.id.as_ref()),
                ]);
            }
            return table.text();
        }
        let mut table = Table::new(["NAME", "PARTITIONS", "REPLICAS", "HEALTH"], options.no_headers);
        for row in &self.items {
            let partitions = row.partitions.to_string();
            table.row([row.name.clone(), partitions, row.replication_factor.to_string(), row.health()]);
        }
        table.text()
    }

    fn names(&self) -> Vec<String> {
        self.items.iter().map(|row| format!("topic/{}", row.name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::NodeId;
    use crate::kafka::admin::topics::Partition;

    #[test]
    fn health_names_the_worst() {
        let partition = |leader, isr: &[i32]| Partition {
            partition: 0,
            leader,
            leader_epoch: 0,
            replicas: vec![NodeId(100), NodeId(101)],
            isr: isr.iter().copied().map(NodeId).collect(),
            offline_replicas: vec![],
            eligible_leader_replicas: None,
        };
        let topic = |name: &str, partitions| Topic { name: name.into(), id: None, internal: false, partitions };
        let sizes = HashMap::from([("a".to_owned(), 2048)]);
        let list = TopicList {
            items: vec![
                TopicRow::new(topic("a", vec![partition(Some(NodeId(100)), &[100, 101])]), &sizes),
                TopicRow::new(topic("b", vec![partition(Some(NodeId(100)), &[100])]), &sizes),
                TopicRow::new(topic("c", vec![partition(None, &[])]), &sizes),
            ],
        };
        insta::assert_snapshot!(list.text(TextOptions::default()), @r"
        NAME   PARTITIONS   REPLICAS   HEALTH
        a      1            2          ok
        b      1            2          1 under-replicated
        c      1            2          1 offline
        ");
        assert!(list.text(TextOptions { wide: true, no_headers: true }).contains("2Ki"));
    }
}
