//! Whose mistake it is that something cannot be installed: the flags', the file's, or the preset's. People look where
//! they are told to.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use super::options::SpecArgs;
use crate::error::CommandError;
use crate::k8s::manifests::{ClusterSpec, Preset, SpecError, WrittenDocument};

impl SpecArgs {
    /// Where a mistake was made: in the preset, in the file, or in the flags; `base` is all that is not typed.
    pub(super) fn blamed(
        &self,
        error: &SpecError,
        base: &ClusterSpec,
        written: Option<&WrittenDocument>,
    ) -> CommandError {
        if let Some(preset) = self.preset.filter(|preset| self.is_of_preset(*preset, error, written)) {
            let preset = preset.to_possible_value();
            let preset = preset.as_ref().map(PossibleValue::get_name).unwrap_or_default();
            return CommandError::usage(format!("--preset: {preset} asks for TLS and users: {}", error.reason));
        }
        let is_typed = error.flag.starts_with("--") && base.validate().as_ref() != Err(error);
        if self.file.is_none() || is_typed {
            return CommandError::usage(error.to_string());
        }
        self.mistake(&format!("{}: {}", error.path(), error.reason))
    }

    /// Whether only the preset asks for the security that cannot be had.
    fn is_of_preset(&self, preset: Preset, error: &SpecError, written: Option<&WrittenDocument>) -> bool {
        let is_typed = self.tls || self.ca_secret.is_some() || self.authentication.is_some();
        let is_written = written.is_some_and(|written| written.says("/security"));
        let asks = preset.spec().is_ok_and(|preset| !preset.security.is_none());
        asks && !is_typed && !is_written && ["--tls", "--authentication"].contains(&error.flag)
    }

    /// In the file, where there is one.
    pub(super) fn mistake(&self, reason: &str) -> CommandError {
        CommandError::usage(match &self.file {
            Some(file) => format!("{}: {reason}", file.display()),
            None => reason.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::k8s::manifests::{Authentication, ClusterMode};

    #[test]
    fn a_mistake_is_told_where_it_was_made() {
        let written = |text: &str| {
            let text = format!("apiVersion: kubectl-kafka/v1\nkind: Cluster\nspec:\n  {text}\n");
            WrittenDocument::from_yaml(&text).expect("a document")
        };
        let file = SpecArgs { file: Some("a.yaml".into()), ..SpecArgs::default() };
        let told = |typed: SpecArgs, text: &str| {
            let error = typed.spec(Some(&written(text)), None).expect_err("a mistake");
            assert_eq!(error.exit_code(), 2);
            error.message
        };
        let config = SpecArgs { config: vec![(String::new(), "x".into())], ..file.clone() };
        assert_eq!(told(config, "brokers: 3"), "--config: \"\" is no name of a server property");
        assert_eq!(told(file.clone(), "config: {'': x}"), "a.yaml: spec.config: \"\" is no name of a server property");
        assert_eq!(
            told(SpecArgs { brokers: Some(0), ..file.clone() }, "brokers: 3"),
            "--brokers: 0 is not in 1 to 500"
        );
        assert_eq!(
            told(SpecArgs { brokers: Some(5), ..file.clone() }, "rackMap: {a: [0, 1, 2]}"),
            "a.yaml: spec.rackMap: broker 3 is in no rack"
        );
        assert_eq!(
            told(file, "{mode: zookeeper, security: {tls: {}}}").split(": ").take(2).collect::<Vec<_>>(),
            ["a.yaml", "spec.security.tls"]
        );
    }

    #[test]
    fn what_the_preset_asks_for_is_not_blamed_on_flags_that_nobody_typed() {
        let preset = SpecArgs { preset: Some(Preset::Production), ..SpecArgs::default() };
        let zookeeper = SpecArgs { mode: Some(ClusterMode::ZooKeeper), ..preset.clone() };
        let told = |typed: &SpecArgs, written: Option<&WrittenDocument>| {
            typed.spec(written, None).expect_err("a mistake").message
        };
        let message = told(&zookeeper, None);
        assert!(message.starts_with("--preset: production asks for TLS and users"), "{message}");
        let text = "apiVersion: kubectl-kafka/v1\nkind: Cluster\nspec: {mode: zookeeper}\n";
        let written = WrittenDocument::from_yaml(text).expect("a document");
        let file = SpecArgs { file: Some("a.yaml".into()), ..preset };
        assert!(told(&file, Some(&written)).starts_with("--preset: production asks for"));
        let typed = SpecArgs { authentication: Some(Authentication::Scram), ..zookeeper };
        assert!(told(&typed, None).starts_with("--authentication: not with ZooKeeper"));
    }

    #[test]
    fn a_file_that_is_no_text_is_a_mistake_and_one_that_is_gone_a_failure() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("a.yaml");
        let read = || {
            SpecArgs { file: Some(path.clone()), ..SpecArgs::default() }.written().map(|_| ()).expect_err("an error")
        };
        let gone = read();
        assert!(gone.exit_code() == 1 && gone.message.starts_with("cannot read "), "{}", gone.message);
        std::fs::write(&path, [0xff, 0xfe]).expect("a file");
        let binary = read();
        assert!(binary.exit_code() == 2 && binary.message.ends_with("is YAML in UTF-8"), "{}", binary.message);
    }
}
