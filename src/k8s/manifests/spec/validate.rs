//! What can be checked of a spec without a cluster.

use std::collections::BTreeSet;

use super::mode::version;
use super::{ClusterSpec, LEAST_MEMORY, MOST_BROKERS, SpecError};
use crate::k8s::manifests::properties;
use crate::k8s::names::{OUR_ANNOTATIONS, OUR_POD_LABELS, check_subdomain};

/// Names of the listeners that every cluster has.
const OUR_LISTENERS: [&str; 3] = ["CONTROLLER", "INTERNAL", "CLIENT"];
/// The ports of every cluster, metrics included.
const OUR_PORTS: [u16; 4] = [9091, 9092, 9093, 9404];
/// What stands for the broker's number in an advertised address.
const ORDINAL: &str = "{ordinal}";
/// Options of a JVM that size the heap.
const HEAP_OPTIONS: [&str; 10] = [
    "-Xms",
    "-Xmx",
    "-XX:InitialHeapSize=",
    "-XX:MaxHeapSize=",
    "-XX:InitialRAMPercentage=",
    "-XX:MinRAMPercentage=",
    "-XX:MaxRAMPercentage=",
    "-XX:InitialRAMFraction=",
    "-XX:MaxRAMFraction=",
    "-XX:MaxRAM=",
];
/// A broker spreads over no more volumes than nodes can attach.
const MOST_DISKS: u32 = 16;
/// A certificate for longer than this outlives everybody who remembers it.
const MOST_CERTIFICATE_DAYS: u32 = 3650;

impl ClusterSpec {
    /// Checks everything that can be checked without a cluster.
    pub fn validate(&self) -> Result<(), SpecError> {
        if !(1..=MOST_BROKERS).contains(&self.brokers) {
            return Err(SpecError::new("--brokers", format!("{} is not in 1 to {MOST_BROKERS}", self.brokers)));
        }
        self.validate_quorum()?;
        version(&self.kafka_version, self.mode)?;
        self.validate_images()?;
        self.validate_names()?;
        if self.memory.whole() < LEAST_MEMORY {
            return Err(SpecError::new(
                "--memory",
                format!("{} is too little: Kafka needs 512Mi or more", self.memory),
            ));
        }
        if self.storage.size.whole() < 1 << 20 {
            return Err(SpecError::new(
                "--storage",
                format!("{} is too little; write for example 10Gi", self.storage.size),
            ));
        }
        self.validate_parts()?;
        properties::validate(self)
    }

    fn validate_images(&self) -> Result<(), SpecError> {
        let zookeeper = self.zookeeper.as_ref().and_then(|ensemble| ensemble.image.as_ref());
        let metrics = self.metrics.as_ref().and_then(|metrics| metrics.image.as_ref());
        for (flag, image) in
            [("--image", self.image.as_ref()), ("--zookeeper-image", zookeeper), ("--metrics-image", metrics)]
        {
            if let Some(image) = image
                && (image.is_empty() || image.contains(|character: char| character.is_whitespace()))
            {
                return Err(SpecError::new(flag, format!("\"{image}\" is no image")));
            }
        }
        Ok(())
    }

    /// Names of what is not ours to make.
    fn validate_names(&self) -> Result<(), SpecError> {
        let ca_secret = self.security.tls.as_ref().and_then(|tls| tls.ca_secret.as_ref());
        let one = [
            ("--storage-class", "StorageClass", self.storage.class.as_ref()),
            ("--ca-secret", "Secret", ca_secret),
            ("spec.pods.priorityClassName", "PriorityClass", self.pods.priority_class_name.as_ref()),
        ];
        let several = self.pods.image_pull_secrets.iter();
        let several = several.map(|secret| ("spec.pods.imagePullSecrets", "Secret", Some(secret)));
        for (flag, kind, name) in one.into_iter().chain(several) {
            if let Some(name) = name
                && let Err(reason) = check_subdomain(name)
            {
                return Err(SpecError::new(flag, format!("\"{name}\" is no name of a {kind}: {reason}")));
            }
        }
        Ok(())
    }

    /// What our own would silently win over.
    fn validate_pods(&self) -> Result<(), SpecError> {
        let refuse = |path, key: &str| {
            let reason = format!("{key} is set by kubectl-kafka itself and cannot be changed");
            Err(SpecError::new(path, reason))
        };
        if let Some(key) = self.pods.labels.keys().find(|key| OUR_POD_LABELS.contains(&key.as_str())) {
            return refuse("spec.pods.labels", key);
        }
        match self.pods.annotations.keys().find(|key| key.starts_with(OUR_ANNOTATIONS)) {
            Some(key) => refuse("spec.pods.annotations", key),
            None => Ok(()),
        }
    }

