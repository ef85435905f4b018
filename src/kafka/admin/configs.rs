//! DescribeConfigs (32): the settings of topics and brokers, and where each comes from.

use kafka_protocol::messages::DescribeConfigsRequest;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{DescribeConfigsResourceResult, DescribeConfigsResult};
use serde::Serialize;

use super::acls::Operation;
use super::text;
use crate::kafka::{Cluster, ErrorCode, Result};

/// `ConfigResource.Type`: topic.
const TOPIC: i8 = 2;

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigEntry {
    /// `cleanup.policy`
    pub name: String,
    /// `None` when unset or sensitive.
    pub value: Option<String>,
    /// Where the value comes from.
    pub source: ConfigSource,
    /// Cannot be changed while the broker runs.
    pub read_only: bool,
    /// A password: its value is never told.
    pub sensitive: bool,
}

/// `DescribeConfigsResponse.ConfigSource`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ConfigSource {
    /// Set on the topic.
    Topic,
    /// Set on this broker while it runs.
    Broker,
    /// Set on all brokers while they run.
    Cluster,
    /// From `server.properties`.
    Static,
    /// Kafka's default.
    Default,
    /// Anything newer.
    Unknown,
}

impl ConfigSource {
    fn from_wire(source: i8) -> Self {
        match source {
            1 => Self::Topic,
            2 => Self::Broker,
            3 => Self::Cluster,
            4 => Self::Static,
            5 => Self::Default,
            _ => Self::Unknown,
        }
    }
}

/// The settings of topics, each with its own outcome, in the order of the answer. `keys` narrows what is
/// asked for. One round trip for all topics.
pub async fn describe_topics(
    cluster: &Cluster,
    topics: &[String],
    keys: Option<&[&str]>,
) -> Result<Vec<(String, Result<Vec<ConfigEntry>>)>> {
    let keys = keys.map(|keys| keys.iter().map(|key| text(key)).collect::<Vec<_>>());
    let resources = topics
        .iter()
        .map(|topic| {
            DescribeConfigsResource::default()
                .with_resource_type(TOPIC)
                .with_resource_name(text(topic))
                .with_configuration_keys(keys.clone())
        })
        .collect();
    let response = cluster.any(&DescribeConfigsRequest::default().with_resources(resources)).await?;
    Ok(response.results.into_iter().map(outcome).collect())
}

fn outcome(result: DescribeConfigsResult) -> (String, Result<Vec<ConfigEntry>>) {
    let name = result.resource_name.to_string();
    let checked = ErrorCode::check(result.error_code, format!("topic \"{name}\""), result.error_message.as_deref())
        .map_err(|error| error.needing(Operation::DescribeConfigs));
    (name, checked.map(|()| result.configs.into_iter().map(entry).collect()))
}

fn entry(wire: DescribeConfigsResourceResult) -> ConfigEntry {
    ConfigEntry {
        name: wire.name.to_string(),
        value: wire.value.map(|value| value.to_string()),
        source: ConfigSource::from_wire(wire.config_source),
        read_only: wire.read_only,
        sensitive: wire.is_sensitive,
    }
}
