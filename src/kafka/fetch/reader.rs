//! The loop: one Fetch in flight per leader, leaders looked for again when they move.
//!
//! One task owns every position, so that no record is read twice or skipped, whatever breaks. Responses go
//! out undecoded; a broker is asked for more as soon as its answer is here, and at most one further answer
//! waits to be used, which bounds the memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use kafka_protocol::messages::{FetchRequest, FetchResponse, MetadataResponse};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::chunk::Chunk;
use super::lane::{ANSWERS_PER_BROKER, Lane, connect};
use super::notice::Notice;
use super::partition::{Progress, Selection};
use super::wire::{self, Sizes};
use super::{Isolation, batch};
use crate::kafka::{Ask, Cluster, Connection, Error, NodeId};

/// What all answers together may hold, in flight and waiting. Two per broker; the rest of the 150 MB that
/// the program may take is for decompression and output.
const MEMORY: usize = 64 << 20;
/// One answer. Beyond 8 MiB nothing gets faster, below 1 MiB a far cluster gets slower.
const ANSWER: std::ops::RangeInclusive<usize> = (1 << 20)..=(8 << 20);
/// Of one partition, at least: Kafka's own default.
const PARTITION: usize = 1 << 20;
/// The loop looks up at least so often.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
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

/// What has happened.
pub(super) enum Outcome {
    Fetched { node: NodeId, asked: Vec<usize>, answer: Result<Answer, Error> },
    Looked(Result<MetadataResponse, Error>),
}

/// What a broker sent.
pub(super) struct Answer {
    pub(super) connection: Arc<Connection>,
    pub(super) response: FetchResponse,
    pub(super) permit: OwnedSemaphorePermit,
}

/// Reads partitions until all are done, or for ever.
pub struct Reader<'c> {
    pub(super) cluster: &'c Cluster,
    pub(super) options: ReadOptions,
    pub(super) parts: Vec<Progress>,
    pub(super) index: HashMap<(Arc<str>, i32), usize>,
    pub(super) lanes: BTreeMap<NodeId, Lane>,
    pub(super) output: UnboundedSender<Happening>,
    pub(super) served: u64,
    pub(super) looking: bool,
    pub(super) look_at: Instant,
    pub(super) missing_since: Option<Instant>,
    pub(super) told: Vec<bool>,
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
        let latest = Instant::now() + LONGEST_SLEEP;
        pauses.chain(look).min().unwrap_or(latest).min(latest)
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
