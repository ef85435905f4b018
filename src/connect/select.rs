//! Which Kafka cluster is meant when a command names one, or none.

use crate::error::CommandError;
use crate::k8s::Kubernetes;
use crate::k8s::discover::{self, KafkaCluster};

/// The cluster of `--kafka`, or the only one in the namespace. One request on the happy way.
pub async fn select(kubernetes: &Kubernetes, name: Option<&str>) -> Result<KafkaCluster, CommandError> {
    let found = discover::clusters(kubernetes, false, name).await?;
    match (found.len(), name) {
        (1, _) => Ok(found.into_iter().next().ok_or_else(|| none(&kubernetes.namespace))?),
        (0, Some(name)) => {
            let others = discover::clusters(kubernetes, false, None).await?;
            Err(unknown(&kubernetes.namespace, name, &names(&others)))
        }
        (0, None) => Err(none(&kubernetes.namespace)),
        _ => Err(many(&kubernetes.namespace, &names(&found))),
    }
}

fn names(clusters: &[KafkaCluster]) -> Vec<String> {
    clusters.iter().map(|cluster| cluster.name.to_string()).collect()
}

fn none(namespace: &str) -> CommandError {
    CommandError::failed(format!("no running Kafka cluster found in namespace \"{namespace}\""))
        .hinted("look in all namespaces with `kubectl kafka clusters -A`, then pass -n")
        .hinted("install one with `kubectl kafka install`")
}

fn unknown(namespace: &str, name: &str, others: &[String]) -> CommandError {
    let error = CommandError::failed(format!("no running Kafka cluster \"{name}\" found in namespace \"{namespace}\""));
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
