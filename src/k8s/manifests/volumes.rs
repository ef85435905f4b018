//! What a pod mounts, and the claims of its disks.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    ConfigMapVolumeSource, EmptyDirVolumeSource, KeyToPath, PersistentVolumeClaim, PersistentVolumeClaimSpec,
    SecretVolumeSource, Volume, VolumeMount, VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{
    ADMIN_MOUNT, AGENT_MOUNT, CONFIG_MOUNT, CONFIG_VOLUME, TLS_MOUNT, Target, data_mount, data_volume, zookeeper,
};
use crate::k8s::names::{ADMIN, Role};

/// The volume that the metrics agent is copied to.
pub(super) const AGENT_VOLUME: &str = "agent";
/// Keys and passwords are read by the pod's own user alone.
const SECRET_MODE: i32 = 0o440;

/// The volumes beside the disks; `files` is the ConfigMap with the role's.
pub(super) fn volumes(target: &Target<'_>, role: Role, files: &str) -> Vec<Volume> {
    let empty = |name: &str| Volume {
        name: name.into(),
        empty_dir: Some(EmptyDirVolumeSource::default()),
        ..Volume::default()
    };
    let secret = |name: &str, secret: String, key: Option<&str>| Volume {
        name: name.into(),
        secret: Some(SecretVolumeSource {
            secret_name: Some(secret),
            default_mode: Some(SECRET_MODE),
            items: key.map(|key| vec![KeyToPath { key: key.into(), path: key.into(), mode: None }]),
            ..SecretVolumeSource::default()
        }),
        ..Volume::default()
    };
    let mut volumes = vec![
        empty("tmp"),
        Volume {
            name: CONFIG_VOLUME.into(),
            config_map: Some(ConfigMapVolumeSource { name: files.into(), ..ConfigMapVolumeSource::default() }),
            ..Volume::default()
        },
    ];
    if target.spec.security.tls.is_some() {
        volumes.push(secret("tls", target.name.certificates(role), None));
    }
    if knows_admin(target, role) {
        volumes.push(secret("admin", target.name.user(ADMIN), Some("password")));
    }
    if target.spec.metrics.is_some() {
        volumes.push(empty(AGENT_VOLUME));
    }
    volumes
}

/// Where Kafka's container finds them.
pub(super) fn mounts(target: &Target<'_>, role: Role) -> Vec<VolumeMount> {
    let place = |disk| if role == Role::ZooKeeper { zookeeper::DATA_MOUNT.to_owned() } else { data_mount(disk) };
    let mut mounts: Vec<VolumeMount> =
        (0..target.spec.disks(role)).map(|disk| mount(&data_volume(disk), &place(disk), false)).collect();
    mounts.extend([mount(CONFIG_VOLUME, CONFIG_MOUNT, true), mount("tmp", "/tmp", false)]);
    if target.spec.security.tls.is_some() {
        mounts.push(mount("tls", TLS_MOUNT, true));
    }
    if knows_admin(target, role) {
        mounts.push(mount("admin", ADMIN_MOUNT, true));
    }
    if target.spec.metrics.is_some() {
        mounts.push(mount(AGENT_VOLUME, AGENT_MOUNT, true));
    }
    mounts
}

pub(super) fn mount(name: &str, path: &str, read_only: bool) -> VolumeMount {
    VolumeMount {
        name: name.into(),
        mount_path: path.into(),
        read_only: read_only.then_some(true),
        ..VolumeMount::default()
    }
}

/// Who writes the first user.
fn knows_admin(target: &Target<'_>, role: Role) -> bool {
    target.spec.security.is_scram() && role == target.spec.voter_role()
}

/// One claim per disk.
pub(super) fn claim_templates(target: &Target<'_>, role: Role) -> Vec<PersistentVolumeClaim> {
    (0..target.spec.disks(role)).map(|disk| claim_template(target, role, disk)).collect()
}

fn claim_template(target: &Target<'_>, role: Role, disk: u32) -> PersistentVolumeClaim {
    PersistentVolumeClaim {
        metadata: ObjectMeta {
            name: Some(data_volume(disk)),
            labels: Some(target.name.role_labels(role)),
            ..ObjectMeta::default()
        },
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".into()]),
            storage_class_name: target.spec.storage.class.clone(),
            resources: Some(VolumeResourceRequirements {
                requests: Some(BTreeMap::from([("storage".into(), target.spec.storage_size(role).to_kubernetes())])),
                limits: None,
            }),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    }
}
