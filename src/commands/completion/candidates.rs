//! What can stand at the cursor, as far as the command tree knows.

use std::fmt::Write;

use clap::{Arg, ArgAction, Command, ValueHint};

use super::words::{Place, Slot};
use crate::kafka::admin::acls::Operation;

/// Names that only a cluster or the kubeconfig knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// Topics of the Kafka cluster.
    Topics,
    /// Kafka clusters of the namespace.
    KafkaClusters,
    /// Namespaces of the Kubernetes cluster.
    Namespaces,
    /// Contexts of the kubeconfig.
    Contexts,
    /// Kafka users that have a Secret.
    KafkaUsers,
    /// Pods of the Kafka cluster that was named, or of all.
    Pods,
}

/// A word and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) word: String,
    pub(super) help: String,
}

/// The candidates, and who knows more.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) candidates: Vec<Candidate>,
    pub(super) source: Option<Source>,
    /// Whether the shell should offer files.
    files: bool,
}

/// cobra's `ShellCompDirectiveDefault`: the shell offers files when there is no candidate.
const DIRECTIVE_DEFAULT: u8 = 0;
/// cobra's `ShellCompDirectiveNoFileComp`.
const DIRECTIVE_NO_FILES: u8 = 4;

/// The candidates for a place.
pub(super) fn of(place: &Place<'_>) -> Answer {
    match place.slot {
        Slot::Flag => Answer { candidates: flags(place), ..Answer::default() },
        Slot::Subcommand => Answer { candidates: subcommands(place.command), ..Answer::default() },
        Slot::Positional(None) => Answer::default(),
        Slot::Value(argument) | Slot::Positional(Some(argument)) => values(place, argument),
    }
}

impl Answer {
    /// The lines for the asker: candidates that begin with what was typed, and the directive.
    pub(super) fn text(&self, place: &Place<'_>) -> String {
        let mut text = String::new();
        for candidate in &self.candidates {
            let given =
                matches!(place.slot, Slot::Positional(_)) && place.positionals.contains(&candidate.word.as_str());
            if candidate.word.starts_with(place.typed) && !given {
                // Writing to a String cannot fail.
                let _ = match candidate.help.as_str() {
                    "" => writeln!(text, "{}", candidate.word),
                    help => writeln!(text, "{}\t{help}", candidate.word),
                };
            }
        }
        let _ = writeln!(text, ":{}", if self.files { DIRECTIVE_DEFAULT } else { DIRECTIVE_NO_FILES });
        text
    }
}

fn subcommands(command: &Command) -> Vec<Candidate> {
    command
        .get_subcommands()
        .filter(|subcommand| !subcommand.is_hide_set())
        .map(|subcommand| Candidate {
            word: subcommand.get_name().to_owned(),
            help: subcommand.get_about().map(ToString::to_string).unwrap_or_default(),
        })
        .collect()
}

fn flags(place: &Place<'_>) -> Vec<Candidate> {
    let may_come = |argument: &&Arg| {
        let repeatable = matches!(argument.get_action(), ArgAction::Append | ArgAction::Count);
        !argument.is_hide_set() && (repeatable || !place.flags.contains(&argument.get_id().as_str()))
    };
    place
        .command
        .get_arguments()
        .filter(may_come)
        .filter_map(|argument| {
            Some(Candidate { word: format!("--{}", argument.get_long()?), help: first_line(argument.get_help()) })
        })
        .collect()
}

fn values(place: &Place<'_>, argument: &Arg) -> Answer {
    let mut candidates: Vec<Candidate> = argument
        .get_possible_values()
        .iter()
        .filter(|value| argument.get_action().takes_values() && !value.is_hide_set())
        .map(|value| Candidate { word: value.get_name().to_owned(), help: first_line(value.get_help()) })
        .collect();
    if candidates.is_empty() {
        candidates = words(place, argument).into_iter().map(|word| Candidate { word, help: String::new() }).collect();
    }
    let files = matches!(argument.get_value_hint(), ValueHint::AnyPath | ValueHint::FilePath | ValueHint::DirPath);
    Answer { candidates, source: source(place, argument), files }
}

