//! `kubectl kafka restart`: new pods for old ones, one after the other, while the cluster goes on serving.
//!
//! * `choice`: which pods, and whether an earlier restart goes on; pure.

mod choice;

use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use tokio::time::Instant;

use super::{Context, Run};
use crate::cli::{DryRun, DryRunArgs, OutputArgs, duration, interrupted};
use crate::connect::select_any_state;
use crate::error::{CommandError, CommandResult, Exit};
use crate::k8s::apply::Intent;
use crate::k8s::evict::{Evicted, evict};
use crate::k8s::rollout::{self, Rollout};
use crate::k8s::{ClusterName, Kubernetes, Role};
use crate::roll::plan::Wish;
use crate::roll::turn::Turn;
use crate::roll::{Facts, Leftovers, NextCommands, Plan, Roller, Selection};
use crate::ui::{TextOptions, View};
use crate::view::{self, plural};
use choice::{Chosen, choose};

/// What was typed.
#[derive(Debug, Clone, Args)]
pub struct RestartArgs {
    /// The Kafka cluster; the same as --kafka
    #[arg(value_name = "NAME")]
    name: Option<String>,

    /// Only this pod, now, whatever earlier restarts did; repeat it or separate several by commas
    #[arg(long = "pod", value_name = "POD", value_delimiter = ',', conflicts_with_all = ["brokers", "controllers", "again"])]
    pods: Vec<String>,

    /// Only the brokers
    #[arg(long)]
    brokers: bool,

    /// Only the controllers
    #[arg(long)]
    controllers: bool,

    /// Begin anew: replace also the pods that an unfinished restart has replaced already
    #[arg(long)]
    again: bool,

    #[command(flatten)]
    dry_run: DryRunArgs,

    /// How long each pod may take to be allowed to go, and again to be back
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "15m")]
    timeout: Duration,

    #[command(flatten)]
    output: OutputArgs,
}

impl Run for RestartArgs {
    const HANDLES_INTERRUPT: bool = true;

    async fn run(self, context: Context) -> CommandResult {
        if !context.global.bootstrap_server.is_empty() {
            return Err(CommandError::usage("--bootstrap-server: what is reached by address cannot be restarted")
                .hinted("name a cluster in Kubernetes; `kubectl kafka clusters -A` lists them"));
        }
        let nothing_yet = async {
            let wanted = context.named(self.name.as_deref())?;
            let kubernetes = context.kubernetes().await?;
            let name = select_any_state(&kubernetes, wanted).await?.name;
            Ok::<_, CommandError>((kubernetes, name))
        };
        let (kubernetes, name) = tokio::select! {
            found = nothing_yet => found?,
            () = interrupted() => return Ok(Exit::Interrupted),
        };
        let next = NextCommands::new(&name, self.command(&name));
        let roller = Roller::new(&context.ui, &kubernetes, &name, context.login()?, self.timeout, next);
        let restart = Restart { args: &self, context: &context, kubernetes: &kubernetes, name: &name, roller: &roller };
        restart.run().await
    }
}

impl RestartArgs {
    /// The command that goes on where this one stopped.
    fn command(&self, name: &ClusterName) -> String {
        let mut words = vec!["kubectl kafka restart".to_owned(), name.to_string()];
        words.extend(self.brokers.then(|| "--brokers".to_owned()));
        words.extend(self.controllers.then(|| "--controllers".to_owned()));
        if !self.pods.is_empty() {
            words.extend(["--pod".to_owned(), self.pods.join(",")]);
        }
        words.join(" ")
    }
}

/// One run of the command.
struct Restart<'a> {
    args: &'a RestartArgs,
    context: &'a Context,
    kubernetes: &'a Kubernetes,
    name: &'a ClusterName,
    roller: &'a Roller<'a>,
}

