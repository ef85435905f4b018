//! What must hold for every set of objects that is applied.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::*;
use crate::k8s::names::{LABEL_COMPONENT, LABEL_INSTANCE, LABEL_MANAGED_BY, MANAGER};

fn spec(brokers: u32, controllers: u32) -> ClusterSpec {
    let mut spec = ClusterSpec::default();
    (spec.brokers, spec.controllers) = (brokers, controllers);
    spec
}

fn all(spec: &ClusterSpec) -> Vec<Manifest> {
    let name = ClusterName::from_label("demo");
    let target = Target { name: &name, namespace: "kafka", spec };
    let mut manifests = vec![
        document(&target).expect("a document"),
        secret(&target, &Identity::generate(spec.voters())).expect("a Secret"),
    ];
    let names = file_names(&target);
    manifests.extend(config_maps(&target, &names).expect("ConfigMaps"));
    manifests.extend(supporting(&target).expect("objects"));
    manifests.extend(workloads(&target, &names).expect("workloads"));
    manifests
}

fn body(manifests: &[Manifest], reference: &str) -> Value {
    let found = manifests.iter().find(|manifest| manifest.reference() == reference);
    found.unwrap_or_else(|| panic!("no {reference}")).body.clone()
}

/// Without the checksums.
pub(super) fn references(manifests: &[Manifest]) -> Vec<String> {
    let stem = |manifest: &Manifest| {
        let reference = manifest.reference();
        let role =
            Role::ALL.into_iter().find(|role| is_file_name(&ClusterName::from_label("demo"), *role, &manifest.name));
        match role {
            Some(role) if manifest.resource.kind == "ConfigMap" => format!("configmap/demo-{role}-*"),
            _ => reference,
        }
    };
    manifests.iter().map(stem).collect()
}

/// The ConfigMap of a role.
fn files_of(manifests: &[Manifest], role: Role) -> &Manifest {
    let demo = ClusterName::from_label("demo");
    let is_it =
        |manifest: &&Manifest| manifest.resource.kind == "ConfigMap" && is_file_name(&demo, role, &manifest.name);
    manifests.iter().find(is_it).expect("a ConfigMap")
}

#[test]
fn the_objects_of_dedicated_and_combined_clusters() {
    let references = |spec: &ClusterSpec| references(&all(spec));
    assert_eq!(
        references(&spec(3, 3)),
        [
            "configmap/demo-cluster",
            "secret/demo-kraft",
            "configmap/demo-controller-*",
            "configmap/demo-broker-*",
            "serviceaccount/demo-kafka",
            "service/demo-controllers",
            "service/demo-brokers",
            "service/demo-bootstrap",
            "networkpolicy.networking.k8s.io/demo-controller",
            "poddisruptionbudget.policy/demo-controller",
            "networkpolicy.networking.k8s.io/demo-broker",
            "poddisruptionbudget.policy/demo-broker",
            "statefulset.apps/demo-controller",
            "statefulset.apps/demo-broker",
        ]
    );
    let combined = references(&spec(3, 0));
    assert!(!combined.iter().any(|reference| reference.contains("controller")), "{combined:?}");
}

#[test]
fn every_object_carries_the_clusters_labels_and_namespace() {
    for spec in [spec(3, 3), spec(1, 0)] {
        for manifest in all(&spec) {
            let metadata = &manifest.body["metadata"];
            assert_eq!(metadata["labels"][LABEL_MANAGED_BY], MANAGER, "{}", manifest.reference());
            assert_eq!(metadata["labels"][LABEL_INSTANCE], "demo", "{}", manifest.reference());
            assert_eq!(metadata["namespace"], "kafka", "{}", manifest.reference());
            let keys: Vec<&String> = manifest.body.as_object().expect("an object").keys().collect();
            assert_eq!(keys[..3], ["apiVersion", "kind", "metadata"], "{}", manifest.reference());
        }
    }
}

