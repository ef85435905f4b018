//! From applied objects to a Kafka that works: a line of progress per pod, the reason when one cannot
//! start, and Kafka's own word at the end.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::health;
use crate::commands::Context;
use crate::commands::securing::Admin;
use crate::connect::ensemble;
use crate::error::CommandError;
use crate::k8s::diagnose::{self, Cause, Certainty, Diagnosis, Facts, Phase};
use crate::k8s::discover::{self, KafkaCluster};
use crate::k8s::manifests::ClusterSpec;
use crate::k8s::{ClusterName, Kubernetes, Role, logs};
use crate::kafka::{Cluster, ClusterOptions, DialError, DialReason, Error as KafkaError};
use crate::ui::Progress;

/// How often pods are looked at: often enough that nobody waits for us, seldom enough for any API server.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often claims, StatefulSets and events are looked at too, which only say why something is late.
const LOOK_CLOSER_EVERY: Duration = Duration::from_secs(2);
/// How long a cause must stand before it ends the wait: a claim's first event may be overtaken by a
/// StorageClass of the same `kubectl apply`.
const STANDS_AFTER: Duration = Duration::from_secs(5);
/// A broker that has just started may not have heard of the admin's password yet.
const DENIED_FOR: Duration = Duration::from_secs(20);
/// What was seen last, when pods are no longer what is waited for.
const ALL_READY: &str = "all pods are ready";
/// One question to a Kafka that is just starting; it is asked again.
const ASK: ClusterOptions = ClusterOptions { request_timeout: Duration::from_secs(5), retry_for: Duration::ZERO };
/// A message of progress stays on one line.
const LINE: usize = 100;

/// Which cluster is waited for, and until when.
pub(super) struct Wait<'a> {
    /// The terminal and the flags.
    pub context: &'a Context,
    /// Where.
    pub kubernetes: &'a Kubernetes,
    /// Which.
    pub name: &'a ClusterName,
    /// What was asked.
    pub spec: &'a ClusterSpec,
    /// `--timeout`
    pub timeout: Duration,
    /// The admin of a cluster that has users already.
    pub admin: Option<&'a Admin>,
}

/// What the wait saw last, for the message when its time is over.
#[derive(Default)]
struct Last(Mutex<String>);

impl Last {
    fn set(&self, text: impl Into<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = text.into();
    }

    fn get(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Kafka, as far as it has let us in.
#[derive(Default)]
struct Door {
    open: Option<Cluster>,
    /// Since when it does not know the admin.
    denied: Option<Instant>,
}

impl Door {
    /// What waiting will not mend: an answer that ends the wait.
    fn is_final(&mut self, error: &DialError, now: Instant) -> bool {
        if error.reason != DialReason::Denied {
            self.denied = None;
            return error.reason == DialReason::Forbidden;
        }
        now.duration_since(*self.denied.get_or_insert(now)) >= DENIED_FOR
    }
}

impl Wait<'_> {
    /// Until every pod is ready and Kafka says so too; where it is then.
    pub(super) async fn until_ready(&self, deadline: Instant) -> Result<KafkaCluster, CommandError> {
        let last = Last::default();
        let progress = self.context.ui.progress();
        let watched = tokio::time::timeout_at(deadline, self.watch(&progress, &last)).await;
        drop(progress);
        match watched {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(Stopped::Error(error))) => Err(error),
            Ok(Err(Stopped::Cause(causes))) => Err(self.cannot_start(&causes).await),
            Err(_) => Err(CommandError::timed_out(format!(
                "cluster \"{}\" is not ready after {}: {}",
                self.name,
                crate::view::duration(self.timeout),
                last.get()
            ))
            .hinted("the same command waits on; --timeout gives it more time")),
        }
    }

