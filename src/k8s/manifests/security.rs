//! The Secrets of a secured cluster: its authority, and the certificates of its pods.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};

use super::{Manifest, TLS_MOUNT, Target};
use crate::k8s::certificates::{Authority, Subject};
use crate::k8s::credentials::KEY_CA;
use crate::k8s::error::Result;
use crate::k8s::names::Role;
use secrecy::ExposeSecret;

/// Key of the authority's private key in its Secret, as in a Secret of the type kubernetes.io/tls.
pub const KEY_CA_KEY: &str = "ca.key";

/// The authority.
pub fn authority(target: &Target<'_>, authority: &Authority) -> Result<Manifest> {
    let data = BTreeMap::from([
        (KEY_CA.to_owned(), authority.certificate.clone()),
        (KEY_CA_KEY.to_owned(), authority.key.expose_secret().to_owned()),
    ]);
    Manifest::of(&secret(target, target.name.authority(), data))
}

/// The authority's public half, for clients that may not read Secrets.
pub fn trust(target: &Target<'_>, authority: &Authority) -> Result<Manifest> {
    Manifest::of(&ConfigMap {
        metadata: target.metadata(target.name.authority()),
        data: Some(BTreeMap::from([(KEY_CA.to_owned(), authority.certificate.clone())])),
        ..ConfigMap::default()
    })
}

/// The keystores of a role's pods, by file name, and the authority.
pub fn certificates(
    target: &Target<'_>,
    role: Role,
    keystores: &BTreeMap<String, String>,
    authority: &Authority,
) -> Result<Manifest> {
    let mut data = keystores.clone();
    data.insert(KEY_CA.to_owned(), authority.certificate.clone());
    let mut secret = secret(target, target.name.certificates(role), data);
    secret.metadata = target.role_metadata(target.name.certificates(role), role);
    Manifest::of(&secret)
}

fn secret(target: &Target<'_>, name: String, data: BTreeMap<String, String>) -> Secret {
    Secret {
        metadata: target.metadata(name),
        type_: Some("Opaque".into()),
        data: Some(data.into_iter().map(|(key, text)| (key, ByteString(text.into_bytes()))).collect()),
        ..Secret::default()
    }
}

/// The file of a pod's keystore.
pub fn keystore_file(pod: &str) -> String {
    format!("{pod}.pem")
}

/// Where a pod finds its keystore; by a detour, so that Kafka sees another path to the same file.
pub fn keystore_path(pod: &str, detour: bool) -> String {
    let detour = if detour { "./" } else { "" };
    format!("{TLS_MOUNT}/{detour}{}", keystore_file(pod))
}

/// Whom a pod's certificate is for. All pods of a role are one principal, so that a new pod needs no
/// change of `super.users` and no restart of the others.
pub fn subject(target: &Target<'_>, role: Role, ordinal: u32, days: u32) -> Subject {
    let Target { name, namespace, spec } = target;
    let pod = name.pod(role, ordinal);
    let mut names = services(&format!("{pod}.{}", name.headless(role)), namespace);
    if role == Role::Broker {
        names.extend(services(&name.bootstrap(), namespace));
        names.extend(spec.listeners.iter().filter_map(|listener| {
            let address = listener.advertised.replace("{ordinal}", &ordinal.to_string());
            address.rsplit_once(':').map(|(host, _)| host.to_owned())
        }));
    }
    Subject { common_name: name.workload(role), names, days }
}

/// The forms in which pods of the cluster write a service's name.
fn services(service: &str, namespace: &str) -> Vec<String> {
    vec![
        format!("{service}.{namespace}.svc"),
        format!("{service}.{namespace}.svc.cluster.local"),
        format!("{service}.{namespace}"),
        service.to_owned(),
    ]
}
