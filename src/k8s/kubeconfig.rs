//! Which API server, as whom: the kubeconfig under kubectl's connection flags.
//!
//! Precedence as kubectl's: flag, then environment, then kubeconfig, then in-cluster. kube's own options
//! know only context, cluster and user; the rest is laid over the chosen entries before they are loaded.

use std::path::PathBuf;
use std::time::Duration;

use kube::config::{
    AuthInfo, Cluster, Config, KubeConfigOptions, Kubeconfig, KubeconfigError, LoadDataError, NamedAuthInfo,
    NamedCluster, NamedContext,
};
use secrecy::SecretString;

use super::error::{Error, Result, deepest};

/// kubectl's connection flags, as typed.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "each field is the flag of the same name")]
pub struct Overrides {
    pub kubeconfig: Option<PathBuf>,
    pub context: Option<String>,
    pub cluster: Option<String>,
    pub user: Option<String>,
    pub server: Option<String>,
    pub token: Option<String>,
    pub impersonate: Option<String>,
    pub impersonate_uid: Option<String>,
    pub impersonate_group: Vec<String>,
    pub impersonate_extra: Vec<String>,
    pub client_certificate: Option<PathBuf>,
    pub client_key: Option<PathBuf>,
    pub certificate_authority: Option<PathBuf>,
    pub insecure_skip_tls_verify: bool,
    pub tls_server_name: Option<String>,
    pub namespace: Option<String>,
    pub request_timeout: Duration,
    /// Whether a credential plugin may ask questions on the terminal.
    pub interactive: bool,
}

/// kube's configuration of what the flags and the kubeconfig choose.
pub(super) async fn config(overrides: &Overrides) -> Result<Config> {
    let kubeconfig = read(overrides)?;
    if kubeconfig.is_none()
        && overrides.server.is_none()
        && overrides.context.is_none()
        && let Ok(mut config) = Config::incluster()
    {
        if let Some(namespace) = &overrides.namespace {
            config.default_namespace.clone_from(namespace);
        }
        return Ok(config);
    }
    if kubeconfig.is_none() && overrides.server.is_none() {
        return Err(Error::Kubeconfig {
            message: "no Kubernetes cluster is configured: there is no kubeconfig".into(),
            hint: Some("name one with --kubeconfig or KUBECONFIG, or put it at ~/.kube/config".into()),
        });
    }
    let mut chosen = choose(kubeconfig.unwrap_or_default(), overrides)?;
    lay_over(&mut chosen, overrides);
    let options = KubeConfigOptions { context: Some(CHOSEN.to_owned()), cluster: None, user: None };
    let mut config = Config::from_custom_kubeconfig(chosen.into_kubeconfig(), &options).await.map_err(|error| {
        Error::Kubeconfig { message: format!("the kubeconfig cannot be used: {}", unusable(&error)), hint: None }
    })?;
    if let Some(namespace) = &overrides.namespace {
        config.default_namespace.clone_from(namespace);
    }
    for pair in &overrides.impersonate_extra {
        let (key, value) = pair.split_once('=').ok_or_else(|| Error::Kubeconfig {
            message: format!("--as-user-extra {pair}: expected KEY=VALUE"),
            hint: None,
        })?;
        config
            .auth_info
            .impersonate_user_extra
            .get_or_insert_default()
            .entry(key.to_owned())
            .or_default()
            .push(value.to_owned());
    }
    Ok(config)
}

/// The kubeconfig of `--kubeconfig`, `KUBECONFIG` or `~/.kube/config`; `None` when there is none at all.
pub(super) fn read(overrides: &Overrides) -> Result<Option<Kubeconfig>> {
    let broken = |path: &str, error: &dyn std::fmt::Display| Error::Kubeconfig {
        message: format!("cannot read the kubeconfig {path}: {error}"),
        hint: Some("name another with --kubeconfig or KUBECONFIG".into()),
    };
    if let Some(path) = &overrides.kubeconfig {
        let shown = path.display().to_string();
        return Kubeconfig::read_from(path).map(Some).map_err(|error| broken(&shown, &first_line(&deepest(&error))));
    }
    let listed = std::env::var("KUBECONFIG").unwrap_or_default();
    if !listed.is_empty() {
        // As kubectl: files that do not exist are skipped, the first one wins on conflicts.
        let mut merged: Option<Kubeconfig> = None;
        for path in std::env::split_paths(&listed).filter(|path| path.exists()) {
            let shown = path.display().to_string();
            let next = Kubeconfig::read_from(&path).map_err(|error| broken(&shown, &first_line(&deepest(&error))))?;
            merged = Some(match merged {
                Some(first) => first.merge(next).map_err(|error| broken(&shown, &deepest(&error)))?,
                None => next,
            });
        }
        return Ok(merged);
    }
    let Some(path) = home_kubeconfig().filter(|path| path.exists()) else { return Ok(None) };
    let shown = path.display().to_string();
    Kubeconfig::read_from(&path).map(Some).map_err(|error| broken(&shown, &first_line(&deepest(&error))))
}

