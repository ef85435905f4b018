//! What goes where: data to stdout, everything else to stderr, colours only where they are wanted.

use std::io::pipe;

use insta::assert_snapshot;

use crate::kafka::kafka;

#[test]
fn a_reader_that_went_away_is_no_failure() {
    for arguments in [&["completion", "bash"][..], &["--help"], &["version", "--client"]] {
        let (reader, writer) = pipe().expect("a pipe");
        drop(reader);
        let outcome = kafka(arguments).stdout(writer).run();
        assert_eq!((outcome.stderr.as_str(), outcome.code), ("", Some(0)), "{outcome}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_disk_that_is_full_is_a_failure() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a device that is always full");
    assert_snapshot!(kafka(&["version", "--client"]).stdout(full).run(), @"
    $ kubectl kafka version --client
    --- stderr
    error: cannot write the output: No space left on device (os error 28)
    --- exit code 1
    ");
}

#[test]
fn a_format_that_does_not_exist() {
    assert_snapshot!(kafka(&["version", "-o", "xml"]).run(), @"
    $ kubectl kafka version -o xml
    --- stderr
    error: invalid value 'xml' for '--output <FORMAT>': expected json, yaml, wide, name, jsonpath=… or custom-columns=…

    For more information, try '--help'.
    --- exit code 2
    ");
}

#[test]
fn a_format_that_is_not_offered() {
    assert_snapshot!(kafka(&["version", "-o", "go-template={{.a}}"]).run(), @"
    $ kubectl kafka version -o go-template={{.a}}
    --- stderr
    error: invalid value 'go-template={{.a}}' for '--output <FORMAT>': go-template is not offered; use jsonpath=… or json

    For more information, try '--help'.
    --- exit code 2
    ");
}

#[test]
fn a_template_that_is_missing() {
    assert_snapshot!(kafka(&["version", "-o", "jsonpath"]).run(), @"
    $ kubectl kafka version -o jsonpath
    --- stderr
    error: invalid value 'jsonpath' for '--output <FORMAT>': jsonpath needs a template, as in jsonpath=…

    For more information, try '--help'.
    --- exit code 2
    ");
}

#[test]
fn a_template_that_is_broken() {
    assert_snapshot!(kafka(&["version", "--client", "-o", "jsonpath={.client"]).run(), @"
    $ kubectl kafka version --client -o jsonpath={.client
    --- stderr
    error: invalid jsonpath template: a `{` is never closed
    --- exit code 2
    ");
}

#[test]
fn colour_only_when_asked_for() {
    let error = ["topics", "list", "--bootstrap-server", "nowhere"];
    let coloured = |arguments: &[&str], no_color: Option<&str>| {
        let arguments = [&error, arguments].concat();
        let run = kafka(&arguments);
        let run = if let Some(value) = no_color { run.env("NO_COLOR", value) } else { run };
        run.run().stderr.contains('\u{1b}')
    };
    assert!(!coloured(&[], None), "stderr is no terminal here");
    assert!(!coloured(&[], Some("1")));
    assert!(!coloured(&["--color", "never"], None));
    assert!(coloured(&["--color", "always"], None));
    assert!(coloured(&["--color", "always"], Some("1")), "the flag wins over NO_COLOR");
}
