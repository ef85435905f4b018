//! The files of a ZooKeeper server.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{ELECTION_PORT, PEER_PORT, hosts};
use crate::k8s::manifests::script::FRESH_ADDRESSES;
use crate::k8s::manifests::{CONFIG_MOUNT, Target, metrics};
use crate::k8s::names::{Role, ZOOKEEPER_PORT};

/// Where the volume is mounted; snapshots and log lie below it, because many disks have `lost+found` in
/// their root.
pub(in crate::k8s::manifests) const DATA_MOUNT: &str = "/var/lib/zookeeper";

/// The file that the probes run.
pub(in crate::k8s::manifests) const READY_SCRIPT: &str = "ready.sh";

/// Everything that the pod mounts, by name.
pub(in crate::k8s::manifests) fn files(target: &Target<'_>) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("zoo.cfg".to_owned(), configuration(target)),
        ("start.sh".to_owned(), start_script(target)),
        (READY_SCRIPT.to_owned(), ready_script()),
    ])
}

/// `zoo.cfg`, the same for every server; which one it is says `myid`.
fn configuration(target: &Target<'_>) -> String {
    let mut text = format!(
        "dataDir={DATA_MOUNT}/data\n\
         dataLogDir={DATA_MOUNT}/log\n\
         clientPort={ZOOKEEPER_PORT}\n\
         tickTime=2000\n\
         initLimit=10\n\
         syncLimit=5\n\
         # A single server is an ensemble of one.\n\
         standaloneEnabled=false\n\
         reconfigEnabled=false\n\
         # A pod's own name does not resolve yet when it starts.\n\
         quorumListenOnAllIPs=true\n\
         admin.enableServer=false\n\
         # Without this, snapshots and logs are kept for ever.\n\
         autopurge.snapRetainCount=3\n\
         autopurge.purgeInterval=24\n\
         4lw.commands.whitelist=ruok,srvr,mntr\n"
    );
    for (id, host) in (1..).zip(hosts(target)) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "server.{id}={host}:{PEER_PORT}:{ELECTION_PORT}");
    }
    text
}

fn start_script(target: &Target<'_>) -> String {
    let heap = target.spec.heap_mib(Role::ZooKeeper);
    let agent = target.spec.metrics.as_ref().map(|_| format!(" {}", metrics::agent())).unwrap_or_default();
    format!(
        r#"#!/bin/bash
# Written by kubectl-kafka.
set -euo pipefail

mkdir -p {DATA_MOUNT}/data {DATA_MOUNT}/log
# A server is who its pod is: the first one's id is 1. Written at every start, so that no disk says otherwise.
ordinal=${{HOSTNAME##*-}}
echo "$((ordinal + 1))" > {DATA_MOUNT}/data/myid

export ZOO_LOG_DIR=/tmp
export ZK_SERVER_HEAP={heap}
# What the server alone runs with: zkCli.sh in the same pod must not open the metrics port. A pod that is replaced has
# another address, and Java would remember the old one for half a minute.
export SERVER_JVMFLAGS="-Xms{heap}m -XX:+ExitOnOutOfMemoryError {FRESH_ADDRESSES}{agent}"
exec zkServer.sh start-foreground {CONFIG_MOUNT}/zoo.cfg
"#
    )
}

/// An open port proves nothing: a server without a quorum accepts connections and serves nobody.
fn ready_script() -> String {
    format!(
        r#"#!/bin/bash
# Written by kubectl-kafka. Whether this server is part of an ensemble that serves.
exec 3<>/dev/tcp/127.0.0.1/{ZOOKEEPER_PORT} || exit 1
printf srvr >&3
answer=$(timeout 3 cat <&3)
[[ $answer == *"Mode: "* ]]
"#
    )
}
