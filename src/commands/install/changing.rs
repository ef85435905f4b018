//! A second install with other options: what takes effect at once is set in Kafka itself, the rest is
//! applied and rolled out pod by pod.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Install;
use super::differences::{Difference, differences, table};
use crate::commands::securing::Admin;
use crate::connect::{Login, NotConnected, Session};
use crate::error::{CommandError, ErrorKind};
use crate::k8s::discover::{self, KafkaCluster};
use crate::k8s::manifests::dynamic::{ConfigChanges, UpdateMode, update_mode};
use crate::k8s::manifests::{ClusterSpec, FileNames, Target};
use crate::k8s::revisions::{self, Revisions, choose, unused};
use crate::k8s::rollout::Rollout;
use crate::k8s::{Kubernetes, Role};
use crate::kafka::admin::configs::{self, ConfigSource};
use crate::kafka::{Ask, Cluster, ClusterOptions, Error};
use crate::roll::plan::Wish;
use crate::roll::turn::Turn;
use crate::roll::{Leftovers, NextCommands, Plan, Roller, Selection};
use crate::ui::{TextOptions, View};
use crate::view::list;

/// Kafka changes the size of a pool of threads at once only up to twice and down to half.
const POOLS: [&str; 5] = [
    "background.threads",
    "num.io.threads",
    "num.network.threads",
    "num.recovery.threads.per.data.dir",
    "num.replica.fetchers",
];

/// One question to a Kafka that may not answer.
const ASK: ClusterOptions = ClusterOptions { request_timeout: Duration::from_secs(5), retry_for: Duration::ZERO };

/// What changes on a cluster that runs.
pub(super) struct Changing<'a> {
    install: &'a Install<'a>,
    kubernetes: &'a Kubernetes,
    /// Where there are users.
    admin: Option<Arc<Admin>>,
    differences: Vec<Difference>,
    /// Set in Kafka at once; `None`: taken back.
    settings: BTreeMap<String, Option<String>>,
    /// Every node must be started again with settings that Kafka could take at once, and does not.
    restarts: bool,
    /// The files that pods mount, and those that are left of earlier changes.
    revisions: Revisions,
    /// As it is before.
    pub(super) rollout: Rollout,
}

impl<'a> Changing<'a> {
    /// Asks Kafka whether it takes the settings; what it refuses ends here, before anything is changed.
    pub(super) async fn of(
        install: &'a Install<'a>,
        kubernetes: &'a Kubernetes,
        admin: Option<Arc<Admin>>,
        (current, wanted): (&ClusterSpec, &ClusterSpec),
    ) -> Result<Self, CommandError> {
        let (revisions, rollout) =
            tokio::try_join!(revisions::list(kubernetes, install.name), Rollout::of(kubernetes, install.name))?;
        let (differences, settings) = (differences(current, wanted), BTreeMap::new());
        let mut changing =
            Self { install, kubernetes, admin, differences, settings, restarts: false, revisions, rollout };
        let changes = ConfigChanges::between(&current.config, &wanted.config);
        let removed = changes
            .restart
            .iter()
            .filter(|(key, value)| value.is_none() && update_mode(key) == UpdateMode::ClusterWide);
        for (key, _) in removed {
            // A node that was started with it keeps it; taken back in Kafka, a new one does not.
            changing.settings.insert(key.clone(), None);
            changing.restarts = true;
        }
        let wanted = changes.cluster_wide.into_iter().map(|(key, value)| (key, Some(value)));
        changing.settings.extend(wanted);
        if !changing.settings.is_empty() {
            changing.check().await?;
        }
        Ok(changing)
    }

    /// Whether anything is to be done.
    pub(super) fn is_needed(&self, objects_change: bool) -> bool {
        let outdated = self.rollout.pods.iter().any(|pod| self.rollout.is_outdated(pod));
        let leftovers = self.install.args.wait.is_on() && !unused(&self.revisions, &self.rollout).is_empty();
        objects_change || outdated || leftovers || !self.settings.is_empty()
    }

    /// The ConfigMaps that the pods mount then. A pod that does not start is replaced only if it gets
    /// another one, also for a setting that the others take at once.
    pub(super) fn files(&self, target: &Target<'_>, current: &ClusterSpec) -> FileNames {
        let at_once = !self.restarts && !self.settings.is_empty() && !self.rollout.is_stopped();
        choose(target, &self.revisions, &self.rollout, at_once.then_some(current))
    }

