//! Why a pod does not run, in one line, from what Kubernetes says about it. Pure; [`Facts::look`] gathers.
//!
//! A diagnosis is [`Certainty::Final`] when waiting will not help: a missing StorageClass, a program that
//! crashed three times. Otherwise something outside may still mend it (an autoscaler, a registry).

mod claim;
mod facts;
mod pod;
mod workload;

use super::manifests::DATA_VOLUME;

pub use facts::Facts;
pub use pod::{Phase, phase};

/// Whether waiting may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// It may pass.
    MayPass,
    /// It will not change by itself.
    Final,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The image cannot be pulled.
    Image,
    /// No node takes the pod.
    Unschedulable,
    /// The claim gets no volume.
    Volume,
    /// The volume cannot be mounted.
    Mount,
    /// Killed for using more memory than its limit.
    OutOfMemory,
    /// The disk belongs to another Kafka cluster.
    ForeignDisk,
    /// The program ends by itself.
    Crash,
    /// The container cannot be made: a Secret or ConfigMap is missing, its user is refused.
    Container,
    /// The API server refuses the pod: Pod Security, a quota, a webhook.
    Refused,
    /// The node took the pod away.
    Evicted,
}

/// Why one object does not do what it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// `pod demo-broker-0`
    pub object: String,
    /// What is wrong.
    pub cause: Cause,
    /// Whether waiting may help.
    pub certainty: Certainty,
    /// One line, lower case, without the object's name.
    pub message: String,
    /// What to do, where that is known.
    pub hint: Option<String>,
}

impl Diagnosis {
    /// Whether it is about a pod: the pod itself, its claim, or the StatefulSet that should make it.
    pub fn is_about(&self, pod: &str) -> bool {
        let (kind, name) = self.object.split_once(' ').unwrap_or_default();
        match kind {
            "pod" => name == pod,
            "claim" => {
                name.strip_suffix(pod).is_some_and(|volume| volume.starts_with(DATA_VOLUME) && volume.ends_with('-'))
            }
            _ => pod.rsplit_once('-').is_some_and(|(set, _)| set == name),
        }
    }
}

impl std::fmt::Display for Diagnosis {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.object, self.message)
    }
}

/// Everything that is wrong with the pods of a cluster, the surest first, one per object.
pub fn diagnose(facts: &Facts) -> Vec<Diagnosis> {
    let mut found = workload::diagnose(facts);
    found.extend(facts.pods.iter().filter_map(|pod| pod::diagnose(pod, facts)));
    found.sort_by_key(|diagnosis| std::cmp::Reverse(diagnosis.certainty));
    found
}

/// A message of Kubernetes in one line, without the layers that name its own parts.
fn one_line(message: &str) -> String {
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.rfind("desc = ") {
        Some(position) => line[position + "desc = ".len()..].to_owned(),
        None => line,
    }
}

#[cfg(test)]
mod tests;
