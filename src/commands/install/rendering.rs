//! `--dry-run=client` and `-o`: the objects as documents that `kubectl apply -f -` takes.

use clap::ValueEnum;
use serde_json::json;

use super::Install;
use super::plan::Plan;
use crate::commands::securing::Kept;
use crate::error::{CommandError, CommandResult, Exit};
use crate::k8s::inventory::Inventory;
use crate::k8s::manifests::{ClusterDocument, ClusterSpec, Manifest, Target};
use crate::k8s::names::ADMIN;
use crate::k8s::revisions::{self, Revisions};
use crate::k8s::rollout::Rollout;
use crate::k8s::{ClusterName, Kubernetes};
use crate::ui;

/// How objects are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ManifestFormat {
    /// One YAML document per object
    Yaml,
    /// One JSON list
    Json,
    /// `kind/name` lines
    Name,
    /// The cluster document alone, as `-f` takes it
    Cluster,
}

/// The objects as text.
pub(super) fn render(format: ManifestFormat, manifests: &[Manifest]) -> Result<String, CommandError> {
    match format {
        ManifestFormat::Name => Ok(manifests.iter().map(|manifest| format!("{}\n", manifest.reference())).collect()),
        ManifestFormat::Json => {
            let items: Vec<_> = manifests.iter().map(|manifest| &manifest.body).collect();
            let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
            let text = serde_json::to_string_pretty(&list)
                .map_err(|error| CommandError::failed(format!("cannot render the output: {error}")))?;
            Ok(text + "\n")
        }
        ManifestFormat::Yaml | ManifestFormat::Cluster => {
            let documents: Result<Vec<String>, _> = manifests.iter().map(|manifest| ui::yaml(&manifest.body)).collect();
            Ok(documents?.join("---\n"))
        }
    }
}

/// Prints the objects and changes nothing. A cluster that can be reached is read for the ids and options
/// that it keeps; without one the ids are new each time.
pub(super) async fn run(install: &Install<'_>) -> CommandResult {
    if install.args.output == Some(ManifestFormat::Cluster) && install.args.spec.is_complete() {
        // It needs no cluster, so that it works without one.
        let text = document(install, install.context.global.namespace.as_deref(), &install.spec(None)?)?;
        return print(install, text);
    }
    let (kubernetes, namespace, Known { inventory, revisions, rollout }) = known(install).await;
    let spec = install.spec(inventory.document.as_ref())?;
    if install.args.output == Some(ManifestFormat::Cluster) {
        return print(install, document(install, Some(&namespace), &spec)?);
    }
    let kept = match &kubernetes {
        Some(kubernetes) => Kept::of(kubernetes, install.name, &spec).await?,
        None => Kept::default(),
    };
    let target = Target { name: install.name, namespace: &namespace, spec: &spec };
    let mut plan = Plan::new(&target, &inventory, &kept, &|difference| install.asker(difference))?;
    // Kafka is not asked, so nothing is taken at once.
    plan.mount(&target, &revisions::choose(&target, &revisions, &rollout, None), &rollout)?;
    if plan.has_new_admin() {
        let secret = install.name.user(ADMIN);
        install.context.ui.warning(format!(
            "Secret {secret} is gone, and Kafka does not know the password of the new one: `install` without --dry-run tells it"
        ));
    }
    let manifests = plan.manifests();
    let suffix = install.dry_run().suffix();
    let text = install.args.output.map_or_else(
        || Ok(manifests.iter().map(|manifest| format!("{} created{suffix}\n", manifest.reference())).collect()),
        |format| render(format, &manifests),
    )?;
    print(install, text)
}

/// The document that asks for this cluster.
pub(super) fn document(
    install: &Install<'_>,
    namespace: Option<&str>,
    spec: &ClusterSpec,
) -> Result<String, CommandError> {
    let document = ClusterDocument::new(install.name, namespace, spec);
    document.to_yaml().map_err(|reason| CommandError::failed(format!("cannot render the output: {reason}")))
}

fn print(install: &Install<'_>, text: String) -> CommandResult {
    install.context.ui.out(text)?;
    install.context.ui.flush()?;
    Ok(Exit::Done)
}

/// What is there.
#[derive(Default)]
struct Known {
    inventory: Inventory,
    revisions: Revisions,
    rollout: Rollout,
}

impl Known {
    async fn of(kubernetes: &Kubernetes, name: &ClusterName) -> crate::k8s::Result<Self> {
        let (inventory, revisions, rollout) = tokio::join!(
            Box::pin(Inventory::of(kubernetes, name)),
            Box::pin(revisions::list(kubernetes, name)),
            Box::pin(Rollout::of(kubernetes, name)),
        );
        // Without these the files only have the names that a new cluster's would have.
        let (revisions, rollout) = (revisions.unwrap_or_default(), rollout.unwrap_or_default());
        Ok(Self { inventory: inventory?, revisions, rollout })
    }
}

/// The cluster where it can be reached, the namespace, and what is there.
async fn known(install: &Install<'_>) -> (Option<Kubernetes>, String, Known) {
    let unread = |reason: &str| {
        install.context.ui.warning(format!("the cluster was not read, so its ids are new: {reason}"));
        Known::default()
    };
    let kubernetes = match install.context.kubernetes().await {
        Ok(kubernetes) => kubernetes,
        Err(error) => {
            let namespace = install.context.global.namespace.clone();
            return (None, namespace.unwrap_or_else(|| "default".to_owned()), unread(&error.message));
        }
    };
    match Known::of(&kubernetes, install.name).await {
        Ok(known) => (Some(kubernetes.clone()), kubernetes.namespace, known),
        Err(error) => (None, kubernetes.namespace, unread(&error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifests() -> Vec<Manifest> {
        let name = ClusterName::from_label("demo");
        let mut spec = ClusterSpec::default();
        // What YAML reads as something else unless it is quoted.
        for (key, value) in [("a", "yes"), ("b", "1e3"), ("c", "0x10"), ("d", "~"), ("e", "a: b # c"), ("f", "")] {
            spec.config.insert(key.to_owned(), value.to_owned());
        }
        let target = Target { name: &name, namespace: "kafka", spec: &spec };
        Plan::new(&target, &Inventory::default(), &Kept::default(), &|_| None).expect("a plan").manifests()
    }

    #[test]
    fn every_yaml_document_is_the_object() {
        let manifests = manifests();
        let text = render(ManifestFormat::Yaml, &manifests).expect("YAML");
        let documents: Vec<serde_json::Value> =
            text.split("\n---\n").map(|document| serde_saphyr::from_str(document).expect("YAML")).collect();
        assert_eq!(documents, manifests.iter().map(|manifest| manifest.body.clone()).collect::<Vec<_>>());
    }

    #[test]
    fn json_is_one_list_and_names_are_lines() {
        let manifests = manifests();
        let text = render(ManifestFormat::Json, &manifests).expect("JSON");
        let list: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!((&list["kind"], list["items"].as_array().map(Vec::len)), (&json!("List"), Some(manifests.len())));
        let names = render(ManifestFormat::Name, &manifests).expect("names");
        assert_eq!(names.lines().next(), Some("configmap/demo-cluster"));
    }
}
