//! What the pods' metrics say at a glance: from scrapes to figures, pure.
//!
//! One scrape has to do, beside everything else that is asked: rates are the one-minute averages that Kafka keeps
//! itself. The difference between two scrapes would make every look a second longer, and a second of traffic that
//! comes in batches says less than a minute of it.

mod text;

use serde::Serialize;

use super::verdict::Facts;
use crate::connect::metrics::{Answer, Endpoint, Failure};
use crate::k8s::Role;
use crate::k8s::inspect::PodState;
use crate::kafka::NodeId;
use crate::prometheus::Scrape;

pub(super) use text::text;

const MESSAGES_IN: &str = "kafka_server_brokertopicmetrics_messagesin_rate1m";
const BYTES_IN: &str = "kafka_server_brokertopicmetrics_bytesin_rate1m";
const BYTES_OUT: &str = "kafka_server_brokertopicmetrics_bytesout_rate1m";
const TOTAL_TIME: &str = "kafka_network_requestmetrics_totaltimems";
const REQUESTS: &str = "kafka_network_requestmetrics_totaltimems_count_total";
const HANDLERS_IDLE: &str = "kafka_server_kafkarequesthandlerpool_requesthandleravgidlepercent";
const NETWORK_IDLE: &str = "kafka_network_socketserver_networkprocessoravgidlepercent";
const CONNECTIONS: &str = "kafka_server_socketservermetrics_connection_count";
const ZOOKEEPER_LATENCY: &str = "kafka_server_zookeeperclientmetrics_zookeeperrequestlatencyms";
const ACTIVE: &str = "kafka_controller_kafkacontroller_activecontrollercount";
const EVENT_QUEUE: &str = "kafka_controller_controllereventmanager_eventqueuetimems";
const METADATA_LAG: &str = "kafka_controller_kafkacontroller_lastappliedrecordlagms";
const METADATA_ERRORS: &str = "kafka_controller_kafkacontroller_metadataerrorcount";
const HEAP_USED: &str = "jvm_memory_used_bytes";
const HEAP_MAX: &str = "jvm_memory_max_bytes";

const SERVER_LATENCY: &str = "zookeeper_avgrequestlatency";
const SERVER_SLOWEST: &str = "zookeeper_maxrequestlatency";
const SERVER_OUTSTANDING: &str = "zookeeper_outstandingrequests";
const SERVER_CONNECTIONS: &str = "zookeeper_numaliveconnections";
const SERVER_NODES: &str = "zookeeper_nodecount";
const SERVER_WATCHES: &str = "zookeeper_watchcount";

/// All that is shown, and so all that is asked for.
pub(super) const SERIES: [&str; 21] = [
    MESSAGES_IN,
    BYTES_IN,
    BYTES_OUT,
    TOTAL_TIME,
    REQUESTS,
    HANDLERS_IDLE,
    NETWORK_IDLE,
    CONNECTIONS,
    ZOOKEEPER_LATENCY,
    ACTIVE,
    EVENT_QUEUE,
    METADATA_LAG,
    METADATA_ERRORS,
    SERVER_LATENCY,
    SERVER_SLOWEST,
    SERVER_OUTSTANDING,
    SERVER_CONNECTIONS,
    SERVER_NODES,
    SERVER_WATCHES,
    HEAP_USED,
    HEAP_MAX,
];

/// Listeners that only the cluster's own nodes use.
const OWN_LISTENERS: [&str; 2] = ["INTERNAL", "CONTROLLER"];

/// The figures of every pod with an endpoint. Pods that the caller may not reach are not in it, but in `unseen`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MetricsSection {
    brokers: Vec<Row<BrokerFigures>>,
    /// With combined roles and with ZooKeeper, the brokers again, as controllers.
    controllers: Vec<Row<ControllerFigures>>,
    /// ZooKeeper's servers; empty in a KRaft cluster.
    zookeeper: Vec<Row<ServerFigures>>,
}

/// A pod's figures; all of them `None` when it could not be asked.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<F> {
    /// `None` for ZooKeeper's servers, which are no nodes of Kafka's.
    node: Option<NodeId>,
    pod: String,
    /// Why it could not be asked.
    error: Option<String>,
    #[serde(flatten)]
    figures: F,
}

