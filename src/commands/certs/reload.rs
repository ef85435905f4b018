//! Makes every node read its keystore again, and waits until a handshake proves it.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::place::{Listener, Place};
use crate::commands::Context;
use crate::commands::securing::{Kept, login_by};
use crate::connect::{self, Login, Session};
use crate::error::CommandError;
use crate::k8s::Role;
use crate::k8s::discover::KafkaCluster;
use crate::k8s::inspect::PodState;
use crate::k8s::manifests::security::{keystore_file, keystore_path};
use crate::kafka::admin::configs;
use crate::kafka::{Ask, Cluster, Connection, NodeId};
use crate::ui::Progress;

/// The kubelet needs a while to bring a Secret into a pod; a look costs a handshake per listener.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// One renewal's last step.
pub(super) struct Reload<'a> {
    context: &'a Context,
    place: &'a Place,
    /// The new certificates' numbers by pod.
    wanted: &'a BTreeMap<String, String>,
    deadline: Instant,
    kafka: OnceCell<Cluster>,
}

impl<'a> Reload<'a> {
    pub(super) fn new(
        context: &'a Context,
        place: &'a Place,
        wanted: &'a BTreeMap<String, String>,
        deadline: Instant,
    ) -> Self {
        Self { context, place, wanted, deadline, kafka: OnceCell::new() }
    }

    /// Refuses a login that could not tell the nodes, before anything is changed. Changes nothing itself.
    pub(super) async fn rehearse(&self) -> Result<(), CommandError> {
        for role in self.place.spec.roles() {
            // What is down is waited for later.
            if let Some(pod) = self.place.pods.iter().find(|pod| pod.role == *role && pod.ready) {
                self.tell(pod, &self.place.listeners(pod), true, true).await?;
            }
        }
        Ok(())
    }

    /// How many listeners serve what they should, which is all of them.
    pub(super) async fn run(&self) -> Result<usize, CommandError> {
        let Place { kubernetes, pods, .. } = self.place;
        for pod in pods {
            // A pod whose annotation changes is looked at by its kubelet at once. Whoever may not patch pods waits
            // for the kubelet's own rhythm.
            let _ = crate::k8s::touch::touch(kubernetes, &pod.name).await;
        }
        let progress = self.context.ui.progress();
        let mut served = 0;
        for pod in pods {
            served += self.pod(pod, &progress).await?;
        }
        Ok(served)
    }

    async fn pod(&self, pod: &PodState, progress: &Progress) -> Result<usize, CommandError> {
        let listeners = self.place.listeners(pod);
        let mut wanted = self.wanted.get(&pod.name).cloned().unwrap_or_default();
        // Each change makes Kafka read the file: a detour in the path, and back to how it was.
        let mut detour = false;
        let mut refusal = None;
        loop {
            let stale = self.stale(pod, &listeners, &wanted).await;
            if stale.is_empty() && !detour {
                progress.set(&pod.name, format!("{}: serves its new certificate", pod.name));
                return Ok(listeners.len());
            }
            if Instant::now() >= self.deadline {
                return Err(late(pod, &stale, refusal));
            }
            if !stale.is_empty() {
                let names: Vec<&str> = stale.iter().map(|(listener, _)| listener.name.as_str()).collect();
                progress.set(&pod.name, format!("{}: waiting for {}", pod.name, names.join(", ")));
                tokio::time::sleep(LOOK_EVERY).await;
            }
            if let Some(other) = self.newer(pod, &wanted).await {
                let (name, secret) = (&pod.name, self.place.name.certificates(pod.role));
                self.context.ui.warning(format!("pod {name}: somebody else has renewed Secret {secret} meanwhile"));
                wanted = other;
            }
            match self.tell(pod, &listeners, !detour, false).await {
                Ok(()) => detour = !detour,
                // The node may be restarting; the next turn makes the same change again.
                Err(error) => refusal = Some(error.message),
            }
        }
    }

