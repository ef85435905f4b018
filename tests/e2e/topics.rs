//! `topics create|list|describe|delete`

use crate::world::{breakable, shared, unique};

trials! {
    a_created_topic_can_be_used_listed_described_and_deleted,
    a_topic_that_exists_is_an_error_unless_that_is_fine,
    too_few_brokers_for_the_replication_factor_are_counted,
    settings_that_kafka_refuses_are_refused,
    many_topics_at_once_succeed_and_fail_one_by_one,
    a_dry_run_creates_nothing,
    replicas_are_placed_where_they_are_wanted,
    settings_that_differ_from_the_default_are_described,
    a_topic_of_a_thousand_partitions_is_created_listed_and_described,
    a_topic_that_does_not_exist_is_named_and_nothing_is_deleted,
    deleting_asks_and_refuses_where_nobody_can_answer,
    asking_for_a_topic_does_not_create_it,
    internal_topics_are_listed_when_asked_for,
    every_output_format_shows_the_same_topics,
}

fn a_created_topic_can_be_used_listed_described_and_deleted() {
    let kafka = shared();
    let topic = unique("t");
    let created =
        kafka.run(&["topics", "create", &topic, "--partitions", "3", "--replication-factor", "3"]).succeeded();
    assert_eq!(created.stdout_text(), format!("topic/{topic} created\n"));

    // Usable at once, whichever broker is asked.
    let described = kafka.run(&["topics", "describe", &topic, "-o", "json"]).succeeded().json();
    let partitions = described["items"][0]["partitions"].as_array().expect("partitions").clone();
    assert_eq!(partitions.len(), 3);
    for partition in &partitions {
        assert_eq!(partition["isr"].as_array().map(Vec::len), Some(3), "{partition}");
        assert!(partition["leader"].is_i64(), "{partition}");
    }
    assert!(kafka.run(&["topics", "list"]).succeeded().stdout_text().contains(&topic));

    let deleted = kafka.run(&["topics", "delete", &topic, "--yes"]).succeeded();
    assert_eq!(deleted.stdout_text(), format!("topic \"{topic}\" deleted\n"));
    assert!(!kafka.run(&["topics", "list"]).succeeded().stdout_text().contains(&topic));
}

fn a_topic_that_exists_is_an_error_unless_that_is_fine() {
    let kafka = shared();
    let topic = kafka.topic(&[]);
    let again = kafka.run(&["topics", "create", &topic]).exited(1);
    assert!(
        again.stderr.starts_with(&format!("error: topic \"{topic}\" already exists in cluster \"shared\"")),
        "{again}"
    );
    assert!(again.stderr.contains("hint: "), "{again}");
    assert_eq!(again.stdout, b"");
    kafka.run(&["topics", "create", &topic, "--if-not-exists"]).succeeded();
}

fn too_few_brokers_for_the_replication_factor_are_counted() {
    let kafka = shared();
    let topic = unique("t");
    let outcome = kafka.run(&["topics", "create", &topic, "--replication-factor", "4"]).exited(1);
    assert!(
        outcome.stderr.contains(&topic) && outcome.stderr.contains('4') && outcome.stderr.contains('3'),
        "{outcome}"
    );
    assert!(!kafka.run(&["topics", "list"]).succeeded().stdout_text().contains(&topic));
}

fn settings_that_kafka_refuses_are_refused() {
    let kafka = shared();
    let topic = unique("t");
    kafka.run(&["topics", "create", &topic, "--config", "no.such.setting=1"]).exited(1).says("no.such.setting");
    kafka.run(&["topics", "create", &topic, "--config", "retention.ms=long"]).exited(1).says("retention.ms");
    kafka.run(&["topics", "create", &topic, "--config", "retention.ms"]).exited(2).says("KEY=VALUE");
    kafka.run(&["topics", "create", "a/b"]).exited(2).says("a/b");
    assert!(!kafka.run(&["topics", "list"]).succeeded().stdout_text().contains(&topic));
}

fn many_topics_at_once_succeed_and_fail_one_by_one() {
    let kafka = shared();
    let (first, second) = (unique("t"), unique("t"));
    let old = kafka.topic(&[]);
    let outcome = kafka.run(&["topics", "create", &first, &old, &second]).exited(1).says(&old);
    assert_eq!(outcome.lines(), [format!("topic/{first} created"), format!("topic/{second} created")]);
    let names = kafka.run(&["topics", "list", "-o", "name"]).succeeded().lines();
    assert!([&first, &second].iter().all(|name| names.contains(&format!("topic/{name}"))), "{names:?}");
    kafka.run(&["topics", "delete", &first, &second, &old, "--yes"]).succeeded();
}

fn a_dry_run_creates_nothing() {
    let kafka = shared();
    let topic = unique("t");
    let outcome = kafka.run(&["topics", "create", &topic, "--dry-run=client"]).succeeded();
    assert_eq!(outcome.stdout_text(), format!("topic/{topic} created (dry run)\n"));
    let outcome = kafka.run(&["topics", "create", &topic, "--dry-run=server"]).succeeded();
    assert_eq!(outcome.stdout_text(), format!("topic/{topic} created (server dry run)\n"));
    // Kafka itself was asked: it counts the brokers.
    kafka.run(&["topics", "create", &topic, "--dry-run=server", "--replication-factor", "9"]).exited(1);
    assert!(!kafka.run(&["topics", "list"]).succeeded().stdout_text().contains(&topic));
}

