//! Figures from scrapes as real pods write them.

use super::*;
use crate::commands::status::model::Status;
use crate::connect::metrics::Failure::{Forbidden, Other};
use crate::ui::{TextOptions, View};

const BROKER: &str = r#"# HELP jvm_memory_used_bytes Used bytes of a given JVM memory area.
# TYPE jvm_memory_used_bytes gauge
jvm_memory_max_bytes{area="heap"} 4.02653184E8
jvm_memory_max_bytes{area="nonheap"} -1.0
jvm_memory_used_bytes{area="heap"} 1.6152356E8
jvm_memory_used_bytes{area="nonheap"} 2.3032752E7
kafka_network_requestmetrics_totaltimems{quantile="0.50",request="Produce"} 25.0
kafka_network_requestmetrics_totaltimems{quantile="0.99",request="FetchConsumer"} 1531.4
kafka_network_requestmetrics_totaltimems{quantile="0.99",request="FetchFollower"} 0.0
kafka_network_requestmetrics_totaltimems{quantile="0.99",request="Produce"} 47.0
kafka_network_requestmetrics_totaltimems_count_total{request="FetchConsumer"} 3.0
kafka_network_requestmetrics_totaltimems_count_total{request="Produce"} 4.0
kafka_network_socketserver_networkprocessoravgidlepercent 1.0
kafka_server_brokertopicmetrics_bytesin_rate1m 1885.20384
kafka_server_brokertopicmetrics_bytesout_rate1m 3.1E-9
kafka_server_brokertopicmetrics_messagesin_rate1m 319.7412
kafka_server_kafkarequesthandlerpool_requesthandleravgidlepercent 0.9847909227883007
kafka_server_socketservermetrics_connection_count{listener="CLIENT",network_processor="3"} 2.0
kafka_server_socketservermetrics_connection_count{listener="CLIENT",network_processor="4"} 1.0
kafka_server_socketservermetrics_connection_count{listener="INTERNAL",network_processor="0"} 9.0
kafka_server_socketservermetrics_connection_count{listener="PUBLIC",network_processor="6"} 1.0
"#;

const CONTROLLER: &str = r#"jvm_memory_max_bytes{area="heap"} -1.0
jvm_memory_used_bytes{area="heap"} 3.039572E7
kafka_controller_controllereventmanager_eventqueuetimems{quantile="0.99"} 18.0
kafka_controller_kafkacontroller_activecontrollercount 1.0
kafka_controller_kafkacontroller_lastappliedrecordlagms 167.0
kafka_controller_kafkacontroller_metadataerrorcount 0.0
"#;

/// What a broker says that has just started, before it has measured anything.
const IDLE: &str = r#"kafka_network_requestmetrics_totaltimems{quantile="0.99",request="Produce"} 0.0
kafka_network_requestmetrics_totaltimems_count_total{request="Produce"} 0.0
kafka_network_socketserver_networkprocessoravgidlepercent NaN
kafka_server_brokertopicmetrics_messagesin_rate1m 0.04
kafka_server_kafkarequesthandlerpool_requesthandleravgidlepercent 0.0
"#;

const SERVER: &str = r#"jvm_memory_max_bytes{area="heap"} 4.02653184E8
jvm_memory_used_bytes{area="heap"} 4.4040192E7
zookeeper_avgrequestlatency 8.4378
zookeeper_leading 0.0
zookeeper_maxrequestlatency 242.0
zookeeper_nodecount 178.0
zookeeper_numaliveconnections 2.0
zookeeper_outstandingrequests 0.0
zookeeper_watchcount 61.0
"#;

fn pod(role: Role, ordinal: u32) -> PodState {
    PodState { metrics_port: Some(9404), ..PodState::sample(role, ordinal) }
}

fn facts(pods: &[(Role, u32, Result<&str, Failure>)]) -> Facts {
    let answer = |(role, ordinal, said): &(Role, u32, Result<&str, Failure>)| Answer {
        pod: pod(*role, *ordinal).name,
        scrape: said.clone().map(|text| Scrape::parse(text).expect(text)),
    };
    Facts {
        name: "demo".into(),
        namespace: Some("kafka".into()),
        pods: pods.iter().map(|(role, ordinal, _)| pod(*role, *ordinal)).collect(),
        metrics: Some(pods.iter().map(answer).collect()),
        ..Facts::default()
    }
}

/// The report's own section.
fn shown(facts: &Facts) -> String {
    let text = Status::from_facts(facts).text(TextOptions { wide: true, no_headers: false });
    let (_, section) = text.split_once("\nMetrics:").unwrap_or_default();
    section.split("\nProblems:").next().unwrap_or_default().to_owned()
}

