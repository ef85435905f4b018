//! What can be checked of a spec without a cluster.

use std::collections::BTreeSet;

use super::mode::version;
use super::{ClusterSpec, LEAST_MEMORY, MOST_BROKERS, SpecError};
use crate::k8s::manifests::properties;

/// Names of the listeners that every cluster has.
const OUR_LISTENERS: [&str; 3] = ["CONTROLLER", "INTERNAL", "CLIENT"];
/// The ports of every cluster, metrics included.
const OUR_PORTS: [u16; 4] = [9091, 9092, 9093, 9404];
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
        let zookeeper_image = self.zookeeper.as_ref().and_then(|ensemble| ensemble.image.as_ref());
        for (flag, image) in [("--image", self.image.as_ref()), ("--zookeeper-image", zookeeper_image)] {
            if let Some(image) = image
                && (image.is_empty() || image.contains(|character: char| character.is_whitespace()))
            {
                return Err(SpecError::new(flag, format!("\"{image}\" is no image")));
            }
        }
        if let Some(class) = &self.storage.class
            && (class.is_empty() || !class.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.')))
        {
            return Err(SpecError::new("--storage-class", format!("\"{class}\" is no name of a StorageClass")));
        }
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

    fn validate_parts(&self) -> Result<(), SpecError> {
        self.validate_security()?;
        self.validate_listeners()?;
        self.validate_racks()?;
        if !(1..=MOST_DISKS).contains(&self.storage.disks) {
            let reason = format!("{} is not in 1 to {MOST_DISKS}", self.storage.disks);
            return Err(SpecError::new("spec.storage.disks", reason));
        }
        if let Some(heap) = &self.heap
            && (heap.whole() < 64 << 20 || heap.whole() * 10 > self.memory.whole() * 9)
        {
            return Err(SpecError::new("spec.heap", format!("{heap} does not fit into the memory, {}", self.memory)));
        }
        if let Some(option) = self.jvm_options.iter().find(|option| {
            !option.starts_with('-')
                || !option.chars().all(|letter| letter.is_ascii_graphic() && !"\"'`$\\".contains(letter))
        }) {
            return Err(SpecError::new("spec.jvmOptions", format!("\"{option}\" is no option of a JVM")));
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
            let address = listener.advertised.replace("{ordinal}", "0");
            let valid = address.rsplit_once(':').is_some_and(|(host, port)| {
                !host.is_empty() && !host.contains(['{', '}', '/', ',', ' ']) && port.parse::<u16>().is_ok()
            });
            if !valid {
                return refuse(format!("{name}: \"{}\" is no host:port", listener.advertised));
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
