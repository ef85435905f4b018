//! The way to a cluster whose admin has a password that nobody knows any more: whoever may read the key of the
//! cluster's authority is let in by a certificate.

use crate::commands::Context;
use crate::commands::securing::{Kept, client_certificate, enter_by_certificate};
use crate::connect::{Login, NotConnected, Session};
use crate::error::CommandError;
use crate::k8s::Kubernetes;
use crate::k8s::credentials::ClientCertificate;
use crate::k8s::discover::KafkaCluster;
use crate::k8s::inventory;
use crate::k8s::names::ADMIN;
use crate::kafka::Ask;

/// A session, and how it came about.
pub(super) struct Entered {
    pub(super) session: Session,
    /// What the admin's Secret needs where it is made anew.
    pub(super) certificate: Option<ClientCertificate>,
}

/// Logs in as the flags say; where nothing says how and the admin is not let in, by a certificate.
pub(super) async fn enter(context: &Context, user: &str) -> Result<Entered, CommandError> {
    let login = context.login()?;
    if !context.global.bootstrap_server.is_empty() || !matches!(login, Login::Automatic) {
        return Ok(Entered { session: context.kafka(&Ask::Nothing).await?, certificate: None });
    }
    let (kubernetes, cluster) = context.cluster(None).await?;
    let options = context.kafka_options();
    match Session::to_pods(kubernetes.clone(), cluster.clone(), options, &Ask::Nothing, &login).await {
        Ok(session) => {
            context.ui.known_as(session.principal.as_deref());
            Ok(Entered { session, certificate: None })
        }
        Err(NotConnected::Refused(error) | NotConnected::Failed(error)) => Err(error),
        Err(NotConnected::Denied(denied)) => {
            let secret = cluster.name.authority();
            let entered = Box::pin(by_certificate(context, kubernetes, cluster, user)).await;
            entered.map_err(|error| {
                let reason = error.message;
                denied.hinted(format!("a certificate of the authority in Secret {secret} does not help: {reason}"))
            })
        }
    }
}

async fn by_certificate(
    context: &Context,
    kubernetes: Kubernetes,
    cluster: KafkaCluster,
    user: &str,
) -> Result<Entered, CommandError> {
    let kubernetes = kubernetes.in_namespace(&cluster.namespace);
    let spec = inventory::document(&kubernetes, &cluster.name).await?;
    let Some(tls) = spec.and_then(|spec| spec.security.tls) else {
        return Err(CommandError::failed("the cluster is not known to be installed with TLS"));
    };
    let authority = Kept::authority_of(&kubernetes, &cluster.name, tls.ca_secret.as_deref()).await?;
    let authority = authority.ok_or_else(|| CommandError::failed("there is no such Secret"))?;
    authority.signs_now().map_err(CommandError::failed)?;
    let secret = tls.ca_secret.unwrap_or_else(|| cluster.name.authority());
    let certificate = if user == ADMIN {
        let made = client_certificate(&authority, tls.certificate_days);
        Some(made.map_err(|reason| CommandError::failed(format!("cannot make a certificate: {reason}")))?)
    } else {
        None
    };
    let session = enter_by_certificate(&authority, kubernetes, cluster, context.kafka_options()).await?;
    context.ui.status(format!("the admin's password is not known; let in by a certificate of Secret \"{secret}\""));
    Ok(Entered { session, certificate })
}
