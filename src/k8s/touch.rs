//! A nudge for a pod's kubelet.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{Patch, PatchParams};

use super::client::Kubernetes;
use super::error::Result;
use super::names::MANAGER;

/// Changes with every nudge.
const TOUCHED: &str = "kubectl-kafka/touched";

/// Changes an annotation of a pod, so that its kubelet looks at it at once: among others it brings changed
/// Secrets into the pod, which otherwise takes a minute or two.
pub async fn touch(kubernetes: &Kubernetes, pod: &str) -> Result<()> {
    let pods: Api<Pod> = Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace);
    let patch = serde_json::json!({"metadata": {"annotations": {TOUCHED: Timestamp::now().to_string()}}});
    let parameters = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
    kubernetes.call(pods.patch(pod, &parameters, &Patch::Merge(patch))).await.map(|_| ())
}
