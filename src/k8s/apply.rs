//! Server-side apply of whole sets of objects, as kubectl's, and never over the objects of other hands.
//!
//! Nothing is forced unless that is asked for: a field that someone else gave another value is a conflict,
//! which the API server explains.

use futures::future::{join_all, try_join_all};
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::{DynamicObject, GroupVersionKind, ObjectMeta, Patch, PatchParams, PostParams};
use kube::core::ApiResource;
use serde_json::Value;

use super::client::Kubernetes;
use super::error::{Error, Result};
use super::manifests::{Manifest, Quantity};
use super::names::{ClusterName, LABEL_INSTANCE, LABEL_MANAGED_BY, MANAGER};

/// An object as it is now; `None`: there is none.
pub type Existing = Option<DynamicObject>;

/// What applying an object does to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It did not exist.
    Created,
    /// It existed and differs now.
    Configured,
    /// It was already so.
    Unchanged,
}

impl Change {
    /// kubectl's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
        }
    }
}

/// Whether an apply is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// Change the cluster.
    Real,
    /// Let the API server check it: admission, validation, permissions.
    Rehearsal,
}

/// What happens to fields that belong to another tool and have another value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflicts {
    /// They stay, and the apply is refused.
    Refuse,
    /// They are ours from now on: kubectl's `--force-conflicts`.
    TakeOver,
}

/// The objects as they are now, in the manifests' order; `None` where there is none.
pub async fn existing(kubernetes: &Kubernetes, manifests: &[Manifest]) -> Result<Vec<Existing>> {
    try_join_all(
        manifests.iter().map(|manifest| kubernetes.find(async { api(kubernetes, manifest).get(&manifest.name).await })),
    )
    .await
}

/// Whether the API server knows a kind. Whoever may not ask is told that it does not.
pub async fn knows(kubernetes: &Kubernetes, kind: &ApiResource) -> bool {
    let kind = GroupVersionKind::gvk(&kind.group, &kind.version, &kind.kind);
    kube::discovery::pinned_kind(&kubernetes.client, &kind).await.is_ok()
}

/// The first object that exists and does not belong to the cluster.
pub fn foreign<'m>(name: &ClusterName, manifests: &'m [Manifest], existing: &[Existing]) -> Option<&'m Manifest> {
    let found = manifests
        .iter()
        .zip(existing)
        .find(|(_, object)| object.as_ref().is_some_and(|object| !is_ours(name, &object.metadata)));
    found.map(|(manifest, _)| manifest)
}

/// Whether an object carries the labels of the cluster.
pub fn is_ours(name: &ClusterName, metadata: &ObjectMeta) -> bool {
    let label = |key: &str| metadata.labels.as_ref().and_then(|labels| labels.get(key)).map(String::as_str);
    label(LABEL_MANAGED_BY) == Some(MANAGER) && label(LABEL_INSTANCE) == Some(name.as_str())
}

/// Applies an object; `before` is what [`existing`] found.
pub async fn apply(
    kubernetes: &Kubernetes,
    manifest: &Manifest,
    before: &Existing,
    (intent, conflicts): (Intent, Conflicts),
) -> Result<Change> {
    let after = patched(kubernetes, manifest, before, (intent, conflicts)).await?;
    Ok(match before {
        None => Change::Created,
        Some(before) if comparable(before) == comparable(&after) => Change::Unchanged,
        Some(_) => Change::Configured,
    })
}

/// What an object would be after [`apply`], without what changes although nobody changed it.
pub async fn outcome(
    kubernetes: &Kubernetes,
    manifest: &Manifest,
    before: &Existing,
    conflicts: Conflicts,
) -> Result<Value> {
    patched(kubernetes, manifest, before, (Intent::Rehearsal, conflicts)).await.map(|after| comparable(&after))
}

