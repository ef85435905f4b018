//! What is there of one Kafka cluster: the document, the identity and the volumes, which outlive its pods.

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Secret};
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};

use super::apply::is_ours;
use super::client::Kubernetes;
use super::error::{Error, Result};
use super::manifests::{ClusterDocument, ClusterSpec, DATA_VOLUME, DOCUMENT_KEY, Identity, KEY_MODE, Mode, claim};
use super::names::{ClusterName, LABEL_COMPONENT, LABEL_INSTANCE, LABEL_MANAGED_BY, MANAGER, Role};

/// A pod's volume claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// `data-demo-broker-0`
    pub name: String,
    /// Whose pod uses it.
    pub role: Role,
    /// Which one.
    pub ordinal: u32,
    /// Whether it carries the cluster's labels.
    pub ours: bool,
}

/// One Kafka cluster's traces in its namespace.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inventory {
    /// What was asked, if it is kept.
    pub document: Option<ClusterSpec>,
    /// Who it is, if it is kept.
    pub identity: Option<Identity>,
    /// Every claim that its pods would take, by role and ordinal.
    pub claims: Vec<Claim>,
    /// The StatefulSets that exist.
    pub workloads: Vec<Role>,
}

impl Inventory {
    /// Looks. Four requests at once.
    pub async fn of(kubernetes: &Kubernetes, name: &ClusterName) -> Result<Self> {
        let namespace = &kubernetes.namespace;
        let secrets: Api<Secret> = Api::namespaced(kubernetes.client.clone(), namespace);
        let maps: Api<ConfigMap> = Api::namespaced(kubernetes.client.clone(), namespace);
        let (secret_name, document_name) = (name.identity(), name.document());
        let (secret, document, claims, workloads) = tokio::join!(
            Box::pin(kubernetes.find(secrets.get(&secret_name))),
            Box::pin(kubernetes.find(maps.get(&document_name))),
            Box::pin(claims(kubernetes, name)),
            Box::pin(workloads(kubernetes, name)),
        );
        // An object of other hands says nothing about this cluster; applying refuses it by name.
        let secret = secret?.filter(|secret| is_ours(name, &secret.metadata));
        let document = document?.filter(|document| is_ours(name, &document.metadata));
        Ok(Self {
            document: document.map(|document| read_document(&document, &document_name)).transpose()?,
            identity: secret.map(|secret| read_identity(&secret, &secret_name)).transpose()?,
            claims: claims?,
            workloads: workloads?,
        })
    }

    /// Whether volumes of a role are there.
    pub fn has_claims(&self, role: Role) -> bool {
        self.claims.iter().any(|claim| claim.role == role)
    }
}

/// What was asked of a cluster; `None` where it is not kept. One request.
pub async fn document(kubernetes: &Kubernetes, name: &ClusterName) -> Result<Option<ClusterSpec>> {
    let maps: Api<ConfigMap> = Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace);
    let document_name = name.document();
    let found = kubernetes.find(maps.get(&document_name)).await?;
    let ours = found.filter(|document| is_ours(name, &document.metadata));
    ours.map(|document| read_document(&document, &document_name)).transpose()
}

/// A cluster that was installed and whose document is there, running or not.
#[derive(Debug, Clone, PartialEq)]
pub struct Installed {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: ClusterName,
    /// What was asked; `None` when a newer plugin wrote it.
    pub spec: Option<ClusterSpec>,
    /// When it was first installed.
    pub created: Option<Timestamp>,
}

/// Every document of the namespace, or of all namespaces. One request.
pub async fn documents(kubernetes: &Kubernetes, all_namespaces: bool) -> Result<Vec<Installed>> {
    let maps: Api<ConfigMap> = if all_namespaces {
        Api::all(kubernetes.client.clone())
    } else {
        Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace)
    };
    // The other ConfigMaps belong to a role.
    let selector = format!("{LABEL_MANAGED_BY}={MANAGER},!{LABEL_COMPONENT}");
    let list = kubernetes.call(maps.list(&ListParams::default().labels(&selector))).await?;
    Ok(list.items.iter().filter_map(installed).collect())
}

