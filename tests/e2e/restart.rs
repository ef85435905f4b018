//! `restart`: new pods for old ones while Kafka goes on, and what happens when it cannot.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::world::{Kafka, Load, PER_SECOND, Running, User, breakable, documented, kubectl_reading, own, rolling};

trials! {
    all_pods_are_replaced_under_load_and_nothing_is_lost,
    a_second_roller_is_refused_and_ctrl_c_can_be_resumed,
    a_pod_that_does_not_come_back_stops_the_roll_and_the_fix_finishes_it,
    a_setting_that_breaks_a_node_stops_the_roll_and_a_better_one_finishes_it,
    what_kafka_takes_at_once_restarts_nothing_and_the_rest_is_rolled_out,
    brokers_that_are_controllers_too_are_replaced_one_by_one,
    one_small_node_is_restarted_with_a_warning_by_who_has_the_role_for_it,
    a_budget_that_forbids_it_is_named,
    a_dry_run_tells_the_order_and_changes_nothing,
}

/// Six pods at up to half a minute each, on a machine that does other things too.
const ROLL: Duration = Duration::from_secs(400);
/// A clean stop, and a start that is not the only one.
const BACK: Duration = Duration::from_secs(120);

fn restart(kafka: &Kafka, flags: &[&str]) -> Running {
    kafka.start(&[&["restart"][..], flags].concat()).within(ROLL)
}

