//! Asks Kubernetes and Kafka, and keeps its connection between looks.

use tokio::sync::Mutex;

use super::facts::{BrokerFacts, FETCH_TIMEOUT_MS, Facts};
use crate::connect::ensemble::{self, Answer};
use crate::connect::{self, Login, Session};
use crate::error::CommandError;
use crate::k8s::discover::{BrokerPod, KafkaCluster};
use crate::k8s::names::CLIENT_PORT;
use crate::k8s::rollout::{RollPod, Rollout};
use crate::k8s::{ClusterName, Kubernetes, Role};
use crate::kafka::admin::elections::{self, Elected};
use crate::kafka::admin::quorum::{self, Quorum};
use crate::kafka::admin::{cluster, configs, reassignments, topics};
use crate::kafka::{Ask, Cluster, ClusterOptions, Error, NodeId};

/// The setting that says how late a voter may be.
const FETCH_TIMEOUT: &str = "controller.quorum.fetch.timeout.ms";

/// Looks at one cluster.
pub struct Watcher<'a> {
    /// Where.
    pub kubernetes: &'a Kubernetes,
    /// Which.
    pub name: &'a ClusterName,
    login: Login,
    options: ClusterOptions,
    open: Mutex<Option<Open>>,
}

/// A connection, and what does not change while it lives.
struct Open {
    kafka: Cluster,
    fetch_timeout_ms: i64,
}

impl<'a> Watcher<'a> {
    /// Nothing is asked yet. Errors are not retried: the next look asks again.
    pub fn new(kubernetes: &'a Kubernetes, name: &'a ClusterName, login: Login, options: ClusterOptions) -> Self {
        Self { kubernetes, name, login, options, open: Mutex::new(None) }
    }

    /// Kubernetes' half. Two requests at once.
    pub async fn rollout(&self) -> crate::k8s::Result<Rollout> {
        Rollout::of(self.kubernetes, self.name).await
    }

    /// Both halves; Kafka's is asked over a connection that is kept.
    ///
    /// # Errors
    /// Kubernetes' only; what Kafka does not answer is a fact.
    pub async fn look(&self) -> crate::k8s::Result<Facts> {
        let rollout = self.rollout().await?;
        let mut open = self.open.lock().await;
        let brokers = self.brokers(&mut open, &rollout).await;
        let fetch_timeout_ms = open.as_ref().map_or(FETCH_TIMEOUT_MS, |open| open.fetch_timeout_ms);
        if rollout.has_zookeeper() {
            let ensemble = Some(self.ensemble(&rollout).await);
            if brokers.is_err() {
                *open = None;
            }
            let quorum = Err("there is none with ZooKeeper".to_owned());
            return Ok(Facts { rollout, quorum, brokers, fetch_timeout_ms, ensemble });
        }
        // A broker passes this on to a controller, which may hang: nothing waits behind it.
        let asked = match open.as_ref() {
            Some(open) => quorum::describe(&open.kafka).await.map_err(|error| error.to_string()),
            None => Err("no broker answers".to_owned()),
        };
        let quorum = match asked {
            Ok(quorum) => Ok(quorum),
            Err(_) => self.quorum_itself(&rollout).await,
        };
        if brokers.is_err() || quorum.is_err() {
            *open = None;
        }
        Ok(Facts { rollout, quorum, brokers, fetch_timeout_ms, ensemble: None })
    }

    /// Closes the connection: the broker at its other end is about to go.
    pub async fn disconnect(&self) {
        *self.open.lock().await = None;
    }

    /// Gives the preferred replicas their leadership back; how many partitions moved.
    pub async fn elect_preferred(&self) -> Result<Elected, CommandError> {
        let rollout = self.rollout().await?;
        let mut open = self.open.lock().await;
        let brokers = self.brokers(&mut open, &rollout).await.map_err(CommandError::failed)?;
        match open.as_ref() {
            Some(open) => Ok(elections::preferred(&open.kafka, &brokers.topics).await?),
            None => Err(CommandError::failed("no broker answers")),
        }
    }

