//! `--kafka-user`, `--command-config`, `users` and `acls`: what is refused before anything is connected to.

use insta::assert_snapshot;

use crate::kafka::kafka;

#[test]
fn a_file_that_does_not_exist() {
    assert_snapshot!(kafka(&["topics", "list", "--command-config", "gone.properties"]).run(), @"
    $ kubectl kafka topics list --command-config gone.properties
    --- stderr
    error: --command-config: cannot read gone.properties: No such file or directory (os error 2)
    --- exit code 1
    ");
}

#[test]
fn a_user_and_a_file() {
    assert_snapshot!(kafka(&["topics", "list", "--kafka-user", "alice", "--command-config", "client.properties"]).file("client.properties", "x=y").run(), @"
    $ kubectl kafka topics list --kafka-user alice --command-config client.properties
    --- stderr
    error: --kafka-user and --command-config exclude each other
    --- exit code 2
    ");
}

#[test]
fn a_user_behind_an_address() {
    assert_snapshot!(kafka(&["topics", "list", "--kafka-user", "alice", "--bootstrap-server", "127.0.0.1:1"]).run(), @"
    $ kubectl kafka topics list --kafka-user alice --bootstrap-server 127.0.0.1:1
    --- stderr
    error: --kafka-user and --bootstrap-server exclude each other
    hint: name a file with what to connect with by --command-config
    --- exit code 2
    ");
}

#[test]
fn kerberos() {
    assert_snapshot!(kafka(&["topics", "list", "--bootstrap-server", "127.0.0.1:1", "--command-config", "client.properties"]).file("client.properties", "security.protocol=SASL_SSL\nsasl.mechanism=GSSAPI\n").run(), @"
    $ kubectl kafka topics list --bootstrap-server 127.0.0.1:1 --command-config client.properties
    --- stderr
    error: client.properties: sasl.mechanism=GSSAPI is not supported
    hint: PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 are
    --- exit code 1
    ");
}

#[test]
fn a_truststore_that_is_none() {
    assert_snapshot!(kafka(&["topics", "list", "--bootstrap-server", "127.0.0.1:1", "--command-config", "client.properties"]).file("client.properties", "security.protocol=SSL\nssl.truststore.location=client.properties\n").run(), @"
    $ kubectl kafka topics list --bootstrap-server 127.0.0.1:1 --command-config client.properties
    --- stderr
    error: client.properties: ssl.truststore.location: client.properties is no PEM file and no store of Java's
    hint: PEM has -----BEGIN CERTIFICATE----- in it
    --- exit code 1
    ");
}

#[test]
fn a_login_that_is_not_closed() {
    assert_snapshot!(kafka(&["topics", "list", "--bootstrap-server", "127.0.0.1:1", "--command-config", "client.properties"]).file("client.properties", r#"security.protocol=SASL_PLAINTEXT
sasl.mechanism=PLAIN
sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="a" password="s3cret"
"#).run(), @r#"
    $ kubectl kafka topics list --bootstrap-server 127.0.0.1:1 --command-config client.properties
    --- stderr
    error: client.properties: sasl.jaas.config: it does not end in a semicolon
    hint: write sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="USER" password="PASSWORD";
    --- exit code 1
    "#);
}

#[test]
fn a_generated_password_that_would_be_lost() {
    assert_snapshot!(kafka(&["users", "create", "alice", "--bootstrap-server", "127.0.0.1:1", "--secret", "x", "--password-file", "y"]).run(), @"
    $ kubectl kafka users create alice --bootstrap-server 127.0.0.1:1 --secret x --password-file y
    --- stderr
    error: the argument '--secret <NAME>' cannot be used with '--password-file <FILE>'

    Usage: kubectl kafka users create --bootstrap-server <HOST:PORT> --secret <NAME> <NAME>

    For more information, try '--help'.
    --- exit code 2
    ");
}

#[test]
fn a_user_that_no_secret_can_carry() {
    assert_snapshot!(kafka(&["users", "create", "Alice"]).run(), @r#"
    $ kubectl kafka users create Alice
    --- stderr
    error: user "Alice": its Secret carries the name, which must suit Kubernetes
    hint: a name has 1 to 63 lower-case letters, digits, hyphens and dots, and begins and ends with a letter or digit
    --- exit code 2
    "#);
}

#[test]
fn the_admin_stays() {
    assert_snapshot!(kafka(&["users", "delete", "admin"]).run(), @r#"
    $ kubectl kafka users delete admin
    --- stderr
    error: user "admin" is the one that kubectl kafka itself logs in as
    hint: give it a new password with `kubectl kafka users rotate admin`
    --- exit code 2
    "#);
}

/// Kafka would forget users at its next start without it.
#[test]
fn who_keeps_the_users_is_left_alone() {
    for verb in ["create", "describe", "rotate", "delete"] {
        let told = kafka(&["users", verb, "kubectl-kafka-anchor-dupgypq"]).run().to_string();
        assert!(told.contains("error: \"kubectl-kafka-anchor-dupgypq\" is no user: "), "{told}");
        assert!(told.contains("--- exit code 2"), "{told}");
    }
    assert_snapshot!(kafka(&["users", "delete", "kubectl-kafka-anchor-dupgypq"]).run(), @r#"
    $ kubectl kafka users delete kubectl-kafka-anchor-dupgypq
    --- stderr
    error: "kubectl-kafka-anchor-dupgypq" is no user: nobody can log in as it, and it keeps Kafka from forgetting the others
    --- exit code 2
    "#);
}

#[test]
fn too_few_iterations() {
    assert_snapshot!(kafka(&["users", "create", "alice", "--iterations", "1"]).run(), @"
    $ kubectl kafka users create alice --iterations 1
    --- stderr
    error: invalid value '1' for '--iterations <COUNT>': 1 is not in 4096..=16384

    For more information, try '--help'.
    --- exit code 2
    ");
}

#[test]
fn a_rule_for_nobody() {
    assert_snapshot!(kafka(&["acls", "create", "--topic", "orders", "--operation", "Read"]).run(), @"
    $ kubectl kafka acls create --topic orders --operation Read
    --- stderr
    error: the following required arguments were not provided:
      --principal <NAME>

    Usage: kubectl kafka acls create --principal <NAME> --topic <TOPIC> --operation <OPERATION>

    For more information, try '--help'.
    --- exit code 2
    ");
}

#[test]
fn a_rule_on_nothing() {
    assert_snapshot!(kafka(&["acls", "create", "--principal", "alice", "--operation", "Read"]).run(), @"
    $ kubectl kafka acls create --principal alice --operation Read
    --- stderr
    error: on what? no resource is named
    hint: name it with --topic, --group, --transactional-id or --kafka-cluster
    --- exit code 2
    ");
}

#[test]
fn an_operation_that_means_nothing_there() {
    assert_snapshot!(kafka(&["acls", "create", "--principal", "alice", "--group", "g", "--operation", "write"]).run(), @"
    $ kubectl kafka acls create --principal alice --group g --operation write
    --- stderr
    error: --operation Write means nothing on a Group
    hint: on a Group there are Read, Describe, Delete, DescribeConfigs, AlterConfigs and All
    --- exit code 2
    ");
}

#[test]
fn an_operation_that_is_none() {
    assert_snapshot!(kafka(&["acls", "create", "--principal", "alice", "--group", "g", "--operation", "reed"]).run(), @"
    $ kubectl kafka acls create --principal alice --group g --operation reed
    --- stderr
    error: invalid value 'reed' for '--operation <OPERATION>': expected an operation of All, Read, Write, Create, Delete, Alter, Describe, ClusterAction, DescribeConfigs, AlterConfigs, IdempotentWrite, CreateTokens, DescribeTokens, TwoPhaseCommit

    For more information, try '--help'.
    --- exit code 2
    ");
}

#[test]
fn a_rehearsal_of_rules() {
    assert_snapshot!(kafka(&["acls", "create", "--principal", "alice", "--topic", "orders", "--group", "g", "--consumer", "--dry-run=client"]).run(), @"
    $ kubectl kafka acls create --principal alice --topic orders --group g --consumer --dry-run=client
    --- stdout
    Allow User:alice Read on Topic orders created (dry run)
    Allow User:alice Describe on Topic orders created (dry run)
    Allow User:alice Read on Group g created (dry run)
    --- exit code 0
    ");
}

#[test]
fn all_rules_at_once_must_be_said() {
    assert_snapshot!(kafka(&["acls", "delete"]).run(), @"
    $ kubectl kafka acls delete
    --- stderr
    error: which rules? nothing chooses them
    hint: choose them with --principal, --topic, --group and the like, or pass --all
    --- exit code 2
    ");
}

#[test]
fn kubectls_cluster_flag_is_not_a_resource() {
    assert_snapshot!(kafka(&["acls", "create", "--principal", "alice", "--cluster", "--operation", "Alter"]).run(), @"
    $ kubectl kafka acls create --principal alice --cluster --operation Alter
    --- stderr
    error: a value is required for '--cluster <NAME>' but none was supplied

    For more information, try '--help'.
    --- exit code 2
    ");
}

#[test]
fn a_misspelt_property() {
    assert_snapshot!(kafka(&["topics", "list", "--bootstrap-server", "127.0.0.1:1", "--command-config", "client.properties"]).file("client.properties", "security.protocol=SSL\nssl.trustore.location=ca.pem\n").run(), @"
    $ kubectl kafka topics list --bootstrap-server 127.0.0.1:1 --command-config client.properties
    --- stderr
    error: client.properties: line 2: property ssl.trustore.location is unknown; did you mean ssl.truststore.location?
    --- exit code 1
    ");
}

#[test]
fn librdkafkas_property() {
    assert_snapshot!(kafka(&["topics", "list", "--bootstrap-server", "127.0.0.1:1", "--command-config", "client.properties"]).file("client.properties", "security.protocol=SSL\nssl.ca.location=ca.pem\n").run(), @"
    $ kubectl kafka topics list --bootstrap-server 127.0.0.1:1 --command-config client.properties
    --- stderr
    error: client.properties: line 2: property ssl.ca.location is librdkafka's; write ssl.truststore.location
    --- exit code 1
    ");
}

#[test]
fn an_empty_file() {
    assert_snapshot!(kafka(&["topics", "list", "--bootstrap-server", "127.0.0.1:1", "--command-config", "client.properties"]).file("client.properties", "").run(), @"
    $ kubectl kafka topics list --bootstrap-server 127.0.0.1:1 --command-config client.properties
    --- stderr
    error: client.properties: it has no property of a Kafka client
    hint: one property stands on a line, as in security.protocol=SASL_SSL
    --- exit code 1
    ");
}

#[test]
fn a_file_in_yaml() {
    assert_snapshot!(kafka(&["topics", "list", "--bootstrap-server", "127.0.0.1:1", "--command-config", "client.properties"]).file("client.properties", "security:\n  protocol: SSL\n").run(), @"
    $ kubectl kafka topics list --bootstrap-server 127.0.0.1:1 --command-config client.properties
    --- stderr
    error: client.properties: it is YAML with keys in keys, and Java properties are read
    hint: one property stands on a line, as in security.protocol=SASL_SSL
    --- exit code 1
    ");
}

#[test]
fn a_rule_without_a_meaning() {
    assert_snapshot!(kafka(&["acls", "create", "--principal", "alice"]).run(), @"
    $ kubectl kafka acls create --principal alice
    --- stderr
    error: on what? no resource is named
    hint: name it with --topic, --group, --transactional-id or --kafka-cluster
    hint: pass --producer with a --topic, --consumer with a --topic and a --group, or --operation Read and the like
    --- exit code 2
    ");
}

#[test]
fn a_rule_without_an_operation() {
    assert_snapshot!(kafka(&["acls", "create", "--principal", "alice", "--topic", "orders"]).run(), @"
    $ kubectl kafka acls create --principal alice --topic orders
    --- stderr
    error: what is it about? no operation is named
    hint: pass --producer with a --topic, --consumer with a --topic and a --group, or --operation Read and the like
    --- exit code 2
    ");
}

#[test]
fn a_rule_for_a_range_of_addresses() {
    assert_snapshot!(kafka(&["acls", "create", "--principal", "alice", "--topic", "orders", "--operation", "Write", "--deny", "--host", "10.0.0.0/8"]).run(), @r#"
    $ kubectl kafka acls create --principal alice --topic orders --operation Write --deny --host 10.0.0.0/8
    --- stderr
    error: --host "10.0.0.0/8": Kafka compares whole addresses and knows no ranges
    hint: write an address, as in --host 10.0.0.7; repeat the flag for several, or leave it out for all
    --- exit code 2
    "#);
}

#[test]
fn a_rule_for_topics_with_a_star() {
    assert_snapshot!(kafka(&["acls", "create", "--principal", "alice", "--topic", "pre*", "--operation", "Write", "--deny"]).run(), @r#"
    $ kubectl kafka acls create --principal alice --topic pre* --operation Write --deny
    --- stderr
    error: --topic "pre*": Kafka does not expand the star
    hint: write --topic pre --prefixed
    --- exit code 2
    "#);
}

#[test]
fn a_rule_for_two_users_at_once() {
    assert_snapshot!(kafka(&["acls", "create", "--principal", "alice,bob", "--topic", "orders", "--producer"]).run(), @r#"
    $ kubectl kafka acls create --principal alice,bob --topic orders --producer
    --- stderr
    error: --principal "alice,bob": it would be one user of this name
    hint: repeat the flag: --principal alice --principal bob
    --- exit code 2
    "#);
}

#[test]
fn a_rule_for_a_user_in_small_letters() {
    assert_snapshot!(kafka(&["acls", "create", "--principal", "user:alice", "--topic", "orders", "--producer"]).run(), @r#"
    $ kubectl kafka acls create --principal user:alice --topic orders --producer
    --- stderr
    error: --principal "user:alice": Kafka tells capital letters from small ones
    hint: write --principal User:alice
    --- exit code 2
    "#);
}

#[test]
fn a_rule_for_a_group_of_users() {
    assert_snapshot!(kafka(&["acls", "create", "--principal", "Group:ops", "--topic", "orders", "--producer"]).run(), @r#"
    $ kubectl kafka acls create --principal Group:ops --topic orders --producer
    --- stderr
    error: --principal "Group:ops": Kafka's authorizer knows principals of type User only
    hint: write --principal User:NAME, and repeat it for each user
    --- exit code 2
    "#);
}

#[test]
fn the_cluster_has_no_beginning() {
    assert_snapshot!(kafka(&["acls", "create", "--principal", "alice", "--kafka-cluster", "--prefixed", "--operation", "Alter"]).run(), @"
    $ kubectl kafka acls create --principal alice --kafka-cluster --prefixed --operation Alter
    --- stderr
    error: --kafka-cluster --prefixed: the cluster has one name, and no beginning
    hint: leave --prefixed out
    --- exit code 2
    ");
}

#[test]
fn rules_by_name() {
    assert_snapshot!(kafka(&["acls", "create", "--principal", "alice", "--principal", "bob", "--topic", "orders", "--producer", "--host", "::1", "--dry-run=client", "-o", "name"]).run(), @"
    $ kubectl kafka acls create --principal alice --principal bob --topic orders --producer --host ::1 --dry-run=client -o name
    --- stdout
    acl/Topic:Literal:orders:User:alice:Write:Allow:0:0:0:0:0:0:0:1
    acl/Topic:Literal:orders:User:alice:Create:Allow:0:0:0:0:0:0:0:1
    acl/Topic:Literal:orders:User:alice:Describe:Allow:0:0:0:0:0:0:0:1
    acl/Topic:Literal:orders:User:bob:Write:Allow:0:0:0:0:0:0:0:1
    acl/Topic:Literal:orders:User:bob:Create:Allow:0:0:0:0:0:0:0:1
    acl/Topic:Literal:orders:User:bob:Describe:Allow:0:0:0:0:0:0:0:1
    --- exit code 0
    ");
}

#[test]
fn an_operation_as_java_writes_it() {
    assert_snapshot!(kafka(&["acls", "create", "--principal", "alice", "--topic", "orders", "--operation", "DESCRIBE_CONFIGS", "--dry-run=client", "-o", "yaml"]).run(), @r#"
    $ kubectl kafka acls create --principal alice --topic orders --operation DESCRIBE_CONFIGS --dry-run=client -o yaml
    --- stdout
    items:
    - principal: User:alice
      resourceType: Topic
      resourceName: orders
      pattern: Literal
      operation: DescribeConfigs
      permission: Allow
      host: "*"
      outcome: created
    --- exit code 0
    "#);
}

#[test]
fn a_rehearsal_of_a_new_password() {
    assert_snapshot!(kafka(&["users", "rotate", "alice", "--mechanism", "SCRAM-SHA-512", "--dry-run=client"]).run(), @"
    $ kubectl kafka users rotate alice --mechanism SCRAM-SHA-512 --dry-run=client
    --- stdout
    user/alice rotated (dry run)
    --- exit code 0
    ");
}

#[test]
fn a_hint_for_where_one_is() {
    assert_snapshot!(kafka(&["users", "delete", "admin", "-n", "team", "-K", "demo", "--context", "east"]).run(), @r#"
    $ kubectl kafka users delete admin -n team -K demo --context east
    --- stderr
    error: user "admin" is the one that kubectl kafka itself logs in as
    hint: give it a new password with `kubectl kafka users rotate admin --context east -n team -K demo`
    --- exit code 2
    "#);
}

#[test]
fn modes_and_logins_in_any_case() {
    for flags in [["--mode", "ZooKeeper"], ["--authentication", "SCRAM"]] {
        let arguments = [&["install", "demo", "--dry-run=client", "-o", "name"][..], &flags].concat();
        let outcome = kafka(&arguments).run();
        assert_eq!(outcome.code, Some(0), "{outcome}");
    }
}
