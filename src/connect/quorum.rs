//! The quorum without any broker: from the controllers' own listener.

use std::time::Duration;

use super::{Login, PodListener};
use crate::error::CommandError;
use crate::k8s::Kubernetes;
use crate::k8s::discover::KafkaCluster;
use crate::k8s::names::CONTROLLER_PORT;
use crate::kafka::admin::quorum::{self, Quorum};
use crate::kafka::{Connection, Error, Target};

/// The quorum, from the active controller itself. The place's "brokers" are the pods that vote.
pub async fn quorum_from_controllers(
    login: &Login,
    kubernetes: &Kubernetes,
    voters: &KafkaCluster,
    timeout: Duration,
) -> Result<Quorum, String> {
    let found = active_controller(login, kubernetes, voters, timeout).await;
    found.map(|(_, quorum)| quorum).map_err(|error| error.message)
}

/// Asks the pods of a place in turn, because only the leader answers; the last reason when none does.
pub async fn active_controller(
    login: &Login,
    kubernetes: &Kubernetes,
    voters: &KafkaCluster,
    timeout: Duration,
) -> Result<(Connection, Quorum), CommandError> {
    let mut last = CommandError::failed("no pod that votes is running");
    for pod in &voters.brokers {
        let to = format!("controller {}", pod.name);
        let listener = PodListener { pod: pod.name.clone(), port: CONTROLLER_PORT, host: pod.host.clone() };
        let dialer = login.to_controller(kubernetes, voters, listener).await?;
        let asked = async {
            let stream = dialer.dial(&Target::Bootstrap).await?;
            let connection = Connection::open(stream, to, timeout).await?;
            let quorum = quorum::describe_on(&connection).await?;
            Ok::<_, Error>((connection, quorum))
        };
        match asked.await {
            Ok(found) => return Ok(found),
            Err(error) => last = error.into(),
        }
    }
    Err(last)
}
