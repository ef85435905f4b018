//! `cluster.yaml`: what was asked, kept in the cluster, so that the next command knows it.

use serde::{Deserialize, Serialize};

use super::spec::ClusterSpec;
use crate::k8s::names::ClusterName;

/// The document that is kept in the cluster, as `cluster.yaml` in a ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterDocument {
    api_version: String,
    kind: String,
    /// Which cluster.
    pub metadata: DocumentMetadata,
    /// What was asked.
    pub spec: ClusterSpec,
}

/// Which cluster a document is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentMetadata {
    /// Its name.
    pub name: ClusterName,
    /// Its namespace.
    pub namespace: String,
}

/// The key of the document in its ConfigMap.
pub const DOCUMENT_KEY: &str = "cluster.yaml";
const API_VERSION: &str = "kubectl-kafka/v1";
const KIND: &str = "Cluster";

impl ClusterDocument {
    /// The document of a cluster.
    pub fn new(name: &ClusterName, namespace: &str, spec: &ClusterSpec) -> Self {
        Self {
            api_version: API_VERSION.to_owned(),
            kind: KIND.to_owned(),
            metadata: DocumentMetadata { name: name.clone(), namespace: namespace.to_owned() },
            spec: spec.clone(),
        }
    }

    /// YAML, as it is kept.
    pub fn to_yaml(&self) -> Result<String, String> {
        serde_saphyr::to_string(self).map_err(|error| error.to_string())
    }

    /// From what was kept. A document of a newer plugin is an error that says so.
    pub fn from_yaml(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Head {
            api_version: String,
            kind: String,
        }
        let head: Head = serde_saphyr::from_str(text).map_err(|error| first_line(&error.to_string()))?;
        if head.api_version != API_VERSION || head.kind != KIND {
            return Err(format!(
                "it is a {} {}, and this version of kubectl-kafka reads {API_VERSION} {KIND}",
                head.api_version, head.kind
            ));
        }
        serde_saphyr::from_str(text).map_err(|error| first_line(&error.to_string()))
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_comes_back_as_it_was_written() {
        let name: ClusterName = "demo".parse().expect("a name");
        let mut asked = ClusterSpec::standard().expect("the defaults");
        asked.storage.class = Some("fast".into());
        asked.config.insert("log.retention.hours".into(), "24".into());
        asked.config.insert("compression.type".into(), "on".into());
        let document = ClusterDocument::new(&name, "kafka", &asked);
        let text = document.to_yaml().expect("YAML");
        assert_eq!(ClusterDocument::from_yaml(&text), Ok(document));
        let newer = text.replace("kubectl-kafka/v1", "kubectl-kafka/v9");
        assert!(ClusterDocument::from_yaml(&newer).is_err_and(|error| error.contains("kubectl-kafka/v9")));
    }
}
