//! Lists of bare names: what a person can choose from.

use std::path::Path;

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::ListParams;

use super::client::Kubernetes;
use super::error::Result;
use super::kubeconfig::{self, Overrides};

/// The namespaces of the Kubernetes cluster. One request, without the objects' bodies.
pub async fn namespaces(kubernetes: &Kubernetes) -> Result<Vec<String>> {
    let namespaces: Api<Namespace> = Api::all(kubernetes.client.clone());
    let list = kubernetes.call(namespaces.list_metadata(&ListParams::default())).await?;
    Ok(list.items.into_iter().filter_map(|namespace| namespace.metadata.name).collect())
}

/// The contexts of a kubeconfig file, or of the ones that kubectl would read.
pub fn contexts(kubeconfig: Option<&Path>) -> Result<Vec<String>> {
    let overrides = Overrides { kubeconfig: kubeconfig.map(Path::to_owned), ..Overrides::default() };
    let kubeconfig = kubeconfig::read(&overrides)?;
    Ok(kubeconfig.into_iter().flat_map(|kubeconfig| kubeconfig.contexts).map(|context| context.name).collect())
}
