//! Which Kafka cluster is meant when a command names one, or none.

use crate::error::CommandError;
use crate::k8s::Kubernetes;
use crate::k8s::discover::{self, KafkaCluster};
use crate::k8s::inspect::{self, Inspection};

/// The cluster of `--kafka`, or the only one in the namespace, by its broker pods. One request on the
/// happy way.
pub async fn select(kubernetes: &Kubernetes, name: Option<&str>) -> Result<KafkaCluster, CommandError> {
    let found = discover::clusters(kubernetes, false, name).await?;
    choose(kubernetes, name, found, |cluster| cluster.name.to_string()).await
}

/// The same among all clusters, with or without running brokers.
pub async fn select_any_state(kubernetes: &Kubernetes, name: Option<&str>) -> Result<Inspection, CommandError> {
    let found = inspect::clusters(kubernetes, false, name).await?;
    choose(kubernetes, name, found, |cluster| cluster.name.to_string()).await
}

async fn choose<T>(
    kubernetes: &Kubernetes,
    name: Option<&str>,
    mut found: Vec<T>,
    name_of: impl Fn(&T) -> String,
) -> Result<T, CommandError> {
    let namespace = &kubernetes.namespace;
    if found.len() > 1 {
        return Err(many(namespace, &found.iter().map(name_of).collect::<Vec<_>>()));
    }
    match (found.pop(), name) {
        (Some(cluster), _) => Ok(cluster),
        (None, None) => Err(none(namespace)),
        (None, Some(name)) => {
            let others = discover::clusters(kubernetes, false, None).await?;
            let others: Vec<String> = others.iter().map(|cluster| cluster.name.to_string()).collect();
            Err(unknown(namespace, name, &others))
        }
    }
}

fn none(namespace: &str) -> CommandError {
    CommandError::failed(format!("no Kafka cluster found in namespace \"{namespace}\""))
        .hinted("look in all namespaces with `kubectl kafka clusters -A`, then pass -n")
        .hinted("install one with `kubectl kafka install`")
}

fn unknown(namespace: &str, name: &str, others: &[String]) -> CommandError {
    let error = CommandError::failed(format!("no Kafka cluster \"{name}\" found in namespace \"{namespace}\""));
    if others.is_empty() {
        error.hinted("look in all namespaces with `kubectl kafka clusters -A`, then pass -n")
    } else {
        error.hinted(format!("it has: {}", others.join(", ")))
    }
}

fn many(namespace: &str, names: &[String]) -> CommandError {
    CommandError::usage(format!("namespace \"{namespace}\" has {} Kafka clusters: {}", names.len(), names.join(", ")))
        .hinted(format!("choose one with -K, for example -K {}", names.first().map_or("NAME", String::as_str)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_listed() {
        let error = many("kafka", &["a".into(), "b".into()]);
        assert_eq!(
            error.text(),
            "error: namespace \"kafka\" has 2 Kafka clusters: a, b\nhint: choose one with -K, for example -K a\n"
        );
        let error = unknown("kafka", "c", &["a".into()]);
        assert!(error.text().ends_with("hint: it has: a\n"));
    }
}
