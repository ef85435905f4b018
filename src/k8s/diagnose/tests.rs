//! Tables of what Kubernetes says and what is made of it. The sentences are those of Kubernetes 1.34.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

use super::*;

fn object<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("a Kubernetes object")
}

/// A scheduled pod whose only container has this status.
fn pod(container: &Value) -> Value {
    let mut status =
        json!({"name": "kafka", "image": "apache/kafka:4.3.1", "imageID": "", "ready": false, "restartCount": 0});
    if let (Some(status), Some(container)) = (status.as_object_mut(), container.as_object()) {
        status.extend(container.clone());
    }
    json!({
        "metadata": {"name": "demo-broker-0", "uid": "pod-uid", "labels": {"app.kubernetes.io/component": "broker"}},
        "spec": {
            "containers": [{"name": "kafka", "resources": {"limits": {"memory": "768Mi"}}}],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data-demo-broker-0"}}],
        },
        "status": {
            "phase": "Running",
            "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "False"}],
            "containerStatuses": [status],
        },
    })
}

fn unscheduled(message: &str) -> Value {
    let mut pod = pod(&json!({}));
    pod["status"] = json!({
        "phase": "Pending",
        "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}],
    });
    pod
}

fn claim(class: Option<&str>, phase: &str) -> Value {
    json!({
        "metadata": {"name": "data-demo-broker-0", "uid": "claim-uid"},
        "spec": {"storageClassName": class},
        "status": {"phase": phase},
    })
}

fn event(uid: &str, reason: &str, message: &str, at: &str) -> Value {
    json!({
        "metadata": {"name": "e"}, "involvedObject": {"uid": uid}, "type": "Warning",
        "reason": reason, "message": message, "lastTimestamp": at,
    })
}

fn facts(pods: Vec<Value>, claims: Vec<Value>, events: Vec<Value>) -> Facts {
    Facts {
        pods: pods.into_iter().map(object).collect(),
        claims: claims.into_iter().map(object).collect(),
        events: events.into_iter().map(object).collect(),
        ..Facts::default()
    }
}

fn only(facts: &Facts) -> Diagnosis {
    let mut found = diagnose(facts);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

const NOW: &str = "2026-01-01T00:00:10Z";

#[test]
fn a_pod_that_makes_progress_has_nothing() {
    for container in [
        json!({"state": {"running": {"startedAt": NOW}}}),
        json!({"state": {"waiting": {"reason": "ContainerCreating"}}}),
        json!({"state": {"waiting": {"reason": "PodInitializing"}}}),
    ] {
        assert_eq!(
            diagnose(&facts(vec![pod(&container)], vec![claim(Some("fast"), "Bound")], vec![])),
            [],
            "{container}"
        );
    }
    let mut ready = pod(&json!({"restartCount": 7, "lastState": {"terminated": {"exitCode": 1}}}));
    ready["status"]["conditions"] = json!([{"type": "Ready", "status": "True"}]);
    let mut leaving = pod(&json!({"state": {"waiting": {"reason": "ImagePullBackOff"}}}));
    leaving["metadata"]["deletionTimestamp"] = json!(NOW);
    assert_eq!(diagnose(&facts(vec![ready, leaving], vec![], vec![])), []);
}

#[test]
fn containers_that_were_never_made() {
    let pull = "failed to pull and unpack image \"docker.io/apache/kafka:9\": not found";
    let long = format!("rpc error: code = NotFound desc = {pull}");
    let back_off = "Back-off pulling image \"apache/kafka:9\"";
    let failed = format!("Failed to pull image \"apache/kafka:9\": {long}");
    for (reason, message, event_message, cause, certainty, expected) in [
        ("ErrImagePull", long.as_str(), "", Cause::Image, Certainty::MayPass, pull),
        ("ImagePullBackOff", back_off, failed.as_str(), Cause::Image, Certainty::Final, pull),
        ("ImagePullBackOff", back_off, "", Cause::Image, Certainty::Final, back_off),
        ("InvalidImageName", "couldn't parse", "", Cause::Image, Certainty::Final, "couldn't parse"),
        (
            "CreateContainerConfigError",
            "secret \"demo-kraft\" not found",
            "",
            Cause::Container,
            Certainty::MayPass,
            "secret \"demo-kraft\" not found",
        ),
    ] {
        let container = json!({"state": {"waiting": {"reason": reason, "message": message}}});
        let found = only(&facts(vec![pod(&container)], vec![], vec![event("pod-uid", "Failed", event_message, NOW)]));
        assert_eq!((found.cause, found.certainty), (cause, certainty), "{reason}");
        assert!(found.message.ends_with(expected), "{}", found.message);
        assert_eq!(found.object, "pod demo-broker-0");
    }
}

#[test]
fn containers_that_ended() {
    let stack = "INFO starting\n[2026-01-01] ERROR Exiting Kafka due to fatal exception (kafka.Kafka$)\n\
                 java.lang.IllegalArgumentException: requirement failed: bad value\n\tat kafka.A.b(A.java:1)\n\t... 3 more\n";
    let foreign = "Exception in thread \"main\" java.lang.RuntimeException: Invalid cluster.id in: \
                   /var/lib/kafka/data/kafka-log/meta.properties. Expected X, but read Y\n";
    let oom = json!({"reason": "OOMKilled", "exitCode": 137});
    let crash = json!({"reason": "Error", "exitCode": 1, "message": stack});
    for (restarts, terminated, cause, certainty, expected) in [
        (1, oom.clone(), Cause::OutOfMemory, Certainty::MayPass, "memory limit of 768Mi"),
        (2, oom, Cause::OutOfMemory, Certainty::Final, "memory limit of 768Mi (2 times)"),
        (
            1,
            crash.clone(),
            Cause::Crash,
            Certainty::MayPass,
            "exit code 1: java.lang.IllegalArgumentException: requirement failed: bad value",
        ),
        (
            3,
            crash,
            Cause::Crash,
            Certainty::Final,
            "exit code 1 (3 times): java.lang.IllegalArgumentException: requirement failed: bad value",
        ),
        (3, json!({"exitCode": 143}), Cause::Crash, Certainty::Final, "exit code 143 (3 times)"),
        (1, json!({"exitCode": 1, "message": foreign}), Cause::ForeignDisk, Certainty::Final, "Expected X, but read Y"),
    ] {
        for container in [
            json!({"restartCount": restarts, "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": terminated}}),
            json!({"restartCount": restarts, "state": {"running": {}}, "lastState": {"terminated": terminated}}),
            json!({"restartCount": restarts, "state": {"terminated": terminated}}),
        ] {
            let found = only(&facts(vec![pod(&container)], vec![], vec![]));
            assert_eq!((&found.cause, found.certainty), (&cause, certainty), "{container}");
            assert!(found.message.ends_with(expected), "{}", found.message);
        }
    }
}

