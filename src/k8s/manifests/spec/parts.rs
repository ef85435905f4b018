//! The parts of a cluster document beyond its size: security, metrics, pods, racks, listeners.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Affinity, Toleration, TopologySpreadConstraint};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Quantity;

/// How long a pod's certificate is valid.
const CERTIFICATE_DAYS: u32 = 365;

/// Who may connect, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Security {
    /// TLS on every listener, with mutual authentication between the pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// How clients prove who they are. `scram` switches authorization on as well, and needs TLS.
    #[serde(skip_serializing_if = "Authentication::is_none")]
    pub authentication: Authentication,
}

impl Security {
    /// Whether clients and pods connect as everybody and in the clear.
    pub fn is_none(&self) -> bool {
        self.tls.is_none() && self.authentication.is_none()
    }

    /// Whether clients log in with SCRAM.
    pub fn is_scram(&self) -> bool {
        self.authentication == Authentication::Scram
    }

    /// Kafka's `security.protocol` of the client listener.
    pub fn protocol(&self) -> &'static str {
        match (&self.tls, self.is_scram()) {
            (Some(_), true) => "SASL_SSL",
            (Some(_), false) => "SSL",
            (None, _) => "PLAINTEXT",
        }
    }
}

/// Certificates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Tls {
    /// Secret with `ca.crt` and `ca.key` of your own certificate authority; without it one is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_secret: Option<String>,
    /// Days that a pod's certificate is valid.
    pub certificate_days: u32,
}

impl Default for Tls {
    fn default() -> Self {
        Self { ca_secret: None, certificate_days: CERTIFICATE_DAYS }
    }
}

/// How clients prove who they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "camelCase")]
pub enum Authentication {
    /// Not at all
    #[default]
    None,
    /// By a name and a password, with SCRAM-SHA-512
    Scram,
}

impl Authentication {
    /// Whether everybody may connect.
    pub fn is_none(&self) -> bool {
        *self == Self::None
    }
}

/// The Prometheus endpoint of every pod.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Metrics {
    /// Image that holds `/jmx_prometheus_javaagent.jar`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
}

/// What the controllers, or ZooKeeper's servers, get, where it is not the least of the brokers' and of what a
/// quorum needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ControllerResources {
    /// Memory of each, request and limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Quantity>,
    /// CPU request of each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Quantity>,
    /// Size of each one's volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage: Option<Quantity>,
}

impl ControllerResources {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Another listener of every broker, for clients outside of the Kubernetes cluster. What leads to it (a
/// load balancer, node ports) is made by others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Listener {
    /// Its name: upper-case letters, digits and underscores.
    pub name: String,
    /// Its port in the pod.
    pub port: u16,
    /// The `host:port` that clients are told; `{ordinal}` stands for the broker's number.
    pub advertised: String,
}

/// How pods are placed and marked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Pods {
    /// Labels beyond ours.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Annotations beyond ours.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Labels that a node must have.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    /// Taints that the pods tolerate.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tolerations: Vec<Toleration>,
    /// Node and pod affinity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Affinity>,
    /// Constraints in place of ours, which spread over zones and nodes where possible.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topology_spread_constraints: Option<Vec<TopologySpreadConstraint>>,
    /// At most one pod of a role on a node: a broker that finds no node of its own waits.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub one_per_node: bool,
    /// Names of the Secrets with which images are pulled.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub image_pull_secrets: Vec<String>,
    /// The pods' PriorityClass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority_class_name: Option<String>,
}

impl Pods {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
