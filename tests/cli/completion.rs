//! Completion as the shells see it. Names from a live cluster are in `tests/e2e`.

use std::path::Path;
use std::process::Command;

use insta::assert_snapshot;

use crate::api_server::{ApiServer, broker_pods};
use crate::kafka::kafka;

const FILES: [(&str, &str); 5] = [
    ("bash", "kubectl-kafka.bash"),
    ("zsh", "_kubectl-kafka"),
    ("fish", "kubectl-kafka.fish"),
    ("powershell", "kubectl-kafka.ps1"),
    ("kubectl", "kubectl_complete-kafka"),
];

fn directory() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/completions"))
}

#[test]
fn the_files_in_completions_are_what_the_command_prints() {
    for (shell, file) in FILES {
        let outcome = kafka(&["completion", shell]).run();
        let checked_in = std::fs::read_to_string(directory().join(file)).expect("a file in completions/");
        assert_eq!(outcome.stdout, checked_in, "run `make completions`");
        assert_eq!((outcome.stderr.as_str(), outcome.code), ("", Some(0)));
    }
    let entries = std::fs::read_dir(directory()).expect("completions/").count();
    assert_eq!(entries, FILES.len(), "completions/ has a file that no shell prints");
}

#[test]
#[cfg(unix)]
fn the_program_that_kubectl_runs_is_executable() {
    use std::os::unix::fs::PermissionsExt;
    let file = directory().join("kubectl_complete-kafka");
    let mode = std::fs::metadata(file).expect("the program").permissions().mode();
    assert_eq!(mode & 0o111, 0o111, "{mode:o}");
}

#[test]
fn a_shell_that_is_not_known() {
    assert_snapshot!(kafka(&["completion", "tcsh"]).run(), @"
    $ kubectl kafka completion tcsh
    --- stderr
    error: invalid value 'tcsh' for '<SHELL>'
      [possible values: bash, zsh, fish, powershell, kubectl]

      tip: a similar value exists: 'zsh'

    For more information, try '--help'.
    --- exit code 2
    ");
}

#[test]
fn contexts_come_from_the_kubeconfig() {
    let kubeconfig = "apiVersion: v1\nkind: Config\ncontexts:\n- {name: blue, context: {cluster: a}}\n- {name: green, context: {cluster: a}}\n";
    assert_snapshot!(kafka(&["__complete", "--", "topics", "--context", ""]).kubeconfig(kubeconfig).run(), @"
    $ kubectl kafka __complete -- topics --context 
    --- stdout
    blue
    green
    :4
    --- exit code 0
    ");
}

#[test]
fn kafka_clusters_come_from_the_labels_of_their_pods() {
    let server = ApiServer::answering(|_| (200, broker_pods(&["blue", "green"])));
    let run = |words: &[&str]| kafka(words).kubeconfig(&server.kubeconfig()).run().stdout;
    assert_eq!(run(&["__complete", "--", "topics", "list", "-K", ""]), "blue\t1 broker\ngreen\t1 broker\n:4\n");
    assert_eq!(run(&["__complete", "--", "topics", "list", "--kafka=g"]), "green\t1 broker\n:4\n");
}

#[test]
fn the_connection_flags_of_the_line_are_used() {
    let server = ApiServer::answering(|request| {
        let here = request.path.starts_with("/api/v1/namespaces/elsewhere/");
        (200, broker_pods(if here { &["there"] } else { &["here"] }))
    });
    let words = ["__complete", "--", "-nelsewhere", "topics", "list", "-K", ""];
    assert_eq!(kafka(&words).kubeconfig(&server.kubeconfig()).run().stdout, "there\t1 broker\n:4\n");
}

#[test]
fn what_cannot_be_reached_is_silent_and_quick() {
    let unreachable = "apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{name: a, cluster: {server: \
                       'https://10.255.255.1:6443'}}]\ncontexts: [{name: a, context: {cluster: a}}]\n";
    for words in [&["topics", "delete", ""][..], &["-n", ""], &["topics", "list", "-K", ""]] {
        let began = std::time::Instant::now();
        let outcome = kafka(&[&["__complete", "--"], words].concat()).kubeconfig(unreachable).run();
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str(), outcome.code), (":4\n", "", Some(0)));
        assert!(began.elapsed().as_millis() < 3000, "{:?} for {outcome}", began.elapsed());
    }
    let outcome = kafka(&["__complete", "--", "--context", ""]).kubeconfig("broken: [").run();
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str(), outcome.code), (":4\n", "", Some(0)));
}

/// Completes a line, cut into words as bash cuts it, with the checked-in script; the cursor is at its end.
fn bash(line: &str, words: &[&str]) -> Vec<String> {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let script = format!(
        "source '{}'; COMP_LINE='{line}' COMP_POINT={} COMP_CWORD={}; COMP_WORDS=({}); _kubectl_kafka 2>/dev/null; \
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        directory().join("kubectl-kafka.bash").display(),
        line.len(),
        words.len() - 1,
        quoted.join(" "),
    );
    let program = Path::new(env!("CARGO_BIN_EXE_kubectl-kafka"));
    let path = format!("{}:/usr/bin:/bin", program.parent().expect("a directory").display());
    let home = tempfile::tempdir().expect("a temporary directory");
    let kubeconfig = "apiVersion: v1\nkind: Config\ncontexts: [{name: 'arn:aws:eks:blue', context: {cluster: a}}]\n";
    std::fs::write(home.path().join("config"), kubeconfig).expect("a file");
    let output = Command::new("bash")
        .args(["--norc", "--noprofile", "-c", &script])
        .env_clear()
        .env("PATH", path)
        .env("HOME", home.path())
        .env("KUBECONFIG", home.path().join("config"))
        .output()
        .expect("bash");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().filter(|line| !line.is_empty()).map(ToOwned::to_owned).collect()
}

#[test]
#[cfg(unix)]
fn bash_completes_words_flags_and_values() {
    let program = "kubectl-kafka";
    assert_eq!(bash("kubectl-kafka topics cr", &[program, "topics", "cr"]), ["create"]);
    assert_eq!(bash("kubectl-kafka topics ", &[program, "topics", ""]), ["create", "list", "describe", "delete"]);
    assert_eq!(bash("kubectl-kafka topics list --name", &[program, "topics", "list", "--name"]), ["--namespace"]);
    assert_eq!(bash("kubectl-kafka version -o y", &[program, "version", "-o", "y"]), ["yaml"]);
}

#[test]
#[cfg(unix)]
fn bash_gets_only_the_part_behind_its_word_breaks() {
    let program = "kubectl-kafka";
    let output = bash("kubectl-kafka version --output=y", &[program, "version", "--output", "=", "y"]);
    assert_eq!(output, ["yaml"]);
    let output = bash("kubectl-kafka version --output=", &[program, "version", "--output", "="]);
    assert_eq!(output, ["json", "yaml", "wide", "name"]);
    let context = bash("kubectl-kafka --context arn:aws:e", &[program, "--context", "arn", ":", "aws", ":", "e"]);
    assert_eq!(context, ["eks:blue"]);
}
