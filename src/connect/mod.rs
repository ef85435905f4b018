//! The only room that knows Kubernetes and what runs on it: finds the cluster that was meant, and joins it with
//! Kafka through [`kafka::Dialer`](crate::kafka::Dialer), with ZooKeeper in [`ensemble`], with Prometheus in [`metrics`].

pub mod ensemble;
mod login;
pub mod metrics;
mod port_forward;
mod quorum;
mod select;
mod served;
mod tcp;

use std::sync::Arc;

use kafka_protocol::messages::MetadataResponse;

pub use login::{Login, Secured, mechanisms, until_let_in};
pub use port_forward::{PodListener, PortForwardDialer};
pub use quorum::{active_controller, quorum_from_controllers};
pub use select::{select, select_any_state};
pub use served::served;
pub use tcp::TcpDialer;

use crate::error::CommandError;
use crate::k8s::Kubernetes;
use crate::k8s::discover::KafkaCluster;
use crate::kafka::{Ask, Cluster, ClusterOptions, DialReason, Error};

/// A connected Kafka cluster.
pub struct Session {
    /// The name for messages: the cluster's name, or the bootstrap addresses.
    pub name: String,
    /// Kafka.
    pub kafka: Cluster,
    /// The Metadata that the first contact asked for.
    pub metadata: MetadataResponse,
    /// The principal that Kafka knows us by, where that is certain.
    pub principal: Option<String>,
    /// Where it runs; `None` behind `--bootstrap-server`.
    pub place: Option<(Kubernetes, KafkaCluster)>,
}

/// Why there is no session.
pub enum NotConnected {
    /// The brokers want a login, and do not take the one that there is, if there is one.
    Denied(CommandError),
    /// Not with this login or this way of connecting, whoever answers.
    Refused(CommandError),
    /// Anything else.
    Failed(CommandError),
}

impl From<CommandError> for NotConnected {
    fn from(error: CommandError) -> Self {
        Self::Failed(error)
    }
}

impl From<NotConnected> for CommandError {
    fn from(error: NotConnected) -> Self {
        let (NotConnected::Denied(error) | NotConnected::Refused(error) | NotConnected::Failed(error)) = error;
        error
    }
}

impl Session {
    /// Connects through port-forwards to the pods of a cluster that was found.
    pub async fn to_pods(
        kubernetes: Kubernetes,
        cluster: KafkaCluster,
        options: ClusterOptions,
        ask: &Ask,
        login: &Login,
    ) -> Result<Self, NotConnected> {
        let Secured { dialer, principal } =
            login.to_pods(&kubernetes, &cluster).await.map_err(NotConnected::Refused)?;
        let (kafka, metadata) = match Cluster::connect(dialer, options, ask).await {
            Ok(connected) => connected,
            Err(Error::Dial(error)) if error.reason == DialReason::Denied => {
                return Err(NotConnected::Denied(login.denied(&cluster, principal.as_deref(), error)));
            }
            Err(Error::Dial(error)) if error.reason == DialReason::Refusal => {
                return Err(NotConnected::Refused(Error::Dial(error).into()));
            }
            Err(error) => return Err(NotConnected::Failed(error.into())),
        };
        Ok(Self { name: cluster.name.to_string(), kafka, metadata, principal, place: Some((kubernetes, cluster)) })
    }

    /// Connects by TCP.
    pub async fn to_addresses(
        addresses: &[String],
        options: ClusterOptions,
        ask: &Ask,
        login: &Login,
    ) -> Result<Self, CommandError> {
        let Secured { dialer, principal } = login.to_addresses(Arc::new(TcpDialer::new(addresses)?))?;
        let (kafka, metadata) = Cluster::connect(dialer, options, ask).await?;
        Ok(Self { name: addresses.join(","), kafka, metadata, principal, place: None })
    }
}
