//! Finds and deletes what belongs to one Kafka cluster, and nothing else: only objects that carry its
//! labels.

use futures::future::try_join_all;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Pod, Secret, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{DeleteParams, DynamicObject, ListParams, PropagationPolicy};
use kube::core::ApiResource;
use kube::{Api, Resource};

use super::apply::{Intent, api};
use super::client::Kubernetes;
use super::error::Result;
use super::manifests::{Manifest, pod_monitors};
use super::names::{ClusterName, LABEL_COMPONENT, Role};

/// Everything of one cluster, by when it goes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Belongings {
    /// The brokers' StatefulSet.
    pub brokers: Vec<Manifest>,
    /// The StatefulSet of the controllers, or of ZooKeeper.
    pub quorum: Vec<Manifest>,
    /// What only running pods need.
    pub rest: Vec<Manifest>,
    /// The volume claims.
    pub claims: Vec<Manifest>,
    /// The Secrets with ids, keys and passwords, and the document of what was asked; worth something as
    /// long as the claims are there.
    pub memory: Vec<Manifest>,
}

impl Belongings {
    /// Looks. Nine requests at once.
    pub async fn of(kubernetes: &Kubernetes, name: &ClusterName) -> Result<Self> {
        let kinds = [
            ApiResource::erase::<StatefulSet>(&()),
            ApiResource::erase::<PodDisruptionBudget>(&()),
            ApiResource::erase::<NetworkPolicy>(&()),
            ApiResource::erase::<Service>(&()),
            ApiResource::erase::<ConfigMap>(&()),
            ApiResource::erase::<ServiceAccount>(&()),
            ApiResource::erase::<PersistentVolumeClaim>(&()),
            ApiResource::erase::<Secret>(&()),
        ];
        let (lists, monitors) = tokio::join!(
            try_join_all(kinds.iter().map(|kind| list(kubernetes, name, kind))),
            monitors(kubernetes, name)
        );
        let mut found = Self::default();
        for object in lists?.into_iter().flatten().chain(monitors?) {
            found.place(name, object);
        }
        Ok(found)
    }

    /// Whether nothing runs: at most data is kept.
    pub fn is_uninstalled(&self) -> bool {
        self.brokers.is_empty() && self.quorum.is_empty() && self.rest.is_empty()
    }

    /// Whether there is nothing at all.
    pub fn is_empty(&self) -> bool {
        self.is_uninstalled() && self.claims.is_empty() && self.memory.is_empty()
    }

    fn place(&mut self, name: &ClusterName, object: Manifest) {
        let component = object.body.pointer("/metadata/labels").and_then(|labels| labels.get(LABEL_COMPONENT));
        let role = component.and_then(|value| value.as_str()?.parse().ok());
        let slot = match object.resource.kind.as_str() {
            "StatefulSet" if matches!(role, Some(Role::Controller | Role::ZooKeeper)) => &mut self.quorum,
            "StatefulSet" => &mut self.brokers,
            "PersistentVolumeClaim" => &mut self.claims,
            // Ids, keys and passwords are worth something as long as the data is.
            "Secret" => &mut self.memory,
            "ConfigMap" if [name.document(), name.authority()].contains(&object.name) => &mut self.memory,
            _ => &mut self.rest,
        };
        slot.push(object);
    }
}

/// The Prometheus operator's objects, where there are any and the caller may see them.
async fn monitors(kubernetes: &Kubernetes, name: &ClusterName) -> Result<Vec<Manifest>> {
    match list(kubernetes, name, &pod_monitors()).await {
        Err(error) if error.is_forbidden() || error.code() == Some(404) => Ok(Vec::new()),
        found => found,
    }
}

async fn list(kubernetes: &Kubernetes, name: &ClusterName, kind: &ApiResource) -> Result<Vec<Manifest>> {
    let api: Api<DynamicObject> = Api::namespaced_with(kubernetes.client.clone(), &kubernetes.namespace, kind);
    let list = kubernetes.call(api.list(&ListParams::default().labels(&name.selector()))).await?;
    Ok(list
        .items
        .into_iter()
        .map(|object| Manifest {
            resource: kind.clone(),
            name: object.metadata.name.clone().unwrap_or_default(),
            body: serde_json::to_value(object).unwrap_or_default(),
        })
        .collect())
}

/// Deletes an object; `false` when it was gone already. Pods of a StatefulSet go with it, each in its own
/// time.
pub async fn delete(kubernetes: &Kubernetes, object: &Manifest, intent: Intent) -> Result<bool> {
    let parameters = DeleteParams {
        dry_run: intent == Intent::Rehearsal,
        propagation_policy: Some(PropagationPolicy::Background),
        ..DeleteParams::default()
    };
    let api = api(kubernetes, object);
    Ok(kubernetes.find(api.delete(&object.name, &parameters)).await?.is_some())
}

/// The names of a role's pods that are still there.
pub async fn pods(kubernetes: &Kubernetes, name: &ClusterName, role: Role) -> Result<Vec<String>> {
    names::<Pod>(kubernetes, &format!("{},{LABEL_COMPONENT}={role}", name.selector())).await
}

/// The names of the claims that are still there.
pub async fn claims(kubernetes: &Kubernetes, name: &ClusterName) -> Result<Vec<String>> {
    names::<PersistentVolumeClaim>(kubernetes, &name.selector()).await
}

async fn names<K>(kubernetes: &Kubernetes, selector: &str) -> Result<Vec<String>>
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
        + Clone
        + serde::de::DeserializeOwned
        + std::fmt::Debug,
{
    let api: Api<K> = Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace);
    let list = kubernetes.call(api.list_metadata(&ListParams::default().labels(selector))).await?;
    Ok(list.items.into_iter().filter_map(|object| object.metadata.name).collect())
}
