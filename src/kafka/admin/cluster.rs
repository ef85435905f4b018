//! DescribeCluster (60, KIP-700; fenced brokers since KIP-1073).

use kafka_protocol::messages::DescribeClusterRequest;
use serde::Serialize;

use crate::kafka::{Cluster, Endpoint, Error, ErrorCode, NodeId, Result};

/// Brokers, including those that the controller has fenced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterDescription {
    /// The cluster's id, 22 characters of base64.
    pub cluster_id: String,
    /// By node id.
    pub brokers: Vec<BrokerDescription>,
    /// Whether `fenced` is known: brokers before 4.0 list only the unfenced ones.
    pub includes_fenced: bool,
    /// With ZooKeeper, the broker that is the controller. In KRaft brokers name any of themselves.
    pub controller: Option<NodeId>,
}

/// One registered broker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BrokerDescription {
    /// Its node id.
    pub node: NodeId,
    /// What it advertises on the listener we came through.
    pub endpoint: Endpoint,
    /// `broker.rack`
    pub rack: Option<String>,
    /// Registered, but not serving: it lost its heartbeat or has not caught up yet.
    pub fenced: bool,
}

/// The endpoint type of brokers (2 would ask a controller for controllers).
const BROKERS: i8 = 1;

/// Asks any broker. One round trip.
pub async fn describe(cluster: &Cluster) -> Result<ClusterDescription> {
    let version = cluster.bootstrap().await?.supports::<DescribeClusterRequest>();
    let includes_fenced = version.is_some_and(|version| version >= 2);
    let mut request = DescribeClusterRequest::default();
    if includes_fenced {
        request = request.with_endpoint_type(BROKERS).with_include_fenced_brokers(true);
    }
    let response = cluster.any(&request).await?;
    ErrorCode::check(response.error_code, "the cluster", response.error_message.as_deref())?;
    let mut brokers = response
        .brokers
        .iter()
        .map(|wire| {
            Ok(BrokerDescription {
                node: NodeId(wire.broker_id.0),
                endpoint: Endpoint {
                    host: wire.host.to_string(),
                    port: u16::try_from(wire.port).map_err(|error| Error::Malformed {
                        to: "the Kafka cluster".to_owned(),
                        api: "DescribeCluster".to_owned(),
                        reason: error.to_string(),
                    })?,
                },
                rack: wire.rack.as_ref().map(ToString::to_string),
                fenced: wire.is_fenced,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    brokers.sort_by_key(|broker| broker.node);
    Ok(ClusterDescription {
        cluster_id: response.cluster_id.to_string(),
        brokers,
        includes_fenced,
        controller: Some(NodeId(response.controller_id.0)).filter(|node| node.0 >= 0),
    })
}