#[test]
fn brokers_and_controllers() {
    let facts = facts(&[
        (Role::Controller, 0, Ok(CONTROLLER)),
        (Role::Broker, 0, Ok(BROKER)),
        (Role::Broker, 1, Err(Other("nothing listens on port 9404 of pod demo-broker-1 (yet)".into()))),
        (Role::Broker, 2, Ok(IDLE)),
    ]);
    insta::assert_snapshot!(shown(&facts), @r"
    320 messages/s and 1.8Ki/s in, 0B/s out over the last minute, from 1 of 3 brokers
     node 101: nothing listens on port 9404 of pod demo-broker-1 (yet)
     BROKER   MESSAGES-IN   BYTES-IN    BYTES-OUT   PRODUCE-P99   FETCH-P99   HANDLERS-IDLE   NETWORK-IDLE   CONNECTIONS   HEAP
     100      320/s         1.8Ki/s     0B/s        47ms          1.5s        98%             100%           4             154Mi/384Mi
     101      <unknown>     <unknown>   <unknown>   <unknown>     <unknown>   <unknown>       <unknown>      <unknown>     <unknown>
     102      0/s           <unknown>   <unknown>   <none>        <unknown>   <unknown>       <unknown>      <unknown>     <unknown>

     CONTROLLER   ACTIVE   QUEUE-P99   METADATA-LAG   METADATA-ERRORS   HEAP
     0            True     18ms        167ms          0                 29.0Mi
    ");
}

#[test]
fn the_sum_is_one_of_all_brokers() {
    let facts = facts(&[(Role::Broker, 0, Ok(BROKER)), (Role::Broker, 1, Ok(BROKER))]);
    assert!(shown(&facts).starts_with(" 639 messages/s and 3.7Ki/s in, 0B/s out over the last minute\n"));
}

#[test]
fn a_broker_that_is_a_controller_is_in_both_tables() {
    let both = format!("{BROKER}{}", CONTROLLER.replace("jvm_", "other_"));
    insta::assert_snapshot!(shown(&facts(&[(Role::Broker, 0, Ok(&both)), (Role::Broker, 1, Ok(BROKER))])), @r"
    639 messages/s and 3.7Ki/s in, 0B/s out over the last minute
     BROKER   MESSAGES-IN   BYTES-IN   BYTES-OUT   PRODUCE-P99   FETCH-P99   HANDLERS-IDLE   NETWORK-IDLE   CONNECTIONS   HEAP
     100      320/s         1.8Ki/s    0B/s        47ms          1.5s        98%             100%           4             154Mi/384Mi
     101      320/s         1.8Ki/s    0B/s        47ms          1.5s        98%             100%           4             154Mi/384Mi

     CONTROLLER   ACTIVE   QUEUE-P99   METADATA-LAG   METADATA-ERRORS   HEAP
     100          True     18ms        167ms          0                 154Mi/384Mi
    ");
}

#[test]
fn zookeepers_broker_tells_of_zookeeper_and_not_of_a_quorum() {
    let said = r#"kafka_controller_kafkacontroller_activecontrollercount 0.0
kafka_controller_controllereventmanager_eventqueuetimems{quantile="0.99"} 1024.0
kafka_server_zookeeperclientmetrics_zookeeperrequestlatencyms{quantile="0.99"} 9.0
"#;
    let lost = "jvm_memory_used_bytes{area=\"heap\"} 4.4040192E7\nzookeeper_leading 0.0\n";
    let facts = facts(&[
        (Role::ZooKeeper, 0, Ok(SERVER)),
        (Role::ZooKeeper, 1, Ok(lost)),
        (Role::ZooKeeper, 2, Err(Other("no metrics came within 5 s".into()))),
        (Role::Broker, 0, Ok(&format!("{BROKER}{said}"))),
    ]);
    insta::assert_snapshot!(shown(&facts), @r"
    320 messages/s and 1.8Ki/s in, 0B/s out over the last minute
     demo-zookeeper-2: no metrics came within 5 s
     BROKER   MESSAGES-IN   BYTES-IN   BYTES-OUT   PRODUCE-P99   FETCH-P99   HANDLERS-IDLE   NETWORK-IDLE   CONNECTIONS   HEAP          ZOOKEEPER-P99
     100      320/s         1.8Ki/s    0B/s        47ms          1.5s        98%             100%           4             154Mi/384Mi   9ms

     CONTROLLER   ACTIVE   QUEUE-P99   HEAP
     100          False    1.0s        154Mi/384Mi

     ZOOKEEPER          LATENCY     SLOWEST     OUTSTANDING   CONNECTIONS   ZNODES      WATCHES     HEAP
     demo-zookeeper-0   8.4ms       242ms       0             2             178         61          42Mi/384Mi
     demo-zookeeper-1   <unknown>   <unknown>   <unknown>     <unknown>     <unknown>   <unknown>   42Mi
     demo-zookeeper-2   <unknown>   <unknown>   <unknown>     <unknown>     <unknown>   <unknown>   <unknown>
    ");
    assert_eq!(endpoints(&facts.pods).len(), 4);
    let metrics = serde_json::to_value(Status::from_facts(&facts)).expect("JSON")["metrics"].take();
    let server = &metrics["zookeeper"][0];
    assert_eq!((&server["pod"], &server["node"]), (&"demo-zookeeper-0".into(), &serde_json::Value::Null));
    assert_eq!((&server["latencyMs"], &server["outstanding"]), (&8.438.into(), &0.into()));
}

#[test]
fn in_a_document_every_figure_has_a_name() {
    let facts = facts(&[(Role::Controller, 0, Ok(CONTROLLER)), (Role::Broker, 0, Ok(BROKER))]);
    let metrics = serde_json::to_value(Status::from_facts(&facts)).expect("JSON")["metrics"].take();
    insta::assert_snapshot!(serde_json::to_string_pretty(&metrics).expect("JSON"), @r#"
    {
      "brokers": [
        {
          "node": 100,
          "pod": "demo-broker-0",
          "error": null,
          "messagesInPerSecond": 319.741,
          "bytesInPerSecond": 1885.204,
          "bytesOutPerSecond": 0.0,
          "produceRequests": 4,
          "produceP99Ms": 47.0,
          "fetchRequests": 3,
          "fetchP99Ms": 1531.4,
          "requestHandlersIdle": 0.985,
          "networkProcessorsIdle": 1.0,
          "connections": 4,
          "zookeeperP99Ms": null,
          "heap": {
            "used": 161523560,
            "max": 402653184
          }
        }
      ],
      "controllers": [
        {
          "node": 0,
          "pod": "demo-controller-0",
          "error": null,
          "active": true,
          "eventQueueP99Ms": 18.0,
          "metadataLagMs": 167.0,
          "metadataErrors": 0,
          "heap": {
            "used": 30395720,
            "max": null
          }
        }
      ],
      "zookeeper": []
    }
    "#);
}

#[test]
fn a_pod_that_does_not_run_is_not_asked_and_said_so() {
    let mut facts = facts(&[(Role::Broker, 0, Ok(BROKER))]);
    (facts.pods[0].ready, facts.pods[0].state) = (false, "CrashLoopBackOff".into());
    facts.metrics = Some(Vec::new());
    assert_eq!(endpoints(&facts.pods), []);
    assert!(shown(&facts).contains("node 100: pod demo-broker-0 does not run\n"), "{}", shown(&facts));
}

#[test]
fn what_the_role_forbids_is_no_failure_but_not_seen() {
    let forbidden = |pod: &str| Err(Forbidden(format!("pods \"{pod}\" is forbidden")));
    let facts = facts(&[
        (Role::Controller, 0, forbidden("demo-controller-0")),
        (Role::Controller, 1, forbidden("demo-controller-1")),
        (Role::Broker, 0, Ok(BROKER)),
    ]);
    let status = Status::from_facts(&facts);
    let line = "the metrics of demo-controller-0, demo-controller-1: pods \"demo-controller-0\" is forbidden";
    assert_eq!(status.unseen, [line]);
    assert!(shown(&facts).contains("BROKER") && !shown(&facts).contains("CONTROLLER "), "{}", shown(&facts));
    assert!(status.problems.iter().all(|problem| !problem.message.contains("metrics")), "{:?}", status.problems);
}

#[test]
fn without_metrics_wide_says_how_to_have_them_and_plain_says_nothing() {
    let mut facts = facts(&[(Role::Broker, 0, Ok(BROKER))]);
    assert!(!Status::from_facts(&facts).text(TextOptions::default()).contains("Metrics"));
    facts.pods[0].metrics_port = None;
    facts.metrics = Some(Vec::new());
    assert_eq!(Status::from_facts(&facts).metrics, None);
    assert_eq!(shown(&facts), " none; `kubectl kafka install demo --metrics` serves them\n");
    facts.namespace = None;
    assert_eq!(shown(&facts), "", "nobody knows behind a bootstrap server");
}

#[test]
fn a_broker_without_a_moment_to_spare_is_not_one_that_has_not_measured_yet() {
    let idle = |value: &str| {
        let said = format!("{HANDLERS_IDLE} {value}\n");
        broker(&Scrape::parse(&said).expect("a sample")).request_handlers_idle
    };
    assert_eq!((idle("0.0"), idle("4.1E-5"), idle("0.25")), (None, Some(0.0), Some(0.25)));
}

#[test]
fn every_series_that_is_read_is_asked_for() {
    let everything = format!(
        "{BROKER}{CONTROLLER}{SERVER}kafka_server_zookeeperclientmetrics_zookeeperrequestlatencyms{{quantile=\"0.99\"}} 9.0\n"
    );
    let asked: String = everything
        .lines()
        .filter(|line| SERIES.contains(&line.split(['{', ' ']).next().unwrap_or_default()))
        .map(|line| format!("{line}\n"))
        .collect();
    let (all, chosen) = (Scrape::parse(&everything).expect("all"), Scrape::parse(&asked).expect("chosen"));
    assert_eq!(broker(&all), broker(&chosen));
    assert_eq!(controller(&all), controller(&chosen));
    assert_eq!(server(&all), server(&chosen));
    assert!(server(&chosen).watches.is_some(), "{:?}", server(&chosen));
    let BrokerFigures { zookeeper_p99_ms, heap, messages_in_per_second, .. } = broker(&chosen);
    assert!(zookeeper_p99_ms.is_some() && heap.is_some() && messages_in_per_second.is_some());
}
