//! Names from the kubeconfig, Kubernetes and Kafka. Whatever goes wrong, there are just no names: an error
//! in the middle of a line that is being typed helps nobody.

use std::time::Duration;

use clap::{Args, FromArgMatches};
use tokio::time::timeout;

use super::candidates::{Candidate, Source};
use super::words::Place;
use crate::cli::GlobalArgs;
use crate::commands::Context;
use crate::error::CommandError;
use crate::k8s::{credentials, discover, inspect, listing};
use crate::kafka::Ask;
use crate::kafka::admin::topics;
use crate::view;

/// Someone waits with a finger on the key: after this, no names are better than late ones.
const PATIENCE: Duration = Duration::from_secs(1);

/// The names of a source, within a second.
pub(super) async fn values(context: &Context, place: &Place<'_>, source: Source) -> Vec<Candidate> {
    let Some(global) = global(place) else { return Vec::new() };
    let context = Context::new(context.ui.clone(), global);
    let asked = async {
        match source {
            Source::Topics => topic_names(&context, place.typed).await,
            Source::KafkaClusters => kafka_clusters(&context).await,
            Source::KafkaUsers => kafka_users(&context).await,
            Source::Pods => pods(&context, place).await,
            Source::Namespaces => Ok(plain(listing::namespaces(&context.kubernetes().await?).await?)),
            Source::Contexts => Ok(plain(listing::contexts(context.global.kubeconfig.as_deref())?)),
        }
    };
    match timeout(PATIENCE, asked).await {
        Ok(Ok(names)) => names,
        Ok(Err(_)) | Err(_) => Vec::new(),
    }
}

/// The global flags that were typed, with their environment variables.
fn global(place: &Place<'_>) -> Option<GlobalArgs> {
    let parser = GlobalArgs::augment_args(clap::Command::new("global").no_binary_name(true));
    let matches = parser.try_get_matches_from(&place.global).ok()?;
    GlobalArgs::from_arg_matches(&matches).ok()
}

/// Kafka's own topics only come when their first letter was typed.
async fn topic_names(context: &Context, typed: &str) -> Result<Vec<Candidate>, CommandError> {
    let session = context.kafka(&Ask::AllTopics).await?;
    let (topics, _) = topics::from_metadata(&session.metadata);
    Ok(topics
        .into_iter()
        .filter(|topic| !topic.internal || typed.starts_with('_'))
        .map(|topic| Candidate { help: view::plural(topic.partitions.len(), "partition"), word: topic.name })
        .collect())
}

async fn kafka_users(context: &Context) -> Result<Vec<Candidate>, CommandError> {
    let (kubernetes, cluster) = context.cluster(None).await?;
    Ok(plain(credentials::users(&kubernetes, &cluster.name).await?))
}

async fn kafka_clusters(context: &Context) -> Result<Vec<Candidate>, CommandError> {
    let clusters = discover::clusters(&context.kubernetes().await?, false, None).await?;
    Ok(clusters
        .into_iter()
        .map(|cluster| Candidate {
            help: view::plural(cluster.brokers.len(), "broker"),
            word: cluster.name.to_string(),
        })
        .collect())
}

/// Several pods are separated by commas: those before the last one stay as they were typed.
async fn pods(context: &Context, place: &Place<'_>) -> Result<Vec<Candidate>, CommandError> {
    let cluster = place.positionals.first().copied().or(context.global.kafka.as_deref());
    let clusters = inspect::clusters(&context.kubernetes().await?, false, cluster).await?;
    let before = place.typed.rsplit_once(',').map_or_else(String::new, |(before, _)| format!("{before},"));
    let is_named = |pod: &str| before.split(',').any(|named| named == pod);
    let pods = clusters.into_iter().flat_map(|cluster| cluster.pods).filter(|pod| !is_named(&pod.name));
    Ok(pods.map(|pod| Candidate { word: format!("{before}{}", pod.name), help: pod.state }).collect())
}

fn plain(names: Vec<String>) -> Vec<Candidate> {
    names.into_iter().map(|word| Candidate { word, help: String::new() }).collect()
}