    async fn watch(&self, progress: &Progress, last: &Last) -> Result<KafkaCluster, Stopped> {
        let mut facts = Facts::default();
        let mut looked_closer: Option<Instant> = None;
        let mut standing = Standing::default();
        let mut door = Door::default();
        loop {
            let closer = looked_closer.is_none_or(|at| at.elapsed() >= LOOK_CLOSER_EVERY);
            match self.look(facts, closer).await {
                Ok(seen) => facts = seen,
                Err(error) if error.is_transient() => {
                    last.set(error.to_string());
                    facts = Facts::default();
                    tokio::time::sleep(LOOK_CLOSER_EVERY).await;
                    continue;
                }
                Err(error) => return Err(Stopped::Error(error.into())),
            }
            if closer {
                looked_closer = Some(Instant::now());
                self.refuse_removed(&facts)?;
            }
            let causes = diagnose::diagnose(&facts);
            let ready = self.show(progress, &facts, &causes, last);
            standing.see(&causes);
            if standing.is_over() {
                return Err(Stopped::Cause(causes));
            }
            if ready && self.ask(&mut door, &facts, progress, last).await? {
                return Ok(self.place(&facts));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// What was applied is there unless someone took it away.
    fn refuse_removed(&self, facts: &Facts) -> Result<(), CommandError> {
        let removed = self.spec.roles().iter().find(|role| facts.is_removed(self.name, **role));
        removed.map_or(Ok(()), |role| {
            Err(CommandError::failed(format!(
                "cluster \"{}\" was removed meanwhile: statefulset \"{}\" is gone",
                self.name,
                self.name.workload(*role)
            ))
            .hinted("the same command installs it again, with the data that was kept"))
        })
    }

    async fn look(&self, before: Facts, closer: bool) -> crate::k8s::Result<Facts> {
        if closer {
            return Facts::look(self.kubernetes, self.name).await;
        }
        let pods = Facts::pods(self.kubernetes, self.name).await?.pods;
        Ok(Facts { pods, ..before })
    }

    fn pods(&self) -> Vec<String> {
        let of = |role: Role| (0..self.spec.replicas(role)).map(move |ordinal| self.name.pod(role, ordinal));
        self.spec.roles().iter().flat_map(|role| of(*role)).collect()
    }

    /// A line per pod; whether all of them are ready.
    fn show(&self, progress: &Progress, facts: &Facts, causes: &[Diagnosis], last: &Last) -> bool {
        let mut ready = 0;
        let wanted = self.pods();
        for pod in &wanted {
            let found = facts.pods.iter().find(|found| found.metadata.name.as_ref() == Some(pod));
            let phase = found.map(diagnose::phase);
            let cause = causes.iter().find(|cause| cause.is_about(pod));
            let words = match (cause, phase) {
                (Some(cause), _) => cause.message.clone(),
                (None, Some(phase)) => phase.words().to_owned(),
                (None, None) => "waiting to be created".to_owned(),
            };
            progress.set(pod, shortened(&format!("{pod}: {words}")));
            ready += usize::from(phase == Some(Phase::Ready));
        }
        let is_ready = ready == wanted.len();
        match causes.first() {
            Some(cause) => last.set(cause.to_string()),
            // What Kafka said the last time counts until it is asked again.
            None if is_ready && last.get().starts_with(ALL_READY) => {}
            None => last.set(format!("{ready} of {} pods are ready", wanted.len())),
        }
        is_ready
    }

    /// Whether Kafka itself is ready; what it waits for goes to the progress.
    async fn ask(&self, door: &mut Door, facts: &Facts, progress: &Progress, last: &Last) -> Result<bool, Stopped> {
        if let Some(pending) = self.of_zookeeper().await {
            progress.set("zookeeper", shortened(&format!("zookeeper: {pending}")));
            last.set(format!("{ALL_READY}, but {pending}"));
            return Ok(false);
        }
        if let Some(admin) = self.admin.filter(|admin| admin.is_new())
            && let Err(error) = admin.tell_kafka(&self.context.ui, self.kubernetes, &self.place(facts)).await
        {
            last.set(format!("{ALL_READY}, but the admin could not be given a new password: {}", error.message));
            return Ok(false);
        }
        let answer = match &mut door.open {
            Some(open) => health::pending(open, self.spec).await,
            None => match health::connect(self.kubernetes, &self.place(facts), ASK).await {
                Ok(opened) => health::pending(door.open.insert(opened), self.spec).await,
                Err(error) => Err(error),
            },
        };
        let pending = match answer {
            Ok(None) => return Ok(true),
            Ok(Some(pending)) => pending,
            Err(KafkaError::Dial(error)) if door.is_final(&error, Instant::now()) => {
                return Err(Stopped::Error(KafkaError::Dial(error).into()));
            }
            Err(KafkaError::Dial(error)) if error.reason == DialReason::Denied => self.denied(facts, &error).await,
            Err(error) => error.to_string(),
        };
        progress.set("kafka", shortened(&format!("kafka: {pending}")));
        last.set(format!("{ALL_READY}, but {pending}"));
        Ok(false)
    }

    /// Lets the admin in, where Kafka knows another password than its Secret says; what is waited for then.
    async fn denied(&self, facts: &Facts, error: &DialError) -> String {
        let Some(admin) = self.admin else { return error.to_string() };
        let deadline = Instant::now() + ASK.request_timeout;
        match admin.until_told(&self.context.ui, self.kubernetes, &self.place(facts), deadline).await {
            Ok(()) => "the brokers learn the admin's password".to_owned(),
            Err(reason) => format!("{error}; {}", reason.message),
        }
    }

    /// What the ensemble still waits for, where there is one; Kafka can do nothing before that.
    async fn of_zookeeper(&self) -> Option<String> {
        if !self.spec.has_zookeeper() {
            return None;
        }
        let servers: Vec<String> =
            (0..self.spec.zookeeper_servers()).map(|ordinal| self.name.pod(Role::ZooKeeper, ordinal)).collect();
        health::of_ensemble(&ensemble::ask(self.kubernetes, &self.kubernetes.namespace, &servers).await)
    }

    fn place(&self, facts: &Facts) -> KafkaCluster {
        let brokers = discover::group(facts.pods.clone())
            .into_iter()
            .flat_map(|cluster| cluster.brokers)
            .filter(|broker| broker.name.starts_with(&self.name.workload(Role::Broker)))
            .collect();
        KafkaCluster { name: self.name.clone(), namespace: self.kubernetes.namespace.clone(), brokers }
    }

    /// The error of a cause that waiting does not mend, with the last words of a program that crashed.
    async fn cannot_start(&self, causes: &[Diagnosis]) -> CommandError {
        let Some(first) = causes.first() else { return CommandError::failed("the cluster cannot start") };
        let same = causes.iter().filter(|cause| cause.cause == first.cause).count() - 1;
        let others =
            if same == 0 { String::new() } else { format!(" (and {} more)", crate::view::plural(same, "object")) };
        if first.cause == Cause::Crash {
            self.show_log(first).await;
        }
        let error = CommandError::failed(format!("cluster \"{}\" cannot start: {first}{others}", self.name));
        let error = match &first.hint {
            Some(hint) => error.hinted(hint.clone()),
            None => error,
        };
        error.hinted(format!(
            "remove what was made with `kubectl kafka uninstall {} --delete-data`, then install again",
            self.name
        ))
    }

    async fn show_log(&self, cause: &Diagnosis) {
        let pod = cause.object.trim_start_matches("pod ");
        let role = Role::ALL.into_iter().find(|role| pod.starts_with(&self.name.workload(*role)));
        match logs::last_words(self.kubernetes, pod, role.unwrap_or(Role::Broker)).await {
            Ok(lines) if lines.is_empty() => {}
            Ok(lines) => {
                self.context.ui.status(format!("the last lines of pod {pod}:"));
                for line in lines {
                    self.context.ui.status(format!("  {line}"));
                }
            }
            Err(error) => self.context.ui.warning(format!("cannot read the log of pod {pod}: {error}")),
        }
    }
}

/// Why the wait ended early.
enum Stopped {
    Error(CommandError),
    Cause(Vec<Diagnosis>),
}

impl From<CommandError> for Stopped {
    fn from(error: CommandError) -> Self {
        Self::Error(error)
    }
}

/// Since when each final cause stands.
#[derive(Default)]
struct Standing(HashMap<(String, Cause), Instant>);

impl Standing {
    fn see(&mut self, causes: &[Diagnosis]) {
        let finals: Vec<_> = causes
            .iter()
            .filter(|cause| cause.certainty == Certainty::Final)
            .map(|cause| (cause.object.clone(), cause.cause))
            .collect();
        self.0.retain(|key, _| finals.contains(key));
        for key in finals {
            self.0.entry(key).or_insert_with(Instant::now);
        }
    }

    fn is_over(&self) -> bool {
        self.0.values().any(|since| since.elapsed() >= STANDS_AFTER)
    }
}

fn shortened(line: &str) -> String {
    if line.chars().count() <= LINE {
        return line.to_owned();
    }
    line.chars().take(LINE - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_admin_whom_kafka_does_not_know_is_waited_for_but_not_for_ever() {
        let mut door = Door::default();
        let began = Instant::now();
        let mut is_final =
            |reason, seconds| door.is_final(&DialError::new(reason, "no"), began + Duration::from_secs(seconds));
        assert!(is_final(DialReason::Forbidden, 0));
        assert!(!is_final(DialReason::Denied, 0) && !is_final(DialReason::Denied, 19));
        assert!(is_final(DialReason::Denied, 20));
        assert!(!is_final(DialReason::Refused, 21) && !is_final(DialReason::Denied, 22));
    }
}
