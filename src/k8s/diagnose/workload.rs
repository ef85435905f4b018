//! Why a StatefulSet makes no pods.

use super::{Cause, Certainty, Diagnosis, Facts, one_line};
use crate::k8s::names::LABEL_COMPONENT;

/// The refusal of a workload's pods, when it has fewer of them than it wants.
pub(super) fn diagnose(facts: &Facts) -> Vec<Diagnosis> {
    facts
        .workloads
        .iter()
        .filter_map(|set| {
            let wanted = set.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
            let component = set.metadata.labels.as_ref().and_then(|labels| labels.get(LABEL_COMPONENT));
            let pods = facts
                .pods
                .iter()
                .filter(|pod| pod.metadata.labels.as_ref().and_then(|labels| labels.get(LABEL_COMPONENT)) == component);
            if i32::try_from(pods.count()).is_ok_and(|there| there >= wanted) {
                return None;
            }
            let warning = facts.warning(set.metadata.uid.as_deref(), &["FailedCreate"])?;
            Some(refusal(set.metadata.name.as_deref().unwrap_or_default(), warning))
        })
        .collect()
}

fn refusal(name: &str, warning: &str) -> Diagnosis {
    // `create Pod x-0 in StatefulSet x failed error: pods "x-0" is forbidden: …`
    let line = one_line(warning);
    let reason = line.split_once("failed error: ").map_or(line.as_str(), |(_, reason)| reason);
    let reason = reason.split_once(" is forbidden: ").map_or(reason, |(_, reason)| reason);
    let (certainty, hint) = if reason.contains("violates PodSecurity") {
        (
            Certainty::Final,
            Some("the namespace's Pod Security level is stricter than `restricted`, or --image needs more"),
        )
    } else if reason.contains("exceeded quota") {
        (Certainty::Final, Some("ask for a larger ResourceQuota, or install with less --memory and --cpu"))
    } else {
        (Certainty::MayPass, None)
    };
    Diagnosis {
        object: format!("statefulset {name}"),
        cause: Cause::Refused,
        certainty,
        message: format!("its pods are refused: {reason}"),
        hint: hint.map(str::to_owned),
    }
}
