//! A Kafka cluster as a client sees it: many connections, one view of who is who.
//!
//! Requests go to any broker, to one node, or to every broker at once. A connection that broke is
//! opened again; transient errors are retried until the deadline.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{DescribeQuorumRequest, MetadataRequest, MetadataResponse, TopicName as WireTopicName};
use kafka_protocol::protocol::{Request, StrBytes};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::connection::Connection;
use super::dial::{Dialer, Endpoint, NodeId, Target};
use super::error::{Error, Result};
use super::security;

/// The version in which the very first Metadata goes out, before the range of the broker is known:
/// known to every Kafka since 3.1 and to Redpanda. Older brokers close the connection and are asked again.
const FIRST_METADATA: i16 = 12;

/// Pause between two tries of a request; short, because a tunnel answers in milliseconds and a broker
/// that restarts is back within seconds.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// With ZooKeeper, a controller that dies keeps its place until its session is over, which takes 18 s where nobody
/// changed it; then another broker is elected and tells the others. Kafka's own client looks for it for 60 s.
const FAILOVER: Duration = Duration::from_secs(40);

/// How a cluster is spoken to.
#[derive(Debug, Clone, Copy)]
pub struct ClusterOptions {
    /// The deadline of each request.
    pub request_timeout: Duration,
    /// How long transient errors are retried. Zero: never.
    pub retry_for: Duration,
}

/// A broker of the Metadata answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broker {
    /// Its node id.
    pub node: NodeId,
    /// What it advertises on the listener we came through.
    pub endpoint: Endpoint,
    /// `broker.rack`
    pub rack: Option<String>,
}

/// Which topics a Metadata request asks about. It never creates one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Brokers only.
    Nothing,
    /// Every topic.
    AllTopics,
    /// These topics.
    Topics(Vec<String>),
}

type Slot = Arc<OnceCell<Arc<Connection>>>;

struct State {
    brokers: Vec<Broker>,
    controller: Option<NodeId>,
    cluster_id: Option<String>,
    bootstrap: Slot,
    nodes: HashMap<NodeId, Slot>,
}

/// Connections to a cluster. Share it by reference; every method may be called from many tasks.
pub struct Cluster {
    dialer: Arc<dyn Dialer>,
    options: ClusterOptions,
    state: Mutex<State>,
}

impl Cluster {
    /// Connects to any broker and asks for the metadata in the same round trip.
    pub async fn connect(
        dialer: Arc<dyn Dialer>,
        options: ClusterOptions,
        ask: &Ask,
    ) -> Result<(Self, MetadataResponse)> {
        let cluster = Self {
            dialer,
            options,
            state: Mutex::new(State {
                brokers: Vec::new(),
                controller: None,
                cluster_id: None,
                bootstrap: Slot::default(),
                nodes: HashMap::new(),
            }),
        };
        let metadata = cluster.retrying(|| cluster.first_contact(ask)).await?;
        Ok((cluster, metadata))
    }

    /// The brokers of the newest Metadata answer (fenced ones are not among them), by node id.
    pub fn brokers(&self) -> Vec<Broker> {
        self.state().brokers.clone()
    }

    /// The cluster's id, where the broker tells one.
    pub fn cluster_id(&self) -> Option<String> {
        self.state().cluster_id.clone()
    }

    /// The dialer, for a gateway to the same cluster.
    pub fn dialer(&self) -> Arc<dyn Dialer> {
        Arc::clone(&self.dialer)
    }

    /// The deadline of each request.
    pub fn options(&self) -> ClusterOptions {
        self.options
    }

    /// Asks any broker for metadata and learns the brokers from it.
    pub async fn metadata(&self, ask: &Ask) -> Result<MetadataResponse> {
        let response = self.any(&metadata_request(ask)).await?;
        self.learn(&response);
        Ok(response)
    }

    /// Sends a request to any broker.
    pub async fn any<R: Request + Sync>(&self, request: &R) -> Result<R::Response>
    where
        R::Response: Send,
    {
        self.retrying(|| async {
            let connection = self.bootstrap().await?;
            connection.send(request).await
        })
        .await
    }

    /// Sends a request to one node.
    pub async fn node<R: Request + Sync>(&self, node: NodeId, request: &R) -> Result<R::Response>
    where
        R::Response: Send,
    {
        self.retrying(|| async {
            let connection = self.connection(node).await?;
            connection.send(request).await
        })
        .await
    }

    /// Sends a request that changes something to the controller. In KRaft that is any broker, which
    /// forwards it; with ZooKeeper it is the broker that Metadata names, and one that died is waited out, unless
    /// nothing is retried.
    ///
    /// It is repeated only while it certainly was not sent: a create that is sent twice would report
    /// that its own topic exists already.
    pub async fn controller<R: Request + Sync>(&self, request: &R) -> Result<R::Response>
    where
        R::Response: Send,
    {
        let bootstrap = self.retrying(|| self.bootstrap()).await?;
        // Only KRaft brokers know this request, and they forward what is the controller's.
        let connection = if bootstrap.supports::<DescribeQuorumRequest>().is_some() {
            bootstrap
        } else {
            let retry_for = self.options.retry_for;
            let patience = if retry_for.is_zero() { retry_for } else { retry_for.max(FAILOVER) };
            retrying_for(patience, || self.elected_controller()).await?
        };
        connection.send(request).await
    }

    /// A connection to the broker that the newest metadata calls the controller.
    async fn elected_controller(&self) -> Result<Arc<Connection>> {
        let controller = self.state().controller;
        let connected = match controller {
            Some(node) => self.connection(node).await,
            None => Err(Error::NoController),
        };
        if connected.as_ref().is_err_and(Error::is_transient) {
            // It may be dead, and another broker the controller by now: the next try asks that one.
            self.metadata(&Ask::Nothing).await?;
        }
        connected
    }

