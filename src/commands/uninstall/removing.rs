//! The order of a removal, and the waiting between its steps.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use tokio::time::Instant;

use crate::cli::DryRun;
use crate::commands::Context;
use crate::error::{CommandError, CommandResult, Exit};
use crate::k8s::apply::Intent;
use crate::k8s::manifests::Manifest;
use crate::k8s::remove::{self, Belongings};
use crate::k8s::{ClusterName, Kubernetes, Result, Role};
use crate::view::{duration, list};

/// How often is looked whether something is gone.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// One removal.
pub(super) struct Removal<'a> {
    pub(super) context: &'a Context,
    pub(super) kubernetes: &'a Kubernetes,
    pub(super) name: &'a ClusterName,
    pub(super) found: &'a Belongings,
    pub(super) delete_data: bool,
    pub(super) dry_run: DryRun,
    pub(super) wait: bool,
    pub(super) timeout: Duration,
}

impl Removal<'_> {
    /// What is deleted, in order.
    pub(super) fn going(&self) -> Vec<&Manifest> {
        let found = self.found;
        let mut going: Vec<&Manifest> = found.brokers.iter().chain(&found.quorum).chain(&found.rest).collect();
        if self.delete_data {
            going.extend(found.claims.iter().chain(&found.memory));
        }
        going
    }

    /// What is kept.
    pub(super) fn staying(&self) -> Vec<&Manifest> {
        if self.delete_data { Vec::new() } else { self.found.claims.iter().chain(&self.found.memory).collect() }
    }

    /// Says what would go; with `server`, the API server checks each.
    pub(super) async fn rehearse(&self) -> CommandResult {
        for object in self.going() {
            if self.dry_run == DryRun::Server {
                remove::delete(self.kubernetes, object, Intent::Rehearsal).await?;
            }
            self.report(object)?;
        }
        self.context.ui.flush()?;
        Ok(Exit::Done)
    }

    /// Brokers, controllers or ZooKeeper, the rest, the data; the memory of the cluster goes last, so that a removal
    /// that was cut short can be finished.
    pub(super) async fn run(&self, deadline: Instant) -> std::result::Result<(), CommandError> {
        let (name, kubernetes) = (self.name, self.kubernetes);
        self.delete(&self.found.brokers).await?;
        self.until_gone("pod", deadline, || remove::pods(kubernetes, name, Role::Broker)).await?;
        self.delete(&self.found.quorum).await?;
        if self.wait {
            for role in [Role::Controller, Role::ZooKeeper] {
                self.until_gone("pod", deadline, || remove::pods(kubernetes, name, role)).await?;
            }
        }
        self.delete(&self.found.rest).await?;
        if self.delete_data {
            self.delete(&self.found.claims).await?;
            if self.wait {
                self.until_gone("claim", deadline, || remove::claims(kubernetes, name)).await?;
            }
            self.delete(&self.found.memory).await?;
        }
        Ok(())
    }

    /// Deletes objects at once; the ones that are gone already are not reported.
    async fn delete(&self, objects: &[Manifest]) -> std::result::Result<(), CommandError> {
        let deletions = objects.iter().map(|object| remove::delete(self.kubernetes, object, Intent::Real));
        for (object, deleted) in objects.iter().zip(join_all(deletions).await) {
            if deleted? {
                self.report(object)?;
            }
        }
        self.context.ui.flush()
    }

    fn report(&self, object: &Manifest) -> std::result::Result<(), CommandError> {
        self.context.ui.out(format!("{} deleted{}\n", object.reference(), self.dry_run.suffix()))
    }

    /// Waits until the names that `look` finds are no more, with a line for each.
    async fn until_gone<F>(
        &self,
        kind: &str,
        deadline: Instant,
        look: impl Fn() -> F,
    ) -> std::result::Result<(), CommandError>
    where
        F: Future<Output = Result<Vec<String>>>,
    {
        let progress = self.context.ui.progress();
        let mut seen = BTreeSet::new();
        loop {
            let left = match look().await {
                Ok(left) => left,
                // The removal goes on without us; a short outage is no reason to give up.
                Err(error) if error.is_transient() && Instant::now() < deadline => {
                    tokio::time::sleep(LOOK_EVERY).await;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            for gone in seen.iter().filter(|name| !left.contains(name)) {
                progress.set(gone, format!("{kind} {gone}: gone"));
            }
            if left.is_empty() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(self.not_gone(kind, &left));
            }
            for name in &left {
                progress.set(name, format!("{kind} {name}: being removed"));
            }
            seen.extend(left);
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn not_gone(&self, kind: &str, left: &[String]) -> CommandError {
        CommandError::timed_out(format!(
            "cluster \"{}\" is not removed after {}: {kind} {} is still there",
            self.name,
            duration(self.timeout),
            list(left)
        ))
        .hinted("the same command continues; --timeout gives it more time")
    }
}
