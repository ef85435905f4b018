//! Which Kubernetes is meant, and what is said when none can be.

use insta::assert_snapshot;

use crate::kafka::kafka;

/// Port 1 of the loopback interface: refused at once.
const UNREACHABLE: &str = "
apiVersion: v1
kind: Config
current-context: far
clusters: [{name: far, cluster: {server: 'https://127.0.0.1:1'}}]
users: [{name: me, user: {token: secret}}]
contexts:
- {name: far, context: {cluster: far, user: me}}
- {name: dangling, context: {cluster: gone, user: me}}
";

#[test]
fn no_kubeconfig_at_all() {
    assert_snapshot!(kafka(&["topics", "list"]).run(), @"
    $ kubectl kafka topics list
    --- stderr
    error: no Kubernetes cluster is configured: there is no kubeconfig
    hint: name one with --kubeconfig or KUBECONFIG, or put it at ~/.kube/config
    --- exit code 1
    ");
}

#[test]
fn a_kubeconfig_that_does_not_exist() {
    assert_snapshot!(kafka(&["topics", "list", "--kubeconfig", "nope"]).run(), @"
    $ kubectl kafka topics list --kubeconfig nope
    --- stderr
    error: cannot read the kubeconfig nope: No such file or directory (os error 2)
    hint: name another with --kubeconfig or KUBECONFIG
    --- exit code 1
    ");
}

#[test]
fn a_kubeconfig_that_is_no_yaml() {
    assert_snapshot!(kafka(&["topics", "list"]).kubeconfig("contexts: [{name: a").run(), @"
    $ kubectl kafka topics list
    --- stderr
    error: cannot read the kubeconfig $HOME/.kube/config: line 1 column 12: unclosed bracket '{'
    hint: name another with --kubeconfig or KUBECONFIG
    --- exit code 1
    ");
}

#[test]
fn a_kubeconfig_that_is_something_else() {
    assert_snapshot!(kafka(&["topics", "list"]).kubeconfig("just a line\n").run(), @"
    $ kubectl kafka topics list
    --- stderr
    error: cannot read the kubeconfig $HOME/.kube/config: line 1 column 1: expected mapping start
    hint: name another with --kubeconfig or KUBECONFIG
    --- exit code 1
    ");
}

#[test]
fn an_empty_kubeconfig() {
    assert_snapshot!(kafka(&["topics", "list"]).kubeconfig("").run(), @"
    $ kubectl kafka topics list
    --- stderr
    error: no Kubernetes cluster is configured: the kubeconfig has no current context
    hint: choose one with `kubectl config use-context NAME`, or pass --context or --kubeconfig
    --- exit code 1
    ");
}

#[test]
fn a_context_that_does_not_exist() {
    assert_snapshot!(kafka(&["topics", "list", "--context", "prod"]).kubeconfig(UNREACHABLE).run(), @r#"
    $ kubectl kafka topics list --context prod
    --- stderr
    error: context "prod" does not exist in the kubeconfig
    hint: it has: far,dangling
    --- exit code 1
    "#);
}

#[test]
fn a_context_whose_cluster_does_not_exist() {
    assert_snapshot!(kafka(&["topics", "list", "--context", "dangling"]).kubeconfig(UNREACHABLE).run(), @r#"
    $ kubectl kafka topics list --context dangling
    --- stderr
    error: cluster "gone" does not exist in the kubeconfig
    --- exit code 1
    "#);
}

#[test]
fn a_user_that_does_not_exist() {
    assert_snapshot!(kafka(&["topics", "list", "--user", "you"]).kubeconfig(UNREACHABLE).run(), @r#"
    $ kubectl kafka topics list --user you
    --- stderr
    error: user "you" does not exist in the kubeconfig
    --- exit code 1
    "#);
}

#[test]
fn an_api_server_that_cannot_be_reached() {
    assert_snapshot!(kafka(&["topics", "list"]).kubeconfig(UNREACHABLE).run(), @"
    $ kubectl kafka topics list
    --- stderr
    error: cannot reach the Kubernetes API server https://127.0.0.1:1: Connection refused (os error 111)
    hint: is the cluster up, and the context right? `kubectl config current-context` tells
    --- exit code 1
    ");
}

#[test]
fn an_api_server_named_by_flag() {
    assert_snapshot!(kafka(&["topics", "list", "-s", "https://127.0.0.1:1"]).run(), @"
    $ kubectl kafka topics list -s https://127.0.0.1:1
    --- stderr
    error: cannot reach the Kubernetes API server https://127.0.0.1:1: Connection refused (os error 111)
    hint: is the cluster up, and the context right? `kubectl config current-context` tells
    --- exit code 1
    ");
}

#[test]
fn the_variable_wins_over_the_home_directory_and_the_flag_over_both() {
    let at = |host: &str| UNREACHABLE.replace("127.0.0.1:1", host);
    let run = |arguments: &[&str]| {
        kafka(arguments)
            .kubeconfig(&at("127.0.0.1:1"))
            .file("variable", &at("127.0.0.1:2"))
            .file("flag", &at("127.0.0.1:3"))
    };
    assert!(run(&["topics", "list"]).run().stderr.contains("127.0.0.1:1"));
    let outcome = run(&["topics", "list"]).env("KUBECONFIG", "variable").run();
    assert!(outcome.stderr.contains("127.0.0.1:2"), "{outcome}");
    let outcome = run(&["topics", "list", "--kubeconfig", "flag"]).env("KUBECONFIG", "variable").run();
    assert!(outcome.stderr.contains("127.0.0.1:3"), "{outcome}");
}

#[test]
fn a_certificate_authority_that_does_not_exist() {
    let arguments = ["topics", "list", "--certificate-authority", "ca.crt"];
    assert_snapshot!(kafka(&arguments).kubeconfig(UNREACHABLE).run(), @"
    $ kubectl kafka topics list --certificate-authority ca.crt
    --- stderr
    error: the kubeconfig cannot be used: cannot read ca.crt: No such file or directory (os error 2)
    --- exit code 1
    ");
}
