//! Kubernetes: kubeconfig, discovery, port-forward, manifests. Knows nothing of Kafka's protocol or of
//! the terminal.

pub mod apply;
pub mod certificates;
pub mod client;
pub mod credentials;
pub mod diagnose;
pub mod discover;
pub mod error;
pub mod evict;
pub mod inspect;
pub mod inventory;
pub mod kubeconfig;
pub mod lease;
pub mod listing;
pub mod logs;
pub mod manifests;
pub mod names;
pub mod port_forward;
pub mod remove;
pub mod revisions;
pub mod rollout;
pub mod touch;

pub use client::Kubernetes;
pub use error::{Error, Result};
pub use kubeconfig::Overrides;
pub use names::{ClusterName, Role};
