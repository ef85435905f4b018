//! `cluster.yaml`: what is asked, as a file, and what was asked, kept in the cluster, so that the next
//! command knows it.
//!
//! * `written`: YAML, with lines.
//! * `shape`: whether it has the shape of the JSON Schema; `meant`: what was meant by a field that is not known.
//! * `reading`: from text to the types.

mod meant;
mod reading;
mod shape;
mod written;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use self::written::Node;
use super::spec::{ClusterMode, ClusterSpec, Place};
use crate::k8s::names::{self, ClusterName};

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
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "cluster_name")]
    #[schemars(with = "Option<ClusterName>")]
    pub name: Option<ClusterName>,
    /// Its namespace.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "namespace")]
    #[schemars(with = "Option<String>")]
    pub namespace: Option<String>,
}

impl DocumentMetadata {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn cluster_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ClusterName>, D::Error> {
    let name = String::deserialize(deserializer)?;
    let invalid = |reason| D::Error::custom(format!("\"{name}\" is no name for a cluster: {reason}"));
    name.parse().map(Some).map_err(invalid)
}

fn namespace<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let name = String::deserialize(deserializer)?;
    names::check_label(&name).map_err(|reason| D::Error::custom(format!("\"{name}\" is no namespace: {reason}")))?;
    Ok(Some(name))
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
        reading::read(text).map(|read| read.document)
    }

    /// The JSON Schema of the document, for editors and for [`Self::from_yaml`].
    pub fn schema() -> Value {
        let mut schema = schemars::schema_for!(Self).to_value();
        without_null(&mut schema);
        schema
    }
}

/// What may be left out may not be null: `tls:` with nothing behind it must not mean "no TLS".
fn without_null(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if let Some(Value::Array(types)) = fields.get_mut("type") {
                types.retain(|one| one != "null");
                if let [one] = types.as_slice() {
                    let one = one.clone();
                    fields.insert("type".to_owned(), one);
                }
            }
            if let Some(Value::Array(mut options)) = fields.get("anyOf").cloned() {
                options.retain(|option| option.get("type").is_none_or(|one| one != "null"));
                if let [Value::Object(only)] = options.as_slice() {
                    fields.shift_remove("anyOf");
                    fields.extend(only.clone());
                }
            }
            fields.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}

/// A document as it was written, to be laid over a preset.
#[derive(Debug, Clone)]
pub struct WrittenDocument {
    /// Which cluster it names.
    pub metadata: DocumentMetadata,
    spec: Value,
    /// With its lines.
    node: Node,
}

impl WrittenDocument {
    /// Reads it.
    ///
    /// # Errors
    /// `line: path: reason`, for the first mistake; an unknown field comes with the nearest known one.
    pub fn from_yaml(text: &str) -> Result<Self, String> {
        let mut read = reading::read(text)?;
        let spec = read.value.get_mut("spec").map_or_else(|| Value::Object(Map::new()), Value::take);
        Ok(Self { metadata: read.document.metadata, spec, node: read.node })
    }

    /// The line, from 1, at which it says something there; `None`: it does not.
    pub fn line(&self, place: &Place) -> Option<u64> {
        self.node.line_at(place.steps()).ok()
    }

    /// The line of the last thing on the way there that it says.
    pub fn line_near(&self, place: &Place) -> u64 {
        self.node.line_at(place.steps()).unwrap_or_else(|near| near)
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
        let line = |flag: &str| written.line(&Place::of(flag));
        assert_eq!((line("--brokers"), line("--storage-class"), line("--tls")), (Some(5), Some(6), Some(8)));
        assert_eq!((line("--authentication"), line("--memory")), (None, None));
        assert_eq!(written.line_near(&Place::of("--authentication")), 7);
        let spec = written.laid_over(&Preset::Production.spec().expect("the preset")).expect("a spec");
        assert_eq!((spec.brokers, spec.storage.class.as_deref()), (5, Some("fast")));
        assert_eq!(spec.storage.size.to_string(), "100Gi");
        assert!(spec.security.is_scram() && spec.security.tls.is_some_and(|tls| tls.certificate_days == 30));
    }

    #[test]
    fn what_has_no_value_is_no_way_to_the_plain_text_of_the_preset_or_out_of_it() {
        let file = "apiVersion: kubectl-kafka/v1\nkind: Cluster\nspec:\n  security:\n    tls:\n";
        let refused = WrittenDocument::from_yaml(file).map(|_| ()).expect_err("a mistake");
        assert!(refused.starts_with("line 5: spec.security.tls has no value: write {} for the defaults"), "{refused}");
        assert!(!ClusterDocument::schema().to_string().contains("\"null\""), "editors refuse it too");
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
