//! From the flags as typed to what is asked. Without a file: what is kept in the cluster, then the preset,
//! then flags. With one, the file says it all: defaults, preset, file, flags.

use std::io::ErrorKind;
use std::path::PathBuf;

use clap::Args;

use crate::error::CommandError;
use crate::k8s::manifests::{
    Authentication, ClusterMode, ClusterSpec, NO_CONTROLLERS, Preset, Quantity, Tls, WrittenDocument,
};

/// What to install. A flag that is not given takes its value from the installed cluster, then from the
/// preset.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Kafka")]
pub struct SpecArgs {
    /// Take what is asked from a cluster document; - reads stdin
    #[arg(short = 'f', long = "filename", alias = "file", value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// Take the defaults of a preset: dev (one small broker), default (3 brokers, 3 controllers) or
    /// production (with TLS, users and metrics)
    #[arg(long, value_enum, value_name = "PRESET", hide_possible_values = true)]
    pub preset: Option<Preset>,

    /// Who keeps the metadata: kraft (Kafka's own controllers) or zookeeper (an ensemble, with Kafka 3.9)
    /// [default: kraft]
    #[arg(long, value_enum, ignore_case = true, value_name = "MODE", hide_possible_values = true)]
    pub mode: Option<ClusterMode>,

    /// Number of brokers [default: 3]
    #[arg(long, value_name = "N")]
    pub brokers: Option<u32>,

    /// Number of controllers; 0 lets the brokers be the controllers too [default: 3]
    #[arg(long, value_name = "N")]
    pub controllers: Option<u32>,

    /// Number of ZooKeeper servers, with --mode zookeeper [default: 3]
    #[arg(long, value_name = "N")]
    pub zookeeper_servers: Option<u32>,

    /// Version of Apache Kafka [default: 4.3.1; with --mode zookeeper 3.9.2]
    #[arg(long, value_name = "VERSION")]
    pub kafka_version: Option<String>,

    /// Image to run; without it apache/kafka of that version
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,

    /// Image to run ZooKeeper with; without it zookeeper:3.9.5
    #[arg(long, value_name = "IMAGE")]
    pub zookeeper_image: Option<String>,

    /// Size of each broker's volume [default: 10Gi]
    #[arg(long, value_name = "SIZE")]
    pub storage: Option<Quantity>,

    /// StorageClass of the volumes; without it the cluster's default
    #[arg(long, value_name = "NAME")]
    pub storage_class: Option<String>,

    /// Memory of each broker, request and limit; half of it is heap [default: 2Gi]
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<Quantity>,

    /// CPU request of each broker [default: 250m]
    #[arg(long, value_name = "CORES")]
    pub cpu: Option<Quantity>,

    /// Server property for every node, as key=value; repeat it for several
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_and_value)]
    pub config: Vec<(String, String)>,

    /// Encrypt every connection, and let pods prove to each other who they are
    #[arg(long)]
    pub tls: bool,

    /// Secret with ca.crt and ca.key of your own certificate authority; implies --tls
    #[arg(long, value_name = "SECRET")]
    pub ca_secret: Option<String>,

    /// How clients log in: none or scram (with users and ACLs; implies --tls)
    #[arg(long, value_enum, ignore_case = true, value_name = "HOW", hide_possible_values = true)]
    pub authentication: Option<Authentication>,

    /// Give every pod an endpoint for Prometheus on port 9404
    #[arg(long)]
    pub metrics: bool,

    /// Image that holds /jmx_prometheus_javaagent.jar; implies --metrics
    #[arg(long, value_name = "IMAGE")]
    pub metrics_image: Option<String>,
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) => Ok((key.trim().to_owned(), value.to_owned())),
        None => Err("expected KEY=VALUE, for example log.retention.hours=24".to_owned()),
    }
}