#[test]
fn a_crash_whose_reason_is_not_in_the_status_is_told_by_the_log() {
    let farewell = "[2026-01-01] INFO App info kafka.server for 100 unregistered (o.a.k.AppInfoParser)\n";
    let container = |message: &str| {
        let ended = json!({"reason": "Error", "exitCode": 1, "message": message});
        object::<Pod>(pod(&json!({"restartCount": 3, "lastState": {"terminated": ended}})))
    };
    let failed = "[2026-01-01] ERROR [SocketServer] failed authentication (SSL handshake failed)";
    for (message, is_silent) in [(farewell, true), ("", true), (failed, true), ("java.lang.Exception: why", false)] {
        assert_eq!(pod::crashed_silently(&container(message)), is_silent, "{message}");
    }
    let mut facts = Facts { pods: vec![container(farewell)], ..Facts::default() };
    facts.logs.insert("demo-broker-0".into(), format!("{failed}\n{farewell}"));
    assert_eq!(only(&facts).message, format!("Kafka ended with exit code 1 (3 times): {failed}"));
    let gone = "unable to retrieve container logs for containerd://d6a6e8";
    let facts = Facts { pods: vec![container(gone)], ..Facts::default() };
    assert_eq!(only(&facts).message, "Kafka ended with exit code 1 (3 times)");
}

#[test]
fn a_statefulset_that_is_gone_is_noticed_only_where_it_could_be_seen() {
    use crate::k8s::{ClusterName, Role};

    let name = ClusterName::from_label("demo");
    let set = |metadata: Value| -> StatefulSet {
        object(json!({"metadata": metadata, "spec": {"serviceName": "s", "selector": {}, "template": {}}}))
    };
    let facts = |workloads: Vec<StatefulSet>, workloads_known| Facts { workloads, workloads_known, ..Facts::default() };
    let there = set(json!({"name": "demo-broker"}));
    let going = set(json!({"name": "demo-broker", "deletionTimestamp": NOW}));
    for (facts, expected) in [
        (facts(vec![there], true), false),
        (facts(vec![going], true), true),
        (facts(vec![set(json!({"name": "demo-controller"}))], true), true),
        (facts(vec![], false), false),
    ] {
        assert_eq!(facts.is_removed(&name, Role::Broker), expected, "{:?}", facts.workloads);
    }
}

