//! A secure Kafka: the admin without a flag, users who may little, and every way to be refused.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use crate::world::{Kafka, User, documented, own, run, secured, unique};

trials! {
    the_admin_needs_no_flag,
    a_user_with_one_topic_has_that_one_and_no_other,
    a_user_who_may_nothing_is_told_what_to_allow_and_then_may,
    a_users_file_is_complete_and_a_new_password_makes_it_old,
    an_interrupt_never_parts_a_password_from_its_secret,
    a_wrong_authority_is_refused,
    javas_own_stores_are_read,
    other_mechanisms_are_refused_by_name,
    no_password_is_on_the_screen_however_much_is_said,
    whoever_may_not_read_the_secret_is_told_which_and_a_file_does,
    a_user_whose_secret_cannot_be_written_is_not_made,
    a_rehearsal_refuses_what_the_command_refuses_and_changes_nothing,
    deny_wins_and_only_what_is_shown_is_deleted,
    a_user_who_could_never_log_in_is_not_made,
    a_deleted_user_is_gone_in_both_places,
    a_secret_that_a_deletion_left_over_is_taken_by_the_next,
    a_deleted_user_takes_nobody_along_at_the_next_start,
    with_tls_alone_nobody_needs_a_secret,
}

fn the_admin_needs_no_flag() {
    let kafka = secured();
    let topic = kafka.topic(&["--partitions", "2"]);
    kafka.produce(&topic, &[], "one\ntwo\n").succeeded();
    let mut read = kafka.consume(&topic, &[]).succeeded().lines();
    read.sort();
    assert_eq!(read, ["one", "two"]);
    let group = unique("g");
    assert_eq!(kafka.consume(&topic, &["--group", &group]).succeeded().lines().len(), 2);
    kafka.run(&["verify"]).succeeded();
    let status = kafka.run(&["status", "-o", "json"]).succeeded().json();
    assert_eq!(status["healthy"], true, "{status}");
    let users = kafka.run(&["users", "list", "-o", "json"]).succeeded().json();
    let admin = users["items"].as_array().expect("items").iter().find(|user| user["name"] == "admin");
    assert_eq!(admin.expect("the admin")["secret"], "secured-user-admin");
}

/// A user who may nothing yet.
fn user(kafka: &Kafka) -> String {
    let name = unique("user");
    kafka.run(&["users", "create", &name]).succeeded();
    name
}

fn a_user_with_one_topic_has_that_one_and_no_other() {
    let kafka = secured();
    let (mine, other, group) = (kafka.topic(&[]), kafka.topic(&[]), unique("g"));
    let name = user(kafka);
    let as_user = ["--kafka-user", name.as_str()];
    for role in ["--producer", "--consumer"] {
        let group: &[&str] = if role == "--consumer" { &["--group", &group] } else { &[] };
        let grant = ["acls", "create", "--principal", &name, "--topic", &mine, role];
        kafka.run(&[&grant[..], group].concat()).succeeded();
    }
    kafka.produce(&mine, &as_user, "hello\n").succeeded();
    assert_eq!(kafka.consume(&mine, &as_user).succeeded().lines(), ["hello"]);
    let grouped = [&as_user[..], &["--group", &group]].concat();
    assert_eq!(kafka.consume(&mine, &grouped).succeeded().lines(), ["hello"]);
    let seen = kafka.run(&[&["topics", "list", "-o", "name"][..], &as_user].concat()).succeeded().lines();
    assert_eq!(seen, [format!("topic/{mine}")]);
    kafka.consume(&other, &as_user).exited(1).says(&format!("topic \"{other}\"")).says("TOPIC_AUTHORIZATION_FAILED");
    let other_group = unique("g");
    let grouped = [&as_user[..], &["--group", &other_group]].concat();
    kafka.consume(&mine, &grouped).exited(1).says(&format!("--operation Read --group {other_group}"));
    kafka
        .run(&[&["topics", "delete", &mine, "--yes"][..], &as_user].concat())
        .exited(1)
        .says(&format!("kubectl kafka acls create --principal {name} --operation Delete --topic {mine}"));
}

