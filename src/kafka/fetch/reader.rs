//! The loop: one Fetch in flight per leader, leaders looked for again when they move.
//!
//! One task owns every position, so that no record is read twice or skipped, whatever breaks. Responses go
//! out undecoded; a broker is asked for more as soon as its answer is here, and at most one further answer
//! waits to be used, which bounds the memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use kafka_protocol::messages::{FetchRequest, FetchResponse, MetadataResponse};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::chunk::Chunk;
use super::lane::{ANSWERS_PER_BROKER, LONGEST_PAUSE, Lane, connect};
use super::notice::Notice;
use super::partition::{Level, Progress, Selection};
use super::wire::{self, Sizes, Verdict};
use super::{Isolation, batch};
use crate::kafka::admin::acls::Operation;
use crate::kafka::admin::offsets::{self, OffsetQuery, OffsetSpec};
use crate::kafka::admin::topics;
use crate::kafka::{Ask, Cluster, Connection, Error, ErrorCode, NodeId};

/// What all answers together may hold, in flight and waiting. Two per broker; the rest of the 150 MB that
/// the program may take is for decompression and output.
const MEMORY: usize = 64 << 20;
/// One answer. Beyond 8 MiB nothing gets faster, below 1 MiB a far cluster gets slower.
const ANSWER: std::ops::RangeInclusive<usize> = (1 << 20)..=(8 << 20);
/// Of one partition, at least: Kafka's own default.
const PARTITION: usize = 1 << 20;
/// Between two looks at the metadata.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// A topic is missing for a moment after its broker has started; longer means deleted.
const MISSING_FOR: Duration = Duration::from_secs(10);
/// People want to know why nothing comes, but not about a leader that moves in a second.
const TELL_AFTER: Duration = Duration::from_secs(3);

/// How to read.
#[derive(Debug, Clone, Copy)]
pub struct ReadOptions {
    /// Which records are seen.
    pub isolation: Isolation,
    /// How long a partition may be out of reach before reading fails; `None`: for ever.
    pub patience: Option<Duration>,
}

/// What the reader tells while it reads.
pub enum Happening {
    /// Records.
    Chunk(Chunk),
    /// Something that a person should know.
    Notice(Notice),
}

enum Outcome {
    Fetched { node: NodeId, asked: Vec<usize>, answer: Result<Answer, Error> },
    Looked(Result<MetadataResponse, Error>),
}

struct Answer {
    connection: Arc<Connection>,
    response: FetchResponse,
    permit: OwnedSemaphorePermit,
}

/// Reads partitions until all are done, or for ever.
pub struct Reader<'c> {
    cluster: &'c Cluster,
    options: ReadOptions,
    parts: Vec<Progress>,
    index: HashMap<(Arc<str>, i32), usize>,
    lanes: BTreeMap<NodeId, Lane>,
    output: UnboundedSender<Happening>,
    served: u64,
    looking: bool,
    look_at: Instant,
    missing_since: Option<Instant>,
    told: Vec<bool>,
}

impl<'c> Reader<'c> {
    /// A reader of these partitions; what it reads goes to `output`, whose other end may be dropped to stop.
    pub fn new(
        cluster: &'c Cluster,
        selections: Vec<Selection>,
        options: ReadOptions,
        output: UnboundedSender<Happening>,
    ) -> Self {
        let parts: Vec<Progress> = selections.into_iter().map(Progress::new).collect();
        let key = |part: &Progress| (Arc::clone(&part.selection.topic.name), part.selection.partition);
        Self {
            cluster,
            options,
            index: parts.iter().enumerate().map(|(at, part)| (key(part), at)).collect(),
            told: vec![false; parts.len()],
            parts,
            lanes: BTreeMap::new(),
            output,
            served: 0,
            looking: false,
            look_at: Instant::now(),
            missing_since: None,
        }
    }

    /// Reads. Returns when every partition with a stop has reached it, or nobody listens any more.
    ///
    /// # Errors
    /// What will not become better: a topic that was deleted, a missing permission, a partition that was
    /// out of reach for longer than the patience.
    pub async fn run(mut self) -> Result<(), Error> {
        let mut work: FuturesUnordered<BoxFuture<'c, Outcome>> = FuturesUnordered::new();
        loop {
            if self.parts.iter().all(Progress::is_done) {
                return Ok(());
            }
            self.start_fetches(&mut work);
            self.start_look(&mut work);
            let wake = self.next_wake();
            tokio::select! {
                Some(outcome) = work.next() => self.settle(outcome).await?,
                () = tokio::time::sleep_until(wake) => {}
                () = self.output.closed() => return Ok(()),
            }
            self.mind_the_silent()?;
        }
    }

