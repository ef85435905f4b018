//! The verdict on the brokers, pure.

use super::model::{BrokerRow, BrokerSection, Disk, Problem, SectionName, Severity};
use super::verdict::{Facts, critical, not_ready, pod_of, warning};
use crate::k8s::Role;
use crate::k8s::inspect::PodState;
use crate::kafka::NodeId;
use crate::kafka::admin::log_dirs::LogDir;

/// Below this share of free space a disk is a warning.
const DISK_LOW: f64 = 0.10;

pub(super) fn section(facts: &Facts, problems: &mut Vec<Problem>) -> BrokerSection {
    let pods: Vec<&PodState> = facts.pods.iter().filter(|pod| pod.role == Role::Broker).collect();
    let mut nodes: Vec<NodeId> = pods.iter().map(|pod| NodeId(pod.node_id)).collect();
    let described = match &facts.description {
        Some(Ok(description)) => description.brokers.as_slice(),
        _ => &[],
    };
    nodes.extend(described.iter().map(|broker| broker.node));
    nodes.sort_unstable();
    nodes.dedup();
    let wanted = facts.wanted.get(&Role::Broker).copied().unwrap_or_else(|| u32::try_from(nodes.len()).unwrap_or(0));
    let error = match &facts.description {
        Some(Err(reason)) => Some(reason.clone()),
        _ => None,
    };
    if let Some(reason) = &error {
        let words = if facts.not_admitted { "Kafka cannot be asked" } else { "no broker answers" };
        problems.push(critical(SectionName::Brokers, format!("{words}: {reason}")));
    }
    let there = u32::try_from(pods.len()).unwrap_or(u32::MAX);
    for refusal in &facts.refusals {
        problems.push(critical(SectionName::Brokers, refusal.clone()));
    }
    if wanted > there && facts.namespace.is_some() {
        problems.push(critical(SectionName::Brokers, format!("{there} of {wanted} broker pods exist")));
    }
    // A KRaft broker names any broker.
    let described = facts.description.as_ref().and_then(|description| description.as_ref().ok());
    let controller = described.filter(|_| facts.has_zookeeper).map(|description| description.controller);
    if controller == Some(None) {
        problems.push(critical(SectionName::Brokers, "none of the brokers is the controller".to_owned()));
    }
    let items: Vec<BrokerRow> = nodes.into_iter().map(|node| broker_row(facts, node, problems)).collect();
    BrokerSection { severity: Severity::Ok, error, controller: controller.flatten(), wanted, items }
}

fn broker_row(facts: &Facts, node: NodeId, problems: &mut Vec<Problem>) -> BrokerRow {
    let pod = pod_of(facts, node);
    let described = match &facts.description {
        Some(Ok(description)) => Some(description.brokers.iter().find(|broker| broker.node == node)),
        _ => None,
    };
    let unfenced = described.map(|broker| broker.is_some_and(|broker| !broker.fenced));
    if let Some(pod) = pod.filter(|pod| !pod.ready) {
        problems.push(critical(SectionName::Brokers, not_ready(facts, pod)));
    } else if unfenced == Some(false) {
        let message = match described.flatten() {
            Some(_) => format!("broker {node} is fenced: the controllers do not let it serve"),
            None if facts.has_zookeeper => format!("broker {node} has not registered with ZooKeeper"),
            None => format!("broker {node} has not registered with the controllers"),
        };
        problems.push(critical(SectionName::Brokers, message));
    } else if unfenced == Some(true) && pod.is_none() && facts.namespace.is_some() {
        // Its session lives on for some seconds; whoever looks now must not read that all is well.
        let message = format!("broker {node} has no pod; the controllers have not noticed yet");
        problems.push(critical(SectionName::Brokers, message));
    }
    let (leaders, replicas) = match &facts.topics {
        Some(Ok(topics)) => {
            let partitions = || topics.iter().flat_map(|topic| &topic.partitions);
            (
                Some(partitions().filter(|partition| partition.leader == Some(node)).count()),
                Some(partitions().filter(|partition| partition.replicas.contains(&node)).count()),
            )
        }
        _ => (None, None),
    };
    let disk = facts.log_dirs.get(&node).and_then(|dirs| dirs.as_ref().ok()).map(|dirs| disk(dirs));
    let error = facts.log_dirs.get(&node).and_then(|dirs| dirs.as_ref().err()).cloned();
    disk_problems(facts, node, disk, problems);
    if let Some(reason) = error.as_ref().filter(|_| pod.is_none_or(|pod| pod.ready)) {
        problems.push(warning(SectionName::Brokers, format!("broker {node} could not be asked: {reason}")));
    }
    BrokerRow {
        node,
        pod: pod.map(|pod| pod.name.clone()),
        ready: pod.map(|pod| pod.ready),
        state: pod.map(|pod| pod.state.clone()),
        unfenced,
        leaders,
        replicas,
        disk,
        error,
        rack: described.flatten().and_then(|broker| broker.rack.clone()),
        host: pod.and_then(|pod| pod.host.clone()),
        restarts: pod.map(|pod| pod.restarts),
    }
}

fn disk(dirs: &[LogDir]) -> Disk {
    let sum = |value: fn(&LogDir) -> Option<u64>| dirs.iter().map(value).sum::<Option<u64>>();
    Disk {
        used_by_kafka: dirs.iter().flat_map(|dir| &dir.replicas).map(|replica| replica.bytes).sum(),
        total: sum(|dir| dir.total_bytes),
        usable: sum(|dir| dir.usable_bytes),
    }
}

fn disk_problems(facts: &Facts, node: NodeId, disk: Option<Disk>, problems: &mut Vec<Problem>) {
    if let Some(Ok(dirs)) = facts.log_dirs.get(&node) {
        for (dir, reason) in dirs.iter().filter_map(|dir| Some((dir, dir.error.as_ref()?))) {
            problems
                .push(critical(SectionName::Brokers, format!("broker {node}: log directory {}: {reason}", dir.path)));
        }
    }
    if let Some(Disk { total: Some(total), usable: Some(usable), .. }) = disk {
        let free = usable as f64 / (total.max(1)) as f64;
        if free < DISK_LOW {
            let message =
                format!("broker {node}: {:.0} % of its disk is free ({})", free * 100.0, crate::view::bytes(usable));
            problems.push(warning(SectionName::Brokers, message));
        }
    }
}
