//! Where pods go: spread over zones and nodes, unless the person says otherwise.

use k8s_openapi::api::core::v1::{Affinity, PodAffinityTerm, PodAntiAffinity, TopologySpreadConstraint};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::Target;
use crate::k8s::names::Role;

/// The constraints of a role's pods.
pub(super) fn spread(target: &Target<'_>, role: Role) -> Vec<TopologySpreadConstraint> {
    if let Some(own) = &target.spec.pods.topology_spread_constraints {
        return own.clone();
    }
    ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
        .into_iter()
        .map(|key| TopologySpreadConstraint {
            max_skew: 1,
            topology_key: key.into(),
            when_unsatisfiable: "ScheduleAnyway".into(),
            label_selector: Some(selector(target, role)),
            ..TopologySpreadConstraint::default()
        })
        .collect()
}

/// The person's affinity, and a node of its own for each pod where that is asked.
pub(super) fn affinity(target: &Target<'_>, role: Role) -> Option<Affinity> {
    let pods = &target.spec.pods;
    if !pods.one_per_node {
        return pods.affinity.clone();
    }
    let mut affinity = pods.affinity.clone().unwrap_or_default();
    let apart = affinity.pod_anti_affinity.get_or_insert_with(PodAntiAffinity::default);
    apart.required_during_scheduling_ignored_during_execution.get_or_insert_default().push(PodAffinityTerm {
        topology_key: "kubernetes.io/hostname".into(),
        label_selector: Some(selector(target, role)),
        ..PodAffinityTerm::default()
    });
    Some(affinity)
}

pub(super) fn selector(target: &Target<'_>, role: Role) -> LabelSelector {
    LabelSelector { match_labels: Some(target.name.role_labels(role)), match_expressions: None }
}