fn replicas_are_placed_where_they_are_wanted() {
    let kafka = shared();
    let topic = kafka.topic(&["--replica-assignment", "102:100,101:102"]);
    let described = kafka.run(&["topics", "describe", &topic, "-o", "json"]).succeeded().json();
    let partitions = &described["items"][0]["partitions"];
    assert_eq!(partitions[0]["replicas"], serde_json::json!([102, 100]));
    assert_eq!(partitions[1]["replicas"], serde_json::json!([101, 102]));
    let described = kafka.run(&["topics", "describe", &topic]).succeeded().stdout_text();
    assert!(described.contains("102,100"), "{described}");
}

fn settings_that_differ_from_the_default_are_described() {
    let kafka = shared();
    let topic = kafka.topic(&["--config", "cleanup.policy=compact", "--config", "retention.ms=12345"]);
    let described = kafka.run(&["topics", "describe", &topic]).succeeded().stdout_text();
    assert!(described.contains("cleanup.policy=compact (topic)"), "{described}");
    assert!(described.contains("retention.ms=12345 (topic)"), "{described}");
    assert!(!described.contains("segment.jitter.ms"), "a default is shown: {described}");
}

fn a_topic_of_a_thousand_partitions_is_created_listed_and_described() {
    // Its brokers are busy with it for seconds, which no other test should have to wait for.
    let kafka = breakable();
    let topic = unique("wide");
    kafka
        .run(&["topics", "create", &topic, "--partitions", "1000", "--replication-factor", "1", "--timeout", "100s"])
        .succeeded();
    let listed = kafka.run(&["topics", "list", "-o", "json"]).succeeded().json();
    let row = listed["items"].as_array().into_iter().flatten().find(|row| row["name"] == topic.as_str()).cloned();
    assert_eq!(row.expect("the topic")["partitions"], 1000);
    let described = kafka.run(&["topics", "describe", &topic, "-o", "json"]).succeeded().json();
    let partitions = described["items"][0]["partitions"].as_array().expect("partitions").clone();
    assert_eq!(partitions.len(), 1000);
    assert!(partitions.iter().all(|partition| partition["leader"].is_i64()));
    kafka.run(&["topics", "delete", &topic, "--yes", "--timeout", "100s"]).succeeded();
}

fn a_topic_that_does_not_exist_is_named_and_nothing_is_deleted() {
    let kafka = shared();
    let topic = kafka.topic(&[]);
    kafka.run(&["topics", "describe", "nowhere"]).exited(1).says("topic \"nowhere\" does not exist");
    kafka.run(&["topics", "delete", &topic, "nowhere", "--yes"]).exited(1).says("nothing was deleted");
    assert!(kafka.run(&["topics", "list"]).succeeded().stdout_text().contains(&topic));
    kafka.run(&["topics", "delete", "nowhere", "--if-exists", "--yes"]).succeeded();
}

fn deleting_asks_and_refuses_where_nobody_can_answer() {
    let kafka = shared();
    let topic = kafka.topic(&["--partitions", "2"]);
    let refused = kafka.run(&["topics", "delete", &topic]).exited(2).says("--yes");
    assert!(refused.stderr.contains(&topic) && refused.stderr.contains("2 partitions"), "{refused}");
    let dry = kafka.run(&["topics", "delete", &topic, "--dry-run=server"]).succeeded();
    assert_eq!(dry.stdout_text(), format!("topic \"{topic}\" deleted (server dry run)\n"));
    assert!(kafka.run(&["topics", "list"]).succeeded().stdout_text().contains(&topic));
}

fn asking_for_a_topic_does_not_create_it() {
    let kafka = shared();
    let topic = unique("ghost");
    kafka.run(&["topics", "describe", &topic]).exited(1);
    kafka.consume(&topic, &["--timeout", "10s"]).exited(1).says(&topic);
    kafka.produce(&topic, &[], "a\n").exited(1).says(&topic);
    assert!(!kafka.run(&["topics", "list"]).succeeded().stdout_text().contains(&topic));
}

fn internal_topics_are_listed_when_asked_for() {
    let kafka = shared();
    let topic = kafka.topic(&[]);
    kafka.produce(&topic, &[], "a\n").succeeded();
    // A group's offsets make Kafka's own topic come into being.
    kafka.consume(&topic, &["--group", &unique("g")]).succeeded();
    let all = kafka.run(&["topics", "list", "--internal"]).succeeded().stdout_text();
    assert!(all.contains("__consumer_offsets"), "{all}");
    assert!(!kafka.run(&["topics", "list"]).succeeded().stdout_text().contains("__consumer_offsets"));
}

fn every_output_format_shows_the_same_topics() {
    let kafka = shared();
    let topic = kafka.topic(&["--partitions", "2"]);
    let shown = |format: &str| kafka.run(&["topics", "list", "-o", format]).succeeded().stdout_text();
    assert!(shown("name").lines().any(|line| line == format!("topic/{topic}")));
    assert!(shown("yaml").contains(&format!("name: {topic}")));
    assert!(shown("jsonpath={.items[*].name}").split(' ').any(|name| name == topic));
    let columns = shown("custom-columns=N:.name,P:.partitions");
    assert!(columns.lines().any(|line| line.split_whitespace().eq([topic.as_str(), "2"])), "{columns}");
    assert!(shown("wide").contains(&topic));
    let bare = kafka.run(&["topics", "list", "--no-headers"]).succeeded().stdout_text();
    assert!(!bare.contains("NAME") && bare.contains(&topic), "{bare}");
}