impl SpecArgs {
    /// The cluster document of `-f`.
    pub fn written(&self) -> Result<Option<WrittenDocument>, CommandError> {
        let Some(file) = &self.file else { return Ok(None) };
        let text = if file.as_os_str() == "-" {
            std::io::read_to_string(std::io::stdin())
        } else {
            std::fs::read_to_string(file)
        };
        let text = text.map_err(|error| match error.kind() {
            ErrorKind::InvalidData => self.mistake("it is no text: a cluster document is YAML in UTF-8"),
            ErrorKind::IsADirectory => self.mistake("it is a directory: name one file, with one cluster"),
            _ => CommandError::failed(format!("cannot read {}: {error}", self.file_name())),
        })?;
        WrittenDocument::from_yaml(&text).map(Some).map_err(|reason| self.mistake(&reason))
    }

    /// Whether what is asked does not depend on what is installed.
    pub fn is_complete(&self) -> bool {
        self.file.is_some() || self.preset.is_some()
    }

    /// Whether only what is installed tells if the flags fit together: those of ZooKeeper without `--mode`.
    pub fn leaves_the_mode_open(&self) -> bool {
        let asks = self.zookeeper_servers.is_some() || self.zookeeper_image.is_some();
        asks && self.mode.is_none() && self.file.is_none()
    }

    /// What is asked, checked; `kept` is what the cluster's document says.
    pub fn spec(
        &self,
        written: Option<&WrittenDocument>,
        kept: Option<&ClusterSpec>,
    ) -> Result<ClusterSpec, CommandError> {
        let base = self.base(written, kept)?;
        let spec = self.laid_over(base)?;
        spec.validate().map_err(|error| match (written, kept) {
            (None, Some(_)) => self.blamed_on_kept(&error),
            _ => self.blamed(&error, written),
        })?;
        Ok(spec)
    }

    fn base(&self, written: Option<&WrittenDocument>, kept: Option<&ClusterSpec>) -> Result<ClusterSpec, CommandError> {
        let kept = kept.filter(|_| written.is_none());
        let mut spec = kept.cloned().unwrap_or_default();
        if let Some(preset) = self.preset {
            // Presets are written for KRaft; the mode is nothing that they say.
            let base = spec.in_mode(ClusterMode::Kraft);
            spec = preset.document().and_then(|document| document.laid_over(&base)).map_err(CommandError::failed)?;
        }
        let mode = self.mode.or(written.and_then(WrittenDocument::mode)).or(kept.map(|kept| kept.mode));
        let mode = mode.unwrap_or_default();
        spec = spec.in_mode(mode);
        if let Some(kept) = kept.filter(|kept| kept.mode == mode) {
            spec.kafka_version.clone_from(&kept.kafka_version);
            if let (Some(ensemble), Some(kept)) = (&mut spec.zookeeper, &kept.zookeeper) {
                ensemble.image.clone_from(&kept.image);
            }
        }
        match written {
            Some(written) => {
                let spec = written.laid_over(&spec).map_err(|reason| self.mistake(&reason))?;
                Ok(ClusterSpec { mode, ..spec })
            }
            None => Ok(spec),
        }
    }

    fn laid_over(&self, mut spec: ClusterSpec) -> Result<ClusterSpec, CommandError> {
        fn set<T: Clone>(slot: &mut T, typed: Option<&T>) {
            if let Some(typed) = typed {
                slot.clone_from(typed);
            }
        }
        self.lay_quorum_over(&mut spec)?;
        set(&mut spec.brokers, self.brokers.as_ref());
        set(&mut spec.controllers, self.controllers.as_ref());
        set(&mut spec.kafka_version, self.kafka_version.as_ref());
        set(&mut spec.storage.size, self.storage.as_ref());
        set(&mut spec.memory, self.memory.as_ref());
        set(&mut spec.cpu, self.cpu.as_ref());
        if self.storage_class.is_some() {
            spec.storage.class.clone_from(&self.storage_class);
        }
        if self.image.is_some() {
            spec.image.clone_from(&self.image);
        }
        self.secure(&mut spec);
        if self.metrics || self.metrics_image.is_some() {
            let metrics = spec.metrics.get_or_insert_default();
            if self.metrics_image.is_some() {
                metrics.image.clone_from(&self.metrics_image);
            }
        }
        let mut typed = std::collections::BTreeSet::new();
        for (key, value) in &self.config {
            if !typed.insert(key) {
                return Err(CommandError::usage(format!("--config: {key} is given twice")));
            }
            spec.config.insert(key.clone(), value.clone());
        }
        Ok(spec)
    }
}

