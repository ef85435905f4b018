//! What is done when one of a cluster's Secrets is gone. Without the authority nothing can be signed that the pods
//! accept; with it, the admin can always be let in again.

use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::{Kept, login_by};
use crate::connect::{NotConnected, Session, until_let_in};
use crate::error::CommandError;
use crate::k8s::Kubernetes;
use crate::k8s::certificates::Authority;
use crate::k8s::credentials::{self, Credentials, Lookup};
use crate::k8s::discover::KafkaCluster;
use crate::k8s::manifests::Target;
use crate::k8s::names::{ADMIN, INTERNAL_PORT};
use crate::kafka::admin::users::{self, ITERATIONS, ScramMechanism};
use crate::kafka::security::scram::Hash;
use crate::kafka::{Ask, ClusterOptions};
use crate::ui::Ui;

/// How often a cluster that does not let us in yet is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// One question to a Kafka that may be starting; it is asked again.
const ASK: ClusterOptions = ClusterOptions { request_timeout: Duration::from_secs(5), retry_for: Duration::ZERO };

/// Refuses to go on without the authority that the cluster's certificates come from: pods with certificates of two
/// authorities do not talk to each other.
pub(in crate::commands) fn refuse_without_authority(kept: &Kept, target: &Target<'_>) -> Result<(), CommandError> {
    let strangers = kept.strangers(target.name);
    let Some(first) = strangers.first() else { return Ok(()) };
    let name = target.name;
    let own = target.spec.security.tls.as_ref().and_then(|tls| tls.ca_secret.clone());
    let authority = own.unwrap_or_else(|| name.authority());
    let message = if kept.authority.is_none() {
        format!("Secret \"{authority}\" with the authority of cluster \"{name}\" is gone; nothing was changed")
    } else {
        format!(
            "the certificates in Secret \"{first}\" do not come from the authority in Secret \"{authority}\"; \
             nothing was changed"
        )
    };
    Err(CommandError::failed(message)
        .hinted(format!("bring Secret {authority} back from a backup, with the ca.crt and the ca.key that it had"))
        .hinted(format!(
            "or give the cluster a new authority, with its data kept: `kubectl kafka uninstall {name}`, `kubectl delete \
             secret {}`, `kubectl kafka install {name}`, and `kubectl kafka users rotate` for each other user; every \
             client has to trust the new one",
            strangers.join(" ")
        )))
}

/// As the admin by a certificate of the authority, on the brokers' own listener, where no password is asked for.
pub(in crate::commands) async fn enter_by_certificate(
    authority: &Authority,
    kubernetes: Kubernetes,
    mut cluster: KafkaCluster,
    options: ClusterOptions,
) -> Result<Session, NotConnected> {
    let login = login_by(authority, &cluster.name)?;
    for broker in &mut cluster.brokers {
        broker.port = INTERNAL_PORT;
    }
    Session::to_pods(kubernetes, cluster, options, &Ask::Nothing, &login).await
}

/// The admin of a cluster that has users already: its Secret was gone and gets a new password, or somebody was stopped
/// between the Secret and Kafka, and they do not agree. Kafka must be told what the Secret says.
pub(in crate::commands) struct Admin {
    authority: Authority,
    /// What is in the new Secret, where there was none.
    new: Option<Credentials>,
    told: OnceCell<(Session, Credentials)>,
}

impl Admin {
    /// With the password of its new Secret, if it is a new one.
    pub(in crate::commands) fn new(authority: Authority, new: Option<Credentials>) -> Self {
        Self { authority, new, told: OnceCell::new() }
    }

    /// Whether Kafka has to be told before anybody is let in.
    pub(in crate::commands) fn is_new(&self) -> bool {
        self.new.is_some()
    }

    /// As the admin, whatever its password is.
    pub(in crate::commands) async fn enter(
        &self,
        kubernetes: &Kubernetes,
        cluster: &KafkaCluster,
        options: ClusterOptions,
    ) -> Result<Session, NotConnected> {
        enter_by_certificate(&self.authority, kubernetes.clone(), cluster.clone(), options).await
    }

