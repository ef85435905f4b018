//! What the pods read: ServiceAccount, Secret, ConfigMaps; and the document of what was asked.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, Secret, ServiceAccount};

use super::document::{ClusterDocument, DOCUMENT_KEY};
use super::dynamic::{UpdateMode, update_mode};
use super::identity::Identity;
use super::properties::server_properties;
use super::script::{LOGGING, start_script};
use super::{Target, metrics, revision, zookeeper};
use crate::k8s::error::{Error, Result};
use crate::k8s::names::Role;

/// Pods need no access to the API server, so they get no token.
pub(super) fn service_account(target: &Target<'_>) -> ServiceAccount {
    ServiceAccount {
        metadata: target.metadata(target.name.service_account()),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}

pub(super) fn secret(target: &Target<'_>, identity: &Identity) -> Secret {
    Secret {
        metadata: target.metadata(target.name.identity()),
        type_: Some("Opaque".into()),
        data: Some(identity.data()),
        ..Secret::default()
    }
}

pub(super) fn document(target: &Target<'_>) -> Result<ConfigMap> {
    let text =
        ClusterDocument::new(target.name, Some(target.namespace), target.spec).to_yaml().map_err(Error::Other)?;
    Ok(ConfigMap {
        metadata: target.metadata(target.name.document()),
        data: Some(BTreeMap::from([(DOCUMENT_KEY.to_owned(), text)])),
        ..ConfigMap::default()
    })
}

/// The files that a role's pods mount.
pub(super) fn files(target: &Target<'_>, role: Role) -> BTreeMap<String, String> {
    let Target { name, namespace, spec } = target;
    let rules = spec.metrics.as_ref().map(|_| (metrics::RULES_FILE.to_owned(), metrics::rules(role)));
    let (script, logging, logging_file) = match role {
        Role::ZooKeeper => return zookeeper::files(target).into_iter().chain(rules).collect(),
        _ if spec.has_zookeeper() => (zookeeper::broker_script(target), zookeeper::LOGGING, zookeeper::LOGGING_FILE),
        _ => (start_script(name, namespace, spec, role), LOGGING, "log4j2.yaml"),
    };
    let files = BTreeMap::from([
        ("server.properties".to_owned(), server_properties(name, namespace, spec, role)),
        ("start.sh".to_owned(), script),
        (logging_file.to_owned(), logging.to_owned()),
    ]);
    files.into_iter().chain(rules).collect()
}

/// One revision of a role's files. Not `immutable`: what Kafka takes at once is written into it.
pub(super) fn config_map(target: &Target<'_>, role: Role, name: &str) -> ConfigMap {
    ConfigMap {
        metadata: target.role_metadata(name.to_owned(), role),
        data: Some(files(target, role)),
        ..ConfigMap::default()
    }
}

/// Changes whenever a file changes in a way that needs a restart; on the pod template, so that a pod that
/// runs with older files can be told from one that does not. What takes effect at once is set in Kafka
/// itself.
pub(super) fn checksum(target: &Target<'_>, role: Role) -> String {
    let mut spec = target.spec.clone();
    spec.config.retain(|key, _| update_mode(key) != UpdateMode::ClusterWide);
    format!("{:08x}", revision::sum(&files(&Target { spec: &spec, ..*target }, role)))
}