/// Name → uid of every pod.
fn pods(kafka: &Kafka) -> BTreeMap<String, String> {
    let path = r"jsonpath={range .items[*]}{.metadata.name}={.metadata.uid}{' '}{end}";
    let text = kafka.kubectl(&["get", "pods", "-o", path]);
    text.split_whitespace().filter_map(|pod| pod.split_once('=')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
}

/// The ConfigMaps with the files of pods.
fn files(kafka: &Kafka) -> BTreeSet<String> {
    let component = "app.kubernetes.io/component";
    let names = kafka.kubectl(&["get", "configmaps", "-l", component, "-o", "jsonpath={.items[*].metadata.name}"]);
    names.split_whitespace().map(str::to_owned).collect()
}

/// Those that new pods mount.
fn current_files(kafka: &Kafka) -> BTreeSet<String> {
    let path = r"jsonpath={.items[*].spec.template.spec.volumes[*].configMap.name}";
    kafka.kubectl(&["get", "statefulsets", "-o", path]).split_whitespace().map(str::to_owned).collect()
}

/// The lines of stdout that tell of removed files.
fn removed_files(lines: &[String]) -> BTreeSet<String> {
    let removed = lines.iter().filter_map(|line| line.strip_prefix("configmap/")?.strip_suffix(" deleted"));
    removed.map(str::to_owned).collect()
}

/// A ConfigMap as for the brokers' files, applied by that tool.
fn a_config_map(kafka: &Kafka, name: &str, tool: &str) {
    let labels = json!({"app.kubernetes.io/managed-by": "kubectl-kafka", "app.kubernetes.io/instance": "own",
        "app.kubernetes.io/component": "broker"});
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": kafka.namespace.name, "labels": labels}});
    kubectl_reading(&["apply", "--server-side", "--field-manager", tool, "-f", "-"], &object.to_string());
}

/// Ends the program of a pod's container; the kubelet starts it again in the same pod.
fn crash(kafka: &Kafka, pod: &str) {
    let path = r"jsonpath={.status.containerStatuses[0].restartCount} {.status.containerStatuses[0].ready}";
    let state = || kafka.kubectl(&["get", "pod", pod, "-o", path]);
    assert_eq!(state(), "0 true");
    // A changed pod makes the kubelet bring what it mounts up to date, which else takes a minute or two.
    kafka.kubectl(&["annotate", "pod", pod, "kubectl-kafka-test/crash=soon"]);
    thread::sleep(Duration::from_secs(5));
    kafka.kubectl(&["exec", pod, "--", "bash", "-c", "kill 1"]);
    let began = Instant::now();
    while state() != "1 true" {
        assert!(began.elapsed() < BACK, "pod {pod} does not come back: {}", state());
        thread::sleep(Duration::from_secs(1));
    }
}

/// The pods that are not the same as before.
fn replaced(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    before.iter().filter(|(pod, uid)| after[*pod] != **uid).map(|(pod, _)| pod.clone()).collect()
}

fn all_pods_are_replaced_under_load_and_nothing_is_lost() {
    let kafka = rolling();
    // Brokers write their own time, so that the messages tell when they were taken.
    let topic = kafka.topic(&[
        "--partitions",
        "3",
        "--replication-factor",
        "3",
        "--config",
        "min.insync.replicas=2",
        "--config",
        "message.timestamp.type=LogAppendTime",
    ]);
    let before = pods(&kafka);
    let load = Load::on(&kafka, &topic);
    let roll = restart(&kafka, &["-o", "json"]).end();
    let sent = load.end();
    let plan = roll.succeeded().json();

    assert_eq!(replaced(&before, &pods(&kafka)).len(), 6);
    let items = plan["items"].as_array().expect("items");
    let roles: Vec<&str> = items.iter().filter_map(|item| item["role"].as_str()).collect();
    assert_eq!(roles, ["controller", "controller", "controller", "broker", "broker", "broker"]);
    assert_eq!(items[2]["place"], "activeController", "{plan}");
    let seconds: Vec<f64> = items.iter().filter_map(|item| item["seconds"].as_f64()).collect();
    assert_eq!(seconds.len(), 6, "{plan}");

    let read = kafka.consume(&topic, &["--format", r"%p %T %v\n"]).succeeded();
    let mut seen = vec![false; usize::try_from(sent).expect("few")];
    let mut last: BTreeMap<String, usize> = BTreeMap::new();
    let mut taken = Vec::new();
    for line in read.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let number: usize = words[2].parse().expect("a number");
        assert!(!std::mem::replace(&mut seen[number], true), "{number} came twice");
        if let Some(before) = last.insert(words[0].to_owned(), number) {
            assert!(before < number, "{number} after {before} in partition {}", words[0]);
        }
        taken.push(words[1].parse::<u64>().expect("a time"));
    }
    assert_eq!(seen.iter().filter(|seen| !**seen).count(), 0, "lost of {sent}");
    taken.sort_unstable();
    let pause = taken.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default();
    eprintln!(
        "restart of 3 controllers and 3 brokers under {PER_SECOND} messages/s: {sent} sent, none lost; seconds per pod \
         {seconds:.1?}; the longest pause {pause} ms"
    );
    kafka.run(&["status"]).succeeded();
}

fn a_second_roller_is_refused_and_ctrl_c_can_be_resumed() {
    let kafka = rolling();
    let before = pods(&kafka);
    let mut first = restart(&kafka, &["rolling", "--brokers"]);
    first.until("the first broker is taken away", |roll| roll.stderr().contains("broker-0: stopping"));

    kafka.run(&["restart"]).exited(1).says("is being rolled by ").says(" ago)");

    // Until then the old pod counts as one that is still to be replaced.
    first.until("the second broker is a new pod", |roll| roll.stderr().contains("broker-1: starting"));
    first.interrupt();
    let stopped = first.end().exited(130);
    assert!(
        stopped
            .stderr
            .contains("pod rolling-broker-1 comes back by itself; done: rolling-broker-0; left: rolling-broker-2"),
        "{stopped}"
    );
    assert_eq!(kafka.kubectl(&["get", "leases", "-o", "name"]), "", "the turn is given back");

    let resumed = restart(&kafka, &["--brokers"]).end().succeeded().says("resuming: 1 of 3 pods is older");
    assert_eq!(resumed.lines(), ["pod/rolling-broker-2 restarted"]);
    let brokers = ["rolling-broker-0", "rolling-broker-1", "rolling-broker-2"];
    assert_eq!(replaced(&before, &pods(&kafka)), brokers, "each once, and no controller");
}

