//! What pods serve to Prometheus, each scraped through a port-forward of its own.

use std::time::Duration;

use futures::future::join_all;

use crate::k8s::Kubernetes;
use crate::k8s::port_forward::PortForward;
use crate::prometheus::{self, Scrape};

/// For everything: a far cluster needs about a second to open the port-forward and a busy agent as long to
/// collect its figures. Figures are no reason to wait longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where a pod serves its metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The pod's name.
    pub pod: String,
    /// The port.
    pub port: u16,
}

/// What one pod says, or why it says nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Its name.
    pub pod: String,
    /// Its figures.
    pub scrape: Result<Scrape, Failure>,
}

/// Why a pod says nothing, in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The caller may not open a port-forward to it.
    Forbidden(String),
    /// Anything else.
    Other(String),
}

/// Asks these pods for these series, all at once; in their order. Takes 5 seconds at most.
pub async fn scrape(kubernetes: &Kubernetes, namespace: &str, from: &[Endpoint], series: &[&str]) -> Vec<Answer> {
    let asked = from.iter().map(|endpoint| async move {
        let scrape = tokio::time::timeout(PATIENCE, scrape_one(kubernetes, namespace, endpoint, series))
            .await
            .unwrap_or_else(|_| Err(Failure::Other(format!("no metrics came within {} s", PATIENCE.as_secs()))));
        Answer { pod: endpoint.pod.clone(), scrape }
    });
    join_all(asked).await
}

async fn scrape_one(
    kubernetes: &Kubernetes,
    namespace: &str,
    endpoint: &Endpoint,
    series: &[&str],
) -> Result<Scrape, Failure> {
    let opening = PortForward::open(kubernetes, namespace, &endpoint.pod, endpoint.port);
    let stream = opening.await.map_err(|error| {
        if error.is_forbidden() { Failure::Forbidden(error.to_string()) } else { Failure::Other(error.to_string()) }
    })?;
    prometheus::scrape(stream, series).await.map_err(|error| Failure::Other(error.to_string()))
}