fn a_user_who_may_nothing_is_told_what_to_allow_and_then_may() {
    let kafka = secured();
    let topic = kafka.topic(&[]);
    let name = user(kafka);
    let as_user = ["--kafka-user", name.as_str()];
    assert_eq!(kafka.run(&[&["topics", "list", "-o", "name"][..], &as_user].concat()).succeeded().lines().len(), 0);
    let refused = kafka.produce(&topic, &as_user, "hello\n").exited(1).says(&format!("User:{name}"));
    // What is offered can be pasted, and it is enough.
    let offered = refused.stderr.split('`').nth(1).expect("a command").to_owned();
    let words: Vec<&str> = offered.split(' ').collect();
    let given = run(&words[2..]).succeeded().lines();
    assert!(given.iter().all(|line| line.ends_with(" created")), "{given:?}");
    let again = run(&words[2..]).succeeded().lines();
    assert!(again.iter().all(|line| line.ends_with(" unchanged")), "{again:?}");
    kafka.produce(&topic, &as_user, "hello\n").succeeded();
    for (arguments, offered) in [
        (&["users", "list"][..], "--operation Describe --kafka-cluster"),
        (&["acls", "list"], "--operation Describe --kafka-cluster"),
        (&["acls", "create", "--principal", &name, "--topic", &topic, "--operation", "All"], "--operation Alter"),
    ] {
        let refused = kafka.run(&[arguments, &as_user].concat()).exited(1).says(offered);
        assert!(refused.elapsed.as_secs() < 10, "a refusal is final: {refused}");
    }
}

/// A user's `client.properties` in a file, changed.
fn client_properties(kafka: &Kafka, user: &str, change: impl Fn(String) -> String) -> (TempDir, PathBuf) {
    let text = secret(kafka, user, "client\\.properties");
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("client.properties");
    std::fs::write(&path, change(text)).expect("a file");
    (directory, path)
}

fn secret(kafka: &Kafka, user: &str, key: &str) -> String {
    let path = format!("go-template={{{{index .data \"{}\" | base64decode}}}}", key.replace('\\', ""));
    kafka.kubectl(&["get", "secret", &format!("secured-user-{user}"), "-o", &path])
}

fn a_users_file_is_complete_and_a_new_password_makes_it_old() {
    let kafka = secured();
    let name = user(kafka);
    let (_directory, file) = client_properties(kafka, &name, |text| text);
    let config = file.display().to_string();
    kafka.run(&["topics", "list", "--command-config", &config]).succeeded();

    kafka.run(&["users", "rotate", &name]).succeeded().says("needs the new password");
    kafka.run(&["topics", "list", "--kafka-user", &name]).succeeded();
    let password = std::fs::read_to_string(&file).expect("the file");
    let password = password.split("password=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a password");
    let refused = kafka.run(&["topics", "list", "--command-config", &config]).exited(1);
    assert!(refused.stderr.contains(&format!("does not know user \"{name}\" or its password is another")), "{refused}");
    assert!(!refused.stderr.contains(password), "{refused}");
    assert!(refused.elapsed.as_secs() < 10, "a refusal is final: {refused}");
}

/// At moments all over a rotation: whatever the Secret holds is what Kafka knows.
fn an_interrupt_never_parts_a_password_from_its_secret() {
    let kafka = secured();
    let name = user(kafka);
    let began = Instant::now();
    kafka.run(&["users", "rotate", &name]).succeeded();
    let whole = began.elapsed();
    let mut interrupted = 0;
    for part in 3..=10_u32 {
        let rotation = kafka.start(&["users", "rotate", &name]);
        std::thread::sleep(whole * part / 10);
        rotation.interrupt();
        let outcome = rotation.end();
        interrupted += u32::from(!outcome.is_success());
        kafka.run(&["topics", "list", "--kafka-user", &name]).succeeded();
    }
    assert!(interrupted > 0, "no rotation was interrupted");
}

