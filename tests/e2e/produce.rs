//! `produce`: what is sent arrives, byte for byte, or it is said what did not.

use serde_json::{Value, json};

use crate::world::{Kafka, secured, shared, unique};

trials! {
    lines_arrive_in_order,
    keys_headers_and_partition_arrive,
    a_files_lines_arrive_with_every_byte,
    binary_empty_and_null_values_arrive_as_they_are,
    a_message_over_the_limit_is_refused_with_both_sizes,
    who_may_not_read_the_limit_sends_what_fits,
    a_repeated_value_carries_its_number,
    each_message_has_its_place_when_asked_for,
    every_compression_and_acks_works,
    the_last_line_needs_no_newline,
    nothing_to_send_is_no_failure,
    a_partition_that_does_not_exist_is_named,
}

/// Every message as its lossless envelope, in the order of partition and offset.
pub(crate) fn envelopes(kafka: &Kafka, topic: &str) -> Vec<Value> {
    let mut all = kafka.consume(topic, &["-o", "json"]).succeeded().json_lines();
    all.sort_by_key(|message| (message["partition"].as_i64(), message["offset"].as_i64()));
    all
}

fn lines_arrive_in_order() {
    let kafka = shared();
    let topic = kafka.topic(&["--partitions", "1"]);
    let lines: Vec<String> = (0..1000).map(|number| format!("line {number}")).collect();
    let sent = kafka.produce(&topic, &[], lines.join("\n") + "\n").succeeded().says("1000");
    assert_eq!(sent.stdout, b"", "data only on stdout: {sent}");
    assert_eq!(kafka.consume(&topic, &[]).succeeded().lines(), lines);
}

fn keys_headers_and_partition_arrive() {
    let kafka = shared();
    let topic = kafka.topic(&["--partitions", "3"]);
    kafka
        .produce(&topic, &["--key", "k", "--value", "v", "--header", "a=1", "--header", "a=2", "--partition", "2"], "")
        .succeeded();
    kafka.produce(&topic, &["--key-separator", ":", "--partition", "1"], "left:right:more\n").succeeded();
    let all = envelopes(kafka, &topic);
    assert_eq!(all.len(), 2, "{all:?}");
    assert_eq!(
        (&all[0]["partition"], &all[0]["key"], &all[0]["value"]),
        (&json!(1), &json!("left"), &json!("right:more"))
    );
    assert_eq!((&all[1]["partition"], &all[1]["key"], &all[1]["value"]), (&json!(2), &json!("k"), &json!("v")));
    let headers = &all[1]["headers"];
    let pair = |at: usize| (headers[at]["key"].clone(), headers[at]["value"].clone());
    assert_eq!([pair(0), pair(1)], [(json!("a"), json!("1")), (json!("a"), json!("2"))], "duplicates stay: {headers}");
}

fn a_files_lines_arrive_with_every_byte() {
    let kafka = shared();
    let topic = kafka.topic(&["--partitions", "1"]);
    let mut bytes: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    bytes.push(b'\n');
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("bytes");
    std::fs::write(&path, &bytes).expect("a file");
    kafka.produce(&topic, &["--file", &path.display().to_string()], "").succeeded();
    let read = kafka.consume(&topic, &[]).succeeded();
    assert!(read.stdout == bytes, "{} bytes came back", read.stdout.len());
}

fn binary_empty_and_null_values_arrive_as_they_are() {
    let kafka = shared();
    let topic = kafka.topic(&["--partitions", "1"]);
    let messages = [
        json!({"key": "empty", "value": ""}),
        json!({"key": "null", "value": null}),
        json!({"key": null, "value": "no key"}),
        json!({"key": "binary", "value": "AP8Q", "valueEncoding": "base64"}),
    ];
    let input: String = messages.iter().map(|message| format!("{message}\n")).collect();
    kafka.produce(&topic, &["--format", "json"], input).succeeded();
    let all = envelopes(kafka, &topic);
    assert_eq!((&all[0]["key"], &all[0]["value"]), (&json!("empty"), &json!("")), "empty is not null");
    assert_eq!((&all[1]["key"], &all[1]["value"]), (&json!("null"), &Value::Null), "null is not empty");
    assert_eq!((&all[2]["key"], &all[2]["value"]), (&Value::Null, &json!("no key")));
    assert_eq!((&all[3]["value"], &all[3]["valueEncoding"]), (&json!("AP8Q"), &json!("base64")));

    // The envelope goes back in as it came out.
    let copy = kafka.topic(&["--partitions", "1"]);
    let exported = kafka.consume(&topic, &["-o", "json"]).succeeded().stdout;
    kafka.produce(&copy, &["--format", "json"], exported).succeeded();
    let strip = |all: Vec<Value>| -> Vec<[Value; 4]> {
        all.into_iter()
            .map(|message| ["key", "value", "headers", "valueEncoding"].map(|field| message[field].clone()))
            .collect()
    };
    assert_eq!(strip(envelopes(kafka, &copy)), strip(all));
}

