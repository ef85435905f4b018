//! Kubernetes: kubeconfig, discovery, port-forward, manifests. Knows nothing of Kafka's protocol or of
//! the terminal.

pub mod client;
pub mod discover;
pub mod error;
pub mod inspect;
pub mod listing;
pub mod names;
pub mod port_forward;

pub use client::{Kubernetes, Overrides};
pub use error::{Error, Result};
pub use names::{ClusterName, Role};