    /// Sends the same request to every broker at once; each row has its own outcome.
    pub async fn each_broker<R: Request + Sync>(&self, request: &R) -> Vec<(NodeId, Result<R::Response>)>
    where
        R::Response: Send,
    {
        let nodes: Vec<NodeId> = self.brokers().iter().map(|broker| broker.node).collect();
        join_all(nodes.into_iter().map(|node| async move { (node, self.node(node, request).await) })).await
    }

    /// A connection to any broker.
    pub async fn bootstrap(&self) -> Result<Arc<Connection>> {
        let slot = {
            let mut state = self.state();
            if state.bootstrap.get().is_some_and(|connection| connection.is_closed()) {
                state.bootstrap = Slot::default();
            }
            Arc::clone(&state.bootstrap)
        };
        slot.get_or_try_init(|| async {
            let stream = self.dialer.dial(&Target::Bootstrap).await?;
            Ok(Arc::new(Connection::open(stream, Target::Bootstrap.to_string(), self.options.request_timeout).await?))
        })
        .await
        .cloned()
    }

    /// A connection to one node.
    pub async fn connection(&self, node: NodeId) -> Result<Arc<Connection>> {
        let (slot, endpoint) = {
            let mut state = self.state();
            let endpoint = state
                .brokers
                .iter()
                .find(|broker| broker.node == node)
                .map(|broker| broker.endpoint.clone())
                .ok_or(Error::UnknownNode(node))?;
            // The only broker is the one that we are connected to already.
            if state.brokers.len() == 1 && state.bootstrap.get().is_some_and(|open| !open.is_closed()) {
                return Ok(Arc::clone(state.bootstrap.get().ok_or(Error::UnknownNode(node))?));
            }
            let slot = state.nodes.entry(node).or_default();
            if slot.get().is_some_and(|connection| connection.is_closed()) {
                *slot = Slot::default();
            }
            (Arc::clone(slot), endpoint)
        };
        slot.get_or_try_init(|| async {
            let target = Target::Node(node, endpoint);
            let stream = self.dialer.dial(&target).await?;
            Ok(Arc::new(Connection::open(stream, target.to_string(), self.options.request_timeout).await?))
        })
        .await
        .cloned()
    }

    async fn first_contact(&self, ask: &Ask) -> Result<MetadataResponse> {
        let request = metadata_request(ask);
        let name = Target::Bootstrap.to_string();
        let stream = self.dialer.dial(&Target::Bootstrap).await?;
        let opened = Connection::open_with(stream, name, self.options.request_timeout, &request, FIRST_METADATA).await;
        let (connection, response) = match opened {
            Err(Error::Lost { .. } | Error::Malformed { .. }) => {
                let connection = self.bootstrap().await?;
                let response = match connection.send(&request).await {
                    // It knew the request's version, and hung up all the same.
                    Err(lost @ Error::Lost { .. }) => {
                        let wanted = security::wants_login(self.dialer.as_ref(), &Target::Bootstrap).await;
                        return Err(wanted.map_or(lost, Error::Dial));
                    }
                    answer => answer?,
                };
                self.learn(&response);
                return Ok(response);
            }
            opened => opened?,
        };
        self.learn(&response);
        self.state().bootstrap = Arc::new(OnceCell::new_with(Some(Arc::new(connection))));
        Ok(response)
    }

    fn learn(&self, response: &MetadataResponse) {
        let mut brokers: Vec<Broker> = response.brokers.iter().filter_map(broker).collect();
        brokers.sort_by_key(|broker| broker.node);
        let mut state = self.state();
        let controller = NodeId(response.controller_id.0);
        state.controller = brokers.iter().map(|broker| broker.node).find(|node| *node == controller);
        if let Some(id) = &response.cluster_id {
            state.cluster_id = Some(id.to_string());
        }
        state.brokers = brokers;
    }

    async fn retrying<T, F>(&self, attempt: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        retrying_for(self.options.retry_for, attempt).await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Repeats a request while its error is transient and the time is not over.
async fn retrying_for<T, F>(patience: Duration, attempt: impl Fn() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let deadline = Instant::now() + patience;
    loop {
        match attempt().await {
            Err(error) if error.is_transient() && Instant::now() + RETRY_PAUSE < deadline => {
                tracing::debug!(%error, "retrying");
                tokio::time::sleep(RETRY_PAUSE).await;
            }
            outcome => return outcome,
        }
    }
}

/// A Metadata request that never creates a topic by asking.
pub fn metadata_request(ask: &Ask) -> MetadataRequest {
    let topics = match ask {
        Ask::Nothing => Some(Vec::new()),
        Ask::AllTopics => None,
        Ask::Topics(names) => Some(
            names
                .iter()
                .map(|name| {
                    MetadataRequestTopic::default().with_name(Some(WireTopicName(StrBytes::from_string(name.clone()))))
                })
                .collect(),
        ),
    };
    MetadataRequest::default().with_topics(topics).with_allow_auto_topic_creation(false)
}

fn broker(wire: &kafka_protocol::messages::metadata_response::MetadataResponseBroker) -> Option<Broker> {
    Some(Broker {
        node: NodeId(wire.node_id.0),
        endpoint: Endpoint { host: wire.host.to_string(), port: u16::try_from(wire.port).ok()? },
        rack: wire.rack.as_ref().map(ToString::to_string),
    })
}

#[cfg(test)]
#[path = "cluster_tests.rs"]
mod tests;