fn a_pod_that_does_not_come_back_stops_the_roll_and_the_fix_finishes_it() {
    let kafka = rolling();
    let before = pods(&kafka);
    let image = |image: &str| {
        kafka.kubectl(&["set", "image", "statefulset/rolling-broker", &format!("kafka={image}")]);
    };
    let good = kafka.kubectl(&["get", "statefulset", "rolling-broker", "-o", "jsonpath={..containers[0].image}"]);
    image("apache/kafka:0.0.0-none");
    let stopped = restart(&kafka, &[]).end().exited(1);
    assert!(stopped.stderr.contains("stopped at pod rolling-broker-0"), "{stopped}");
    assert!(stopped.stderr.contains("image apache/kafka:0.0.0-none cannot be pulled"), "{stopped}");
    assert!(stopped.stderr.contains("left: rolling-broker-1,rolling-broker-2"), "{stopped}");
    assert_eq!(replaced(&before, &pods(&kafka)), ["rolling-broker-0"], "the rest keeps running");
    // Without a fix the same command stops at the same pod, and takes no other one down.
    restart(&kafka, &[]).end().exited(1).says("stopped at pod rolling-broker-0");
    assert_eq!(replaced(&before, &pods(&kafka)), ["rolling-broker-0"]);

    image(&good);
    let fixed = restart(&kafka, &[]).end().succeeded();
    assert_eq!(fixed.lines(), ["pod/rolling-broker-0 restarted"], "the others are of the good revision");
    kafka.run(&["status"]).succeeded();
}

fn a_setting_that_breaks_a_node_stops_the_roll_and_a_better_one_finishes_it() {
    let kafka = rolling();
    let (before, files_before) = (pods(&kafka), files(&kafka));
    let install = |setting: &str| kafka.start(&["install", "rolling", "--config", setting]).within(ROLL).end();
    let stopped = install("log.retention.hours=many").exited(1);
    assert!(stopped.stderr.contains("config log.retention.hours   <none>    many"), "the plan comes first: {stopped}");
    assert!(stopped.stderr.contains("Invalid value many for configuration log.retention.hours"), "{stopped}");
    assert!(stopped.stderr.contains("no pod is done; left: rolling-controller-"), "{stopped}");
    let after = pods(&kafka);
    let broken = replaced(&before, &after);
    assert_eq!(broken.len(), 1, "the rest keeps running");

    // What was asked for is in the way of nobody whose turn has not come.
    assert!(files(&kafka).is_superset(&files_before), "a roll that stops removes nothing");
    crash(&kafka, "rolling-broker-1");
    assert_eq!(pods(&kafka), after, "the same pod");
    let topic = kafka.topic(&["--partitions", "3", "--replication-factor", "3"]);
    kafka.produce(&topic, &[], "two controllers are enough\n").succeeded();

    let fixed = install("log.retention.hours=24").succeeded();
    let restarted: Vec<String> = fixed.lines().into_iter().filter(|line| line.ends_with(" restarted")).collect();
    assert_eq!((restarted.len(), &restarted[0]), (6, &format!("pod/{} restarted", broken[0])), "{fixed}");
    assert_eq!(replaced(&after, &pods(&kafka)).len(), 6);
    kafka.run(&["status"]).succeeded();
    let left = files(&kafka);
    assert_eq!((left.len(), &left), (2, &current_files(&kafka)));
    assert_eq!(removed_files(&fixed.lines()).len(), 4, "the broken ones and those before: {fixed}");
    assert!(left.is_disjoint(&files_before));
}

