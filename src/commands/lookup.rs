//! The topics that a command names, as the first Metadata answer tells them.

use kafka_protocol::ResponseError;

use crate::connect::Session;
use crate::error::CommandError;
use crate::kafka::admin::acls::Operation;
use crate::kafka::admin::topics::{Topic, from_metadata};

/// The topics of these names, in their order. Who may not even see one is told what the command needs: an
/// operation that includes seeing it.
pub(super) fn topics(session: &Session, names: &[String], needed: Operation) -> Result<Vec<Topic>, CommandError> {
    let (mut found, errors) = from_metadata(&session.metadata);
    let mut errors = errors.into_iter();
    let unknown =
        |error: &crate::kafka::Error| error.code().is_some_and(|code| code.is(ResponseError::UnknownTopicOrPartition));
    if let Some(error) = errors.find(|error| !unknown(error)) {
        let mut error = CommandError::from(error);
        if let Some(denied) = &mut error.denied {
            denied.operation = needed;
        }
        return Err(error);
    }
    names
        .iter()
        .map(|name| {
            let at = found.iter().position(|topic| topic.name == *name);
            at.map(|at| found.swap_remove(at)).ok_or_else(|| missing(&session.name, name))
        })
        .collect()
}

fn missing(cluster: &str, name: &str) -> CommandError {
    CommandError::failed(format!("no topic \"{name}\" in cluster \"{cluster}\""))
        .hinted(format!("create it with `kubectl kafka topics create {name}`"))
        .hinted("list the topics with `kubectl kafka topics list`")
}

/// An error about a partition that a topic does not have.
pub(super) fn no_partition(topic: &Topic, partition: i32) -> CommandError {
    let has = match topic.partitions.len() {
        1 => "it has only partition 0".to_owned(),
        count => format!("it has partitions 0 to {}", count.saturating_sub(1)),
    };
    CommandError::failed(format!("topic \"{}\" has no partition {partition}: {has}", topic.name))
}
