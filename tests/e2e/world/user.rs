//! A user who may do exactly what a Role says.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::program::{Outcome, Running, kubectl_reading, start};
use super::{kubectl, unique};

/// A ServiceAccount with one Role, and a kubeconfig with its token.
pub(crate) struct User {
    kubeconfig: PathBuf,
    namespace: String,
    _directory: tempfile::TempDir,
}

/// The rules of a Role in docs/permissions.md.
pub(crate) fn documented(role: &str) -> Vec<Value> {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/permissions.md")).expect("the page");
    let blocks = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let documents = blocks.map(|block| serde_saphyr::from_str::<Value>(block).expect("YAML"));
    let found = documents.into_iter().find(|document| document["metadata"]["name"] == role).expect("the Role");
    found["rules"].as_array().expect("rules").clone()
}

impl User {
    /// A user of the namespace with a Role of these rules.
    pub(crate) fn who_may(namespace: &str, rules: &[Value]) -> Self {
        let name = unique("user");
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

    /// Runs the program as this user, to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        self.start(arguments).end()
    }

    /// Starts the program as this user.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let kubeconfig = self.kubeconfig.display().to_string();
        start(&[arguments, &["--kubeconfig", &kubeconfig, "--namespace", &self.namespace]].concat())
    }
}