fn what_kafka_takes_at_once_restarts_nothing_and_the_rest_is_rolled_out() {
    let kafka = own(&[]);
    let topic = kafka.topic(&[]);
    let retention = || {
        let path = r#"jsonpath={.items[0].configs[?(@.name=="retention.ms")].value}"#;
        kafka.run(&["topics", "describe", &topic, "-o", path]).succeeded().stdout_text().trim().to_owned()
    };
    let install = |flags: &[&str]| kafka.start(&[&["install", "own"], flags].concat()).within(ROLL).end();
    let (before, files_before) = (pods(&kafka), files(&kafka));
    assert_ne!(retention(), "7200000");

    let refused = install(&["--config", "compression.type=nonsense"]).exited(1);
    assert!(
        refused.stderr.contains("Kafka refuses --config compression.type=nonsense; nothing was changed"),
        "{refused}"
    );

    install(&["--config", "log.retention.ms=7200000"]).succeeded().says("Set in Kafka at once, without a restart");
    assert_eq!(retention(), "7200000");
    assert_eq!(replaced(&before, &pods(&kafka)), [""; 0]);
    let written = kafka.kubectl(&["get", "configmaps", "-o", "jsonpath={.items[*].data}"]);
    assert!(written.contains("log.retention.ms=7200000"), "also for pods that start later: {written}");
    assert_eq!(files(&kafka), files_before);
    install(&[]).succeeded().says("nothing was changed");

    // More threads than twice as many are taken at a start only.
    let pool = install(&["--config", "num.io.threads=40"]).succeeded();
    assert_eq!(replaced(&before, &pods(&kafka)), ["own-broker-0"], "{pool}");
    assert_eq!(removed_files(&pool.lines()), files_before);
    assert_eq!(files(&kafka), current_files(&kafka));
    let before = pods(&kafka);
    install(&["--cpu", "60m"]).succeeded().says("cpu");
    assert_eq!(replaced(&before, &pods(&kafka)), ["own-broker-0"]);
    assert_eq!(retention(), "7200000");

    // What Kafka was given while it ran does not outlive another wish.
    kafka.run(&["uninstall", "own", "--yes"]).succeeded();
    install(&["--config", "log.retention.ms=3600000"]).succeeded();
    assert_eq!(retention(), "3600000");
    let kept = install(&["--storage", "7Gi", "--cpu", "70m"]).exited(1);
    assert!(kept.stderr.contains("storage") && !kept.stderr.contains("cpu  "), "only what is impossible: {kept}");
}

fn brokers_that_are_controllers_too_are_replaced_one_by_one() {
    let kafka = breakable();
    let before = pods(&kafka);
    let outcome = restart(&kafka, &["-o", "json"]).end().succeeded();
    assert_eq!(replaced(&before, &pods(&kafka)).len(), 3);
    assert_eq!(outcome.json()["items"][2]["place"], "activeBroker", "{outcome}");
    kafka.run(&["restart", "--controllers"]).exited(2).says("are its controllers too");
    kafka.run(&["status"]).succeeded();
}

