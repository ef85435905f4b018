//! What a second `install` asks that is not as it is, and whether that can be done.

use crate::k8s::manifests::{ClusterSpec, Place, Step};
use crate::view::Table;

/// One option that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    /// `brokers`, `config log.retention.hours`
    pub field: String,
    /// As it is; `None`: not set.
    pub current: Option<String>,
    /// As it is asked.
    pub wanted: Option<String>,
}

impl Difference {
    /// The flag that says it, or the path of what has none, and its place in a document.
    pub(super) fn source(&self) -> (String, Place) {
        if let Some(key) = self.field.strip_prefix("config ") {
            return ("--config".to_owned(), Place::of("--config").then(Step::Named(key.to_owned())));
        }
        let flag = match self.field.as_str() {
            "security.tls" => "--tls".to_owned(),
            "security.authentication" => "--authentication".to_owned(),
            field if field.contains('.') => format!("spec.{field}"),
            field => format!("--{field}"),
        };
        let place = Place::of(&flag);
        (flag, place)
    }
}

/// Who asks for a difference, where that is worth telling: there is a file beside the flags.
pub(super) type Asker<'a> = &'a dyn Fn(&Difference) -> Option<String>;

/// Every option that differs, in the order of the flags.
pub(super) fn differences(current: &ClusterSpec, wanted: &ClusterSpec) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut compare = |field: &str, current: Option<String>, wanted: Option<String>, same: bool| {
        if !same {
            found.push(Difference { field: field.to_owned(), current, wanted });
        }
    };
    macro_rules! field {
        ($name:literal, $($path:ident).+) => {
            compare(
                $name,
                Some(current.$($path).+.to_string()),
                Some(wanted.$($path).+.to_string()),
                current.$($path).+ == wanted.$($path).+,
            );
        };
    }
    field!("mode", mode);
    field!("brokers", brokers);
    field!("controllers", controllers);
    let (servers, wanted_servers) = (current.zookeeper_servers(), wanted.zookeeper_servers());
    compare(
        "zookeeper-servers",
        Some(servers.to_string()),
        Some(wanted_servers.to_string()),
        servers == wanted_servers,
    );
    if current.has_zookeeper() && wanted.has_zookeeper() {
        let (image, wanted_image) = (current.zookeeper_image(), wanted.zookeeper_image());
        compare("zookeeper-image", Some(image.clone()), Some(wanted_image.clone()), image == wanted_image);
    }
    field!("kafka-version", kafka_version);
    compare("image", Some(current.image()), Some(wanted.image()), current.image() == wanted.image());
    field!("storage", storage.size);
    let (class, wanted_class) = (&current.storage.class, &wanted.storage.class);
    compare("storage-class", class.clone(), wanted_class.clone(), class == wanted_class);
    field!("memory", memory);
    field!("cpu", cpu);
    parts(current, wanted, &mut compare);
    let keys: std::collections::BTreeSet<&String> = current.config.keys().chain(wanted.config.keys()).collect();
    for key in keys {
        let (now, then) = (current.config.get(key), wanted.config.get(key));
        compare(&format!("config {key}"), now.cloned(), then.cloned(), now == then);
    }
    found
}

