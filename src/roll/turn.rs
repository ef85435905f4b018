//! One roller at a time: the Lease `<cluster>-roll`, with the name of whoever has it.

use std::time::Duration;

use jiff::Timestamp;

use crate::cli::interrupted;
use crate::error::CommandError;
use crate::k8s::lease::{self, Acquired, Held, Holder, RENEW_EVERY, Renewed};
use crate::k8s::rollout::Rollout;
use crate::k8s::{ClusterName, Kubernetes, Role};
use crate::ui::Ui;

/// Giving the Lease back must not hold up Ctrl-C: it expires by itself.
const GIVE_BACK: Duration = Duration::from_secs(3);

/// Whose turn it is to roll which cluster.
pub struct Turn<'a> {
    ui: &'a Ui,
    kubernetes: &'a Kubernetes,
    name: &'a ClusterName,
    held: Held,
}

impl<'a> Turn<'a> {
    /// Takes the turn, or says who has it. The Lease belongs to the brokers' StatefulSet and goes with it.
    pub async fn take(
        ui: &'a Ui,
        kubernetes: &'a Kubernetes,
        name: &'a ClusterName,
        rollout: &Rollout,
    ) -> Result<Self, CommandError> {
        let owner = name.workload(Role::Broker);
        let uid = rollout.workloads.get(&Role::Broker).map(|workload| workload.uid.as_str()).ok_or_else(|| {
            CommandError::failed(format!("statefulset \"{owner}\" of cluster \"{name}\" does not exist"))
        })?;
        let identity = identity();
        let acquiring = lease::acquire(kubernetes, name, &identity, (&owner, uid));
        match ui.patiently("waiting to see whether whoever rolled this cluster last is still there", acquiring).await? {
            Acquired::Ours(held) => Ok(Self { ui, kubernetes, name, held }),
            Acquired::Theirs(holder) => Err(taken(name, &holder, Timestamp::now())),
        }
    }

    /// Does the work while the turn is kept, and gives it back, however it ends. `stopped` is the error
    /// for Ctrl-C.
    pub async fn during<T>(
        self,
        work: impl Future<Output = Result<T, CommandError>>,
        stopped: impl FnOnce() -> CommandError,
    ) -> Result<T, CommandError> {
        let result = tokio::select! {
            result = work => result,
            lost = self.keep() => Err(lost),
            () = interrupted() => Err(stopped()),
        };
        match tokio::time::timeout(GIVE_BACK, self.held.release(self.kubernetes)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.ui.warning(format!(
                "lease {} could not be given back and expires in half a minute: {error}",
                lease::lease_name(self.name)
            )),
            Err(_) => self.ui.warning(format!(
                "lease {} could not be given back in time and expires in half a minute",
                lease::lease_name(self.name)
            )),
        }
        result
    }

    /// Renews it; ends when someone else has it.
    async fn keep(&self) -> CommandError {
        loop {
            tokio::time::sleep(RENEW_EVERY).await;
            match self.held.renew(self.kubernetes).await {
                Ok(Renewed::Ours) => {}
                Ok(Renewed::Theirs(holder)) => return lost(self.name, Lost::TakenOver(&holder)),
                Ok(Renewed::Gone) => return lost(self.name, self.without_lease().await),
                // Without the API server nothing can be rolled either; the next renewal sees who has it.
                Err(error) => tracing::debug!(%error, "the lease was not renewed"),
            }
        }
    }

    /// What took the Lease away.
    async fn without_lease(&self) -> Lost<'static> {
        match Rollout::of(self.kubernetes, self.name).await {
            Ok(rollout) if !rollout.workloads.contains_key(&Role::Broker) => Lost::Removed,
            Ok(_) | Err(_) => Lost::Deleted,
        }
    }
}

