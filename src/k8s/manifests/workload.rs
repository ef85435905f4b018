//! The StatefulSet of a role. Its pods pass the Pod Security level `restricted`.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{
    StatefulSet, StatefulSetPersistentVolumeClaimRetentionPolicy, StatefulSetSpec, StatefulSetUpdateStrategy,
};
use k8s_openapi::api::core::v1::{
    Capabilities, Container, ContainerPort, EnvVar, EnvVarSource, ExecAction, LocalObjectReference, PodSecurityContext,
    PodSpec, PodTemplateSpec, Probe, ResourceRequirements, SeccompProfile, SecretKeySelector, SecurityContext,
    TCPSocketAction,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::configuration::checksum;
use super::identity::{KEY_CLUSTER_ID, KEY_MODE, directory_key};
use super::script::directory_variable;
use super::services::ports;
use super::{CONFIG_MOUNT, Target, metrics, placement, volumes, zookeeper};
use crate::k8s::names::{ANNOTATION_CHECKSUM, LABEL_VERSION, Role};

/// Either image's user. It is named there, and `runAsNonRoot` wants a number.
const USER: i64 = 1000;
/// A broker hands over its leaderships and writes its indexes; many partitions take minutes.
const BROKER_GRACE_SECONDS: i64 = 300;
const QUORUM_GRACE_SECONDS: i64 = 60;
/// The recovery of a large log after a crash takes up to an hour, during which no port is open.
const STARTUP_PERIOD_SECONDS: i32 = 2;
const STARTUP_TRIES: i32 = 1800;
const READINESS_PERIOD_SECONDS: i32 = 5;

/// `files` is the ConfigMap that its pods mount.
pub(super) fn stateful_set(target: &Target<'_>, role: Role, files: &str) -> StatefulSet {
    let mut metadata = target.role_metadata(target.name.workload(role), role);
    metadata.labels.get_or_insert_default().extend(version_label(target, role));
    StatefulSet {
        metadata,
        spec: Some(StatefulSetSpec {
            service_name: Some(target.name.headless(role)),
            replicas: i32::try_from(target.spec.replicas(role)).ok(),
            pod_management_policy: Some("Parallel".into()),
            update_strategy: Some(StatefulSetUpdateStrategy { type_: Some("OnDelete".into()), rolling_update: None }),
            persistent_volume_claim_retention_policy: Some(StatefulSetPersistentVolumeClaimRetentionPolicy {
                when_deleted: Some("Retain".into()),
                when_scaled: Some("Retain".into()),
            }),
            selector: placement::selector(target, role),
            template: template(target, role, files),
            volume_claim_templates: Some(volumes::claim_templates(target, role)),
            ..StatefulSetSpec::default()
        }),
        status: None,
    }
}

fn version_label(target: &Target<'_>, role: Role) -> Option<(String, String)> {
    Some((LABEL_VERSION.to_owned(), target.spec.version_of(role)?))
}

fn template(target: &Target<'_>, role: Role, files: &str) -> PodTemplateSpec {
    // The person's come first: ours select the pods.
    let mut labels = target.spec.pods.labels.clone();
    labels.extend(target.name.role_labels(role));
    labels.extend(version_label(target, role));
    let mut annotations = target.spec.pods.annotations.clone();
    annotations.insert(ANNOTATION_CHECKSUM.to_owned(), checksum(target, role));
    PodTemplateSpec {
        metadata: Some(ObjectMeta { labels: Some(labels), annotations: Some(annotations), ..ObjectMeta::default() }),
        spec: Some(pod(target, role, files)),
    }
}

fn pod(target: &Target<'_>, role: Role, files: &str) -> PodSpec {
    let asked = &target.spec.pods;
    PodSpec {
        service_account_name: Some(target.name.service_account()),
        automount_service_account_token: Some(false),
        // A Service's link would inject variables like KAFKA_PORT, which Kafka's scripts read.
        enable_service_links: Some(false),
        termination_grace_period_seconds: Some(match role {
            Role::Broker => BROKER_GRACE_SECONDS,
            Role::Controller | Role::ZooKeeper => QUORUM_GRACE_SECONDS,
        }),
        security_context: Some(PodSecurityContext {
            run_as_user: Some(USER),
            run_as_group: Some(USER),
            run_as_non_root: Some(true),
            fs_group: Some(USER),
            fs_group_change_policy: Some("OnRootMismatch".into()),
            seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".into(), localhost_profile: None }),
            ..PodSecurityContext::default()
        }),
        topology_spread_constraints: Some(placement::spread(target, role)),
        affinity: placement::affinity(target, role),
        node_selector: some(&asked.node_selector),
        tolerations: (!asked.tolerations.is_empty()).then(|| asked.tolerations.clone()),
        image_pull_secrets: (!asked.image_pull_secrets.is_empty())
            .then(|| asked.image_pull_secrets.iter().map(|name| LocalObjectReference { name: name.clone() }).collect()),
        priority_class_name: asked.priority_class_name.clone(),
        init_containers: metrics::init_container(target).map(|container| vec![container]),
        containers: vec![container(target, role)],
        volumes: Some(volumes::volumes(target, role, files)),
        ..PodSpec::default()
    }
}

fn some(map: &BTreeMap<String, String>) -> Option<BTreeMap<String, String>> {
    (!map.is_empty()).then(|| map.clone())
}

fn container(target: &Target<'_>, role: Role) -> Container {
    let memory = target.spec.memory(role).to_kubernetes();
    let cpu = target.spec.cpu(role).to_kubernetes();
    Container {
        name: role.container().into(),
        image: Some(target.spec.image_of(role)),
        image_pull_policy: Some("IfNotPresent".into()),
        command: Some(vec!["bash".into(), format!("{CONFIG_MOUNT}/start.sh")]),
        env: Some(environment(target)),
        ports: Some(
            ports(target, role)
                .into_iter()
                .map(|(name, port)| ContainerPort {
                    name: Some(name),
                    container_port: i32::from(port),
                    protocol: Some("TCP".into()),
                    ..ContainerPort::default()
                })
                .collect(),
        ),
        resources: Some(ResourceRequirements {
            requests: Some(BTreeMap::from([("cpu".into(), cpu), ("memory".into(), memory.clone())])),
            limits: Some(BTreeMap::from([("memory".into(), memory)])),
            ..ResourceRequirements::default()
        }),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            read_only_root_filesystem: Some(true),
            capabilities: Some(Capabilities { drop: Some(vec!["ALL".into()]), add: None }),
            ..SecurityContext::default()
        }),
        startup_probe: Some(probe(target, role, STARTUP_PERIOD_SECONDS, STARTUP_TRIES)),
        readiness_probe: Some(probe(target, role, READINESS_PERIOD_SECONDS, 2)),
        // The last lines of a crashed pod can be read by whoever may read the pod.
        termination_message_policy: Some("FallbackToLogsOnError".into()),
        volume_mounts: Some(volumes::mounts(target, role)),
        ..Container::default()
    }
}

