//! Kafka's error codes in words: the texts of its protocol guide, shortened, lower case, no full stop.
//!
//! Source: <https://kafka.apache.org/protocol#protocol_error_codes>.

/// What a code means; every code of Kafka 4.1 is here.
#[expect(clippy::too_many_lines, reason = "one line per code")]
pub(super) fn words(code: i16) -> &'static str {
    match code {
        -1 => "the server experienced an unexpected error when processing the request",
        1 => "the requested offset is not within the range of offsets maintained by the server",
        2 => {
            "this message has failed its CRC checksum, exceeds the valid size, has a null key for a compacted topic, or is otherwise corrupt"
        }
        3 => "this server does not host this topic-partition",
        4 => "the requested fetch size is invalid",
        5 => "there is no leader for this topic-partition as we are in the middle of a leadership election",
        6 => {
            "for requests intended only for the leader, this error indicates that the broker is not the current leader"
        }
        7 => "the request timed out",
        8 => "the broker is not available",
        9 => "the replica is not available for the requested topic-partition",
        10 => "the request included a message larger than the max message size the server will accept",
        11 => "the controller moved to another broker",
        12 => "the metadata field of the offset request was too large",
        13 => "the server disconnected before a response was received",
        14 => "the coordinator is loading and hence can't process requests",
        15 => "the coordinator is not available",
        16 => "this is not the correct coordinator",
        17 => "the request attempted to perform an operation on an invalid topic",
        18 => "the request included message batch larger than the configured segment size on the server",
        19 => "messages are rejected since there are fewer in-sync replicas than required",
        20 => "messages are written to the log, but to fewer in-sync replicas than required",
        21 => "produce request specified an invalid value for required acks",
        22 => "specified group generation id is not valid",
        23 => {
            "the group member's supported protocols are incompatible with those of existing members or first group member tried to join with empty protocol type or empty protocol list"
        }
        24 => "the configured groupId is invalid",
        25 => "the coordinator is not aware of this member",
        26 => {
            "the session timeout is not within the range allowed by the broker (as configured by group.min.session.timeout.ms and group.max.session.timeout.ms)"
        }
        27 => "the group is rebalancing, so a rejoin is needed",
        28 => "the committing offset data size is not valid",
        29 => "topic authorization failed",
        30 => "group authorization failed",
        31 => "cluster authorization failed",
        32 => "the timestamp of the message is out of acceptable range",
        33 => "the broker does not support the requested SASL mechanism",
        34 => "request is not valid given the current SASL state",
        35 => "the version of API is not supported",
        36 => "topic with this name already exists",
        37 => "number of partitions is below 1",
        38 => "replication factor is below 1 or larger than the number of available brokers",
        39 => "replica assignment is invalid",
        40 => "configuration is invalid",
        41 => "this is not the correct controller for this cluster",
        42 => {
            "this most likely occurs because of a request being malformed by the client library or the message was sent to an incompatible broker"
        }
        43 => "the message format version on the broker does not support the request",
        44 => "request parameters do not satisfy the configured policy",
        45 => "the broker received an out of order sequence number",
        46 => "the broker received a duplicate sequence number",
        47 => "producer attempted to produce with an old epoch",
        48 => "the producer attempted a transactional operation in an invalid state",
        49 => "the producer attempted to use a producer id which is not currently assigned to its transactional id",
        50 => {
            "the transaction timeout is larger than the maximum value allowed by the broker (as configured by transaction.max.timeout.ms)"
        }
        51 => {
            "the producer attempted to update a transaction while another concurrent operation on the same transaction was ongoing"
        }
        52 => {
            "indicates that the transaction coordinator sending a WriteTxnMarker is no longer the current coordinator for a given producer"
        }
        53 => "transactional Id authorization failed",
        54 => "security features are disabled",
        55 => "the broker did not attempt to execute this operation",
        56 => "disk error when trying to access log file on the disk",
        57 => "the user-specified log directory is not found in the broker config",
        58 => "SASL Authentication failed",
        59 => {
            "this exception is raised by the broker if it could not locate the producer metadata associated with the producerId in question"
        }
        60 => "a partition reassignment is in progress",
        61 => "delegation Token feature is not enabled",
        62 => "delegation Token is not found on server",
        63 => "specified Principal is not valid Owner/Renewer",
        64 => {
            "delegation Token requests are not allowed on PLAINTEXT/1-way SSL channels and on delegation token authenticated channels"
        }
        65 => "delegation Token authorization failed",
        66 => "delegation Token is expired",
        67 => "supplied principalType is not supported",
        68 => "the group is not empty",
        69 => "the group id does not exist",
        70 => "the fetch session ID was not found",
        71 => "the fetch session epoch is invalid",
        72 => {
            "there is no listener on the leader broker that matches the listener on which metadata request was processed"
        }
        73 => "topic deletion is disabled",
        74 => "the leader epoch in the request is older than the epoch on the broker",
        75 => "the leader epoch in the request is newer than the epoch on the broker",
        76 => "the requesting client does not support the compression type of given partition",
        77 => "broker epoch has changed",
        78 => {
            "the leader high watermark has not caught up from a recent leader election so the offsets cannot be guaranteed to be monotonically increasing"
        }
        79 => "the group member needs to have a valid member id before actually entering a consumer group",
        80 => "the preferred leader was not available",
        81 => "the consumer group has reached its max size",
        82 => {
            "the broker rejected this static consumer since another consumer with the same group.instance.id has registered with a different member.id"
        }
        83 => "eligible topic partition leaders are not available",
        84 => "leader election not needed for topic partition",
        85 => "no partition reassignment is in progress",
        86 => "deleting offsets of a topic is forbidden while the consumer group is actively subscribed to it",
        87 => "this record has failed the validation on broker and hence will be rejected",
        88 => "there are unstable offsets that need to be cleared",
        89 => "the throttling quota has been exceeded",
        90 => "there is a newer producer with the same transactionalId which fences the current one",
        91 => "a request illegally referred to a resource that does not exist",
        92 => "a request illegally referred to the same resource twice",
        93 => "requested credential would not meet criteria for acceptability",
        94 => {
            "indicates that the either the sender or recipient of a voter-only request is not one of the expected voters"
        }
        95 => "the given update version was invalid",
        96 => "unable to update finalized features due to an unexpected server error",
        97 => "request principal deserialization failed during forwarding",
        98 => "requested snapshot was not found",
        99 => "requested position is not greater than or equal to zero, and less than the size of the snapshot",
        100 => "this server does not host this topic ID",
        101 => "this broker ID is already in use",
        102 => "the given broker ID was not registered",
        103 => "the log's topic ID did not match the topic ID in the request",
        104 => "the clusterId in the request does not match that found on the server",
        105 => "the transactionalId could not be found",
        106 => "the fetch session encountered inconsistent topic ID usage",
        107 => "the new ISR contains at least one ineligible replica",
        108 => "the AlterPartition request successfully updated the partition state but the leader has changed",
        109 => "the requested offset is moved to tiered storage",
        110 => {
            "the member epoch is fenced by the group coordinator. The member must abandon all its partitions and rejoin"
        }
        111 => "the instance ID is still used by another member in the consumer group. That member must leave first",
        112 => "the assignor or its version range is not supported by the consumer group",
        113 => "the member epoch is stale",
        114 => "the request was sent to an endpoint of the wrong type",
        115 => "this endpoint type is not supported yet",
        116 => "this controller ID is not known",
        117 => "client sent a push telemetry request with an invalid or outdated subscription ID",
        118 => "client sent a push telemetry request larger than the maximum size the broker will accept",
        119 => "the controller has considered the broker registration to be invalid",
        120 => "the server encountered an error with the transaction",
        121 => "the record state is invalid. The acknowledgement of delivery could not be completed",
        122 => "the share session was not found",
        123 => "the share session epoch is invalid",
        124 => "the share coordinator rejected the request because the share-group state epoch did not match",
        125 => "the voter key doesn't match the receiving replica's key",
        126 => "the voter is already part of the set of voters",
        127 => "the voter is not part of the set of voters",
        128 => "the regular expression is not valid",
        129 => "client metadata is stale, client should rebootstrap to obtain new metadata",
        130 => "the supplied topology is invalid",
        131 => "the supplied topology epoch is invalid",
        132 => "the supplied topology epoch is outdated",
        133 => "the limit of share sessions has been reached",
        _ => "an error that this version of kubectl kafka does not know",
    }
}
