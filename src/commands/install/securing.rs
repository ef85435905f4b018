//! The secrets of a secured cluster: what is kept is used again, what is missing is made.

use std::collections::BTreeMap;

use futures::future::join_all;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use secrecy::SecretString;

use crate::error::CommandError;
use crate::k8s::apply;
use crate::k8s::certificates::{Authority, CertificateInfo, Subject};
use crate::k8s::credentials::{self, ClientCertificate, Credentials, KEY_CA};
use crate::k8s::manifests::security::{self, KEY_CA_KEY};
use crate::k8s::manifests::{ClusterSpec, Manifest, Target, Tls, pod_monitors};
use crate::k8s::names::{ADMIN, CLIENT_PORT};
use crate::k8s::{ClusterName, Kubernetes, Role};

/// 24 random bytes make a password that nobody guesses.
const PASSWORD_BYTES: usize = 24;

/// What is there already.
#[derive(Debug, Default)]
pub(in crate::commands) struct Kept {
    authority: Option<Authority>,
    /// The keystores by role and file.
    keystores: BTreeMap<Role, BTreeMap<String, String>>,
    admin: Option<Credentials>,
    /// Whether the Prometheus operator is there.
    pub prometheus_operator: bool,
}

/// The objects of a cluster's security.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    /// Written once, and never over another: the authority and the admin.
    pub once: Vec<Manifest>,
    /// Applied like everything else.
    pub others: Vec<Manifest>,
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
        let own = tls.ca_secret.as_deref();
        let authority_name = own.map_or_else(|| name.authority(), str::to_owned);
        let roles = spec.roles();
        let (authority, certificates, admin) = tokio::join!(
            find(kubernetes, &authority_name),
            join_all(roles.iter().map(async |role| find(kubernetes, &name.certificates(*role)).await)),
            async { if spec.security.is_scram() { find(kubernetes, &name.user(ADMIN)).await } else { Ok(None) } },
        );
        match (authority?, own) {
            (Some(secret), _) => kept.authority = Some(read_authority(&secret, &authority_name)?),
            (None, Some(own)) => {
                return Err(CommandError::failed(format!(
                    "Secret \"{own}\" with the certificate authority does not exist"
                ))
                .hinted("make it with `kubectl create secret generic NAME --from-file=ca.crt --from-file=ca.key`"));
            }
            (None, None) => {}
        }
        for (role, secret) in roles.iter().zip(certificates) {
            if let Some(secret) = secret? {
                let texts = texts(&secret);
                kept.keystores.insert(*role, texts.into_iter().filter(|(key, _)| key != KEY_CA).collect());
            }
        }
        if let Some(secret) = admin? {
            let read = Credentials::from_secret(&secret).map_err(|reason| unreadable(&name.user(ADMIN), &reason))?;
            kept.admin = Some(read);
        }
        Ok(kept)
    }
}

/// What a renewal writes.
pub(in crate::commands) struct Renewed {
    /// The keystores' Secrets.
    pub keystores: Vec<Manifest>,
    /// The admin's, with a new client certificate and the same password.
    pub admin: Option<Manifest>,
    /// The new certificates' numbers, by pod.
    pub serials: BTreeMap<String, String>,
}

impl Kept {
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

    /// A client certificate for a day, which nobody keeps.
    pub(in crate::commands) fn passing_certificate(&self) -> Result<ClientCertificate, CommandError> {
        let authority =
            self.authority.as_ref().ok_or_else(|| CommandError::failed("the authority's Secret is gone"))?;
        client_certificate(authority, 1)
            .map_err(|reason| CommandError::failed(format!("cannot make a certificate: {reason}")))
    }

