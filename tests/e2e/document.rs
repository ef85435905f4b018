//! Cluster documents: `install -f`, `--diff`, `get cluster`, and what the document alone can ask for.

use std::time::Duration;

use crate::world::{Permit, SMALL, kubectl, kubectl_reading, namespace, run, start};

trials! {
    a_document_is_installed_shown_compared_and_comes_back_on_kept_data,
    every_preset_passes_kubectls_own_check,
    a_document_with_a_mistake_changes_nothing,
    a_comparison_says_by_its_exit_code_whether_anything_differs,
    what_kubectl_applied_is_taken_over_only_when_that_is_said,
}

/// All that needs no second node.
const DOCUMENT: &str = "\
apiVersion: kubectl-kafka/v1
kind: Cluster
metadata: {name: written}
spec:
  brokers: 1
  controllers: 0
  memory: 768Mi
  cpu: 50m
  heap: 320Mi
  jvmOptions: [-XX:MaxGCPauseMillis=50]
  storage: {size: 1Gi, disks: 2}
  config: {log.retention.hours: '7'}
  rackMap: {zone-a: [0]}
  listeners:
  - {name: PUBLIC, port: 9094, advertised: 'kafka-{ordinal}.example.com:9094'}
  pods: {labels: {team: payments}, annotations: {example.com/note: kept}}
";

fn a_document_is_installed_shown_compared_and_comes_back_on_kept_data() {
    let _permit = Permit::take();
    let namespace = namespace();
    let here = namespace.name.as_str();
    let with = |arguments: &[&str], document: &str| {
        let arguments = [&arguments[..1], &["-n", here], &arguments[1..]].concat();
        start(&arguments).within(Duration::from_secs(300)).reading(document).end()
    };
    with(&["install", "-f", "-"], DOCUMENT).succeeded();

    let brokers = run(&["status", "-n", here, "-o", "jsonpath={.brokers.items[*].rack}"]).succeeded();
    assert_eq!(brokers.stdout_text().trim(), "zone-a");
    let pod = |path: &str| kubectl(&["get", "pod", "written-broker-0", "-n", here, "-o", &format!("jsonpath={path}")]);
    assert_eq!(pod("{.metadata.labels.team}"), "payments");
    assert_eq!(pod(r"{.metadata.annotations.example\.com/note}"), "kept");
    assert!(pod("{.spec.containers[0].ports[*].containerPort}").contains("9094"));
    let claims = kubectl(&["get", "pvc", "-n", here, "-o", "name"]);
    assert_eq!(claims.lines().count(), 2, "{claims}");
    let log = kubectl(&["logs", "written-broker-0", "-n", here]);
    assert!(log.contains("PUBLIC://kafka-0.example.com:9094"), "the second listener is advertised");
    assert!(log.contains("-XX:MaxGCPauseMillis=50") || log.contains("data-1/kafka-log"), "both disks are used");

    let kept = run(&["get", "cluster", "written", "-n", here, "-o", "yaml"]).succeeded().stdout_text();
    assert!(kept.contains("kind: Cluster") && kept.contains("zone-a"), "{kept}");
    assert_eq!(with(&["install", "--diff", "-f", "-"], &kept).succeeded().stdout_text(), "");
    let again = with(&["install", "-f", "-"], &kept).succeeded();
    assert!(again.stderr.contains("nothing was changed"), "{again}");
    let refused = with(&["install", "-f", "-"], &DOCUMENT.replace("size: 1Gi", "size: 512Mi")).exited(1);
    assert!(refused.stderr.contains("storage   1Gi       512Mi    stdin: line 11"), "{refused}");
    let setting = DOCUMENT.replace("log.retention.hours: '7'", "log.retention.hours: '7', log.cleaner.threads: many");
    with(&["install", "-f", "-"], &setting).exited(1).says("stdin: line 12: Kafka refuses log.cleaner.threads=many");

    run(&["topics", "create", "orders", "-n", here]).succeeded();
    start(&["produce", "orders", "-n", here]).reading("hello\n").end().succeeded();
    run(&["uninstall", "written", "--yes", "-n", here]).succeeded();
    with(&["install", "-f", "-"], &kept).succeeded();
    let read = run(&["consume", "orders", "--from-beginning", "--exit-at-end", "-n", here]).succeeded();
    assert_eq!(read.stdout_text(), "hello\n");
}

