//! `consume`: from where, to where, and in which form.

use std::time::Duration;

use crate::world::{Kafka, shared, unique};

trials! {
    offsets_are_counted_from_both_ends,
    offsets_may_be_ranges,
    offsets_may_be_times,
    one_partition_of_many_can_be_read,
    it_stops_after_a_count,
    it_follows_the_topic_until_ctrl_c,
    it_gives_up_when_nothing_comes,
    templates_show_every_part,
    a_group_goes_on_where_it_was,
    several_topics_are_read_at_once,
    an_empty_topic_ends_at_once,
    a_broken_offset_or_template_is_refused,
}

/// A topic of one partition with the messages `0` to `9`.
fn ten(kafka: &Kafka) -> String {
    let topic = kafka.topic(&["--partitions", "1"]);
    let lines: String = (0..10).map(|number| format!("{number}\n")).collect();
    kafka.produce(&topic, &[], lines).succeeded();
    topic
}

fn from(kafka: &Kafka, topic: &str, offset: &str) -> String {
    let flag = format!("--offset={offset}");
    kafka.run(&["consume", topic, &flag, "--exit-at-end"]).succeeded().lines().join(" ")
}

fn offsets_are_counted_from_both_ends() {
    let kafka = shared();
    let topic = ten(kafka);
    assert_eq!(from(kafka, &topic, "start"), "0 1 2 3 4 5 6 7 8 9");
    assert_eq!(from(kafka, &topic, "7"), "7 8 9");
    assert_eq!(from(kafka, &topic, "+8"), "8 9");
    assert_eq!(from(kafka, &topic, "-2"), "8 9");
    assert_eq!(from(kafka, &topic, "end"), "");
}

fn offsets_may_be_ranges() {
    let kafka = shared();
    let topic = ten(kafka);
    assert_eq!(from(kafka, &topic, "2:5"), "2 3 4");
    assert_eq!(from(kafka, &topic, ":3"), "0 1 2");
    assert_eq!(from(kafka, &topic, "7:"), "7 8 9");
    assert_eq!(from(kafka, &topic, ":end"), "0 1 2 3 4 5 6 7 8 9");
}

fn offsets_may_be_times() {
    let kafka = shared();
    let topic = ten(kafka);
    assert_eq!(from(kafka, &topic, "@-1h"), "0 1 2 3 4 5 6 7 8 9");
    assert_eq!(from(kafka, &topic, "@2020-01-01"), "0 1 2 3 4 5 6 7 8 9");
    assert_eq!(from(kafka, &topic, "@:2020-01-01"), "");
}

fn one_partition_of_many_can_be_read() {
    let kafka = shared();
    let topic = kafka.topic(&["--partitions", "3"]);
    for partition in ["0", "1", "2"] {
        kafka.produce(&topic, &["--partition", partition], format!("in {partition}\n")).succeeded();
    }
    assert_eq!(kafka.consume(&topic, &["--partition", "1"]).succeeded().lines(), ["in 1"]);
    let mut all = kafka.consume(&topic, &[]).succeeded().lines();
    all.sort();
    assert_eq!(all, ["in 0", "in 1", "in 2"]);
    kafka.consume(&topic, &["--partition", "7"]).exited(1).says("7");
}

fn it_stops_after_a_count() {
    let kafka = shared();
    let topic = ten(kafka);
    let outcome = kafka.run(&["consume", &topic, "--from-beginning", "--count", "3"]).succeeded();
    assert_eq!(outcome.lines(), ["0", "1", "2"]);
}

fn it_follows_the_topic_until_ctrl_c() {
    let kafka = shared();
    let topic = ten(kafka);
    let mut following = kafka.start(&["consume", &topic, "--from-beginning"]);
    following.until("the ten old messages", |running| running.stdout().lines().count() == 10);
    kafka.produce(&topic, &[], "news\n").succeeded();
    following.until("the new message", |running| running.stdout().ends_with("news\n"));
    following.interrupt();
    let outcome = following.end().exited(0).says("11");
    assert_eq!(outcome.lines().len(), 11, "{outcome}");
}

fn it_gives_up_when_nothing_comes() {
    let kafka = shared();
    let topic = kafka.topic(&["--partitions", "1"]);
    let outcome = kafka.run(&["consume", &topic, "--count", "1", "--timeout", "3s"]).exited(124);
    assert!(outcome.elapsed > Duration::from_secs(2) && outcome.elapsed < Duration::from_secs(20), "{outcome}");
}

fn templates_show_every_part() {
    let kafka = shared();
    let topic = kafka.topic(&["--partitions", "1"]);
    kafka.produce(&topic, &["--key", "k", "--value", "vé", "--header", "h=1"], "").succeeded();
    let shown = |format: &str| kafka.consume(&topic, &["--format", format]).succeeded().stdout_text();
    assert_eq!(shown(r"%t %p %o %k=%v\n"), format!("{topic} 0 0 k=vé\n"));
    assert_eq!(shown(r"%K %V %%\t|"), "1 3 %\t|", "lengths are bytes");
    assert!(shown("%h").contains('h') && shown("%h").contains('1'));
    assert!(shown("%T").parse::<i64>().is_ok_and(|milliseconds| milliseconds > 1_700_000_000_000));
}

fn a_group_goes_on_where_it_was() {
    let kafka = shared();
    let topic = ten(kafka);
    let group = unique("g");
    let read =
        |flags: &[&str]| kafka.run(&[&["consume", &topic, "--group", &group], flags].concat()).succeeded().lines();
    assert_eq!(read(&["--from-beginning", "--count", "4"]), ["0", "1", "2", "3"]);
    assert_eq!(read(&["--exit-at-end"]), ["4", "5", "6", "7", "8", "9"]);
    assert_eq!(read(&["--exit-at-end"]), Vec::<String>::new());
}

fn several_topics_are_read_at_once() {
    let kafka = shared();
    let (first, second) = (ten(kafka), ten(kafka));
    let outcome =
        kafka.run(&["consume", &first, &second, "--from-beginning", "--exit-at-end", "--format", r"%t\n"]).succeeded();
    let count = |topic: &str| outcome.lines().iter().filter(|line| *line == topic).count();
    assert_eq!((count(&first), count(&second)), (10, 10), "{outcome}");
}

fn an_empty_topic_ends_at_once() {
    let kafka = shared();
    let topic = kafka.topic(&["--partitions", "4"]);
    let outcome = kafka.consume(&topic, &[]).succeeded();
    assert_eq!(outcome.stdout, b"");
    assert!(outcome.elapsed < Duration::from_secs(15), "{outcome}");
}

fn a_broken_offset_or_template_is_refused() {
    let kafka = shared();
    let topic = kafka.topic(&[]);
    kafka.run(&["consume", &topic, "--offset", "yesterday"]).exited(2).says("yesterday");
    kafka.run(&["consume", &topic, "--format", "%q"]).exited(2).says("%q");
}
