//! The quorum without any broker: from the controllers' own listener.

use std::time::Duration;

use super::PortForwardDialer;
use crate::k8s::Kubernetes;
use crate::kafka::admin::quorum::{self, Quorum};
use crate::kafka::{Connection, Dialer, Target};

/// Asks these pods and ports in turn, because only the leader answers; the last reason when none does.
pub async fn quorum_from_controllers(
    kubernetes: &Kubernetes,
    pods: Vec<(String, u16)>,
    timeout: Duration,
) -> Result<Quorum, String> {
    let mut last = "no controller pod is running".to_owned();
    for pod in pods {
        let to = format!("controller {}", pod.0);
        let dialer = PortForwardDialer::to(kubernetes.clone(), &kubernetes.namespace, vec![pod]);
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
