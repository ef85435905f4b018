//! Why one pod does not run, and how far it is.

use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus, Pod, PodCondition};

use super::{Cause, Certainty, Diagnosis, Facts, claim, one_line};
use crate::k8s::discover::is_ready;
use crate::k8s::logs;
use crate::k8s::names::ZOOKEEPER_CONTAINER;

/// After this many crashes the fourth try will not be different.
const CRASHES: i32 = 3;

/// How far a pod is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// No node has it yet.
    Unscheduled,
    /// A node prepares its volume and image.
    Preparing,
    /// Kafka starts.
    Starting,
    /// It serves.
    Ready,
    /// It is being removed.
    Leaving,
}

impl Phase {
    /// For a line of progress.
    pub fn words(self) -> &'static str {
        match self {
            Self::Unscheduled => "waiting for a node",
            Self::Preparing => "preparing its volume and image",
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Leaving => "being removed",
        }
    }
}

/// How far a pod is.
pub fn phase(pod: &Pod) -> Phase {
    if pod.metadata.deletion_timestamp.is_some() {
        Phase::Leaving
    } else if is_ready(pod) {
        Phase::Ready
    } else if condition(pod, "PodScheduled").is_none_or(|condition| condition.status != "True") {
        Phase::Unscheduled
    } else if container(pod).is_some_and(|status| status.state.as_ref().is_some_and(|state| state.running.is_some())) {
        Phase::Starting
    } else {
        Phase::Preparing
    }
}

/// What keeps a pod from running; `None` when nothing does (yet).
pub(super) fn diagnose(pod: &Pod, facts: &Facts) -> Option<Diagnosis> {
    if matches!(phase(pod), Phase::Ready | Phase::Leaving) {
        return None;
    }
    let found = |cause, certainty, message: String, hint: Option<&str>| {
        let object = format!("pod {}", pod.metadata.name.as_deref().unwrap_or_default());
        Some(Diagnosis { object, cause, certainty, message, hint: hint.map(str::to_owned) })
    };
    let status = pod.status.as_ref()?;
    if status.phase.as_deref() == Some("Failed") {
        let message = status.message.as_deref().or(status.reason.as_deref()).unwrap_or("it failed");
        return found(
            Cause::Evicted,
            Certainty::MayPass,
            format!("was ended by its node: {}", one_line(message)),
            None,
        );
    }
    if let Some(scheduled) = condition(pod, "PodScheduled").filter(|condition| condition.status == "False") {
        let message = one_line(scheduled.message.as_deref().unwrap_or_default());
        return claim::diagnose(pod, facts).or_else(|| {
            found(Cause::Unschedulable, Certainty::MayPass, format!("no node takes it: {}", shorter(&message)), None)
        });
    }
    let Some(container) = container(pod) else { return claim::diagnose(pod, facts) };
    waiting(container, facts, pod.metadata.uid.as_deref())
        .or_else(|| crashed(container, pod, facts))
        .or_else(|| {
            let message = facts.warning(pod.metadata.uid.as_deref(), &["FailedMount", "FailedAttachVolume"])?;
            (phase(pod) == Phase::Preparing).then(|| Trouble {
                cause: Cause::Mount,
                certainty: Certainty::MayPass,
                message: format!("its volume cannot be mounted: {}", one_line(message)),
                hint: None,
            })
        })
        .and_then(|trouble| found(trouble.cause, trouble.certainty, trouble.message, trouble.hint))
}

/// A diagnosis without its object.
struct Trouble {
    cause: Cause,
    certainty: Certainty,
    message: String,
    hint: Option<&'static str>,
}

/// A container that was never made.
fn waiting(container: &ContainerStatus, facts: &Facts, uid: Option<&str>) -> Option<Trouble> {
    let waiting = container.state.as_ref()?.waiting.as_ref()?;
    let message = one_line(waiting.message.as_deref().unwrap_or_default());
    match waiting.reason.as_deref()? {
        reason @ ("ErrImagePull"
        | "ImagePullBackOff"
        | "InvalidImageName"
        | "ErrImageNeverPull"
        | "RegistryUnavailable") => {
            // "Back-off pulling image" hides why; the events say it.
            let why = match facts.warning(uid, &["Failed"]) {
                Some(event) if message.starts_with("Back-off") && event.contains("pull image") => one_line(event),
                _ => message,
            };
            let certainty = if matches!(reason, "ErrImagePull" | "RegistryUnavailable") {
                Certainty::MayPass
            } else {
                Certainty::Final
            };
            Some(Trouble {
                cause: Cause::Image,
                certainty,
                message: format!("image {} cannot be pulled: {}", container.image, why),
                hint: Some(match container.name.as_str() {
                    ZOOKEEPER_CONTAINER => "check --zookeeper-image, and that the nodes reach the registry",
                    _ => "check --image and --kafka-version, and that the nodes reach the registry",
                }),
            })
        }
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => Some(Trouble {
            cause: Cause::Container,
            certainty: Certainty::MayPass,
            message: format!("its container cannot be made: {message}"),
            hint: None,
        }),
        _ => None,
    }
}

