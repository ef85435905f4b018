//! A secured Kafka as its keeper sees it: what listens, what is written where, and new certificates.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::world::{Kafka, Load, Permit, Running, SMALL, User, documented, kubectl, namespace, own, run, start};

trials! {
    no_port_speaks_in_the_clear_and_no_password_is_anywhere,
    certificates_are_renewed_under_load_on_every_listener_of_every_pod,
    a_secure_cluster_comes_back_on_kept_data_with_its_users_and_keys,
    pods_that_are_deleted_while_an_install_waits_do_not_stop_it,
    an_authority_of_ones_own_signs_the_certificates,
    an_admin_whose_secret_is_gone_comes_back,
    an_admin_whose_password_kafka_does_not_know_is_let_in_by_install,
    nothing_is_signed_by_another_authority_until_it_is_wanted,
}

/// One broker and one controller, so that both kinds of pods are there.
const SECURE: [&str; 6] = ["--brokers", "1", "--controllers", "1", "--authentication", "scram"];

fn secret(kafka: &Kafka, name: &str, key: &str) -> String {
    let path = format!("jsonpath={{.data.{}}}", key.replace('.', r"\."));
    let value = kafka.kubectl(&["get", "secret", name, "-o", &path]);
    String::from_utf8(STANDARD.decode(value.trim()).expect("base64")).expect("text")
}

fn pods(kafka: &Kafka) -> Vec<String> {
    let names = kafka.kubectl(&["get", "pods", "-o", "name"]);
    names.lines().map(|name| name.trim_start_matches("pod/").to_owned()).collect()
}

fn no_port_speaks_in_the_clear_and_no_password_is_anywhere() {
    let kafka = own(&SECURE);
    let password = secret(&kafka, "own-user-admin", "password");
    assert!(password.len() >= 24, "a password nobody guesses");

    let mut listening = BTreeSet::new();
    for pod in pods(&kafka) {
        for port in listening_ports(&kafka, &pod) {
            // ApiVersions 0 as any client sends it; a listener in the clear answers with a frame whose length has
            // two leading zeroes, and the same correlation id.
            let ask = format!(
                r"exec 3<>/dev/tcp/127.0.0.1/{port}; printf '\0\0\0\x0e\0\x12\0\0\0\0\0\x07\0\x04test' >&3; timeout 3 head -c 8 <&3 | od -An -tx1"
            );
            let answer = kafka.kubectl(&["exec", &pod, "--", "bash", "-c", &ask]);
            let bytes: Vec<&str> = answer.split_whitespace().collect();
            let in_the_clear = bytes.len() == 8 && bytes[4..] == ["00", "00", "00", "07"];
            assert!(!in_the_clear, "port {port} of {pod} answers in the clear: {answer}");
            listening.insert(port);
        }
    }
    assert!(listening.is_superset(&BTreeSet::from([9091, 9092, 9093])), "{listening:?}");

    let objects = kafka.kubectl(&["get", "pods,statefulsets,configmaps,services,events", "-o", "yaml"]);
    assert!(!objects.contains(&password), "an object holds the password");
    assert!(!objects.contains("PRIVATE KEY"), "an object holds a key");
    for pod in pods(&kafka) {
        let log = kafka.kubectl(&["logs", &pod, "--all-containers"]);
        assert!(!log.is_empty() && !log.contains(&password), "the log of {pod} holds the password");
        for word in ["storedKey", "stored_key", "serverKey", "server_key"] {
            assert!(!log.contains(word), "the log of {pod} holds {word}");
        }
    }
    let again = [&["install", "own", "-v=9"][..], &SMALL, &["--preset", "dev"], &SECURE].concat();
    for arguments in [&again[..], &["install", "own", "--diff", "-v=9"], &["status", "-v=9"]] {
        let said = kafka.run(arguments).succeeded();
        assert!(!said.stderr.contains(&password) && !said.stdout_text().contains(&password), "{}", arguments[0]);
        assert!(!said.stderr.contains("PRIVATE KEY"), "{}", arguments[0]);
    }
}

/// Of the pod's own network, from the kernel.
fn listening_ports(kafka: &Kafka, pod: &str) -> Vec<u16> {
    let table = kafka.kubectl(&["exec", pod, "--", "bash", "-c", "cat /proc/net/tcp /proc/net/tcp6"]);
    let listening = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let ports: BTreeSet<u16> = listening
        .filter(|fields| fields.get(3) == Some(&"0A"))
        .filter_map(|fields| u16::from_str_radix(fields[1].rsplit(':').next()?, 16).ok())
        .collect();
    ports.into_iter().collect()
}

