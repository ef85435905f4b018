//! The names and labels of everything that `install` makes: one place, so that discovery, manifests and
//! removal can never disagree.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Field manager of every server-side apply, and the value of the managed-by label.
pub const MANAGER: &str = "kubectl-kafka";
/// `app.kubernetes.io/name`
pub const LABEL_NAME: &str = "app.kubernetes.io/name";
/// `app.kubernetes.io/instance`: the Kafka cluster's name.
pub const LABEL_INSTANCE: &str = "app.kubernetes.io/instance";
/// `app.kubernetes.io/component`: a [`Role`].
pub const LABEL_COMPONENT: &str = "app.kubernetes.io/component";
/// `app.kubernetes.io/managed-by`: [`MANAGER`].
pub const LABEL_MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// `app.kubernetes.io/version`: Kafka's version, on pods and StatefulSets.
pub const LABEL_VERSION: &str = "app.kubernetes.io/version";
/// On pods: changes with the files that they mount.
pub const ANNOTATION_CHECKSUM: &str = "kubectl-kafka/config-checksum";
/// On a user's Secret: the Kafka user.
pub const LABEL_USER: &str = "kubectl-kafka.io/user";
/// The user that `install` makes: a super user.
pub const ADMIN: &str = "admin";
/// The container that runs Kafka.
pub const CONTAINER: &str = "kafka";
/// The container that runs ZooKeeper.
pub const ZOOKEEPER_CONTAINER: &str = "zookeeper";

/// Where every client connects.
pub const CLIENT_PORT: u16 = 9092;
/// Broker to broker.
pub const INTERNAL_PORT: u16 = 9091;
/// The controllers' quorum.
pub const CONTROLLER_PORT: u16 = 9093;
/// Where ZooKeeper's clients connect: the brokers.
pub const ZOOKEEPER_PORT: u16 = 2181;
/// Prometheus.
pub const METRICS_PORT: u16 = 9404;
/// The name of [`METRICS_PORT`] in pods and services.
pub const METRICS_PORT_NAME: &str = "tcp-metrics";
/// The name of [`CLIENT_PORT`] in pods and services.
pub const CLIENT_PORT_NAME: &str = "tcp-kafka";

/// The labels of a pod that are ours: [`ClusterName::role_labels`] and [`LABEL_VERSION`].
pub const OUR_POD_LABELS: [&str; 5] = [LABEL_NAME, LABEL_INSTANCE, LABEL_COMPONENT, LABEL_MANAGED_BY, LABEL_VERSION];
/// What the names of our annotations begin with.
pub const OUR_ANNOTATIONS: &str = "kubectl-kafka/";

/// The longest label and the longest name of Kubernetes (RFC 1123).
const MAX_LABEL: usize = 63;
const MAX_SUBDOMAIN: usize = 253;

/// The longest name of a Kafka cluster: `<name>-controller-10.<name>-controllers` must stay within the
/// 63 characters of a DNS label, and a StatefulSet adds an 11-character revision to its pods' label.
const MAX_NAME: usize = 40;

/// The name of a Kafka cluster within its namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct ClusterName(String);

