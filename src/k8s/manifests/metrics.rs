//! Prometheus' JMX exporter in every pod: an init container brings the agent, the JVM loads it.
//!
//! Without a choice the exporter writes a series per request type and percentile, 91 kB a scrape; the rules
//! keep what the dashboard, the alerts and a person looking for a cause need.

use k8s_openapi::api::core::v1::{Capabilities, Container, SecurityContext};
use kube::core::ApiResource;
use serde_json::json;

use super::volumes::{AGENT_VOLUME, mount};
use super::{AGENT_MOUNT, CONFIG_MOUNT, Manifest, Target};
use crate::k8s::names::{METRICS_PORT, METRICS_PORT_NAME, Role};

/// The image with the agent's jar, where none is named.
pub(super) const DEFAULT_IMAGE: &str = "kubectl-kafka/jmx-exporter:1.0.1";
/// The jar in that image.
const JAR: &str = "/jmx_prometheus_javaagent.jar";

/// The agent's rules in the pod.
pub(super) const RULES_FILE: &str = "jmx.yaml";

/// The option of a JVM that loads the agent.
pub(super) fn agent() -> String {
    format!("-javaagent:{AGENT_MOUNT}{JAR}={METRICS_PORT}:{CONFIG_MOUNT}/{RULES_FILE}")
}

/// Copies the agent to where the server's container finds it.
pub(super) fn init_container(target: &Target<'_>) -> Option<Container> {
    let metrics = target.spec.metrics.as_ref()?;
    Some(Container {
        name: "metrics-agent".into(),
        image: Some(metrics.image.clone().unwrap_or_else(|| DEFAULT_IMAGE.to_owned())),
        image_pull_policy: Some("IfNotPresent".into()),
        command: Some(vec!["cp".into(), JAR.into(), format!("{AGENT_MOUNT}/")]),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            read_only_root_filesystem: Some(true),
            capabilities: Some(Capabilities { drop: Some(vec!["ALL".into()]), add: None }),
            ..SecurityContext::default()
        }),
        termination_message_policy: Some("FallbackToLogsOnError".into()),
        volume_mounts: Some(vec![mount(AGENT_VOLUME, AGENT_MOUNT, false)]),
        ..Container::default()
    })
}

/// How the Prometheus operator finds the pods; only where its kind exists.
pub(super) fn pod_monitor(target: &Target<'_>) -> Manifest {
    let name = target.name.metrics();
    let body = json!({
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": {"name": name, "namespace": target.namespace, "labels": target.name.labels()},
        "spec": {
            "selector": {"matchLabels": target.name.labels()},
            "podMetricsEndpoints": [{
                "port": METRICS_PORT_NAME,
                "relabelings": [{
                    "sourceLabels": ["__meta_kubernetes_pod_label_app_kubernetes_io_instance"],
                    "targetLabel": "kafka_cluster",
                }],
            }],
        },
    });
    Manifest { resource: pod_monitors(), name, body }
}

/// The Prometheus operator's kind.
pub fn pod_monitors() -> ApiResource {
    ApiResource {
        group: "monitoring.coreos.com".into(),
        version: "v1".into(),
        api_version: "monitoring.coreos.com/v1".into(),
        kind: "PodMonitor".into(),
        plural: "podmonitors".into(),
    }
}

/// The agent's rules for a role.
pub(super) fn rules(role: Role) -> String {
    let of_role = match role {
        Role::ZooKeeper => return format!("{HEAD}{ZOOKEEPER_OBJECTS}{ZOOKEEPER_RULES}"),
        Role::Broker => BROKER_OBJECTS,
        Role::Controller => "",
    };
    format!("{HEAD}{COMMON_OBJECTS}{of_role}{RULES}")
}

const HEAD: &str = "lowercaseOutputName: true\nincludeObjectNames:\n";

/// Both roles; with combined roles a broker's pod has the controller's beans too.
const COMMON_OBJECTS: &str = "\
- kafka.controller:type=KafkaController,name=*
- kafka.controller:type=ControllerEventManager,name=*
- kafka.server:type=raft-metrics
- kafka.server:type=MetadataLoader,name=*
- kafka.server:type=broker-metadata-metrics
";

const BROKER_OBJECTS: &str = "\
- kafka.server:type=ReplicaManager,name=*
- kafka.server:type=BrokerTopicMetrics,name=*
- kafka.server:type=BrokerTopicMetrics,name=*,topic=*
- kafka.server:type=KafkaServer,name=BrokerState
- kafka.server:type=KafkaRequestHandlerPool,name=RequestHandlerAvgIdlePercent
- kafka.network:type=SocketServer,name=NetworkProcessorAvgIdlePercent
- kafka.network:type=RequestMetrics,name=RequestsPerSec,request=Produce,*
- kafka.network:type=RequestMetrics,name=RequestsPerSec,request=FetchConsumer,*
- kafka.network:type=RequestMetrics,name=TotalTimeMs,request=Produce
- kafka.network:type=RequestMetrics,name=TotalTimeMs,request=FetchConsumer
- kafka.network:type=RequestMetrics,name=TotalTimeMs,request=FetchFollower
- kafka.log:type=LogFlushStats,name=*
- kafka.log:type=LogManager,name=OfflineLogDirectoryCount
- kafka.server:type=socket-server-metrics,listener=*,networkProcessor=*
# With ZooKeeper only.
- kafka.server:type=SessionExpireListener,name=*
- kafka.server:type=ZooKeeperClientMetrics,name=*
";