/// The number of each certificate that is served, by pod and listener.
fn served(kafka: &Kafka) -> Vec<(String, String)> {
    let list = kafka.run(&["certs", "list", "-o", "json"]).succeeded().json();
    let items = list["items"].as_array().expect("items");
    let served = items.iter().filter(|item| !item["listener"].is_null());
    served
        .map(|item| {
            assert_eq!(item["standing"], "valid", "{item}");
            let text = |key: &str| item[key].as_str().expect(key).to_owned();
            (format!("{} {}", text("owner"), text("listener")), text("serial"))
        })
        .collect()
}

fn certificates_are_renewed_under_load_on_every_listener_of_every_pod() {
    let kafka = own(&SECURE);
    let topic = kafka.topic(&[]);
    let before = served(&kafka);
    assert_eq!(before.len(), 3, "two listeners of the broker and the controller's: {before:?}");
    let starts =
        || kafka.kubectl(&["get", "pods", "-o", "jsonpath={.items[*].status.containerStatuses[*].restartCount}"]);
    let load = Load::on(&kafka, &topic);
    // Twice: the second time nothing of the first may be in the way.
    let mut last = before;
    for _ in 0..2 {
        kafka.start(&["certs", "renew"]).within(Duration::from_secs(320)).end().succeeded();
        let now = served(&kafka);
        for ((listener, new), (same, old)) in now.iter().zip(&last) {
            assert_eq!(listener, same);
            assert_ne!(new, old, "{listener} serves the old certificate");
        }
        last = now;
    }
    let sent = load.end();
    let read = kafka.consume(&topic, &[]).succeeded();
    assert_eq!(u64::try_from(read.lines().len()).expect("few"), sent, "all messages are there once");
    assert_eq!(starts(), "0 0", "no pod was restarted");
    let keeper = User::who_may(&kafka.namespace.name, &documented("kafka-certificate-keeper"));
    keeper.start(&["certs", "renew"]).within(Duration::from_secs(320)).end().succeeded();
    keeper.run(&["certs", "list"]).succeeded();
    // What it started with and what it serves now are both accepted by the others.
    kafka.start(&["restart"]).within(Duration::from_secs(400)).end().succeeded();
    kafka.run(&["verify"]).succeeded();
}

fn a_secure_cluster_comes_back_on_kept_data_with_its_users_and_keys() {
    let kafka = own(&SECURE);
    let topic = kafka.topic(&[]);
    kafka.produce(&topic, &[], "kept\n").succeeded();
    kafka.run(&["users", "create", "alice"]).succeeded();
    kafka.run(&["acls", "create", "--principal", "alice", "--topic", &topic, "--consumer", "--group", "*"]).succeeded();
    let keys = || (secret(&kafka, "own-ca", "ca.crt"), secret(&kafka, "own-user-admin", "password"));
    let before = keys();
    kafka.run(&["uninstall", "own", "--yes"]).succeeded();
    assert_eq!(pods(&kafka), [""; 0]);
    let again = [&["install", "own"][..], &SMALL, &["--preset", "dev"], &SECURE].concat();
    kafka.start(&again).within(Duration::from_secs(300)).end().succeeded();
    assert_eq!(keys(), before);
    assert_eq!(kafka.consume(&topic, &["--kafka-user", "alice"]).succeeded().lines(), ["kept"]);
    kafka.run(&["uninstall", "own", "--delete-data", "--yes"]).succeeded();
    let left = kafka.kubectl(&["get", "secrets,configmaps,pvc", "-l", "app.kubernetes.io/instance=own", "-o", "name"]);
    assert_eq!(left, "", "keys and passwords go with the data");
}

