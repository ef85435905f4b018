//! The responses that carry brokers' addresses, and the versions that hide.
//!
//! | response | where |
//! |---|---|
//! | Metadata (3) | `brokers[]`, every version |
//! | `FindCoordinator` (10) | top level to v3, `coordinators[]` from v4 (KIP-699); node −1 means none |
//! | `DescribeCluster` (60) | `brokers[]`, every version |
//! | Produce (0) | `node_endpoints[]` from v10 (KIP-951) |
//! | Fetch (1) | the same from v16, behind the records: offered up to v15 only |
//! | `ShareFetch` (78), `ShareAcknowledge` (79) | the same: not offered |
//!
//! `ApiVersions` is limited to what can be rewritten here, and nowhere else: Produce in particular keeps its
//! minimum (KAFKA-18659) and its v12, which `transaction.version=2` needs.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::{
    ApiKey, ApiVersionsResponse, DescribeClusterResponse, FindCoordinatorResponse, MetadataResponse, ProduceResponse,
    ResponseHeader, SaslAuthenticateRequest, SaslHandshakeRequest,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Message, StrBytes};

use crate::kafka::{Endpoint, NodeId};

/// The host that clients are told.
const LOCAL_HOST: &str = "127.0.0.1";

/// The last version of Fetch without addresses.
const LAST_FETCH: i16 = 15;

/// The first version of Produce's response with addresses.
const FIRST_PRODUCE: i16 = 10;

/// Why a response could not be rewritten; the connection cannot go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum RewriteError {
    #[error("cannot decode a {api:?} response of version {version}: {reason}")]
    Undecodable { api: ApiKey, version: i16, reason: String },
    #[error("cannot listen for a new broker: {0}")]
    Listen(#[from] std::io::Error),
}

/// Gives the local port of a node whose real address is the endpoint.
pub(super) type LocalPort<'a> = dyn FnMut(NodeId, &Endpoint) -> std::io::Result<u16> + 'a;

/// The response whose addresses must be replaced, if the request of this API key and version has such.
pub(super) fn concerned(api: i16, version: i16) -> Option<ApiKey> {
    let api = ApiKey::try_from(api).ok()?;
    match api {
        ApiKey::Metadata | ApiKey::FindCoordinator | ApiKey::DescribeCluster | ApiKey::ApiVersions => Some(api),
        ApiKey::Produce if version >= FIRST_PRODUCE => Some(api),
        _ => None,
    }
}

/// Whether a client may send this request: not one that `ApiVersions` did not offer because its response
/// carries addresses.
pub(super) fn allowed(api: i16, version: i16) -> bool {
    limit(api).is_none_or(|highest| version <= highest)
}

/// The highest version that is offered of an API; `None` for those that pass unseen.
fn limit(api: i16) -> Option<i16> {
    match ApiKey::try_from(api).ok()? {
        ApiKey::Metadata => Some(MetadataResponse::VERSIONS.max),
        ApiKey::FindCoordinator => Some(FindCoordinatorResponse::VERSIONS.max),
        ApiKey::DescribeCluster => Some(DescribeClusterResponse::VERSIONS.max),
        ApiKey::Produce => Some(ProduceResponse::VERSIONS.max),
        ApiKey::Fetch => Some(LAST_FETCH),
        ApiKey::ShareFetch | ApiKey::ShareAcknowledge => Some(-1),
        _ => None,
    }
}

/// The frame with local addresses; `None` when it carries none and may pass as it is.
pub(super) fn response(
    api: ApiKey,
    version: i16,
    frame: &Bytes,
    local: &mut LocalPort<'_>,
) -> Result<Option<Bytes>, RewriteError> {
    match api {
        ApiKey::Metadata => edit::<MetadataResponse>(api, version, frame, |response| metadata(response, local)),
        ApiKey::FindCoordinator => {
            edit::<FindCoordinatorResponse>(api, version, frame, |response| coordinators(response, version, local))
        }
        ApiKey::DescribeCluster => {
            edit::<DescribeClusterResponse>(api, version, frame, |response| describe_cluster(response, local))
        }
        ApiKey::Produce => edit::<ProduceResponse>(api, version, frame, |response| produce(response, local)),
        ApiKey::ApiVersions => {
            // A version that the broker does not know is answered in v0 (KIP-511).
            let failed = frame.get(8..10).is_some_and(|code| code != [0, 0]);
            edit::<ApiVersionsResponse>(api, if failed { 0 } else { version }, frame, |response| {
                limit_versions(response);
                Ok(true)
            })
        }
        _ => Ok(None),
    }
}