#[test]
fn services_never_wait_for_pods_that_wait_for_them() {
    let objects = all(&spec(3, 3));
    for service in ["service/demo-controllers", "service/demo-brokers"] {
        let spec = &body(&objects, service)["spec"];
        assert_eq!(
            (&spec["clusterIP"], &spec["publishNotReadyAddresses"]),
            (&json!("None"), &json!(true)),
            "{service}"
        );
    }
    let bootstrap = body(&objects, "service/demo-bootstrap");
    assert_eq!(bootstrap["spec"]["selector"][LABEL_COMPONENT], "broker");
    assert_eq!(bootstrap["spec"]["ports"][0]["port"], 9092);
    assert!(bootstrap["spec"].get("publishNotReadyAddresses").is_none());
}

#[test]
fn workloads_are_rolled_by_us_and_volumes_outlive_them() {
    let objects = all(&spec(5, 3));
    for (reference, replicas, grace, port) in [
        ("statefulset.apps/demo-controller", 3, 60, "tcp-controller"),
        ("statefulset.apps/demo-broker", 5, 300, "tcp-kafka"),
    ] {
        let set = &body(&objects, reference)["spec"];
        assert_eq!(set["replicas"], replicas);
        assert_eq!(set["podManagementPolicy"], "Parallel");
        assert_eq!(set["updateStrategy"], json!({"type": "OnDelete"}));
        assert_eq!(
            set["persistentVolumeClaimRetentionPolicy"],
            json!({"whenDeleted": "Retain", "whenScaled": "Retain"})
        );
        let pod = &set["template"]["spec"];
        assert_eq!(pod["terminationGracePeriodSeconds"], grace);
        for probe in ["startupProbe", "readinessProbe"] {
            assert_eq!(pod["containers"][0][probe]["tcpSocket"]["port"], port, "{reference} {probe}");
        }
        assert!(pod["containers"][0].get("livenessProbe").is_none());
        // What selects the pods is what they carry.
        let labels: BTreeMap<String, String> =
            serde_json::from_value(set["template"]["metadata"]["labels"].clone()).expect("labels");
        let selector: BTreeMap<String, String> =
            serde_json::from_value(set["selector"]["matchLabels"].clone()).expect("labels");
        assert!(selector.iter().all(|(key, value)| labels.get(key) == Some(value)));
    }
}

#[test]
fn pods_pass_the_restricted_level() {
    for manifest in all(&spec(3, 3)).iter().filter(|manifest| manifest.resource.kind == "StatefulSet") {
        let pod = &manifest.body["spec"]["template"]["spec"];
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(pod["securityContext"]["runAsUser"], 1000);
        assert_eq!(pod["securityContext"]["fsGroup"], 1000);
        assert_eq!(pod["securityContext"]["seccompProfile"], json!({"type": "RuntimeDefault"}));
        let container = &pod["containers"][0]["securityContext"];
        assert_eq!(container["allowPrivilegeEscalation"], false);
        assert_eq!(container["readOnlyRootFilesystem"], true);
        assert_eq!(container["capabilities"], json!({"drop": ["ALL"]}));
        assert_eq!((&pod["automountServiceAccountToken"], &pod["enableServiceLinks"]), (&json!(false), &json!(false)));
    }
}

#[test]
fn memory_is_request_and_limit_and_controllers_stay_small() {
    let mut spec = spec(3, 3);
    spec.memory = "8Gi".parse().expect("a quantity");
    spec.storage.class = Some("fast".into());
    let objects = all(&spec);
    let resources =
        |reference: &str| body(&objects, reference)["spec"]["template"]["spec"]["containers"][0]["resources"].clone();
    let expected = json!({"limits": {"memory": "8Gi"}, "requests": {"cpu": "250m", "memory": "8Gi"}});
    assert_eq!(resources("statefulset.apps/demo-broker"), expected);
    assert_eq!(resources("statefulset.apps/demo-controller")["limits"]["memory"], "1Gi");
    let claim = &body(&objects, "statefulset.apps/demo-broker")["spec"]["volumeClaimTemplates"][0]["spec"];
    assert_eq!(
        (&claim["storageClassName"], &claim["resources"]["requests"]["storage"]),
        (&json!("fast"), &json!("10Gi"))
    );
}

