//! Which secured cluster is meant, and where its certificates are served.

use crate::commands::Context;
use crate::commands::install::securing::Kept;
use crate::connect::{PodListener, select_any_state};
use crate::error::CommandError;
use crate::k8s::inspect::PodState;
use crate::k8s::inventory::Inventory;
use crate::k8s::manifests::{ClusterSpec, Tls};
use crate::k8s::names::{CLIENT_PORT, CONTROLLER_PORT, INTERNAL_PORT};
use crate::k8s::{ClusterName, Kubernetes, Role};

/// A secured cluster.
pub(super) struct Place {
    pub(super) kubernetes: Kubernetes,
    pub(super) name: ClusterName,
    pub(super) spec: ClusterSpec,
    pub(super) tls: Tls,
    pub(super) pods: Vec<PodState>,
    pub(super) kept: Kept,
}

/// A listener of a pod, by Kafka's name for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listener {
    pub(super) name: String,
    pub(super) port: u16,
}

impl Place {
    pub(super) async fn of(context: &Context, name: Option<&str>) -> Result<Self, CommandError> {
        let wanted = context.named(name)?;
        let kubernetes = context.kubernetes().await?;
        let inspection = select_any_state(&kubernetes, wanted).await?;
        let name = inspection.name;
        let inventory = Inventory::of(&kubernetes, &name).await?;
        let spec = inventory.document.ok_or_else(|| {
            CommandError::failed(format!(
                "ConfigMap \"{}\", which says how cluster \"{name}\" was installed, is gone",
                name.document()
            ))
        })?;
        let Some(tls) = spec.security.tls.clone() else {
            return Err(CommandError::failed(format!(
                "cluster \"{name}\" has no certificates: it is installed without TLS"
            )));
        };
        let kept = Kept::of(&kubernetes, &name, &spec).await?;
        Ok(Self { kubernetes, name, spec, tls, pods: inspection.pods, kept })
    }

    /// The listeners of a pod.
    pub(super) fn listeners(&self, pod: &PodState) -> Vec<Listener> {
        let listener = |name: &str, port| Listener { name: name.to_owned(), port };
        let mut listeners = Vec::new();
        if pod.role == Role::Broker {
            listeners.extend([listener("CLIENT", CLIENT_PORT), listener("INTERNAL", INTERNAL_PORT)]);
            listeners.extend(self.spec.listeners.iter().map(|own| listener(&own.name, own.port)));
        }
        if self.votes(pod) {
            listeners.push(listener("CONTROLLER", CONTROLLER_PORT));
        }
        listeners
    }

    /// Whether a pod is one of the first quorum's: with combined roles only the first brokers are.
    pub(super) fn votes(&self, pod: &PodState) -> bool {
        pod.role == self.spec.voter_role() && pod.ordinal < self.spec.voters()
    }
}

impl Listener {
    /// Where it is in a pod.
    pub(super) fn of(&self, pod: &PodState) -> PodListener {
        PodListener { pod: pod.name.clone(), port: self.port, host: pod.dns_name.clone() }
    }
}