impl Restart<'_> {
    async fn run(&self) -> CommandResult {
        let dry_run = self.args.dry_run.dry_run;
        if !dry_run.is_real() {
            return tokio::select! {
                result = Box::pin(self.rehearse(dry_run)) => result,
                () = interrupted() => Ok(Exit::Interrupted),
            };
        }
        let taking = async {
            let rollout = Rollout::of(self.kubernetes, self.name).await?;
            Turn::take(&self.context.ui, self.kubernetes, self.name, &rollout).await
        };
        let turn = tokio::select! {
            turn = taking => turn?,
            () = interrupted() => return Err(self.roller.was_interrupted()),
        };
        // Its state is large, and every caller would carry it.
        turn.during(Box::pin(self.restart()), || self.roller.was_interrupted()).await
    }

    /// The plan on stdout; with `server`, the API server checks what would be asked of it.
    async fn rehearse(&self, dry_run: DryRun) -> CommandResult {
        let facts = self.roller.look_settled().await?;
        let (chosen, plan) = self.plan(&facts)?;
        self.announce(&plan);
        if dry_run == DryRun::Server {
            if plan.wish == Wish::Begin {
                self.mark(&chosen, Intent::Rehearsal).await?;
            }
            self.rehearse_eviction(&facts, &plan).await?;
        }
        self.context.ui.show(&self.args.output, &plan)?;
        Ok(Exit::Done)
    }

    /// Of the first pod only: the others' turn comes when it is back.
    async fn rehearse_eviction(&self, facts: &Facts, plan: &Plan) -> Result<(), CommandError> {
        let first = plan.items.first().and_then(|first| facts.rollout.pod(&first.pod));
        let Some(pod) = first else { return Ok(()) };
        if let Evicted::Later(budget) = evict(self.kubernetes, &pod.name, &pod.uid, Intent::Rehearsal).await? {
            self.context.ui.warning(format!("pod {} may not be evicted now: {budget}", pod.name));
        }
        Ok(())
    }

    async fn restart(&self) -> CommandResult {
        let began = Instant::now();
        let facts = self.roller.look_settled().await?;
        let (chosen, plan) = self.plan(&facts)?;
        self.announce(&plan);
        for line in plan.text(TextOptions::default()).lines() {
            self.context.ui.status(line);
        }
        if plan.wish == Wish::Begin {
            self.mark(&chosen, Intent::Real).await?;
            self.roller.look_settled().await?;
        }
        let by_line = self.args.output.output.is_none();
        let leftovers = Leftovers::of(self.kubernetes, self.name, facts.rollout).await;
        let replaced = self.roller.roll(&chosen.selection, |pod| {
            if by_line {
                self.context.ui.out(format!("pod/{pod} restarted\n"))?;
            }
            self.context.ui.flush()
        });
        let replaced = replaced.await?;
        let removed = leftovers.remove(&self.context.ui, self.kubernetes, self.name, |files| {
            if by_line { self.context.ui.out(format!("configmap/{files} deleted\n")) } else { Ok(()) }
        });
        removed.await?;
        self.context.ui.flush()?;
        if !by_line {
            self.context.ui.show(&self.args.output, &plan.done(&replaced))?;
        }
        self.context.ui.status(format!(
            "Cluster \"{}\" is restarted: {} in {}",
            self.name,
            plural(replaced.len(), "pod"),
            view::duration(began.elapsed())
        ));
        Ok(Exit::Done)
    }

    fn plan(&self, facts: &Facts) -> Result<(Chosen, Plan), CommandError> {
        let args = self.args;
        let mut roles = Vec::new();
        for (role, is_on) in [(Role::Controller, args.controllers), (Role::Broker, args.brokers)] {
            if is_on {
                roles.push(role);
            }
        }
        let chosen = choose(self.name, facts, &args.pods, &roles, args.again)?;
        let namespace = &self.kubernetes.namespace;
        let plan = Plan::new(self.name.as_str(), namespace, facts, &chosen.selection, chosen.wish);
        Ok((chosen, plan))
    }

    /// What is going to happen, on stderr.
    fn announce(&self, plan: &Plan) {
        let ui = &self.context.ui;
        ui.status(plan.headline());
        if plan.wish == Wish::Resume && plan.items.len() < plan.pods {
            ui.hint(format!("--again begins anew and replaces {}", plural(plan.pods, "pod")));
        }
        for warning in &plan.warnings {
            ui.warning(warning);
        }
    }

    /// Wishes for a restart, in the cluster itself, so that whoever comes next knows it.
    async fn mark(&self, chosen: &Chosen, intent: Intent) -> Result<(), CommandError> {
        let Selection::Outdated(roles) = &chosen.selection else { return Ok(()) };
        let at = Timestamp::now();
        for role in roles {
            rollout::mark_restart(self.kubernetes, self.name, *role, at, intent).await?;
        }
        Ok(())
    }
}
