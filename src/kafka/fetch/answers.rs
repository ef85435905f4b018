//! What the reader does with what has happened: records, failures, leaders that moved.

use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::messages::MetadataResponse;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::chunk::Chunk;
use super::committed::Aborted;
use super::notice::Notice;
use super::partition::{Level, Progress};
use super::reader::{Answer, Happening, Outcome, Reader};
use super::wire::{self, Verdict};
use crate::kafka::admin::acls::Operation;
use crate::kafka::admin::offsets::{self, OffsetQuery, OffsetSpec};
use crate::kafka::admin::topics;
use crate::kafka::patience::{LOOK_AGAIN, MISSING_FOR};
use crate::kafka::{Error, ErrorCode, NodeId};

impl Reader<'_> {
    pub(super) async fn settle(&mut self, outcome: Outcome) -> Result<(), Error> {
        match outcome {
            Outcome::Looked(found) => self.learn(found),
            Outcome::Fetched { node, asked, answer: Err(error) } => self.broken(node, &asked, error),
            Outcome::Fetched { node, asked, answer: Ok(answer) } => self.take(node, &asked, answer).await,
        }
    }

    /// A broker could not be asked: wait a little, and see whether another leads now.
    fn broken(&mut self, node: NodeId, asked: &[usize], error: Error) -> Result<(), Error> {
        if !error.is_transient() {
            return Err(error);
        }
        tracing::debug!(%node, %error, "fetch failed");
        if let Some(lane) = self.lanes.get_mut(&node) {
            lane.failed();
        }
        for at in asked {
            self.lose(*at, error.clone());
        }
        Ok(())
    }

    fn lose(&mut self, at: usize, error: Error) {
        let part = &mut self.parts[at];
        part.leader = None;
        let since = part.trouble.take().map_or_else(Instant::now, |(since, _)| since);
        part.trouble = Some((since, error));
    }

    async fn take(&mut self, node: NodeId, asked: &[usize], answer: Answer) -> Result<(), Error> {
        if let Some(lane) = self.lanes.get_mut(&node) {
            lane.works(answer.connection);
        }
        let response = answer.response;
        if let Err(error) = ErrorCode::check(response.error_code, format!("fetching from broker {node}"), None) {
            return self.broken(node, asked, error);
        }
        let permit = Arc::new(answer.permit);
        let carried: usize = response.responses.iter().flat_map(|topic| &topic.partitions).map(records_length).sum();
        let conclusive = carried == 0 && response.throttle_time_ms == 0;
        for topic in response.responses {
            let name = asked
                .iter()
                .map(|at| &self.parts[*at].selection.topic)
                .find(|asked| wire::is_about(&topic, asked))
                .map(|asked| Arc::clone(&asked.name));
            let Some(name) = name else { continue };
            for row in topic.partitions {
                let Some(at) = self.index.get(&(Arc::clone(&name), row.partition_index)).copied() else { continue };
                match wire::verdict(row.error_code) {
                    Verdict::Good => {
                        let visible_end = wire::visible_end(&row, self.options.isolation);
                        let aborted = wire::aborted(&row);
                        let level = Level { visible_end, conclusive };
                        self.deliver(at, row.records.unwrap_or_default(), aborted, level, &permit);
                    }
                    Verdict::OutOfRange => self.find_range(at).await?,
                    Verdict::Moved(code) => self.lose(at, coded(&self.parts[at], code)),
                    Verdict::Failed(code) => return Err(coded(&self.parts[at], code)),
                }
            }
        }
        Ok(())
    }

    fn deliver(
        &mut self,
        at: usize,
        blob: Bytes,
        aborted: Vec<Aborted>,
        level: Level,
        permit: &Arc<OwnedSemaphorePermit>,
    ) {
        self.told[at] = false;
        let part = &mut self.parts[at];
        let before = part.position;
        part.advance(&blob, level);
        if part.position == before || blob.is_empty() {
            return;
        }
        self.served += 1;
        part.served = self.served;
        // A receiver that is gone is noticed by the loop.
        let _ = self.output.send(Happening::Chunk(Chunk {
            topic: Arc::clone(&part.selection.topic.name),
            partition: part.selection.partition,
            isolation: self.options.isolation,
            start: part.selection.start.max(before),
            stop: part.selection.stop,
            blob,
            aborted,
            _permit: Arc::clone(permit),
        }));
    }

    /// The position is not in the log any more: retention was faster, or an unclean leader lost the tail.
    async fn find_range(&mut self, at: usize) -> Result<(), Error> {
        let part = &self.parts[at];
        let query = [OffsetQuery {
            topic: part.selection.topic.name.to_string(),
            partition: part.selection.partition,
            leader: part.leader,
        }];
        let ask = |spec| offsets::list(self.cluster, &query, spec, self.options.isolation);
        let (start, end) = tokio::join!(ask(OffsetSpec::Start), ask(OffsetSpec::End));
        let first = |answers: Vec<Result<Option<i64>, Error>>| answers.into_iter().next().unwrap_or(Ok(None));
        let (start, end) = match (first(start), first(end)) {
            (Ok(start), Ok(end)) => (start.unwrap_or_default(), end.unwrap_or_default()),
            (Err(error), _) | (_, Err(error)) if error.is_transient() => {
                self.lose(at, error);
                return Ok(());
            }
            (Err(error), _) | (_, Err(error)) => return Err(error),
        };
        let part = &mut self.parts[at];
        let (from, subject) = (part.position, part.subject());
        let notice = if from < start {
            part.position = start;
            Notice::Expired { subject, from, to: start }
        } else if from > end {
            part.position = end;
            Notice::Truncated { subject, from, to: end }
        } else {
            return Ok(());
        };
        let _ = self.output.send(Happening::Notice(notice));
        Ok(())
    }

    /// Takes the leaders from an answer to Metadata.
    fn learn(&mut self, found: Result<MetadataResponse, Error>) -> Result<(), Error> {
        self.looking = false;
        self.look_at = Instant::now() + LOOK_AGAIN;
        let response = match found {
            Ok(response) => response,
            Err(error) if error.is_transient() => {
                for at in 0..self.parts.len() {
                    if self.parts[at].leader.is_none() {
                        self.lose(at, error.clone());
                    }
                }
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let (topics, errors) = topics::from_metadata(&response);
        if let Some(error) = errors.into_iter().find(|error| !error.is_transient()) {
            return Err(error);
        }
        let mut missing = false;
        for at in 0..self.parts.len() {
            let part = &mut self.parts[at];
            let wanted = &part.selection.topic;
            let Some(topic) = topics.iter().find(|topic| topic.name == *wanted.name) else {
                missing = true;
                continue;
            };
            let same = topic.id.as_ref().is_none_or(|id| wanted.id.is_nil() || *id == wanted.id.to_string());
            let partition = topic.partitions.iter().find(|known| known.partition == part.selection.partition);
            match partition.filter(|_| same) {
                None => return Err(deleted(part)),
                Some(known) if part.leader.is_none() && !part.is_done() => {
                    part.leader = known.leader;
                    if known.leader.is_none() {
                        self.lose(at, no_leader(&self.parts[at]));
                    }
                }
                Some(_) => {}
            }
        }
        self.mind_the_missing(missing)
    }

    fn mind_the_missing(&mut self, missing: bool) -> Result<(), Error> {
        let since = missing.then(|| self.missing_since.unwrap_or_else(Instant::now));
        self.missing_since = since;
        match since {
            Some(since) if since.elapsed() > MISSING_FOR => {
                let lost = self.parts.iter().find(|part| part.leader.is_none() && !part.is_done());
                lost.map_or(Ok(()), |part| Err(deleted(part)))
            }
            _ => Ok(()),
        }
    }
}

fn records_length(row: &kafka_protocol::messages::fetch_response::PartitionData) -> usize {
    row.records.as_ref().map_or(0, Bytes::len)
}

fn coded(part: &Progress, code: ErrorCode) -> Error {
    Error::Code { subject: part.subject(), code, message: None }.needing(Operation::Read)
}

fn no_leader(part: &Progress) -> Error {
    coded(part, ErrorCode(kafka_protocol::ResponseError::LeaderNotAvailable.code()))
}

fn deleted(part: &Progress) -> Error {
    let message = "it was deleted while it was read".to_owned();
    let code = ErrorCode(kafka_protocol::ResponseError::UnknownTopicOrPartition.code());
    Error::Code { subject: format!("topic \"{}\"", part.selection.topic.name), code, message: Some(message) }
}