    fn start_fetches(&mut self, work: &mut FuturesUnordered<BoxFuture<'c, Outcome>>) {
        let now = Instant::now();
        let mut by_leader: BTreeMap<NodeId, Vec<usize>> = BTreeMap::new();
        for (at, part) in self.parts.iter().enumerate().filter(|(_, part)| !part.is_done()) {
            if let Some(leader) = part.leader {
                by_leader.entry(leader).or_default().push(at);
            }
        }
        for lane in self.lanes.values_mut() {
            lane.not_before = lane.not_before.filter(|until| *until > now);
        }
        let share = (MEMORY / ANSWERS_PER_BROKER / by_leader.len().max(1)).clamp(*ANSWER.start(), *ANSWER.end());
        for (node, mut asked) in by_leader {
            let lane = self.lanes.entry(node).or_insert_with(Lane::new);
            if lane.busy || lane.not_before.is_some() {
                continue;
            }
            lane.busy = true;
            asked.sort_by_key(|at| self.parts[*at].served);
            work.push(Box::pin(self.fetch(node, asked, share)));
        }
    }

    /// Asks one broker. The connection is opened when there is none; positions are taken when it is sent.
    fn fetch(&self, node: NodeId, asked: Vec<usize>, share: usize) -> impl Future<Output = Outcome> + use<'c> {
        let cluster = self.cluster;
        let lane = self.lanes.get(&node);
        let open = lane.and_then(|lane| lane.connection.clone()).filter(|connection| !connection.is_closed());
        let fresh = lane.is_some_and(|lane| lane.fresh);
        let permits = lane.map_or_else(|| Arc::new(Semaphore::new(1)), |lane| Arc::clone(&lane.permits));
        let parts: Vec<&Progress> = asked.iter().map(|at| &self.parts[*at]).collect();
        let partition = (share / parts.len().max(1)).max(PARTITION);
        let size = |bytes: usize| i32::try_from(bytes).unwrap_or(i32::MAX);
        let sizes = Sizes { response: size(share), partition: size(partition) };
        // Which version the broker speaks is known once the connection is: both forms are cheap to make.
        let by_name = wire::request(&parts, self.options.isolation, sizes, 4);
        let by_id = wire::request(&parts, self.options.isolation, sizes, i16::MAX);
        async move {
            let answer = async {
                let connection = match open {
                    Some(connection) => connection,
                    None if fresh => connect(cluster, node).await?,
                    None => cluster.connection(node).await?,
                };
                let lost = || Error::UnknownNode(node);
                let permit = permits.acquire_owned().await.map_err(|_| lost())?;
                let version = connection.supports::<FetchRequest>().unwrap_or_default();
                let response = connection.send(if version < 13 { &by_name } else { &by_id }).await?;
                Ok(Answer { connection, response, permit })
            };
            Outcome::Fetched { node, asked, answer: answer.await }
        }
    }

    fn is_looking_needed(&self) -> bool {
        self.parts.iter().any(|part| part.leader.is_none() && !part.is_done())
    }

    /// Asks for the metadata when a partition has no leader.
    fn start_look(&mut self, work: &mut FuturesUnordered<BoxFuture<'c, Outcome>>) {
        if !self.is_looking_needed() || self.looking || self.look_at > Instant::now() {
            return;
        }
        self.looking = true;
        let mut names: Vec<String> = self.parts.iter().map(|part| part.selection.topic.name.to_string()).collect();
        names.sort_unstable();
        names.dedup();
        let cluster = self.cluster;
        work.push(Box::pin(async move { Outcome::Looked(cluster.metadata(&Ask::Topics(names)).await) }));
    }

    /// When something can be started that could not be started now.
    fn next_wake(&self) -> Instant {
        let pauses = self.lanes.values().filter_map(|lane| lane.not_before);
        let look = (self.is_looking_needed() && !self.looking).then_some(self.look_at);
        let latest = Instant::now() + LONGEST_PAUSE;
        pauses.chain(look).min().unwrap_or(latest).min(latest)
    }

    async fn settle(&mut self, outcome: Outcome) -> Result<(), Error> {
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
        aborted: Vec<super::committed::Aborted>,
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

    /// Tells about partitions that are out of reach, and gives up when the patience is over.
    fn mind_the_silent(&mut self) -> Result<(), Error> {
        for (at, part) in self.parts.iter().enumerate().filter(|(_, part)| !part.is_done()) {
            let Some((since, error)) = &part.trouble else { continue };
            if self.options.patience.is_some_and(|patience| since.elapsed() > patience) {
                return Err(error.clone());
            }
            if since.elapsed() > TELL_AFTER && !self.told[at] {
                self.told[at] = true;
                let notice = Notice::Waiting { subject: part.subject(), reason: error.to_string() };
                let _ = self.output.send(Happening::Notice(notice));
            }
        }
        Ok(())
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

impl From<(&Chunk, batch::BatchError)> for Error {
    fn from((chunk, error): (&Chunk, batch::BatchError)) -> Self {
        Self::Malformed {
            to: format!("the leader of partition {} of topic \"{}\"", chunk.partition, chunk.topic),
            api: "Fetch".to_owned(),
            reason: error.to_string(),
        }
    }
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
