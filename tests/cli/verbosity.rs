//! `-v` in all the forms that kubectl takes.

use insta::assert_snapshot;

use crate::kafka::kafka;

#[test]
fn every_form_is_understood() {
    for flag in [&["-v"][..], &["-v6"], &["-v", "6"], &["-v=6"], &["--v"], &["--v=6"], &["--v", "6"]] {
        let outcome = kafka(&[&["version", "--client"], flag].concat()).run();
        assert_eq!(outcome.code, Some(0), "{outcome}");
    }
}

#[test]
fn a_level_that_is_none() {
    assert_snapshot!(kafka(&["version", "-v=loud"]).run(), @"
    $ kubectl kafka version -v=loud
    --- stderr
    error: invalid value 'loud' for '--v[=<LEVEL>]': expected a number from 0 to 10

    For more information, try '--help'.
    --- exit code 2
    ");
}

#[test]
fn the_log_goes_to_stderr() {
    // That it is silent without -v, the snapshots of all the other tests show.
    let arguments = ["topics", "list", "--bootstrap-server", "127.0.0.1:1", "-v=6"];
    let outcome = kafka(&arguments).run();
    assert!(outcome.stderr.lines().count() > 1, "{outcome}");
    assert_eq!(outcome.stdout, "", "{outcome}");
}
