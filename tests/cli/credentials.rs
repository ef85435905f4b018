//! Credential plugins, and refusals of the API server.

use insta::assert_snapshot;
use serde_json::json;

use crate::api_server::{ApiServer, broker_pods, status};
use crate::kafka::kafka;

#[test]
fn a_credential_plugin_that_is_not_installed_shows_its_install_hint() {
    let server = ApiServer::refusing(401, "Unauthorized", "Unauthorized");
    let user = "{exec: {apiVersion: client.authentication.k8s.io/v1, command: no-such-plugin, \
                interactiveMode: Never, installHint: 'Install it with: brew install no-such-plugin'}}";
    let outcome = kafka(&["topics", "list"]).kubeconfig(&server.kubeconfig_with_user(user)).run();
    assert_snapshot!(outcome.with(&server.address, "SERVER"), @"
    $ kubectl kafka topics list
    --- stderr
    error: cannot log in to http://SERVER: credential plugin `no-such-plugin`: could not be started: No such file or directory (os error 2)
    hint: Install it with: brew install no-such-plugin
    --- exit code 1
    ");
}

#[test]
fn a_credential_plugin_that_fails_is_quoted() {
    let server = ApiServer::refusing(401, "Unauthorized", "Unauthorized");
    let user = "{exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/sh, interactiveMode: Never, \
                args: [-c, 'echo your login has expired >&2; exit 3']}}";
    let outcome = kafka(&["topics", "list"]).kubeconfig(&server.kubeconfig_with_user(user)).run();
    assert_snapshot!(outcome.with(&server.address, "SERVER"), @"
    $ kubectl kafka topics list
    --- stderr
    error: cannot log in to http://SERVER: credential plugin `/bin/sh`: failed with exit status: 3: your login has expired
    --- exit code 1
    ");
}

#[test]
fn a_credential_plugins_token_is_sent() {
    let server = ApiServer::answering(|request| {
        let sent = request.headers.iter().any(|line| line.eq_ignore_ascii_case("authorization: Bearer from-plugin"));
        if sent { (200, broker_pods(&[])) } else { (401, status(401, "Unauthorized", "Unauthorized")) }
    });
    let credential = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "from-plugin"},
    });
    let user = format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: /bin/sh, interactiveMode: Never, \
         args: [-c, {}]}}}}",
        serde_json::to_string(&format!("echo '{credential}'")).expect("JSON")
    );
    let outcome = kafka(&["topics", "list"]).kubeconfig(&server.kubeconfig_with_user(&user)).run();
    assert!(outcome.stderr.starts_with("error: no Kafka cluster found"), "{outcome}");
}

#[test]
fn credentials_that_expired() {
    let server = ApiServer::refusing(401, "Unauthorized", "Unauthorized");
    assert_snapshot!(kafka(&["topics", "list"]).kubeconfig(&server.kubeconfig()).run(), @"
    $ kubectl kafka topics list
    --- stderr
    Error from server (Unauthorized): Unauthorized
    hint: your credentials are missing or expired; check with `kubectl auth whoami`
    --- exit code 1
    ");
}

#[test]
fn a_role_that_is_too_small_is_named_in_kubectls_words() {
    let server = ApiServer::refusing(
        403,
        "Forbidden",
        "pods is forbidden: User \"eva\" cannot list resource \"pods\" in API group \"\" in the namespace \"kafka\"",
    );
    assert_snapshot!(kafka(&["topics", "list"]).kubeconfig(&server.kubeconfig()).run(), @r#"
    $ kubectl kafka topics list
    --- stderr
    Error from server (Forbidden): pods is forbidden: User "eva" cannot list resource "pods" in API group "" in the namespace "kafka"
    hint: ask for a Role with this verb on this resource; most commands need get and list on pods and services, and get and create on pods/portforward
    --- exit code 1
    "#);
}

#[test]
fn whom_to_be_is_sent() {
    let server = ApiServer::answering(|request| {
        let wanted = ["impersonate-user: eva", "impersonate-group: ops", "impersonate-extra-team: kafka"];
        let sent = |line: &&str| request.headers.iter().any(|header| header.eq_ignore_ascii_case(line));
        if wanted.iter().all(sent) {
            (200, broker_pods(&[]))
        } else {
            (403, status(403, "Forbidden", "headers missing"))
        }
    });
    let arguments = ["topics", "list", "--as", "eva", "--as-group", "ops", "--as-user-extra", "team=kafka"];
    let outcome = kafka(&arguments).kubeconfig(&server.kubeconfig()).run();
    assert!(outcome.stderr.starts_with("error: no Kafka cluster found"), "{outcome}");
}