fn home_kubeconfig() -> Option<PathBuf> {
    std::env::home_dir().map(|home| home.join(".kube").join("config"))
}

/// Without the layers that say "failed to", and without the excerpt that follows.
fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.trim_start_matches("failed to parse kubeconfig YAML: ").trim_start_matches("error: ").to_owned()
}

/// The name under which the chosen entries are handed to kube.
const CHOSEN: &str = "chosen";

/// The entries that the flags and the kubeconfig choose.
struct Chosen {
    cluster: Cluster,
    user: AuthInfo,
    namespace: Option<String>,
}

impl Chosen {
    fn into_kubeconfig(self) -> Kubeconfig {
        Kubeconfig {
            clusters: vec![NamedCluster {
                name: CHOSEN.into(),
                cluster: Some(self.cluster),
                ..NamedCluster::default()
            }],
            auth_infos: vec![NamedAuthInfo {
                name: CHOSEN.into(),
                auth_info: Some(self.user),
                ..NamedAuthInfo::default()
            }],
            contexts: vec![NamedContext {
                name: CHOSEN.into(),
                context: Some(kube::config::Context {
                    cluster: CHOSEN.into(),
                    user: Some(CHOSEN.into()),
                    namespace: self.namespace,
                    ..kube::config::Context::default()
                }),
                ..NamedContext::default()
            }],
            current_context: Some(CHOSEN.into()),
            ..Kubeconfig::default()
        }
    }
}

fn choose(kubeconfig: Kubeconfig, overrides: &Overrides) -> Result<Chosen> {
    let name = overrides.context.clone().or(kubeconfig.current_context).filter(|name| !name.is_empty());
    let context = match &name {
        None => kube::config::Context::default(),
        Some(name) => kubeconfig
            .contexts
            .iter()
            .find(|context| &context.name == name)
            .and_then(|context| context.context.clone())
            .ok_or_else(|| Error::Kubeconfig {
                message: format!("context \"{name}\" does not exist in the kubeconfig"),
                hint: Some(format!(
                    "it has: {}",
                    crate::view::list(
                        &kubeconfig.contexts.iter().map(|context| context.name.as_str()).collect::<Vec<_>>()
                    )
                )),
            })?,
    };
    let wanted = overrides.cluster.clone().unwrap_or(context.cluster);
    let cluster =
        kubeconfig.clusters.into_iter().find(|cluster| cluster.name == wanted).and_then(|entry| entry.cluster);
    let cluster = match cluster {
        Some(cluster) => cluster,
        None if overrides.server.is_some() && wanted.is_empty() => Cluster::default(),
        None if wanted.is_empty() => {
            return Err(Error::Kubeconfig {
                message: "no Kubernetes cluster is configured: the kubeconfig has no current context".into(),
                hint: Some(
                    "choose one with `kubectl config use-context NAME`, or pass --context or --kubeconfig".into(),
                ),
            });
        }
        None => {
            return Err(Error::Kubeconfig {
                message: format!("cluster \"{wanted}\" does not exist in the kubeconfig"),
                hint: None,
            });
        }
    };
    let user_name = overrides.user.clone().or(context.user).unwrap_or_default();
    let user = kubeconfig.auth_infos.into_iter().find(|user| user.name == user_name).and_then(|entry| entry.auth_info);
    if user.is_none() && overrides.user.is_some() {
        return Err(Error::Kubeconfig {
            message: format!("user \"{user_name}\" does not exist in the kubeconfig"),
            hint: None,
        });
    }
    Ok(Chosen { cluster, user: user.unwrap_or_default(), namespace: context.namespace })
}

