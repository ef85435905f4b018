//! `kubectl kafka install`: from nothing to a Kafka that took and returned a message.
//!
//! Every step can be repeated: whoever is interrupted or killed runs the same command again.
//!
//! * `options`: from flags to what is asked; `blame`: whose mistake it is that it cannot be had.
//! * `plan`: what to do about it, and what must not be done; pure.
//! * `applying`: the objects, rehearsed and then applied.
//! * `changing`: what a second install does to a cluster that runs.
//! * `waiting`, `health`: until Kafka works, or the reason why it cannot.

mod applying;
mod arguments;
mod blame;
mod changing;
mod differences;
mod diffing;
mod health;
mod options;
mod plan;
mod rendering;
mod waiting;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

pub use arguments::InstallArgs;
pub use options::SpecArgs;
pub use rendering::ManifestFormat;

use super::securing::Kept;
use super::verify::round_trip::{self, RoundTripPlan};
use super::{Context, Run};
use crate::cli::{DryRun, interrupted};
use crate::connect::{Login, Session};
use crate::error::{CommandError, CommandResult, ErrorKind, Exit};
use crate::k8s::apply::{self, Change, Intent};
use crate::k8s::inventory::{self, Inventory};
use crate::k8s::manifests::{ClusterSpec, DOCUMENT_KEY, Mode, Target, WrittenDocument};
use crate::k8s::names::{ADMIN, CLIENT_PORT};
use crate::k8s::{ClusterName, Kubernetes, Role};
use crate::kafka::Ask;
use crate::view::{duration, plural};
use applying::Step;
use changing::Changing;
use differences::Difference;
use plan::Plan;
use waiting::Wait;

/// A topic is deleted within milliseconds; a Kafka that just broke must not hold up Ctrl-C.
const CLEAN_UP: Duration = Duration::from_secs(3);

/// The first messages of a new cluster wait for its coordinators and caches; on a busy machine that takes
/// seconds.
const ROUND_TRIP: Duration = Duration::from_secs(60);

impl Run for InstallArgs {
    const HANDLES_INTERRUPT: bool = true;

    async fn run(self, context: Context) -> CommandResult {
        let is_comparison = self.diff;
        let result = self.install(context).await;
        if is_comparison { result.map_err(CommandError::of_comparison) } else { result }
    }
}

impl InstallArgs {
    async fn install(self, context: Context) -> CommandResult {
        let written = self.spec.written()?;
        let name = self.name(&context, written.as_ref())?;
        let context = self.in_namespace(context, written.as_ref())?;
        let install = Install {
            args: &self,
            context: &context,
            name: &name,
            written,
            applied: AtomicUsize::new(0),
            going_round: AtomicBool::new(false),
            rolling: AtomicBool::new(false),
        };
        let mut work = Box::pin(install.run());
        tokio::select! {
            result = &mut work => result,
            () = interrupted() => {
                // The round trip hears the interruption too, and deletes its topic before it ends.
                if install.going_round.load(Ordering::Relaxed) {
                    let _ = tokio::time::timeout(CLEAN_UP, work).await;
                } else if install.rolling.load(Ordering::Relaxed)
                    && let Ok(result) = tokio::time::timeout(CLEAN_UP, work).await
                {
                    // The roll hears it too, gives its lease back and says how far it is.
                    return result;
                }
                Err(install.was_interrupted())
            }
        }
    }
}

/// One run of the command.
struct Install<'a> {
    args: &'a InstallArgs,
    context: &'a Context,
    name: &'a ClusterName,
    /// The document of `-f`.
    written: Option<WrittenDocument>,
    /// Objects that are applied so far.
    applied: AtomicUsize,
    /// Whether the test topic may exist.
    going_round: AtomicBool,
    /// Whether it is this run's turn to change a cluster that runs.
    rolling: AtomicBool,
}