const RULES: &str = r#"rules:
- pattern: 'kafka.(\w+)<type=(.+), name=(.+)PerSec, topic=(.+)><>Count'
  name: kafka_$1_$2_$3_total
  type: COUNTER
  labels: {topic: "$4"}
- pattern: 'kafka.(\w+)<type=(.+), name=(.+)PerSec, request=(.+), version=(.+)><>Count'
  name: kafka_$1_$2_$3_total
  type: COUNTER
  labels: {request: "$4", version: "$5"}
- pattern: 'kafka.(\w+)<type=(.+), name=(.+)PerSec><>Count'
  name: kafka_$1_$2_$3_total
  type: COUNTER
# For whoever looks once and cannot wait for a second scrape: `kubectl kafka status -o wide`.
- pattern: 'kafka.server<type=BrokerTopicMetrics, name=(MessagesIn|BytesIn|BytesOut)PerSec><>OneMinuteRate'
  name: kafka_server_brokertopicmetrics_$1_rate1m
  type: GAUGE
- pattern: 'kafka.(\w+)<type=(.+), name=(.+), request=(.+)><>(50|99)thPercentile'
  name: kafka_$1_$2_$3
  type: GAUGE
  labels: {request: "$4", quantile: "0.$5"}
- pattern: 'kafka.(\w+)<type=(.+), name=(.+), request=(.+)><>999thPercentile'
  name: kafka_$1_$2_$3
  type: GAUGE
  labels: {request: "$4", quantile: "0.999"}
- pattern: 'kafka.(\w+)<type=(.+), name=(\w+Ms)><>99thPercentile'
  name: kafka_$1_$2_$3
  type: GAUGE
  labels: {quantile: "0.99"}
- pattern: 'kafka.(\w+)<type=(.+), name=(RequestHandlerAvgIdlePercent)><>OneMinuteRate'
  name: kafka_$1_$2_$3
  type: GAUGE
- pattern: 'kafka.server<type=socket-server-metrics, listener=(.+), networkProcessor=(.+)><>(connection-count|connection-creation-rate|successful-authentication-rate|failed-authentication-rate)'
  name: kafka_server_socketservermetrics_$3
  type: GAUGE
  labels: {listener: "$1", network_processor: "$2"}
- pattern: 'kafka.server<type=raft-metrics><>(current-state|.+):'
  name: kafka_server_raftmetrics_$1
  type: GAUGE
- pattern: 'kafka.server<type=broker-metadata-metrics><>(.+):'
  name: kafka_server_brokermetadatametrics_$1
  type: GAUGE
- pattern: 'kafka.(\w+)<type=(.+), name=(.+), request=(.+)><>Count'
  name: kafka_$1_$2_$3_count
  type: COUNTER
  labels: {request: "$4"}
- pattern: 'kafka.(\w+)<type=(.+), name=(.+)TimeMs><>Count'
  name: kafka_$1_$2_$3timems_count
  type: COUNTER
- pattern: 'kafka.(\w+)<type=(.+), name=(.+)><>Value'
  name: kafka_$1_$2_$3
  type: GAUGE
"#;

/// A server's own beans are below the part that it plays; one per connection is left out.
const ZOOKEEPER_OBJECTS: &str = "\
- org.apache.ZooKeeperService:name0=*
- org.apache.ZooKeeperService:name0=*,name1=*
- org.apache.ZooKeeperService:name0=*,name1=*,name2=*
- org.apache.ZooKeeperService:name0=*,name1=*,name2=*,name3=InMemoryDataTree
";

/// Whoever is in no quorum has the first two series only.
const ZOOKEEPER_RULES: &str = r"rules:
- pattern: 'org.apache.ZooKeeperService<name0=ReplicatedServer_id\d+><>QuorumSize'
  name: zookeeper_quorumsize
  type: GAUGE
# Every server has a bean for each of them; this is its own.
- pattern: 'org.apache.ZooKeeperService<name0=ReplicatedServer_id(\d+), name1=replica\.\1><>State: leading'
  name: zookeeper_leading
  value: 1
  type: GAUGE
- pattern: 'org.apache.ZooKeeperService<name0=ReplicatedServer_id(\d+), name1=replica\.\1><>State: '
  name: zookeeper_leading
  value: 0
  type: GAUGE
- pattern: 'org.apache.ZooKeeperService<name0=.+, name1=.+, name2=\w+><>(AvgRequestLatency|MaxRequestLatency|OutstandingRequests|NumAliveConnections|DataDirSize|ElectionTimeTaken)'
  name: zookeeper_$1
  type: GAUGE
- pattern: 'org.apache.ZooKeeperService<name0=.+, name1=.+, name2=\w+><>(PacketsReceived|PacketsSent|FsyncThresholdExceedCount)'
  name: zookeeper_$1_total
  type: COUNTER
- pattern: 'org.apache.ZooKeeperService<name0=.+, name1=.+, name2=\w+, name3=InMemoryDataTree><>(NodeCount|WatchCount)'
  name: zookeeper_$1
  type: GAUGE
";