fn a_message_over_the_limit_is_refused_with_both_sizes() {
    let kafka = shared();
    let topic = kafka.topic(&["--partitions", "1", "--config", "max.message.bytes=10000"]);
    // Bytes that do not compress, so that the limit is met whatever the codec.
    let mut state = 1_u64;
    let big: String = (0..40_000)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b'!' + u8::try_from((state >> 33) % 90).unwrap_or(0))
        })
        .collect();
    let outcome = kafka.produce(&topic, &[], format!("small\n{big}\nsmall too\n")).exited(1);
    assert!(outcome.stderr.contains("error: "), "{outcome}");
    assert!(outcome.stderr.contains(&topic) || outcome.stderr.contains("max.message.bytes"), "{outcome}");
    let arrived = kafka.consume(&topic, &[]).succeeded().lines();
    assert!(!arrived.contains(&big), "it was not to arrive");
}

fn who_may_not_read_the_limit_sends_what_fits() {
    let kafka = secured();
    let topic = kafka.topic(&["--partitions", "1", "--config", "max.message.bytes=10000"]);
    let name = unique("user");
    kafka.run(&["users", "create", &name]).succeeded();
    kafka.run(&["acls", "create", "--principal", &name, "--topic", &topic, "--producer"]).succeeded();
    let lines: Vec<String> = (0..2000).map(|number| format!("{number:0100}")).collect();
    let as_user = ["--kafka-user", &name, "--compression", "none"];
    kafka.produce(&topic, &as_user, lines.join("\n")).succeeded().says("2000");
    assert_eq!(kafka.consume(&topic, &[]).succeeded().lines(), lines);
}

fn a_repeated_value_carries_its_number() {
    let kafka = shared();
    let topic = kafka.topic(&["--partitions", "1"]);
    kafka.produce(&topic, &["--value", "message {}", "--count", "5"], "").succeeded().says("5");
    let arrived = kafka.consume(&topic, &[]).succeeded().lines();
    assert_eq!(arrived.len(), 5);
    let numbers: Vec<i64> =
        arrived.iter().map(|line| line.trim_start_matches("message ").parse().expect("a number")).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{arrived:?}");
}

fn each_message_has_its_place_when_asked_for() {
    let kafka = shared();
    let topic = kafka.topic(&["--partitions", "1"]);
    let reports = kafka.produce(&topic, &["-o", "json"], "a\nb\n").succeeded().json_lines();
    let places: Vec<_> =
        reports.iter().map(|report| (report["partition"].as_i64(), report["offset"].as_i64())).collect();
    assert_eq!(places, [(Some(0), Some(0)), (Some(0), Some(1))], "{reports:?}");
    let verbose = kafka.produce(&topic, &["-v"], "c\n").succeeded();
    assert!(format!("{}{}", verbose.stdout_text(), verbose.stderr).contains('2'), "the offset: {verbose}");
}

fn every_compression_and_acks_works() {
    let kafka = shared();
    let topic = kafka.topic(&["--partitions", "1"]);
    for compression in ["none", "gzip", "snappy", "lz4", "zstd"] {
        kafka.produce(&topic, &["--compression", compression], format!("{compression}\n")).succeeded();
    }
    for acks in ["0", "1", "all"] {
        kafka.produce(&topic, &["--acks", acks], format!("acks {acks}\n")).succeeded();
    }
    let arrived = kafka.consume(&topic, &[]).succeeded().lines();
    assert_eq!(arrived[..5], ["none", "gzip", "snappy", "lz4", "zstd"]);
    assert!(arrived.contains(&"acks all".to_owned()) && arrived.contains(&"acks 1".to_owned()), "{arrived:?}");
}

fn the_last_line_needs_no_newline() {
    let kafka = shared();
    let topic = kafka.topic(&["--partitions", "1"]);
    kafka.produce(&topic, &[], "one\n\nthree").succeeded();
    assert_eq!(kafka.consume(&topic, &[]).succeeded().lines(), ["one", "", "three"], "an empty line is a message");
}

fn nothing_to_send_is_no_failure() {
    let kafka = shared();
    let topic = kafka.topic(&["--partitions", "1"]);
    kafka.produce(&topic, &[], "").succeeded();
    assert_eq!(kafka.consume(&topic, &[]).succeeded().stdout, b"");
}

fn a_partition_that_does_not_exist_is_named() {
    let kafka = shared();
    let topic = kafka.topic(&["--partitions", "2"]);
    let outcome = kafka.produce(&topic, &["--partition", "7"], "a\n").exited(1);
    assert!(outcome.stderr.contains('7') && outcome.stderr.contains(&topic), "{outcome}");
}
