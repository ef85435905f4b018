//! Which node listens on which local port, and where it really is.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, TcpListener as StdListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::Instant;

use super::connection;
use crate::kafka::{BoxStream, DialError, Dialer, Endpoint, NodeId, Target};

/// librdkafka drops the connection that it bootstrapped with and opens another to the same broker at once.
/// Longer than that, a stream that nobody reads may have died unnoticed.
const SPARE_FOR: Duration = Duration::from_secs(5);

struct Node {
    /// The newest address that the cluster gave.
    endpoint: Endpoint,
    /// Of the local listener.
    port: u16,
    /// A stream that its client has left between two requests.
    spare: Option<(BoxStream, Instant)>,
}

/// Shared by the listeners and connections of one gateway.
pub(super) struct Directory {
    dialer: Arc<dyn Dialer>,
    password: String,
    nodes: Mutex<BTreeMap<NodeId, Node>>,
    /// Ends when the gateway is dropped.
    closed: watch::Receiver<()>,
}

impl Directory {
    pub(super) fn new(dialer: Arc<dyn Dialer>, password: String, closed: watch::Receiver<()>) -> Self {
        Self { dialer, password, nodes: Mutex::default(), closed }
    }

    pub(super) fn password(&self) -> &str {
        &self.password
    }

    /// The local port of a node. A new node gets a listener; of a known one the address is refreshed.
    pub(super) fn port(self: &Arc<Self>, node: NodeId, endpoint: &Endpoint) -> io::Result<u16> {
        let mut nodes = self.nodes();
        if let Some(known) = nodes.get_mut(&node) {
            known.endpoint.clone_from(endpoint);
            return Ok(known.port);
        }
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let listener = TcpListener::from_std(listener)?;
        let known = Node { endpoint: endpoint.clone(), port, spare: None };
        nodes.insert(node, known);
        tracing::info!(%node, %endpoint, port, "gateway listens");
        tokio::spawn(accept(listener, node, Arc::clone(self)));
        Ok(port)
    }

    /// A stream to the node: one that is there already, or a new one.
    pub(super) async fn dial(&self, node: NodeId) -> Result<BoxStream, DialError> {
        let (spare, endpoint) = match self.nodes().get_mut(&node) {
            Some(known) => (known.spare.take(), Some(known.endpoint.clone())),
            None => (None, None),
        };
        if let Some((stream, since)) = spare
            && since.elapsed() < SPARE_FOR
        {
            return Ok(stream);
        }
        let target = endpoint.map_or(Target::Bootstrap, |endpoint| Target::Node(node, endpoint));
        self.dialer.dial(&target).await
    }

    /// Keeps a stream on which nothing is under way for the next client.
    pub(super) fn keep(&self, node: NodeId, stream: BoxStream) {
        if let Some(known) = self.nodes().get_mut(&node) {
            known.spare = Some((stream, Instant::now()));
        }
    }

    fn nodes(&self) -> MutexGuard<'_, BTreeMap<NodeId, Node>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves each connection in a task of its own, until the gateway is closed.
async fn accept(listener: TcpListener, node: NodeId, directory: Arc<Directory>) {
    let mut closed = directory.closed.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = closed.changed() => return,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, most likely: a pause instead of a busy loop.
                tracing::warn!(%node, %error, "gateway cannot accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let directory = Arc::clone(&directory);
        let mut closed = directory.closed.clone();
        tokio::spawn(async move {
            let ended = tokio::select! {
                ended = connection::serve(stream, node, directory) => ended,
                _ = closed.changed() => return,
            };
            if let Err(reason) = ended {
                tracing::debug!(%node, %reason, "gateway connection ended");
            }
        });
    }
}
