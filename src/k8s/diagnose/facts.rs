//! What a diagnosis is made from.

use std::collections::BTreeMap;

use futures::future::join_all;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Event, PersistentVolumeClaim, Pod};
use kube::Api;
use kube::api::ListParams;

use super::pod::crashed_silently;
use crate::k8s::client::Kubernetes;
use crate::k8s::error::Result;
use crate::k8s::logs;
use crate::k8s::names::{ClusterName, LABEL_COMPONENT, Role};

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
    /// Whether those could be read.
    pub workloads_known: bool,
    /// The log of a program that crashed, by pod, where its last words in the pod's status tell nothing.
    pub logs: BTreeMap<String, String>,
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

    /// Everything. Four requests at once, and one for each pod that crashed without a word; only the pods are
    /// indispensable.
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
        keep(workloads.map(|list| {
            facts.workloads = list.items;
            facts.workloads_known = true;
        }));
        keep(events.map(|list| facts.events = list.items));
        facts.read_logs(kubernetes).await;
        Ok(facts)
    }

    /// A log that cannot be read is no fact: the status of the pod still tells the exit code.
    async fn read_logs(&mut self, kubernetes: &Kubernetes) {
        let silent = self.pods.iter().filter(|pod| crashed_silently(pod));
        let names = silent.filter_map(|pod| Some((pod.metadata.name.clone()?, role(pod)?)));
        let read = names.map(async |(name, role)| {
            let log = logs::of_ended_run(kubernetes, &name, role).await.ok()??;
            Some((name, log))
        });
        self.logs = join_all(read).await.into_iter().flatten().collect();
    }

    /// Whether a role's StatefulSet is gone or going; `false` where that cannot be seen.
    pub fn is_removed(&self, name: &ClusterName, role: Role) -> bool {
        let wanted = name.workload(role);
        let stays = |workload: &StatefulSet| {
            workload.metadata.name.as_ref() == Some(&wanted) && workload.metadata.deletion_timestamp.is_none()
        };
        self.workloads_known && !self.workloads.iter().any(stays)
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

fn role(pod: &Pod) -> Option<Role> {
    pod.metadata.labels.as_ref()?.get(LABEL_COMPONENT)?.parse().ok()
}