    async fn brokers(&self, open: &mut Option<Open>, rollout: &Rollout) -> Result<BrokerFacts, String> {
        let connected = match open {
            Some(connected) => connected,
            None => open.insert(self.connect(rollout).await?),
        };
        facts(&connected.kafka).await.map_err(|error| error.to_string())
    }

    async fn connect(&self, rollout: &Rollout) -> Result<Open, String> {
        let serving = rollout.pods.iter().filter(|pod| pod.role == Role::Broker && pod.serves());
        // One that goes away would tell what it knew before.
        let place = self.place(serving);
        if place.brokers.is_empty() {
            return Err("no broker is ready".to_owned());
        }
        let session = Session::to_pods(self.kubernetes.clone(), place, self.options, &Ask::Nothing, &self.login)
            .await
            .map_err(|error| CommandError::from(error).message)?;
        let fetch_timeout_ms = fetch_timeout(&session.kafka).await.unwrap_or(FETCH_TIMEOUT_MS);
        Ok(Open { kafka: session.kafka, fetch_timeout_ms })
    }

    /// Every ZooKeeper server that should be there.
    async fn ensemble(&self, rollout: &Rollout) -> Vec<Answer> {
        let servers = rollout.workloads.get(&Role::ZooKeeper).map_or(0, |workload| workload.replicas);
        let pods: Vec<String> = (0..servers).map(|ordinal| self.name.pod(Role::ZooKeeper, ordinal)).collect();
        ensemble::ask(self.kubernetes, &self.kubernetes.namespace, &pods).await
    }

    fn place<'p>(&self, pods: impl IntoIterator<Item = &'p RollPod>) -> KafkaCluster {
        let pods = pods.into_iter().map(|pod| BrokerPod {
            name: pod.name.clone(),
            port: CLIENT_PORT,
            host: pod.host.clone(),
            tls: pod.tls,
            ready: pod.ready,
            phase: "Running".to_owned(),
        });
        KafkaCluster { name: self.name.clone(), namespace: self.kubernetes.namespace.clone(), brokers: pods.collect() }
    }

    /// The quorum from the controllers' own listener, when no broker passes the question on.
    async fn quorum_itself(&self, rollout: &Rollout) -> Result<Quorum, String> {
        let role = if rollout.is_combined() { Role::Broker } else { Role::Controller };
        let mut pods: Vec<&RollPod> = rollout.pods.iter().filter(|pod| pod.role == role && !pod.leaving).collect();
        pods.sort_by_key(|pod| !pod.ready);
        let voters = self.place(pods);
        connect::quorum_from_controllers(&self.login, self.kubernetes, &voters, self.options.request_timeout).await
    }
}

/// Four requests, three of them at once.
async fn facts(kafka: &Cluster) -> Result<BrokerFacts, Error> {
    let all = Ask::AllTopics;
    let (described, metadata, moving) =
        tokio::join!(cluster::describe(kafka), kafka.metadata(&all), reassignments::ongoing(kafka));
    let metadata = metadata?;
    let controller = Some(NodeId(metadata.controller_id.0)).filter(|node| node.0 >= 0);
    let (topics, _) = topics::from_metadata(&metadata);
    let min_in_sync = configs::min_in_sync(kafka, &topics).await?;
    let moving = moving?.into_iter().map(|moving| (moving.topic, moving.partition)).collect();
    let serving = described?.brokers.iter().filter(|broker| !broker.fenced).map(|broker| broker.node).collect();
    Ok(BrokerFacts { topics, min_in_sync, moving, serving, controller })
}

/// As any broker is configured; every node gets the same properties.
async fn fetch_timeout(kafka: &Cluster) -> Option<i64> {
    let node = kafka.brokers().first()?.node;
    let entries = configs::describe_broker(kafka, node, Some(&[FETCH_TIMEOUT])).await.ok()?;
    entries.into_iter().next()?.value?.parse().ok()
}
