//! The loop: who is next, may it go, take it away, wait until it is back.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::account::{Account, NextCommands, Stop};
use super::facts::{Facts, node};
use super::gates::{self, verdict};
use super::order::{Selection, ordered};
use super::recovery::{Before, pending};
use super::turn;
use super::watcher::Watcher;
use crate::connect::Login;
use crate::error::CommandError;
use crate::k8s::apply::Intent;
use crate::k8s::diagnose::{self, Cause, Certainty, Diagnosis};
use crate::k8s::evict::{Evicted, evict};
use crate::k8s::rollout::{RollPod, Rollout};
use crate::k8s::{ClusterName, Kubernetes, Role, logs};
use crate::kafka::admin::elections::Elected;
use crate::kafka::{ClusterOptions, NodeId};
use crate::ui::{Progress, Ui};
use crate::view::{duration, plural};

/// How often is looked: a broker is away for 20 seconds, and a look costs seven small requests.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a final cause must stand: an image may be pushed in the same minute.
const STANDS_AFTER: Duration = Duration::from_secs(5);
/// One question to a Kafka whose brokers come and go; it is asked again.
const ASK: ClusterOptions = ClusterOptions { request_timeout: Duration::from_secs(5), retry_for: Duration::ZERO };
/// A message of progress stays on one line.
const LINE: usize = 120;

/// Rolls one cluster.
pub struct Roller<'a> {
    ui: &'a Ui,
    kubernetes: &'a Kubernetes,
    name: &'a ClusterName,
    /// How long each pod may take to be allowed to go, and to come back.
    timeout: Duration,
    /// For hints.
    next: NextCommands,
    watcher: Watcher<'a>,
    account: Account,
}

impl<'a> Roller<'a> {
    /// `next` is what is typed after a stop.
    pub fn new(
        ui: &'a Ui,
        kubernetes: &'a Kubernetes,
        name: &'a ClusterName,
        login: Login,
        timeout: Duration,
        next: NextCommands,
    ) -> Self {
        let watcher = Watcher::new(kubernetes, name, login, ASK);
        Self { ui, kubernetes, name, timeout, next, watcher, account: Account::default() }
    }

    /// One look at everything.
    pub async fn look(&self) -> Result<Facts, CommandError> {
        Ok(self.watcher.look().await?)
    }

    /// Looks until the controller manager has seen the newest templates; milliseconds, usually.
    pub async fn look_settled(&self) -> Result<Facts, CommandError> {
        let deadline = Instant::now() + self.timeout;
        loop {
            let rollout = self.watcher.rollout().await?;
            if rollout.is_observed() {
                return self.look().await;
            }
            if Instant::now() >= deadline {
                return Err(CommandError::timed_out(format!(
                    "the StatefulSets of cluster \"{}\" were changed, but no controller manager has seen it after {}",
                    self.name,
                    duration(self.timeout)
                )));
            }
            tokio::time::sleep(LOOK_EVERY / 4).await;
        }
    }

    /// The error for Ctrl-C.
    pub fn was_interrupted(&self) -> CommandError {
        self.account.interrupted(self.name, &self.next)
    }

    /// Replaces the pods of the selection; each one's name and how long it was worked on. `done` is told
    /// about each.
    pub async fn roll(
        &self,
        selection: &Selection,
        mut done: impl FnMut(&str) -> Result<(), CommandError>,
    ) -> Result<Vec<(String, Duration)>, CommandError> {
        let progress = self.ui.progress();
        let facts = self.watcher.look().await?;
        let left = ordered(&facts, selection.remaining(&facts)).into_iter().map(|(pod, _)| pod.name.clone());
        self.account.begin(left.collect());
        // Replaced while the quorum was lost, and not known to be back.
        let mut unseen: Vec<(Before, Instant)> = Vec::new();
        while let Some(next) = self.next(selection, &progress).await? {
            let began = Instant::now();
            self.watcher.disconnect().await;
            self.account.took(&next.before.pod);
            if next.lost_quorum {
                // Its readiness needs a leader, and that needs the others.
                unseen.push((next.before, began));
                continue;
            }
            self.until_back(selection, &next.before, &progress).await?;
            self.account.finished(&next.before.pod, began.elapsed());
            progress.set(&next.before.pod, format!("{}: back after {}", next.before.pod, duration(began.elapsed())));
            done(&next.before.pod)?;
        }
        for (before, began) in unseen {
            self.until_back(selection, &before, &progress).await?;
            self.account.finished(&before.pod, began.elapsed());
            done(&before.pod)?;
        }
        self.elect(&progress).await;
        Ok(self.account.done())
    }