    /// One question per setting, so that each has its own answer.
    async fn check(&mut self) -> Result<(), CommandError> {
        let kafka = match self.connect().await {
            Ok(kafka) => kafka,
            Err(error) => {
                self.give_up_settings(&error.message);
                return Ok(());
            }
        };
        for (key, value) in self.settings.clone() {
            let one = BTreeMap::from([(key.clone(), value.clone())]);
            match configs::alter_cluster_wide(&kafka, &one, true).await {
                Ok(()) => {}
                Err(Error::Code { .. }) if POOLS.contains(&key.as_str()) => {
                    self.settings.insert(key, None);
                    self.restarts = true;
                }
                Err(error @ Error::Code { .. }) => {
                    return Err(self.refused(&key, &value.unwrap_or_default(), &error));
                }
                Err(error) => {
                    self.give_up_settings(&error.to_string());
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Kafka's refusal of a setting, with who asked for it.
    fn refused(&self, key: &str, value: &str, error: &Error) -> CommandError {
        let difference = Difference { field: format!("config {key}"), current: None, wanted: Some(value.to_owned()) };
        let asker = self.install.asker(&difference).filter(|asker| asker != "--config");
        let flag = if asker.is_some() { "" } else { "--config " };
        let refusal = CommandError::failed(format!("Kafka refuses {flag}{key}={value}; nothing was changed: {error}"));
        match asker {
            Some(asker) => refusal.about(asker),
            None => refusal,
        }
    }

    fn give_up_settings(&mut self, reason: &str) {
        let keys: Vec<&String> = self.settings.keys().collect();
        self.install
            .context
            .ui
            .warning(format!("{} takes effect by new pods, because Kafka cannot be asked: {reason}", list(&keys)));
        self.settings.clear();
        self.restarts = true;
    }

    async fn place(&self) -> Result<KafkaCluster, CommandError> {
        let name = self.install.name.as_str();
        let found = discover::clusters(self.kubernetes, false, Some(name)).await?.into_iter().next();
        found.ok_or_else(|| CommandError::failed("no broker pod exists"))
    }

    /// As the admin; by a certificate, where its password does not work before [`Self::let_admin_in`].
    async fn connect(&self) -> Result<Cluster, CommandError> {
        let place = self.place().await?;
        let options = self.install.context.kafka_options();
        match (self.enter(place.clone(), options).await, &self.admin) {
            (Err(NotConnected::Denied(_)), Some(admin)) => {
                Ok(admin.enter(self.kubernetes, &place, options).await?.kafka)
            }
            (entered, _) => Ok(entered?.kafka),
        }
    }

    async fn enter(&self, place: KafkaCluster, options: ClusterOptions) -> Result<Session, NotConnected> {
        Session::to_pods(self.kubernetes.clone(), place, options, &Ask::Nothing, &Login::Automatic).await
    }

    /// Tells Kafka the admin's password, where the Secret says another one than Kafka knows.
    pub(super) async fn let_admin_in(&self, deadline: Instant) -> Result<(), CommandError> {
        let Some(admin) = &self.admin else { return Ok(()) };
        let place = self.place().await;
        if !admin.is_new() {
            // A Kafka that does not answer may be what this run is to mend.
            let Ok(place) = &place else { return Ok(()) };
            if !matches!(self.enter(place.clone(), ASK).await, Err(NotConnected::Denied(_))) {
                return Ok(());
            }
        }
        admin.until_told(&self.install.context.ui, self.kubernetes, &place?, deadline).await
    }

    /// What is going to change, on stderr.
    pub(super) fn announce(&self) {
        let ui = &self.install.context.ui;
        if !self.differences.is_empty() {
            ui.status(format!("Cluster \"{}\" changes:", self.install.name));
            for line in table(&self.differences).lines() {
                ui.status(format!("  {line}"));
            }
        }
        let at_once: Vec<&String> =
            self.settings.iter().filter(|(_, value)| value.is_some()).map(|(key, _)| key).collect();
        if !at_once.is_empty() {
            ui.status(format!("Set in Kafka at once, without a restart: {}", list(&at_once)));
        }
    }

    /// Gives Kafka the settings.
    async fn set(&self) -> Result<(), CommandError> {
        if self.settings.is_empty() {
            return Ok(());
        }
        let kafka = self.connect().await?;
        Ok(configs::alter_cluster_wide(&kafka, &self.settings, false).await?)
    }

    /// Applies the objects; the pods stay as they are.
    pub(super) async fn only_apply(
        &self,
        apply: impl Future<Output = Result<(), CommandError>>,
    ) -> Result<(), CommandError> {
        let turn = Turn::take(&self.install.context.ui, self.kubernetes, self.install.name, &self.rollout).await?;
        let work = async {
            apply.await?;
            self.set().await
        };
        turn.during(Box::pin(work), || self.install.was_interrupted()).await
    }

    /// Applies the objects, then replaces the pods that are older than them, and removes the files that no
    /// pod mounts any more.
    pub(super) async fn carry_out(
        &self,
        apply: impl Future<Output = Result<(), CommandError>>,
    ) -> Result<(), CommandError> {
        let (context, name) = (self.install.context, self.install.name);
        let next = NextCommands::new(name, format!("kubectl kafka restart {name}"));
        let timeout = self.install.args.wait.timeout;
        let roller = Roller::new(&context.ui, self.kubernetes, name, Login::Automatic, timeout, next);
        let turn = Turn::take(&context.ui, self.kubernetes, name, &self.rollout).await?;
        let work = async {
            apply.await?;
            self.set().await?;
            self.roll(&roller).await?;
            let leftovers = Leftovers::new(self.revisions.clone(), self.rollout.clone());
            let by_line = self.install.args.output.is_none();
            let removed = leftovers.remove(&context.ui, self.kubernetes, name, |files| {
                if by_line { context.ui.out(format!("configmap/{files} deleted\n")) } else { Ok(()) }
            });
            removed.await?;
            context.ui.flush()
        };
        turn.during(Box::pin(work), || self.was_interrupted(&roller)).await
    }

    async fn roll(&self, roller: &Roller<'_>) -> Result<(), CommandError> {
        let ui = &self.install.context.ui;
        let facts = roller.look_settled().await?;
        let roles: Vec<Role> = facts.rollout.workloads.keys().copied().collect();
        let selection = Selection::Outdated(roles);
        let name = self.install.name.as_str();
        let plan = Plan::new(name, &self.kubernetes.namespace, &facts, &selection, Wish::Resume);
        if plan.items.is_empty() {
            return Ok(());
        }
        ui.status(plan.headline());
        for warning in &plan.warnings {
            ui.warning(warning);
        }
        for line in plan.text(TextOptions::default()).lines() {
            ui.status(line);
        }
        let by_line = self.install.args.output.is_none();
        let replaced = roller.roll(&selection, |pod| {
            if by_line {
                ui.out(format!("pod/{pod} restarted\n"))?;
            }
            ui.flush()
        });
        replaced.await.map(|_| ())
    }

    fn was_interrupted(&self, roller: &Roller<'_>) -> CommandError {
        let error = roller.was_interrupted();
        let applied = self.install.applied.load(std::sync::atomic::Ordering::Relaxed);
        if applied == 0 || error.kind != ErrorKind::Interrupted { error } else { error.about("objects are applied") }
    }
}

/// Settings that Kafka was given while it ran win over the files, also after a removal with its data kept:
/// those that are asked for otherwise now are set to what is asked.
pub(super) async fn reconcile(kafka: &Cluster, wanted: &ClusterSpec) -> Result<(), CommandError> {
    let given = configs::describe_cluster_wide(kafka).await?;
    let stale: BTreeMap<String, Option<String>> = given
        .into_iter()
        .filter(|entry| entry.source == ConfigSource::Cluster && !entry.sensitive)
        .filter_map(|entry| {
            let asked = wanted.config.get(&entry.name)?;
            (Some(asked) != entry.value.as_ref()).then(|| (entry.name, Some(asked.clone())))
        })
        .collect();
    if !stale.is_empty() {
        configs::alter_cluster_wide(kafka, &stale, false).await?;
    }
    Ok(())
}