    fn validate_jvm_options(&self) -> Result<(), SpecError> {
        let plain = |letter: char| letter.is_ascii_graphic() && !"\"'`$\\".contains(letter);
        for option in &self.jvm_options {
            if !option.starts_with('-') || !option.chars().all(plain) {
                return Err(SpecError::new("spec.jvmOptions", format!("\"{option}\" is no option of a JVM")));
            }
            if HEAP_OPTIONS.iter().any(|heap| option.starts_with(heap)) {
                let reason = format!("{option} would be beside the heap that kubectl-kafka sets; use spec.heap");
                return Err(SpecError::new("spec.jvmOptions", reason));
            }
        }
        Ok(())
    }

    fn validate_parts(&self) -> Result<(), SpecError> {
        self.validate_security()?;
        self.validate_listeners()?;
        self.validate_racks()?;
        self.validate_pods()?;
        self.validate_jvm_options()?;
        if !(1..=MOST_DISKS).contains(&self.storage.disks) {
            let reason = format!("{} is not in 1 to {MOST_DISKS}", self.storage.disks);
            return Err(SpecError::new("spec.storage.disks", reason));
        }
        if let Some(heap) = &self.heap
            && (heap.whole() < 64 << 20 || heap.whole() * 10 > self.memory.whole() * 9)
        {
            return Err(SpecError::new("spec.heap", format!("{heap} does not fit into the memory, {}", self.memory)));
        }
        Ok(())
    }

    fn validate_security(&self) -> Result<(), SpecError> {
        if self.security.is_scram() && self.security.tls.is_none() {
            return Err(SpecError::new(
                "--authentication",
                "scram needs TLS, or passwords could be guessed from the wire",
            ));
        }
        match &self.security.tls {
            Some(tls) if !(1..=MOST_CERTIFICATE_DAYS).contains(&tls.certificate_days) => Err(SpecError::new(
                "spec.security.tls.certificateDays",
                format!("{} is not in 1 to {MOST_CERTIFICATE_DAYS}", tls.certificate_days),
            )),
            _ => Ok(()),
        }
    }

    fn validate_listeners(&self) -> Result<(), SpecError> {
        let refuse = |reason: String| Err(SpecError::new("spec.listeners", reason));
        let (mut names, mut ports) = (BTreeSet::from(OUR_LISTENERS), BTreeSet::from(OUR_PORTS));
        for listener in &self.listeners {
            let name = listener.name.as_str();
            let valid = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_';
            if name.is_empty() || !name.chars().all(valid) {
                return refuse(format!("\"{name}\" is no name for a listener: take upper-case letters"));
            }
            if !names.insert(name) {
                return refuse(format!("{name} is the name of another listener"));
            }
            if listener.port == 0 || !ports.insert(listener.port) {
                return refuse(format!("{name}: port {} is taken", listener.port));
            }
            let address = listener.advertised.replace(ORDINAL, "0");
            let valid = address.rsplit_once(':').is_some_and(|(host, port)| {
                !host.is_empty() && !host.contains(['{', '}', '/', ',', ' ']) && port.parse::<u16>().is_ok()
            });
            if !valid {
                return refuse(format!("{name}: \"{}\" is no host:port", listener.advertised));
            }
            if self.brokers > 1 && !listener.advertised.contains(ORDINAL) {
                let reason = format!(
                    "{name}: \"{}\" is one address for {} brokers, and clients must reach each of them: put {ORDINAL} \
                     where the broker's number belongs",
                    listener.advertised, self.brokers
                );
                return refuse(reason);
            }
        }
        Ok(())
    }

