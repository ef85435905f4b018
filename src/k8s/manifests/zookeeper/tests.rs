//! What must hold for the objects of a Kafka with ZooKeeper.

use serde_json::{Value, json};

use super::*;
use crate::k8s::manifests::properties::server_properties;
use crate::k8s::manifests::tests::references;
use crate::k8s::manifests::{
    ClusterMode, ClusterSpec, Manifest, Metrics, config_maps, file_names, supporting, workloads,
};
use crate::k8s::names::ClusterName;

fn spec(brokers: u32) -> ClusterSpec {
    let mut spec = ClusterSpec::default().in_mode(ClusterMode::ZooKeeper);
    spec.brokers = brokers;
    spec
}

fn with_target<T>(spec: &ClusterSpec, look: impl FnOnce(&Target<'_>) -> T) -> T {
    look(&Target { name: &ClusterName::from_label("demo"), namespace: "kafka", spec })
}

fn objects(spec: &ClusterSpec) -> Vec<Manifest> {
    with_target(spec, |target| {
        let names = file_names(target);
        let mut all = config_maps(target, &names).expect("ConfigMaps");
        all.extend(supporting(target).expect("objects"));
        all.extend(workloads(target, &names).expect("workloads"));
        all
    })
}

fn body(reference: &str) -> Value {
    let found = objects(&spec(3)).into_iter().find(|manifest| manifest.reference() == reference);
    found.unwrap_or_else(|| panic!("no {reference}")).body
}

#[test]
fn the_objects() {
    assert_eq!(
        references(&objects(&spec(3))),
        [
            "configmap/demo-zookeeper-*",
            "configmap/demo-broker-*",
            "serviceaccount/demo-kafka",
            "service/demo-zookeepers",
            "service/demo-brokers",
            "service/demo-bootstrap",
            "service/demo-zookeeper",
            "networkpolicy.networking.k8s.io/demo-zookeeper",
            "poddisruptionbudget.policy/demo-zookeeper",
            "networkpolicy.networking.k8s.io/demo-broker",
            "poddisruptionbudget.policy/demo-broker",
            "statefulset.apps/demo-zookeeper",
            "statefulset.apps/demo-broker",
        ]
    );
}

#[test]
fn a_servers_files() {
    let files = with_target(&spec(3), files);
    insta::assert_snapshot!(files["zoo.cfg"], @r"
    dataDir=/var/lib/zookeeper/data
    dataLogDir=/var/lib/zookeeper/log
    clientPort=2181
    tickTime=2000
    initLimit=10
    syncLimit=5
    # A single server is an ensemble of one.
    standaloneEnabled=false
    reconfigEnabled=false
    # A pod's own name does not resolve yet when it starts.
    quorumListenOnAllIPs=true
    admin.enableServer=false
    # Without this, snapshots and logs are kept for ever.
    autopurge.snapRetainCount=3
    autopurge.purgeInterval=24
    4lw.commands.whitelist=ruok,srvr,mntr
    server.1=demo-zookeeper-0.demo-zookeepers.kafka.svc:2888:3888
    server.2=demo-zookeeper-1.demo-zookeepers.kafka.svc:2888:3888
    server.3=demo-zookeeper-2.demo-zookeepers.kafka.svc:2888:3888
    ");
    insta::assert_snapshot!(files["start.sh"], @r#"
    #!/bin/bash
    # Written by kubectl-kafka.
    set -euo pipefail

    mkdir -p /var/lib/zookeeper/data /var/lib/zookeeper/log
    # A server is who its pod is: the first one's id is 1. Written at every start, so that no disk says otherwise.
    ordinal=${HOSTNAME##*-}
    echo "$((ordinal + 1))" > /var/lib/zookeeper/data/myid

    export ZOO_LOG_DIR=/tmp
    export ZK_SERVER_HEAP=512
    # What the server alone runs with: zkCli.sh in the same pod must not open the metrics port. A pod that is replaced has
    # another address, and Java would remember the old one for half a minute.
    export SERVER_JVMFLAGS="-Xms512m -XX:+ExitOnOutOfMemoryError -Dsun.net.inetaddr.ttl=1"
    exec zkServer.sh start-foreground /etc/kubectl-kafka/zoo.cfg
    "#);
}

#[test]
fn a_brokers_files() {
    let spec = spec(3);
    insta::assert_snapshot!(server_properties(&ClusterName::from_label("demo"), "kafka", &spec, Role::Broker), @r"
    zookeeper.connect=demo-zookeeper-0.demo-zookeepers.kafka.svc:2181,demo-zookeeper-1.demo-zookeepers.kafka.svc:2181,demo-zookeeper-2.demo-zookeepers.kafka.svc:2181/demo
    zookeeper.connection.timeout.ms=60000
    zookeeper.session.timeout.ms=18000
    broker.id.generation.enable=false
    listener.security.protocol.map=INTERNAL:PLAINTEXT,CLIENT:PLAINTEXT
    inter.broker.listener.name=INTERNAL
    log.dirs=/var/lib/kafka/data/kafka-log
    default.replication.factor=3
    min.insync.replicas=2
    offsets.topic.replication.factor=3
    transaction.state.log.replication.factor=3
    transaction.state.log.min.isr=2
    auto.create.topics.enable=false
    ");
    let script = with_target(&spec, broker_script);
    assert!(script.contains("echo \"broker.id=$((ordinal + 100))\""), "the same ids as in a KRaft cluster");
    assert!(!script.contains("kafka-storage.sh") && !script.contains("process.roles"), "{script}");
    assert!(script.contains("advertised.listeners=INTERNAL://$host:9091,CLIENT://$host:9092"), "{script}");
    assert!(script.contains(" -Dsun.net.inetaddr.ttl=1 "), "a replaced server is found at its new address: {script}");
}

#[test]
fn every_file_that_a_script_reads_is_there_and_bash_understands_the_scripts() {
    let spec = spec(3);
    for (role, wanted) in
        [(Role::ZooKeeper, &["zoo.cfg"][..]), (Role::Broker, &["server.properties", "log4j.properties"])]
    {
        let files = with_target(&spec, |target| crate::k8s::manifests::configuration::files(target, role));
        for file in wanted {
            let script = &files["start.sh"];
            assert!(
                files.contains_key(*file) && script.contains(&format!("/etc/kubectl-kafka/{file}")),
                "{role} {file}"
            );
        }
        for script in files.values().filter(|text| text.starts_with("#!/bin/bash")) {
            // A machine without bash cannot check; the real cluster does.
            if let Ok(output) = std::process::Command::new("bash").args(["-n", "-c", script]).output() {
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            }
        }
    }
}

#[test]
fn a_server_is_ready_when_it_serves_and_not_when_its_port_is_open() {
    let set = body("statefulset.apps/demo-zookeeper");
    let pod = &set["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    assert_eq!((&set["spec"]["replicas"], &container["name"]), (&json!(3), &json!("zookeeper")));
    assert_eq!((&container["image"], container.get("env")), (&json!("zookeeper:3.9.5"), Some(&json!([]))));
    for probe in ["startupProbe", "readinessProbe"] {
        assert_eq!(container[probe]["exec"]["command"], json!(["bash", "/etc/kubectl-kafka/ready.sh"]), "{probe}");
        assert!(container[probe].get("tcpSocket").is_none());
    }
    assert_eq!(container["volumeMounts"][0], json!({"name": "data", "mountPath": "/var/lib/zookeeper"}));
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(pod["terminationGracePeriodSeconds"], 60);
}

#[test]
fn only_the_clusters_own_pods_reach_zookeeper() {
    let policy = body("networkpolicy.networking.k8s.io/demo-zookeeper");
    let ingress = policy["spec"]["ingress"].as_array().expect("rules");
    assert_eq!(ingress.len(), 1);
    let from = &ingress[0]["from"][0]["podSelector"]["matchLabels"];
    assert_eq!(from["app.kubernetes.io/instance"], "demo");
    let ports: Vec<&Value> = ingress[0]["ports"].as_array().expect("ports").iter().map(|port| &port["port"]).collect();
    assert_eq!(ports, [2181, 2888, 3888]);
    assert_eq!(body("poddisruptionbudget.policy/demo-zookeeper")["spec"]["maxUnavailable"], 1);
}

#[test]
fn servers_find_each_other_before_they_are_ready() {
    let headless = body("service/demo-zookeepers");
    assert_eq!(
        (&headless["spec"]["clusterIP"], &headless["spec"]["publishNotReadyAddresses"]),
        (&json!("None"), &json!(true))
    );
    let client = body("service/demo-zookeeper");
    assert_eq!(
        client["spec"]["ports"],
        json!([{"name": "tcp-client", "port": 2181, "protocol": "TCP", "targetPort": "tcp-client"}])
    );
    assert!(client["spec"].get("publishNotReadyAddresses").is_none());
}

#[test]
fn another_kafka_does_not_touch_zookeepers_pods() {
    let template = |spec: &ClusterSpec| {
        let set = objects(spec).into_iter().find(|manifest| manifest.reference() == "statefulset.apps/demo-zookeeper");
        set.expect("a StatefulSet").body["spec"]["template"].clone()
    };
    let mut newer = spec(3);
    newer.kafka_version = "3.9.1".into();
    newer.config.insert("log.retention.hours".into(), "1".into());
    assert_eq!(template(&spec(3)), template(&newer));
}

#[test]
fn with_metrics_a_server_has_the_endpoint_and_only_the_server() {
    let spec = ClusterSpec { metrics: Some(Metrics::default()), ..spec(3) };
    let files = with_target(&spec, |target| crate::k8s::manifests::configuration::files(target, Role::ZooKeeper));
    let agent = "-javaagent:/opt/jmx/jmx_prometheus_javaagent.jar=9404:/etc/kubectl-kafka/jmx.yaml\"\n";
    let script = &files["start.sh"];
    let line = script.lines().find(|line| line.starts_with("export SERVER_JVMFLAGS=")).expect("the server's flags");
    assert!(format!("{line}\n").ends_with(agent) && script.matches("-javaagent").count() == 1, "{script}");
    let rules = &files["jmx.yaml"];
    assert!(rules.contains("- org.apache.ZooKeeperService:name0=*\n") && !rules.contains("kafka."), "{rules}");

    let all = objects(&spec);
    let body = |reference: &str| &all.iter().find(|object| object.reference() == reference).expect(reference).body;
    let pod = &body("statefulset.apps/demo-zookeeper")["spec"]["template"]["spec"];
    let ports: Vec<&Value> =
        pod["containers"][0]["ports"].as_array().expect("ports").iter().map(|port| &port["containerPort"]).collect();
    assert_eq!(ports, [2181, 2888, 3888, 9404]);
    assert_eq!(pod["initContainers"][0]["name"], "metrics-agent");
    let mounts = pod["containers"][0]["volumeMounts"].as_array().expect("mounts");
    assert!(mounts.contains(&json!({"name": "agent", "mountPath": "/opt/jmx", "readOnly": true})), "{mounts:?}");
    let ingress = &body("networkpolicy.networking.k8s.io/demo-zookeeper")["spec"]["ingress"];
    assert_eq!(ingress[1], json!({"ports": [{"port": 9404, "protocol": "TCP"}]}), "Prometheus comes from anywhere");
    assert_eq!(ingress[0]["ports"].as_array().map(Vec::len), Some(3), "and nobody else");
}