/// Why a turn ended before the work did.
#[derive(Debug, Clone, Copy)]
enum Lost<'h> {
    /// Somebody else has the Lease.
    TakenOver(&'h Holder),
    /// The brokers' StatefulSet is gone, and the Lease with it.
    Removed,
    /// Only the Lease is gone.
    Deleted,
}

fn lost(name: &ClusterName, why: Lost<'_>) -> CommandError {
    match why {
        Lost::TakenOver(holder) => CommandError::failed(format!(
            "the roll of cluster \"{name}\" was taken over by {}; this one has stopped",
            holder.identity
        )),
        Lost::Removed => removed(name),
        Lost::Deleted => CommandError::failed(format!(
            "the roll of cluster \"{name}\" has stopped: somebody deleted its lease \"{}\"",
            lease::lease_name(name)
        ))
        .hinted("pods that were not replaced keep running; the same command goes on"),
    }
}

/// The error of a roll whose cluster is gone.
pub(super) fn removed(name: &ClusterName) -> CommandError {
    CommandError::failed(format!("cluster \"{name}\" was removed while it was rolled"))
}

/// Refuses to touch a cluster that somebody rolls. Whoever may not read Leases is not told.
pub async fn refuse_while_rolled(kubernetes: &Kubernetes, name: &ClusterName) -> Result<(), CommandError> {
    match lease::current(kubernetes, name).await {
        Ok(None) => Ok(()),
        Ok(Some(holder)) => Err(taken(name, &holder, Timestamp::now())),
        Err(error) if error.is_forbidden() => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn taken(name: &ClusterName, holder: &Holder, now: Timestamp) -> CommandError {
    let since = holder.since.map_or_else(String::new, |since| {
        let age = Duration::try_from(now.duration_since(since)).unwrap_or_default();
        format!(" since {since:.0} ({} ago)", crate::view::age(age))
    });
    CommandError::failed(format!("cluster \"{name}\" is being rolled by {}{since}", holder.identity))
        .hinted("wait until it is over; when that run has died, the same command works half a minute later")
}

/// `ann@laptop (process 4711)`
fn identity() -> String {
    let user = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|variable| std::env::var(variable).ok());
    let user = user.filter(|user| !user.is_empty()).unwrap_or_else(|| "someone".to_owned());
    format!("{user}@{} (process {})", host(), std::process::id())
}

#[cfg(unix)]
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn host() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_else(|_| "a computer".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_is_first_and_since_when() {
        let since: Timestamp = "2026-11-24T08:15:00Z".parse().expect("a time");
        let now: Timestamp = "2026-11-24T08:19:00Z".parse().expect("a time");
        let holder = Holder { identity: "ann@laptop (process 7)".into(), since: Some(since), until: None };
        let error = taken(&ClusterName::from_label("demo"), &holder, now);
        assert_eq!(
            error.message,
            "cluster \"demo\" is being rolled by ann@laptop (process 7) since 2026-11-24T08:15:00Z (4m ago)"
        );
        assert_eq!(error.exit_code(), 1);
    }

    #[test]
    fn a_turn_that_is_lost_says_how() {
        let (name, holder) = (
            ClusterName::from_label("demo"),
            Holder { identity: "ann@laptop (process 7)".into(), since: None, until: None },
        );
        for (why, expected) in [
            (
                Lost::TakenOver(&holder),
                "the roll of cluster \"demo\" was taken over by ann@laptop (process 7); this one has stopped",
            ),
            (Lost::Removed, "cluster \"demo\" was removed while it was rolled"),
            (Lost::Deleted, "the roll of cluster \"demo\" has stopped: somebody deleted its lease \"demo-roll\""),
        ] {
            let error = lost(&name, why);
            assert_eq!((error.message.as_str(), error.exit_code()), (expected, 1));
        }
    }

    #[test]
    fn an_identity_names_user_host_and_process() {
        let identity = identity();
        assert!(
            identity.contains('@') && identity.contains(&format!("(process {})", std::process::id())),
            "{identity}"
        );
    }
}
