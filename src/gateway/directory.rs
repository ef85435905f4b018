//! Which node listens on which local port, and where it really is.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, TcpListener as StdListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio::sync::watch;

use super::connection;
use crate::kafka::{BoxStream, DialError, Dialer, Endpoint, NodeId, Target};

struct Node {
    /// The newest address that the cluster gave.
    endpoint: Endpoint,
    /// Of the local listener.
    port: u16,
    /// Why the last dial failed; `None` after one that worked.
    trouble: Option<DialError>,
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
        nodes.insert(node, Node { endpoint: endpoint.clone(), port, trouble: None });
        tracing::info!(%node, %endpoint, port, "gateway listens");
        tokio::spawn(accept(listener, node, Arc::clone(self)));
        Ok(port)
    }

    /// Opens a stream to the node.
    pub(super) async fn dial(&self, node: NodeId) -> Result<BoxStream, DialError> {
        let endpoint = self.nodes().get(&node).map(|known| known.endpoint.clone());
        let target = endpoint.map_or(Target::Bootstrap, |endpoint| Target::Node(node, endpoint));
        let dialled = self.dialer.dial(&target).await;
        if let Some(known) = self.nodes().get_mut(&node) {
            known.trouble = dialled.as_ref().err().cloned();
        }
        dialled
    }

    pub(super) fn trouble(&self) -> Vec<(NodeId, DialError)> {
        self.nodes().iter().filter_map(|(node, known)| Some((*node, known.trouble.clone()?))).collect()
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
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
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
