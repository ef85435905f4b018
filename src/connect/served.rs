//! The certificate that a listener of a pod shows.

use std::time::Duration;

use super::{PodListener, PortForwardDialer};
use crate::k8s::Kubernetes;
use crate::k8s::certificates::CertificateInfo;
use crate::kafka::security::served_certificate;
use crate::kafka::{Dialer, Target};

/// A handshake takes milliseconds; a pod that hangs must not hold up the others.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks by a handshake. One port-forward and one round trip.
///
/// # Errors
/// In words: the pod cannot be reached, or speaks no TLS there.
pub async fn served(kubernetes: &Kubernetes, listener: PodListener) -> Result<CertificateInfo, String> {
    let dialer = PortForwardDialer::to(kubernetes.clone(), &kubernetes.namespace, vec![listener]);
    let asked = async {
        let stream = dialer.dial(&Target::Bootstrap).await.map_err(|error| error.to_string())?;
        let bytes = served_certificate(stream).await.map_err(|error| error.to_string())?;
        CertificateInfo::from_der(&bytes)
    };
    tokio::time::timeout(PATIENCE, asked)
        .await
        .unwrap_or_else(|_| Err(format!("no handshake within {} s", PATIENCE.as_secs())))
}
