//! What a cluster's Secrets hold already.

use std::collections::BTreeMap;

use futures::future::join_all;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;

use super::client_certificate;
use crate::connect::Login;
use crate::error::CommandError;
use crate::k8s::apply;
use crate::k8s::certificates::{Authority, CertificateInfo};
use crate::k8s::credentials::{Credentials, KEY_CA};
use crate::k8s::manifests::security::KEY_CA_KEY;
use crate::k8s::manifests::{ClusterSpec, pod_monitors};
use crate::k8s::names::ADMIN;
use crate::k8s::{self, ClusterName, Kubernetes, Role};

/// What is there already.
#[derive(Debug, Default)]
pub(in crate::commands) struct Kept {
    pub(super) authority: Option<Authority>,
    /// The keystores by role and file.
    pub(super) keystores: BTreeMap<Role, BTreeMap<String, String>>,
    pub(super) admin: Option<Credentials>,
    /// Whether the Prometheus operator is there.
    pub(in crate::commands) prometheus_operator: bool,
}

impl Kept {
    /// Reads the Secrets that a spec has to do with; none for a cluster without security.
    pub(in crate::commands) async fn of(
        kubernetes: &Kubernetes,
        name: &ClusterName,
        spec: &ClusterSpec,
    ) -> Result<Self, CommandError> {
        let prometheus_operator = spec.metrics.is_some() && apply::knows(kubernetes, &pod_monitors()).await;
        let mut kept = Self { prometheus_operator, ..Self::default() };
        let Some(tls) = &spec.security.tls else { return Ok(kept) };
        let roles = spec.roles();
        let (authority, certificates, admin) = tokio::join!(
            Self::authority_of(kubernetes, name, tls.ca_secret.as_deref()),
            join_all(roles.iter().map(async |role| find(kubernetes, &name.certificates(*role)).await)),
            async { if spec.security.is_scram() { find(kubernetes, &name.user(ADMIN)).await } else { Ok(None) } },
        );
        kept.authority = authority?;
        for (role, secret) in roles.iter().zip(certificates) {
            if let Some(secret) = secret? {
                kept.keystores.insert(*role, keystores(&secret));
            }
        }
        if let Some(secret) = admin? {
            let read = Credentials::from_secret(&secret).map_err(|reason| k8s::Error::Unusable {
                secret: name.user(ADMIN),
                namespace: kubernetes.namespace.clone(),
                user: ADMIN.to_owned(),
                reason,
            })?;
            kept.admin = Some(read);
        }
        Ok(kept)
    }

    /// The authority: the one of this Secret, or the cluster's own if it is there.
    pub(in crate::commands) async fn authority_of(
        kubernetes: &Kubernetes,
        name: &ClusterName,
        own: Option<&str>,
    ) -> Result<Option<Authority>, CommandError> {
        let secret_name = own.map_or_else(|| name.authority(), str::to_owned);
        match (find(kubernetes, &secret_name).await?, own) {
            (Some(secret), _) => read_authority(&secret, &secret_name).map(Some),
            (None, Some(own)) => {
                Err(CommandError::failed(format!("Secret \"{own}\" with the certificate authority does not exist"))
                    .hinted("make it with `kubectl create secret generic NAME --from-file=ca.crt --from-file=ca.key`"))
            }
            (None, None) => Ok(None),
        }
    }

    /// The authority, if it is there.
    pub(in crate::commands) fn authority(&self) -> Option<&Authority> {
        self.authority.as_ref()
    }

    /// The admin, if there is one.
    pub(in crate::commands) fn admin(&self) -> Option<&Credentials> {
        self.admin.as_ref()
    }

    /// A pod's keystore.
    pub(in crate::commands) fn keystore(&self, role: Role, file: &str) -> Option<&String> {
        self.keystores.get(&role)?.get(file)
    }

    /// The number of the certificate that a pod's Secret has just now; `None` where there is none.
    pub(in crate::commands) async fn serial(
        kubernetes: &Kubernetes,
        name: &ClusterName,
        role: Role,
        file: &str,
    ) -> Result<Option<String>, CommandError> {
        let Some(secret) = find(kubernetes, &name.certificates(role)).await? else { return Ok(None) };
        let keystore = keystores(&secret).remove(file);
        Ok(keystore.and_then(|chain| CertificateInfo::from_pem(&chain).ok()).map(|info| info.serial))
    }

    /// The Secrets whose certificates come from another authority than the one that is there, or from one that is
    /// gone.
    pub(in crate::commands) fn strangers(&self, name: &ClusterName) -> Vec<String> {
        self.with_a_certificate(name, |chain| match &self.authority {
            None => true,
            Some(authority) => {
                CertificateInfo::from_pem(chain).is_ok_and(|info| !info.is_signed_by(&authority.certificate))
            }
        })
    }

    /// The Secrets with certificates.
    pub(super) fn signed(&self, name: &ClusterName) -> Vec<String> {
        self.with_a_certificate(name, |_| true)
    }

    fn with_a_certificate(&self, name: &ClusterName, is_such: impl Fn(&str) -> bool) -> Vec<String> {
        let keystores = self.keystores.iter().filter(|(_, files)| files.values().any(|chain| is_such(chain)));
        let mut secrets: Vec<String> = keystores.map(|(role, _)| name.certificates(*role)).collect();
        let admin = self.admin.as_ref().and_then(|admin| admin.certificate.as_ref());
        secrets.extend(admin.filter(|own| is_such(&own.chain)).map(|_| name.user(ADMIN)));
        secrets
    }
}

/// As the admin by a certificate for a day, which nobody keeps: for the listeners between pods, where no password
/// is asked for.
pub(in crate::commands) fn login_by(authority: &Authority, name: &ClusterName) -> Result<Login, CommandError> {
    let certificate = client_certificate(authority, 1)
        .map_err(|reason| CommandError::failed(format!("cannot make a certificate: {reason}")))?;
    Login::with_certificate(authority.certificate.clone(), certificate, format!("Secret {}", name.authority()))
}

async fn find(kubernetes: &Kubernetes, name: &str) -> Result<Option<Secret>, CommandError> {
    let secrets: Api<Secret> = Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace);
    Ok(kubernetes.find(secrets.get(name)).await?)
}

/// The keystores in a Secret by file.
pub(super) fn keystores(secret: &Secret) -> BTreeMap<String, String> {
    texts(secret).into_iter().filter(|(key, _)| key != KEY_CA).collect()
}

fn texts(secret: &Secret) -> BTreeMap<String, String> {
    let data = secret.data.clone().unwrap_or_default();
    data.into_iter().filter_map(|(key, bytes)| Some((key, String::from_utf8(bytes.0).ok()?))).collect()
}

pub(super) fn read_authority(secret: &Secret, name: &str) -> Result<Authority, CommandError> {
    let texts = texts(secret);
    let value = |keys: [&str; 2]| {
        let found = keys.iter().find_map(|key| texts.get(*key));
        found.ok_or_else(|| unreadable(name, &format!("it has no key {}", keys[0])))
    };
    // A Secret of cert-manager or of the type kubernetes.io/tls calls them otherwise.
    let (certificate, key) = (value([KEY_CA, "tls.crt"])?, value([KEY_CA_KEY, "tls.key"])?);
    Authority::from_pem(certificate, key).map_err(|reason| unreadable(name, &reason))
}

fn unreadable(secret: &str, reason: &str) -> CommandError {
    CommandError::failed(format!("cannot use Secret \"{secret}\": {reason}"))
}
