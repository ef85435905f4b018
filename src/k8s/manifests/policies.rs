//! What others may do to the pods: how many may be evicted at once, and who reaches which port.

use k8s_openapi::api::networking::v1::{
    NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::Target;
use super::services::ports;
use crate::k8s::names::{CLIENT_PORT, METRICS_PORT, Role};

/// One pod of a role at a time: a quorum of three and a replication factor of three stand that.
pub(super) fn disruption_budget(target: &Target<'_>, role: Role) -> PodDisruptionBudget {
    PodDisruptionBudget {
        metadata: target.role_metadata(target.name.workload(role), role),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(1)),
            selector: Some(selector(target.name.role_labels(role))),
            // A pod that crashes takes nothing away when it goes; with two of them, none could ever be
            // replaced otherwise.
            unhealthy_pod_eviction_policy: Some("AlwaysAllow".into()),
            ..PodDisruptionBudgetSpec::default()
        }),
        status: None,
    }
}

/// Clients and Prometheus come from anywhere, to their own ports only: the quorum and the replication belong to the
/// cluster's own pods. Port-forwards are not affected, they arrive inside the pod.
pub(super) fn network(target: &Target<'_>, role: Role) -> NetworkPolicy {
    let own = NetworkPolicyPeer { pod_selector: Some(selector(target.name.labels())), ..NetworkPolicyPeer::default() };
    let is_public = |port: &u16| {
        [CLIENT_PORT, METRICS_PORT].contains(port)
            || target.spec.listeners.iter().any(|listener| listener.port == *port)
    };
    let (public, private): (Vec<_>, Vec<_>) =
        ports(target, role).into_iter().map(|(_, port)| port).partition(is_public);
    let rule =
        |ports: Vec<u16>, from| NetworkPolicyIngressRule { from, ports: Some(ports.into_iter().map(port).collect()) };
    let mut ingress = vec![rule(private, Some(vec![own]))];
    if !public.is_empty() {
        ingress.push(rule(public, None));
    }
    NetworkPolicy {
        metadata: target.role_metadata(target.name.workload(role), role),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(selector(target.name.role_labels(role))),
            policy_types: Some(vec!["Ingress".into()]),
            ingress: Some(ingress),
            egress: None,
        }),
    }
}

fn port(port: u16) -> NetworkPolicyPort {
    NetworkPolicyPort {
        port: Some(IntOrString::Int(i32::from(port))),
        protocol: Some("TCP".into()),
        ..NetworkPolicyPort::default()
    }
}

fn selector(labels: std::collections::BTreeMap<String, String>) -> LabelSelector {
    LabelSelector { match_labels: Some(labels), match_expressions: None }
}
