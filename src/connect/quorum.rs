//! The quorum without any broker: from the controllers' own listener.

use std::time::Duration;

use super::{Login, PodListener};
use crate::k8s::Kubernetes;
use crate::k8s::discover::KafkaCluster;
use crate::k8s::names::CONTROLLER_PORT;
use crate::kafka::admin::quorum::{self, Quorum};
use crate::kafka::{Connection, Target};

/// Asks the pods of a place in turn, because only the leader answers; the last reason when none does. The
/// place's "brokers" are the pods that vote.
pub async fn quorum_from_controllers(
    login: &Login,
    kubernetes: &Kubernetes,
    voters: &KafkaCluster,
    timeout: Duration,
) -> Result<Quorum, String> {
    let mut last = "no controller pod is running".to_owned();
    for pod in &voters.brokers {
        let to = format!("controller {}", pod.name);
        let listener = PodListener { pod: pod.name.clone(), port: CONTROLLER_PORT, host: pod.host.clone() };
        let dialer = login.to_controller(kubernetes, voters, listener).await.map_err(|error| error.message)?;
        let asked = async {
            let stream = dialer.dial(&Target::Bootstrap).await?;
            let connection = Connection::open(stream, to, timeout).await?;
            quorum::describe_on(&connection).await
        };
        match asked.await {
            Ok(quorum) => return Ok(quorum),
            Err(error) => last = error.to_string(),
        }
    }
    Err(last)
}