/// A container that ended, whether or not it runs again now.
fn crashed(container: &ContainerStatus, pod: &Pod, facts: &Facts) -> Option<Trouble> {
    let ended = last_end(container)?;
    let certainty = |crashes| if container.restart_count >= crashes { Certainty::Final } else { Certainty::MayPass };
    let times = match container.restart_count {
        0 | 1 => String::new(),
        count => format!(" ({count} times)"),
    };
    if ended.reason.as_deref() == Some("OOMKilled") {
        let limit = limit(pod).unwrap_or_else(|| "its memory".into());
        return Some(Trouble {
            cause: Cause::OutOfMemory,
            certainty: certainty(CRASHES - 1),
            message: format!("was killed for using more than its memory limit of {limit}{times}"),
            hint: Some("install with more --memory"),
        });
    }
    if ended.exit_code == 0 {
        return None;
    }
    let read = pod.metadata.name.as_ref().and_then(|name| facts.logs.get(name));
    let log = read.map(String::as_str).or(ended.message.as_deref()).unwrap_or_default();
    // With KRaft `kafka-storage.sh` says it, with ZooKeeper the broker.
    let foreign = ["Invalid cluster.id", "doesn't match stored clusterId"];
    if let Some(line) = log.lines().find(|line| foreign.iter().any(|words| line.contains(words))) {
        return Some(Trouble {
            cause: Cause::ForeignDisk,
            certainty: Certainty::Final,
            message: format!("its volume belongs to another Kafka cluster: {}", one_line(line)),
            hint: Some("remove the claim of that volume, or install under another name"),
        });
    }
    let program = if container.name == ZOOKEEPER_CONTAINER { "ZooKeeper" } else { "Kafka" };
    let last = logs::reason(log).map_or_else(String::new, |line| format!(": {}", one_line(line)));
    Some(Trouble {
        cause: Cause::Crash,
        certainty: certainty(CRASHES),
        message: format!("{program} ended with exit code {}{times}{last}", ended.exit_code),
        hint: None,
    })
}

fn last_end(container: &ContainerStatus) -> Option<&ContainerStateTerminated> {
    let now = container.state.as_ref().and_then(|state| state.terminated.as_ref());
    now.or_else(|| container.last_state.as_ref().and_then(|state| state.terminated.as_ref()))
}

/// Whether its program ended with an exception that is not among the last words in its status: those are the
/// last 2 KiB of the log (`terminationMessagePolicy: FallbackToLogsOnError`), and a long farewell fills them.
pub(super) fn crashed_silently(pod: &Pod) -> bool {
    let ended = container(pod).and_then(last_end);
    !matches!(phase(pod), Phase::Ready | Phase::Leaving)
        && ended.is_some_and(|ended| {
            ended.exit_code != 0
                && ended.reason.as_deref() != Some("OOMKilled")
                && !logs::has_exception(ended.message.as_deref().unwrap_or_default())
        })
}

fn limit(pod: &Pod) -> Option<String> {
    let container = pod.spec.as_ref()?.containers.first()?;
    Some(container.resources.as_ref()?.limits.as_ref()?.get("memory")?.0.clone())
}

/// `0/3 nodes are available: 3 Insufficient memory. preemption: …` without what follows the reason.
fn shorter(message: &str) -> String {
    message.split(" preemption:").next().unwrap_or(message).trim_end_matches('.').to_owned()
}

fn condition<'p>(pod: &'p Pod, kind: &str) -> Option<&'p PodCondition> {
    pod.status.as_ref()?.conditions.as_ref()?.iter().find(|condition| condition.type_ == kind)
}

fn container(pod: &Pod) -> Option<&ContainerStatus> {
    pod.status.as_ref()?.container_statuses.as_ref()?.first()
}
