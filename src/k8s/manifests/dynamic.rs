//! Which server properties take effect while Kafka runs: the column "Dynamic Update Mode" of Kafka's
//! documentation (KIP-226), as Kafka 4.3 prints it. Everything else needs a restart.

use std::collections::BTreeMap;

/// How a server property takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateMode {
    /// At once, set for all nodes.
    ClusterWide,
    /// At once, set for one node: keystores, listeners.
    PerBroker,
    /// With the next start.
    ReadOnly,
}

/// A set of changed properties, split by how they take effect. `None`: no longer set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigChanges {
    /// Set at once, for all nodes.
    pub cluster_wide: BTreeMap<String, String>,
    /// Could be set at once, on each node.
    pub per_broker: BTreeMap<String, Option<String>>,
    /// Need a restart. Also what is no longer set: a node that was started with it would keep it.
    pub restart: BTreeMap<String, Option<String>>,
}

impl ConfigChanges {
    /// What changed between two sets of properties.
    pub fn between(current: &BTreeMap<String, String>, wanted: &BTreeMap<String, String>) -> Self {
        let mut changes = Self::default();
        let changed = wanted.iter().filter(|(key, value)| current.get(*key) != Some(value));
        for (key, value) in changed.map(|(key, value)| (key.clone(), value.clone())) {
            match update_mode(&key) {
                UpdateMode::ClusterWide => drop(changes.cluster_wide.insert(key, value)),
                UpdateMode::PerBroker => drop(changes.per_broker.insert(key, Some(value))),
                UpdateMode::ReadOnly => drop(changes.restart.insert(key, Some(value))),
            }
        }
        for key in current.keys().filter(|key| !wanted.contains_key(*key)) {
            match update_mode(key) {
                UpdateMode::PerBroker => drop(changes.per_broker.insert(key.clone(), None)),
                _ => drop(changes.restart.insert(key.clone(), None)),
            }
        }
        changes
    }
}

/// How a property takes effect.
pub fn update_mode(key: &str) -> UpdateMode {
    // `listener.name.client.ssl.keystore.location`, `listener.name.client.scram-sha-512.sasl.jaas.config`
    let of_listener = key.strip_prefix("listener.name.").and_then(|rest| rest.split_once('.')).map(|(_, rest)| rest);
    if let Some(rest) = of_listener {
        let is = |known: &&str| rest == *known || rest.strip_suffix(*known).is_some_and(|before| before.ends_with('.'));
        let dynamic = PER_BROKER.iter().any(is) || PER_LISTENER.contains(&rest);
        return if dynamic { UpdateMode::PerBroker } else { UpdateMode::ReadOnly };
    }
    if CLUSTER_WIDE.contains(&key) {
        UpdateMode::ClusterWide
    } else if PER_BROKER.contains(&key) {
        UpdateMode::PerBroker
    } else {
        UpdateMode::ReadOnly
    }
}

/// `cluster-wide`, but for `config.providers` and `metric.reporters`, whose classes we would rather see
/// loaded at a start that can fail.
const CLUSTER_WIDE: [&str; 63] = [
    "background.threads",
    "compression.gzip.level",
    "compression.lz4.level",
    "compression.type",
    "compression.zstd.level",
    "follower.fetch.last.tiered.offset.enable",
    "follower.replication.throttled.rate",
    "group.consumer.assignment.interval.ms",
    "group.coordinator.cached.buffer.max.bytes",
    "group.share.assignment.interval.ms",
    "group.streams.assignment.interval.ms",
    "leader.replication.throttled.rate",
    "log.cleaner.backoff.ms",
    "log.cleaner.dedupe.buffer.size",
    "log.cleaner.delete.retention.ms",
    "log.cleaner.io.buffer.load.factor",
    "log.cleaner.io.buffer.size",
    "log.cleaner.io.max.bytes.per.second",
    "log.cleaner.max.compaction.lag.ms",
    "log.cleaner.min.cleanable.ratio",
    "log.cleaner.min.compaction.lag.ms",
    "log.cleaner.threads",
    "log.cleanup.policy",
    "log.flush.interval.messages",
    "log.flush.interval.ms",
    "log.index.interval.bytes",
    "log.index.size.max.bytes",
    "log.local.retention.bytes",
    "log.local.retention.ms",
    "log.message.timestamp.after.max.ms",
    "log.message.timestamp.before.max.ms",
    "log.message.timestamp.type",
    "log.preallocate",
    "log.retention.bytes",
    "log.retention.ms",
    "log.roll.jitter.ms",
    "log.roll.ms",
    "log.segment.bytes",
    "log.segment.delete.delay.ms",
    "max.connection.creation.rate",
    "max.connections",
    "max.connections.per.ip",
    "max.connections.per.ip.overrides",
    "message.max.bytes",
    "min.insync.replicas",
    "num.io.threads",
    "num.network.threads",
    "num.recovery.threads.per.data.dir",
    "num.replica.fetchers",
    "producer.id.expiration.ms",
    "remote.fetch.max.wait.ms",
    "remote.list.offsets.request.timeout.ms",
    "remote.log.index.file.cache.total.size.bytes",
    "remote.log.manager.copier.thread.pool.size",
    "remote.log.manager.copy.max.bytes.per.second",
    "remote.log.manager.expiration.thread.pool.size",
    "remote.log.manager.fetch.max.bytes.per.second",
    "remote.log.manager.follower.thread.pool.size",
    "remote.log.reader.threads",
    "replica.alter.log.dirs.io.max.bytes.per.second",
    "share.coordinator.cached.buffer.max.bytes",
    "transaction.partition.verification.enable",
    "unclean.leader.election.enable",
];

