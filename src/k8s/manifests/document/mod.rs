//! `cluster.yaml`: what is asked, as a file, and what was asked, kept in the cluster, so that the next
//! command knows it.

mod reading;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::spec::{ClusterMode, ClusterSpec};
use crate::k8s::names::ClusterName;

/// A cluster document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Kafka cluster of kubectl-kafka")]
pub struct ClusterDocument {
    #[schemars(extend("const" = API_VERSION))]
    api_version: String,
    #[schemars(extend("const" = KIND))]
    kind: String,
    /// Which cluster.
    #[serde(default, skip_serializing_if = "DocumentMetadata::is_empty")]
    pub metadata: DocumentMetadata,
    /// What is asked. What is left out is as in the preset.
    #[serde(default)]
    pub spec: ClusterSpec,
}

/// Which cluster a document is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DocumentMetadata {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<ClusterName>,
    /// Its namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

impl DocumentMetadata {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The key of the document in its ConfigMap.
pub const DOCUMENT_KEY: &str = "cluster.yaml";
const API_VERSION: &str = "kubectl-kafka/v1";
const KIND: &str = "Cluster";

impl ClusterDocument {
    /// The document of a cluster.
    pub fn new(name: &ClusterName, namespace: Option<&str>, spec: &ClusterSpec) -> Self {
        Self {
            api_version: API_VERSION.to_owned(),
            kind: KIND.to_owned(),
            metadata: DocumentMetadata { name: Some(name.clone()), namespace: namespace.map(str::to_owned) },
            spec: spec.clone(),
        }
    }

    /// YAML, as it is kept.
    pub fn to_yaml(&self) -> Result<String, String> {
        serde_saphyr::to_string(self).map_err(|error| error.to_string())
    }

    /// From what was kept, or from a preset. A document of a newer plugin is an error that says so.
    pub fn from_yaml(text: &str) -> Result<Self, String> {
        reading::read(text).map(|(document, _)| document)
    }

    /// The JSON Schema of the document, for editors.
    pub fn schema() -> Value {
        schemars::schema_for!(Self).to_value()
    }
}

/// A document as it was written, to be laid over a preset.
#[derive(Debug, Clone)]
pub struct WrittenDocument {
    /// Which cluster it names.
    pub metadata: DocumentMetadata,
    spec: Value,
}

impl WrittenDocument {
    /// Reads it.
    ///
    /// # Errors
    /// `line: path: reason`, for the first mistake; an unknown field comes with the nearest known one.
    pub fn from_yaml(text: &str) -> Result<Self, String> {
        let (document, mut written) = reading::read(text)?;
        let spec = written.get_mut("spec").map(Value::take).unwrap_or_default();
        Ok(Self { metadata: document.metadata, spec })
    }

    /// The mode that it asks for, if it says one.
    pub fn mode(&self) -> Option<ClusterMode> {
        serde_json::from_value(self.spec.get("mode")?.clone()).ok()
    }

    /// What is asked: the preset, where the document says nothing else.
    pub fn laid_over(&self, preset: &ClusterSpec) -> Result<ClusterSpec, String> {
        let mut merged = serde_json::to_value(preset).map_err(|error| error.to_string())?;
        lay_over(&mut merged, &self.spec);
        serde_json::from_value(merged).map_err(|error| error.to_string())
    }
}

/// Objects are merged; everything else, lists included, is replaced.
fn lay_over(base: &mut Value, over: &Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                lay_over(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (_, Value::Null) => {}
        (base, over) => *base = over.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::k8s::manifests::spec::Preset;

    #[test]
    fn the_document_comes_back_as_it_was_written() {
        let name: ClusterName = "demo".parse().expect("a name");
        let mut asked = Preset::Production.spec().expect("the preset");
        asked.storage.class = Some("fast".into());
        asked.config.insert("log.retention.hours".into(), "24".into());
        asked.config.insert("compression.type".into(), "on".into());
        let document = ClusterDocument::new(&name, Some("kafka"), &asked);
        let text = document.to_yaml().expect("YAML");
        assert_eq!(ClusterDocument::from_yaml(&text), Ok(document));
        let newer = text.replace("kubectl-kafka/v1", "kubectl-kafka/v9");
        assert!(ClusterDocument::from_yaml(&newer).is_err_and(|error| error.contains("kubectl-kafka/v9")));
    }

    #[test]
    fn a_file_is_laid_over_a_preset() {
        let file = "apiVersion: kubectl-kafka/v1\nkind: Cluster\nmetadata: {name: demo}\nspec:\n  brokers: 5\n  \
                    storage: {class: fast}\n  security:\n    tls: {certificateDays: 30}\n";
        let written = WrittenDocument::from_yaml(file).expect("a document");
        assert_eq!(written.metadata.name.as_ref().map(ClusterName::as_str), Some("demo"));
        let spec = written.laid_over(&Preset::Production.spec().expect("the preset")).expect("a spec");
        assert_eq!((spec.brokers, spec.storage.class.as_deref()), (5, Some("fast")));
        assert_eq!(spec.storage.size.to_string(), "100Gi");
        assert!(spec.security.is_scram() && spec.security.tls.is_some_and(|tls| tls.certificate_days == 30));
    }

    #[test]
    fn the_schema_in_docs_is_the_types() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cluster.schema.json");
        let schema = serde_json::to_string_pretty(&ClusterDocument::schema()).expect("JSON") + "\n";
        if std::env::var_os("WRITE_SCHEMA").is_some() {
            std::fs::write(path, &schema).expect("docs");
        }
        let kept = std::fs::read_to_string(path).expect("docs");
        assert!(kept == schema, "write docs/cluster.schema.json anew with `make schema`");
    }
}
