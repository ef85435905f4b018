//! `verify`: the proof, and that it leaves nothing behind.

use crate::world::shared;

trials! {
    it_proves_a_healthy_cluster_and_cleans_up,
    its_proof_can_be_read_by_a_program,
}

fn it_proves_a_healthy_cluster_and_cleans_up() {
    let kafka = shared();
    let outcome = kafka.run(&["verify", "shared"]).succeeded();
    assert!(outcome.stdout_text().contains("200"), "2 partitions x 100 messages: {outcome}");
    let proof = kafka.run(&["verify", "shared", "-o", "json"]).succeeded().json();
    let topic = proof["topic"].as_str().unwrap_or_else(|| panic!("no topic in {proof}"));
    let topics = kafka.run(&["topics", "list", "--internal"]).succeeded().stdout_text();
    assert!(!topics.contains(topic), "{topic} is still there: {topics}");
}

fn its_proof_can_be_read_by_a_program() {
    let proof = shared().run(&["verify", "-o", "json"]).succeeded().json();
    let partitions = proof["partitions"].as_array().unwrap_or_else(|| panic!("no partitions in {proof}")).clone();
    assert_eq!(partitions.len(), 2, "{proof}");
    for partition in &partitions {
        let (sent, received) = (&partition["produced"], &partition["consumed"]);
        assert!(sent == received && sent.as_i64() == Some(100), "{partition}");
    }
}
