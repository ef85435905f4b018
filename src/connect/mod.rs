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

pub use login::{Login, Secured, until_let_in};
pub use port_forward::{PodListener, PortForwardDialer};
pub use quorum::{active_controller, quorum_from_controllers};
pub use select::{select, select_any_state};
pub use served::served;
pub use tcp::TcpDialer;

use crate::error::CommandError;
use crate::k8s::Kubernetes;
use crate::k8s::discover::KafkaCluster;
use crate::kafka::{Ask, Cluster, ClusterOptions};

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

impl Session {
    /// Connects through port-forwards to the pods of a cluster that was found.
    pub async fn to_pods(
        kubernetes: Kubernetes,
        cluster: KafkaCluster,
        options: ClusterOptions,
        ask: &Ask,
        login: &Login,
    ) -> Result<Self, CommandError> {
        let Secured { dialer, principal } = login.to_pods(&kubernetes, &cluster).await?;
        let (kafka, metadata) = Cluster::connect(dialer, options, ask).await?;
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