    fn validate_racks(&self) -> Result<(), SpecError> {
        let mut seen = BTreeSet::new();
        for (rack, ordinals) in &self.rack_map {
            if rack.is_empty() || !rack.chars().all(|letter| letter.is_ascii_graphic() && !"\"'`$\\".contains(letter)) {
                return Err(SpecError::new("spec.rackMap", format!("\"{rack}\" is no name of a rack")));
            }
            for ordinal in ordinals {
                if *ordinal >= self.brokers {
                    let last = self.brokers - 1;
                    return Err(SpecError::new(
                        "spec.rackMap",
                        format!("{rack}: there is no broker {ordinal}, the last is {last}"),
                    ));
                }
                if !seen.insert(*ordinal) {
                    return Err(SpecError::new("spec.rackMap", format!("broker {ordinal} is in two racks")));
                }
            }
        }
        let missing = (0..self.brokers).find(|ordinal| !seen.contains(ordinal));
        match missing {
            Some(ordinal) if !self.rack_map.is_empty() => {
                Err(SpecError::new("spec.rackMap", format!("broker {ordinal} is in no rack")))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::k8s::manifests::{Listener, Metrics, Tls};

    type Change = fn(&mut ClusterSpec);

    fn refused(change: Change) -> (String, String) {
        let mut spec = ClusterSpec::default();
        change(&mut spec);
        let error = spec.validate().expect_err("a mistake");
        (error.path(), error.reason)
    }

    #[test]
    fn names_that_kubernetes_does_not_take_are_refused_where_they_are_written() {
        let changes: [(&str, Change); 6] = [
            ("spec.storage.class", |spec| spec.storage.class = Some(String::new())),
            ("spec.storage.class", |spec| spec.storage.class = Some("-fast".into())),
            ("spec.security.tls.caSecret", |spec| {
                spec.security.tls = Some(Tls { ca_secret: Some("Bad Name".into()), ..Tls::default() });
            }),
            ("spec.security.tls.caSecret", |spec| {
                spec.security.tls = Some(Tls { ca_secret: Some(String::new()), ..Tls::default() });
            }),
            ("spec.pods.priorityClassName", |spec| spec.pods.priority_class_name = Some("Important".into())),
            ("spec.pods.imagePullSecrets", |spec| spec.pods.image_pull_secrets = vec!["a".into(), "a/b".into()]),
        ];
        for (path, change) in changes {
            let (told, reason) = refused(change);
            assert!(told == path && reason.contains("is no name of a "), "{told}: {reason}");
        }
    }

    #[test]
    fn an_image_has_a_name() {
        for (path, change) in [
            ("spec.image", (|spec| spec.image = Some(String::new())) as Change),
            ("spec.metrics.image", |spec| spec.metrics = Some(Metrics { image: Some(String::new()) })),
        ] {
            assert_eq!(refused(change), (path.to_owned(), "\"\" is no image".to_owned()));
        }
    }

    #[test]
    fn what_is_ours_on_a_pod_stays_ours() {
        for label in ["name", "instance", "component", "managed-by", "version"] {
            let mut spec = ClusterSpec::default();
            spec.pods.labels.insert(format!("app.kubernetes.io/{label}"), "a".into());
            let error = spec.validate().expect_err(label);
            assert!(error.flag == "spec.pods.labels" && error.reason.contains(label), "{error}");
        }
        let (path, reason) = refused(|spec| {
            spec.pods.annotations.insert("kubectl-kafka/config-checksum".into(), "a".into());
        });
        assert!(path == "spec.pods.annotations" && reason.contains("kubectl-kafka/config-checksum"), "{reason}");
        let mut own = ClusterSpec::default();
        own.pods.labels.insert("app.kubernetes.io/part-of".into(), "payments".into());
        own.pods.annotations.insert("example.com/a".into(), "b".into());
        assert_eq!(own.validate(), Ok(()));
    }

    #[test]
    fn the_heap_is_asked_for_in_one_place() {
        for option in
            ["-Xmx300m", "-Xms300m", "-XX:MaxRAMPercentage=75", "-XX:MaxHeapSize=1g", "-XX:InitialHeapSize=1g"]
        {
            let spec = ClusterSpec { jvm_options: vec!["-Xss1m".into(), option.into()], ..ClusterSpec::default() };
            let error = spec.validate().expect_err(option);
            assert!(error.flag == "spec.jvmOptions" && error.reason.contains("use spec.heap"), "{error}");
        }
        let fine = vec!["-XX:MaxGCPauseMillis=50".into(), "-Xlog:gc".into(), "-Xmn100m".into()];
        assert_eq!(ClusterSpec { jvm_options: fine, ..ClusterSpec::default() }.validate(), Ok(()));
    }

    #[test]
    fn every_broker_advertises_an_address_of_its_own() {
        let told = |brokers, advertised: &str| {
            let listener = Listener { name: "PUBLIC".into(), port: 9094, advertised: advertised.into() };
            ClusterSpec { brokers, listeners: vec![listener], ..ClusterSpec::default() }.validate()
        };
        assert_eq!(told(3, "kafka-{ordinal}.example.com:9094"), Ok(()));
        assert_eq!(told(3, "kafka.example.com:3000{ordinal}"), Ok(()));
        assert_eq!(told(1, "kafka.example.com:9094"), Ok(()));
        let error = told(3, "kafka.example.com:9094").expect_err("a mistake");
        assert!(error.flag == "spec.listeners" && error.reason.contains("put {ordinal} where"), "{error}");
    }
}