#[test]
fn every_file_and_variable_that_the_script_reads_is_there() {
    for spec in [spec(3, 3), spec(3, 0), spec(1, 0)] {
        let objects = all(&spec);
        for role in spec.roles() {
            let set = body(&objects, &format!("statefulset.apps/demo-{role}"));
            let container = &set["spec"]["template"]["spec"]["containers"][0];
            let variables: BTreeSet<&str> =
                container["env"].as_array().into_iter().flatten().filter_map(|entry| entry["name"].as_str()).collect();
            let map = files_of(&objects, *role);
            let mounted = &set["spec"]["template"]["spec"]["volumes"];
            let volume = mounted.as_array().into_iter().flatten().find(|volume| volume["name"] == CONFIG_VOLUME);
            assert_eq!(volume.expect("a volume")["configMap"]["name"], map.name, "{role}");
            let files = map.body["data"].clone();
            let script = files["start.sh"].as_str().expect("a script");
            for wanted in ["CLUSTER_ID", "MODE", "DIR_0", "DIR_1", "DIR_2"] {
                let read = script.contains(&format!("${wanted}"));
                assert_eq!(variables.contains(wanted), read, "{role} {wanted}");
            }
            for file in ["server.properties", "log4j2.yaml"] {
                assert!(files.get(file).is_some() && script.contains(&format!("{CONFIG_MOUNT}/{file}")), "{file}");
            }
        }
    }
}

#[test]
fn a_changed_file_changes_the_pod_template_and_what_kafka_takes_at_once_does_not() {
    let (name, plain) = (ClusterName::from_label("demo"), spec(3, 3));
    let names = file_names(&Target { name: &name, namespace: "kafka", spec: &plain });
    let template = |spec: &ClusterSpec| -> Vec<Value> {
        let sets = workloads(&Target { name: &name, namespace: "kafka", spec }, &names).expect("workloads");
        sets.iter().map(|set| set.body["spec"]["template"].clone()).collect()
    };
    let with = |key: &str| {
        let mut changed = spec(3, 3);
        changed.config.insert(key.into(), "1".into());
        changed
    };
    assert_eq!(template(&plain), template(&with("log.retention.ms")));
    let changed = template(&with("log.retention.hours"));
    assert!(template(&plain).iter().zip(&changed).all(|(before, after)| before["metadata"] != after["metadata"]));
}

#[test]
fn only_the_client_port_is_open_to_everyone() {
    let rules = |spec: &ClusterSpec, reference: &str| -> Vec<(Vec<i64>, bool)> {
        let ingress = body(&all(spec), reference)["spec"]["ingress"].clone();
        let rule = |rule: &Value| {
            let ports =
                rule["ports"].as_array().into_iter().flatten().filter_map(|port| port["port"].as_i64()).collect();
            (ports, rule.get("from").is_none())
        };
        ingress.as_array().into_iter().flatten().map(rule).collect()
    };
    let policy = |role: &str| format!("networkpolicy.networking.k8s.io/demo-{role}");
    assert_eq!(rules(&spec(3, 3), &policy("controller")), [(vec![9093], false)]);
    assert_eq!(rules(&spec(3, 3), &policy("broker")), [(vec![9091], false), (vec![9092], true)]);
    assert_eq!(rules(&spec(3, 0), &policy("broker")), [(vec![9091, 9093], false), (vec![9092], true)]);
}

#[test]
fn disruption_budgets_let_one_pod_go() {
    let budget = body(&all(&spec(3, 3)), "poddisruptionbudget.policy/demo-broker");
    assert_eq!(budget["spec"]["maxUnavailable"], 1);
    assert_eq!(budget["spec"]["selector"]["matchLabels"][LABEL_COMPONENT], "broker");
}