async fn patched(
    kubernetes: &Kubernetes,
    manifest: &Manifest,
    before: &Existing,
    (intent, conflicts): (Intent, Conflicts),
) -> Result<DynamicObject> {
    let mut parameters = PatchParams::apply(MANAGER);
    if intent == Intent::Rehearsal {
        parameters = parameters.dry_run();
    }
    if conflicts == Conflicts::TakeOver {
        parameters = parameters.force();
    }
    let body = without_needless_conflicts(&manifest.body, before);
    let (api, patch) = (api(kubernetes, manifest), Patch::Apply(&body));
    let applied = kubernetes.call(api.patch(&manifest.name, &parameters, &patch)).await;
    applied.map_err(|error| error.about(&manifest.reference()))
}

/// The claim templates of a StatefulSet are one value to the API server, which fills in defaults: without
/// those, what another tool applied is another value, although it says the same. Nobody can change it
/// either.
fn without_needless_conflicts(wanted: &Value, before: &Existing) -> Value {
    const TEMPLATES: &str = "/spec/volumeClaimTemplates";
    let mut wanted = wanted.clone();
    let live = before.as_ref().and_then(|object| object.data.pointer(TEMPLATES));
    if let (Some(ours), Some(live)) = (wanted.pointer_mut(TEMPLATES), live)
        && says(live, ours)
    {
        ours.clone_from(live);
    }
    wanted
}

/// Whether a value is the wanted one but for what was added to it.
fn says(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::Object(value), Value::Object(wanted)) => {
            wanted.iter().all(|(key, wanted)| value.get(key).is_some_and(|value| says(value, wanted)))
        }
        (Value::Array(value), Value::Array(wanted)) => {
            value.len() == wanted.len() && value.iter().zip(wanted).all(|(value, wanted)| says(value, wanted))
        }
        // The API server writes 1Gi for 1024Mi.
        (Value::String(value), Value::String(wanted)) => {
            let amounts = (value.parse::<Quantity>(), wanted.parse::<Quantity>());
            value == wanted || matches!(amounts, (Ok(value), Ok(wanted)) if value == wanted)
        }
        _ => value == wanted,
    }
}

/// Rehearses all objects at once; every outcome is there, so that all missing permissions can be told
/// together.
pub async fn rehearse(
    kubernetes: &Kubernetes,
    manifests: &[Manifest],
    existing: &[Existing],
    conflicts: Conflicts,
) -> Vec<Result<Change>> {
    let rehearsals = manifests.iter().zip(existing);
    let manner = (Intent::Rehearsal, conflicts);
    join_all(rehearsals.map(|(manifest, before)| apply(kubernetes, manifest, before, manner))).await
}

