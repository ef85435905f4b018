//! What a diagnosis is made from.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Event, PersistentVolumeClaim, Pod};
use kube::Api;
use kube::api::ListParams;

use crate::k8s::client::Kubernetes;
use crate::k8s::error::Result;
use crate::k8s::names::ClusterName;

/// More warnings than this in one namespace say nothing new.
const MOST_EVENTS: u32 = 500;

/// The objects of a cluster, as seen at one moment.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Its pods by name.
    pub pods: Vec<Pod>,
    /// Its claims.
    pub claims: Vec<PersistentVolumeClaim>,
    /// Its StatefulSets.
    pub workloads: Vec<StatefulSet>,
    /// The namespace's warnings.
    pub events: Vec<Event>,
    /// What could not be read, and why; the rest still tells something.
    pub unknown: Vec<String>,
}

impl Facts {
    /// The pods only. One request.
    pub async fn pods(kubernetes: &Kubernetes, name: &ClusterName) -> Result<Self> {
        let pods: Api<Pod> = Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace);
        let list = kubernetes.call(pods.list(&ListParams::default().labels(&name.selector()))).await?;
        let mut pods = list.items;
        pods.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
        Ok(Self { pods, ..Self::default() })
    }

    /// Everything. Four requests at once; only the pods are indispensable.
    pub async fn look(kubernetes: &Kubernetes, name: &ClusterName) -> Result<Self> {
        let client = || kubernetes.client.clone();
        let claims: Api<PersistentVolumeClaim> = Api::namespaced(client(), &kubernetes.namespace);
        let workloads: Api<StatefulSet> = Api::namespaced(client(), &kubernetes.namespace);
        let events: Api<Event> = Api::namespaced(client(), &kubernetes.namespace);
        let ours = ListParams::default().labels(&name.selector());
        let warnings = ListParams::default().fields("type=Warning").limit(MOST_EVENTS);
        let (facts, claims, workloads, events) = tokio::join!(
            Self::pods(kubernetes, name),
            kubernetes.call(claims.list(&ours)),
            kubernetes.call(workloads.list(&ours)),
            kubernetes.call(events.list(&warnings)),
        );
        let mut facts = facts?;
        let mut keep = |outcome: Result<()>| {
            if let Err(error) = outcome {
                facts.unknown.push(error.to_string());
            }
        };
        keep(claims.map(|list| facts.claims = list.items));
        keep(workloads.map(|list| facts.workloads = list.items));
        keep(events.map(|list| facts.events = list.items));
        Ok(facts)
    }

    /// The newest warning with one of the reasons about the object with this uid.
    pub(super) fn warning(&self, uid: Option<&str>, reasons: &[&str]) -> Option<&str> {
        let uid = uid?;
        self.events
            .iter()
            .filter(|event| event.involved_object.uid.as_deref() == Some(uid))
            .filter(|event| event.reason.as_deref().is_some_and(|reason| reasons.contains(&reason)))
            .max_by_key(|event| {
                let series = event.series.as_ref().and_then(|series| series.last_observed_time.as_ref());
                let last = event.last_timestamp.as_ref().map(|time| time.0);
                series.map(|time| time.0).or(last).or(event.event_time.as_ref().map(|time| time.0))
            })
            .and_then(|event| event.message.as_deref())
    }
}