/// Decodes a whole frame, lets it be edited, and encodes it again if it was.
fn edit<R: Decodable + Encodable + HeaderVersion>(
    api: ApiKey,
    version: i16,
    frame: &Bytes,
    change: impl FnOnce(&mut R) -> std::io::Result<bool>,
) -> Result<Option<Bytes>, RewriteError> {
    let undecodable =
        |error: &dyn std::fmt::Display| RewriteError::Undecodable { api, version, reason: error.to_string() };
    let mut body = frame.clone();
    if body.len() < 8 {
        return Err(undecodable(&"too short"));
    }
    body.advance(4);
    let header = ResponseHeader::decode(&mut body, R::header_version(version)).map_err(|error| undecodable(&error))?;
    let mut response = R::decode(&mut body, version).map_err(|error| undecodable(&error))?;
    if !change(&mut response)? {
        return Ok(None);
    }
    let mut rewritten = BytesMut::with_capacity(frame.len() + 64);
    rewritten.put_i32(0);
    header.encode(&mut rewritten, R::header_version(version)).map_err(|error| undecodable(&error))?;
    response.encode(&mut rewritten, version).map_err(|error| undecodable(&error))?;
    let length = i32::try_from(rewritten.len() - 4).map_err(|error| undecodable(&error))?;
    rewritten[..4].copy_from_slice(&length.to_be_bytes());
    Ok(Some(rewritten.freeze()))
}

/// Replaces one address; returns whether there was one.
fn replace(node: i32, host: &mut StrBytes, port: &mut i32, local: &mut LocalPort<'_>) -> std::io::Result<bool> {
    if node < 0 || host.is_empty() {
        return Ok(false);
    }
    let endpoint = Endpoint { host: host.to_string(), port: u16::try_from(*port).unwrap_or_default() };
    *port = i32::from(local(NodeId(node), &endpoint)?);
    *host = StrBytes::from_static_str(LOCAL_HOST);
    Ok(true)
}

fn metadata(response: &mut MetadataResponse, local: &mut LocalPort<'_>) -> std::io::Result<bool> {
    let mut changed = false;
    for broker in &mut response.brokers {
        changed |= replace(broker.node_id.0, &mut broker.host, &mut broker.port, local)?;
    }
    Ok(changed)
}

fn coordinators(
    response: &mut FindCoordinatorResponse,
    version: i16,
    local: &mut LocalPort<'_>,
) -> std::io::Result<bool> {
    if version < 4 {
        return replace(response.node_id.0, &mut response.host, &mut response.port, local);
    }
    let mut changed = false;
    for coordinator in &mut response.coordinators {
        changed |= replace(coordinator.node_id.0, &mut coordinator.host, &mut coordinator.port, local)?;
    }
    Ok(changed)
}

fn describe_cluster(response: &mut DescribeClusterResponse, local: &mut LocalPort<'_>) -> std::io::Result<bool> {
    let mut changed = false;
    for broker in &mut response.brokers {
        changed |= replace(broker.broker_id.0, &mut broker.host, &mut broker.port, local)?;
    }
    Ok(changed)
}

fn produce(response: &mut ProduceResponse, local: &mut LocalPort<'_>) -> std::io::Result<bool> {
    let mut changed = false;
    for node in &mut response.node_endpoints {
        changed |= replace(node.node_id.0, &mut node.host, &mut node.port, local)?;
    }
    Ok(changed)
}

/// Offers no version whose addresses would pass, and the SASL that the gateway itself answers, whatever the
/// broker's own listener wants.
fn limit_versions(response: &mut ApiVersionsResponse) {
    let sasl = [
        (ApiKey::SaslHandshake as i16, SaslHandshakeRequest::VERSIONS),
        (ApiKey::SaslAuthenticate as i16, SaslAuthenticateRequest::VERSIONS),
    ];
    response.api_keys.retain_mut(|range| {
        if let Some(highest) = limit(range.api_key) {
            range.max_version = range.max_version.min(highest);
        }
        range.min_version <= range.max_version && sasl.iter().all(|(key, _)| *key != range.api_key)
    });
    response.api_keys.extend(sasl.map(|(key, versions)| {
        ApiVersion::default().with_api_key(key).with_min_version(versions.min).with_max_version(versions.max)
    }));
}

#[cfg(test)]
#[path = "rewrite_tests.rs"]
mod tests;
