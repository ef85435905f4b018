//! How librdkafka is told to use the gateway, and to be quiet.

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use super::Gateway;

impl Gateway {
    /// The part of librdkafka's configuration that producers and consumers share.
    pub fn client_config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", self.bootstrap_servers())
            .set("client.id", crate::kafka::CLIENT_ID)
            .set("security.protocol", "sasl_plaintext")
            .set("sasl.mechanisms", "PLAIN")
            .set("sasl.username", self.username())
            .set("sasl.password", self.password())
            // Listeners are on 127.0.0.1 alone.
            .set("broker.address.family", "v4")
            // A topic that does not exist is an error, never a wish.
            .set("allow.auto.create.topics", "false")
            // The tunnel answers in milliseconds; a broker that restarts is looked for every second.
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            // A node that died without a word keeps its streams open; the default is a minute.
            .set("socket.timeout.ms", "20000")
            .set("enable.metrics.push", "false");
        if tracing::enabled!(tracing::Level::TRACE) {
            config.set("debug", "broker,metadata,eos,cgrp").set_log_level(RDKafkaLogLevel::Debug);
        }
        config
    }
}

/// Where librdkafka's own lines go: the log of `-v=6`. What matters to a person comes back as an error of
/// a message or a partition.
pub fn quiet(facility: &str, line: &str) {
    tracing::debug!(facility, "librdkafka: {line}");
}
