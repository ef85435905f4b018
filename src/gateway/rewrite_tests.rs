use kafka_protocol::messages::api_versions_response::FinalizedFeatureKey;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::metadata_response::{MetadataResponseBroker, MetadataResponseTopic};
use kafka_protocol::messages::produce_response::{NodeEndpoint, TopicProduceResponse};
use kafka_protocol::messages::{BrokerId, FetchResponse, TopicName};

use super::*;

fn text(value: &'static str) -> StrBytes {
    StrBytes::from_static_str(value)
}

fn frame<R: Encodable + HeaderVersion>(response: &R, version: i16) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_i32(0);
    let header = ResponseHeader::default().with_correlation_id(42);
    header.encode(&mut frame, R::header_version(version)).expect("a header");
    response.encode(&mut frame, version).expect("a response of this version");
    let length = i32::try_from(frame.len() - 4).expect("small");
    frame[..4].copy_from_slice(&length.to_be_bytes());
    frame.freeze()
}

fn unframe<R: Decodable + HeaderVersion>(mut frame: Bytes, version: i16) -> R {
    assert_eq!(usize::try_from(frame.get_i32()), Ok(frame.len()), "the length prefix");
    let header = ResponseHeader::decode(&mut frame, R::header_version(version)).expect("a header");
    assert_eq!(header.correlation_id, 42);
    let response = R::decode(&mut frame, version).expect("a response");
    assert!(frame.is_empty(), "bytes behind the response");
    response
}

/// Node n listens on port 10000 + n; every address that was asked for is noted.
fn rewrite(api: ApiKey, version: i16, frame: &Bytes) -> (Option<Bytes>, Vec<String>) {
    let mut asked = Vec::new();
    let mut local = |node: NodeId, endpoint: &Endpoint| {
        asked.push(format!("{node}={endpoint}"));
        Ok(u16::try_from(10_000 + node.0).expect("a port"))
    };
    let rewritten = response(api, version, frame, &mut local).expect("Kafka's bytes");
    (rewritten, asked)
}

#[test]
fn metadata_of_every_version() {
    for version in 0..=13 {
        let broker = |id, host| {
            MetadataResponseBroker::default().with_node_id(BrokerId(id)).with_host(text(host)).with_port(9092)
        };
        let topic = MetadataResponseTopic::default().with_name(Some(TopicName(text("orders"))));
        let original = MetadataResponse::default()
            .with_brokers(vec![broker(101, "b-1.svc"), broker(102, "b-2.svc")])
            .with_topics(vec![topic]);
        let (rewritten, asked) = rewrite(ApiKey::Metadata, version, &frame(&original, version));
        let rewritten: MetadataResponse = unframe(rewritten.expect("it carries addresses"), version);
        assert_eq!(asked, ["101=b-1.svc:9092", "102=b-2.svc:9092"], "v{version}");
        let mut wanted = original.clone();
        for broker in &mut wanted.brokers {
            broker.host = text("127.0.0.1");
            broker.port = 10_000 + broker.node_id.0;
        }
        assert_eq!(rewritten, wanted, "v{version}");
    }
}

#[test]
fn coordinators_of_every_version() {
    for version in 0..=3 {
        let original =
            FindCoordinatorResponse::default().with_node_id(BrokerId(101)).with_host(text("b-1.svc")).with_port(9092);
        let (rewritten, _) = rewrite(ApiKey::FindCoordinator, version, &frame(&original, version));
        let rewritten: FindCoordinatorResponse = unframe(rewritten.expect("it carries an address"), version);
        assert_eq!((rewritten.host.as_str(), rewritten.port), ("127.0.0.1", 10_101), "v{version}");
    }
    for version in 4..=6 {
        let coordinator = |key, id, host| {
            Coordinator::default().with_key(text(key)).with_node_id(BrokerId(id)).with_host(text(host)).with_port(9092)
        };
        let original = FindCoordinatorResponse::default()
            .with_coordinators(vec![coordinator("a", 102, "b-2.svc"), coordinator("b", -1, "")]);
        let (rewritten, asked) = rewrite(ApiKey::FindCoordinator, version, &frame(&original, version));
        let rewritten: FindCoordinatorResponse = unframe(rewritten.expect("it carries an address"), version);
        assert_eq!(asked, ["102=b-2.svc:9092"], "v{version}");
        assert_eq!(rewritten.coordinators[0].port, 10_102, "v{version}");
        assert_eq!(rewritten.coordinators[1], original.coordinators[1], "v{version}");
    }
}

#[test]
fn no_coordinator_has_no_address() {
    for version in 0..=6 {
        let mut original = FindCoordinatorResponse::default().with_node_id(BrokerId(-1)).with_port(-1);
        original.error_code = 15;
        if version >= 4 {
            original = FindCoordinatorResponse::default();
        }
        assert_eq!(rewrite(ApiKey::FindCoordinator, version, &frame(&original, version)), (None, vec![]));
    }
}

#[test]
fn describe_cluster_of_every_version() {
    for version in 0..=2 {
        let broker =
            DescribeClusterBroker::default().with_broker_id(BrokerId(101)).with_host(text("b-1.svc")).with_port(9092);
        let original = DescribeClusterResponse::default().with_brokers(vec![broker]);
        let (rewritten, _) = rewrite(ApiKey::DescribeCluster, version, &frame(&original, version));
        let rewritten: DescribeClusterResponse = unframe(rewritten.expect("it carries an address"), version);
        assert_eq!((rewritten.brokers[0].host.as_str(), rewritten.brokers[0].port), ("127.0.0.1", 10_101));
    }
}