/// Creates an object that must never be overwritten; `false` when it exists already.
pub async fn create_once(kubernetes: &Kubernetes, manifest: &Manifest) -> Result<bool> {
    let object: DynamicObject = serde_json::from_value(manifest.body.clone())
        .map_err(|error| Error::Other(format!("cannot write {}: {error}", manifest.reference())))?;
    let parameters = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
    match kubernetes.call(api(kubernetes, manifest).create(&parameters, &object)).await {
        Ok(_) => Ok(true),
        Err(error) if error.code() == Some(409) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Gives an object of [`create_once`] other data. By a merge, because the fields belong to whoever created
/// it; keys that are no more are taken out by name.
pub async fn replace_data(
    kubernetes: &Kubernetes,
    manifest: &Manifest,
    before: &Existing,
    intent: Intent,
) -> Result<()> {
    let mut data = manifest.body.get("data").cloned().unwrap_or_default();
    let old = before.as_ref().and_then(|object| object.data.get("data")).and_then(Value::as_object);
    if let Some(data) = data.as_object_mut() {
        for key in old.into_iter().flat_map(serde_json::Map::keys) {
            data.entry(key).or_insert(Value::Null);
        }
    }
    let (field_manager, dry_run) = (Some(MANAGER.to_owned()), intent == Intent::Rehearsal);
    let parameters = PatchParams { field_manager, dry_run, ..PatchParams::default() };
    let patch = Patch::Merge(serde_json::json!({ "data": data }));
    kubernetes.call(api(kubernetes, manifest).patch(&manifest.name, &parameters, &patch)).await.map(|_| ())
}

/// Makes sure of the namespace. Whoever may not look at namespaces may still be able to create one, and
/// the other way round.
pub async fn ensure_namespace(kubernetes: &Kubernetes, intent: Intent) -> Result<Change> {
    let namespaces: Api<Namespace> = Api::all(kubernetes.client.clone());
    if let Ok(Some(_)) = kubernetes.find(namespaces.get(&kubernetes.namespace)).await {
        return Ok(Change::Unchanged);
    }
    let metadata = ObjectMeta { name: Some(kubernetes.namespace.clone()), ..ObjectMeta::default() };
    let namespace = Namespace { metadata, ..Namespace::default() };
    let parameters = PostParams { field_manager: Some(MANAGER.to_owned()), dry_run: intent == Intent::Rehearsal };
    match kubernetes.call(namespaces.create(&parameters, &namespace)).await {
        Ok(_) => Ok(Change::Created),
        Err(error) if error.code() == Some(409) => Ok(Change::Unchanged),
        Err(error) => Err(error),
    }
}

pub(super) fn api(kubernetes: &Kubernetes, manifest: &Manifest) -> Api<DynamicObject> {
    Api::namespaced_with(kubernetes.client.clone(), &kubernetes.namespace, &manifest.resource)
}

/// An object without what changes although nobody changed it.
pub fn comparable(object: &DynamicObject) -> Value {
    let mut value = serde_json::to_value(object).unwrap_or_default();
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        for key in ["managedFields", "resourceVersion", "generation"] {
            metadata.remove(key);
        }
    }
    if let Some(object) = value.as_object_mut() {
        object.remove("status");
    }
    value
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> DynamicObject {
        serde_json::from_value(value).expect("an object")
    }

    #[test]
    fn a_status_that_moves_on_is_no_change() {
        let before = object(json!({"apiVersion": "v1", "kind": "Service", "spec": {"a": 1}, "status": {"x": 1},
            "metadata": {"name": "s", "resourceVersion": "1", "generation": 1}}));
        let after = object(json!({"apiVersion": "v1", "kind": "Service", "spec": {"a": 1}, "status": {"x": 2},
            "metadata": {"name": "s", "resourceVersion": "2", "generation": 1}}));
        let changed = object(json!({"apiVersion": "v1", "kind": "Service", "spec": {"a": 2},
            "metadata": {"name": "s", "resourceVersion": "2", "generation": 2}}));
        assert_eq!(comparable(&before), comparable(&after));
        assert_ne!(comparable(&before), comparable(&changed));
    }

    #[test]
    fn claim_templates_that_say_the_same_are_sent_as_they_are() {
        let wanted = |storage: &str| {
            json!({"spec": {"replicas": 3, "volumeClaimTemplates": [{"metadata": {"name": "data"},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage}}}}]}})
        };
        let live = json!([{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
            "spec": {"accessModes": ["ReadWriteOnce"], "volumeMode": "Filesystem",
                "resources": {"requests": {"storage": "1Gi"}}}, "status": {"phase": "Pending"}}]);
        let before = Some(object(json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "s"},
            "spec": {"replicas": 1, "volumeClaimTemplates": live}})));
        for same in ["1Gi", "1024Mi"] {
            let sent = without_needless_conflicts(&wanted(same), &before);
            assert_eq!(sent["spec"], json!({"replicas": 3, "volumeClaimTemplates": live}), "{same}");
        }
        assert_eq!(without_needless_conflicts(&wanted("2Gi"), &before), wanted("2Gi"));
        assert_eq!(without_needless_conflicts(&wanted("1Gi"), &None), wanted("1Gi"));
    }

    #[test]
    fn only_objects_with_both_labels_are_ours() {
        let name = ClusterName::from_label("demo");
        let with = |labels: Value| object(json!({"metadata": {"name": "x", "labels": labels}})).metadata;
        assert!(is_ours(&name, &with(json!({LABEL_MANAGED_BY: MANAGER, LABEL_INSTANCE: "demo"}))));
        for labels in [
            json!({}),
            json!({LABEL_INSTANCE: "demo"}),
            json!({LABEL_MANAGED_BY: "Helm", LABEL_INSTANCE: "demo"}),
            json!({LABEL_MANAGED_BY: MANAGER, LABEL_INSTANCE: "other"}),
        ] {
            assert!(!is_ours(&name, &with(labels.clone())), "{labels}");
        }
    }
}