fn a_wrong_authority_is_refused() {
    let kafka = secured();
    let other = rcgen::generate_simple_self_signed(vec!["other".to_owned()]).expect("a certificate").cert.pem();
    let one_line = other.trim_end().replace('\n', "\\n");
    let (_directory, file) = client_properties(kafka, "admin", |text| {
        let (before, _) = text.split_once("ssl.truststore.certificates=").expect("an authority");
        format!("{before}ssl.truststore.certificates={one_line}\n")
    });
    let config = file.display().to_string();
    let refused = kafka.run(&["topics", "list", "--command-config", &config]).exited(1);
    assert!(refused.stderr.contains("is not signed by the certificate authority of"), "{refused}");
    assert!(refused.elapsed.as_secs() < 10, "a refusal is final: {refused}");
}

fn other_mechanisms_are_refused_by_name() {
    let kafka = secured();
    for (from, to, said) in [
        ("sasl.mechanism=SCRAM-SHA-512", "sasl.mechanism=OAUTHBEARER", "sasl.mechanism=OAUTHBEARER is not supported"),
        ("sasl.mechanism=SCRAM-SHA-512", "sasl.mechanism=SCRAM-SHA-256", "it has SCRAM-SHA-512"),
        ("security.protocol=SASL_SSL", "security.protocol=SASL_PLAINTEXT", "uses TLS, and plain text was sent"),
        ("security.protocol=SASL_SSL", "security.protocol=SSL", "wants a login (SCRAM-SHA-512), and there is none"),
    ] {
        let (_directory, file) = client_properties(kafka, "admin", |text| text.replace(from, to));
        let config = file.display().to_string();
        kafka.run(&["topics", "list", "--command-config", &config]).exited(1).says(said);
    }
}

fn javas_own_stores_are_read() {
    let kafka = secured();
    let directory = tempfile::tempdir().expect("a directory");
    let place = |name: &str| directory.path().join(name).display().to_string();
    std::fs::write(place("ca.pem"), secret(kafka, "admin", "ca.crt")).expect("a file");
    for kind in ["PKCS12", "JKS"] {
        let store = place(kind);
        let keytool = std::process::Command::new("keytool")
            .args(["-importcert", "-noprompt", "-storepass", "changeit", "-alias", "ca", "-storetype", kind])
            .args(["-file", &place("ca.pem"), "-keystore", &store])
            .output()
            .expect("keytool");
        assert!(keytool.status.success(), "{}", String::from_utf8_lossy(&keytool.stdout));
        let with = |password: &str| {
            client_properties(kafka, "admin", |text| {
                let (before, _) = text.split_once("ssl.truststore.").expect("an authority");
                format!("{before}ssl.truststore.location={store}\nssl.truststore.password={password}\n")
            })
        };
        let (_kept, right) = with("changeit");
        kafka.run(&["topics", "list", "--command-config", &right.display().to_string()]).succeeded();
        let (_kept, wrong) = with("another");
        let refused = kafka.run(&["topics", "list", "--command-config", &wrong.display().to_string()]).exited(1);
        assert!(refused.stderr.contains("ssl.truststore.password is wrong for "), "{refused}");
    }
}

