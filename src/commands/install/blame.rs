//! Whose mistake it is that something cannot be installed: the flags', the file's, or the preset's. People look where
//! they are told to.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use super::options::SpecArgs;
use crate::error::CommandError;
use crate::k8s::manifests::{Place, Preset, SpecError, WrittenDocument};

impl SpecArgs {
    /// Where a mistake was made: in the preset, in the flags, or in the file.
    pub(super) fn blamed(&self, error: &SpecError, written: Option<&WrittenDocument>) -> CommandError {
        if let Some(preset) = self.preset.filter(|preset| self.is_of_preset(*preset, error, written)) {
            let preset = name(preset);
            return CommandError::usage(format!("--preset: {preset} asks for TLS and users: {}", error.reason));
        }
        match written {
            Some(written) if !self.types(error.flag, error.place.name()) => {
                let line = written.line_near(&error.place);
                self.mistake(&format!("line {line}: {}: {}", error.place, error.reason_in_document()))
            }
            _ => CommandError::usage(error.to_string()),
        }
    }

    /// A mistake where there is no file: of the flags, or of what an earlier install asked, which no flag takes back.
    pub(super) fn blamed_on_kept(&self, error: &SpecError) -> CommandError {
        let blamed = self.blamed(error, None);
        if self.preset.is_some() || self.types(error.flag, error.place.name()) {
            return blamed;
        }
        blamed.hinted(
            "an earlier install asked for it: edit what `kubectl kafka get cluster NAME -o yaml` prints, and give that to \
             install -f",
        )
    }

    /// Who asks for something, where there is a file: `--brokers`, `a.yaml: line 4`, `--preset dev`; `None`: nobody, so
    /// that it is the default.
    pub(super) fn who_asks(&self, flag: &str, place: &Place, written: &WrittenDocument) -> Option<String> {
        if self.types(flag, place.name()) {
            return Some(flag.to_owned());
        }
        if let Some(line) = written.line(place) {
            return Some(format!("{}: line {line}", self.file_name()));
        }
        let says = |preset: Preset| preset.document().is_ok_and(|document| document.line(place).is_some());
        self.preset.filter(|preset| says(*preset)).map(|preset| format!("--preset {}", name(preset)))
    }

    /// Whether a flag was typed; of `--config` the one for this key.
    fn types(&self, flag: &str, key: Option<&str>) -> bool {
        match flag {
            "--mode" => self.mode.is_some(),
            "--brokers" => self.brokers.is_some(),
            "--controllers" => self.controllers.is_some(),
            "--zookeeper-servers" => self.zookeeper_servers.is_some(),
            "--kafka-version" => self.kafka_version.is_some(),
            "--image" => self.image.is_some(),
            "--zookeeper-image" => self.zookeeper_image.is_some(),
            "--storage" => self.storage.is_some(),
            "--storage-class" => self.storage_class.is_some(),
            "--memory" => self.memory.is_some(),
            "--cpu" => self.cpu.is_some(),
            "--config" => self.config.iter().any(|(typed, _)| Some(typed.as_str()) == key),
            "--tls" => self.tls,
            "--ca-secret" => self.ca_secret.is_some(),
            "--authentication" => self.authentication.is_some(),
            "--metrics" => self.metrics,
            "--metrics-image" => self.metrics_image.is_some(),
            _ => false,
        }
    }

    /// Whether only the preset asks for the security that cannot be had.
    fn is_of_preset(&self, preset: Preset, error: &SpecError, written: Option<&WrittenDocument>) -> bool {
        let is_typed = self.tls || self.ca_secret.is_some() || self.authentication.is_some();
        let is_written = written.is_some_and(|written| written.line(&Place::of("spec.security")).is_some());
        let asks = preset.spec().is_ok_and(|preset| !preset.security.is_none());
        asks && !is_typed && !is_written && ["--tls", "--authentication"].contains(&error.flag)
    }

    /// In the file, at what it says there.
    pub(super) fn mistaken(&self, path: &str, reason: &str, written: &WrittenDocument) -> CommandError {
        let place = Place::of(path);
        self.mistake(&format!("line {}: {place}: {reason}", written.line_near(&place)))
    }

    /// In the file, where there is one.
    pub(super) fn mistake(&self, reason: &str) -> CommandError {
        CommandError::usage(match &self.file {
            Some(_) => format!("{}: {reason}", self.file_name()),
            None => reason.to_owned(),
        })
    }

