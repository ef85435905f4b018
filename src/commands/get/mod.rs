//! `kubectl kafka get cluster`: what was asked of `install`, as the document that `install -f` takes.

use clap::Args;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::clusters::ClustersArgs;
use super::{Context, Run};
use crate::cli::OutputArgs;
use crate::cli::output::OutputFormat;
use crate::error::{CommandError, CommandResult, Exit};
use crate::k8s::inventory::{self, Installed};
use crate::k8s::manifests::ClusterDocument;
use crate::ui::{TextOptions, View};

subcommands! {
    /// What can be got.
    pub enum GetCommand {
        /// Print the cluster document of a Kafka cluster, or of all
        #[command(visible_alias = "clusters")]
        Cluster(GetClusterArgs),
    }
}

/// What was typed.
#[derive(Debug, Clone, Args)]
pub struct GetClusterArgs {
    /// The Kafka cluster; the same as --kafka
    #[arg(value_name = "NAME")]
    name: Option<String>,

    #[command(flatten)]
    output: OutputArgs,
}

impl Run for GetClusterArgs {
    async fn run(self, context: Context) -> CommandResult {
        let name = context.named(self.name.as_deref())?.map(str::to_owned);
        if matches!(self.output.format(), OutputFormat::Text | OutputFormat::Wide) {
            return ClustersArgs::of(name, self.output).run(context).await;
        }
        let kubernetes = context.kubernetes().await?;
        let mut documents = inventory::documents(&kubernetes, false).await?;
        if let Some(name) = &name {
            documents.retain(|document| document.name.as_str() == name);
            if documents.is_empty() {
                return Err(not_found(name, &kubernetes.namespace));
            }
        }
        context.ui.show(&self.output, &Documents::new(documents, name.is_some())?)?;
        Ok(Exit::Done)
    }
}

/// kubectl's `NotFound`, and where to look.
pub(super) fn not_found(name: &str, namespace: &str) -> CommandError {
    CommandError::failed(format!("no Kafka cluster \"{name}\" of kubectl kafka in namespace \"{namespace}\""))
        .hinted("look in all namespaces with `kubectl kafka clusters -A`, then pass -n")
}

/// One document, or a list of them.
struct Documents {
    items: Vec<ClusterDocument>,
    names: Vec<String>,
    alone: bool,
}

impl Documents {
    fn new(installed: Vec<Installed>, alone: bool) -> Result<Self, CommandError> {
        let names = installed.iter().map(|cluster| format!("cluster.kubectl-kafka/{}", cluster.name)).collect();
        let items: Result<Vec<_>, CommandError> = installed
            .into_iter()
            .map(|cluster| {
                let spec = cluster.spec.ok_or_else(|| {
                    CommandError::failed(format!(
                        "the document of cluster \"{}\" was written by a newer kubectl-kafka",
                        cluster.name
                    ))
                })?;
                Ok(ClusterDocument::new(&cluster.name, Some(&cluster.namespace), &spec))
            })
            .collect();
        Ok(Self { items: items?, names, alone })
    }
}

impl Serialize for Documents {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let (true, [only]) = (self.alone, self.items.as_slice()) {
            return only.serialize(serializer);
        }
        let mut list = serializer.serialize_map(Some(3))?;
        list.serialize_entry("apiVersion", "kubectl-kafka/v1")?;
        list.serialize_entry("kind", "ClusterList")?;
        list.serialize_entry("items", &self.items)?;
        list.end()
    }
}

impl View for Documents {
    fn text(&self, _options: TextOptions) -> String {
        self.names.iter().map(|name| format!("{name}\n")).collect()
    }

    fn names(&self) -> Vec<String> {
        self.names.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::k8s::ClusterName;
    use crate::k8s::manifests::{Preset, WrittenDocument};

    fn installed(name: &str) -> Installed {
        Installed {
            namespace: "kafka".into(),
            name: ClusterName::from_label(name),
            spec: Preset::Production.spec().ok(),
            created: None,
        }
    }

    #[test]
    fn one_document_is_what_install_takes() {
        let document = Documents::new(vec![installed("demo")], true).expect("a document");
        let text = serde_saphyr::to_string(&document).expect("YAML");
        let again = WrittenDocument::from_yaml(&text).expect("a document");
        let spec = again.laid_over(&crate::k8s::manifests::ClusterSpec::default()).expect("a spec");
        assert_eq!(Some(spec), installed("demo").spec);
    }

    #[test]
    fn several_are_a_list() {
        let list = Documents::new(vec![installed("a"), installed("b")], false).expect("documents");
        let value = serde_json::to_value(&list).expect("JSON");
        assert_eq!((&value["kind"], value["items"].as_array().map(Vec::len)), (&"ClusterList".into(), Some(2)));
        assert_eq!(list.names(), ["cluster.kubectl-kafka/a", "cluster.kubectl-kafka/b"]);
    }
}