/// `per-broker`
const PER_BROKER: [&str; 37] = [
    "cordoned.log.dirs",
    "listener.security.protocol.map",
    "listeners",
    "principal.builder.class",
    "sasl.enabled.mechanisms",
    "sasl.jaas.config",
    "sasl.kerberos.kinit.cmd",
    "sasl.kerberos.min.time.before.relogin",
    "sasl.kerberos.principal.to.local.rules",
    "sasl.kerberos.service.name",
    "sasl.kerberos.ticket.renew.jitter",
    "sasl.kerberos.ticket.renew.window.factor",
    "sasl.login.refresh.buffer.seconds",
    "sasl.login.refresh.min.period.seconds",
    "sasl.login.refresh.window.factor",
    "sasl.login.refresh.window.jitter",
    "sasl.mechanism.inter.broker.protocol",
    "ssl.cipher.suites",
    "ssl.client.auth",
    "ssl.enabled.protocols",
    "ssl.endpoint.identification.algorithm",
    "ssl.engine.factory.class",
    "ssl.key.password",
    "ssl.keymanager.algorithm",
    "ssl.keystore.certificate.chain",
    "ssl.keystore.key",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.keystore.type",
    "ssl.protocol",
    "ssl.provider",
    "ssl.secure.random.implementation",
    "ssl.trustmanager.algorithm",
    "ssl.truststore.certificates",
    "ssl.truststore.location",
    "ssl.truststore.password",
    "ssl.truststore.type",
];

/// Cluster-wide ones that a listener may have for itself.
const PER_LISTENER: [&str; 3] = ["max.connection.creation.rate", "max.connections", "num.network.threads"];

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn changes_are_split_by_how_they_take_effect() {
        let current = set(&[("log.retention.ms", "1"), ("num.partitions", "1"), ("message.max.bytes", "5")]);
        let wanted = set(&[
            ("log.retention.ms", "2"),
            ("num.partitions", "3"),
            ("message.max.bytes", "5"),
            ("ssl.client.auth", "none"),
        ]);
        let changes = ConfigChanges::between(&current, &wanted);
        assert_eq!(changes.cluster_wide, set(&[("log.retention.ms", "2")]));
        assert_eq!(changes.restart, BTreeMap::from([("num.partitions".to_owned(), Some("3".to_owned()))]));
        assert_eq!(changes.per_broker, BTreeMap::from([("ssl.client.auth".to_owned(), Some("none".to_owned()))]));
        assert_eq!(ConfigChanges::between(&wanted, &wanted), ConfigChanges::default());
    }

    #[test]
    fn what_is_no_longer_set_needs_a_restart() {
        let changes = ConfigChanges::between(&set(&[("log.retention.ms", "1"), ("num.partitions", "1")]), &set(&[]));
        let removed = ["log.retention.ms", "num.partitions"].map(|key| (key.to_owned(), None));
        assert_eq!(changes, ConfigChanges { restart: removed.into(), ..ConfigChanges::default() });
    }

    #[test]
    fn hours_are_not_milliseconds() {
        assert_eq!(update_mode("log.retention.ms"), UpdateMode::ClusterWide);
        assert_eq!(update_mode("log.retention.hours"), UpdateMode::ReadOnly);
        assert_eq!(update_mode("metric.reporters"), UpdateMode::ReadOnly);
    }

    #[test]
    fn a_listeners_own_settings_are_its_brokers() {
        for (key, mode) in [
            ("listener.name.client.ssl.keystore.location", UpdateMode::PerBroker),
            ("listener.name.client.scram-sha-512.sasl.jaas.config", UpdateMode::PerBroker),
            ("listener.name.client.max.connections", UpdateMode::PerBroker),
            ("listener.name.client.connections.max.idle.ms", UpdateMode::ReadOnly),
            ("listener.name.client.xssl.client.auth", UpdateMode::ReadOnly),
        ] {
            assert_eq!(update_mode(key), mode, "{key}");
        }
    }
}