    /// Tells Kafka the password, once.
    pub(in crate::commands) async fn tell_kafka(
        &self,
        ui: &Ui,
        kubernetes: &Kubernetes,
        cluster: &KafkaCluster,
    ) -> Result<&(Session, Credentials), CommandError> {
        let tell = async || {
            let session = self.enter(kubernetes, cluster, ASK).await?;
            let credentials = self.credentials(kubernetes, cluster).await?;
            let mechanism = ScramMechanism(Hash::Sha512);
            users::set_password(&session.kafka, ADMIN, mechanism, ITERATIONS, &credentials.password).await?;
            let secret = cluster.name.user(ADMIN);
            ui.status(if self.is_new() {
                format!("Secret \"{secret}\" was gone: the admin has a new password")
            } else {
                format!(
                    "Kafka had another password of the admin than Secret \"{secret}\" says, and has the Secret's now"
                )
            });
            Ok::<_, CommandError>((session, credentials))
        };
        self.told.get_or_try_init(tell).await
    }

    /// The Secret as it is now: somebody may just have given the admin another password in both places.
    async fn credentials(&self, kubernetes: &Kubernetes, cluster: &KafkaCluster) -> Result<Credentials, CommandError> {
        if let Some(new) = &self.new {
            return Ok(new.clone());
        }
        match credentials::find(kubernetes, &cluster.name, ADMIN).await? {
            Lookup::Found(found) => Ok(*found),
            Lookup::Missing => {
                Err(CommandError::failed(format!("Secret \"{}\" was deleted meanwhile", cluster.name.user(ADMIN)))
                    .hinted("the same command makes it anew"))
            }
            Lookup::Forbidden(reason) => Err(CommandError::failed(reason)),
        }
    }

    /// Tells Kafka, which runs, and waits until every broker knows it.
    ///
    /// # Errors
    /// What was in the way last, at the deadline.
    pub(in crate::commands) async fn until_told(
        &self,
        ui: &Ui,
        kubernetes: &Kubernetes,
        cluster: &KafkaCluster,
        deadline: Instant,
    ) -> Result<(), CommandError> {
        let (session, credentials) = loop {
            match self.tell_kafka(ui, kubernetes, cluster).await {
                Ok(told) => break told,
                Err(error) if Instant::now() + ASK_AGAIN > deadline => {
                    return Err(CommandError::timed_out(format!(
                        "Kafka could not be told the admin's password: {}",
                        error.message
                    ))
                    .hinted(format!(
                        "`kubectl kafka users rotate {ADMIN}` gives it another, as soon as a broker runs"
                    )));
                }
                Err(_) => tokio::time::sleep(ASK_AGAIN).await,
            }
        };
        until_let_in(session, credentials, deadline)
            .await
            .map_err(|error| CommandError::timed_out(format!("the admin's password does not work yet: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::securing::secrets::tests::{secrets, spec, written};
    use crate::k8s::ClusterName;

    fn refusal(kept: &Kept) -> Option<String> {
        let name = ClusterName::from_label("demo");
        let target = Target { name: &name, namespace: "kafka", spec: &spec(3) };
        refuse_without_authority(kept, &target).err().map(|error| error.text())
    }

    #[test]
    fn certificates_without_their_authority_are_refused_by_name() {
        let kept = || written(&secrets(&spec(3), &Kept::default()));
        assert_eq!(refusal(&Kept::default()), None, "nothing is there");
        assert_eq!(refusal(&kept()), None);
        assert_eq!(refusal(&Kept { admin: None, ..kept() }), None, "the admin can be made again");
        let gone = refusal(&Kept { authority: None, ..kept() }).expect("a refusal");
        assert!(gone.starts_with("error: Secret \"demo-ca\" with the authority of cluster \"demo\" is gone"), "{gone}");
        let delete = "`kubectl delete secret demo-controller-tls demo-broker-tls demo-user-admin`";
        assert!(gone.contains(delete), "{gone}");
        // Of the same name, and yet another.
        let other = refusal(&Kept { authority: kept().authority, ..kept() }).expect("a refusal");
        assert!(other.contains("in Secret \"demo-controller-tls\" do not come from the authority"), "{other}");
    }
}
