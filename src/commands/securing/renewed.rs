//! New certificates from the same authority.

use std::collections::BTreeMap;

use super::{Kept, client_certificate};
use crate::error::CommandError;
use crate::k8s::certificates::CertificateInfo;
use crate::k8s::credentials::{self, Credentials};
use crate::k8s::manifests::{Manifest, Target, Tls, security};

/// What a renewal writes.
pub(in crate::commands) struct Renewed {
    /// The keystores' Secrets.
    pub(in crate::commands) keystores: Vec<Manifest>,
    /// The admin's, with a new client certificate and the same password.
    pub(in crate::commands) admin: Option<Manifest>,
    /// The new certificates' numbers, by pod.
    pub(in crate::commands) serials: BTreeMap<String, String>,
}

impl Renewed {
    /// New certificates for every pod and for the admin.
    ///
    /// # Errors
    /// The authority is gone, or another one than that of the pods.
    pub(in crate::commands) fn of(kept: &Kept, target: &Target<'_>, tls: &Tls) -> Result<Self, CommandError> {
        super::refuse_without_authority(kept, target)?;
        let failed = |reason: String| CommandError::failed(format!("cannot make certificates: {reason}"));
        let authority = kept.authority.as_ref().ok_or_else(|| failed("there is no authority".to_owned()))?;
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
        let admin = kept.admin.clone().map(|admin| {
            let certificate = Some(client_certificate(authority, tls.certificate_days).map_err(failed)?);
            Ok::<_, CommandError>(credentials::secret(
                target.name,
                target.namespace,
                &Credentials { certificate, ..admin },
            )?)
        });
        Ok(Self { keystores: manifests, admin: admin.transpose()?, serials })
    }
}