impl ClusterName {
    /// A name that Kubernetes itself handed out (a label), so that it is known to be valid.
    pub fn from_label(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `<c>-broker`, `<c>-controller` or `<c>-zookeeper`: the StatefulSet and its
    /// PodDisruptionBudget; its ConfigMaps have a checksum behind it.
    pub fn workload(&self, role: Role) -> String {
        format!("{}-{role}", self.0)
    }

    /// The pod of an ordinal.
    pub fn pod(&self, role: Role, ordinal: u32) -> String {
        format!("{}-{role}-{ordinal}", self.0)
    }

    /// The headless service of a role.
    pub fn headless(&self, role: Role) -> String {
        format!("{}-{role}s", self.0)
    }

    /// The service that clients in the cluster bootstrap from.
    pub fn bootstrap(&self) -> String {
        format!("{}-bootstrap", self.0)
    }

    /// The service that finds any ZooKeeper server.
    pub fn zookeeper(&self) -> String {
        self.workload(Role::ZooKeeper)
    }

    /// The Secret with the cluster's id and the controllers' directory ids.
    pub fn identity(&self) -> String {
        format!("{}-kraft", self.0)
    }

    /// The Secret with the certificate authority, and the ConfigMap with its public half.
    pub fn authority(&self) -> String {
        format!("{}-ca", self.0)
    }

    /// The Secret with the certificates of a role's pods.
    pub fn certificates(&self, role: Role) -> String {
        format!("{}-{role}-tls", self.0)
    }

    /// The service that Prometheus scrapes.
    pub fn metrics(&self) -> String {
        format!("{}-metrics", self.0)
    }

    /// The Secret with what a Kafka user needs to connect.
    pub fn user(&self, user: &str) -> String {
        format!("{}-user-{user}", self.0)
    }

    /// The ConfigMap with what was asked (`cluster.yaml`).
    pub fn document(&self) -> String {
        format!("{}-cluster", self.0)
    }

    /// The pods' ServiceAccount.
    pub fn service_account(&self) -> String {
        format!("{}-kafka", self.0)
    }

    /// The labels of every object of the cluster.
    pub fn labels(&self) -> BTreeMap<String, String> {
        BTreeMap::from([
            (LABEL_NAME.to_owned(), "kafka".to_owned()),
            (LABEL_INSTANCE.to_owned(), self.0.clone()),
            (LABEL_MANAGED_BY.to_owned(), MANAGER.to_owned()),
        ])
    }

    /// The labels of a role's pods, also their selector.
    pub fn role_labels(&self, role: Role) -> BTreeMap<String, String> {
        let mut labels = self.labels();
        labels.insert(LABEL_COMPONENT.to_owned(), role.to_string());
        labels
    }

    /// A label selector for every object of the cluster.
    pub fn selector(&self) -> String {
        format!("{LABEL_MANAGED_BY}={MANAGER},{LABEL_INSTANCE}={}", self.0)
    }
}

impl FromStr for ClusterName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let valid = |character: char| matches!(character, 'a'..='z' | '0'..='9' | '-');
        if name.is_empty() || name.len() > MAX_NAME {
            return Err(format!("a cluster name has 1 to {MAX_NAME} characters"));
        }
        if !name.chars().all(valid)
            || !name.starts_with(|first: char| first.is_ascii_lowercase())
            || name.ends_with('-')
        {
            return Err(
                "a cluster name has lower-case letters, digits and hyphens, starts with a letter and ends with \
                 a letter or digit"
                    .to_owned(),
            );
        }
        Ok(Self(name.to_owned()))
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Checks the name of a Secret, a StorageClass, a PriorityClass and of most other objects, before it becomes part of
/// a URL: a DNS subdomain of RFC 1123.
///
/// # Errors
/// What a name is made of.
pub fn check_subdomain(name: &str) -> Result<(), String> {
    if name.len() <= MAX_SUBDOMAIN && name.split('.').all(is_dns_label) {
        return Ok(());
    }
    Err(format!(
        "a name has 1 to {MAX_SUBDOMAIN} lower-case letters, digits, hyphens and dots, and begins and ends with a \
         letter or digit"
    ))
}

/// Checks the name of a namespace: a DNS label of RFC 1123.
///
/// # Errors
/// What a name is made of.
pub fn check_label(name: &str) -> Result<(), String> {
    if name.len() <= MAX_LABEL && is_dns_label(name) {
        return Ok(());
    }
    Err(format!(
        "a name has 1 to {MAX_LABEL} lower-case letters, digits and hyphens, and begins and ends with a letter or digit"
    ))
}

fn is_dns_label(label: &str) -> bool {
    let edge = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    label.starts_with(edge) && label.ends_with(edge) && label.chars().all(|letter| edge(letter) || letter == '-')
}

/// A Secret's name as it is typed, for flags; see [`check_subdomain`].
///
/// # Errors
/// What a name is made of.
pub fn secret_name(typed: &str) -> Result<String, String> {
    check_subdomain(typed).map(|()| typed.to_owned())
}

/// What a pod is. With combined roles the brokers are the controllers too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Part of the ZooKeeper ensemble, where there is one instead of controllers.
    #[serde(rename = "zookeeper")]
    ZooKeeper,
    /// Part of the KRaft quorum only.
    Controller,
    /// Serves clients.
    Broker,
}

/// What Kafka itself writes where there is no node.
const NO_NODE: i32 = -1;

impl Role {
    /// All of them, in the order in which they start: those that the others need come first.
    pub const ALL: [Self; 3] = [Self::ZooKeeper, Self::Controller, Self::Broker];

    /// The node id of ordinal 0. The offsets are fixed, so that the roles never share an id and an id is
    /// never used again for something else. ZooKeeper servers are no nodes of Kafka: Kafka's own -1.
    pub fn first_node_id(self) -> i32 {
        match self {
            Self::ZooKeeper => NO_NODE,
            Self::Controller => 0,
            Self::Broker => 100,
        }
    }

    /// The node id of a pod; -1 for a ZooKeeper server.
    pub fn node_id(self, ordinal: u32) -> i32 {
        match self {
            Self::ZooKeeper => NO_NODE,
            Self::Controller | Self::Broker => self.first_node_id() + i32::try_from(ordinal).unwrap_or(i32::MAX - 100),
        }
    }

    /// The container that runs the server.
    pub fn container(self) -> &'static str {
        match self {
            Self::ZooKeeper => ZOOKEEPER_CONTAINER,
            Self::Controller | Self::Broker => CONTAINER,
        }
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(component: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|role| role.to_string() == component)
            .ok_or_else(|| format!("`{component}` is no role of a Kafka pod"))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::ZooKeeper => "zookeeper",
            Self::Controller => "controller",
            Self::Broker => "broker",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubernetes_calls_no_name_is_refused() {
        for good in ["a", "my-ca", "registry.example", "7up", &"x".repeat(253)] {
            assert_eq!(check_subdomain(good), Ok(()), "{good}");
        }
        for bad in ["", "Bad Name", "A", "-a", "a-", "a..b", ".a", "a/b", "ä", &"x".repeat(254)] {
            assert!(check_subdomain(bad).is_err_and(|reason| reason.contains("lower-case")), "{bad}");
            assert!(check_label(bad).is_err(), "{bad}");
        }
        assert_eq!((check_label("kafka"), check_label("a.b").is_err()), (Ok(()), true));
        assert!(check_label(&"x".repeat(64)).is_err());
    }

    #[test]
    fn names_that_kubernetes_would_refuse_are_refused_here() {
        assert!("demo".parse::<ClusterName>().is_ok());
        assert!("my-kafka-2".parse::<ClusterName>().is_ok());
        for bad in ["", "Demo", "2demo", "demo-", "de.mo", "de_mo", &"d".repeat(41)] {
            assert!(bad.parse::<ClusterName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_role_comes_back_from_its_label() {
        for role in Role::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
        assert!("connect".parse::<Role>().is_err());
        assert_eq!((Role::ZooKeeper.node_id(2), Role::Controller.node_id(2), Role::Broker.node_id(2)), (-1, 2, 102));
    }
}
