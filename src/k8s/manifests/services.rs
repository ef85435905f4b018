//! The names under which pods find each other, and clients find them.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::Target;
use crate::k8s::names::{CLIENT_PORT, CLIENT_PORT_NAME, CONTROLLER_PORT, INTERNAL_PORT, Role};

/// The ports of a role's pods by name.
pub(super) fn ports(target: &Target<'_>, role: Role) -> Vec<(&'static str, u16)> {
    let mut ports = Vec::new();
    if role == Role::Broker {
        ports.push((CLIENT_PORT_NAME, CLIENT_PORT));
        ports.push(("tcp-internal", INTERNAL_PORT));
    }
    if role == target.spec.voter_role() {
        ports.push(("tcp-controller", CONTROLLER_PORT));
    }
    ports
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
    let ports = vec![(CLIENT_PORT_NAME, CLIENT_PORT)];
    Service {
        metadata: target.role_metadata(target.name.bootstrap(), Role::Broker),
        spec: Some(service(target, Role::Broker, ports)),
        status: None,
    }
}

fn service(target: &Target<'_>, role: Role, ports: Vec<(&str, u16)>) -> ServiceSpec {
    let ports = ports.into_iter().map(|(name, port)| ServicePort {
        name: Some(name.to_owned()),
        port: i32::from(port),
        protocol: Some("TCP".into()),
        target_port: Some(IntOrString::String(name.to_owned())),
        ..ServicePort::default()
    });
    ServiceSpec {
        type_: Some("ClusterIP".into()),
        selector: Some(target.name.role_labels(role)),
        ports: Some(ports.collect()),
        ..ServiceSpec::default()
    }
}