/// The words of a fixed set that clap does not know as one.
fn words(place: &Place<'_>, argument: &Arg) -> Vec<String> {
    match (place.path.as_slice(), argument.get_id().as_str()) {
        // The formats with a template are typed, not chosen.
        (_, "output") => ["json", "yaml", "wide", "name"].map(str::to_owned).into(),
        (["acls", _], "operation" | "operations") => Operation::ALL.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

/// Which names an argument stands for. Commands that make something new complete nothing.
fn source(place: &Place<'_>, argument: &Arg) -> Option<Source> {
    match (place.path.as_slice(), argument.get_id().as_str()) {
        (_, "kafka")
        | (
            ["restart" | "status" | "uninstall" | "verify"] | ["certs", "list" | "renew"] | ["get", "cluster"],
            "name",
        ) => Some(Source::KafkaClusters),
        (["restart"], "pods") => Some(Source::Pods),
        (_, "kafka_user" | "principal" | "principals")
        | (["users", "describe" | "delete" | "rotate"], "users" | "name") => Some(Source::KafkaUsers),
        (_, "namespace") => Some(Source::Namespaces),
        (_, "context") => Some(Source::Contexts),
        (["produce" | "consume"] | ["topics", "describe" | "delete"] | ["acls", _], "topic" | "topics") => {
            Some(Source::Topics)
        }
        _ => None,
    }
}

fn first_line(help: Option<&clap::builder::StyledStr>) -> String {
    help.map(ToString::to_string).unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::words;
    use super::*;

    fn answer(line: &str) -> (String, Option<Source>) {
        let mut tree = crate::cli::Cli::tree();
        tree.build();
        let words: Vec<String> = line.split(' ').map(ToOwned::to_owned).collect();
        let (last, before) = words.split_last().expect("a last word");
        let place = words::find(&tree, before, last);
        let answer = of(&place);
        (answer.text(&place), answer.source)
    }

    #[test]
    fn commands_come_with_their_help_and_hidden_ones_do_not_come() {
        let (text, _) = answer("");
        assert!(text.contains("install\tInstall a Kafka cluster\n"), "{text}");
        assert!(!text.contains("__complete"), "{text}");
        assert!(text.ends_with("\n:4\n"), "{text}");
        assert_eq!(answer("topics del").0, "delete\tDelete topics and their messages\n:4\n");
    }

    #[test]
    fn a_flag_comes_once_unless_it_may_be_repeated() {
        assert_eq!(answer("topics delete --if-e").0, "--if-exists\tSucceed when a topic does not exist\n:4\n");
        assert_eq!(answer("topics delete --if-exists --if-e").0, ":4\n");
        assert!(answer("topics create a --config a=b --conf").0.starts_with("--config\t"));
    }

    #[test]
    fn values_come_without_their_flag_as_cobra_wants_them() {
        assert_eq!(answer("topics list -o y").0, "yaml\n:4\n");
        assert_eq!(answer("topics list --output=y").0, "yaml\n:4\n");
        assert_eq!(answer("topics list --color=n").0, "never\tNever\n:4\n");
        assert!(answer("completion k").0.starts_with("kubectl\t"));
        assert_eq!(answer("acls create --operation Describe").0, "Describe\nDescribeConfigs\nDescribeTokens\n:4\n");
        assert_eq!(answer("acls list --operation Re").0, "Read\n:4\n");
    }

    #[test]
    fn install_has_formats_of_its_own() {
        let formats = |line: &str| -> Vec<String> {
            let (text, _) = answer(line);
            text.lines().map(|line| line.split('\t').next().unwrap_or_default().to_owned()).collect()
        };
        assert_eq!(formats("install -o "), ["yaml", "json", "name", "cluster", ":4"]);
        assert_eq!(formats("topics list -o "), ["json", "yaml", "wide", "name", ":4"]);
    }

    #[test]
    fn files_are_offered_only_where_a_file_is_meant() {
        assert_eq!(answer("topics list --kubeconfig ").0, ":0\n");
        assert_eq!(answer("topics list --kubeconfig=./k").0, ":0\n");
        assert_eq!(answer("topics list --token ").0, ":4\n");
        assert_eq!(answer("topics list ").0, ":4\n");
    }

    #[test]
    fn names_are_asked_for_where_something_that_exists_is_meant() {
        for (line, wanted) in [
            ("-n ", Some(Source::Namespaces)),
            ("topics list --namespace=", Some(Source::Namespaces)),
            ("--context ", Some(Source::Contexts)),
            ("topics list -K ", Some(Source::KafkaClusters)),
            ("topics delete ", Some(Source::Topics)),
            ("topics delete a ", Some(Source::Topics)),
            ("topics describe ", Some(Source::Topics)),
            ("--kafka-user ", Some(Source::KafkaUsers)),
            ("users rotate ", Some(Source::KafkaUsers)),
            ("users create ", None),
            ("acls create --topic ", Some(Source::Topics)),
            ("acls list --principal ", Some(Source::KafkaUsers)),
            ("certs list ", Some(Source::KafkaClusters)),
            ("certs renew ", Some(Source::KafkaClusters)),
            ("get cluster ", Some(Source::KafkaClusters)),
            ("get clusters ", Some(Source::KafkaClusters)),
            ("restart demo --pod ", Some(Source::Pods)),
            ("topics create ", None),
            ("install ", None),
        ] {
            assert_eq!(answer(line).1, wanted, "{line:?}");
        }
    }
}