/// `None` is what the endpoint does not tell.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct BrokerFigures {
    /// From clients, over the last minute.
    messages_in_per_second: Option<f64>,
    bytes_in_per_second: Option<f64>,
    /// To clients.
    bytes_out_per_second: Option<f64>,
    /// Since the broker started; without any, their time means nothing.
    produce_requests: Option<u64>,
    /// Milliseconds from the request's arrival to the answer's departure.
    produce_p99_ms: Option<f64>,
    fetch_requests: Option<u64>,
    /// As for produce; the time in which a consumer waits for messages is part of it.
    fetch_p99_ms: Option<f64>,
    /// From 0 (all of them busy) to 1.
    request_handlers_idle: Option<f64>,
    network_processors_idle: Option<f64>,
    /// Of clients; this report's own may be among them.
    connections: Option<u64>,
    /// With ZooKeeper: how long its answers took.
    zookeeper_p99_ms: Option<f64>,
    heap: Option<Heap>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ControllerFigures {
    /// Whether it takes itself for the one that decides.
    active: Option<bool>,
    /// Milliseconds that events waited before they were looked at.
    event_queue_p99_ms: Option<f64>,
    /// Milliseconds since the newest record that it knows was written; `None` with ZooKeeper.
    metadata_lag_ms: Option<f64>,
    metadata_errors: Option<u64>,
    heap: Option<Heap>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ServerFigures {
    /// Milliseconds that a request took on average, since the server joined the quorum.
    latency_ms: Option<f64>,
    slowest_ms: Option<f64>,
    /// Requests that wait.
    outstanding: Option<u64>,
    connections: Option<u64>,
    /// Entries of ZooKeeper's tree.
    znodes: Option<u64>,
    watches: Option<u64>,
    heap: Option<Heap>,
}

/// Bytes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Heap {
    used: u64,
    max: Option<u64>,
}

/// Where to ask: the running pods with an endpoint.
pub(super) fn endpoints(pods: &[PodState]) -> Vec<Endpoint> {
    let of = |(pod, port): (&PodState, u16)| pod.may_answer().then(|| Endpoint { pod: pod.name.clone(), port });
    served(pods).filter_map(of).collect()
}

/// The pods that have an endpoint, and its port.
fn served(pods: &[PodState]) -> impl Iterator<Item = (&PodState, u16)> {
    pods.iter().filter_map(|pod| Some((pod, pod.metrics_port?)))
}

/// The section; `None` where nobody asked, and where no pod has an endpoint.
pub(super) fn section(facts: &Facts) -> Option<MetricsSection> {
    let answers = facts.metrics.as_ref()?;
    served(&facts.pods).next()?;
    let mut section = MetricsSection::default();
    for (pod, _) in served(&facts.pods) {
        let answer = answers.iter().find(|answer| answer.pod == pod.name).map(|answer| &answer.scrape);
        let scrape = match answer {
            Some(Ok(scrape)) => Ok(scrape),
            Some(Err(Failure::Forbidden(_))) => continue,
            Some(Err(Failure::Other(reason))) => Err(reason.clone()),
            None => Err(format!("pod {} does not run", pod.name)),
        };
        // A broker that has a controller's figures is one, too.
        let is_controller = scrape.as_ref().is_ok_and(|scrape| scrape.value(ACTIVE, &[]).is_some());
        if pod.role == Role::Broker {
            section.brokers.push(Row::of(pod, &scrape, broker));
        }
        if pod.role == Role::Controller || is_controller {
            section.controllers.push(Row::of(pod, &scrape, controller));
        }
        if pod.role == Role::ZooKeeper {
            section.zookeeper.push(Row::of(pod, &scrape, server));
        }
    }
    section.brokers.sort_by_key(|row| row.node);
    section.controllers.sort_by_key(|row| row.node);
    Some(section)
}

/// What the caller's Role did not let this report see, in a line.
pub(super) fn unseen(answers: &[Answer]) -> Option<String> {
    let forbidden = answers.iter().filter_map(|answer| match &answer.scrape {
        Err(Failure::Forbidden(reason)) => Some((answer.pod.as_str(), reason)),
        _ => None,
    });
    // The reasons differ in the pod only.
    let (pods, reasons): (Vec<&str>, Vec<&String>) = forbidden.unzip();
    Some(format!("the metrics of {}: {}", pods.join(", "), reasons.first()?))
}