#[test]
fn pods_without_a_node_or_a_volume() {
    let memory =
        "0/1 nodes are available: 1 Insufficient memory. preemption: 0/1 nodes are available: 1 No preemption.";
    let unbound = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found";
    let missing = "storageclass.storage.k8s.io \"fast\" not found";
    let full = "failed to provision volume: no space";
    for (message, claims, warning, cause, certainty, expected) in [
        (
            memory,
            vec![claim(Some("fast"), "Bound")],
            "",
            Cause::Unschedulable,
            Certainty::MayPass,
            "no node takes it: 0/1 nodes are available: 1 Insufficient memory",
        ),
        (
            unbound,
            vec![claim(Some("fast"), "Pending")],
            missing,
            Cause::Volume,
            Certainty::Final,
            "StorageClass \"fast\" does not exist",
        ),
        (
            unbound,
            vec![claim(Some("fast"), "Pending")],
            full,
            Cause::Volume,
            Certainty::MayPass,
            "gets no volume: failed to provision volume: no space",
        ),
        (unbound, vec![claim(None, "Pending")], "", Cause::Volume, Certainty::Final, "the cluster has no default one"),
    ] {
        let events = vec![event("claim-uid", "ProvisioningFailed", warning, NOW)];
        let events = if warning.is_empty() { vec![] } else { events };
        let found = only(&facts(vec![unscheduled(message)], claims, events));
        assert_eq!((found.cause, found.certainty), (cause, certainty), "{}", found.message);
        assert!(found.message.ends_with(expected), "{}", found.message);
    }
}

#[test]
fn a_claim_that_waits_for_its_pod_does_not_hide_a_full_node() {
    let message = "0/1 nodes are available: 1 Insufficient cpu.";
    let waits =
        event("claim-uid", "WaitForFirstConsumer", "waiting for first consumer to be created before binding", NOW);
    let found = only(&facts(vec![unscheduled(message)], vec![claim(Some("fast"), "Pending")], vec![waits]));
    assert_eq!(
        (found.cause, found.message.as_str()),
        (Cause::Unschedulable, "no node takes it: 0/1 nodes are available: 1 Insufficient cpu")
    );
}

#[test]
fn the_newest_warning_of_the_same_object_counts() {
    let container = json!({"state": {"waiting": {"reason": "ContainerCreating"}}});
    let events = vec![
        event("pod-uid", "FailedMount", "old", "2026-01-01T00:00:01Z"),
        event("pod-uid", "FailedMount", "new", "2026-01-01T00:00:02Z"),
        event("an-earlier-pod", "FailedMount", "other", "2026-01-01T00:00:03Z"),
    ];
    let found = only(&facts(vec![pod(&container)], vec![], events));
    assert_eq!((found.cause, found.message.as_str()), (Cause::Mount, "its volume cannot be mounted: new"));
}

#[test]
fn refused_pods_are_told_while_they_are_missing() {
    let set = json!({
        "metadata": {"name": "demo-broker", "uid": "set-uid", "labels": {"app.kubernetes.io/component": "broker"}},
        "spec": {"replicas": 1, "serviceName": "s", "selector": {}, "template": {}},
    });
    let prefix =
        "create Pod demo-broker-0 in StatefulSet demo-broker failed error: pods \"demo-broker-0\" is forbidden: ";
    for (reason, certainty) in [
        ("violates PodSecurity \"restricted:latest\": seccompProfile", Certainty::Final),
        ("exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1", Certainty::Final),
        ("error looking up service account", Certainty::MayPass),
    ] {
        let mut facts =
            facts(vec![], vec![], vec![event("set-uid", "FailedCreate", &format!("{prefix}{reason}"), NOW)]);
        facts.workloads = vec![object(set.clone())];
        let found = only(&facts);
        assert_eq!((found.cause, found.certainty), (Cause::Refused, certainty), "{reason}");
        assert_eq!(found.message, format!("its pods are refused: {reason}"));
        assert!(found.is_about("demo-broker-0") && !found.is_about("demo-controller-0"));
        facts.pods = vec![object(pod(&json!({"state": {"running": {}}})))];
        assert_eq!(diagnose(&facts), []);
    }
}

#[test]
fn the_surest_cause_comes_first() {
    let mut other = pod(&json!({"state": {"waiting": {"reason": "ImagePullBackOff", "message": "x"}}}));
    other["metadata"]["name"] = json!("demo-broker-1");
    let found = diagnose(&facts(vec![unscheduled("0/1 nodes are available."), other], vec![], vec![]));
    assert_eq!(found.iter().map(|one| one.certainty).collect::<Vec<_>>(), [Certainty::Final, Certainty::MayPass]);
}

#[test]
fn phases() {
    let mut ready = pod(&json!({"state": {"running": {}}}));
    ready["status"]["conditions"][1]["status"] = json!("True");
    for (value, expected) in [
        (unscheduled(""), Phase::Unscheduled),
        (pod(&json!({"state": {"waiting": {"reason": "ContainerCreating"}}})), Phase::Preparing),
        (pod(&json!({"state": {"running": {}}})), Phase::Starting),
        (ready, Phase::Ready),
    ] {
        assert_eq!(phase(&object(value.clone())), expected, "{value}");
    }
}