impl Install<'_> {
    async fn run(&self) -> CommandResult {
        // What cannot be meant is told before anything is asked of a cluster.
        if !self.args.spec.leaves_the_mode_open() {
            self.spec(None)?;
        }
        if self.dry_run() == DryRun::Client {
            return rendering::run(self).await;
        }
        let started = Instant::now();
        let kubernetes = self.context.kubernetes().await?;
        let is_new = self.args.create_namespace && self.ensure_namespace(&kubernetes).await? == Change::Created;
        if is_new && self.intent() == Intent::Rehearsal {
            self.context.ui.warning("the namespace does not exist yet, so the objects in it were not checked");
            if self.args.diff {
                return diffing::against_nothing(self, &kubernetes, &self.plan(&kubernetes).await?.1);
            }
            return rendering::run(self).await;
        }
        let (spec, mut plan) = self.plan(&kubernetes).await?;
        let changing = self.changing(&kubernetes, &spec, &mut plan).await?;
        if self.args.diff {
            return diffing::run(self, &kubernetes, &plan).await;
        }
        if plan.has_new_admin() && plan.running.is_none() && !self.args.wait.is_on() {
            return Err(CommandError::failed(format!(
                "Secret \"{}\" is gone, and its admin gets another password as soon as Kafka runs; nothing was changed",
                self.name.user(ADMIN)
            ))
            .hinted("leave --no-wait out"));
        }
        let steps = applying::rehearse(&kubernetes, self.name, &plan, self.args.conflicts.wish()).await?;
        let changed = steps.iter().any(|step| step.change != Change::Unchanged);
        let changing = changing.filter(|changing| changing.is_needed(changed));
        if let Some(changing) = &changing {
            changing.announce();
        }
        if self.dry_run() == DryRun::Server {
            self.report_all(&plan, &steps)?;
            return Ok(Exit::Done);
        }
        let apply = async {
            applying::apply(&kubernetes, &plan, &steps, self.args.conflicts.wish(), |step| {
                self.applied.fetch_add(1, Ordering::Relaxed);
                self.report(step)
            })
            .await?;
            if let Some(changing) = &changing {
                // Nothing else can be asked of Kafka before.
                Box::pin(changing.let_admin_in(started + self.args.wait.timeout)).await?;
            }
            self.print_documents(&plan)
        };
        match &changing {
            None => apply.await?,
            Some(changing) if self.args.wait.is_on() => {
                self.rolling.store(true, Ordering::Relaxed);
                Box::pin(changing.carry_out(apply)).await?;
                self.rolling.store(false, Ordering::Relaxed);
            }
            Some(changing) => {
                self.rolling.store(true, Ordering::Relaxed);
                Box::pin(changing.only_apply(apply)).await?;
                self.rolling.store(false, Ordering::Relaxed);
                self.context
                    .ui
                    .hint(format!("`kubectl kafka restart {}` gives the pods what needs new ones", self.name));
            }
        }
        if !changed {
            self.context.ui.status(format!("cluster \"{}\" is installed as asked; nothing was changed", self.name));
        }
        if !self.args.wait.is_on() {
            self.context.ui.hint(format!("see how far it is with `kubectl kafka status {}`", self.name));
            return Ok(Exit::Done);
        }
        // Its state is large, and every caller would carry it.
        Box::pin(self.until_ready(&kubernetes, &spec, &plan, started)).await?;
        if changed && changing.is_none() {
            self.what_next(&kubernetes, &spec);
        }
        Ok(Exit::Done)
    }

    /// What changes on a cluster that runs, and which files its pods mount then; `None`: it does not run.
    async fn changing<'a>(
        &'a self,
        kubernetes: &'a Kubernetes,
        spec: &ClusterSpec,
        plan: &mut Plan,
    ) -> Result<Option<Changing<'a>>, CommandError> {
        let Some(running) = plan.running.clone() else { return Ok(None) };
        let changing = Box::pin(Changing::of(self, kubernetes, plan.admin.clone(), (&running, spec))).await?;
        let target = Target { name: self.name, namespace: &kubernetes.namespace, spec };
        plan.mount(&target, &changing.files(&target, &running), &changing.rollout)?;
        Ok(Some(changing))
    }

    fn spec(&self, kept: Option<&ClusterSpec>) -> Result<ClusterSpec, CommandError> {
        self.args.spec.spec(self.written.as_ref(), kept)
    }

    /// Who asks for a difference; `None` where there are flags alone.
    fn asker(&self, difference: &Difference) -> Option<String> {
        let written = self.written.as_ref()?;
        let (flag, place) = difference.source();
        let asker = self.args.spec.who_asks(&flag, &place, written);
        Some(asker.unwrap_or_else(|| "the default".to_owned()))
    }

    fn dry_run(&self) -> DryRun {
        self.args.dry_run.dry_run
    }

    fn intent(&self) -> Intent {
        if self.dry_run().is_real() && !self.args.diff { Intent::Real } else { Intent::Rehearsal }
    }

    async fn plan(&self, kubernetes: &Kubernetes) -> Result<(ClusterSpec, Plan), CommandError> {
        let inventory = Inventory::of(kubernetes, self.name).await?;
        plan::refuse_unknown_workloads(self.name, &inventory)?;
        let spec = self.spec(inventory.document.as_ref())?;
        let target = Target { name: self.name, namespace: &kubernetes.namespace, spec: &spec };
        let kept = Kept::of(kubernetes, self.name, &spec).await?;
        let plan = Plan::new(&target, &inventory, &kept, &|difference| self.asker(difference))?;
        Ok((spec, plan))
    }

    async fn ensure_namespace(&self, kubernetes: &Kubernetes) -> Result<Change, CommandError> {
        let change = apply::ensure_namespace(kubernetes, self.intent()).await?;
        if change == Change::Created && self.args.output.is_none() && !self.args.diff {
            let suffix = self.dry_run().suffix();
            self.context.ui.out(format!("namespace/{} created{suffix}\n", kubernetes.namespace))?;
        }
        Ok(change)
    }

    async fn until_ready(
        &self,
        kubernetes: &Kubernetes,
        spec: &ClusterSpec,
        plan: &Plan,
        started: Instant,
    ) -> Result<(), CommandError> {
        let timeout = self.args.wait.timeout;
        let admin = plan.admin.as_deref();
        let wait = Wait { context: self.context, kubernetes, name: self.name, spec, timeout, admin };
        // New pods took their own time.
        let place = wait.until_ready(Instant::now() + timeout).await?;
        if plan.identity.as_ref().is_some_and(|identity| identity.mode == Mode::Bootstrap) {
            inventory::mark_joined(kubernetes, self.name).await?;
        }
        let options = self.context.kafka_options();
        let session = Session::to_pods(kubernetes.clone(), place, options, &Ask::Nothing, &Login::Automatic).await?;
        changing::reconcile(&session.kafka, spec).await?;
        self.send_round(&session, spec).await?;
        let quorum = match spec.voter_role() {
            Role::ZooKeeper => format!(", {}", plural(spec.voters() as usize, "ZooKeeper server")),
            Role::Controller => format!(", {}", plural(spec.voters() as usize, "controller")),
            Role::Broker => String::new(),
        };
        self.context.ui.status(format!(
            "Kafka {} \"{}\" is ready after {}, and a message went round: {}{quorum}",
            spec.kafka_version,
            self.name,
            duration(started.elapsed()),
            plural(spec.brokers as usize, "broker"),
        ));
        Ok(())
    }

    /// A message through every broker and back.
    async fn send_round(&self, session: &Session, spec: &ClusterSpec) -> Result<(), CommandError> {
        let brokers = i16::try_from(spec.brokers).unwrap_or(i16::MAX);
        let plan = RoundTripPlan {
            topic: round_trip::topic_name(),
            partitions: brokers.into(),
            replication_factor: brokers.min(3),
            messages_per_partition: 1,
            deadline: ROUND_TRIP,
        };
        self.going_round.store(true, Ordering::Relaxed);
        let gone_round = round_trip::until(session, &plan, interrupted());
        let gone_round = self.context.ui.patiently("sending a message round", gone_round).await;
        self.going_round.store(false, Ordering::Relaxed);
        match gone_round? {
            Some(trip) => trip.check(),
            None => Err(self.was_interrupted()),
        }
    }

    fn report_all(&self, plan: &Plan, steps: &[Step]) -> Result<(), CommandError> {
        for step in steps {
            self.report(step)?;
        }
        self.print_documents(plan)
    }

    fn report(&self, step: &Step) -> Result<(), CommandError> {
        match self.args.output {
            None => self.context.ui.out(step.line(self.dry_run().suffix())),
            Some(ManifestFormat::Name) => self.context.ui.out(format!("{}\n", step.manifest.reference())),
            Some(ManifestFormat::Yaml | ManifestFormat::Json | ManifestFormat::Cluster) => Ok(()),
        }
    }

    fn print_documents(&self, plan: &Plan) -> Result<(), CommandError> {
        match self.args.output {
            Some(format @ (ManifestFormat::Yaml | ManifestFormat::Json)) => {
                self.context.ui.out(rendering::render(format, &plan.manifests())?)?;
            }
            Some(ManifestFormat::Cluster) => {
                let kept = plan.document.body.pointer("/data").and_then(|data| data.get(DOCUMENT_KEY));
                self.context.ui.out(kept.and_then(Value::as_str).unwrap_or_default())?;
            }
            Some(ManifestFormat::Name) | None => {}
        }
        self.context.ui.flush()
    }

    fn was_interrupted(&self) -> CommandError {
        let name = self.name;
        let applied = self.applied.load(Ordering::Relaxed);
        if applied == 0 {
            return CommandError::new(ErrorKind::Interrupted, "interrupted; no object was applied");
        }
        let objects = plural(applied, "object");
        CommandError::new(
            ErrorKind::Interrupted,
            format!("interrupted; {objects} of cluster \"{name}\" are in the cluster, and its pods go on starting"),
        )
        .hinted("the same command continues")
        .hinted(format!("`kubectl kafka uninstall {name}` removes it"))
    }

    /// What a person types next; on stderr, because stdout lists the objects.
    fn what_next(&self, kubernetes: &Kubernetes, spec: &ClusterSpec) {
        let flag = self.context.namespace_flag();
        let replicas = spec.replication_factor();
        for line in [
            "What next:".to_owned(),
            format!("  kubectl kafka topics create orders --partitions 3 --replication-factor {replicas}{flag}"),
            format!("  echo hello | kubectl kafka produce orders{flag}"),
            format!("  kubectl kafka consume orders --from-beginning --count 1{flag}"),
            format!("Pods connect to {}.{}.svc:{CLIENT_PORT}", self.name.bootstrap(), kubernetes.namespace),
        ] {
            self.context.ui.status(line);
        }
    }
}
