//! What a Kafka broker has with ZooKeeper that it has not in a KRaft cluster.

use super::hosts;
use crate::k8s::manifests::script::{FRESH_ADDRESSES, broker_listeners, java_options, own_properties, rack};
use crate::k8s::manifests::{CONFIG_MOUNT, Target};
use crate::k8s::names::{Role, ZOOKEEPER_PORT};

/// How long a broker looks for ZooKeeper before it ends: both start at the same time, and a server that
/// waits for its disk or its image is no reason to crash. Kafka's own value is 18 s.
const CONNECTION_TIMEOUT_MS: u32 = 60_000;
/// Kafka's default, written down because it says how soon a dead broker loses its leaderships.
const SESSION_TIMEOUT_MS: u32 = 18_000;

/// The server properties that take the place of the quorum's.
pub(in crate::k8s::manifests) fn properties(target: &Target<'_>) -> [(&'static str, String); 4] {
    // Every server by name, not the service: a client that knows all of them goes on with the next. The
    // path keeps this cluster's nodes apart from whatever else lives in the ensemble.
    let servers: Vec<String> = hosts(target).into_iter().map(|host| format!("{host}:{ZOOKEEPER_PORT}")).collect();
    [
        ("zookeeper.connect", format!("{}/{}", servers.join(","), target.name)),
        ("zookeeper.connection.timeout.ms", CONNECTION_TIMEOUT_MS.to_string()),
        ("zookeeper.session.timeout.ms", SESSION_TIMEOUT_MS.to_string()),
        // Ids come from ordinals.
        ("broker.id.generation.enable", "false".to_owned()),
    ]
}

/// A broker's start: no disk is formatted, the cluster's id comes from ZooKeeper. Its node id is the same
/// as in a KRaft cluster, so that everything that knows pods by node id goes on to do so.
pub(in crate::k8s::manifests) fn broker_script(target: &Target<'_>) -> String {
    let (first, heap) = (Role::Broker.first_node_id(), target.spec.heap_mib(Role::Broker));
    let (service, namespace) = (target.name.headless(Role::Broker), target.namespace);
    let (listeners, advertised) = broker_listeners(target.spec);
    let rack = rack(target.spec, Role::Broker);
    let own_properties = own_properties(target.spec, Role::Broker);
    let java_options = java_options(target.spec);
    format!(
        r#"#!/bin/bash
# Written by kubectl-kafka.
set -euo pipefail

ordinal=${{HOSTNAME##*-}}
host=$HOSTNAME.{service}.{namespace}.svc
{rack}properties=/tmp/server.properties
{{
  cat {CONFIG_MOUNT}/server.properties
  echo "broker.id=$((ordinal + {first}))"
  echo "listeners={listeners}"
  echo "advertised.listeners={advertised}"
{own_properties}}} > "$properties"

# The official image brings its classes in a form that Java loads twice as fast.
archive() {{ if [ -f "/opt/kafka/$1.jsa" ]; then echo "-XX:SharedArchiveFile=/opt/kafka/$1.jsa"; fi; }}

export LOG_DIR=/tmp/kafka-logs
export EXTRA_ARGS="-name kafkaServer"
export KAFKA_LOG4J_OPTS="-Dlog4j.configuration=file:{CONFIG_MOUNT}/{LOGGING_FILE}"
# A pod that is replaced has another address; Java would remember the old one for half a minute.
export KAFKA_HEAP_OPTS="-Xms{heap}m -Xmx{heap}m -XX:+ExitOnOutOfMemoryError {FRESH_ADDRESSES} $(archive kafka)"
{java_options}exec /opt/kafka/bin/kafka-server-start.sh "$properties"
"#
    )
}

/// Kafka 3 logs with log4j 1.
pub(in crate::k8s::manifests) const LOGGING_FILE: &str = "log4j.properties";

/// The log on stdout only, as in a KRaft cluster.
pub(in crate::k8s::manifests) const LOGGING: &str = "\
log4j.rootLogger=INFO, stdout
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=[%d] %p %m (%c)%n
log4j.logger.kafka.network.RequestChannel$=WARN
log4j.logger.kafka.request.logger=WARN
log4j.logger.state.change.logger=WARN
";
