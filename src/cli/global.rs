//! The flags that every subcommand takes: kubectl's connection flags with kubectl's names, and ours.
//!
//! kubectl refuses flags before a plugin's name, so each is `global`: it works before and after our
//! subcommands.

use std::path::PathBuf;
use std::time::Duration;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, ValueEnum};

use super::duration;
use crate::k8s::names::{check_label, secret_name};

/// The default deadline of a single request, to Kubernetes or to Kafka. Peers that give up after 3 to
/// 5 s fail on big clusters; half a minute is what people are ready to wait.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// When to colour what is written to stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// kubectl's connection flags, and the ones that choose the Kafka cluster.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Connection flags")]
pub struct GlobalArgs {
    /// The Kafka cluster; without it the only one in the namespace is taken
    #[arg(short = 'K', long = "kafka", value_name = "NAME", env = "KUBECTL_KAFKA", global = true)]
    pub kafka: Option<String>,

    /// Whether `kafka` comes from the environment: then it is a default, and not what was asked for here.
    #[arg(skip)]
    pub kafka_is_default: bool,

    /// Skip the discovery: connect to these brokers by TCP (host:port,…)
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',', global = true)]
    pub bootstrap_server: Vec<String>,

    /// The Kafka user to connect as, by its Secret; without it the admin of a secure cluster
    #[arg(long, value_name = "NAME", value_parser = secret_name, global = true)]
    pub kafka_user: Option<String>,

    /// A file of client properties to connect with, as Kafka's own tools take it
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, global = true)]
    pub command_config: Option<PathBuf>,

    /// The namespace to look in
    #[arg(short = 'n', long, value_name = "NAMESPACE", value_parser = namespace, global = true)]
    pub namespace: Option<String>,

    /// The kubeconfig file
    #[arg(long, value_name = "FILE", global = true)]
    pub kubeconfig: Option<PathBuf>,

    /// The kubeconfig context
    #[arg(long, value_name = "NAME", global = true)]
    pub context: Option<String>,

    /// The kubeconfig cluster (for the Kafka cluster use --kafka)
    #[arg(long, value_name = "NAME", global = true, hide_short_help = true)]
    pub cluster: Option<String>,

    /// The kubeconfig user
    #[arg(long, value_name = "NAME", global = true, hide_short_help = true)]
    pub user: Option<String>,

    /// The address and port of the Kubernetes API server
    #[arg(short = 's', long, value_name = "URL", global = true, hide_short_help = true)]
    pub server: Option<String>,

    /// Bearer token for the API server
    #[arg(long, value_name = "TOKEN", global = true, hide_short_help = true, hide_env_values = true)]
    pub token: Option<String>,

    /// User to impersonate
    #[arg(long = "as", value_name = "USER", global = true, hide_short_help = true)]
    pub impersonate: Option<String>,

    /// UID to impersonate
    #[arg(long = "as-uid", value_name = "UID", global = true, hide_short_help = true)]
    pub impersonate_uid: Option<String>,

    /// Group to impersonate; repeat it for several
    #[arg(long = "as-group", value_name = "GROUP", global = true, hide_short_help = true)]
    pub impersonate_group: Vec<String>,

    /// Extra field of the impersonated user, as key=value; repeat it for several
    #[arg(long = "as-user-extra", value_name = "KEY=VALUE", global = true, hide_short_help = true)]
    pub impersonate_extra: Vec<String>,

    /// Client certificate file for TLS
    #[arg(long, value_name = "FILE", global = true, hide_short_help = true)]
    pub client_certificate: Option<PathBuf>,

    /// Client key file for TLS
    #[arg(long, value_name = "FILE", global = true, hide_short_help = true)]
    pub client_key: Option<PathBuf>,

    /// Certificate authority file for the API server
    #[arg(long, value_name = "FILE", global = true, hide_short_help = true)]
    pub certificate_authority: Option<PathBuf>,

    /// Do not check the API server's certificate (insecure)
    #[arg(long, global = true, hide_short_help = true)]
    pub insecure_skip_tls_verify: bool,

    /// Name to check the API server's certificate for
    #[arg(long, value_name = "NAME", global = true, hide_short_help = true)]
    pub tls_server_name: Option<String>,

    /// Accepted as by kubectl; responses are never compressed
    #[arg(long, global = true, hide = true)]
    pub disable_compression: bool,

    /// Accepted as by kubectl; nothing is cached yet
    #[arg(long, value_name = "DIR", global = true, hide = true)]
    pub cache_dir: Option<PathBuf>,

    /// Give up a single request after this time (0 = never)
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, global = true)]
    pub request_timeout: Option<Duration>,

    /// Colour on stderr
    #[arg(long, value_enum, value_name = "WHEN", default_value_t, global = true, hide_short_help = true)]
    pub color: Color,

    /// Say more on stderr: -v, or a level as -v=6 (requests) and -v=8 (frames)
    #[arg(
        short = 'v', long = "v", value_name = "LEVEL", global = true,
        num_args = 0..=1, require_equals = true, default_value_t = 0, default_missing_value = "1",
        value_parser = verbosity, hide_default_value = true
    )]
    pub verbosity: u8,
}

/// As kubectl: an empty one is none.
fn namespace(text: &str) -> Result<String, String> {
    if text.is_empty() { Ok(String::new()) } else { check_label(text).map(|()| text.to_owned()) }
}

fn verbosity(text: &str) -> Result<u8, String> {
    text.parse().ok().filter(|level| *level <= 10).ok_or_else(|| "expected a number from 0 to 10".to_owned())
}

impl GlobalArgs {
    /// As parsed, with what only the parser knows about where values come from. A variable of the environment that is
    /// set but empty counts as unset, as `KUBECONFIG` does.
    #[must_use]
    pub fn told_apart(mut self, matches: &ArgMatches) -> Self {
        self.kafka_is_default = matches.value_source("kafka") == Some(ValueSource::EnvVariable);
        if self.kafka_is_default {
            self.kafka = self.kafka.filter(|name| !name.is_empty());
        }
        self
    }

    /// The deadline of one request; a year stands for "never".
    pub fn request_timeout(&self) -> Duration {
        match self.request_timeout {
            None => REQUEST_TIMEOUT,
            Some(Duration::ZERO) => Duration::from_secs(365 * 24 * 3600),
            Some(timeout) => timeout,
        }
    }
}