fn pods_that_are_deleted_while_an_install_waits_do_not_stop_it() {
    let _permit = Permit::take();
    let namespace = namespace();
    let here = namespace.name.as_str();
    let flags = ["install", "shaken", "-n", here, "--brokers", "2", "--controllers", "1"];
    let mut installing = start(&[&flags[..], &SMALL].concat()).within(Duration::from_secs(420));
    installing.until("the StatefulSets are applied", |running| running.stdout().contains("shaken-broker created"));
    // One as soon as it is there, one while it starts, one when it is ready.
    for (pod, phase) in [
        ("shaken-broker-0", "broker-0: "),
        ("shaken-controller-0", "controller-0: starting"),
        ("shaken-broker-1", "broker-1: starting"),
    ] {
        installing.until("the pod is so far", |running| running.stderr().contains(phase));
        kubectl(&["delete", "pod", pod, "-n", here, "--ignore-not-found", "--grace-period=1", "--wait=false"]);
    }
    let outcome = installing.end().succeeded();
    assert!(outcome.stderr.contains("a message went round"), "{outcome}");
    run(&["verify", "shaken", "-n", here]).succeeded();
}

fn an_authority_of_ones_own_signs_the_certificates() {
    let kafka = own(&["--tls", "--brokers", "1", "--controllers", "1"]);
    // Without users there is no admin: the authority itself opens the controllers.
    let before = served(&kafka);
    kafka.start(&["certs", "renew"]).within(Duration::from_secs(320)).end().succeeded();
    assert!(served(&kafka).iter().zip(&before).all(|(new, old)| new.0 == old.0 && new.1 != old.1));
    let (certificate, key) = (secret(&kafka, "own-ca", "ca.crt"), secret(&kafka, "own-ca", "ca.key"));
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).expect("a file");
        format!("--from-file={name}={}", path.display())
    };
    let files = [file("ca.crt", &certificate), file("ca.key", &key)];
    kafka.kubectl(&["create", "secret", "generic", "company", &files[0], &files[1]]);
    kafka.kubectl(&["create", "secret", "generic", "broken", &files[0], &file("ca.key", "hello")]);
    let missing = kafka.run(&["install", "other", "--preset", "dev", "--ca-secret", "absent"]).exited(1);
    assert!(missing.stderr.contains("Secret \"absent\""), "{missing}");
    let broken = kafka.run(&["install", "other", "--preset", "dev", "--ca-secret", "broken"]).exited(1);
    assert!(broken.stderr.contains("Secret \"broken\": its key is not read"), "{broken}");
    let printed = ["install", "other", "--preset", "dev", "--ca-secret", "company", "--dry-run=server", "-o", "name"];
    let objects = kafka.run(&printed).succeeded().stdout_text();
    assert!(objects.contains("secret/other-broker-tls") && !objects.contains("secret/other-ca\n"), "{objects}");
    assert_eq!(pods(&kafka), ["own-broker-0", "own-controller-0"], "nothing of the others is there");
}

/// The same install once more.
fn again(kafka: &Kafka) -> Running {
    let again = [&["install", "own"][..], &SMALL, &["--preset", "dev"], &SECURE].concat();
    kafka.start(&again).within(Duration::from_secs(300))
}