fn installed(map: &ConfigMap) -> Option<Installed> {
    let name = ClusterName::from_label(map.metadata.labels.as_ref()?.get(LABEL_INSTANCE)?);
    let full = map.metadata.name.as_deref()?;
    (full == name.document()).then(|| Installed {
        namespace: map.metadata.namespace.clone().unwrap_or_default(),
        spec: read_document(map, full).ok(),
        created: map.metadata.creation_timestamp.as_ref().map(|time| time.0),
        name,
    })
}

/// Tells the Secret that the quorum exists, so that a controller with an empty disk follows instead of
/// voting with nothing in its hands.
pub async fn mark_joined(kubernetes: &Kubernetes, name: &ClusterName) -> Result<()> {
    let secrets: Api<Secret> = Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace);
    let parameters = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
    let patch = serde_json::json!({"stringData": {KEY_MODE: Mode::Join.as_str()}});
    kubernetes.call(secrets.patch(&name.identity(), &parameters, &Patch::Merge(patch))).await.map(|_| ())
}

fn read_document(map: &ConfigMap, name: &str) -> Result<ClusterSpec> {
    let text = map.data.as_ref().and_then(|data| data.get(DOCUMENT_KEY)).map_or("", String::as_str);
    ClusterDocument::from_yaml(text)
        .map(|document| document.spec)
        .map_err(|reason| Error::Other(format!("cannot read {DOCUMENT_KEY} of ConfigMap {name}: {reason}")))
}

fn read_identity(secret: &Secret, name: &str) -> Result<Identity> {
    Identity::from_secret(secret).map_err(|reason| Error::Other(format!("cannot use Secret {name}: {reason}")))
}

/// The claims that the cluster's pods have or would take, whoever made them.
async fn claims(kubernetes: &Kubernetes, name: &ClusterName) -> Result<Vec<Claim>> {
    let api: Api<PersistentVolumeClaim> = Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace);
    let list = kubernetes.call(api.list(&ListParams::default())).await?;
    let mut claims: Vec<Claim> = list
        .items
        .iter()
        .filter_map(|found| {
            let full = found.metadata.name.as_deref()?;
            let (role, ordinal) = pod_of(name, full)?;
            Some(Claim { name: full.to_owned(), role, ordinal, ours: is_ours(name, &found.metadata) })
        })
        .collect();
    claims.sort_by_key(|claim| (claim.role, claim.ordinal));
    Ok(claims)
}

fn pod_of(name: &ClusterName, full: &str) -> Option<(Role, u32)> {
    Role::ALL.into_iter().find_map(|role| {
        let (volume, ordinal) = full.rsplit_once('-')?;
        let volume = volume.strip_suffix(&name.workload(role))?.strip_suffix('-')?;
        let disk = match volume.strip_prefix(DATA_VOLUME)? {
            "" => 0,
            number => number.strip_prefix('-')?.parse().ok()?,
        };
        let ordinal = ordinal.parse().ok()?;
        (full == claim(disk, &name.pod(role, ordinal))).then_some((role, ordinal))
    })
}

async fn workloads(kubernetes: &Kubernetes, name: &ClusterName) -> Result<Vec<Role>> {
    let api: Api<StatefulSet> = Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace);
    let list = kubernetes.call(api.list(&ListParams::default().labels(&name.selector()))).await?;
    let has = |role: Role| list.items.iter().any(|set| set.metadata.name.as_deref() == Some(&name.workload(role)));
    Ok(Role::ALL.into_iter().filter(|role| has(*role)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_known_by_their_name() {
        let name = ClusterName::from_label("demo");
        for (full, expected) in [
            ("data-demo-broker-0", Some((Role::Broker, 0))),
            ("data-demo-controller-12", Some((Role::Controller, 12))),
            ("data-2-demo-broker-1", Some((Role::Broker, 1))),
            ("data-0-demo-broker-1", None),
            ("data-my-demo-broker-1", None),
            ("data-demo-zookeeper-1", Some((Role::ZooKeeper, 1))),
            ("data-demo-broker-x", None),
            ("data-demo-brokers-0", None),
            ("data-other-broker-0", None),
            ("logs-demo-broker-0", None),
        ] {
            assert_eq!(pod_of(&name, full), expected, "{full}");
        }
    }
}