    /// As a person knows it.
    pub(super) fn file_name(&self) -> String {
        match &self.file {
            Some(file) if file.as_os_str() == "-" => "stdin".to_owned(),
            Some(file) => file.display().to_string(),
            None => String::new(),
        }
    }
}

fn name(preset: Preset) -> String {
    preset.to_possible_value().as_ref().map(PossibleValue::get_name).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::k8s::manifests::{Authentication, ClusterMode, ClusterSpec, Step};

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
        for (typed, text, expected) in [
            (SpecArgs { brokers: Some(0), ..file.clone() }, "brokers: 3", "--brokers: 0 is not in 1 to 500"),
            (
                SpecArgs { brokers: Some(5), ..file.clone() },
                "memory: 1Gi\n  rackMap: {a: [0, 1, 2]}",
                "a.yaml: line 5: spec.rackMap: broker 3 is in no rack",
            ),
            (
                SpecArgs { brokers: Some(1), ..file.clone() },
                "config: {min.insync.replicas: 2}",
                "a.yaml: line 4: spec.config: min.insync.replicas=2 does not fit 1 broker",
            ),
            (
                SpecArgs { memory: "1Gi".parse().ok(), ..file.clone() },
                "memory: 4Gi\n  heap: 2Gi",
                "a.yaml: line 5: spec.heap: 2Gi does not fit into the memory, 1Gi: take at most nine tenths of it",
            ),
            (
                SpecArgs { mode: Some(ClusterMode::ZooKeeper), ..file.clone() },
                "brokers: 1\n  kafkaVersion: 4.3.1",
                "a.yaml: line 5: spec.kafkaVersion: 4.3.1 has no ZooKeeper mode: 3.9 is the last that has it; without \
                 spec.mode: zookeeper this one can be installed",
            ),
            (
                SpecArgs { file: Some("-".into()), ..SpecArgs::default() },
                "brokers: 0",
                "stdin: line 4: spec.brokers: 0 is not in 1 to 500",
            ),
        ] {
            assert_eq!(told(typed, text), expected);
        }
    }

    /// Every refusal of a spec, by what a document says to be refused, and where it is told.
    #[test]
    fn every_value_that_cannot_be_meant_has_its_line() {
        let file = SpecArgs { file: Some("a.yaml".into()), ..SpecArgs::default() };
        for (spec, line, path) in [
            ("brokers: 0", 4, "spec.brokers"),
            ("brokers: 1\n  controllers: 2", 5, "spec.controllers"),
            ("kafkaVersion: latest", 4, "spec.kafkaVersion"),
            ("kafkaVersion: 3.9.2", 4, "spec.kafkaVersion"),
            ("image: ''", 4, "spec.image"),
            ("metrics:\n    image: a b", 5, "spec.metrics.image"),
            ("memory: 1Mi", 4, "spec.memory"),
            ("memory: 2Gi\n  heap: 2Gi", 5, "spec.heap"),
            ("heap: 1Mi", 4, "spec.heap"),
            ("controllerResources:\n    memory: 1Mi", 5, "spec.controllerResources.memory"),
            ("controllerResources:\n    storage: 1", 5, "spec.controllerResources.storage"),
            ("storage:\n    size: 10", 5, "spec.storage.size"),
            ("storage:\n    class: Fast", 5, "spec.storage.class"),
            ("storage:\n    disks: 0", 5, "spec.storage.disks"),
            ("jvmOptions:\n  - -Xss1m\n  - -Xmx1g", 6, "spec.jvmOptions[1]"),
            ("jvmOptions:\n  - Xss1m", 5, "spec.jvmOptions[0]"),
            ("config:\n    a: 1\n    min.insync.replicas: 9", 6, "spec.config"),
            ("config:\n    log.retension.ms: 9", 5, "spec.config"),
            ("config:\n    node.id: 9", 5, "spec.config"),
            ("security:\n    authentication: scram", 5, "spec.security.authentication"),
            ("security:\n    tls:\n      certificateDays: 0", 6, "spec.security.tls.certificateDays"),
            ("security:\n    tls:\n      caSecret: A", 6, "spec.security.tls.caSecret"),
            ("mode: zookeeper\n  controllers: 3", 5, "spec.controllers"),
            ("mode: zookeeper\n  security:\n    tls: {}", 6, "spec.security.tls"),
            ("mode: zookeeper\n  zookeeper:\n    servers: 2", 6, "spec.zookeeper.servers"),
            ("mode: zookeeper\n  controllerResources: {cpu: 1}", 5, "spec.controllerResources"),
            ("zookeeper: {servers: 3}", 4, "spec.zookeeper"),
            ("listeners:\n  - name: A\n    port: 9092\n    advertised: 'a-{ordinal}:1'", 6, "spec.listeners[0].port"),
            ("listeners:\n  - name: A\n    port: 0\n    advertised: 'a-{ordinal}:1'", 6, "spec.listeners[0].port"),
            ("listeners:\n  - name: A\n    port: 1\n    advertised: 'a:1'", 7, "spec.listeners[0].advertised"),
            ("listeners:\n  - name: A\n    port: 1\n    advertised: a", 7, "spec.listeners[0].advertised"),
            ("listeners:\n  - name: CLIENT\n    port: 1\n    advertised: a", 5, "spec.listeners[0].name"),
            ("listeners:\n  - name: a\n    port: 1\n    advertised: a", 5, "spec.listeners[0].name"),
            ("rackMap:\n    a: [0, 1, 2]\n    b: [1]", 6, "spec.rackMap"),
            ("rackMap:\n    a: [0, 1]\n    b: [7]", 6, "spec.rackMap"),
            ("rackMap:\n    a: [0, 1]", 4, "spec.rackMap"),
            ("pods:\n    labels:\n      app.kubernetes.io/name: a", 6, "spec.pods.labels"),
            ("pods:\n    labels:\n      team: a b", 6, "spec.pods.labels"),
            ("pods:\n    nodeSelector:\n      a b: c", 6, "spec.pods.nodeSelector"),
            ("pods:\n    annotations:\n      kubectl-kafka/a: b", 6, "spec.pods.annotations"),
            ("pods:\n    imagePullSecrets:\n    - a\n    - A", 7, "spec.pods.imagePullSecrets[1]"),
            ("pods:\n    priorityClassName: A", 5, "spec.pods.priorityClassName"),
        ] {
            let text = format!("apiVersion: kubectl-kafka/v1\nkind: Cluster\nspec:\n  {spec}\n");
            let written = WrittenDocument::from_yaml(&text).expect(spec);
            let error = file.spec(Some(&written), None).expect_err(spec);
            let told = error.message.strip_prefix(&format!("a.yaml: line {line}: {path}: "));
            assert!(told.is_some_and(|reason| !reason.contains("--")), "{}", error.message);
        }
    }

    #[test]
    fn what_an_earlier_install_asked_is_not_blamed_on_flags_alone() {
        let mut kept = ClusterSpec::default();
        kept.config.insert("min.insync.replicas".into(), "2".into());
        let told = |typed: SpecArgs| typed.spec(None, Some(&kept)).expect_err("a mistake").text();
        insta::assert_snapshot!(told(SpecArgs { brokers: Some(1), ..SpecArgs::default() }), @r"
        error: --config: min.insync.replicas=2 does not fit 1 broker
        hint: an earlier install asked for it: edit what `kubectl kafka get cluster NAME -o yaml` prints, and give that to install -f
        ");
        let typed = vec![("min.insync.replicas".to_owned(), "9".to_owned())];
        insta::assert_snapshot!(told(SpecArgs { config: typed, ..SpecArgs::default() }), @"error: --config: min.insync.replicas=9 does not fit 3 brokers");
    }

    #[test]
    fn whoever_asks_is_a_flag_a_line_or_a_preset() {
        let text = "apiVersion: kubectl-kafka/v1\nkind: Cluster\nspec:\n  brokers: 3\n  config: {a.b: 1}\n";
        let written = WrittenDocument::from_yaml(text).expect("a document");
        let typed = SpecArgs {
            file: Some("a.yaml".into()),
            preset: Some(Preset::Dev),
            memory: "1Gi".parse().ok(),
            config: vec![("c.d".into(), "1".into())],
            ..SpecArgs::default()
        };
        let setting = |key: &str| Place::of("--config").then(Step::Named(key.into()));
        let asks = |flag: &str, place: Place| typed.who_asks(flag, &place, &written);
        assert_eq!(asks("--brokers", Place::of("--brokers")).as_deref(), Some("a.yaml: line 4"));
        assert_eq!(asks("--memory", Place::of("--memory")).as_deref(), Some("--memory"));
        assert_eq!(asks("--config", setting("a.b")).as_deref(), Some("a.yaml: line 5"));
        assert_eq!(asks("--config", setting("c.d")).as_deref(), Some("--config"));
        assert_eq!(asks("--storage", Place::of("--storage")).as_deref(), Some("--preset dev"));
        assert_eq!(asks("spec.heap", Place::of("spec.heap")), None);
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
