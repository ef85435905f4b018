//! A client of the API server: deadlines, and kube's errors in our words.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use kube::Client;
use kube::config::{Config, ExecConfig};

use super::error::{Error, Result, deepest};
use super::kubeconfig::{self, Overrides};

/// How long a TCP or TLS connection to the API server may take: beyond this it is down or filtered.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A client bound to a server and a namespace.
#[derive(Clone)]
pub struct Kubernetes {
    /// kube's client.
    pub client: Client,
    /// The namespace of `-n`, or the context's.
    pub namespace: String,
    /// The API server's URL, for messages.
    pub server: String,
    /// The deadline of one request.
    pub request_timeout: Duration,
    plugin: Option<Plugin>,
    config: Box<Config>,
    without_retries: Arc<OnceLock<Client>>,
}

/// A credential plugin, for messages.
#[derive(Clone)]
struct Plugin {
    command: String,
    install_hint: Option<String>,
}

impl Plugin {
    fn of(exec: &ExecConfig) -> Self {
        Self { command: exec.command.clone().unwrap_or_default(), install_hint: exec.install_hint.clone() }
    }
}

impl std::fmt::Debug for Kubernetes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Kubernetes")
            .field("server", &self.server)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

impl Kubernetes {
    /// Reads the kubeconfig and builds a client; nothing is sent yet.
    pub async fn connect(overrides: &Overrides) -> Result<Self> {
        // Two crypto providers may be linked one day; kube asks for the process's default.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut config = kubeconfig::config(overrides).await?;
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        // A watch or a port-forward may be silent for hours: deadlines are set per call instead.
        config.read_timeout = None;
        config.write_timeout = None;
        let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let namespace = config.default_namespace.clone();
        let plugin = config.auth_info.exec.as_ref().map(Plugin::of);
        let client =
            Client::try_from(config.clone()).map_err(|error| named(client_error(&server, error), plugin.as_ref()))?;
        Ok(Self {
            client,
            namespace,
            server,
            request_timeout: overrides.request_timeout,
            plugin,
            config: Box::new(config),
            without_retries: Arc::default(),
        })
    }

    /// A client that hands on 429, 503 and 504 at once: kube's waits as long as the answer says and asks
    /// again, and what it said is never seen.
    pub fn without_retries(&self) -> Result<Client> {
        if let Some(client) = self.without_retries.get() {
            return Ok(client.clone());
        }
        let mut config = (*self.config).clone();
        config.default_retry = false;
        let client =
            Client::try_from(config).map_err(|error| named(client_error(&self.server, error), self.plugin.as_ref()))?;
        Ok(self.without_retries.get_or_init(|| client).clone())
    }

    /// The same client for another namespace.
    #[must_use]
    pub fn in_namespace(&self, namespace: &str) -> Self {
        Self { namespace: namespace.to_owned(), ..self.clone() }
    }

    /// Runs one call with the request's deadline and turns kube's error into ours.
    pub async fn call<T>(&self, call: impl Future<Output = std::result::Result<T, kube::Error>>) -> Result<T> {
        match tokio::time::timeout(self.request_timeout, call).await {
            Ok(outcome) => outcome.map_err(|error| named(Error::from_kube(&self.server, error), self.plugin.as_ref())),
            Err(_) => {
                Err(Error::TimedOut { server: self.server.clone(), after: crate::view::duration(self.request_timeout) })
            }
        }
    }

    /// As [`Self::call`], with `None` for 404.
    pub async fn find<T>(&self, call: impl Future<Output = std::result::Result<T, kube::Error>>) -> Result<Option<T>> {
        match self.call(call).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// kube's errors do not know the plugin's name, nor what its vendor has to say to who lacks it.
fn named(error: Error, plugin: Option<&Plugin>) -> Error {
    match (error, plugin) {
        (Error::Login { server, reason, .. }, Some(plugin)) => Error::Login {
            server,
            reason: format!("credential plugin `{}`: {reason}", plugin.command),
            hint: plugin.install_hint.clone(),
        },
        (error, _) => error,
    }
}

fn client_error(server: &str, error: kube::Error) -> Error {
    match error {
        kube::Error::RustlsTls(error) => Error::Kubeconfig {
            message: format!("cannot set up TLS to {server}: {}", deepest(&error)),
            hint: Some("check certificate-authority, client-certificate and client-key in the kubeconfig".into()),
        },
        other => Error::from_kube(server, other),
    }
}
