//! From the flags as typed to what is asked: preset, then what is kept in the cluster, then flags.

use clap::{Args, ValueEnum};

use crate::error::CommandError;
use crate::k8s::manifests::{ClusterSpec, Quantity, SpecError};

/// A set of defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// One small broker that is its own controller, for a laptop
    Dev,
    /// Three brokers and three controllers
    Default,
}

/// What to install. A flag that is not given takes its value from the installed cluster, then from the
/// preset.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Kafka")]
pub struct SpecArgs {
    /// Take the defaults of a preset: dev (one small broker) or default (3 brokers, 3 controllers)
    #[arg(long, value_enum, value_name = "PRESET", hide_possible_values = true)]
    pub preset: Option<Preset>,

    /// Number of brokers [default: 3]
    #[arg(long, value_name = "N")]
    pub brokers: Option<u32>,

    /// Number of controllers; 0 lets the brokers be the controllers too [default: 3]
    #[arg(long, value_name = "N")]
    pub controllers: Option<u32>,

    /// Version of Apache Kafka [default: 4.3.1]
    #[arg(long, value_name = "VERSION")]
    pub kafka_version: Option<String>,

    /// Image to run; without it apache/kafka of that version
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,

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
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) => Ok((key.trim().to_owned(), value.to_owned())),
        None => Err("expected KEY=VALUE, for example log.retention.hours=24".to_owned()),
    }
}

impl SpecArgs {
    /// What is asked, checked; `kept` is what the cluster's document says.
    pub fn spec(&self, kept: Option<&ClusterSpec>) -> Result<ClusterSpec, CommandError> {
        let spec = self.laid_over(self.base(kept)?)?;
        spec.validate().map_err(|error| usage(&error))?;
        Ok(spec)
    }

    fn base(&self, kept: Option<&ClusterSpec>) -> Result<ClusterSpec, CommandError> {
        let preset = match (self.preset, kept) {
            (None, Some(kept)) => return Ok(kept.clone()),
            (Some(Preset::Dev), _) => ClusterSpec::dev(),
            (Some(Preset::Default) | None, _) => ClusterSpec::standard(),
        };
        let mut preset = preset.map_err(CommandError::failed)?;
        if let Some(kept) = kept {
            // What no preset says stays as it is.
            preset.kafka_version.clone_from(&kept.kafka_version);
            preset.image.clone_from(&kept.image);
            preset.storage.class.clone_from(&kept.storage.class);
            preset.config.clone_from(&kept.config);
        }
        Ok(preset)
    }

    fn laid_over(&self, mut spec: ClusterSpec) -> Result<ClusterSpec, CommandError> {
        fn set<T: Clone>(slot: &mut T, typed: Option<&T>) {
            if let Some(typed) = typed {
                slot.clone_from(typed);
            }
        }
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

fn usage(error: &SpecError) -> CommandError {
    CommandError::usage(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantity(text: &str) -> Quantity {
        text.parse().expect("a quantity")
    }

    #[test]
    fn flags_win_over_what_is_kept_and_that_over_the_defaults() {
        let mut kept = ClusterSpec::standard().expect("the defaults");
        kept.brokers = 5;
        kept.memory = quantity("3Gi");
        kept.config.insert("a".into(), "1".into());
        let typed =
            SpecArgs { memory: Some(quantity("4Gi")), config: vec![("b".into(), "2".into())], ..SpecArgs::default() };
        let spec = typed.spec(Some(&kept)).expect("a valid spec");
        assert_eq!((spec.brokers, spec.memory), (5, quantity("4Gi")));
        assert_eq!(spec.config.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(SpecArgs::default().spec(None).map(|spec| spec.brokers), Ok(3));
    }

    #[test]
    fn a_preset_that_is_named_wins_over_what_is_kept() {
        let mut kept = ClusterSpec::standard().expect("the defaults");
        kept.storage.class = Some("fast".into());
        let typed = SpecArgs { preset: Some(Preset::Dev), ..SpecArgs::default() };
        let spec = typed.spec(Some(&kept)).expect("a valid spec");
        assert_eq!((spec.brokers, spec.controllers, spec.storage.class), (1, 0, Some("fast".into())));
    }

    #[test]
    fn what_cannot_be_meant_is_a_usage_error() {
        let twice =
            SpecArgs { config: vec![("a".into(), "1".into()), ("a".into(), "2".into())], ..SpecArgs::default() };
        assert!(twice.spec(None).is_err_and(|error| error.exit_code() == 2 && error.message.contains("given twice")));
        let none = SpecArgs { brokers: Some(0), ..SpecArgs::default() };
        assert!(none.spec(None).is_err_and(|error| error.exit_code() == 2 && error.message.starts_with("--brokers:")));
        assert!(key_and_value("log.retention.hours").is_err());
    }
}
