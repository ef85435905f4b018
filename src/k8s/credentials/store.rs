//! Where the Secrets of users are: found, written, deleted.

use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use secrecy::SecretString;

use super::{Credentials, KEY_CA, KEY_PASSWORD, secret};
use crate::k8s::apply::{self, Existing, Intent};
use crate::k8s::client::Kubernetes;
use crate::k8s::error::{Error, Result};
use crate::k8s::names::{ClusterName, LABEL_USER, MANAGER};

/// What looking for a user's Secret came to.
#[derive(Debug, Clone)]
pub enum Lookup {
    /// It is there, and may be read.
    Found(Box<Credentials>),
    /// There is none.
    Missing,
    /// The caller may not read it; the API server's words.
    Forbidden(String),
}

/// Reads the credentials of a Kafka user: of [`ADMIN`](crate::k8s::names::ADMIN), or of the one that was named.
///
/// # Errors
/// What is neither "there is none" nor "not yours to read": the API server is down, or the Secret is broken.
pub async fn find(kubernetes: &Kubernetes, cluster: &ClusterName, user: &str) -> Result<Lookup> {
    let secrets: Api<Secret> = Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace);
    let name = cluster.user(user);
    match kubernetes.find(secrets.get(&name)).await {
        Ok(None) => Ok(Lookup::Missing),
        Err(error) if error.is_forbidden() => Ok(Lookup::Forbidden(error.to_string())),
        Err(error) => Err(error),
        Ok(Some(secret)) => {
            Credentials::from_secret(&secret).map(|found| Lookup::Found(Box::new(found))).map_err(|reason| {
                Error::Unusable { secret: name, namespace: kubernetes.namespace.clone(), user: user.to_owned(), reason }
            })
        }
    }
}

/// The certificate authority's public half, PEM; `None` where there is none.
pub async fn authority(kubernetes: &Kubernetes, cluster: &ClusterName) -> Result<Option<String>> {
    let maps: Api<ConfigMap> = Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace);
    let map = kubernetes.find(maps.get(&cluster.authority())).await?;
    Ok(map.and_then(|map| map.data?.remove(KEY_CA)))
}

/// The names of the users that have a Secret, in order. One request, without the Secrets' content.
pub async fn users(kubernetes: &Kubernetes, cluster: &ClusterName) -> Result<Vec<String>> {
    let secrets: Api<Secret> = Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace);
    let selector = ListParams::default().labels(&format!("{},{LABEL_USER}", cluster.selector()));
    let list = kubernetes.call(secrets.list_metadata(&selector)).await?;
    let mut users: Vec<String> =
        list.items.into_iter().filter_map(|secret| secret.metadata.labels?.remove(LABEL_USER)).collect();
    users.sort();
    Ok(users)
}

/// What a Secret of a user was before it was written over.
pub struct Before(Existing);

impl Before {
    /// What it held, where it was a user's Secret.
    pub fn credentials(&self) -> Option<Credentials> {
        let secret: Secret = serde_json::from_value(serde_json::to_value(self.0.as_ref()?).ok()?).ok()?;
        Credentials::from_secret(&secret).ok()
    }

    /// Whether there was one.
    pub fn existed(&self) -> bool {
        self.0.is_some()
    }
}

/// The Secret of a user as it is now.
///
/// # Errors
/// It is there and is not ours.
pub async fn before(kubernetes: &Kubernetes, cluster: &ClusterName, credentials: &Credentials) -> Result<Before> {
    let manifest = secret(cluster, &kubernetes.namespace, credentials)?;
    let found = kubernetes.find(apply::api(kubernetes, &manifest).get(&manifest.name)).await?;
    match &found {
        Some(object) if !apply::is_ours(cluster, &object.metadata) => {
            Err(Error::Other(format!("{} exists and does not belong to cluster \"{cluster}\"", manifest.reference())))
        }
        _ => Ok(Before(found)),
    }
}

/// Writes the Secret of a user, or lets the API server check whether that would work. By a merge where there is
/// one: its fields belong to whoever created it, and an apply would be a conflict.
pub async fn write(
    kubernetes: &Kubernetes,
    cluster: &ClusterName,
    credentials: &Credentials,
    before: &Before,
    intent: Intent,
) -> Result<()> {
    let manifest = secret(cluster, &kubernetes.namespace, credentials)?;
    let api = apply::api(kubernetes, &manifest);
    let (field_manager, dry_run) = (Some(MANAGER.to_owned()), intent == Intent::Rehearsal);
    if before.existed() {
        let parameters = PatchParams { field_manager, dry_run, ..PatchParams::default() };
        let patch = Patch::Merge(serde_json::json!({
            "metadata": {"labels": manifest.body["metadata"]["labels"]},
            "data": manifest.body["data"],
        }));
        return kubernetes.call(api.patch(&manifest.name, &parameters, &patch)).await.map(|_| ());
    }
    let object = serde_json::from_value(manifest.body.clone())
        .map_err(|error| Error::Other(format!("cannot write {}: {error}", manifest.reference())))?;
    kubernetes.call(api.create(&PostParams { field_manager, dry_run }, &object)).await.map(|_| ())
}