fn lay_over(chosen: &mut Chosen, overrides: &Overrides) {
    let path = |path: &PathBuf| path.display().to_string();
    let cluster = &mut chosen.cluster;
    if let Some(server) = &overrides.server {
        let server = if server.contains("://") { server.clone() } else { format!("https://{server}") };
        cluster.server = Some(server);
    }
    if let Some(authority) = &overrides.certificate_authority {
        cluster.certificate_authority = Some(path(authority));
        cluster.certificate_authority_data = None;
    }
    if overrides.insecure_skip_tls_verify {
        cluster.insecure_skip_tls_verify = Some(true);
        cluster.certificate_authority = None;
        cluster.certificate_authority_data = None;
    }
    if let Some(name) = &overrides.tls_server_name {
        cluster.tls_server_name = Some(name.clone());
    }
    let user = &mut chosen.user;
    if let Some(token) = &overrides.token {
        // A token wins over every other way to log in, as in kubectl.
        *user = AuthInfo {
            token: Some(SecretString::from(token.clone())),
            client_certificate: user.client_certificate.take(),
            client_certificate_data: user.client_certificate_data.take(),
            client_key: user.client_key.take(),
            client_key_data: user.client_key_data.take(),
            ..AuthInfo::default()
        };
    }
    if let Some(certificate) = &overrides.client_certificate {
        user.client_certificate = Some(path(certificate));
        user.client_certificate_data = None;
    }
    if let Some(key) = &overrides.client_key {
        user.client_key = Some(path(key));
        user.client_key_data = None;
    }
    if overrides.impersonate.is_some() {
        user.impersonate.clone_from(&overrides.impersonate);
    }
    if overrides.impersonate_uid.is_some() {
        user.impersonate_uid.clone_from(&overrides.impersonate_uid);
    }
    if !overrides.impersonate_group.is_empty() {
        user.impersonate_groups = Some(overrides.impersonate_group.clone());
    }
    if !overrides.interactive
        && let Some(exec) = &mut user.exec
    {
        // The plugin inherits stdin, which may be the messages that `produce` is to send.
        exec.interactive_mode = Some(kube::config::ExecInteractiveMode::Never);
    }
}

/// The file that could not be read, or the innermost cause.
fn unusable(error: &KubeconfigError) -> String {
    let (KubeconfigError::LoadCertificateAuthority(data)
    | KubeconfigError::LoadClientCertificate(data)
    | KubeconfigError::LoadClientKey(data)) = error
    else {
        return deepest(error);
    };
    match data {
        LoadDataError::ReadFile(error, path) => format!("cannot read {}: {error}", path.display()),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kubeconfig() -> Kubeconfig {
        Kubeconfig::from_yaml(
            "apiVersion: v1\nkind: Config\ncurrent-context: a\n\
             clusters:\n- {name: one, cluster: {server: https://one:6443}}\n- {name: two, cluster: {server: https://two:6443}}\n\
             users:\n- {name: u, user: {token: secret}}\n\
             contexts:\n- {name: a, context: {cluster: one, user: u, namespace: kafka}}\n- {name: b, context: {cluster: two, user: u}}\n",
        )
        .expect("a valid kubeconfig")
    }

    fn chosen(overrides: &Overrides) -> Result<(String, Option<String>)> {
        let mut chosen = choose(kubeconfig(), overrides)?;
        lay_over(&mut chosen, overrides);
        Ok((chosen.cluster.server.unwrap_or_default(), chosen.namespace))
    }

    #[test]
    fn flags_win_over_the_current_context() -> Result<()> {
        let flag = |text: &str| Some(text.to_owned());
        assert_eq!(chosen(&Overrides::default())?, ("https://one:6443".into(), Some("kafka".into())));
        assert_eq!(chosen(&Overrides { context: flag("b"), ..Overrides::default() })?.0, "https://two:6443");
        assert_eq!(chosen(&Overrides { cluster: flag("two"), ..Overrides::default() })?.0, "https://two:6443");
        assert_eq!(chosen(&Overrides { server: flag("three:6443"), ..Overrides::default() })?.0, "https://three:6443");
        Ok(())
    }

    #[test]
    fn a_missing_context_is_named_with_those_that_exist() {
        let error = choose(kubeconfig(), &Overrides { context: Some("c".into()), ..Overrides::default() }).err();
        let error = CommandErrorText::from(error);
        assert_eq!(error.0, "error: context \"c\" does not exist in the kubeconfig\nhint: it has: a,b\n");
    }

    struct CommandErrorText(String);

    impl From<Option<Error>> for CommandErrorText {
        fn from(error: Option<Error>) -> Self {
            Self(error.map(|error| crate::CommandError::from(error).text()).unwrap_or_default())
        }
    }
}