impl SpecArgs {
    /// What only one mode has.
    fn lay_quorum_over(&self, spec: &mut ClusterSpec) -> Result<(), CommandError> {
        if spec.has_zookeeper() {
            if self.controllers.is_some() {
                return Err(CommandError::usage(format!("--controllers: {NO_CONTROLLERS}")));
            }
            let ensemble = spec.zookeeper.get_or_insert_default();
            if let Some(servers) = self.zookeeper_servers {
                ensemble.servers = servers;
            }
            if self.zookeeper_image.is_some() {
                ensemble.image.clone_from(&self.zookeeper_image);
            }
            return Ok(());
        }
        let typed = [
            ("--zookeeper-servers", self.zookeeper_servers.is_some()),
            ("--zookeeper-image", self.zookeeper_image.is_some()),
        ];
        match typed.into_iter().find(|(_, typed)| *typed) {
            None => Ok(()),
            Some((flag, _)) => Err(CommandError::usage(format!("{flag}: a KRaft cluster has no ZooKeeper"))
                .hinted("pass --mode zookeeper too, to install a Kafka that has one")),
        }
    }

    fn secure(&self, spec: &mut ClusterSpec) {
        if let Some(authentication) = self.authentication {
            spec.security.authentication = authentication;
        }
        if self.tls || self.ca_secret.is_some() || self.authentication == Some(Authentication::Scram) {
            let tls = spec.security.tls.get_or_insert_with(Tls::default);
            if self.ca_secret.is_some() {
                tls.ca_secret.clone_from(&self.ca_secret);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantity(text: &str) -> Quantity {
        text.parse().expect("a quantity")
    }

    #[test]
    fn flags_win_over_what_is_kept_and_that_over_the_defaults() {
        let mut kept = ClusterSpec { brokers: 5, memory: quantity("3Gi"), ..ClusterSpec::default() };
        kept.config.insert("a".into(), "1".into());
        let typed =
            SpecArgs { memory: Some(quantity("4Gi")), config: vec![("b".into(), "2".into())], ..SpecArgs::default() };
        let spec = typed.spec(None, Some(&kept)).expect("a valid spec");
        assert_eq!((spec.brokers, spec.memory), (5, quantity("4Gi")));
        assert_eq!(spec.config.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(SpecArgs::default().spec(None, None).map(|spec| spec.brokers), Ok(3));
    }

    #[test]
    fn a_preset_that_is_named_wins_over_what_is_kept() {
        let mut kept = ClusterSpec::default();
        kept.storage.class = Some("fast".into());
        let typed = SpecArgs { preset: Some(Preset::Dev), ..SpecArgs::default() };
        let spec = typed.spec(None, Some(&kept)).expect("a valid spec");
        assert_eq!((spec.brokers, spec.controllers, spec.storage.class), (1, 0, Some("fast".into())));
    }

    #[test]
    fn what_cannot_be_meant_is_a_usage_error() {
        let twice =
            SpecArgs { config: vec![("a".into(), "1".into()), ("a".into(), "2".into())], ..SpecArgs::default() };
        assert!(
            twice.spec(None, None).is_err_and(|error| error.exit_code() == 2 && error.message.contains("given twice"))
        );
        let none = SpecArgs { brokers: Some(0), ..SpecArgs::default() };
        assert!(
            none.spec(None, None).is_err_and(|error| error.exit_code() == 2 && error.message.starts_with("--brokers:"))
        );
        assert!(key_and_value("log.retention.hours").is_err());
    }

    #[test]
    fn a_mode_brings_its_quorum_and_its_kafka() {
        let zookeeper = |typed: SpecArgs| SpecArgs { mode: Some(ClusterMode::ZooKeeper), ..typed };
        let told = |typed: SpecArgs, kept: Option<&ClusterSpec>| {
            let spec = typed.spec(None, kept).expect("a valid spec");
            (spec.mode, spec.zookeeper_servers(), spec.brokers, spec.kafka_version)
        };
        let mode = ClusterMode::ZooKeeper;
        assert_eq!(told(zookeeper(SpecArgs::default()), None), (mode, 3, 3, "3.9.2".into()));
        let dev = SpecArgs { preset: Some(Preset::Dev), ..SpecArgs::default() };
        assert_eq!(told(zookeeper(dev.clone()), None), (mode, 1, 1, "3.9.2".into()));
        let five = SpecArgs { zookeeper_servers: Some(5), kafka_version: Some("3.8.1".into()), ..SpecArgs::default() };
        assert_eq!(told(zookeeper(five.clone()), None), (mode, 5, 3, "3.8.1".into()));
        // What is kept says the mode, with or without a preset.
        let kept = zookeeper(SpecArgs::default()).spec(None, None).expect("a valid spec");
        assert_eq!(told(five, Some(&kept)), (mode, 5, 3, "3.8.1".into()));
        assert_eq!(told(dev, Some(&kept)), (mode, 1, 1, "3.9.2".into()));
        assert_eq!(SpecArgs::default().spec(None, Some(&kept)), Ok(kept));
    }

    #[test]
    fn flags_of_the_other_mode_are_usage_errors() {
        let controllers = SpecArgs { mode: Some(ClusterMode::ZooKeeper), controllers: Some(0), ..SpecArgs::default() };
        assert!(
            controllers
                .spec(None, None)
                .is_err_and(|error| error.exit_code() == 2 && error.message.contains("--zookeeper-servers"))
        );
        assert!(!controllers.leaves_the_mode_open());
        let servers = SpecArgs { zookeeper_servers: Some(3), ..SpecArgs::default() };
        assert!(servers.leaves_the_mode_open(), "the installed cluster may have ZooKeeper");
        assert!(
            servers
                .spec(None, None)
                .is_err_and(|error| error.exit_code() == 2 && error.text().contains("--mode zookeeper"))
        );
    }

    #[test]
    fn a_document_says_its_mode_and_flags_win_over_it() {
        let written = |text: &str| {
            let text = format!("apiVersion: kubectl-kafka/v1\nkind: Cluster\nspec:\n  {text}\n");
            WrittenDocument::from_yaml(&text).expect("a document")
        };
        let told = |typed: &SpecArgs, text: &str| {
            typed.spec(Some(&written(text)), None).map(|spec| (spec.zookeeper_servers(), spec.kafka_version))
        };
        let bare = SpecArgs::default();
        assert_eq!(told(&bare, "mode: zookeeper"), Ok((3, "3.9.2".into())));
        assert_eq!(
            told(&bare, "{mode: zookeeper, zookeeper: {servers: 5}, kafkaVersion: 3.8.1}"),
            Ok((5, "3.8.1".into()))
        );
        let typed = SpecArgs { zookeeper_servers: Some(1), ..SpecArgs::default() };
        assert_eq!(told(&typed, "{mode: zookeeper, zookeeper: {servers: 5}}"), Ok((1, "3.9.2".into())));
        for text in
            ["{mode: zookeeper, controllers: 3}", "{zookeeper: {servers: 3}}", "{mode: zookeeper, kafkaVersion: 4.3.1}"]
        {
            assert!(told(&bare, text).is_err_and(|error| error.exit_code() == 2), "{text}");
        }
    }
}
