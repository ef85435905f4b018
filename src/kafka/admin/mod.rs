//! Requests by family, one file each: our own plain structs in, our own plain structs out. Routing and
//! retries are the cluster's; the code of each row is checked here.

pub mod acls;
pub mod cluster;
pub mod configs;
pub mod elections;
pub mod features;
pub mod log_dirs;
pub mod offsets;
pub mod quorum;
pub mod reassignments;
pub mod topics;
pub mod users;

use std::time::Duration;

use kafka_protocol::messages::{BrokerId, TopicName};
use kafka_protocol::protocol::StrBytes;

use super::cluster::Cluster;
use super::dial::NodeId;

fn nodes(wire: &[BrokerId]) -> Vec<NodeId> {
    wire.iter().map(|id| NodeId(id.0)).collect()
}

fn text(value: &str) -> StrBytes {
    StrBytes::from_string(value.to_owned())
}

fn topic_name(name: &str) -> TopicName {
    TopicName(text(name))
}

/// How long the controller may take; a little less than we wait for its answer.
fn timeout_ms(cluster: &Cluster) -> i32 {
    let timeout = cluster.options().request_timeout.min(Duration::from_secs(60)) * 9 / 10;
    i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX)
}