    /// New certificates for every pod and for the admin, from the same authority.
    pub(in crate::commands) fn renewed(&self, target: &Target<'_>, tls: &Tls) -> Result<Renewed, CommandError> {
        let failed = |reason: String| CommandError::failed(format!("cannot make certificates: {reason}"));
        let authority = self.authority.as_ref().ok_or_else(|| {
            CommandError::failed(format!(
                "Secret \"{}\" with the certificate authority is gone",
                target.name.authority()
            ))
        })?;
        let (mut manifests, mut serials) = (Vec::new(), BTreeMap::new());
        for role in target.spec.roles() {
            let mut keystores = BTreeMap::new();
            for ordinal in 0..target.spec.replicas(*role) {
                let pod = target.name.pod(*role, ordinal);
                let subject = security::subject(target, *role, ordinal, tls.certificate_days);
                let issued = authority.issue(&subject).map_err(failed)?;
                serials.insert(pod.clone(), CertificateInfo::from_pem(&issued.certificate).map_err(failed)?.serial);
                keystores.insert(security::keystore_file(&pod), issued.keystore(authority));
            }
            manifests.push(security::certificates(target, *role, &keystores, authority)?);
        }
        let admin = self.admin.clone().map(|admin| {
            let certificate = Some(client_certificate(authority, tls.certificate_days).map_err(failed)?);
            Ok::<_, CommandError>(credentials::secret(
                target.name,
                target.namespace,
                &Credentials { certificate, ..admin },
            )?)
        });
        Ok(Renewed { keystores: manifests, admin: admin.transpose()?, serials })
    }
}

async fn find(kubernetes: &Kubernetes, name: &str) -> Result<Option<Secret>, CommandError> {
    let secrets: Api<Secret> = Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace);
    Ok(kubernetes.find(secrets.get(name)).await?)
}

fn texts(secret: &Secret) -> BTreeMap<String, String> {
    let data = secret.data.clone().unwrap_or_default();
    data.into_iter().filter_map(|(key, bytes)| Some((key, String::from_utf8(bytes.0).ok()?))).collect()
}

fn read_authority(secret: &Secret, name: &str) -> Result<Authority, CommandError> {
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

impl Secrets {
    /// Decides, and issues what is missing: a pod without a certificate, or one whose certificate lacks a
    /// name or has expired.
    pub(super) fn new(target: &Target<'_>, kept: &Kept) -> Result<Self, CommandError> {
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

/// A certificate that says who the admin is, where no password is asked for.
fn client_certificate(authority: &Authority, days: u32) -> Result<ClientCertificate, String> {
    let issued = authority.issue(&Subject { common_name: ADMIN.to_owned(), names: Vec::new(), days })?;
    Ok(ClientCertificate { chain: issued.certificate, key: issued.key })
}

/// Letters and digits, so that it survives every configuration file and shell.
pub(in crate::commands) fn password() -> Result<SecretString, String> {
    use base64::Engine;
    let mut bytes = [0; PASSWORD_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
    let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    Ok(text.replace('-', "x").replace('_', "y").into())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;
    use crate::k8s::manifests::Preset;

    fn spec(brokers: u32) -> ClusterSpec {
        ClusterSpec { brokers, ..Preset::Production.spec().expect("the preset") }
    }

    fn secrets(spec: &ClusterSpec, kept: &Kept) -> Secrets {
        let name = ClusterName::from_label("demo");
        Secrets::new(&Target { name: &name, namespace: "kafka", spec }, kept).expect("secrets")
    }

    /// What a second install finds.
    fn written(secrets: &Secrets) -> Kept {
        let read = |manifest: &Manifest| -> Secret { serde_json::from_value(manifest.body.clone()).expect("a Secret") };
        let by_name = |name: &str| {
            let all = secrets.once.iter().chain(&secrets.others);
            read(
                all.filter(|manifest| manifest.resource.kind == "Secret")
                    .find(|manifest| manifest.name == name)
                    .expect(name),
            )
        };
        let keystores = |name: &str| texts(&by_name(name)).into_iter().filter(|(key, _)| key != KEY_CA).collect();
        Kept {
            authority: Some(read_authority(&by_name("demo-ca"), "demo-ca").expect("an authority")),
            keystores: BTreeMap::from([
                (Role::Controller, keystores("demo-controller-tls")),
                (Role::Broker, keystores("demo-broker-tls")),
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
        let second = secrets(&spec(3), &written(&first));
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
    fn passwords_need_no_quoting() {
        let password = password().expect("random bytes");
        assert_eq!(password.expose_secret().len(), 32);
        assert!(password.expose_secret().chars().all(|letter| letter.is_ascii_alphanumeric()));
    }

    #[test]
    fn a_cluster_without_security_has_no_secrets() {
        let none = secrets(&ClusterSpec::default(), &Kept::default());
        assert!(none.once.is_empty() && none.others.is_empty());
    }
}
