//! `kubectl kafka version`
//!
//! As `kubectl version`: the client's version always comes out, even when there is no cluster to ask; that
//! is then an error (exit code 1), which `--client` avoids.

use std::fmt::Write;

use clap::Args;
use serde::Serialize;

use super::{Context, Run};
use crate::cli::OutputArgs;
use crate::connect::Session;
use crate::error::{CommandError, CommandResult, Exit};
use crate::kafka::Ask;
use crate::kafka::admin::features::{self, KafkaVersion};
use crate::ui::{TextOptions, View};

/// What was typed.
#[derive(Debug, Clone, Args)]
pub struct VersionArgs {
    /// Print only the client's version; connect to nothing
    #[arg(long)]
    client: bool,

    #[command(flatten)]
    output: OutputArgs,
}

impl Run for VersionArgs {
    async fn run(self, context: Context) -> CommandResult {
        let cluster = if self.client { None } else { Some(cluster_version(&context).await) };
        let (cluster, error) = match cluster {
            None => (None, None),
            Some(Ok(cluster)) => (Some(cluster), None),
            Some(Err(error)) => (None, Some(error)),
        };
        let client = ClientVersion { version: env!("CARGO_PKG_VERSION").to_owned() };
        context.ui.show(&self.output, &Versions { client, cluster })?;
        error.map_or(Ok(Exit::Done), Err)
    }
}

async fn cluster_version(context: &Context) -> Result<ClusterVersion, CommandError> {
    let session: Session = context.kafka(&Ask::Nothing).await?;
    let version = features::version(&session.kafka).await?;
    Ok(ClusterVersion {
        cluster_id: session.kafka.cluster_id(),
        brokers: session.kafka.brokers().len(),
        name: session.name,
        version,
    })
}

#[derive(Debug, Serialize)]
struct Versions {
    client: ClientVersion,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<ClusterVersion>,
}

#[derive(Debug, Serialize)]
struct ClientVersion {
    version: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ClusterVersion {
    name: String,
    cluster_id: Option<String>,
    /// Brokers that serve.
    brokers: usize,
    #[serde(flatten)]
    version: KafkaVersion,
}

impl View for Versions {
    fn text(&self, _options: TextOptions) -> String {
        let mut text = format!("Client Version: v{}\n", self.client.version);
        if let Some(cluster) = &self.cluster {
            let unknown = || "<unknown>".to_owned();
            let id = cluster.cluster_id.clone().unwrap_or_else(unknown);
            let release = cluster.version.release.clone().unwrap_or_else(unknown);
            // Writing to a String cannot fail.
            let _ = writeln!(text, "Kafka Cluster: {} (id {id})", cluster.name);
            let _ = writeln!(text, "Kafka Version: {release}");
            if let Some(metadata) = &cluster.version.metadata_version {
                let name = metadata.name.clone().unwrap_or_else(|| format!("level {}", metadata.level));
                let _ = writeln!(text, "Metadata Version: {name}");
            }
            let _ = writeln!(text, "Brokers: {}", cluster.brokers);
        }
        text
    }

    fn names(&self) -> Vec<String> {
        let mut names = vec![format!("client/v{}", self.client.version)];
        names.extend(self.cluster.as_ref().map(|cluster| format!("kafka/{}", cluster.name)));
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::admin::features::MetadataVersion;

    #[test]
    fn a_metadata_version_from_the_future_is_shown_as_its_level() {
        let version = KafkaVersion { release: None, metadata_version: Some(MetadataVersion { level: 99, name: None }) };
        let cluster = ClusterVersion { name: "demo".into(), cluster_id: Some("abc".into()), brokers: 3, version };
        let versions = Versions { client: ClientVersion { version: "1.2.3".into() }, cluster: Some(cluster) };
        insta::assert_snapshot!(versions.text(TextOptions::default()), @r"
        Client Version: v1.2.3
        Kafka Cluster: demo (id abc)
        Kafka Version: <unknown>
        Metadata Version: level 99
        Brokers: 3
        ");
    }
}
