//! A user who may do exactly what a Role says.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::program::{Outcome, kubectl_reading, run};
use super::{kubectl, unique};

/// A ServiceAccount with a Role, and a kubeconfig with its token.
pub(crate) struct User {
    kubeconfig: PathBuf,
    namespace: String,
    _directory: tempfile::TempDir,
}

impl User {
    /// `rules`: the Role's rules, as (resources of the core group, verbs).
    pub(crate) fn who_may(namespace: &str, rules: &[(&[&str], &[&str])]) -> Self {
        let name = unique("user");
        let rules: Vec<Value> = rules
            .iter()
            .map(|(resources, verbs)| json!({"apiGroups": [""], "resources": resources, "verbs": verbs}))
            .collect();
        let metadata = json!({"name": name, "namespace": namespace});
        let objects = json!({"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
            {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata, "rules": rules},
            {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": metadata,
             "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
             "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}]},
        ]});
        kubectl_reading(&["create", "-f", "-"], &objects.to_string());
        let token = kubectl(&["create", "token", &name, "--namespace", namespace, "--duration=1h"]);

        let mut config: Value =
            serde_json::from_str(&kubectl(&["config", "view", "--flatten", "--output=json"])).expect("JSON");
        config["users"][0]["user"] = json!({"token": token.trim()});
        let directory = tempfile::tempdir().expect("a temporary directory");
        let kubeconfig = directory.path().join("kubeconfig");
        std::fs::write(&kubeconfig, config.to_string()).expect("a file");
        Self { kubeconfig, namespace: namespace.to_owned(), _directory: directory }
    }

    /// Runs the program as this user.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        let kubeconfig = self.kubeconfig.display().to_string();
        run(&[arguments, &["--kubeconfig", &kubeconfig, "--namespace", &self.namespace]].concat())
    }

    /// Runs the program as this user, with something to read.
    pub(crate) fn run_reading(&self, arguments: &[&str], input: &str) -> Outcome {
        let kubeconfig = self.kubeconfig.display().to_string();
        let arguments = [arguments, &["--kubeconfig", &kubeconfig, "--namespace", &self.namespace]].concat();
        super::start(&arguments).reading(input).end()
    }
}
