//! Where a user's Secret is kept, and what is in it.

use secrecy::{ExposeSecret, SecretString};

use crate::connect::Session;
use crate::error::CommandError;
use crate::k8s::credentials::{self, Credentials};
use crate::k8s::discover::KafkaCluster;
use crate::k8s::inventory::Inventory;
use crate::k8s::names::CLIENT_PORT;
use crate::k8s::{ClusterName, Kubernetes};
use crate::kafka::admin::users::ScramMechanism;

/// Where a user's Secret is kept.
pub(super) struct Keeper {
    pub(super) kubernetes: Kubernetes,
    pub(super) cluster: KafkaCluster,
}

impl Keeper {
    /// `None` behind `--bootstrap-server`.
    ///
    /// # Errors
    /// The cluster lets everyone in, so that users would mean nothing.
    pub(super) async fn of(session: &Session) -> Result<Option<Self>, CommandError> {
        let Some((kubernetes, cluster)) = &session.place else { return Ok(None) };
        let kubernetes = kubernetes.in_namespace(&cluster.namespace);
        if session.principal.as_deref() == Some("User:ANONYMOUS") {
            let inventory = Inventory::of(&kubernetes, &cluster.name).await.ok();
            let asked = inventory.and_then(|inventory| inventory.document);
            return Err(without_users(&session.name, asked.is_some_and(|asked| asked.has_zookeeper())));
        }
        Ok(Some(Self { kubernetes, cluster: cluster.clone() }))
    }

    pub(super) fn name(&self) -> &ClusterName {
        &self.cluster.name
    }

    /// What a user's Secret holds.
    pub(super) async fn credentials(
        &self,
        user: &str,
        password: &SecretString,
        mechanism: ScramMechanism,
    ) -> Result<Credentials, CommandError> {
        let ca =
            if self.cluster.uses_tls() { credentials::authority(&self.kubernetes, self.name()).await? } else { None };
        let address = format!("{}.{}.svc:{CLIENT_PORT}", self.name().bootstrap(), self.cluster.namespace);
        Ok(Credentials {
            username: user.to_owned(),
            password: password.expose_secret().into(),
            mechanism: mechanism.to_string(),
            protocol: if self.cluster.uses_tls() { "SASL_SSL" } else { "SASL_PLAINTEXT" }.to_owned(),
            bootstrap_servers: address,
            ca,
            certificate: None,
        })
    }
}

fn without_users(cluster: &str, has_zookeeper: bool) -> CommandError {
    let error = format!("cluster \"{cluster}\" lets everyone in: it was installed without users");
    CommandError::failed(error).hinted(if has_zookeeper {
        "with ZooKeeper there are none; in KRaft mode `kubectl kafka install --authentication scram` makes a cluster where \
         everyone logs in"
    } else {
        "`kubectl kafka install --authentication scram` makes one where everyone logs in"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_to_install_what_zookeeper_refuses() {
        let hint = |has_zookeeper| without_users("demo", has_zookeeper).hints.join("");
        assert!(hint(false).starts_with("`kubectl kafka install --authentication scram`"), "{}", hint(false));
        assert!(hint(true).starts_with("with ZooKeeper there are none; in KRaft mode"), "{}", hint(true));
    }
}
