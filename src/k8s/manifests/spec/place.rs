//! Where something is said: by which flag, and where in a cluster document.

use std::fmt;

/// A place in a cluster document, shown as `spec.listeners[1].port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place(Vec<Step>);

/// One step into a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Into a field.
    Field(String),
    /// To an item of a list, from 0.
    Item(usize),
    /// To what has a name that a person chose: a server property, a label. It is not shown, because it may have dots,
    /// and because every reason names it.
    Named(String),
}

impl Place {
    /// The place of what a flag says, as `--storage`, or of what has no flag, as `spec.rackMap`.
    pub fn of(flag: &str) -> Self {
        let path = match flag {
            "--storage" => "spec.storage.size",
            "--storage-class" => "spec.storage.class",
            "--tls" => "spec.security.tls",
            "--ca-secret" => "spec.security.tls.caSecret",
            "--authentication" => "spec.security.authentication",
            "--zookeeper-servers" => "spec.zookeeper.servers",
            "--zookeeper-image" => "spec.zookeeper.image",
            "--metrics-image" => "spec.metrics.image",
            flag => match flag.strip_prefix("--") {
                Some(flag) => return Self(vec![Step::Field("spec".to_owned()), Step::Field(camel(flag))]),
                None => flag,
            },
        };
        Self(path.split('.').map(|field| Step::Field(field.to_owned())).collect())
    }

    /// A step further.
    #[must_use]
    pub fn then(mut self, step: Step) -> Self {
        self.0.push(step);
        self
    }

    /// The way from the top of the document.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The name that a person chose, if the way ends with one.
    pub fn name(&self) -> Option<&str> {
        match self.0.last()? {
            Step::Named(name) => Some(name),
            Step::Field(_) | Step::Item(_) => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Field(field) if position == 0 => formatter.write_str(field)?,
                Step::Field(field) => write!(formatter, ".{field}")?,
                Step::Item(item) => write!(formatter, "[{item}]")?,
                Step::Named(_) => {}
            }
        }
        Ok(())
    }
}

fn camel(words: &str) -> String {
    let mut text = String::new();
    for (position, word) in words.split('-').enumerate() {
        let mut letters = word.chars();
        match letters.next() {
            Some(first) if position > 0 => text.extend(first.to_uppercase()),
            Some(first) => text.push(first),
            None => {}
        }
        text.push_str(letters.as_str());
    }
    text
}

/// A value that cannot be installed: which flag says it, where it is in a document, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecError {
    /// `--brokers`, or `spec.rackMap` for what has no flag.
    pub flag: &'static str,
    /// Where it is in a cluster document.
    pub place: Place,
    /// Lower case, no full stop.
    pub reason: String,
}

impl SpecError {
    pub(in crate::k8s::manifests) fn new(flag: &'static str, reason: impl Into<String>) -> Self {
        Self { flag, place: Place::of(flag), reason: reason.into() }
    }

    /// The reason for whoever writes a document: with its own words in place of flags.
    pub fn reason_in_document(&self) -> String {
        let word = |word: &str| match word.strip_prefix("--").and_then(|_| word.find([',', ';', ':'])) {
            _ if word == "--mode" => format!("{}:", Place::of(word)),
            Some(end) => format!("{}{}", Place::of(&word[..end]), &word[end..]),
            None if word.starts_with("--") && word.len() > 2 => Place::of(word).to_string(),
            None => word.to_owned(),
        };
        self.reason.split(' ').map(word).collect::<Vec<_>>().join(" ")
    }

    /// In this field of it.
    pub(in crate::k8s::manifests) fn field(mut self, field: &str) -> Self {
        self.place = self.place.then(Step::Field(field.to_owned()));
        self
    }

    /// At this item of the list.
    pub(in crate::k8s::manifests) fn item(mut self, item: usize) -> Self {
        self.place = self.place.then(Step::Item(item));
        self
    }

    /// At this name.
    pub(in crate::k8s::manifests) fn named(mut self, name: &str) -> Self {
        self.place = self.place.then(Step::Named(name.to_owned()));
        self
    }
}

impl std::error::Error for SpecError {}

impl fmt::Display for SpecError {
    /// `--brokers: 0 is not in 1 to 500`
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.flag.starts_with("--") {
            write!(formatter, "{}: {}", self.flag, self.reason)
        } else {
            write!(formatter, "{}: {}", self.place, self.reason)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_has_its_place_in_the_document() {
        for (flag, path) in [
            ("--brokers", "spec.brokers"),
            ("--kafka-version", "spec.kafkaVersion"),
            ("--storage", "spec.storage.size"),
            ("--ca-secret", "spec.security.tls.caSecret"),
            ("spec.rackMap", "spec.rackMap"),
        ] {
            assert_eq!(Place::of(flag).to_string(), path);
        }
    }

    #[test]
    fn a_document_is_told_in_its_own_words() {
        for (reason, expected) in [
            ("too little; write 1Gi", "too little; write 1Gi"),
            ("with --mode zookeeper this one can", "with spec.mode: zookeeper this one can"),
            ("so; --zookeeper-servers says how many", "so; spec.zookeeper.servers says how many"),
            ("leave --storage, or not", "leave spec.storage.size, or not"),
            ("a-b -- c", "a-b -- c"),
        ] {
            assert_eq!(SpecError::new("--mode", reason).reason_in_document(), expected);
        }
    }

    #[test]
    fn what_a_person_named_is_not_shown_and_what_the_document_names_is() {
        let port = SpecError::new("spec.listeners", "taken").item(1).field("port");
        assert_eq!(port.to_string(), "spec.listeners[1].port: taken");
        let setting = SpecError::new("--config", "a.b is no number").named("a.b");
        assert_eq!(setting.place.to_string(), "spec.config");
        assert_eq!((setting.to_string().as_str(), setting.place.name()), ("--config: a.b is no number", Some("a.b")));
    }
}