impl<F: Default> Row<F> {
    /// Kafka's name of it, or its pod's.
    fn name(&self) -> String {
        self.node.map_or_else(|| self.pod.clone(), |node| node.to_string())
    }

    fn of(pod: &PodState, scrape: &Result<&Scrape, String>, read: fn(&Scrape) -> F) -> Self {
        Self {
            node: (pod.role != Role::ZooKeeper).then_some(NodeId(pod.node_id)),
            pod: pod.name.clone(),
            error: scrape.as_ref().err().cloned(),
            figures: scrape.as_ref().map(|scrape| read(scrape)).unwrap_or_default(),
        }
    }
}

fn broker(scrape: &Scrape) -> BrokerFigures {
    let value = |name: &str| scrape.value(name, &[]).map(rounded);
    let requests = |kind: &str| scrape.value(REQUESTS, &[("request", kind)]).map(whole);
    let p99 = |kind: &str| scrape.value(TOTAL_TIME, &[("request", kind), ("quantile", "0.99")]).map(rounded);
    BrokerFigures {
        messages_in_per_second: value(MESSAGES_IN),
        bytes_in_per_second: value(BYTES_IN),
        bytes_out_per_second: value(BYTES_OUT),
        produce_requests: requests("Produce"),
        produce_p99_ms: p99("Produce"),
        fetch_requests: requests("FetchConsumer"),
        fetch_p99_ms: p99("FetchConsumer"),
        // Exactly 0 is an average that has not begun, for the first five seconds of a broker's life.
        request_handlers_idle: scrape.value(HANDLERS_IDLE, &[]).filter(|idle| *idle > 0.0).map(rounded),
        network_processors_idle: value(NETWORK_IDLE),
        connections: connections(scrape),
        zookeeper_p99_ms: scrape.value(ZOOKEEPER_LATENCY, &[("quantile", "0.99")]).map(rounded),
        heap: heap(scrape),
    }
}

fn controller(scrape: &Scrape) -> ControllerFigures {
    ControllerFigures {
        active: scrape.value(ACTIVE, &[]).map(|count| count > 0.0),
        event_queue_p99_ms: scrape.value(EVENT_QUEUE, &[("quantile", "0.99")]).map(rounded),
        metadata_lag_ms: scrape.value(METADATA_LAG, &[]).map(rounded),
        metadata_errors: scrape.value(METADATA_ERRORS, &[]).map(whole),
        heap: heap(scrape),
    }
}

fn server(scrape: &Scrape) -> ServerFigures {
    let value = |name: &str| scrape.value(name, &[]);
    ServerFigures {
        latency_ms: value(SERVER_LATENCY).map(rounded),
        slowest_ms: value(SERVER_SLOWEST).map(rounded),
        outstanding: value(SERVER_OUTSTANDING).map(whole),
        connections: value(SERVER_CONNECTIONS).map(whole),
        znodes: value(SERVER_NODES).map(whole),
        watches: value(SERVER_WATCHES).map(whole),
        heap: heap(scrape),
    }
}

/// Over all network threads.
fn connections(scrape: &Scrape) -> Option<u64> {
    let of_clients = |listener: Option<&str>| listener.is_none_or(|listener| !OWN_LISTENERS.contains(&listener));
    let mut counts = scrape.of(CONNECTIONS).filter(|sample| of_clients(sample.label("listener"))).peekable();
    counts.peek()?;
    Some(whole(counts.map(|sample| sample.value).sum()))
}

fn heap(scrape: &Scrape) -> Option<Heap> {
    let area = [("area", "heap")];
    // Java says -1 where there is no limit.
    let max = scrape.value(HEAP_MAX, &area).filter(|max| *max > 0.0).map(whole);
    Some(Heap { used: whole(scrape.value(HEAP_USED, &area)?), max })
}

/// Counts are far from what a float cannot hold, and never negative.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float saturates")]
fn whole(value: f64) -> u64 {
    value.round() as u64
}

/// Averages fade away without ever reaching 0, and clocks are not read in nanoseconds.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests;