    /// The listeners that do not serve the new certificate, and what is the matter with each.
    async fn stale<'l>(&self, pod: &PodState, listeners: &'l [Listener], wanted: &str) -> Vec<(&'l Listener, String)> {
        let asked = listeners.iter().map(|listener| async move {
            match connect::served(&self.place.kubernetes, listener.of(pod)).await {
                Ok(info) if info.serial == wanted => None,
                Ok(_) => Some((listener, "it still serves the old one".to_owned())),
                Err(reason) => Some((listener, reason)),
            }
        });
        join_all(asked).await.into_iter().flatten().collect()
    }

    /// What the Secret has instead of what we wrote: the pod will never serve ours.
    async fn newer(&self, pod: &PodState, wanted: &str) -> Option<String> {
        let Place { kubernetes, name, .. } = self.place;
        let kept = Kept::serial(kubernetes, name, pod.role, &keystore_file(&pod.name)).await;
        kept.ok().flatten().filter(|serial| serial != wanted)
    }

    /// Changes the setting of every listener of a node, or asks whether that may be done.
    async fn tell(
        &self,
        pod: &PodState,
        listeners: &[Listener],
        detour: bool,
        validate_only: bool,
    ) -> Result<(), CommandError> {
        let changes: BTreeMap<String, Option<String>> = listeners
            .iter()
            .flat_map(|listener| {
                let prefix = format!("listener.name.{}.ssl.keystore", listener.name.to_lowercase());
                let (place, kind) =
                    if detour { (Some(keystore_path(&pod.name, true)), Some("PEM".to_owned())) } else { (None, None) };
                [(format!("{prefix}.location"), place), (format!("{prefix}.type"), kind)]
            })
            .collect();
        let node = NodeId(pod.node_id);
        if pod.role == Role::Broker {
            return Ok(configs::alter_broker(self.brokers().await?, node, &changes, validate_only).await?);
        }
        Ok(configs::alter_controller(&self.active_controller().await?, node, &changes, validate_only).await?)
    }

    /// One connection for the whole renewal; it mends itself when a broker goes away.
    async fn brokers(&self) -> Result<&Cluster, CommandError> {
        let connect = async || {
            let options = self.context.kafka_options();
            let (kubernetes, login) = (self.place.kubernetes.clone(), self.context.login()?);
            let session = Session::to_pods(kubernetes, self.pods(Role::Broker), options, &Ask::Nothing, &login).await?;
            Ok(session.kafka)
        };
        self.kafka.get_or_try_init(connect).await
    }

    /// Controllers take settings from the active one only.
    async fn active_controller(&self) -> Result<Connection, CommandError> {
        let (login, voters) = (self.controllers_login()?, self.pods(Role::Controller));
        let timeout = self.context.kafka_options().request_timeout;
        let found = connect::active_controller(&login, &self.place.kubernetes, &voters, timeout).await?;
        Ok(found.0)
    }

    /// Without users there is no admin whose certificate could be shown; whoever may read the authority's
    /// key can make one.
    fn controllers_login(&self) -> Result<Login, CommandError> {
        let Place { kept, spec, name, .. } = self.place;
        match kept.authority() {
            Some(authority) if !spec.security.is_scram() => login_by(authority, name),
            _ => self.context.login(),
        }
    }

    fn pods(&self, role: Role) -> KafkaCluster {
        let Place { kubernetes, name, pods, .. } = self.place;
        let of_role = pods.iter().filter(|pod| pod.role == role).map(PodState::as_broker);
        KafkaCluster { name: name.clone(), namespace: kubernetes.namespace.clone(), brokers: of_role.collect() }
    }
}

fn late(pod: &PodState, stale: &[(&Listener, String)], refusal: Option<String>) -> CommandError {
    let mut reasons: Vec<String> =
        stale.iter().map(|(listener, reason)| format!("{}: {reason}", listener.name)).collect();
    reasons.extend(refusal);
    CommandError::timed_out(format!("pod {} does not serve its new certificate: {}", pod.name, reasons.join("; ")))
        .hinted("the old one is still served and valid; the same command goes on")
}
