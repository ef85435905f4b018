//! Which properties a client has, so that a slip of the pen is told from what belongs to somebody else.
//!
//! Kafka's own clients ignore what they do not know. That is kept, because files are shared with serializers and
//! frameworks; but `security.protcol` must not end in plain text.

/// Those that decide how a connection is protected, as far as they are understood here.
const SECURITY: [&str; 11] = [
    "security.protocol",
    "sasl.mechanism",
    "sasl.jaas.config",
    "ssl.truststore.location",
    "ssl.truststore.certificates",
    "ssl.truststore.type",
    "ssl.keystore.location",
    "ssl.keystore.key",
    "ssl.keystore.certificate.chain",
    "ssl.keystore.type",
    "ssl.endpoint.identification.algorithm",
];

/// The other ones of Kafka's clients (`CommonClientConfigs`, `ProducerConfig`, `ConsumerConfig`, `SslConfigs`).
const OTHERS: &[&str] = &[
    "acks",
    "allow.auto.create.topics",
    "auto.commit.interval.ms",
    "auto.include.jmx.reporter",
    "auto.offset.reset",
    "batch.size",
    "bootstrap.controllers",
    "bootstrap.servers",
    "buffer.memory",
    "check.crcs",
    "client.dns.lookup",
    "client.id",
    "client.rack",
    "compression.gzip.level",
    "compression.lz4.level",
    "compression.type",
    "compression.zstd.level",
    "config.providers",
    "connections.max.idle.ms",
    "default.api.timeout.ms",
    "delivery.timeout.ms",
    "enable.auto.commit",
    "enable.idempotence",
    "enable.metrics.push",
    "exclude.internal.topics",
    "fetch.max.bytes",
    "fetch.max.wait.ms",
    "fetch.min.bytes",
    "group.id",
    "group.instance.id",
    "group.protocol",
    "group.remote.assignor",
    "heartbeat.interval.ms",
    "interceptor.classes",
    "isolation.level",
    "key.deserializer",
    "key.serializer",
    "linger.ms",
    "max.block.ms",
    "max.in.flight.requests.per.connection",
    "max.partition.fetch.bytes",
    "max.poll.interval.ms",
    "max.poll.records",
    "max.request.size",
    "metadata.max.age.ms",
    "metadata.max.idle.ms",
    "metadata.recovery.rebootstrap.trigger.ms",
    "metadata.recovery.strategy",
    "metric.reporters",
    "metrics.num.samples",
    "metrics.recording.level",
    "metrics.sample.window.ms",
    "partition.assignment.strategy",
    "partitioner.adaptive.partitioning.enable",
    "partitioner.availability.timeout.ms",
    "partitioner.class",
    "partitioner.ignore.keys",
    "receive.buffer.bytes",
    "reconnect.backoff.max.ms",
    "reconnect.backoff.ms",
    "request.timeout.ms",
    "retries",
    "retry.backoff.max.ms",
    "retry.backoff.ms",
    "sasl.client.callback.handler.class",
    "security.providers",
    "send.buffer.bytes",
    "session.timeout.ms",
    "socket.connection.setup.timeout.max.ms",
    "socket.connection.setup.timeout.ms",
    "ssl.cipher.suites",
    "ssl.enabled.protocols",
    "ssl.engine.factory.class",
    "ssl.key.password",
    "ssl.keymanager.algorithm",
    "ssl.keystore.password",
    "ssl.protocol",
    "ssl.provider",
    "ssl.secure.random.implementation",
    "ssl.trustmanager.algorithm",
    "ssl.truststore.password",
    "transaction.timeout.ms",
    "transaction.two.phase.commit.enable",
    "transactional.id",
    "value.deserializer",
    "value.serializer",
];

/// Whole families of them.
const FAMILIES: [&str; 4] = ["config.providers.", "sasl.kerberos.", "sasl.login.", "sasl.oauthbearer."];

/// librdkafka's names (kcat, and clients in C, Python, Go) for the same things.
const OF_LIBRDKAFKA: [(&str, &str); 7] = [
    ("sasl.mechanisms", "sasl.mechanism"),
    ("sasl.username", "sasl.jaas.config"),
    ("sasl.password", "sasl.jaas.config"),
    ("ssl.ca.location", "ssl.truststore.location"),
    ("ssl.ca.pem", "ssl.truststore.certificates"),
    ("ssl.certificate.location", "ssl.keystore.location"),
    ("ssl.key.location", "ssl.keystore.location"),
];

/// Two letters too many, too few, wrong or exchanged are a slip; three make another word.
const SLIP: usize = 2;

/// What a key is to a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// One of a client's properties.
    Known,
    /// A slip of the pen: this property is meant, which decides about security.
    Slip(&'static str),
    /// librdkafka's name for this property.
    OfLibrdkafka(&'static str),
    /// None of a client's business.
    Unknown,
}

impl Spelling {
    /// Of a key.
    pub(super) fn of(key: &str) -> Self {
        if SECURITY.contains(&key) || OTHERS.contains(&key) || FAMILIES.iter().any(|family| key.starts_with(family)) {
            return Self::Known;
        }
        if let Some((_, meant)) = OF_LIBRDKAFKA.iter().find(|(name, _)| *name == key) {
            return Self::OfLibrdkafka(meant);
        }
        // Environment variables and YAML write the dots otherwise.
        let plain = key.to_lowercase().replace(['_', '-'], ".");
        let nearest = SECURITY.into_iter().min_by_key(|known| strsim::damerau_levenshtein(&plain, known));
        match nearest.filter(|known| strsim::damerau_levenshtein(&plain, known) <= SLIP) {
            Some(meant) => Self::Slip(meant),
            None => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_told_from_what_belongs_to_others() {
        use Spelling::{Known, OfLibrdkafka, Slip, Unknown};
        for (key, expected) in [
            ("security.protocol", Known),
            ("bootstrap.servers", Known),
            ("sasl.login.refresh.buffer.seconds", Known),
            ("ssl.truststore.password", Known),
            ("security.protcol", Slip("security.protocol")),
            ("Security.Protocol", Slip("security.protocol")),
            ("SECURITY_PROTOCOL", Slip("security.protocol")),
            ("ssl.trustore.location", Slip("ssl.truststore.location")),
            ("ssl_endpoint_identification_algorithm", Slip("ssl.endpoint.identification.algorithm")),
            ("sasl.jass.config", Slip("sasl.jaas.config")),
            ("sasl.mechanisms", OfLibrdkafka("sasl.mechanism")),
            ("ssl.ca.location", OfLibrdkafka("ssl.truststore.location")),
            ("schema.registry.url", Unknown),
            ("schema.registry.ssl.truststore.location", Unknown),
            ("listener.name.client.ssl.keystore.location", Unknown),
            ("security.inter.broker.protocol", Unknown),
            ("protocol", Unknown),
            ("x", Unknown),
        ] {
            assert_eq!(Spelling::of(key), expected, "{key}");
        }
    }
}
