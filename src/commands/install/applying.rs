//! Brings the objects to the API server: first a rehearsal of all, which finds other hands, missing
//! permissions and refusals before anything is changed, then in the order in which they are needed.

use futures::future::join_all;

use super::plan::{Plan, not_ours};
use crate::error::CommandError;
use crate::k8s::apply::{self, Change, Conflicts, Existing, Intent};
use crate::k8s::manifests::Manifest;
use crate::k8s::{ClusterName, Error, Kubernetes};

/// An object and what applying it does.
#[derive(Debug, Clone)]
pub(super) struct Step {
    /// The object.
    pub manifest: Manifest,
    /// As it is now.
    before: Existing,
    /// What the rehearsal says.
    pub change: Change,
}

impl Step {
    /// kubectl's line: `statefulset.apps/demo-broker created`.
    pub(super) fn line(&self, suffix: &str) -> String {
        format!("{} {}{suffix}\n", self.manifest.reference(), self.change.word())
    }
}

/// What would happen, checked by the API server. Two rounds of requests.
pub(super) async fn rehearse(
    kubernetes: &Kubernetes,
    name: &ClusterName,
    plan: &Plan,
    conflicts: Conflicts,
) -> Result<Vec<Step>, CommandError> {
    let manifests = plan.manifests();
    let existing = apply::existing(kubernetes, &manifests).await?;
    if let Some(foreign) = apply::foreign(name, &manifests, &existing) {
        return Err(not_ours(&foreign.resource.kind.to_lowercase(), &foreign.name, name));
    }
    // A Secret that is there is never applied: its ids and keys are the cluster's life.
    let is_kept = |manifest: &Manifest, before: &Existing| plan.is_written_once(manifest) && before.is_some();
    let (mut asked, mut asked_before) = (Vec::new(), Vec::new());
    for (manifest, before) in manifests.iter().zip(&existing) {
        if !is_kept(manifest, before) {
            asked.push(manifest.clone());
            asked_before.push(before.clone());
        }
    }
    let rehearsed = apply::rehearse(kubernetes, &asked, &asked_before, conflicts).await;
    let mut outcomes = all_or_errors(kubernetes, rehearsed)?.into_iter();
    let kept_change = |manifest: &Manifest| {
        if plan.fresh_quorum && plan.is_identity(manifest) { Change::Configured } else { Change::Unchanged }
    };
    let steps = manifests.into_iter().zip(existing).map(|(manifest, before)| {
        let change = if is_kept(&manifest, &before) { None } else { outcomes.next() };
        let change = change.unwrap_or_else(|| kept_change(&manifest));
        Step { manifest, before, change }
    });
    Ok(steps.collect())
}

/// All changes, or one error that tells everything that is in the way.
fn all_or_errors(kubernetes: &Kubernetes, outcomes: Vec<Result<Change, Error>>) -> Result<Vec<Change>, CommandError> {
    let mut changes = Vec::new();
    let mut errors = Vec::new();
    for outcome in outcomes {
        match outcome {
            Ok(change) => changes.push(change),
            Err(error) => errors.push(error),
        }
    }
    let is_told = |error: &&Error| error.is_forbidden() || matches!(error, Error::Conflict { .. });
    let also: Vec<String> = errors.iter().skip(1).filter(is_told).map(ToString::to_string).collect();
    match errors.into_iter().next() {
        None => Ok(changes),
        Some(error) => Err(also.into_iter().fold(explained(kubernetes, error), |error, also| {
            let line = format!("also: {also}");
            error.hinted(line)
        })),
    }
}

/// The API server's words, and what to do where that is known.
pub(super) fn explained(kubernetes: &Kubernetes, error: Error) -> CommandError {
    let no_namespace = matches!(&error, Error::Server { status }
        if status.code == 404 && status.details.as_ref().is_some_and(|details| details.kind == "namespaces"));
    let error = CommandError::from(error);
    if no_namespace {
        error.hinted(format!("pass --create-namespace, or run `kubectl create namespace {}`", kubernetes.namespace))
    } else {
        error
    }
}

/// Applies what differs, the document and the identity first, the workloads last; each is reported as
/// soon as it is done.
pub(super) async fn apply(
    kubernetes: &Kubernetes,
    plan: &Plan,
    steps: &[Step],
    conflicts: Conflicts,
    done: impl Fn(&Step) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    for stage in stages(plan, steps) {
        let outcomes = join_all(stage.iter().map(|step| apply_one(kubernetes, plan, step, conflicts))).await;
        let mut failure = None;
        for (step, outcome) in stage.into_iter().zip(outcomes) {
            match outcome {
                Ok(change) => done(&Step { change, ..step.clone() })?,
                Err(error) => failure = failure.or(Some(explained(kubernetes, error))),
            }
        }
        if let Some(error) = failure {
            return Err(error.hinted("nothing is lost: the same command continues where this one stopped"));
        }
    }
    Ok(())
}

/// One after the other: what was asked, who it is, what pods need, the pods.
fn stages<'s>(plan: &Plan, steps: &'s [Step]) -> Vec<Vec<&'s Step>> {
    let of =
        |wanted: &[Manifest]| -> Vec<&Step> { steps.iter().filter(|step| wanted.contains(&step.manifest)).collect() };
    vec![
        of(std::slice::from_ref(&plan.document)),
        of(plan.secret.as_slice()),
        of(&plan.secrets),
        of(&plan.files).into_iter().chain(of(&plan.supporting)).collect(),
        of(&plan.workloads),
    ]
}

async fn apply_one(kubernetes: &Kubernetes, plan: &Plan, step: &Step, conflicts: Conflicts) -> Result<Change, Error> {
    if step.change == Change::Unchanged {
        return Ok(Change::Unchanged);
    }
    if !plan.is_written_once(&step.manifest) {
        return apply::apply(kubernetes, &step.manifest, &step.before, (Intent::Real, conflicts)).await;
    }
    if plan.fresh_quorum && plan.is_identity(&step.manifest) {
        apply::replace_data(kubernetes, &step.manifest, &step.before, Intent::Real).await?;
        return Ok(Change::Configured);
    }
    match (apply::create_once(kubernetes, &step.manifest).await?, plan.is_identity(&step.manifest)) {
        (true, _) => Ok(Change::Created),
        // Two installs at once: the first one's ids win, and both go on with them.
        (false, true) => Ok(Change::Unchanged),
        // Its certificates would come from another authority than ours.
        (false, false) => Err(Error::Other(format!(
            "another install of this cluster runs, and has just made {}",
            step.manifest.reference()
        ))),
    }
}
