//! What can be checked of a spec without a cluster.

use std::collections::BTreeSet;

use super::marks::validate_pods;
use super::mode::version;
use super::{ClusterSpec, LEAST_MEMORY, MOST_BROKERS, SpecError};
use crate::k8s::manifests::properties;
use crate::k8s::names::check_subdomain;

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
/// Below this a JVM does not start, or Kafka dies of its first topics.
const LEAST_HEAP: i128 = 64 << 20;
/// Whoever asks for less forgot the unit.
const LEAST_STORAGE: i128 = 1 << 20;
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
                format!("{} is too little: Kafka needs 256Mi or more, and 512Mi is better", self.memory),
            ));
        }
        if self.storage.size.whole() < LEAST_STORAGE {
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
                return Err(SpecError::new(
                    flag,
                    format!("\"{image}\" is no image; write for example apache/kafka:4.3.1"),
                ));
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
        let wrong = |flag, kind, name: &String| {
            let reason = check_subdomain(name).err()?;
            Some(SpecError::new(flag, format!("\"{name}\" is no name of a {kind}: {reason}")))
        };
        if let Some(error) = one.into_iter().find_map(|(flag, kind, name)| wrong(flag, kind, name?)) {
            return Err(error);
        }
        let several = self.pods.image_pull_secrets.iter().enumerate();
        let mut several =
            several.filter_map(|(place, name)| Some(wrong("spec.pods.imagePullSecrets", "Secret", name)?.item(place)));
        several.next().map_or(Ok(()), Err)
    }

    fn validate_jvm_options(&self) -> Result<(), SpecError> {
        let plain = |letter: char| letter.is_ascii_graphic() && !"\"'`$\\".contains(letter);
        for (place, option) in self.jvm_options.iter().enumerate() {
            if !option.starts_with('-') || !option.chars().all(plain) {
                let reason = format!("\"{option}\" is no option of a JVM; write for example -XX:MaxGCPauseMillis=50");
                return Err(SpecError::new("spec.jvmOptions", reason).item(place));
            }
            if HEAP_OPTIONS.iter().any(|heap| option.starts_with(heap)) {
                let reason = format!("{option} would be beside the heap that kubectl-kafka sets; use spec.heap");
                return Err(SpecError::new("spec.jvmOptions", reason).item(place));
            }
        }
        Ok(())
    }

    fn validate_parts(&self) -> Result<(), SpecError> {
        self.validate_security()?;
        self.validate_listeners()?;
        self.validate_racks()?;
        validate_pods(self)?;
        self.validate_jvm_options()?;
        self.validate_quorum_resources()?;
        if !(1..=MOST_DISKS).contains(&self.storage.disks) {
            let reason = format!("{} is not in 1 to {MOST_DISKS}", self.storage.disks);
            return Err(SpecError::new("spec.storage.disks", reason));
        }
        let Some(heap) = &self.heap else { return Ok(()) };
        if heap.whole() < LEAST_HEAP {
            return Err(SpecError::new("spec.heap", format!("{heap} is too little: Kafka needs 64Mi or more")));
        }
        if heap.whole() * 10 > self.memory.whole() * 9 {
            let reason =
                format!("{heap} does not fit into the memory, {}: take at most nine tenths of it", self.memory);
            return Err(SpecError::new("spec.heap", reason));
        }
        Ok(())
    }

    /// What the controllers, or ZooKeeper's servers, get.
    fn validate_quorum_resources(&self) -> Result<(), SpecError> {
        let path = if self.has_zookeeper() { "spec.zookeeper.resources" } else { "spec.controllerResources" };
        let asked = self.quorum_resources();
        if let Some(memory) = asked.memory.filter(|memory| memory.whole() < LEAST_MEMORY) {
            return Err(SpecError::new(path, format!("{memory} is too little: take 256Mi or more")).field("memory"));
        }
        if let Some(storage) = asked.storage.filter(|storage| storage.whole() < LEAST_STORAGE) {
            return Err(
                SpecError::new(path, format!("{storage} is too little; write for example 10Gi")).field("storage")
            );
        }
        Ok(())
    }

    fn validate_security(&self) -> Result<(), SpecError> {
        if self.security.is_scram() && self.security.tls.is_none() {
            return Err(SpecError::new(
                "--authentication",
                "scram needs TLS, or passwords could be guessed from the wire: add spec.security.tls: {}",
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
        let (mut names, mut ports) = (BTreeSet::from(OUR_LISTENERS), BTreeSet::from(OUR_PORTS));
        for (place, listener) in self.listeners.iter().enumerate() {
            let refuse = |field, reason: String| Err(SpecError::new("spec.listeners", reason).item(place).field(field));
            let name = listener.name.as_str();
            let valid = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_';
            if name.is_empty() || !name.chars().all(valid) {
                return refuse("name", format!("\"{name}\" is no name for a listener: take upper-case letters"));
            }
            if !names.insert(name) {
                return refuse("name", format!("{name} is the name of another listener"));
            }
            if listener.port == 0 {
                return refuse("port", format!("{name}: 0 is no port; write one from 1 to 65535"));
            }
            if !ports.insert(listener.port) {
                return refuse("port", format!("{name}: port {} is taken", listener.port));
            }
            if let Err(reason) = self.check_advertised(&listener.advertised) {
                return refuse("advertised", format!("{name}: \"{}\" is {reason}", listener.advertised));
            }
        }
        Ok(())
    }

    fn check_advertised(&self, advertised: &str) -> Result<(), String> {
        let address = advertised.replace(ORDINAL, "0");
        let valid = address.rsplit_once(':').is_some_and(|(host, port)| {
            !host.is_empty() && !host.contains(['{', '}', '/', ',', ' ']) && port.parse::<u16>().is_ok()
        });
        if !valid {
            return Err(format!("no host:port; write for example kafka-{ORDINAL}.example.com:9094"));
        }
        if self.brokers > 1 && !advertised.contains(ORDINAL) {
            return Err(format!(
                "one address for {} brokers, and clients must reach each of them: put {ORDINAL} where the broker's \
                 number belongs",
                self.brokers
            ));
        }
        Ok(())
    }

    fn validate_racks(&self) -> Result<(), SpecError> {
        let mut seen = BTreeSet::new();
        for (rack, ordinals) in &self.rack_map {
            if rack.is_empty() || !rack.chars().all(|letter| letter.is_ascii_graphic() && !"\"'`$\\".contains(letter)) {
                return Err(SpecError::new("spec.rackMap", format!("\"{rack}\" is no name of a rack")).named(rack));
            }
            for ordinal in ordinals {
                if *ordinal >= self.brokers {
                    let last = self.brokers - 1;
                    let reason = format!("{rack}: there is no broker {ordinal}, the last is {last}");
                    return Err(SpecError::new("spec.rackMap", reason).named(rack));
                }
                if !seen.insert(*ordinal) {
                    let reason = format!("broker {ordinal} is in two racks");
                    return Err(SpecError::new("spec.rackMap", reason).named(rack));
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
        (error.place.to_string(), error.reason)
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
            ("spec.pods.imagePullSecrets[1]", |spec| spec.pods.image_pull_secrets = vec!["a".into(), "a/b".into()]),
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
            assert_eq!(
                refused(change),
                (path.to_owned(), "\"\" is no image; write for example apache/kafka:4.3.1".to_owned())
            );
        }
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
