//! `kubectl kafka install`: from nothing to a Kafka that took and returned a message.
//!
//! Every step can be repeated: whoever is interrupted or killed runs the same command again.

mod applying;
mod differences;
mod health;
mod options;
mod plan;
mod rendering;
mod waiting;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use clap::Args;
use tokio::time::Instant;

pub use options::{Preset, SpecArgs};
pub use rendering::ManifestFormat;

use super::{Context, Run};
use crate::cli::{DryRun, DryRunArgs, duration, interrupted};
use crate::error::{CommandError, CommandResult, ErrorKind, Exit};
use crate::k8s::apply::{self, Change, Intent};
use crate::k8s::inventory::{self, Inventory};
use crate::k8s::manifests::{ClusterSpec, Mode, Target};
use crate::k8s::{ClusterName, Kubernetes};
use applying::Step;
use plan::Plan;
use waiting::Wait;

/// The name of a cluster that nobody named.
const DEFAULT_NAME: &str = "kafka";

/// What was typed.
#[derive(Debug, Clone, Args)]
pub struct InstallArgs {
    /// Name of the Kafka cluster [default: kafka]
    pub name: Option<String>,

    #[command(flatten)]
    spec: SpecArgs,

    /// Create the namespace if it does not exist
    #[arg(long)]
    create_namespace: bool,

    #[command(flatten)]
    dry_run: DryRunArgs,

    /// Print the objects: yaml, json or name
    #[arg(short = 'o', long = "output", value_enum, value_name = "FORMAT", hide_possible_values = true)]
    output: Option<ManifestFormat>,

    /// Wait until a message went round (the default)
    #[arg(long, overrides_with = "no_wait")]
    wait: bool,

    /// Return as soon as the objects are applied
    #[arg(long)]
    no_wait: bool,

    /// Give up waiting after this time
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "10m")]
    timeout: Duration,
}

impl Run for InstallArgs {
    const HANDLES_INTERRUPT: bool = true;

    async fn run(self, context: Context) -> CommandResult {
        let applied = AtomicUsize::new(0);
        let name = self.cluster_name(&context)?;
        tokio::select! {
            result = self.install(&context, &name, &applied) => result,
            () = interrupted() => Err(was_interrupted(&name, applied.load(Ordering::Relaxed))),
        }
    }
}

impl InstallArgs {
    fn cluster_name(&self, context: &Context) -> Result<ClusterName, CommandError> {
        let typed = self.name.as_deref().or(context.global.kafka.as_deref()).unwrap_or(DEFAULT_NAME);
        typed.parse().map_err(|reason| CommandError::usage(format!("\"{typed}\" is no name for a cluster: {reason}")))
    }

    async fn install(&self, context: &Context, name: &ClusterName, applied: &AtomicUsize) -> CommandResult {
        // What cannot be meant is told before anything is asked of a cluster.
        self.spec.spec(None)?;
        if self.dry_run.dry_run == DryRun::Client {
            return self.render_only(context, name).await;
        }
        let started = Instant::now();
        let kubernetes = context.kubernetes().await?;
        if self.create_namespace
            && self.namespace(context, &kubernetes).await? == Change::Created
            && self.dry_run.dry_run == DryRun::Server
        {
            context.ui.warning("the namespace does not exist yet, so the objects in it could not be checked");
            return self.render_only(context, name).await;
        }
        let inventory = Inventory::of(&kubernetes, name).await?;
        plan::refuse_unknown_workloads(name, &inventory)?;
        let spec = self.spec.spec(inventory.document.as_ref())?;
        let plan = Plan::new(&Target { name, namespace: &kubernetes.namespace, spec: &spec }, &inventory)?;
        let steps = applying::rehearse(&kubernetes, name, &plan).await?;
        if self.dry_run.dry_run == DryRun::Server {
            return self.report(context, &plan, &steps);
        }
        applying::apply(&kubernetes, &plan, &steps, |step| {
            applied.fetch_add(1, Ordering::Relaxed);
            self.report_step(context, step)
        })
        .await?;
        self.print_documents(context, &plan)?;
        context.ui.flush()?;
        if steps.iter().all(|step| step.change == Change::Unchanged) {
            context.ui.status(format!("cluster \"{name}\" is installed as asked; nothing was changed"));
        }
        if self.no_wait {
            context.ui.hint(format!("see how far it is with `kubectl kafka status {name}`"));
            return Ok(Exit::Done);
        }
        let wait = Wait { ui: &context.ui, kubernetes: &kubernetes, name, spec: &spec, timeout: self.timeout };
        let _session = wait.until_ready(started + self.timeout).await?;
        if plan.identity.mode == Mode::Bootstrap {
            inventory::mark_joined(&kubernetes, name).await?;
        }
        what_next(context, name, &kubernetes, &spec, started.elapsed());
        Ok(Exit::Done)
    }