    /// Takes the next pod away, once it may go; `None`: all are done.
    async fn next(&self, selection: &Selection, progress: &Progress) -> Result<Option<Next>, CommandError> {
        let deadline = Instant::now() + self.timeout;
        loop {
            let facts = match self.watcher.look().await {
                Ok(facts) => facts,
                Err(error) if error.is_transient() && Instant::now() < deadline => {
                    self.account.waits_for(&error.to_string());
                    tokio::time::sleep(LOOK_EVERY).await;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            if !facts.rollout.workloads.contains_key(&Role::Broker) {
                return Err(turn::removed(self.name));
            }
            let order = ordered(&facts, selection.remaining(&facts));
            // The others may still be on their way out.
            let stuck =
                order.iter().map(|(pod, _)| *pod).find(|pod| !pod.leaving && facts.is_stuck_without_others(pod));
            let unsettled = selection.unsettled(&facts, |role, ordinal| self.name.pod(role, ordinal));
            if let Some(pod) = unsettled.into_iter().next()
                && stuck.is_none()
            {
                let before = Before { voted: facts.is_voter(node_of(self.name, &facts.rollout, &pod)), pod, uid: None };
                self.until_back(selection, &before, progress).await?;
                continue;
            }
            let Some(pod) = stuck.or_else(|| order.first().map(|(pod, _)| *pod)) else { return Ok(None) };
            let blocked = match gates::words(&verdict(&facts, pod).blocks) {
                blocked if !blocked.is_empty() => blocked,
                _ if pod.leaving => "it is being removed already".to_owned(),
                _ => match self.take_away(pod).await? {
                    Some(refusal) => refusal,
                    None => {
                        return Ok(Some(Next { before: Before::of(&facts, pod), lost_quorum: stuck.is_some() }));
                    }
                },
            };
            progress.set(&pod.name, shortened(&format!("{}: waiting: {blocked}", pod.name)));
            self.account.waits_for(&blocked);
            if Instant::now() >= deadline {
                return Err(self.stopped(&Stop::Blocked { pod: pod.name.clone(), after: self.timeout }));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Asks for the eviction; why it must wait, or `None`.
    async fn take_away(&self, pod: &RollPod) -> Result<Option<String>, CommandError> {
        match evict(self.kubernetes, &pod.name, &pod.uid, Intent::Real).await {
            Ok(Evicted::Accepted | Evicted::Gone) => Ok(None),
            Ok(Evicted::Later(budget)) => Ok(Some(format!("it may not be evicted: {budget}"))),
            Err(error) if error.is_transient() => Ok(Some(format!("it cannot be evicted: {error}"))),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until a pod is all that it was, or will not be.
    async fn until_back(
        &self,
        selection: &Selection,
        before: &Before,
        progress: &Progress,
    ) -> Result<(), CommandError> {
        let pod = &before.pod;
        let deadline = Instant::now() + self.timeout;
        let mut standing = HashMap::new();
        loop {
            let waits_for = match self.how_far(selection, before, &mut standing).await {
                Ok(None) => return Ok(()),
                Ok(Some(HowFar::Waiting(words))) => words,
                Ok(Some(HowFar::Broken(cause))) => {
                    if cause.cause == Cause::Crash {
                        self.show_log(pod).await;
                    }
                    return Err(self.stopped(&Stop::Broken { pod: pod.clone(), cause }));
                }
                Err(error) if error.is_transient() => error.to_string(),
                Err(error) => return Err(error.into()),
            };
            progress.set(pod, shortened(&format!("{pod}: {waits_for}")));
            self.account.waits_for(&waits_for);
            if Instant::now() >= deadline {
                return Err(self.stopped(&Stop::Late { pod: pod.clone(), after: self.timeout }));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn how_far(
        &self,
        selection: &Selection,
        before: &Before,
        standing: &mut HashMap<Cause, Instant>,
    ) -> crate::k8s::Result<Option<HowFar>> {
        let rollout = self.watcher.rollout().await?;
        if before.ready(&rollout).is_some() {
            let facts = self.watcher.look().await?;
            let others_are_stuck = selection.remaining(&facts).iter().any(|pod| !pod.serves());
            return Ok(pending(&facts, before, others_are_stuck).map(HowFar::Waiting));
        }
        let seen = diagnose::Facts::look(self.kubernetes, self.name).await?;
        let found = seen.pods.iter().find(|found| found.metadata.name.as_ref() == Some(&before.pod));
        // What ailed the old pod is over with it.
        if found.is_some_and(|found| found.metadata.uid.is_some() && found.metadata.uid == before.uid) {
            return Ok(Some(HowFar::Waiting("stopping".to_owned())));
        }
        let Some(cause) = diagnose::diagnose(&seen).into_iter().find(|cause| cause.is_about(&before.pod)) else {
            standing.clear();
            let phase = found.map(diagnose::phase);
            return Ok(Some(HowFar::Waiting(phase.map_or("waiting to be created", |phase| phase.words()).to_owned())));
        };
        standing.retain(|known, _| *known == cause.cause);
        let since = standing.entry(cause.cause).or_insert_with(Instant::now);
        Ok(Some(match cause.certainty {
            Certainty::Final if since.elapsed() >= STANDS_AFTER => HowFar::Broken(cause),
            _ => HowFar::Waiting(cause.message),
        }))
    }

    /// At the end; a roll that is done is not spoilt by an election that is not.
    async fn elect(&self, progress: &Progress) {
        match self.watcher.elect_preferred().await {
            Ok(elected) if elected == Elected::default() => {}
            Ok(elected) => {
                let mut words = format!("{} led by the preferred replica again", plural(elected.moved, "partition"));
                if let Some((partition, code)) = elected.failed.first() {
                    words = format!("{words}; {} not, such as {partition}: {}", elected.failed.len(), code.words());
                }
                progress.set("leaders", words);
            }
            Err(error) => self.ui.warning(format!("the preferred leaders were not elected: {}", error.message)),
        }
    }

    fn stopped(&self, stop: &Stop) -> CommandError {
        self.account.stopped(self.name, stop, &self.next)
    }

    async fn show_log(&self, pod: &str) {
        let is_server = pod.starts_with(&self.name.workload(Role::ZooKeeper));
        let role = if is_server { Role::ZooKeeper } else { Role::Broker };
        match logs::last_words(self.kubernetes, pod, role).await {
            Ok(lines) if lines.is_empty() => {}
            Ok(lines) => {
                self.ui.status(format!("the last lines of pod {pod}:"));
                for line in lines {
                    self.ui.status(format!("  {line}"));
                }
            }
            Err(error) => self.ui.warning(format!("cannot read the log of pod {pod}: {error}")),
        }
    }
}

/// A pod that was taken away.
struct Next {
    before: Before,
    /// Whether it was taken away to get a lost quorum back.
    lost_quorum: bool,
}

enum HowFar {
    Waiting(String),
    Broken(Diagnosis),
}

/// The node of a pod that may not exist.
fn node_of(name: &ClusterName, rollout: &Rollout, pod: &str) -> NodeId {
    if let Some(found) = rollout.pod(pod) {
        return node(found);
    }
    let ordinal = |role: Role| pod.strip_prefix(&format!("{}-", name.workload(role)))?.parse().ok();
    [Role::Controller, Role::Broker]
        .into_iter()
        .find_map(|role| Some(NodeId(role.node_id(ordinal(role)?))))
        .unwrap_or(NodeId(-1))
}

fn shortened(line: &str) -> String {
    if line.chars().count() <= LINE {
        return line.to_owned();
    }
    line.chars().take(LINE - 1).chain(['…']).collect()
}