fn every_preset_passes_kubectls_own_check() {
    let namespace = namespace();
    for preset in ["dev", "default", "production"] {
        let arguments =
            ["install", "gitops", "-n", &namespace.name, "--preset", preset, "--dry-run=client", "-o", "yaml"];
        let objects = run(&arguments).succeeded().stdout_text();
        let checked = kubectl_reading(&["apply", "--dry-run=server", "-f", "-"], &objects);
        assert_eq!(checked.lines().count(), objects.matches("\n---\n").count() + 1, "{checked}");
        assert!(checked.lines().all(|line| line.ends_with("created (server dry run)")), "{checked}");
    }
}

fn a_comparison_says_by_its_exit_code_whether_anything_differs() {
    let namespace = namespace();
    let missing = format!("{}-missing", namespace.name);
    let compared = |namespace: &str, more: &[&str]| {
        let arguments = [&["install", "--diff", "-f", "-", "-n", namespace], more].concat();
        start(&arguments).reading(DOCUMENT).end()
    };
    let outcome = compared(&namespace.name, &[]).exited(1);
    assert!(outcome.stdout_text().contains("+++ merged/statefulset.apps/written-broker\n"), "{outcome}");
    compared(&missing, &[]).exited(2).says("--create-namespace");
    let outcome = compared(&missing, &["--create-namespace"]).exited(1).says("does not exist yet");
    for object in [&format!("namespace/{missing}"), "statefulset.apps/written-broker"] {
        assert!(outcome.stdout_text().contains(&format!("+++ merged/{object}\n")), "{outcome}");
    }
    assert_eq!(kubectl(&["get", "namespace", &missing, "--ignore-not-found", "-o", "name"]), "");
    let made = ["get", "configmaps,statefulsets", "-n", &namespace.name, "-l", "app.kubernetes.io/name=kafka"];
    assert_eq!(kubectl(&[&made[..], &["-o", "name"]].concat()), "");
}

fn a_document_with_a_mistake_changes_nothing() {
    let namespace = namespace();
    let mistaken = DOCUMENT.replace("rackMap", "rackMop");
    let outcome = start(&["install", "-f", "-", "-n", &namespace.name]).reading(mistaken.as_str()).end().exited(2);
    assert!(outcome.stderr.contains("line 13: spec.rackMop: unknown field; did you mean \"rackMap\"?"), "{outcome}");
    let impossible = DOCUMENT.replace("[0]", "[0, 3]");
    let outcome = start(&["install", "-f", "-", "-n", &namespace.name]).reading(impossible.as_str()).end().exited(2);
    assert!(outcome.stderr.contains("stdin: line 13: spec.rackMap: zone-a: there is no broker 3"), "{outcome}");
    let objects = kubectl(&[
        "get",
        "configmaps,statefulsets",
        "-n",
        &namespace.name,
        "-l",
        "app.kubernetes.io/name=kafka",
        "-o",
        "name",
    ]);
    assert_eq!(objects, "");
}

fn what_kubectl_applied_is_taken_over_only_when_that_is_said() {
    let _permit = Permit::take();
    let namespace = namespace();
    let install = |more: &[&str]| {
        let flags = ["install", "gitops", "-n", &namespace.name, "--preset", "dev", "--tls"];
        start(&[&flags[..], &SMALL, more].concat()).within(Duration::from_secs(300)).end()
    };
    let objects = install(&["--dry-run=client", "-o", "yaml"]).succeeded().stdout_text();
    kubectl_reading(&["apply", "-f", "-"], &objects);

    install(&[]).succeeded().says("nothing was changed");

    let other = ["--config", "log.retention.ms=86400000"];
    let refused = install(&other).exited(1).says("--force-conflicts");
    let whose = r#"configmap/gitops-cluster: "kubectl-client-side-apply" has set .data.cluster.yaml to another value"#;
    assert!(refused.stderr.contains(whose), "{refused}");
    let renew = ["certs", "renew", "gitops", "-n", &namespace.name];
    let refused = run(&renew).exited(1).says("--force-conflicts");
    assert!(refused.stderr.contains("secret/gitops-broker-tls: \"kubectl-client-side-apply\" has set"), "{refused}");

    let taken = install(&[&other[..], &["--force-conflicts"]].concat()).succeeded();
    assert!(taken.lines().contains(&"configmap/gitops-cluster configured".to_owned()), "{taken}");
    install(&["--config", "log.retention.ms=90000000"]).succeeded();
}
