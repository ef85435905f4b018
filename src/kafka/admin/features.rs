//! Features (in ApiVersions, 18; KIP-584) and the releases that levels of `metadata.version` stand for.

use kafka_protocol::messages::ApiVersionsRequest;
use kafka_protocol::protocol::StrBytes;
use serde::Serialize;

use crate::kafka::CLIENT_ID;
use crate::kafka::{Cluster, ErrorCode, Result};

/// The feature that says which Kafka the cluster's metadata is written for.
const METADATA_VERSION: &str = "metadata.version";

/// What a broker says about Kafka's version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KafkaVersion {
    /// The newest release that the broker's software knows: its own. Patch releases cannot be told apart.
    pub release: Option<String>,
    /// The finalized level of `metadata.version`; absent with ZooKeeper.
    pub metadata_version: Option<MetadataVersion>,
}

/// A level of `metadata.version`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MetadataVersion {
    /// The number on the wire.
    pub level: i16,
    /// As `kafka-features.sh` takes it (`4.3-IV0`); absent for levels newer than this program.
    pub name: Option<String>,
}

/// Asks any broker. One round trip.
pub async fn version(cluster: &Cluster) -> Result<KafkaVersion> {
    let request = ApiVersionsRequest::default()
        .with_client_software_name(StrBytes::from_static_str(CLIENT_ID))
        .with_client_software_version(StrBytes::from_static_str(env!("CARGO_PKG_VERSION")));
    let response = cluster.any(&request).await?;
    ErrorCode::check(response.error_code, "the cluster", None)?;
    let supported = response.supported_features.iter().find(|feature| feature.name.as_str() == METADATA_VERSION);
    let finalized = response.finalized_features.iter().find(|feature| feature.name.as_str() == METADATA_VERSION);
    Ok(KafkaVersion {
        release: supported.and_then(|feature| name(feature.max_version)).map(|name| release(&name).to_owned()),
        metadata_version: finalized
            .map(|feature| MetadataVersion { level: feature.max_version_level, name: name(feature.max_version_level) }),
    })
}

/// How many levels each release brought, from level 1 on (Kafka's `MetadataVersion`).
const LEVELS: [(&str, &[u8]); 14] = [
    ("3.0", &[1]),
    ("3.1", &[0]),
    ("3.2", &[0]),
    ("3.3", &[0, 1, 2, 3]),
    ("3.4", &[0]),
    ("3.5", &[0, 1, 2]),
    ("3.6", &[0, 1, 2]),
    ("3.7", &[0, 1, 2, 3, 4]),
    ("3.8", &[0]),
    ("3.9", &[0]),
    ("4.0", &[0, 1, 2, 3]),
    ("4.1", &[0, 1]),
    ("4.2", &[0, 1]),
    ("4.3", &[0]),
];

/// `4.3-IV0` for 30.
fn name(level: i16) -> Option<String> {
    let mut names = LEVELS.iter().flat_map(|(release, steps)| steps.iter().map(move |step| (release, step)));
    let (release, step) = names.nth(usize::try_from(level.checked_sub(1)?).ok()?)?;
    Some(format!("{release}-IV{step}"))
}

/// `4.3` for `4.3-IV0`.
fn release(name: &str) -> &str {
    name.split('-').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_have_the_names_that_kafka_gives_them() {
        let known = [
            (1, "3.0-IV1"),
            (7, "3.3-IV3"),
            (11, "3.5-IV2"),
            (19, "3.7-IV4"),
            (20, "3.8-IV0"),
            (21, "3.9-IV0"),
            (25, "4.0-IV3"),
            (27, "4.1-IV1"),
            (30, "4.3-IV0"),
        ];
        for (level, wanted) in known {
            assert_eq!(name(level).as_deref(), Some(wanted), "{level}");
        }
        for unknown in [i16::MIN, -1, 0, 31] {
            assert_eq!(name(unknown), None, "{unknown}");
        }
        assert_eq!(release("4.3-IV0"), "4.3");
    }
}
