//! What the program says about itself.

use insta::assert_snapshot;
use kubectl_kafka::cli::Cli;

use crate::kafka::kafka;

#[test]
fn help_shows_the_commands_first() {
    assert_snapshot!(kafka(&["-h"]).run(), @r"
    $ kubectl kafka -h
    --- stdout
    Install and operate Apache Kafka on Kubernetes, from your laptop

    Usage: kubectl kafka [OPTIONS] <COMMAND>

    Commands:
      install     Install a Kafka cluster
      restart     Replace the pods of a Kafka cluster, one after the other
      uninstall   Remove a Kafka cluster, keeping its data unless told otherwise
      clusters    List the Kafka clusters [alias: cluster]
      get         Print what was asked of a Kafka cluster, as a document
      status      Show whether a Kafka cluster is healthy, and why not
      verify      Prove that a Kafka cluster takes and returns messages
      certs       List and renew the certificates of a secured Kafka cluster
      topics      Create, list, describe and delete topics [alias: topic]
      users       Create, list, describe, delete and rotate users [alias: user]
      acls        Create, list and delete ACLs: who may do what [alias: acl]
      produce     Send messages to a topic
      consume     Read messages from topics
      completion  Print a completion script
      version     Print the versions of this client and of the Kafka cluster

    Options:
      -h, --help  Print help (see more with '--help')

    Connection flags:
      -K, --kafka <NAME>                  The Kafka cluster; without it the only one in the namespace is
                                          taken [env: KUBECTL_KAFKA=]
          --bootstrap-server <HOST:PORT>  Skip the discovery: connect to these brokers by TCP
                                          (host:port,…)
          --kafka-user <NAME>             The Kafka user to connect as, by its Secret; without it the
                                          admin of a secure cluster
          --command-config <FILE>         A file of client properties to connect with, as Kafka's own
                                          tools take it
      -n, --namespace <NAMESPACE>         The namespace to look in
          --kubeconfig <FILE>             The kubeconfig file
          --context <NAME>                The kubeconfig context
          --request-timeout <DURATION>    Give up a single request after this time (0 = never)
      -v, --v[=<LEVEL>]                   Say more on stderr: -v, or a level as -v=6 (requests) and -v=8
                                          (frames)
    --- exit code 0
    ");
}

#[test]
fn without_a_command_help_goes_to_stderr() {
    let outcome = kafka(&[]).run();
    assert_eq!(outcome.stdout, "");
    assert!(outcome.stderr.contains("Usage: kubectl kafka [OPTIONS] <COMMAND>"), "{outcome}");
    assert_eq!(outcome.code, Some(2));
}

#[test]
fn every_command_has_help_that_says_kubectl_kafka() {
    for path in commands(&Cli::tree(), &[]) {
        let mut arguments: Vec<&str> = path.iter().map(String::as_str).collect();
        arguments.push("--help");
        let outcome = kafka(&arguments).run();
        assert_eq!(outcome.code, Some(0), "{outcome}");
        assert_eq!(outcome.stderr, "", "{outcome}");
        let usage = format!("Usage: kubectl kafka {}", path.join(" "));
        assert!(outcome.stdout.contains(usage.trim_end()), "{outcome}");
    }
}

#[test]
fn help_lines_are_imperative_sentences_without_a_full_stop() {
    fn check(command: &clap::Command) {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        assert!(!about.is_empty() && !about.ends_with('.'), "{}: \"{about}\"", command.get_name());
        for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(
                !help.is_empty() && !help.ends_with('.'),
                "{} {}: \"{help}\"",
                command.get_name(),
                argument.get_id()
            );
        }
        command.get_subcommands().for_each(check);
    }
    check(&Cli::tree());
}

/// Whoever types kubectl all day types these without looking.
const MEANINGS: [(char, &str); 8] = [
    ('o', "output"),
    ('n', "namespace"),
    ('A', "all_namespaces"),
    ('l', "selector"),
    ('f', "file"),
    ('w', "watch"),
    ('v', "verbosity"),
    ('s', "server"),
];

#[test]
fn short_flags_keep_the_meaning_that_they_have_in_kubectl() {
    fn check(command: &clap::Command) {
        for argument in command.get_arguments() {
            let meaning = MEANINGS.iter().find(|(letter, _)| argument.get_short() == Some(*letter));
            if let Some((letter, meaning)) = meaning {
                assert_eq!(argument.get_id().as_str(), *meaning, "-{letter} of {}", command.get_name());
            }
        }
        command.get_subcommands().for_each(check);
    }
    check(&Cli::tree());
}

fn commands(command: &clap::Command, path: &[String]) -> Vec<Vec<String>> {
    let mut all = vec![path.to_vec()];
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        let mut path = path.to_vec();
        path.push(subcommand.get_name().to_owned());
        all.extend(commands(subcommand, &path));
    }
    all
}
