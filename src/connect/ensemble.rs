//! A ZooKeeper ensemble's servers, each asked through a port-forward of its own.

use std::time::Duration;

use futures::future::join_all;

use crate::k8s::Kubernetes;
use crate::k8s::names::ZOOKEEPER_PORT;
use crate::k8s::port_forward::PortForward;
use crate::zookeeper::{self, Server};

/// As for a broker: far clusters need about a second.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);

/// What one server says, or why it says nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Its pod.
    pub pod: String,
    /// One line, without the pod's name.
    pub server: Result<Server, String>,
}

/// Asks these pods, all at once; in their order.
pub async fn ask(kubernetes: &Kubernetes, namespace: &str, pods: &[String]) -> Vec<Answer> {
    join_all(
        pods.iter()
            .map(|pod| async move { Answer { pod: pod.clone(), server: ask_one(kubernetes, namespace, pod).await } }),
    )
    .await
}

async fn ask_one(kubernetes: &Kubernetes, namespace: &str, pod: &str) -> Result<Server, String> {
    let opening = PortForward::open(kubernetes, namespace, pod, ZOOKEEPER_PORT);
    let stream = tokio::time::timeout(DIAL_TIMEOUT, opening)
        .await
        .map_err(|_| format!("the port-forward was not opened within {} s", DIAL_TIMEOUT.as_secs()))?
        .map_err(|error| error.to_string())?;
    zookeeper::ask(stream).await.map_err(|error| error.to_string())
}