    async fn namespace(&self, context: &Context, kubernetes: &Kubernetes) -> Result<Change, CommandError> {
        let dry = !self.dry_run.dry_run.is_real();
        let intent = if dry { Intent::Rehearsal } else { Intent::Real };
        let change = apply::ensure_namespace(kubernetes, intent).await?;
        if change == Change::Created && self.output.is_none() {
            let suffix = self.dry_run.dry_run.suffix();
            context.ui.out(format!("namespace/{} created{suffix}\n", kubernetes.namespace))?;
        }
        Ok(change)
    }

    fn report(&self, context: &Context, plan: &Plan, steps: &[Step]) -> CommandResult {
        for step in steps {
            self.report_step(context, step)?;
        }
        self.print_documents(context, plan)?;
        context.ui.flush()?;
        Ok(Exit::Done)
    }

    fn report_step(&self, context: &Context, step: &Step) -> Result<(), CommandError> {
        match self.output {
            None => context.ui.out(step.line(self.dry_run.dry_run.suffix())),
            Some(ManifestFormat::Name) => context.ui.out(format!("{}\n", step.manifest.reference())),
            Some(_) => Ok(()),
        }
    }

    fn print_documents(&self, context: &Context, plan: &Plan) -> Result<(), CommandError> {
        match self.output {
            Some(format @ (ManifestFormat::Yaml | ManifestFormat::Json)) => {
                context.ui.out(rendering::render(format, &plan.manifests())?)
            }
            _ => Ok(()),
        }
    }
}

fn was_interrupted(name: &ClusterName, applied: usize) -> CommandError {
    if applied == 0 {
        return CommandError::new(ErrorKind::Interrupted, "interrupted; nothing was applied");
    }
    CommandError::new(
        ErrorKind::Interrupted,
        format!("interrupted; {applied} objects of cluster \"{name}\" are applied, and its pods go on starting"),
    )
    .hinted("the same command continues")
    .hinted(format!("`kubectl kafka uninstall {name}` removes it"))
}

/// What a person types next, on stderr: stdout lists the objects.
fn what_next(context: &Context, name: &ClusterName, kubernetes: &Kubernetes, spec: &ClusterSpec, took: Duration) {
    let ui = &context.ui;
    let controllers = if spec.is_combined() {
        String::new()
    } else {
        format!(", {}", crate::view::plural(spec.controllers as usize, "controller"))
    };
    let flag = context.global.namespace.as_ref().map_or_else(String::new, |namespace| format!(" -n {namespace}"));
    let replicas = spec.replication_factor();
    ui.status(format!(
        "Kafka {} \"{name}\" is ready after {}: {}{controllers}",
        spec.kafka_version,
        crate::view::duration(took),
        crate::view::plural(spec.brokers as usize, "broker"),
    ));
    ui.status("What next:");
    ui.status(format!("  kubectl kafka topics create orders --partitions 3 --replication-factor {replicas}{flag}"));
    ui.status(format!("  echo hello | kubectl kafka produce orders{flag}"));
    ui.status(format!("  kubectl kafka consume orders --from-beginning --count 1{flag}"));
    ui.status(format!("Clients in the cluster connect to {}.{}.svc:9092", name.bootstrap(), kubernetes.namespace));
}