#[test]
fn produce_hides_the_new_leader_that_it_names() {
    let topic = |version: i16| {
        let topic = TopicProduceResponse::default();
        if version < 13 { topic.with_name(TopicName(text("orders"))) } else { topic }
    };
    for version in 3..=13 {
        let plain = ProduceResponse::default().with_responses(vec![topic(version)]);
        if version < 10 {
            assert_eq!(concerned(ApiKey::Produce as i16, version), None);
            continue;
        }
        assert_eq!(concerned(ApiKey::Produce as i16, version), Some(ApiKey::Produce));
        assert_eq!(rewrite(ApiKey::Produce, version, &frame(&plain, version)).0, None, "v{version} passes as it is");
        let node = NodeEndpoint::default().with_node_id(BrokerId(102)).with_host(text("b-2.svc")).with_port(9092);
        let moved = plain.with_node_endpoints(vec![node]);
        let (rewritten, _) = rewrite(ApiKey::Produce, version, &frame(&moved, version));
        let rewritten: ProduceResponse = unframe(rewritten.expect("it carries an address"), version);
        assert_eq!(
            (rewritten.node_endpoints[0].host.as_str(), rewritten.node_endpoints[0].port),
            ("127.0.0.1", 10_102)
        );
        assert_eq!(rewritten.responses, moved.responses, "v{version}");
    }
}

fn versions() -> ApiVersionsResponse {
    let range = |api: ApiKey, low, high| {
        ApiVersion::default().with_api_key(api as i16).with_min_version(low).with_max_version(high)
    };
    ApiVersionsResponse::default().with_api_keys(vec![
        range(ApiKey::Produce, 0, 13),
        range(ApiKey::Fetch, 4, 18),
        range(ApiKey::ListOffsets, 1, 11),
        range(ApiKey::Metadata, 0, 14),
        range(ApiKey::SaslHandshake, 0, 5),
        range(ApiKey::SaslAuthenticate, 0, 2),
        range(ApiKey::ShareFetch, 1, 2),
        range(ApiKey::ShareAcknowledge, 1, 2),
        ApiVersion::default().with_api_key(9999).with_min_version(0).with_max_version(7),
    ])
}

/// `(key, min, max)` of each, in order.
fn ranges(response: &ApiVersionsResponse) -> Vec<(i16, i16, i16)> {
    response.api_keys.iter().map(|range| (range.api_key, range.min_version, range.max_version)).collect()
}

/// What is left of [`versions`].
const LIMITED: [(i16, i16, i16); 7] =
    [(0, 0, 13), (1, 4, 15), (2, 1, 11), (3, 0, 13), (9999, 0, 7), (17, 0, 1), (36, 0, 2)];

#[test]
fn api_versions_are_limited_where_addresses_hide_and_nowhere_else() {
    for version in 0..=4 {
        let mut original = versions();
        if version >= 3 {
            original.finalized_features = vec![FinalizedFeatureKey::default().with_name(text("transaction.version"))];
        }
        let (rewritten, _) = rewrite(ApiKey::ApiVersions, version, &frame(&original, version));
        let rewritten: ApiVersionsResponse = unframe(rewritten.expect("limited"), version);
        assert_eq!(ranges(&rewritten), LIMITED, "v{version}");
        assert_eq!(rewritten.finalized_features, original.finalized_features, "v{version}");
    }
}

#[test]
fn an_unknown_version_of_api_versions_is_answered_in_v0() {
    let mut original = versions();
    original.error_code = 35;
    let (rewritten, _) = rewrite(ApiKey::ApiVersions, 4, &frame(&original, 0));
    let rewritten: ApiVersionsResponse = unframe(rewritten.expect("limited"), 0);
    assert_eq!((rewritten.error_code, ranges(&rewritten)), (35, LIMITED.to_vec()));
}

#[test]
fn a_broker_without_any_version_that_can_be_rewritten_offers_none() {
    let fetch = ApiVersion::default().with_api_key(1).with_min_version(16).with_max_version(20);
    let mut response = ApiVersionsResponse::default().with_api_keys(vec![fetch]);
    limit_versions(&mut response);
    assert_eq!(ranges(&response), [(17, 0, 1), (36, 0, 2)], "SASL alone");
}

#[test]
fn what_was_not_offered_is_not_allowed() {
    assert!(allowed(ApiKey::Fetch as i16, 15) && !allowed(ApiKey::Fetch as i16, 16));
    assert!(!allowed(ApiKey::ShareFetch as i16, 1) && !allowed(ApiKey::Metadata as i16, 14));
    assert!(allowed(ApiKey::ListOffsets as i16, 99) && allowed(9999, 0) && allowed(ApiKey::Produce as i16, 12));
}

#[test]
fn a_fetch_response_is_never_decoded() {
    assert_eq!(concerned(ApiKey::Fetch as i16, 15), None);
    let fetched = frame(&FetchResponse::default(), 15);
    assert_eq!(rewrite(ApiKey::Fetch, 15, &fetched), (None, vec![]));
}

#[test]
fn bytes_that_are_no_metadata_end_the_connection() {
    let broken = Bytes::from_static(&[0, 0, 0, 6, 0, 0, 0, 42, 0xff, 0xff]);
    let error = response(ApiKey::Metadata, 12, &broken, &mut |_, _| Ok(1)).expect_err("not Kafka's");
    assert!(error.to_string().starts_with("cannot decode a Metadata response of version 12"), "{error}");
}
