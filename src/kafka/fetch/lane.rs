//! One broker as the reader sees it: a connection, pauses after failures, and a limit on what waits.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::kafka::patience::Backoff;
use crate::kafka::{Cluster, Connection, Error, NodeId, Target};

/// Answers of one broker at the same time: one that is used and one that is on its way.
pub(super) const ANSWERS_PER_BROKER: usize = 2;

/// A broker that leads partitions.
pub(super) struct Lane {
    pub(super) connection: Option<Arc<Connection>>,
    pub(super) busy: bool,
    /// The pause after a failure ends then.
    pub(super) not_before: Option<Instant>,
    backoff: Backoff,
    pub(super) permits: Arc<Semaphore>,
    /// The first Fetch takes the connection that the cluster has open; after a failure, a fresh one.
    pub(super) fresh: bool,
}

impl Lane {
    pub(super) fn new() -> Self {
        Self {
            connection: None,
            busy: false,
            not_before: None,
            backoff: Backoff::BROKER,
            permits: Arc::new(Semaphore::new(ANSWERS_PER_BROKER)),
            fresh: false,
        }
    }

    /// The broker answered.
    pub(super) fn works(&mut self, connection: Arc<Connection>) {
        self.busy = false;
        self.backoff.reset();
        self.connection = Some(connection);
    }

    /// The broker did not answer: wait a little longer each time.
    pub(super) fn failed(&mut self) {
        self.busy = false;
        self.connection = None;
        self.fresh = true;
        self.not_before = Some(Instant::now() + self.backoff.lengthen());
    }
}

/// A new connection: the cluster's own may be one that hangs.
pub(super) async fn connect(cluster: &Cluster, node: NodeId) -> Result<Arc<Connection>, Error> {
    let brokers = cluster.brokers();
    let broker = brokers.into_iter().find(|broker| broker.node == node).ok_or(Error::UnknownNode(node))?;
    let target = Target::Node(node, broker.endpoint);
    let stream = cluster.dialer().dial(&target).await?;
    Ok(Arc::new(Connection::open(stream, target.to_string(), cluster.options().request_timeout).await?))
}
