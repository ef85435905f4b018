//! Which server property was meant by a name that Kafka does not know: Kafka ignores such a name, and whoever wrote
//! it believes that it is set.
//!
//! A name that is like none of Kafka's is somebody else's business: authorizers, reporters and other plugins have
//! properties of their own.

/// One name a line.
const NAMES: &str = include_str!("names.txt");
/// More slips of the pen than these in one name make another name.
const SLIPS: usize = 2;
/// A listener's own properties have its name inside.
const OF_LISTENER: &str = "listener.name.";
/// A topic's settings whose server property is not called `log.` and the same.
///
/// Source: `ServerTopicConfigSynonyms` of Kafka 4.3.
const OF_TOPICS: [(&str, &str); 12] = [
    ("delete.retention.ms", "log.cleaner.delete.retention.ms"),
    ("file.delete.delay.ms", "log.segment.delete.delay.ms"),
    ("flush.messages", "log.flush.interval.messages"),
    ("flush.ms", "log.flush.interval.ms"),
    ("max.compaction.lag.ms", "log.cleaner.max.compaction.lag.ms"),
    ("max.message.bytes", "message.max.bytes"),
    ("min.cleanable.dirty.ratio", "log.cleaner.min.cleanable.ratio"),
    ("min.compaction.lag.ms", "log.cleaner.min.compaction.lag.ms"),
    ("replication.factor", "default.replication.factor"),
    ("segment.index.bytes", "log.index.size.max.bytes"),
    ("segment.jitter.ms", "log.roll.jitter.ms"),
    ("segment.ms", "log.roll.ms"),
];

/// The property that was meant; `None`: this one is known, or like none that is.
pub(super) fn meant(key: &str) -> Option<&'static str> {
    if key.starts_with(OF_LISTENER) || names().any(|known| known == key) {
        return None;
    }
    let plain = dotted(key);
    let of_topics = OF_TOPICS.iter().find(|(setting, _)| *setting == plain).map(|(_, property)| *property);
    let exactly = |name: &str| names().find(|known| *known == name);
    let slipped = || {
        let slips = |known: &&str| strsim::damerau_levenshtein(&plain, known);
        names().min_by_key(slips).filter(|known| slips(known) <= SLIPS)
    };
    of_topics.or_else(|| exactly(&plain)).or_else(|| exactly(&format!("log.{plain}"))).or_else(slipped)
}

fn names() -> impl Iterator<Item = &'static str> {
    NAMES.lines().filter(|line| !line.starts_with('#'))
}

/// As Kafka writes it: people know `KAFKA_LOG_RETENTION_HOURS` of containers and `logRetentionHours` of code.
fn dotted(key: &str) -> String {
    let mut text = String::with_capacity(key.len());
    let is_camel = key.contains(|letter: char| letter.is_ascii_lowercase()) && !key.contains(['_', '.', '-']);
    for letter in key.chars() {
        match letter {
            '_' | '-' => text.push('.'),
            letter if is_camel && letter.is_ascii_uppercase() => text.extend(['.', letter.to_ascii_lowercase()]),
            letter => text.push(letter.to_ascii_lowercase()),
        }
    }
    text.strip_prefix("kafka.").map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_a_topics_name_and_another_spelling_are_told_from_what_belongs_to_plugins() {
        for (key, expected) in [
            ("log.retention.hours", None),
            ("zookeeper.session.timeout.ms", None),
            ("share.coordinator.append.linger.ms", None),
            ("listener.name.client.ssl.cipher.suits", None),
            ("strimzi.authorization.delegate.to.kafka.acl", None),
            ("acks", None),
            ("a", None),
            ("log.retension.hours", Some("log.retention.hours")),
            ("log.retention.hour", Some("log.retention.hours")),
            ("Log.Retention.Hours", Some("log.retention.hours")),
            ("log_retention_hours", Some("log.retention.hours")),
            ("logRetentionHours", Some("log.retention.hours")),
            ("KAFKA_LOG_RETENTION_HOURS", Some("log.retention.hours")),
            ("min.insync.replica", Some("min.insync.replicas")),
            ("retention.ms", Some("log.retention.ms")),
            ("cleanup.policy", Some("log.cleanup.policy")),
            ("max.message.bytes", Some("message.max.bytes")),
            ("auto.create.topic.enable", Some("auto.create.topics.enable")),
        ] {
            assert_eq!(meant(key), expected, "{key}");
        }
    }

    #[test]
    fn every_suggestion_is_a_name_that_kafka_knows() {
        assert!(OF_TOPICS.iter().all(|(_, property)| names().any(|known| known == *property)));
        assert!(names().all(|name| meant(name).is_none()));
    }
}
