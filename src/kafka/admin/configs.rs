//! DescribeConfigs (32), IncrementalAlterConfigs (44): the settings of topics and brokers, and where each comes from.

use std::collections::BTreeMap;

use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{DescribeConfigsResourceResult, DescribeConfigsResult};
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::{
    DescribeConfigsRequest, IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
};
use serde::Serialize;

use super::acls::Operation;
use super::text;
use super::topics::Topic;
use crate::kafka::{Cluster, Connection, ErrorCode, NodeId, Result};

/// `ConfigResource.Type`: topic.
const TOPIC: i8 = 2;
/// `ConfigResource.Type`: broker.
const BROKER: i8 = 4;
/// `AlterConfigOp.OpType`
const SET: i8 = 0;
const DELETE: i8 = 1;
/// Topics per request, to bound one answer.
const TOPICS_AT_ONCE: usize = 1000;

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
    let response = cluster.any(&request(TOPIC, topics, keys)).await?;
    Ok(response.results.into_iter().map(|result| outcome("topic", result)).collect())
}

/// `min.insync.replicas` of each topic; topics whose settings may not be read are absent. One round trip
/// per 1,000 topics.
pub async fn min_in_sync(cluster: &Cluster, topics: &[Topic]) -> Result<BTreeMap<String, usize>> {
    let names: Vec<String> = topics.iter().map(|topic| topic.name.clone()).collect();
    let mut found = BTreeMap::new();
    for names in names.chunks(TOPICS_AT_ONCE) {
        for (name, entries) in describe_topics(cluster, names, Some(&["min.insync.replicas"])).await? {
            let value = entries.ok().and_then(|entries| entries.into_iter().next()?.value?.parse().ok());
            found.extend(value.map(|value| (name, value)));
        }
    }
    Ok(found)
}

/// The settings that one broker runs with, as it tells itself. One round trip.
pub async fn describe_broker(cluster: &Cluster, node: NodeId, keys: Option<&[&str]>) -> Result<Vec<ConfigEntry>> {
    let response = cluster.node(node, &request(BROKER, &[node.to_string()], keys)).await?;
    response.results.into_iter().next().map_or(Ok(Vec::new()), |result| outcome("broker", result).1)
}

/// The settings that were given to all brokers while they ran, over what their files say. One round trip.
pub async fn describe_cluster_wide(cluster: &Cluster) -> Result<Vec<ConfigEntry>> {
    let response = cluster.any(&request(BROKER, &[String::new()], None)).await?;
    response.results.into_iter().next().map_or(Ok(Vec::new()), |result| outcome("the brokers' settings", result).1)
}

/// IncrementalAlterConfigs (44): gives a setting to all brokers while they run; `None` takes it back.
/// With `validate_only` Kafka says whether it would. One round trip.
pub async fn alter_cluster_wide(
    cluster: &Cluster,
    changes: &BTreeMap<String, Option<String>>,
    validate_only: bool,
) -> Result<()> {
    let response = cluster.any(&alteration("", changes, validate_only)).await?;
    altered(response, changes)
}

/// IncrementalAlterConfigs (44): gives one broker a setting while it runs; `None` takes it back. A broker
/// reads a keystore again that its own setting names. With `validate_only` Kafka says whether it would. One round trip.
pub async fn alter_broker(
    cluster: &Cluster,
    node: NodeId,
    changes: &BTreeMap<String, Option<String>>,
    validate_only: bool,
) -> Result<()> {
    let response = cluster.node(node, &alteration(&node.to_string(), changes, validate_only)).await?;
    altered(response, changes)
}

/// The same for a controller, asked of the active one on its own listener. One round trip.
pub async fn alter_controller(
    active: &Connection,
    node: NodeId,
    changes: &BTreeMap<String, Option<String>>,
    validate_only: bool,
) -> Result<()> {
    let response = active.send(&alteration(&node.to_string(), changes, validate_only)).await?;
    altered(response, changes)
}

fn alteration(
    node: &str,
    changes: &BTreeMap<String, Option<String>>,
    validate_only: bool,
) -> IncrementalAlterConfigsRequest {
    let configs = changes.iter().map(|(name, value)| {
        let operation = if value.is_some() { SET } else { DELETE };
        AlterableConfig::default()
            .with_name(text(name))
            .with_config_operation(operation)
            .with_value(value.as_deref().map(text))
    });
    let resource = AlterConfigsResource::default()
        .with_resource_type(BROKER)
        .with_resource_name(text(node))
        .with_configs(configs.collect());
    IncrementalAlterConfigsRequest::default().with_resources(vec![resource]).with_validate_only(validate_only)
}

fn altered(response: IncrementalAlterConfigsResponse, changes: &BTreeMap<String, Option<String>>) -> Result<()> {
    let names: Vec<&str> = changes.keys().map(String::as_str).collect();
    response.responses.into_iter().try_for_each(|row| {
        ErrorCode::check(row.error_code, format!("setting {}", names.join(", ")), row.error_message.as_deref())
            .map_err(|error| error.needing(Operation::AlterConfigs))
    })
}

fn request(kind: i8, names: &[String], keys: Option<&[&str]>) -> DescribeConfigsRequest {
    let keys = keys.map(|keys| keys.iter().map(|key| text(key)).collect::<Vec<_>>());
    let resources = names.iter().map(|name| {
        DescribeConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(text(name))
            .with_configuration_keys(keys.clone())
    });
    DescribeConfigsRequest::default().with_resources(resources.collect())
}

fn outcome(kind: &str, result: DescribeConfigsResult) -> (String, Result<Vec<ConfigEntry>>) {
    let name = result.resource_name.to_string();
    let checked = ErrorCode::check(result.error_code, format!("{kind} \"{name}\""), result.error_message.as_deref())
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
