//! `kubectl kafka uninstall`: takes a cluster away, brokers first, and keeps its data unless told
//! otherwise.
//!
//! Brokers hand over to the controllers, or to ZooKeeper, when they stop: without them they would hang until
//! their grace period is over. Every step can be repeated.

mod removing;

use clap::Args;
use tokio::time::Instant;

use super::{Context, Run};
use crate::cli::{DryRunArgs, WaitArgs, interrupted};
use crate::error::{CommandError, CommandResult, ErrorKind, Exit};
use crate::k8s::lease::{self, RENEW_EVERY};
use crate::k8s::manifests::Manifest;
use crate::k8s::remove::Belongings;
use crate::k8s::{ClusterName, Kubernetes};
use crate::roll::turn;
use crate::view::plural;
use removing::Removal;

/// What was typed.
#[derive(Debug, Clone, Args)]
#[command(mut_arg("no_wait", |arg| arg.help("Wait for the brokers only, which cannot stop cleanly after the controllers or ZooKeeper")))]
pub struct UninstallArgs {
    /// The Kafka cluster; the same as --kafka
    #[arg(value_name = "NAME")]
    name: Option<String>,

    /// Delete the volumes with all messages too, for good
    #[arg(long)]
    delete_data: bool,

    /// Do not ask
    #[arg(short = 'y', long)]
    yes: bool,

    #[command(flatten)]
    dry_run: DryRunArgs,

    #[command(flatten)]
    wait: WaitArgs,
}

impl Run for UninstallArgs {
    const HANDLES_INTERRUPT: bool = true;

    async fn run(self, context: Context) -> CommandResult {
        let name = self.cluster_name(&context)?;
        tokio::select! {
            result = self.uninstall(&context, &name) => result,
            () = interrupted() => Err(CommandError::new(
                ErrorKind::Interrupted,
                format!("interrupted; what is left of cluster \"{name}\" is removed by the same command"),
            )),
        }
    }
}

impl UninstallArgs {
    fn cluster_name(&self, context: &Context) -> Result<ClusterName, CommandError> {
        let typed = context.named(self.name.as_deref())?.ok_or_else(|| {
            CommandError::usage("which cluster? uninstall never guesses")
                .hinted("list them with `kubectl kafka clusters`, then name one")
        })?;
        typed.parse().map_err(|reason| CommandError::usage(format!("\"{typed}\" is no name for a cluster: {reason}")))
    }

    async fn uninstall(&self, context: &Context, name: &ClusterName) -> CommandResult {
        let kubernetes = context.kubernetes().await?;
        let found = Belongings::of(&kubernetes, name).await?;
        if found.is_empty() {
            return Err(CommandError::failed(format!(
                "no Kafka cluster \"{name}\" of kubectl kafka in namespace \"{}\"",
                kubernetes.namespace
            ))
            .hinted("look in all namespaces with `kubectl kafka clusters -A`, then pass -n"));
        }
        if found.is_uninstalled() && !self.delete_data {
            context.ui.status(format!("cluster \"{name}\" is uninstalled already; its data is kept"));
            context.ui.hint("pass --delete-data to delete the data for good");
            return Ok(Exit::Done);
        }
        turn::refuse_while_rolled(&kubernetes, name).await.map_err(|error| with_a_way_out(error, context, name))?;
        let removal = Removal {
            context,
            kubernetes: &kubernetes,
            name,
            found: &found,
            delete_data: self.delete_data,
            dry_run: self.dry_run.dry_run,
            wait: self.wait.is_on(),
            timeout: self.wait.timeout,
        };
        if !self.dry_run.dry_run.is_real() {
            return removal.rehearse().await;
        }
        if !self.yes {
            ask(context, name, &kubernetes, &removal)?;
        }
        removal.run(Instant::now() + self.wait.timeout).await?;
        if !self.delete_data && !found.claims.is_empty() {
            context.ui.status(format!(
                "The data of cluster \"{name}\" is kept in {}; install it again with `kubectl kafka install {name}`",
                plural(found.claims.len(), "volume")
            ));
        }
        Ok(Exit::Done)
    }
}

/// A roll that hangs must not keep its cluster alive.
fn with_a_way_out(error: CommandError, context: &Context, name: &ClusterName) -> CommandError {
    let (lease, flag) = (lease::lease_name(name), context.namespace_flag());
    error.hinted(format!("`kubectl delete lease {lease}{flag}` stops that run within {} s", RENEW_EVERY.as_secs()))
}

/// Names what goes and what stays, and asks.
fn ask(
    context: &Context,
    name: &ClusterName,
    kubernetes: &Kubernetes,
    removal: &Removal<'_>,
) -> Result<(), CommandError> {
    let show = |objects: &[&Manifest]| {
        for object in objects {
            context.ui.status(format!("  {}", described(object)));
        }
    };
    context.ui.status(format!("Of cluster \"{name}\" in namespace \"{}\" these go:", kubernetes.namespace));
    show(&removal.going());
    let staying = removal.staying();
    if !staying.is_empty() {
        context.ui.status("and these stay:");
        show(&staying);
    }
    let question = if removal.delete_data && !removal.found.claims.is_empty() {
        format!("Remove cluster \"{name}\" and all its messages, for good?")
    } else {
        format!("Remove cluster \"{name}\"?")
    };
    if context.ui.confirm(&question)? {
        Ok(())
    } else {
        Err(CommandError::failed("not confirmed; nothing was removed"))
    }
}

/// `statefulset.apps/demo-broker (3 pods)`, `persistentvolumeclaim/data-demo-broker-0 (10Gi)`
fn described(object: &Manifest) -> String {
    let text = |pointer: &str| object.body.pointer(pointer).and_then(|value| value.as_str());
    let replicas = object.body.pointer("/spec/replicas").and_then(serde_json::Value::as_u64);
    let detail = match (replicas, text("/status/capacity/storage").or_else(|| text("/spec/resources/requests/storage")))
    {
        (Some(replicas), _) => format!(" ({})", plural(usize::try_from(replicas).unwrap_or_default(), "pod")),
        (None, Some(size)) => format!(" ({size})"),
        (None, None) => String::new(),
    };
    format!("{}{detail}", object.reference())
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::apps::v1::StatefulSet;
    use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim};
    use kube::core::ApiResource;
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_are_described_by_what_is_lost_with_them() {
        let object = |resource, name: &str, body| described(&Manifest { resource, name: name.into(), body });
        assert_eq!(
            [
                object(ApiResource::erase::<StatefulSet>(&()), "a-broker", json!({"spec": {"replicas": 3}})),
                object(
                    ApiResource::erase::<PersistentVolumeClaim>(&()),
                    "data-a-broker-0",
                    json!({"status": {"capacity": {"storage": "10Gi"}}})
                ),
                object(ApiResource::erase::<ConfigMap>(&()), "a-broker", json!({})),
            ],
            [
                "statefulset.apps/a-broker (3 pods)",
                "persistentvolumeclaim/data-a-broker-0 (10Gi)",
                "configmap/a-broker"
            ]
        );
    }
}
