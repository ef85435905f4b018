//! A Kafka with ZooKeeper: a real ensemble of three servers and three brokers.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::world::{Kafka, SMALL, ensemble, kubectl};

trials! {
    an_ensemble_serves_heals_and_comes_back_from_its_disks,
}

/// Six JVMs that start at once on two cores that also compile.
const START: Duration = Duration::from_secs(420);
/// A broker that died is missed when its session is over, after 18 s; on a busy machine everything takes longer.
const MISSED: Duration = Duration::from_secs(60);

fn an_ensemble_serves_heals_and_comes_back_from_its_disks() {
    let kafka = ensemble();
    let leader = every_server_tells_its_part(&kafka);
    kafka.run(&["verify"]).succeeded();
    let topic = kafka.topic(&["--partitions", "3", "--replication-factor", "3"]);
    kafka.produce(&topic, &[], "kept\n").succeeded();
    the_brokers_serve_metrics(&kafka);
    the_same_install_changes_nothing(&kafka);

    // As hard as Kubernetes can.
    kafka.kubectl(&["delete", "pod", &leader, "ensemble-broker-1", "--grace-period=0", "--force", "--wait=false"]);
    the_fault_is_seen(&kafka);
    kafka.start(&["status", "--wait", "--timeout", "240s"]).within(Duration::from_secs(260)).end().succeeded();
    assert_ne!(every_server_tells_its_part(&kafka), "", "another one leads, or the same again");
    // What only the controller may do, whoever that is now.
    kafka.run(&["topics", "delete", &kafka.topic(&[]), "--yes"]).succeeded();

    let restarted = kafka.start(&["restart", "--pod", "ensemble-zookeeper-1"]).within(START).end().succeeded();
    assert!(restarted.stdout_text().contains("ensemble-zookeeper-1"), "{restarted}");

    its_data_outlives_it(&kafka, &topic);
}

/// The pod that leads.
fn every_server_tells_its_part(kafka: &Kafka) -> String {
    let status = kafka.run(&["status", "-o", "json"]).succeeded().json();
    assert_eq!(status["healthy"], true, "{status}");
    assert_eq!(status["controllers"], serde_json::Value::Null);
    assert!(status["brokers"]["controller"].as_i64().is_some_and(|node| (100..=102).contains(&node)), "{status}");
    let items = status["zookeeper"]["items"].as_array().expect("servers");
    let with_mode = |mode: &str| items.iter().filter(|item| item["server"]["mode"] == mode).count();
    assert_eq!((items.len(), with_mode("leader"), with_mode("follower")), (3, 1, 2), "{status}");
    assert!(items.iter().all(|item| item["server"]["zxid"].as_str().is_some_and(|zxid| zxid.starts_with("0x"))));
    let text = kafka.run(&["status"]).succeeded().stdout_text();
    assert!(text.contains("ZooKeeper: ok, 3 of 3 serving") && !text.contains("Controllers:"), "{text}");
    let listed = kafka.run(&["clusters", "-o", "json"]).succeeded().json();
    assert_eq!(
        (&listed["items"][0]["mode"], &listed["items"][0]["zookeeper"]["ready"]),
        (&"zookeeper".into(), &3.into())
    );
    status["zookeeper"]["leader"].as_str().expect("a leader").to_owned()
}

fn the_brokers_serve_metrics(kafka: &Kafka) {
    let metrics = kafka.run(&["status", "-o", "json"]).succeeded().json()["metrics"].take();
    let brokers = metrics["brokers"].as_array().expect("brokers");
    assert_eq!(brokers.len(), 3, "{metrics}");
    for broker in brokers {
        for figure in ["messagesInPerSecond", "bytesInPerSecond", "networkProcessorsIdle", "zookeeperP99Ms"] {
            assert!(broker[figure].is_number(), "no {figure} in {broker}");
        }
    }
    // Every broker could be the controller, and one is.
    let active = metrics["controllers"].as_array().expect("controllers").iter().filter(|row| row["active"] == true);
    assert_eq!((active.count(), metrics["controllers"][2]["metadataLagMs"].clone()), (1, Value::Null), "{metrics}");
    let text = kafka.run(&["status", "-o", "wide"]).succeeded().stdout_text();
    assert!(text.contains("ZOOKEEPER-P99") && !text.contains("METADATA-LAG"), "{text}");
    let path = format!("/api/v1/namespaces/{}/pods/ensemble-broker-0:9404/proxy/metrics", kafka.namespace.name);
    let scrape = kubectl(&["get", "--raw", &path]);
    for series in
        ["kafka_server_sessionexpirelistener_zookeeperexpires_total 0.0", "kafka_server_kafkaserver_brokerstate 3.0"]
    {
        assert!(scrape.contains(series), "no {series} in {scrape}");
    }
    let samples = scrape.lines().filter(|line| !line.starts_with('#')).count();
    assert!((60..500).contains(&samples), "{samples} samples");
}

fn the_same_install_changes_nothing(kafka: &Kafka) {
    let generation = || kafka.kubectl(&["get", "statefulsets", "-o", "jsonpath={.items[*].metadata.generation}"]);
    let before = generation();
    let again = kafka.run(&[&["install", "ensemble", "--mode", "zookeeper"][..], &SMALL].concat()).succeeded();
    assert!(again.stderr.contains("nothing was changed"), "{again}");
    assert_eq!(generation(), before);
    let more = kafka.run(&["install", "ensemble", "--mode", "zookeeper", "--zookeeper-servers", "5"]);
    assert!(!more.is_success() && more.stderr.contains("zookeeper-servers"), "{more}");
    let kraft = kafka.run(&["install", "ensemble", "--mode", "kraft"]);
    assert!(!kraft.is_success() && kraft.stderr.contains("mode"), "{kraft}");
    assert_eq!(generation(), before);
}

fn the_fault_is_seen(kafka: &Kafka) {
    let began = Instant::now();
    let outcome = loop {
        let outcome = kafka.run(&["status"]);
        if !outcome.is_success() || began.elapsed() > MISSED {
            break outcome.exited(3);
        }
    };
    let text = outcome.stdout_text();
    assert!(text.contains("unhealthy") && text.contains("critical"), "{text}");
}

fn its_data_outlives_it(kafka: &Kafka, topic: &str) {
    let id = || kafka.run(&["version", "-o", "jsonpath={.cluster.clusterId}"]).succeeded().stdout_text();
    let before = id();
    kafka.start(&["uninstall", "ensemble", "--yes"]).within(START).end().succeeded();
    assert_eq!(kafka.kubectl(&["get", "pods,statefulsets", "-o", "name"]), "");
    assert_eq!(kafka.kubectl(&["get", "pvc", "-o", "name"]).lines().count(), 6);
    kafka.start(&["install", "ensemble"]).within(START).end().succeeded();
    assert_eq!(id(), before, "ZooKeeper kept it");
    assert_eq!(kafka.consume(topic, &[]).succeeded().lines(), ["kept"]);
}
