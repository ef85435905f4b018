//! Why a pod's volume is not there.

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};

use super::{Cause, Certainty, Diagnosis, Facts, one_line};

/// The first claim of a pod that gets no volume, and why. `None` when all of them have one, or wait for
/// the pod's own node.
pub(super) fn diagnose(pod: &Pod, facts: &Facts) -> Option<Diagnosis> {
    let names: Vec<&str> = pod
        .spec
        .iter()
        .flat_map(|spec| spec.volumes.iter().flatten())
        .filter_map(|volume| Some(volume.persistent_volume_claim.as_ref()?.claim_name.as_str()))
        .collect();
    let claim = facts.claims.iter().find(|claim| {
        let phase = claim.status.as_ref().and_then(|status| status.phase.as_deref());
        claim.metadata.name.as_deref().is_some_and(|name| names.contains(&name)) && phase != Some("Bound")
    })?;
    unbound(claim, facts)
}

fn unbound(claim: &PersistentVolumeClaim, facts: &Facts) -> Option<Diagnosis> {
    let name = claim.metadata.name.clone().unwrap_or_default();
    let class = claim.spec.as_ref().and_then(|spec| spec.storage_class_name.clone()).filter(|class| !class.is_empty());
    let reasons = ["ProvisioningFailed", "FailedBinding"];
    let warning = facts.warning(claim.metadata.uid.as_deref(), &reasons).map(one_line);
    let missing_class =
        warning.as_deref().is_some_and(|text| text.contains("storageclass") && text.contains("not found"));
    let (certainty, message, hint) = match (class, warning) {
        (Some(class), _) if missing_class => (
            Certainty::Final,
            format!("gets no volume: StorageClass \"{class}\" does not exist"),
            Some("list them with `kubectl get storageclass` and name one with --storage-class"),
        ),
        (None, _) => (
            Certainty::Final,
            "gets no volume: no StorageClass is named and the cluster has no default one".to_owned(),
            Some("list them with `kubectl get storageclass` and name one with --storage-class"),
        ),
        (_, Some(warning)) => (Certainty::MayPass, format!("gets no volume: {warning}"), None),
        (Some(_), None) => return None,
    };
    Some(Diagnosis {
        object: format!("claim {name}"),
        cause: Cause::Volume,
        certainty,
        message,
        hint: hint.map(str::to_owned),
    })
}
