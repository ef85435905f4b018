//! Brokers that die in the middle.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::world::{Kafka, breakable};

trials! {
    no_message_is_lost_or_out_of_order_when_a_broker_dies_while_producing,
    consuming_goes_on_when_a_broker_dies,
    status_shows_a_broker_die_and_come_back,
    with_half_of_the_brokers_down_status_says_which_half,
}

const MESSAGES: usize = 200_000;

/// As hard as Kubernetes can: the process gets no time to say goodbye.
fn kill(kafka: &Kafka, pod: &str) {
    kafka.kubectl(&["delete", "pod", pod, "--grace-period=0", "--force", "--wait=false"]);
}

/// 200,000 numbered lines.
fn numbered() -> String {
    (0..MESSAGES).map(|number| format!("{number}\n")).collect()
}

fn no_message_is_lost_or_out_of_order_when_a_broker_dies_while_producing() {
    let kafka = breakable();
    let topic = kafka.topic(&["--partitions", "3", "--replication-factor", "3", "--config", "min.insync.replicas=2"]);
    let lines = numbered();
    let (first, second) = lines.split_at(lines.len() / 2);
    let mut producing = kafka.start(&["produce", &topic]).within(Duration::from_secs(240));
    producing.write(first.as_bytes());
    kill(&kafka, "breakable-broker-1");
    producing.write(second.as_bytes());
    producing.end().succeeded().says("200");

    let read = kafka
        .start(&["consume", &topic, "--from-beginning", "--exit-at-end", "--format", r"%p %v\n"])
        .within(Duration::from_secs(240))
        .end()
        .succeeded();
    let mut seen = vec![false; MESSAGES];
    let mut last: BTreeMap<String, usize> = BTreeMap::new();
    for line in read.lines() {
        let (partition, number) = line.split_once(' ').expect("two words");
        let number: usize = number.parse().expect("a number");
        assert!(!std::mem::replace(&mut seen[number], true), "{number} came twice");
        if let Some(before) = last.insert(partition.to_owned(), number) {
            assert!(before < number, "{number} after {before} in partition {partition}");
        }
    }
    let lost = seen.iter().filter(|seen| !**seen).count();
    assert_eq!(lost, 0, "of {MESSAGES} messages");
}

fn consuming_goes_on_when_a_broker_dies() {
    let kafka = breakable();
    let topic = kafka.topic(&["--partitions", "3", "--replication-factor", "3"]);
    kafka.produce(&topic, &[], "before\n".repeat(3000)).succeeded();
    let mut consuming = kafka.start(&["consume", &topic, "--from-beginning"]).within(Duration::from_secs(180));
    consuming.until("the first messages", |running| running.stdout().lines().count() == 3000);
    kill(&kafka, "breakable-broker-2");
    kafka
        .start(&["produce", &topic])
        .within(Duration::from_secs(120))
        .reading("after\n".repeat(3000))
        .end()
        .succeeded();
    consuming.until("the messages after the fault", |running| running.stdout().lines().count() >= 6000);
    consuming.interrupt();
    let outcome = consuming.end().exited(0);
    assert_eq!(outcome.lines().iter().filter(|line| *line == "after").count(), 3000, "none twice, none lost");
}

fn status_shows_a_broker_die_and_come_back() {
    let kafka = breakable();
    let mut watching = kafka.start(&["status", "--watch"]).within(Duration::from_secs(240));
    watching.until("a first report", |running| running.stdout().contains("breakable-broker-2"));
    kill(&kafka, "breakable-broker-0");
    watching.until("the fault", |running| running.stdout().contains("unhealthy"));
    let waited =
        kafka.start(&["status", "--wait", "--timeout", "200s"]).within(Duration::from_secs(220)).end().succeeded();
    assert!(!waited.stdout_text().contains("unhealthy"), "{waited}");
    watching.interrupt();
    watching.end().exited(130);
}

fn with_half_of_the_brokers_down_status_says_which_half() {
    let kafka = breakable();
    kafka.topic(&["--partitions", "3", "--replication-factor", "3"]);
    kafka.kubectl(&["scale", "statefulset", "breakable-broker", "--replicas=1"]);
    for pod in ["breakable-broker-1", "breakable-broker-2"] {
        kill(&kafka, pod);
    }
    let began = Instant::now();
    // The controllers notice after `broker.session.timeout.ms`, which is 9 s.
    let outcome = loop {
        let outcome = kafka.run(&["status"]);
        if !outcome.is_success() || began.elapsed() > Duration::from_secs(60) {
            break outcome.exited(3);
        }
    };
    let text = outcome.stdout_text();
    assert!(text.contains("unhealthy"), "{text}");
    assert!(text.contains("breakable-broker-0"), "the half that is up: {text}");
    assert!(text.contains("101") && text.contains("102"), "the half that is down: {text}");
    assert_eq!(kafka.run(&["status", "-o", "json"]).exited(3).json()["healthy"], false);
    kafka.repair();
}