fn no_password_is_on_the_screen_however_much_is_said() {
    let kafka = secured();
    let name = user(kafka);
    let before = [secret(kafka, "admin", "password"), secret(kafka, &name, "password")];
    let topic = kafka.topic(&[]);
    let outcomes = [
        kafka.run(&["topics", "list", "-v=9"]),
        kafka.produce(&topic, &["-v=9"], "hello\n"),
        kafka.consume(&topic, &["-v=9"]),
        kafka.run(&["users", "rotate", &name, "-v=9", "-o", "json"]),
        kafka.run(&["status", "-v=9"]),
        kafka.run(&["topics", "list", "--kafka-user", &name, "-v=9"]),
    ];
    let after = secret(kafka, &name, "password");
    assert_ne!(before[1], after);
    for outcome in outcomes {
        let outcome = outcome.succeeded();
        assert!(outcome.stderr.contains("logged in"), "the log says who logs in: {outcome}");
        let all = format!("{}{}", outcome.stdout_text(), outcome.stderr);
        for password in before.iter().chain([&after]) {
            assert!(password.len() >= 32 && !all.contains(password.as_str()), "a password is shown by {outcome}");
        }
        assert!(!all.contains("PRIVATE KEY"), "a key is shown by {outcome}");
    }
}

fn whoever_may_not_read_the_secret_is_told_which_and_a_file_does() {
    let kafka = secured();
    let person = User::who_may(&kafka.namespace.name, &documented("kafka-user"));
    let refused = person.run(&["topics", "list"]).exited(1).says("secret/secured-user-admin");
    assert!(refused.stderr.contains("--kafka-user") && refused.stderr.contains("--command-config"), "{refused}");
    let name = user(kafka);
    let (_directory, file) = client_properties(kafka, &name, |text| text);
    person.run(&["topics", "list", "--command-config", &file.display().to_string()]).succeeded();

    // The Role of the page is enough for a user's own Secret, and for no other.
    let own = json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"],
        "resourceNames": [format!("secured-user-{name}")]});
    let person = User::who_may(&kafka.namespace.name, &[documented("kafka-user"), vec![own]].concat());
    person.run(&["topics", "list", "--kafka-user", &name]).succeeded();
    person.run(&["topics", "list", "--kafka-user", "admin"]).exited(1).says("secret/secured-user-admin");
}

fn a_user_whose_secret_cannot_be_written_is_not_made() {
    let kafka = secured();
    let reads = json!({"apiGroups": [""], "resources": ["secrets", "configmaps"], "verbs": ["get"]});
    let person = User::who_may(&kafka.namespace.name, &[documented("kafka-user"), vec![reads]].concat());
    let name = unique("user");
    person.run(&["users", "create", &name]).exited(1).says("Forbidden");
    kafka.run(&["users", "describe", &name]).exited(1).says(&format!("no user \"{name}\""));

    let made = user(kafka);
    let before = secret(kafka, &made, "password");
    person.run(&["users", "rotate", &made]).exited(1).says("Forbidden");
    assert_eq!(secret(kafka, &made, "password"), before);
    kafka.run(&["topics", "list", "--kafka-user", &made]).succeeded();

    let manager =
        User::who_may(&kafka.namespace.name, &[documented("kafka-user"), documented("kafka-user-manager")].concat());
    manager.run(&["users", "create", &name]).succeeded();
    manager.run(&["users", "rotate", &name]).succeeded();
    manager.run(&["users", "list"]).succeeded();
    manager.run(&["users", "delete", &name, "--yes"]).succeeded();
}

