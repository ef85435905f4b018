//! `--dry-run=client` and `-o`: the objects as documents that `kubectl apply -f -` takes.

use clap::ValueEnum;
use serde_json::json;

use super::InstallArgs;
use super::plan::Plan;
use crate::cli::DryRun;
use crate::commands::Context;
use crate::error::{CommandError, CommandResult, Exit};
use crate::k8s::ClusterName;
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

impl InstallArgs {
    /// `--dry-run=client`. A cluster that can be reached is read, never written: its kept ids and options
    /// are used. Without one the ids are new each time.
    pub(super) async fn render_only(&self, context: &Context, name: &ClusterName) -> CommandResult {
        let (namespace, inventory) = self.known(context, name).await;
        let spec = self.spec.spec(inventory.document.as_ref())?;
        let plan = Plan::new(&Target { name, namespace: &namespace, spec: &spec }, &inventory)?;
        let manifests = plan.manifests();
        let text = match self.output {
            Some(format) => render(format, &manifests)?,
            None => {
                let suffix = self.dry_run.dry_run.suffix();
                manifests.iter().map(|manifest| format!("{} created{suffix}\n", manifest.reference())).collect()
            }
        };
        context.ui.out(text)?;
        context.ui.flush()?;
        Ok(Exit::Done)
    }

    async fn known(&self, context: &Context, name: &ClusterName) -> (String, Inventory) {
        let typed = context.global.namespace.clone();
        let kubernetes = match context.kubernetes().await {
            Ok(kubernetes) => kubernetes,
            Err(error) => {
                self.unknown(context, &error.message);
                return (typed.unwrap_or_else(|| "default".to_owned()), Inventory::default());
            }
        };
        match Inventory::of(&kubernetes, name).await {
            Ok(inventory) => (kubernetes.namespace, inventory),
            Err(error) => {
                self.unknown(context, &error.to_string());
                (kubernetes.namespace, Inventory::default())
            }
        }
    }

    fn unknown(&self, context: &Context, reason: &str) {
        debug_assert!(self.dry_run.dry_run != DryRun::None);
        context.ui.warning(format!("the cluster was not read, so its ids are new: {reason}"));
    }
}
