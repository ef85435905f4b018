//! What an install writes: what is kept is used again, what is missing is made.

use super::{Kept, client_certificate, password};
use crate::error::CommandError;
use crate::k8s::certificates::{Authority, CertificateInfo, Subject};
use crate::k8s::credentials::{self, Credentials};
use crate::k8s::manifests::security;
use crate::k8s::manifests::{Manifest, Target};
use crate::k8s::names::{ADMIN, CLIENT_PORT};

/// The objects of a cluster's security.
#[derive(Debug, Default)]
pub(in crate::commands) struct Secrets {
    /// Written once, and never over another: the authority and the admin.
    pub(in crate::commands) once: Vec<Manifest>,
    /// Applied like everything else.
    pub(in crate::commands) others: Vec<Manifest>,
    /// Where there are users: who signs, and the admin, if that is a new one.
    pub(in crate::commands) admin: Option<(Authority, Option<Credentials>)>,
}

impl Secrets {
    /// Decides, and issues what is missing: a pod without a certificate, or one whose certificate lacks a
    /// name or has expired.
    pub(in crate::commands) fn new(target: &Target<'_>, kept: &Kept) -> Result<Self, CommandError> {
        let Some(tls) = &target.spec.security.tls else { return Ok(Self::default()) };
        let failed = |reason: String| CommandError::failed(format!("cannot make certificates: {reason}"));
        let authority = match &kept.authority {
            Some(authority) => authority.clone(),
            None => Authority::generate(target.name.as_str()).map_err(failed)?,
        };
        let mut secrets = Self::default();
        if tls.ca_secret.is_none() {
            secrets.once.push(security::authority(target, &authority)?);
        }
        secrets.others.push(security::trust(target, &authority)?);
        for role in target.spec.roles() {
            let mut keystores = kept.keystores.get(role).cloned().unwrap_or_default();
            for ordinal in 0..target.spec.replicas(*role) {
                let subject = security::subject(target, *role, ordinal, tls.certificate_days);
                let file = security::keystore_file(&target.name.pod(*role, ordinal));
                if !keystores.get(&file).is_some_and(|keystore| serves(keystore, &subject)) {
                    let issued = authority.issue(&subject).map_err(failed)?;
                    keystores.insert(file, issued.keystore(&authority));
                }
            }
            secrets.others.push(security::certificates(target, *role, &keystores, &authority)?);
        }
        if target.spec.security.is_scram() {
            let admin = match &kept.admin {
                Some(admin) => admin.clone(),
                None => admin(target, &authority, tls.certificate_days).map_err(failed)?,
            };
            secrets.once.push(credentials::secret(target.name, target.namespace, &admin)?);
            secrets.admin = Some((authority, kept.admin.is_none().then_some(admin)));
        }
        Ok(secrets)
    }
}

/// Whether a keystore still does for a pod. One that runs out soon is `certs renew`'s to replace, without a
/// restart.
fn serves(keystore: &str, subject: &Subject) -> bool {
    CertificateInfo::from_pem(keystore)
        .is_ok_and(|info| info.seconds_left() > 0 && subject.names.iter().all(|name| info.names.contains(name)))
}

/// The first user, with a certificate for the listeners between pods.
fn admin(target: &Target<'_>, authority: &Authority, days: u32) -> Result<Credentials, String> {
    Ok(Credentials {
        username: ADMIN.to_owned(),
        password: password()?,
        mechanism: "SCRAM-SHA-512".to_owned(),
        protocol: target.spec.security.protocol().to_owned(),
        bootstrap_servers: format!("{}.{}.svc:{CLIENT_PORT}", target.name.bootstrap(), target.namespace),
        ca: Some(authority.certificate.clone()),
        certificate: Some(client_certificate(authority, days)?),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use k8s_openapi::api::core::v1::Secret;

    use super::*;
    use crate::commands::securing::kept::{keystores, read_authority};
    use crate::k8s::manifests::{ClusterSpec, Preset};
    use crate::k8s::{ClusterName, Role};

    pub(in crate::commands::securing) fn spec(brokers: u32) -> ClusterSpec {
        ClusterSpec { brokers, ..Preset::Production.spec().expect("the preset") }
    }

    pub(in crate::commands::securing) fn secrets(spec: &ClusterSpec, kept: &Kept) -> Secrets {
        let name = ClusterName::from_label("demo");
        Secrets::new(&Target { name: &name, namespace: "kafka", spec }, kept).expect("secrets")
    }

    /// What a second install finds.
    pub(in crate::commands::securing) fn written(secrets: &Secrets) -> Kept {
        let by_name = |name: &str| -> Secret {
            let all = secrets.once.iter().chain(&secrets.others);
            let mut found = all.filter(|manifest| manifest.resource.kind == "Secret");
            let found = found.find(|manifest| manifest.name == name).expect(name);
            serde_json::from_value(found.body.clone()).expect("a Secret")
        };
        Kept {
            authority: Some(read_authority(&by_name("demo-ca"), "demo-ca").expect("an authority")),
            keystores: BTreeMap::from([
                (Role::Controller, keystores(&by_name("demo-controller-tls"))),
                (Role::Broker, keystores(&by_name("demo-broker-tls"))),
            ]),
            admin: Some(Credentials::from_secret(&by_name("demo-user-admin")).expect("the admin")),
            prometheus_operator: false,
        }
    }

    #[test]
    fn a_second_install_changes_no_secret() {
        let first = secrets(&spec(3), &Kept::default());
        assert_eq!(
            first.once.iter().map(|manifest| manifest.name.as_str()).collect::<Vec<_>>(),
            ["demo-ca", "demo-user-admin"]
        );
        let is_new = |secrets: &Secrets| secrets.admin.as_ref().map(|(_, new)| new.is_some());
        assert_eq!(is_new(&first), Some(true));
        let second = secrets(&spec(3), &written(&first));
        assert_eq!(is_new(&second), Some(false));
        assert_eq!((first.once, first.others), (second.once, second.others));
    }

    #[test]
    fn a_new_pod_gets_a_certificate_and_the_others_keep_theirs() {
        let kept = written(&secrets(&spec(3), &Kept::default()));
        let more = written(&secrets(&spec(4), &kept));
        let (before, after) = (&kept.keystores[&Role::Broker], &more.keystores[&Role::Broker]);
        assert_eq!(after.len(), 4);
        assert!(before.iter().all(|(file, keystore)| after.get(file) == Some(keystore)));
    }

    #[test]
    fn a_cluster_without_security_has_no_secrets() {
        let none = secrets(&ClusterSpec::default(), &Kept::default());
        assert!(none.once.is_empty() && none.others.is_empty() && none.admin.is_none());
    }
}
