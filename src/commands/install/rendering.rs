//! `--dry-run=client` and `-o`: the objects as documents that `kubectl apply -f -` takes.

use clap::ValueEnum;
use serde_json::json;

use super::Install;
use super::plan::Plan;
use crate::error::{CommandError, CommandResult, Exit};
use crate::k8s::inventory::Inventory;
use crate::k8s::manifests::{Manifest, Target};
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
        ManifestFormat::Yaml => {
            let documents: Result<Vec<String>, _> = manifests.iter().map(|manifest| ui::yaml(&manifest.body)).collect();
            Ok(documents?.join("---\n"))
        }
    }
}

/// Prints the objects and changes nothing. A cluster that can be reached is read for the ids and options
/// that it keeps; without one the ids are new each time.
pub(super) async fn run(install: &Install<'_>) -> CommandResult {
    let (namespace, inventory) = known(install).await;
    let spec = install.args.spec.spec(inventory.document.as_ref())?;
    let plan = Plan::new(&Target { name: install.name, namespace: &namespace, spec: &spec }, &inventory)?;
    let manifests = plan.manifests();
    let suffix = install.dry_run().suffix();
    let text = install.args.output.map_or_else(
        || Ok(manifests.iter().map(|manifest| format!("{} created{suffix}\n", manifest.reference())).collect()),
        |format| render(format, &manifests),
    )?;
    install.context.ui.out(text)?;
    install.context.ui.flush()?;
    Ok(Exit::Done)
}

/// The namespace, and what is there.
async fn known(install: &Install<'_>) -> (String, Inventory) {
    let unread = |reason: &str| {
        install.context.ui.warning(format!("the cluster was not read, so its ids are new: {reason}"));
        Inventory::default()
    };
    let kubernetes = match install.context.kubernetes().await {
        Ok(kubernetes) => kubernetes,
        Err(error) => {
            let namespace = install.context.global.namespace.clone();
            return (namespace.unwrap_or_else(|| "default".to_owned()), unread(&error.message));
        }
    };
    let inventory = match Inventory::of(&kubernetes, install.name).await {
        Ok(inventory) => inventory,
        Err(error) => unread(&error.to_string()),
    };
    (kubernetes.namespace, inventory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::k8s::ClusterName;
    use crate::k8s::manifests::ClusterSpec;

    fn manifests() -> Vec<Manifest> {
        let name = ClusterName::from_label("demo");
        let mut spec = ClusterSpec::standard().expect("the defaults");
        // What YAML reads as something else unless it is quoted.
        for (key, value) in [("a", "yes"), ("b", "1e3"), ("c", "0x10"), ("d", "~"), ("e", "a: b # c"), ("f", "")] {
            spec.config.insert(key.to_owned(), value.to_owned());
        }
        let target = Target { name: &name, namespace: "kafka", spec: &spec };
        Plan::new(&target, &Inventory::default()).expect("a plan").manifests()
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
