//! What cannot be meant is refused with 2 and a line that says what could be.

use insta::assert_snapshot;

use crate::kafka::kafka;

#[test]
fn an_unknown_command_is_answered_with_the_nearest() {
    assert_snapshot!(kafka(&["topcis", "list"]).run(), @"
    $ kubectl kafka topcis list
    --- stderr
    error: unrecognized subcommand 'topcis'

      tip: some similar subcommands exist: 'topic', 'topics'

    Usage: kubectl kafka [OPTIONS] <COMMAND>

    For more information, try '--help'.
    --- exit code 2
    ");
}

#[test]
fn a_noun_without_a_verb_shows_its_verbs() {
    let outcome = kafka(&["topics"]).run();
    assert!(outcome.stderr.contains("Usage: kubectl kafka topics [OPTIONS] <COMMAND>"), "{outcome}");
    assert_eq!((outcome.stdout.as_str(), outcome.code), ("", Some(2)));
}

#[test]
fn an_unknown_flag_is_answered_with_the_nearest() {
    assert_snapshot!(kafka(&["topics", "list", "--namespaces", "a"]).run(), @"
    $ kubectl kafka topics list --namespaces a
    --- stderr
    error: unexpected argument '--namespaces' found

      tip: a similar argument exists: '--namespace'

    Usage: kubectl kafka topics list --namespace <NAMESPACE>

    For more information, try '--help'.
    --- exit code 2
    ");
}

#[test]
fn a_flag_without_its_value() {
    assert_snapshot!(kafka(&["topics", "list", "-n"]).run(), @"
    $ kubectl kafka topics list -n
    --- stderr
    error: a value is required for '--namespace <NAMESPACE>' but none was supplied

    For more information, try '--help'.
    --- exit code 2
    ");
}

#[test]
fn a_timeout_that_is_none() {
    assert_snapshot!(kafka(&["topics", "list", "--request-timeout", "soon"]).run(), @"
    $ kubectl kafka topics list --request-timeout soon
    --- stderr
    error: invalid value 'soon' for '--request-timeout <DURATION>': `soon` is no duration; write for example 30s, 5m or 1h30m

    For more information, try '--help'.
    --- exit code 2
    ");
}

#[test]
fn a_colour_that_is_none() {
    assert_snapshot!(kafka(&["topics", "list", "--color", "blue"]).run(), @"
    $ kubectl kafka topics list --color blue
    --- stderr
    error: invalid value 'blue' for '--color <WHEN>'
      [possible values: auto, always, never]

    For more information, try '--help'.
    --- exit code 2
    ");
}

#[test]
fn global_flags_work_before_and_after_the_command() {
    let before = kafka(&["--bootstrap-server", "nowhere", "topics", "list"]).run();
    let between = kafka(&["topics", "--bootstrap-server", "nowhere", "list"]).run();
    let after = kafka(&["topics", "list", "--bootstrap-server", "nowhere"]).run();
    assert!(before.stderr.contains("\"nowhere\" is no host:port"), "{before}");
    assert_eq!((&before.stderr, before.code), (&between.stderr, between.code));
    assert_eq!((&before.stderr, before.code), (&after.stderr, after.code));
}

#[test]
fn aliases_are_the_command_itself() {
    let long = kafka(&["topics", "list", "--bootstrap-server", "nowhere"]).run();
    let short = kafka(&["topic", "ls", "--bootstrap-server", "nowhere"]).run();
    assert_eq!((&long.stderr, long.code), (&short.stderr, short.code));
}