/// Whether there is a Secret of a user. One request, without its content.
pub async fn exists(kubernetes: &Kubernetes, cluster: &ClusterName, user: &str) -> Result<bool> {
    let secrets: Api<Secret> = Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace);
    let found = kubernetes.find(secrets.get_metadata(&cluster.user(user))).await?;
    Ok(found.is_some_and(|secret| {
        let label = secret.metadata.labels.as_ref().and_then(|labels| labels.get(LABEL_USER));
        apply::is_ours(cluster, &secret.metadata) && label.is_some_and(|label| label == user)
    }))
}

/// Deletes the Secret of a user; `false` when there is none.
pub async fn delete(kubernetes: &Kubernetes, cluster: &ClusterName, user: &str) -> Result<bool> {
    let secrets: Api<Secret> = Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace);
    let deleted = kubernetes.find(secrets.delete(&cluster.user(user), &DeleteParams::default())).await?;
    Ok(deleted.is_some())
}

/// The pods that were given a Secret, other than Kafka's own.
pub async fn readers(kubernetes: &Kubernetes, cluster: &ClusterName, user: &str) -> Result<Vec<String>> {
    let pods: Api<Pod> = Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace);
    let list = kubernetes.call(pods.list(&ListParams::default())).await?;
    let name = cluster.user(user);
    Ok(list
        .items
        .iter()
        .filter(|pod| !apply::is_ours(cluster, &pod.metadata) && reads(pod, &name))
        .filter_map(|pod| pod.metadata.name.clone())
        .collect())
}

/// Whether a pod mounts a Secret or has its values in the environment.
fn reads(pod: &Pod, secret: &str) -> bool {
    let Some(spec) = &pod.spec else { return false };
    let mounts = spec.volumes.iter().flatten().any(|volume| {
        let direct = volume.secret.as_ref().and_then(|source| source.secret_name.as_deref());
        let mut projected = volume.projected.iter().flat_map(|source| source.sources.iter().flatten());
        direct == Some(secret)
            || projected.any(|source| source.secret.as_ref().is_some_and(|source| source.name == secret))
    });
    let containers = || spec.containers.iter().chain(spec.init_containers.iter().flatten());
    mounts
        || containers()
            .flat_map(|container| container.env_from.iter().flatten())
            .any(|from| from.secret_ref.as_ref().is_some_and(|source| source.name == secret))
        || containers().flat_map(|container| container.env.iter().flatten()).any(|variable| {
            let source = variable.value_from.as_ref().and_then(|from| from.secret_key_ref.as_ref());
            source.is_some_and(|source| source.name == secret)
        })
}

/// A password that somebody keeps in a Secret of their own, by its key `password`.
pub async fn password_of(kubernetes: &Kubernetes, secret: &str) -> Result<SecretString> {
    let secrets: Api<Secret> = Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace);
    let found = kubernetes.call(secrets.get(secret)).await?;
    let unusable = |reason: &str| Error::Other(format!("cannot use Secret {secret}: {reason}"));
    let data = found.data.unwrap_or_default();
    let bytes = data.get(KEY_PASSWORD).ok_or_else(|| unusable("it has no key password"))?;
    let text = String::from_utf8(bytes.0.clone()).map_err(|_| unusable("its key password is no text"))?;
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_that_were_given_a_secret() {
        let pod = |spec: serde_json::Value| -> Pod {
            serde_json::from_value(serde_json::json!({"metadata": {"name": "p"}, "spec": spec})).expect("a pod")
        };
        let container = |more: serde_json::Value| {
            let mut container = serde_json::json!({"name": "c"});
            container.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            serde_json::json!({"containers": [container]})
        };
        for (spec, expected) in [
            (serde_json::json!({"containers": [], "volumes": [{"name": "v", "secret": {"secretName": "s"}}]}), true),
            (serde_json::json!({"containers": [], "volumes": [{"name": "v", "secret": {"secretName": "t"}}]}), false),
            (
                serde_json::json!({"containers": [], "volumes": [
                    {"name": "v", "projected": {"sources": [{"secret": {"name": "s"}}]}}
                ]}),
                true,
            ),
            (container(serde_json::json!({"envFrom": [{"secretRef": {"name": "s"}}]})), true),
            (
                container(serde_json::json!({"env": [
                    {"name": "P", "valueFrom": {"secretKeyRef": {"name": "s", "key": "password"}}}
                ]})),
                true,
            ),
            (container(serde_json::json!({"env": [{"name": "P", "value": "s"}]})), false),
        ] {
            assert_eq!(reads(&pod(spec.clone()), "s"), expected, "{spec}");
        }
    }
}
