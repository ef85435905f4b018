//! The ConfigMaps that a roll leaves behind: once it is over, what no pod mounts any more is removed. A roll
//! that stops removes nothing, because the pods that it did not reach live by them.

use crate::error::CommandError;
use crate::k8s::revisions::{self, Revision, Revisions};
use crate::k8s::rollout::Rollout;
use crate::k8s::{ClusterName, Kubernetes};
use crate::ui::Ui;
use crate::view::list;

/// What was there before a roll. What comes during it is for someone else's pods, and stays.
pub struct Leftovers {
    revisions: Result<Revisions, String>,
    before: Rollout,
}

impl Leftovers {
    /// From what is known already.
    pub fn new(revisions: Revisions, before: Rollout) -> Self {
        Self { revisions: Ok(revisions), before }
    }

    /// Looks. Whoever may restart pods may not be allowed to see ConfigMaps.
    pub async fn of(kubernetes: &Kubernetes, name: &ClusterName, before: Rollout) -> Self {
        Self { revisions: revisions::list(kubernetes, name).await.map_err(|error| error.to_string()), before }
    }

    /// Removes what no pod mounts now; `removed` is told about each. A roll that is done is not spoilt by a
    /// ConfigMap that stays, so what goes wrong is a warning.
    pub async fn remove(
        &self,
        ui: &Ui,
        kubernetes: &Kubernetes,
        name: &ClusterName,
        mut removed: impl FnMut(&str) -> Result<(), CommandError>,
    ) -> Result<(), CommandError> {
        let stays = |names: &[&str], reason: &str| {
            ui.warning(format!("no pod mounts ConfigMap {} any more, and it stays: {reason}", list(names)));
        };
        let rollout = match Rollout::of(kubernetes, name).await {
            Ok(rollout) => rollout,
            Err(error) => {
                ui.warning(format!("ConfigMaps that no pod mounts any more stay: {error}"));
                return Ok(());
            }
        };
        let revisions = match &self.revisions {
            Ok(revisions) => revisions,
            Err(reason) => {
                let left: Vec<&str> = revisions::left_behind(&self.before, &rollout).into_iter().collect();
                if !left.is_empty() {
                    stays(&left, reason);
                }
                return Ok(());
            }
        };
        for Revision { name, uid, .. } in revisions::unused(revisions, &rollout) {
            match revisions::remove(kubernetes, name, uid.as_deref()).await {
                Ok(true) => removed(name)?,
                Ok(false) => {}
                Err(error) => stays(&[name], &error.to_string()),
            }
        }
        Ok(())
    }
}