fn a_rehearsal_refuses_what_the_command_refuses_and_changes_nothing() {
    let kafka = secured();
    let foreign = unique("user");
    kafka.kubectl(&["create", "secret", "generic", &format!("secured-user-{foreign}")]);
    for rehearsal in [&[][..], &["--dry-run=server"]] {
        let create = [&["users", "create", &foreign][..], rehearsal].concat();
        kafka.run(&create).exited(1).says("does not belong to cluster");
    }
    kafka.kubectl(&["delete", "secret", &format!("secured-user-{foreign}")]);
    let name = unique("user");
    let created = kafka.run(&["users", "create", &name, "--dry-run=server"]).succeeded().lines();
    assert_eq!(created[0], format!("user/{name} created (server dry run)"));
    kafka.run(&["users", "rotate", &name, "--dry-run=server"]).exited(1).says("no user");

    let made = user(kafka);
    let before = secret(kafka, &made, "password");
    let rotated = kafka.run(&["users", "rotate", &made, "--dry-run=server"]).succeeded().lines();
    assert_eq!(rotated[0], format!("user/{made} rotated (server dry run)"));
    assert_eq!(secret(kafka, &made, "password"), before);

    let serials = || kafka.run(&["certs", "list", "-o", "jsonpath={.items[*].serial}"]).succeeded().stdout_text();
    let before = serials();
    for place in ["client", "server"] {
        let renewed = kafka.run(&["certs", "renew", &format!("--dry-run={place}"), "-o", "name"]).succeeded();
        assert!(renewed.lines().contains(&"secret/secured-user-admin".to_owned()), "{renewed}");
    }
    assert_eq!(serials(), before, "nothing was renewed");
    let mut names = kafka.run(&["certs", "list", "-o", "name"]).succeeded().lines();
    names.sort();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all, "{names:?}");
}

fn deny_wins_and_only_what_is_shown_is_deleted() {
    let kafka = secured();
    let topic = kafka.topic(&[]);
    let name = user(kafka);
    let as_user = ["--kafka-user", name.as_str()];
    let acl = ["acls", "create", "--principal", &name, "--topic"];
    kafka.run(&[&acl[..], &[&topic[..4], "--prefixed", "--operation", "All"]].concat()).succeeded();
    kafka.produce(&topic, &as_user, "hello\n").succeeded();
    kafka.run(&[&acl[..], &[&topic, "--operation", "Write", "--deny"]].concat()).succeeded();
    kafka.produce(&topic, &as_user, "hello\n").exited(1).says("--operation Write");
    let applies =
        kafka.run(&["acls", "list", "--topic", &topic, "--principal", &name, "-o", "json"]).succeeded().json();
    assert_eq!(applies["items"].as_array().map(Vec::len), Some(2), "{applies}");

    let delete = ["acls", "delete", "--principal", &name, "--topic", &topic];
    kafka.run(&delete).exited(2).says("--yes");
    let deleted = kafka.run(&[&delete[..], &["--yes"]].concat()).succeeded().lines();
    assert_eq!(deleted, [format!("Deny User:{name} Write on Topic {topic} deleted")]);
    kafka.produce(&topic, &as_user, "hello\n").succeeded();
}

fn has_secret(kafka: &Kafka, user: &str) -> bool {
    let name = format!("secured-user-{user}");
    !kafka.kubectl(&["get", "secret", &name, "--ignore-not-found", "-o", "name"]).is_empty()
}

fn a_user_who_could_never_log_in_is_not_made() {
    let kafka = secured();
    let name = unique("user");
    let refused = kafka.run(&["users", "create", &name, "--mechanism", "scram-sha256"]).exited(1);
    assert!(refused.stderr.contains("by SCRAM-SHA-256: it offers SCRAM-SHA-512"), "{refused}");
    assert!(!has_secret(kafka, &name));
    kafka.run(&["users", "describe", &name]).exited(1).says("no user");
}

fn a_secret_that_a_deletion_left_over_is_taken_by_the_next() {
    let kafka = secured();
    let name = user(kafka);
    let mut rules = [documented("kafka-user"), documented("kafka-user-manager")].concat();
    for rule in &mut rules {
        rule["verbs"].as_array_mut().expect("verbs").retain(|verb| verb != "delete");
    }
    let person = User::who_may(&kafka.namespace.name, &rules);
    person.run(&["users", "delete", &name, "--yes"]).exited(1).says("is deleted, and secret/");
    assert!(has_secret(kafka, &name));
    let deleted = kafka.run(&["users", "delete", &name, "--yes"]).succeeded().lines();
    assert_eq!(deleted, [format!("user \"{name}\" deleted")]);
    assert!(!has_secret(kafka, &name));
    kafka.run(&["users", "delete", &name, "--yes"]).exited(1).says("no user");
}

