//! `--bootstrap-server`: plain TCP, no Kubernetes.

use std::io::Write;
use std::net::TcpListener;
use std::thread;

use insta::assert_snapshot;

use crate::kafka::kafka;

#[test]
fn an_address_without_a_port() {
    assert_snapshot!(kafka(&["topics", "list", "--bootstrap-server", "kafka.example.com"]).run(), @r#"
    $ kubectl kafka topics list --bootstrap-server kafka.example.com
    --- stderr
    error: --bootstrap-server: "kafka.example.com" is no host:port
    hint: write for example kafka.example.com:9092
    --- exit code 2
    "#);
}

#[test]
fn one_bad_address_among_good_ones() {
    assert_snapshot!(kafka(&["topics", "list", "--bootstrap-server", "127.0.0.1:1,:9092"]).run(), @r#"
    $ kubectl kafka topics list --bootstrap-server 127.0.0.1:1,:9092
    --- stderr
    error: --bootstrap-server: ":9092" is no host:port
    hint: write for example kafka.example.com:9092
    --- exit code 2
    "#);
}

#[test]
fn a_connection_that_is_refused() {
    // Refused connections are retried for 10 s: a broker may be restarting.
    assert_snapshot!(kafka(&["topics", "list", "--bootstrap-server", "127.0.0.1:1"]).run(), @"
    $ kubectl kafka topics list --bootstrap-server 127.0.0.1:1
    --- stderr
    error: cannot connect to 127.0.0.1:1: Connection refused (os error 111)
    --- exit code 1
    ");
}

#[test]
fn a_server_that_does_not_speak_kafka() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let outcome = kafka(&["topics", "list", "--bootstrap-server", &address]).run();
    assert_snapshot!(outcome.with(&address, "SERVER"), @"
    $ kubectl kafka topics list --bootstrap-server SERVER
    --- stderr
    error: the connection to the Kafka cluster was lost: an answer of 1213486160 bytes was announced: the peer does not speak Kafka
    --- exit code 1
    ");
}
