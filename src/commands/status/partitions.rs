//! The verdict on the partitions, pure.

use super::model::{PartitionRow, PartitionSection, Problem, SectionName, Trouble};
use super::verdict::{Facts, critical};

pub(super) fn section(facts: &Facts, problems: &mut Vec<Problem>) -> PartitionSection {
    let mut section = PartitionSection::default();
    let topics = match &facts.topics {
        Some(Ok(topics)) => topics,
        Some(Err(reason)) => {
            section.error = Some(reason.clone());
            problems.push(critical(SectionName::Partitions, format!("the partitions cannot be read: {reason}")));
            return section;
        }
        None => return section,
    };
    section.topics = topics.len();
    for topic in topics {
        let min_isr = facts.min_isr.get(&topic.name).copied().unwrap_or(1);
        for partition in &topic.partitions {
            section.partitions += 1;
            let under_min = partition.isr.len() < min_isr.min(partition.replicas.len());
            let trouble = if partition.is_offline() {
                Trouble::Offline
            } else if under_min {
                Trouble::UnderMinIsr
            } else if partition.is_under_replicated() {
                Trouble::UnderReplicated
            } else {
                continue;
            };
            section.offline += usize::from(trouble == Trouble::Offline);
            section.under_min_isr += usize::from(under_min);
            section.under_replicated += usize::from(partition.is_under_replicated());
            section.items.push(PartitionRow {
                topic: topic.name.clone(),
                partition: partition.partition,
                leader: partition.leader,
                replicas: partition.replicas.clone(),
                isr: partition.isr.clone(),
                trouble,
            });
        }
    }
    section.items.sort_by(|a, b| (a.trouble, &a.topic, a.partition).cmp(&(b.trouble, &b.topic, b.partition)));
    let counts = [
        (section.offline, "offline: nobody can read or write them"),
        (section.under_min_isr, "under min ISR: acks=all writes to them fail"),
        (section.under_replicated, "under-replicated"),
    ];
    for (count, words) in counts.into_iter().filter(|(count, _)| *count > 0) {
        let message = format!("{} {words}", crate::view::plural(count, "partition"));
        problems.push(critical(SectionName::Partitions, message));
    }
    section
}
