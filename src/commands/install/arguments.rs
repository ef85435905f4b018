//! What was typed, and which cluster in which namespace that is.

use clap::Args;

use super::{ManifestFormat, SpecArgs};
use crate::cli::{ConflictArgs, DryRunArgs, WaitArgs};
use crate::commands::Context;
use crate::error::CommandError;
use crate::k8s::ClusterName;
use crate::k8s::manifests::WrittenDocument;

/// The name of a cluster that nobody named.
const DEFAULT_NAME: &str = "kafka";

/// What was typed.
#[derive(Debug, Clone, Args)]
pub struct InstallArgs {
    /// Name of the Kafka cluster [default: kafka]
    pub(super) name: Option<String>,

    #[command(flatten)]
    pub(super) spec: Box<SpecArgs>,

    /// Show what would change, as kubectl diff does, and change nothing; exit code 1 if anything would
    #[arg(long, conflicts_with_all = ["dry_run", "output"])]
    pub(super) diff: bool,

    /// Create the namespace if it does not exist
    #[arg(long)]
    pub(super) create_namespace: bool,

    #[command(flatten)]
    pub(super) conflicts: ConflictArgs,

    #[command(flatten)]
    pub(super) dry_run: DryRunArgs,

    /// Print the objects: yaml, json or name; or the cluster document alone: cluster
    #[arg(short = 'o', long = "output", value_enum, value_name = "FORMAT", hide_possible_values = true)]
    pub(super) output: Option<ManifestFormat>,

    #[command(flatten)]
    pub(super) wait: WaitArgs,
}

impl InstallArgs {
    /// As typed, as the document says, or the usual one.
    pub(super) fn name(
        &self,
        context: &Context,
        written: Option<&WrittenDocument>,
    ) -> Result<ClusterName, CommandError> {
        let said = written.and_then(|document| document.metadata.name.as_ref()).map(ClusterName::as_str);
        let typed = context.named(self.name.as_deref())?;
        // What the environment says is for commands that nobody tells a name.
        let typed = typed.filter(|_| self.name.is_some() || said.is_none() || !context.global.kafka_is_default);
        if let (Some(typed), Some(said), Some(written)) = (typed, said, written)
            && typed != said
        {
            let reason = format!("it is \"{said}\", and \"{typed}\" was asked for: they are the same, so change one");
            return Err(self.spec.mistaken("metadata.name", &reason, written));
        }
        let name = typed.or(said).unwrap_or(DEFAULT_NAME);
        name.parse().map_err(|reason| CommandError::usage(format!("\"{name}\" is no name for a cluster: {reason}")))
    }
}

impl InstallArgs {
    /// As kubectl: the document's namespace, which `-n` may repeat and not change.
    pub(super) fn in_namespace(
        &self,
        mut context: Context,
        written: Option<&WrittenDocument>,
    ) -> Result<Context, CommandError> {
        let Some(written) = written else { return Ok(context) };
        let Some(said) = written.metadata.namespace.clone() else { return Ok(context) };
        match &context.global.namespace {
            Some(typed) if *typed != said => {
                let reason = format!("it is \"{said}\", and -n is \"{typed}\": they are the same, so change one");
                Err(self.spec.mistaken("metadata.namespace", &reason, written))
            }
            _ => {
                context.ui.now_in(&said);
                context.global.namespace = Some(said);
                Ok(context)
            }
        }
    }
}