/// An open port. A KRaft broker opens its listeners only once it is unfenced; a controller's open port
/// proves little, which is why `install` and `status` ask the quorum itself. A ZooKeeper server's proves
/// nothing, and there a script can ask.
fn probe(target: &Target<'_>, role: Role, period: i32, failures: i32) -> Probe {
    if role == Role::ZooKeeper {
        let command = vec!["bash".into(), format!("{CONFIG_MOUNT}/{}", zookeeper::READY_SCRIPT)];
        return Probe {
            exec: Some(ExecAction { command: Some(command) }),
            period_seconds: Some(period),
            failure_threshold: Some(failures),
            // The script itself gives up after 3 s; a busy node needs time to start it.
            timeout_seconds: Some(5),
            success_threshold: Some(1),
            ..Probe::default()
        };
    }
    let port = ports(target, role).into_iter().next().map(|(name, _)| name).unwrap_or_default();
    Probe {
        tcp_socket: Some(TCPSocketAction { port: IntOrString::String(port), host: None }),
        period_seconds: Some(period),
        failure_threshold: Some(failures),
        timeout_seconds: Some(2),
        success_threshold: Some(1),
        ..Probe::default()
    }
}

/// The cluster's id and its first quorum; with ZooKeeper both are in there.
fn environment(target: &Target<'_>) -> Vec<EnvVar> {
    if target.spec.has_zookeeper() {
        return Vec::new();
    }
    let secret = target.name.identity();
    let variable = |name: String, key: String| EnvVar {
        name,
        value_from: Some(EnvVarSource {
            secret_key_ref: Some(SecretKeySelector { name: secret.clone(), key, optional: None }),
            ..EnvVarSource::default()
        }),
        ..EnvVar::default()
    };
    let mut variables =
        vec![variable("CLUSTER_ID".into(), KEY_CLUSTER_ID.into()), variable("MODE".into(), KEY_MODE.into())];
    variables
        .extend((0..target.spec.voters()).map(|ordinal| variable(directory_variable(ordinal), directory_key(ordinal))));
    variables
}
