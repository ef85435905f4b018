//! A Kafka with ZooKeeper: a real ensemble of three servers and three brokers.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::metrics::{every_series_was_seen, scrape};
use crate::world::{Kafka, Permit, SMALL, ensemble, namespace, run, start};

trials! {
    an_ensemble_serves_heals_and_comes_back_from_its_disks,
    an_ensemble_without_a_majority_is_rolled_to_the_end,
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
    the_servers_serve_metrics(&kafka);
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
    let scrape = scrape(kafka, "ensemble-broker-0");
    for series in
        ["kafka_server_sessionexpirelistener_zookeeperexpires_total 0.0", "kafka_server_kafkaserver_brokerstate 3.0"]
    {
        assert!(scrape.contains(series), "no {series} in {scrape}");
    }
    let samples = scrape.lines().filter(|line| !line.starts_with('#')).count();
    assert!((60..500).contains(&samples), "{samples} samples");
}

fn the_servers_serve_metrics(kafka: &Kafka) {
    let scrapes: Vec<String> = (0..3).map(|ordinal| scrape(kafka, &format!("ensemble-zookeeper-{ordinal}"))).collect();
    let brokers = scrape(kafka, "ensemble-broker-0");
    for text in &scrapes {
        let samples = text.lines().filter(|line| !line.starts_with('#')).count();
        assert!((60..200).contains(&samples), "{samples} samples");
        assert!(text.contains("zookeeper_quorumsize 3.0\n"), "{text}");
    }
    let leaders = scrapes.iter().filter(|text| text.contains("\nzookeeper_leading 1.0\n")).count();
    let followers = scrapes.iter().filter(|text| text.contains("\nzookeeper_leading 0.0\n")).count();
    assert_eq!((leaders, followers), (1, 2), "{scrapes:?}");
    let seen = |text: &String| -> Vec<String> {
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        samples.filter_map(|sample| sample.split(['{', ' ']).next()).map(str::to_owned).collect()
    };
    // What one of them has, all have.
    let first: BTreeSet<String> = seen(&scrapes[0]).into_iter().filter(|name| name.starts_with("zookeeper_")).collect();
    for text in &scrapes {
        let missing: Vec<&String> = first.iter().filter(|name| !seen(text).contains(name)).collect();
        assert!(missing.is_empty(), "{missing:?} not in {text}");
    }
    let all: Vec<String> = scrapes.iter().chain([&brokers]).flat_map(seen).collect();
    let all: BTreeSet<&str> = all.iter().map(String::as_str).collect();
    every_series_was_seen(&all, |series| series.starts_with("zookeeper_") || series.contains("_zookeeper"));

    let metrics = kafka.run(&["status", "-o", "json"]).succeeded().json()["metrics"].take();
    let servers = metrics["zookeeper"].as_array().expect("servers");
    assert_eq!(servers.len(), 3, "{metrics}");
    for server in servers {
        for figure in ["latencyMs", "slowestMs", "outstanding", "connections", "znodes", "watches"] {
            assert!(server[figure].is_number(), "no {figure} in {server}");
        }
        assert!(server["heap"]["used"].is_number() && server["znodes"].as_u64() > Some(20), "{server}");
    }
    let addresses =
        kafka.kubectl(&["get", "endpoints", "ensemble-metrics", "-o", "jsonpath={.subsets[*].addresses[*].ip}"]);
    assert_eq!(addresses.split_whitespace().count(), 6, "every pod is behind the Service: {addresses}");
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

/// None of its servers found a node, so that none is ready before others were replaced too.
fn an_ensemble_without_a_majority_is_rolled_to_the_end() {
    let _permit = Permit::take();
    let namespace = namespace();
    let here = namespace.name.as_str();
    let document = |pods: &str| {
        format!(
            "apiVersion: kubectl-kafka/v1\nkind: Cluster\nmetadata: {{name: lost, namespace: {here}}}\nspec: {{mode: zookeeper, \
             brokers: 1, memory: 768Mi, cpu: 50m, storage: {{size: 1Gi}}, pods: {pods}}}\n"
        )
    };
    let nowhere = document("{nodeSelector: {disk: none}}");
    start(&["install", "-f", "-", "--no-wait"]).reading(nowhere).end().succeeded();
    let fixed = start(&["install", "-f", "-"]).within(START).reading(document("{}")).end().succeeded();
    let text = fixed.stdout_text();
    for ordinal in 0..3 {
        assert!(text.contains(&format!("pod/lost-zookeeper-{ordinal} restarted\n")), "{fixed}");
    }
    let status = run(&["status", "lost", "-n", here, "-o", "json"]).succeeded().json();
    assert_eq!((&status["healthy"], &status["zookeeper"]["wanted"]), (&true.into(), &3.into()), "{status}");
}