fn an_admin_whose_secret_is_gone_comes_back() {
    let kafka = own(&SECURE);
    kafka.run(&["users", "create", "alice"]).succeeded();
    let before = secret(&kafka, "own-user-admin", "password");
    kafka.kubectl(&["delete", "secret", "own-user-admin"]);
    let lost = kafka.run(&["topics", "list"]).exited(1).says("`kubectl kafka install own -n ");
    assert!(lost.stderr.contains("Secret \"own-user-admin\" of its admin is gone"), "{lost}");

    again(&kafka).end().succeeded().says("the admin has a new password");
    assert_ne!(secret(&kafka, "own-user-admin", "password"), before);
    assert_eq!(kafka.run(&["users", "list", "-o", "name"]).succeeded().lines(), ["user/admin", "user/alice"]);
    kafka.run(&["topics", "list", "--kafka-user", "alice"]).succeeded();

    kafka.kubectl(&["delete", "secret", "own-user-admin"]);
    kafka.run(&["users", "rotate", "admin"]).succeeded().says("let in by a certificate of Secret \"own-ca\"");
    kafka.run(&["users", "describe", "admin"]).succeeded();
    kafka.start(&["certs", "renew"]).within(Duration::from_secs(320)).end().succeeded();

    // A password that Kafka does not know.
    kafka.kubectl(&["patch", "secret", "own-user-admin", "-p", r#"{"stringData": {"password": "another"}}"#]);
    kafka.run(&["topics", "list"]).exited(1).says("kubectl kafka users rotate admin");
    kafka.run(&["users", "rotate", "admin"]).succeeded();
    kafka.run(&["topics", "list"]).succeeded();

    // With its data alone it comes back too.
    kafka.run(&["uninstall", "own", "--yes"]).succeeded();
    kafka.kubectl(&["delete", "secret", "own-user-admin"]);
    kafka.run(&["install", "own", "--no-wait"]).exited(1).says("leave --no-wait out");
    again(&kafka).end().succeeded().says("the admin has a new password");
    kafka.run(&["topics", "list", "--kafka-user", "alice"]).succeeded();
}

fn an_admin_whose_password_kafka_does_not_know_is_let_in_by_install() {
    let kafka = own(&SECURE);
    let give = |password: &str| {
        let patch = format!(r#"{{"stringData": {{"password": "{password}"}}}}"#);
        kafka.kubectl(&["patch", "secret", "own-user-admin", "-p", &patch]);
        kafka.run(&["topics", "list"]).exited(1).says("kubectl kafka users rotate admin");
    };
    let healed = "Kafka had another password of the admin than Secret \"own-user-admin\" says";

    // As after a crash between the Secret and Kafka; nothing else is to be done.
    give("second");
    again(&kafka).end().succeeded().says(healed);
    kafka.run(&["topics", "list"]).succeeded();
    assert_eq!(secret(&kafka, "own-user-admin", "password"), "second");

    // A rehearsal asks Kafka and changes nothing.
    give("third");
    let setting = ["--config", "log.retention.ms=3600000"];
    let rehearsed = kafka.run(&[&["install", "own", "--dry-run=server"][..], &setting].concat()).succeeded();
    assert!(!rehearsed.stderr.contains(healed) && !rehearsed.stderr.contains("cannot be asked"), "{rehearsed}");
    kafka.run(&["topics", "list"]).exited(1);

    // Kafka is given a setting as well.
    let changed = kafka.start(&[&["install", "own"][..], &setting].concat()).within(Duration::from_secs(300)).end();
    let changed = changed.succeeded().says(healed);
    assert!(changed.stderr.contains("Set in Kafka at once, without a restart: log.retention.ms"), "{changed}");
    assert!(!again(&kafka).end().succeeded().stderr.contains(healed), "there is nothing to heal any more");
    kafka.run(&["verify"]).succeeded();

    // With its data alone it is let in too.
    kafka.run(&["uninstall", "own", "--yes"]).succeeded();
    kafka.kubectl(&["patch", "secret", "own-user-admin", "-p", r#"{"stringData": {"password": "fourth"}}"#]);
    again(&kafka).end().succeeded().says(healed);
    kafka.run(&["topics", "list"]).succeeded();
}

fn nothing_is_signed_by_another_authority_until_it_is_wanted() {
    let kafka = own(&SECURE);
    kafka.run(&["users", "create", "alice"]).succeeded();
    let topic = kafka.topic(&[]);
    kafka.produce(&topic, &[], "kept\n").succeeded();
    let before = secret(&kafka, "own-ca", "ca.crt");
    kafka.kubectl(&["delete", "secret", "own-ca"]);
    for command in [&["install", "own"][..], &["certs", "renew"]] {
        let refused = kafka.run(command).exited(1).says("bring Secret own-ca back");
        assert!(refused.stderr.contains("is gone; nothing was changed"), "{refused}");
        assert_eq!(kafka.kubectl(&["get", "secret", "own-ca", "--ignore-not-found", "-o", "name"]), "");
    }
    let list = kafka.run(&["certs", "list"]).succeeded().stdout_text();
    assert!(list.contains("Secret own-ca is gone"), "{list}");
    kafka.run(&["verify"]).succeeded();

    // What the hint says, word by word.
    kafka.run(&["uninstall", "own", "--yes"]).succeeded();
    kafka.kubectl(&["delete", "secret", "own-controller-tls", "own-broker-tls", "own-user-admin"]);
    again(&kafka).end().succeeded().says("the admin has a new password");
    assert_ne!(secret(&kafka, "own-ca", "ca.crt"), before);
    assert_eq!(kafka.consume(&topic, &[]).succeeded().lines(), ["kept"]);
    kafka.run(&["topics", "list", "--kafka-user", "alice"]).exited(1).says("authority");
    kafka.run(&["users", "rotate", "alice"]).succeeded();
    kafka.run(&["topics", "list", "--kafka-user", "alice"]).succeeded();
    assert_eq!(served(&kafka).len(), 3);
}
