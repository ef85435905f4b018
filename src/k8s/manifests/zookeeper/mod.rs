//! The ZooKeeper ensemble, and what its Kafka needs that a KRaft cluster does not: the files of both.
//!
//! The servers start with a script of ours and not with the official image's entrypoint: that one writes
//! its configuration into its own image, which is read-only here, and keeps an identity that it once
//! wrote, even when the disk came from another pod.

mod broker;
mod server;

pub(super) use broker::{LOGGING, LOGGING_FILE, broker_script, properties};
pub(super) use server::{DATA_MOUNT, READY_SCRIPT, files};

use super::Target;
use crate::k8s::names::{Role, ZOOKEEPER_PORT};

/// Where the leader listens for its followers.
const PEER_PORT: u16 = 2888;
/// Where the servers elect their leader.
const ELECTION_PORT: u16 = 3888;

/// The name of [`ZOOKEEPER_PORT`] in pods and services.
pub(super) const CLIENT_PORT_NAME: &str = "tcp-client";

/// The ports of a server by name.
pub(super) fn ports() -> Vec<(String, u16)> {
    [(CLIENT_PORT_NAME, ZOOKEEPER_PORT), ("tcp-peer", PEER_PORT), ("tcp-election", ELECTION_PORT)]
        .map(|(name, port)| (name.to_owned(), port))
        .into()
}

/// `<pod>.<service>.<namespace>.svc` of each server.
fn hosts(target: &Target<'_>) -> Vec<String> {
    let Target { name, namespace, spec } = target;
    let service = name.headless(Role::ZooKeeper);
    let host = |ordinal| format!("{}.{service}.{namespace}.svc", name.pod(Role::ZooKeeper, ordinal));
    (0..spec.zookeeper_servers()).map(host).collect()
}

#[cfg(test)]
mod tests;
