//! The start script of a pod: writes this node's properties, formats its disk once, becomes the server.
//!
//! The image's own entrypoint cannot do it: it knows nothing of a dynamic quorum, writes into its own
//! image and gives every cluster the same id.

use std::fmt::Write as _;

use super::{ADMIN_MOUNT, CONFIG_MOUNT, TLS_MOUNT, data_directory, metrics};
use crate::k8s::manifests::identity::directory_key;
use crate::k8s::manifests::spec::{ClusterSpec, Listener};
use crate::k8s::manifests::voter_hosts;
use crate::k8s::names::{ADMIN, ANCHOR, CLIENT_PORT, CONTROLLER_PORT, ClusterName, INTERNAL_PORT, Role};

/// How long Java keeps an address: 1 s.
pub(super) const FRESH_ADDRESSES: &str = "-Dsun.net.inetaddr.ttl=1";

/// The container's variable with a directory id: `dir-0` → `DIR_0`.
pub(super) fn directory_variable(ordinal: u32) -> String {
    directory_key(ordinal).to_uppercase().replace('-', "_")
}

/// The script of a role.
pub(super) fn start_script(name: &ClusterName, namespace: &str, spec: &ClusterSpec, role: Role) -> String {
    let voters = spec.voters();
    let service = name.headless(role);
    let first = role.first_node_id();
    let heap = spec.heap_mib(role);
    let voter_line = match (role, spec.is_combined()) {
        (Role::Controller, _) => "voter=true".to_owned(),
        (Role::Broker, true) => format!("voter=false; if [ \"$ordinal\" -lt {voters} ]; then voter=true; fi"),
        // ZooKeeper has a script of its own.
        (Role::Broker | Role::ZooKeeper, _) => "voter=false".to_owned(),
    };
    let (broker_listeners, broker_advertised) = broker_listeners(spec);
    let controller = format!("CONTROLLER://:{CONTROLLER_PORT}");
    let controller_advertised = format!("CONTROLLER://$host:{CONTROLLER_PORT}");
    let (voter, follower) = match role {
        Role::Controller => (["controller", &controller, &controller_advertised].map(str::to_owned), None),
        Role::Broker | Role::ZooKeeper => (
            [
                "broker,controller".to_owned(),
                format!("{controller},{broker_listeners}"),
                format!("{controller_advertised},{broker_advertised}"),
            ],
            Some(["broker".to_owned(), broker_listeners, broker_advertised]),
        ),
    };
    let roles = match &follower {
        None => assignments("", &voter),
        Some(follower) if !spec.is_combined() => assignments("", follower),
        Some(follower) => {
            format!("if $voter; then\n{}else\n{}fi\n", assignments("  ", &voter), assignments("  ", follower))
        }
    };
    let initial = initial_controllers(name, namespace, spec);
    let (rack, own_properties) = (rack(spec, role), own_properties(spec, role));
    let (add_admin, java_options) = (add_admin(spec, role), java_options(spec));
    let first_directory = data_directory(0);
    format!(
        r#"#!/bin/bash
# Written by kubectl-kafka.
set -euo pipefail

ordinal=${{HOSTNAME##*-}}
node_id=$((ordinal + {first}))
host=$HOSTNAME.{service}.{namespace}.svc
{voter_line}
{roles}{rack}
properties=/tmp/server.properties
{{
  cat {CONFIG_MOUNT}/server.properties
  echo "node.id=$node_id"
  echo "process.roles=$roles"
  echo "listeners=$listeners"
  echo "advertised.listeners=$advertised"
{own_properties}}} > "$properties"

# The official image brings its classes in a form that Java loads twice as fast.
archive() {{ if [ -f "/opt/kafka/$1.jsa" ]; then echo "-XX:SharedArchiveFile=/opt/kafka/$1.jsa"; fi; }}

# A disk that carries this cluster's id is formatted; any other is for kafka-storage.sh to judge.
if ! grep -qsx "cluster.id=$CLUSTER_ID" {first_directory}/meta.properties; then
  format=(format --cluster-id="$CLUSTER_ID" --config "$properties" --ignore-formatted)
  # Who only follows starts with the first voters too: a broker that has them from the log alone forgets
  # them for good when the very first election is repeated (seen in Kafka 4.3.1).
  if [ "$MODE" = bootstrap ]; then
    format+=(--initial-controllers "{initial}")
  elif $voter; then
    format+=(--no-initial-controllers)
  fi
{add_admin}  # Its output holds the whole configuration and the admin's keys, so it is shown only when it failed, and
  # then without them. It lives for seconds: a second compiler and a large heap would only slow it down.
  if ! output=$(KAFKA_HEAP_OPTS="-Xmx128m $(archive storage)" KAFKA_JVM_PERFORMANCE_OPTS="-XX:+UseSerialGC -XX:TieredStopAtLevel=1" \
    /opt/kafka/bin/kafka-storage.sh "${{format[@]}}" 2>&1); then
    echo "$output" | grep -vi scram | tail -n 20 >&2
    exit 1
  fi
fi

export LOG_DIR=/tmp/kafka-logs
export EXTRA_ARGS="-name kafkaServer"
export KAFKA_LOG4J_OPTS="-Dlog4j2.configurationFile={CONFIG_MOUNT}/log4j2.yaml"
# A pod that is replaced has another address; Java would remember the old one for half a minute, and a broker
# that just came back would lead partitions that its followers cannot reach.
export KAFKA_HEAP_OPTS="-Xms{heap}m -Xmx{heap}m -XX:+ExitOnOutOfMemoryError {FRESH_ADDRESSES} $(archive kafka)"
{java_options}exec /opt/kafka/bin/kafka-server-start.sh "$properties"
"#
    )
}

/// `listeners` and `advertised.listeners` of a broker, for the shell.
pub(super) fn broker_listeners(spec: &ClusterSpec) -> (String, String) {
    let mut listeners = format!("INTERNAL://:{INTERNAL_PORT},CLIENT://:{CLIENT_PORT}");
    let mut told = format!("INTERNAL://$host:{INTERNAL_PORT},CLIENT://$host:{CLIENT_PORT}");
    for Listener { name, port, advertised } in &spec.listeners {
        let _ = write!(listeners, ",{name}://:{port}");
        let _ = write!(told, ",{name}://{}", advertised.replace("{ordinal}", "$ordinal"));
    }
    (listeners, told)
}

fn assignments(indent: &str, [roles, listeners, advertised]: &[String; 3]) -> String {
    format!("{indent}roles={roles}\n{indent}listeners={listeners}\n{indent}advertised={advertised}\n")
}

/// Which rack a broker is in.
pub(super) fn rack(spec: &ClusterSpec, role: Role) -> String {
    if spec.rack_map.is_empty() || role != Role::Broker {
        return String::new();
    }
    let mut text = "case $ordinal in\n".to_owned();
    for (rack, ordinals) in &spec.rack_map {
        let ordinals: Vec<String> = ordinals.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "  {}) rack={rack} ;;", ordinals.join("|"));
    }
    text + "esac\n"
}

/// The lines of `server.properties` that differ from pod to pod.
pub(super) fn own_properties(spec: &ClusterSpec, role: Role) -> String {
    let mut text = String::new();
    if spec.security.tls.is_some() {
        let _ = writeln!(text, "  echo \"ssl.keystore.location={TLS_MOUNT}/$HOSTNAME.pem\"");
    }
    if !spec.rack_map.is_empty() && role == Role::Broker {
        text.push_str("  echo \"broker.rack=$rack\"\n");
    }
    text
}

/// The first user, who makes all others, and before him who keeps Kafka from forgetting them, with a password that
/// nobody sees. Only the first quorum writes them.
fn add_admin(spec: &ClusterSpec, role: Role) -> String {
    if !spec.security.is_scram() || role != spec.voter_role() {
        return String::new();
    }
    format!(
        "  if $voter && [ \"$MODE\" = bootstrap ]; then\n    random=$(od -An -tx1 -N32 /dev/urandom | tr -d ' \\n')\n    \
         format+=(--add-scram \"SCRAM-SHA-512=[name={ANCHOR},password=$random]\")\n    \
         format+=(--add-scram \"SCRAM-SHA-512=[name={ADMIN},password=$(cat {ADMIN_MOUNT}/password)]\")\n  fi\n"
    )
}

/// What the server alone runs with; Kafka's own tools in the same pod must not open the metrics port.
pub(super) fn java_options(spec: &ClusterSpec) -> String {
    let mut options = spec.jvm_options.clone();
    if spec.metrics.is_some() {
        options.push(metrics::agent());
    }
    if options.is_empty() { String::new() } else { format!("export KAFKA_OPTS=\"{}\"\n", options.join(" ")) }
}

/// `0@host:9093:$DIR_0,…`
fn initial_controllers(name: &ClusterName, namespace: &str, spec: &ClusterSpec) -> String {
    let voters = (0..).zip(voter_hosts(name, namespace, spec)).map(|(ordinal, host)| {
        let id = spec.voter_role().node_id(ordinal);
        format!("{id}@{host}:{CONTROLLER_PORT}:${}", directory_variable(ordinal))
    });
    voters.collect::<Vec<_>>().join(",")
}

/// Kafka's log on stdout only: its own configuration also writes files, which fill a pod's disk.
pub(super) const LOGGING: &str = r#"Configuration:
  Appenders:
    Console:
      name: STDOUT
      PatternLayout:
        pattern: "[%d] %p %m (%c)%n"
  Loggers:
    Root:
      level: INFO
      AppenderRef:
        - ref: STDOUT
    Logger:
      - name: kafka.network.RequestChannel$
        level: WARN
      - name: kafka.request.logger
        level: WARN
      - name: state.change.logger
        level: WARN
"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn script(brokers: u32, controllers: u32, role: Role) -> String {
        let mut spec = ClusterSpec::default();
        (spec.brokers, spec.controllers) = (brokers, controllers);
        start_script(&ClusterName::from_label("demo"), "kafka", &spec, role)
    }

    #[test]
    fn a_combined_brokers_script() {
        insta::assert_snapshot!(script(5, 0, Role::Broker), @r##"
        #!/bin/bash
        # Written by kubectl-kafka.
        set -euo pipefail

        ordinal=${HOSTNAME##*-}
        node_id=$((ordinal + 100))
        host=$HOSTNAME.demo-brokers.kafka.svc
        voter=false; if [ "$ordinal" -lt 3 ]; then voter=true; fi
        if $voter; then
          roles=broker,controller
          listeners=CONTROLLER://:9093,INTERNAL://:9091,CLIENT://:9092
          advertised=CONTROLLER://$host:9093,INTERNAL://$host:9091,CLIENT://$host:9092
        else
          roles=broker
          listeners=INTERNAL://:9091,CLIENT://:9092
          advertised=INTERNAL://$host:9091,CLIENT://$host:9092
        fi

        properties=/tmp/server.properties
        {
          cat /etc/kubectl-kafka/server.properties
          echo "node.id=$node_id"
          echo "process.roles=$roles"
          echo "listeners=$listeners"
          echo "advertised.listeners=$advertised"
        } > "$properties"

        # The official image brings its classes in a form that Java loads twice as fast.
        archive() { if [ -f "/opt/kafka/$1.jsa" ]; then echo "-XX:SharedArchiveFile=/opt/kafka/$1.jsa"; fi; }

        # A disk that carries this cluster's id is formatted; any other is for kafka-storage.sh to judge.
        if ! grep -qsx "cluster.id=$CLUSTER_ID" /var/lib/kafka/data/kafka-log/meta.properties; then
          format=(format --cluster-id="$CLUSTER_ID" --config "$properties" --ignore-formatted)
          # Who only follows starts with the first voters too: a broker that has them from the log alone forgets
          # them for good when the very first election is repeated (seen in Kafka 4.3.1).
          if [ "$MODE" = bootstrap ]; then
            format+=(--initial-controllers "100@demo-broker-0.demo-brokers.kafka.svc:9093:$DIR_0,101@demo-broker-1.demo-brokers.kafka.svc:9093:$DIR_1,102@demo-broker-2.demo-brokers.kafka.svc:9093:$DIR_2")
          elif $voter; then
            format+=(--no-initial-controllers)
          fi
          # Its output holds the whole configuration and the admin's keys, so it is shown only when it failed, and
          # then without them. It lives for seconds: a second compiler and a large heap would only slow it down.
          if ! output=$(KAFKA_HEAP_OPTS="-Xmx128m $(archive storage)" KAFKA_JVM_PERFORMANCE_OPTS="-XX:+UseSerialGC -XX:TieredStopAtLevel=1" \
            /opt/kafka/bin/kafka-storage.sh "${format[@]}" 2>&1); then
            echo "$output" | grep -vi scram | tail -n 20 >&2
            exit 1
          fi
        fi

        export LOG_DIR=/tmp/kafka-logs
        export EXTRA_ARGS="-name kafkaServer"
        export KAFKA_LOG4J_OPTS="-Dlog4j2.configurationFile=/etc/kubectl-kafka/log4j2.yaml"
        # A pod that is replaced has another address; Java would remember the old one for half a minute, and a broker
        # that just came back would lead partitions that its followers cannot reach.
        export KAFKA_HEAP_OPTS="-Xms1024m -Xmx1024m -XX:+ExitOnOutOfMemoryError -Dsun.net.inetaddr.ttl=1 $(archive kafka)"
        exec /opt/kafka/bin/kafka-server-start.sh "$properties"
        "##);
    }

    #[test]
    fn a_controller_takes_part_in_the_first_quorum_only_once() {
        let script = script(3, 3, Role::Controller);
        assert!(script.contains("node_id=$((ordinal + 0))"));
        assert!(script.contains("\nvoter=true\nroles=controller"));
        assert!(script.contains("roles=controller\nlisteners=CONTROLLER://:9093\n"));
        assert!(
            script.contains("--initial-controllers \"0@demo-controller-0.demo-controllers.kafka.svc:9093:$DIR_0,1@")
        );
        assert!(script.contains("format+=(--no-initial-controllers)"));
    }

    #[test]
    fn who_keeps_the_users_is_the_first_of_them() {
        let spec = crate::k8s::manifests::Preset::Production.spec().expect("the preset");
        let name = ClusterName::from_label("demo");
        let script = start_script(&name, "kafka", &spec, Role::Controller);
        let expected = format!(
            r#"
  if $voter && [ "$MODE" = bootstrap ]; then
    random=$(od -An -tx1 -N32 /dev/urandom | tr -d ' \n')
    format+=(--add-scram "SCRAM-SHA-512=[name={ANCHOR},password=$random]")
    format+=(--add-scram "SCRAM-SHA-512=[name=admin,password=$(cat /etc/kubectl-kafka-admin/password)]")
  fi
"#
        );
        assert!(script.contains(&expected), "{script}");
        assert!(!start_script(&name, "kafka", &spec, Role::Broker).contains("--add-scram"));
    }

    #[test]
    fn a_plain_broker_never_votes() {
        let script = script(3, 3, Role::Broker);
        assert!(script.contains("\nvoter=false\nroles=broker\n"));
        assert!(script.contains("--initial-controllers \"0@demo-controller-0."), "it knows who votes from the start");
        assert!(script.contains("roles=broker\nlisteners=INTERNAL://:9091,CLIENT://:9092\n"));
    }

    #[test]
    fn bash_understands_every_script() {
        for (brokers, controllers, role) in [(3, 3, Role::Broker), (3, 3, Role::Controller), (5, 0, Role::Broker)] {
            let script = script(brokers, controllers, role);
            let checked = std::process::Command::new("bash").args(["-n", "-c", &script]).output();
            // A machine without bash cannot check; the real cluster does.
            if let Ok(output) = checked {
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            }
        }
    }
}