fn a_deleted_user_is_gone_in_both_places() {
    let kafka = secured();
    let name = user(kafka);
    kafka.run(&["acls", "create", "--principal", &name, "--group", "g", "--operation", "Read"]).succeeded();
    kafka.run(&["users", "create", &name]).exited(1).says("already exists");
    kafka.run(&["users", "delete", &name]).exited(2).says("--yes");
    kafka.run(&["users", "delete", &name, "--yes"]).succeeded().says("1 ACL of user");
    kafka.run(&["users", "describe", &name]).exited(1);
    kafka.run(&["topics", "list", "--kafka-user", &name]).exited(1).says(&format!("no Secret secured-user-{name}"));
    kafka.run(&["users", "delete", &name, "--yes"]).exited(1).says("no user");
    for nothing in [
        &["users", "delete", &name, "--yes", "--if-exists", "-o", "json"][..],
        &["topics", "delete", &name, "--yes", "--if-exists", "-o", "json"],
        &["acls", "delete", "--principal", "nobody-at-all", "--yes", "-o", "json"],
    ] {
        assert_eq!(kafka.run(nothing).succeeded().json(), json!({"items": []}), "{nothing:?}");
    }
    kafka.run(&["users", "delete", "admin", "--yes"]).exited(2);
}

fn a_deleted_user_takes_nobody_along_at_the_next_start() {
    let kafka = own(&["--authentication", "scram"]);
    for name in ["alice", "given"] {
        kafka.run(&["users", "create", name]).succeeded();
    }
    kafka.run(&["users", "delete", "given", "--yes"]).succeeded();
    // Of this name, and of the users before it, Kafka 4.3.1 makes nothing at a start (ScramDelta.apply).
    kafka.start(&["restart"]).within(Duration::from_secs(400)).end().succeeded();
    let users = kafka.run(&["users", "list", "-o", "name"]).succeeded().lines();
    assert_eq!(users, ["user/admin", "user/alice"], "who only keeps the others is no user");
    kafka.run(&["topics", "list", "--kafka-user", "alice"]).succeeded();

    // As in a cluster that was installed before there was one, it is made before anybody is deleted.
    let anchor = "kubectl-kafka-anchor-dupgypq";
    let path = r"jsonpath={.data.client\.properties}";
    let properties = kafka.kubectl(&["get", "secret", "own-user-admin", "-o", path]);
    let configs = |what: &str| {
        let tool = format!(
            "echo {properties} | base64 -d > /tmp/admin.properties; KAFKA_HEAP_OPTS=-Xmx64m /opt/kafka/bin/kafka-configs.sh --bootstrap-server $(hostname -f):9092 \
             --command-config /tmp/admin.properties --entity-type users {what}"
        );
        kafka.kubectl(&["exec", "own-broker-0", "--", "bash", "-c", &tool])
    };
    assert!(configs("--describe").contains(anchor));
    configs(&format!("--alter --entity-name {anchor} --delete-config SCRAM-SHA-512"));
    assert!(!configs("--describe").contains(anchor));
    kafka.run(&["users", "delete", "alice", "--yes"]).succeeded();
    let left = configs("--describe");
    assert!(left.contains(anchor) && !left.contains("alice"), "{left}");
}

fn with_tls_alone_nobody_needs_a_secret() {
    let kafka = own(&["--tls"]);
    let topic = kafka.topic(&[]);
    kafka.produce(&topic, &[], "hello\n").succeeded();
    assert_eq!(kafka.consume(&topic, &[]).succeeded().lines(), ["hello"]);
    kafka.run(&["status"]).succeeded();
    let authority = json!({"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"],
        "resourceNames": ["own-ca"]});
    let person = User::who_may(&kafka.namespace.name, &[documented("kafka-user"), vec![authority]].concat());
    person.run(&["topics", "list"]).succeeded();
    kafka.run(&["users", "create", "alice"]).exited(1).says("lets everyone in");
}