fn one_small_node_is_restarted_with_a_warning_by_who_has_the_role_for_it() {
    let kafka = own(&[]);
    let topic = kafka.topic(&["--partitions", "2"]);
    kafka.produce(&topic, &[], "kept\n").succeeded();
    let (before, files_before) = (pods(&kafka), files(&kafka));
    kafka.run(&["install", "own", "--config", "num.partitions=2", "--no-wait"]).succeeded();
    let rules = documented("kafka-restarter");
    let user = User::who_may(&kafka.namespace.name, &rules);
    let outcome =
        user.start(&["restart"]).within(ROLL).end().succeeded().says("warning: pod own-broker-0 is the only broker");
    eprintln!("restart of one node that is broker and controller: {:.1?}", outcome.elapsed);
    let gone = format!("configmap/{} deleted", files_before.first().expect("one"));
    assert_eq!(outcome.lines(), ["pod/own-broker-0 restarted", &gone]);
    assert_eq!(replaced(&before, &pods(&kafka)), ["own-broker-0"]);
    assert_eq!(kafka.consume(&topic, &[]).succeeded().lines(), ["kept"]);

    // Whoever may not see ConfigMaps leaves them to the next one.
    let files_before = files(&kafka);
    kafka.run(&["install", "own", "--config", "num.partitions=3", "--no-wait"]).succeeded();
    let rules: Vec<_> = rules.into_iter().filter(|rule| rule["resources"][0] != "configmaps").collect();
    let user = User::who_may(&kafka.namespace.name, &rules);
    let left = format!("warning: no pod mounts ConfigMap {} any more", files_before.first().expect("one"));
    user.start(&["restart"]).within(ROLL).end().succeeded().says(&left);
    a_config_map(&kafka, "own-broker", "kubectl-kafka");
    a_config_map(&kafka, "own-broker-00000000", "another-tool");

    // A re-install does not take the wish back.
    let again = kafka.run(&["install", "own"]).succeeded().says("nothing was changed");
    assert_eq!(removed_files(&again.lines()), &files_before | &BTreeSet::from(["own-broker".to_owned()]));
    assert_eq!(files(&kafka), &current_files(&kafka) | &BTreeSet::from(["own-broker-00000000".to_owned()]));
    let plan = kafka.run(&["restart", "--dry-run", "-o", "jsonpath={.wish}"]).succeeded();
    assert_eq!(plan.stdout_text().trim(), "begin", "nothing is left to resume");

    let user = User::who_may(&kafka.namespace.name, &documented("kafka-observer"));
    user.run(&["restart"]).exited(1).says("Forbidden");
    let user = User::who_may(&kafka.namespace.name, &documented("kafka-user"));
    user.run(&["restart"]).exited(1).says("Forbidden");
}

fn a_budget_that_forbids_it_is_named() {
    let kafka = own(&[]);
    let before = pods(&kafka);
    kafka.kubectl(&["patch", "pdb", "own-broker", "--type=merge", "-p", r#"{"spec":{"maxUnavailable":0}}"#]);
    // Its status follows within a moment.
    thread::sleep(Duration::from_secs(3));
    kafka.run(&["restart", "--dry-run=server"]).succeeded().says("warning: pod own-broker-0 may not be evicted now");
    let outcome = restart(&kafka, &["--timeout", "5s"]).end().exited(124);
    assert!(outcome.stderr.contains("the disruption budget own-broker needs 1 healthy pods"), "{outcome}");
    assert!(outcome.stderr.contains("no pod is done; left: own-broker-0"), "{outcome}");
    assert_eq!(replaced(&before, &pods(&kafka)), [""; 0]);

    kafka.kubectl(&["patch", "pdb", "own-broker", "--type=merge", "-p", r#"{"spec":{"maxUnavailable":1}}"#]);
    restart(&kafka, &["--pod", "own-broker-0"]).end().succeeded().says("as named");
    assert_eq!(replaced(&before, &pods(&kafka)), ["own-broker-0"]);
}

fn a_dry_run_tells_the_order_and_changes_nothing() {
    let kafka = rolling();
    let generations = || kafka.kubectl(&["get", "statefulsets", "-o", "jsonpath={.items[*].metadata.generation}"]);
    let (before, generation) = (pods(&kafka), generations());
    for dry_run in ["--dry-run", "--dry-run=server"] {
        let lines = kafka.run(&["restart", dry_run, "--no-headers"]).succeeded().lines();
        let order: Vec<&str> = lines.iter().filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(order[3..], ["rolling-broker-0", "rolling-broker-1", "rolling-broker-2"], "{lines:?}");
        assert!(lines[2].contains("active controller"), "{lines:?}");
    }
    assert_eq!((pods(&kafka), generations()), (before, generation));
    kafka.run(&["restart", "--pod", "rolling-broker-9"]).exited(1).says("no pod \"rolling-broker-9\"");
}
