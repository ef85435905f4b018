//! The names under which pods find each other, and clients find them.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{Target, zookeeper};
use crate::k8s::names::{
    CLIENT_PORT, CLIENT_PORT_NAME, CONTROLLER_PORT, INTERNAL_PORT, METRICS_PORT, METRICS_PORT_NAME, Role,
    ZOOKEEPER_PORT,
};

/// The ports of a role's pods by name.
pub(super) fn ports(target: &Target<'_>, role: Role) -> Vec<(String, u16)> {
    let mut ports = Vec::new();
    if role == Role::ZooKeeper {
        ports.extend(zookeeper::ports());
    }
    if role == Role::Broker {
        ports.push((CLIENT_PORT_NAME.to_owned(), CLIENT_PORT));
        ports.push(("tcp-internal".to_owned(), INTERNAL_PORT));
        ports.extend(target.spec.listeners.iter().map(|listener| (listener_port(&listener.name), listener.port)));
    }
    if role == target.spec.voter_role() && !target.spec.has_zookeeper() {
        ports.push(("tcp-controller".into(), CONTROLLER_PORT));
    }
    if target.spec.metrics.is_some() {
        ports.push((METRICS_PORT_NAME.into(), METRICS_PORT));
    }
    ports
}

/// The name of a listener's port: `tcp-public`. Port names have at most 15 characters.
fn listener_port(name: &str) -> String {
    let short: String = name.to_lowercase().replace('_', "-").chars().take(11).collect();
    format!("tcp-{}", short.trim_end_matches('-'))
}

/// One stable name per pod. Addresses are published before a pod is ready: controllers elect each other
/// before any of them is, and brokers replicate before they are.
pub(super) fn headless(target: &Target<'_>, role: Role) -> Service {
    Service {
        metadata: target.role_metadata(target.name.headless(role), role),
        spec: Some(ServiceSpec {
            cluster_ip: Some("None".into()),
            publish_not_ready_addresses: Some(true),
            ..service(target, role, ports(target, role))
        }),
        status: None,
    }
}

/// Where clients in the cluster start.
pub(super) fn bootstrap(target: &Target<'_>) -> Service {
    let ports = vec![(CLIENT_PORT_NAME.to_owned(), CLIENT_PORT)];
    Service {
        metadata: target.role_metadata(target.name.bootstrap(), Role::Broker),
        spec: Some(service(target, Role::Broker, ports)),
        status: None,
    }
}

/// Where a tool in the cluster finds any ZooKeeper server; brokers know each of them by name.
pub(super) fn zookeeper(target: &Target<'_>) -> Service {
    let ports = vec![(zookeeper::CLIENT_PORT_NAME.to_owned(), ZOOKEEPER_PORT)];
    Service {
        metadata: target.role_metadata(target.name.zookeeper(), Role::ZooKeeper),
        spec: Some(service(target, Role::ZooKeeper, ports)),
        status: None,
    }
}

/// Where Prometheus finds the pods of all roles.
pub(super) fn metrics(target: &Target<'_>) -> Service {
    let ports = vec![(METRICS_PORT_NAME.to_owned(), METRICS_PORT)];
    Service {
        metadata: target.metadata(target.name.metrics()),
        spec: Some(ServiceSpec {
            cluster_ip: Some("None".into()),
            publish_not_ready_addresses: Some(true),
            selector: Some(target.name.labels()),
            ..service(target, Role::Broker, ports)
        }),
        status: None,
    }
}

fn service(target: &Target<'_>, role: Role, ports: Vec<(String, u16)>) -> ServiceSpec {
    let ports = ports.into_iter().map(|(name, port)| ServicePort {
        name: Some(name.clone()),
        port: i32::from(port),
        protocol: Some("TCP".into()),
        target_port: Some(IntOrString::String(name)),
        ..ServicePort::default()
    });
    ServiceSpec {
        type_: Some("ClusterIP".into()),
        selector: Some(target.name.role_labels(role)),
        ports: Some(ports.collect()),
        ..ServiceSpec::default()
    }
}