/// What has no flag of its own, as the document writes it.
fn parts(
    current: &ClusterSpec,
    wanted: &ClusterSpec,
    compare: &mut impl FnMut(&str, Option<String>, Option<String>, bool),
) {
    let (current, wanted) = (serde_json::to_value(current), serde_json::to_value(wanted));
    let (current, wanted) = (current.unwrap_or_default(), wanted.unwrap_or_default());
    let written = |value: Option<&serde_json::Value>| {
        value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    for field in PARTS {
        let (now, then) = (written(current.pointer(field)), written(wanted.pointer(field)));
        let same = now == then;
        compare(&field[1..].replace('/', "."), now, then, same);
    }
}

/// Paths of the document beside the fields that flags have.
const PARTS: [&str; 11] = [
    "/zookeeper/resources",
    "/storage/disks",
    "/heap",
    "/jvmOptions",
    "/controllerResources",
    "/security/tls",
    "/security/authentication",
    "/listeners",
    "/metrics",
    "/rackMap",
    "/pods",
];

/// The differences that cannot be had with the volumes that were kept: the quorum's members and the
/// volumes themselves are what they are, a broker's data would be missing, an older Kafka may not read what a
/// newer one wrote, and neither mode finds its metadata in the other's.
pub(super) fn impossible_with_kept_data(current: &ClusterSpec, wanted: &ClusterSpec) -> Vec<Difference> {
    let fewer = wanted.brokers < current.brokers;
    // With combined roles a third broker changes the quorum.
    let other_quorum = wanted.voters() != current.voters() || wanted.is_combined() != current.is_combined();
    let older = numbers(&wanted.kafka_version) < numbers(&current.kafka_version);
    differences(current, wanted)
        .into_iter()
        .filter(|difference| match difference.field.as_str() {
            "brokers" => fewer || other_quorum,
            "controllers" | "zookeeper-servers" => other_quorum,
            "kafka-version" => older,
            "mode" | "storage" | "storage-class" | "storage.disks" => true,
            // The first users are written when the quorum is made.
            "security.authentication" => wanted.security.is_scram(),
            _ => false,
        })
        .collect()
}

/// The differences that a cluster that runs cannot be given by new pods, one after the other: members of
/// the quorum, brokers and volumes come and go by other means, another version is an upgrade, and nodes
/// that speak with each other otherwise than the rest would leave it.
pub(super) fn impossible_while_running(current: &ClusterSpec, wanted: &ClusterSpec) -> Vec<Difference> {
    let same_volumes = current.controller_resources.storage == wanted.controller_resources.storage;
    differences(current, wanted)
        .into_iter()
        .filter(|difference| match difference.field.as_str() {
            "memory" | "cpu" | "heap" | "jvmOptions" | "metrics" | "rackMap" | "pods" => false,
            // Without a version of its own, the image follows the version.
            "image" => current.kafka_version != wanted.kafka_version,
            "controllerResources" => !same_volumes,
            field => !field.starts_with("config "),
        })
        .collect()
}

fn numbers(version: &str) -> Vec<u32> {
    version.split('.').map(|part| part.parse().unwrap_or_default()).collect()
}

/// `FIELD CURRENT WANTED`
pub(super) fn table(differences: &[Difference]) -> String {
    table_with(differences, &|_| None)
}

/// `FIELD CURRENT WANTED ASKED BY`, the last where anybody is worth telling.
pub(super) fn table_with(differences: &[Difference], asker: Asker<'_>) -> String {
    let askers: Vec<Option<String>> = differences.iter().map(asker).collect();
    let is_told = askers.iter().any(Option::is_some);
    let columns = ["FIELD", "CURRENT", "WANTED"].into_iter().chain(is_told.then_some("ASKED BY"));
    let mut table = Table::new(columns, false);
    let cell = |value: &Option<String>| value.clone().unwrap_or_else(|| "<none>".to_owned());
    for (difference, asker) in differences.iter().zip(askers) {
        let row = [difference.field.clone(), cell(&difference.current), cell(&difference.wanted)];
        table.row(row.into_iter().chain(is_told.then(|| asker.unwrap_or_default())));
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::k8s::manifests::{ClusterMode, ZooKeeperSpec};

    fn fields(differences: &[Difference]) -> Vec<&str> {
        differences.iter().map(|difference| difference.field.as_str()).collect()
    }

    #[test]
    fn every_difference_has_its_place_in_a_document() {
        let told = |field: &str| {
            let (flag, place) = Difference { field: field.into(), current: None, wanted: None }.source();
            (flag, place.to_string(), place.name().map(str::to_owned))
        };
        for (field, flag, path, name) in [
            ("brokers", "--brokers", "spec.brokers", None),
            ("storage", "--storage", "spec.storage.size", None),
            ("kafka-version", "--kafka-version", "spec.kafkaVersion", None),
            ("heap", "--heap", "spec.heap", None),
            ("storage.disks", "spec.storage.disks", "spec.storage.disks", None),
            ("security.authentication", "--authentication", "spec.security.authentication", None),
            ("config a.b", "--config", "spec.config", Some("a.b")),
        ] {
            assert_eq!(told(field), (flag.into(), path.into(), name.map(str::to_owned)));
        }
    }

    #[test]
    fn who_asks_is_told_beside_what_is_asked() {
        let wanted = ClusterSpec::changed(|spec| (spec.brokers, spec.controllers) = (5, 1));
        let asker = |difference: &Difference| (difference.field == "brokers").then(|| "a.yaml: line 4".to_owned());
        insta::assert_snapshot!(table_with(&differences(&ClusterSpec::changed(|_| ()), &wanted), &asker), @r"
        FIELD         CURRENT   WANTED   ASKED BY
        brokers       3         5        a.yaml: line 4
        controllers   3         1
        ");
    }

    #[test]
    fn the_same_amount_written_otherwise_is_no_difference() {
        let wanted = ClusterSpec::changed(|spec| {
            spec.memory = "2048Mi".parse().expect("a quantity");
            spec.image = Some("apache/kafka:4.3.1".into());
        });
        assert_eq!(differences(&ClusterSpec::changed(|_| ()), &wanted), []);
    }

    #[test]
    fn every_field_is_compared() {
        let wanted = ClusterSpec::changed(|spec| {
            (spec.brokers, spec.controllers) = (4, 5);
            spec.kafka_version = "4.4.0".into();
            spec.storage.size = "20Gi".parse().expect("a quantity");
            spec.storage.class = Some("fast".into());
            spec.memory = "3Gi".parse().expect("a quantity");
            spec.cpu = "1".parse().expect("a quantity");
            spec.config.insert("a".into(), "1".into());
        });
        let found = differences(&ClusterSpec::changed(|_| ()), &wanted);
        assert_eq!(
            fields(&found),
            [
                "brokers",
                "controllers",
                "kafka-version",
                "image",
                "storage",
                "storage-class",
                "memory",
                "cpu",
                "config a"
            ]
        );
        assert!(table(&found[5..6]).ends_with("storage-class   <none>    fast\n"), "{}", table(&found[5..6]));
    }

    #[test]
    fn a_running_cluster_takes_what_new_pods_bring() {
        let fine = ClusterSpec::changed(|spec| {
            spec.memory = "3Gi".parse().expect("a quantity");
            spec.cpu = "1".parse().expect("a quantity");
            spec.image = Some("mirror/kafka:4.3.1".into());
            spec.jvm_options = vec!["-XX:MaxGCPauseMillis=50".into()];
            spec.controller_resources.memory = Some("2Gi".parse().expect("a quantity"));
            spec.config.insert("num.partitions".into(), "3".into());
        });
        assert_eq!(impossible_while_running(&ClusterSpec::changed(|_| ()), &fine), []);
        let bad = ClusterSpec::changed(|spec| {
            (spec.brokers, spec.controllers) = (2, 5);
            spec.kafka_version = "4.4.0".into();
            spec.storage.size = "20Gi".parse().expect("a quantity");
            spec.storage.class = Some("fast".into());
            spec.controller_resources.storage = Some("2Gi".parse().expect("a quantity"));
        });
        assert_eq!(
            fields(&impossible_while_running(&ClusterSpec::changed(|_| ()), &bad)),
            ["brokers", "controllers", "kafka-version", "image", "storage", "storage-class", "controllerResources"]
        );
    }

    #[test]
    fn kept_data_allows_what_only_new_pods_need() {
        let current = ClusterSpec::changed(|spec| spec.brokers = 3);
        let fine = ClusterSpec::changed(|spec| {
            spec.brokers = 5;
            spec.kafka_version = "4.3.2".into();
            spec.memory = "1Gi".parse().expect("a quantity");
            spec.config.insert("a".into(), "1".into());
        });
        assert_eq!(impossible_with_kept_data(&current, &fine), []);
        let bad = ClusterSpec::changed(|spec| {
            (spec.brokers, spec.controllers) = (2, 5);
            spec.kafka_version = "4.2.9".into();
            spec.storage.size = "1Gi".parse().expect("a quantity");
            spec.storage.class = Some("fast".into());
        });
        assert_eq!(
            fields(&impossible_with_kept_data(&current, &bad)),
            ["brokers", "controllers", "kafka-version", "storage", "storage-class"]
        );
        let combined = |brokers| ClusterSpec::changed(|spec| (spec.brokers, spec.controllers) = (brokers, 0));
        assert_eq!(fields(&impossible_with_kept_data(&combined(1), &combined(3))), ["brokers"]);
        assert_eq!(impossible_with_kept_data(&combined(3), &combined(4)), []);
    }

    #[test]
    fn another_mode_is_shown_with_what_follows_from_it_and_needs_another_disk() {
        let zookeeper = ClusterSpec::changed(|_| ()).in_mode(ClusterMode::ZooKeeper);
        let found = differences(&ClusterSpec::changed(|_| ()), &zookeeper);
        assert_eq!(fields(&found), ["mode", "controllers", "zookeeper-servers", "kafka-version", "image"]);
        let impossible = impossible_with_kept_data(&ClusterSpec::changed(|_| ()), &zookeeper);
        assert_eq!(fields(&impossible), ["mode", "kafka-version"]);
        let mut more = zookeeper.clone();
        more.zookeeper = Some(ZooKeeperSpec {
            servers: 5,
            image: Some("mirror/zookeeper:3.9.5".into()),
            ..ZooKeeperSpec::default()
        });
        assert_eq!(fields(&differences(&zookeeper, &more)), ["zookeeper-servers", "zookeeper-image"]);
        assert_eq!(fields(&impossible_with_kept_data(&zookeeper, &more)), ["zookeeper-servers"]);
        assert_eq!(differences(&zookeeper, &zookeeper), []);
    }
}
