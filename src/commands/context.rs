//! What every command gets: the terminal, the global flags, and the ways to a cluster.

use std::io::{self, IsTerminal};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::cli::GlobalArgs;
use crate::connect::{Login, Session, select};
use crate::error::CommandError;
use crate::k8s::discover::KafkaCluster;
use crate::k8s::{Kubernetes, Overrides};
use crate::kafka::{Ask, ClusterOptions};
use crate::ui::Ui;

/// How long transient errors of Kafka (a leader that moves, a pod that restarts) are retried by
/// commands that ask once. A broker restart takes 30 s, but a person wants an answer sooner, and another
/// broker usually has it.
const RETRY_FOR: Duration = Duration::from_secs(10);

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Context {
    /// The terminal.
    pub ui: Ui,
    /// The global flags.
    pub global: GlobalArgs,
    /// What the file of `--command-config` says; it may be a pipe, which can be read once.
    login: Arc<OnceLock<Login>>,
}

impl Context {
    /// For one run of the program.
    pub fn new(ui: Ui, global: GlobalArgs) -> Self {
        Self { ui, global, login: Arc::default() }
    }

    /// A client of the API server that the flags and the kubeconfig choose.
    pub async fn kubernetes(&self) -> Result<Kubernetes, CommandError> {
        let global = self.global.clone();
        let overrides = Overrides {
            kubeconfig: global.kubeconfig,
            context: global.context,
            cluster: global.cluster,
            user: global.user,
            server: global.server,
            token: global.token,
            impersonate: global.impersonate,
            impersonate_uid: global.impersonate_uid,
            impersonate_group: global.impersonate_group,
            impersonate_extra: global.impersonate_extra,
            client_certificate: global.client_certificate,
            client_key: global.client_key,
            certificate_authority: global.certificate_authority,
            insecure_skip_tls_verify: global.insecure_skip_tls_verify,
            tls_server_name: global.tls_server_name,
            namespace: global.namespace,
            request_timeout: self.global.request_timeout(),
            interactive: io::stdin().is_terminal(),
        };
        Ok(Kubernetes::connect(&overrides).await?)
    }

    /// ` -n kafka`, where it was typed: a command that a hint offers must work as it stands.
    pub fn namespace_flag(&self) -> String {
        self.global.namespace.as_ref().map_or_else(String::new, |namespace| format!(" -n {namespace}"))
    }

    /// How Kafka is spoken to.
    pub fn kafka_options(&self) -> ClusterOptions {
        ClusterOptions { request_timeout: self.global.request_timeout(), retry_for: RETRY_FOR }
    }

    /// The Kafka cluster that the flags choose, connected; its first answer is what `ask` asks for.
    pub async fn kafka(&self, ask: &Ask) -> Result<Session, CommandError> {
        let options = self.kafka_options();
        let login = self.login()?;
        if !self.global.bootstrap_server.is_empty() {
            let session = Session::to_addresses(&self.global.bootstrap_server, options, ask, &login).await?;
            self.ui.known_as(session.principal.as_deref());
            return Ok(session);
        }
        let (kubernetes, cluster) = self.cluster(None).await?;
        self.kafka_at(kubernetes, cluster, ask).await
    }

    /// The Kafka cluster that was chosen already, connected.
    pub async fn kafka_at(
        &self,
        kubernetes: Kubernetes,
        cluster: KafkaCluster,
        ask: &Ask,
    ) -> Result<Session, CommandError> {
        let session = Session::to_pods(kubernetes, cluster, self.kafka_options(), ask, &self.login()?).await?;
        self.ui.known_as(session.principal.as_deref());
        Ok(session)
    }

    /// As whom the flags say to connect to Kafka.
    pub fn login(&self) -> Result<Login, CommandError> {
        match (&self.global.kafka_user, &self.global.command_config) {
            (None, None) => Ok(Login::Automatic),
            (Some(user), None) => Ok(Login::User(user.clone())),
            (None, Some(path)) => {
                if let Some(login) = self.login.get() {
                    return Ok(login.clone());
                }
                let login = Login::from_file(path)?;
                Ok(self.login.get_or_init(|| login).clone())
            }
            (Some(_), Some(_)) => Err(CommandError::usage("--kafka-user and --command-config exclude each other")),
        }
    }

    /// The name that was asked for: the positional one, which is the same as `--kafka`, or that of the environment.
    ///
    /// # Errors
    /// Both were typed, and differ.
    pub fn named<'a>(&'a self, positional: Option<&'a str>) -> Result<Option<&'a str>, CommandError> {
        match (positional, self.global.kafka.as_deref()) {
            (Some(name), Some(flag)) if name != flag && !self.global.kafka_is_default => Err(CommandError::usage(
                format!("NAME is \"{name}\" and --kafka is \"{flag}\": they are the same, so give one of them"),
            )),
            (name, flag) => Ok(name.or(flag)),
        }
    }

    /// The Kafka cluster that a positional name, `--kafka`, or the namespace chooses; not connected.
    pub async fn cluster(&self, name: Option<&str>) -> Result<(Kubernetes, KafkaCluster), CommandError> {
        let name = self.named(name)?;
        let kubernetes = self.kubernetes().await?;
        let cluster = select(&kubernetes, name).await?;
        Ok((kubernetes, cluster))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::global::Color;

    #[test]
    fn a_file_of_properties_is_read_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("client.properties");
        std::fs::write(&path, "bootstrap.servers=a:9092").expect("a file");
        let global = GlobalArgs { command_config: Some(path.clone()), ..GlobalArgs::default() };
        let context = Context::new(Ui::new(Color::Never, 0), global);
        assert!(matches!(context.login(), Ok(Login::File(_))));
        // As a pipe whose content was taken.
        std::fs::write(&path, "").expect("a file");
        assert!(matches!(context.clone().login(), Ok(Login::File(_))));
    }
}
