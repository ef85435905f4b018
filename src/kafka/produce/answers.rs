//! What the producer does with what has happened: answers, failures, leaders that moved.

use std::time::{Duration, Instant};

use kafka_protocol::ResponseError;
use kafka_protocol::messages::{MetadataResponse, ProduceRequest, ProduceResponse};

use super::batch::{Batch, split};
use super::lane::Lane;
use super::line::{BatchId, Cure};
use super::producer::{Outcome, Producer, Sent, Work};
use super::wire::{self, Verdict};
use super::{Arrived, Failure, Identity, Reason, Receipt};
use crate::kafka::admin::acls::Operation;
use crate::kafka::admin::topics::{self, Topic};
use crate::kafka::patience::{LOOK_AGAIN, MISSING_FOR};
use crate::kafka::{Error, ErrorCode};

impl<'c, R: Receipt> Producer<'c, R> {
    pub(super) fn settle(&mut self, outcome: Outcome, work: &Work<'c>) {
        match outcome {
            Outcome::Connected => {}
            Outcome::Identified(answer) => self.identified(&answer),
            Outcome::Packed { line, id, packed } => self.packed(line, id, packed),
            Outcome::Written { sent, answer } => {
                self.lane(&sent).writing = false;
                match answer {
                    Err(error) => self.broken(&sent, &error),
                    Ok((_, None)) => self.unanswered(&sent),
                    Ok((connection, Some(pending))) => work.push(Box::pin(async move {
                        let answer = connection.finish::<ProduceRequest>(pending).await;
                        Outcome::Answered { sent, answer }
                    })),
                }
            }
            Outcome::Answered { sent, answer: Err(error) } => self.broken(&sent, &error),
            Outcome::Answered { sent, answer: Ok(response) } => self.answered(&sent, &response),
            Outcome::Looked(found) => self.looked(found),
        }
    }

    fn lane(&mut self, sent: &Sent) -> &mut Lane {
        self.lanes.entry(sent.node).or_default()
    }

    fn identified(&mut self, answer: &Result<Identity, Error>) {
        self.identifying = false;
        let waiting: Vec<usize> = (0..self.lines.len()).filter(|at| self.lines[*at].is_without_identity()).collect();
        if let Err(error) = answer {
            self.ask_again_at = Instant::now() + LOOK_AGAIN;
            tracing::debug!(%error, "no producer id");
        }
        for at in waiting {
            match answer {
                Ok(identity) => self.lines[at].identify(*identity),
                Err(error) if error.is_transient() => self.lines[at].set_trouble(error.clone()),
                Err(error) => self.lose(at, Some(Reason::Refused(error.clone()))),
            }
        }
    }

    /// `acks=0`: what is sent counts as arrived.
    fn unanswered(&mut self, sent: &Sent) {
        let lane = self.lane(sent);
        lane.requests -= 1;
        lane.works(Duration::ZERO, Instant::now());
        for (at, id) in &sent.batches {
            self.arrived(*at, *id, None);
        }
    }

    /// A broker could not be asked: wait a little, and see whether another leads now.
    fn broken(&mut self, sent: &Sent, error: &Error) {
        tracing::debug!(node = %sent.node, %error, "produce failed");
        let now = Instant::now();
        let lane = self.lane(sent);
        lane.requests -= 1;
        lane.failed(now);
        for (at, id) in &sent.batches {
            if error.is_transient() {
                self.lines[*at].again(*id, error.clone(), Cure::FindLeader, now);
            } else {
                self.lose(*at, Some(Reason::Refused(error.clone())));
            }
        }
    }

    fn answered(&mut self, sent: &Sent, response: &ProduceResponse) {
        let now = Instant::now();
        let throttle = Duration::from_millis(u64::try_from(response.throttle_time_ms).unwrap_or(0));
        let lane = self.lane(sent);
        lane.requests -= 1;
        lane.works(throttle, now);
        let rows: Vec<_> = response.responses.iter().flat_map(|topic| &topic.partition_responses).collect();
        for (at, id) in &sent.batches {
            let partition = self.lines[*at].partition;
            let Some(row) = rows.iter().find(|row| row.index == partition) else {
                let reason = format!("it said nothing about {}", self.subject(*at));
                let to = format!("broker {}", sent.node);
                self.lose(*at, Some(Reason::Refused(Error::Malformed { to, api: "Produce".to_owned(), reason })));
                continue;
            };
            let subject = self.subject(*at);
            let coded = |code| Error::Code { subject, code, message: wire::message(row) };
            match wire::verdict(row) {
                Verdict::Written(offset) => self.arrived(*at, *id, offset),
                Verdict::Again(cure, code) => {
                    let error = coded(code);
                    tracing::debug!(%error, ?cure, "produce again");
                    self.lines[*at].again(*id, error, cure, now);
                }
                Verdict::TooLarge(_) if self.split(*at, *id, now) => {}
                Verdict::TooLarge(code) | Verdict::Refused(code) => {
                    let error = coded(code).needing(Operation::Write);
                    self.lose(*at, Some(Reason::Refused(error)));
                }
            }
        }
    }

    /// Sends the halves of a batch that is too large: only who may not read the topic's limit sends one. From now
    /// on batches are smaller. `false` for one message, which cannot be divided.
    fn split(&mut self, at: usize, id: BatchId, now: Instant) -> bool {
        let Some(batch) = self.lines[at].flying(id).filter(|batch| batch.count() > 1) else { return false };
        let half = batch.bytes.len() / 2;
        let Ok(halves) = split(batch, self.settings.codec) else { return false };
        self.queue.set_largest_message(half);
        self.lines[at].replace(id, halves, now);
        true
    }

    fn arrived(&mut self, at: usize, id: BatchId, offset: Option<i64>) {
        // One that was given up before stays lost: nobody counts it twice.
        let Some(batch) = self.lines[at].arrived(id) else { return };
        let partition = batch.partition;
        self.receipt.arrived(&Arrived { partition, offset, numbers: &batch.numbers, bytes: batch.payload });
        self.queue.settle(batch.numbers.len(), batch.weight);
    }

    /// Takes the leaders from an answer to Metadata.
    fn looked(&mut self, found: Result<MetadataResponse, Error>) {
        self.looking = false;
        let now = Instant::now();
        self.ask_again_at = now + LOOK_AGAIN;
        match found.and_then(|response| only_topic(&response)) {
            Ok(Some(topic)) if self.is_ours(&topic) => {
                self.missing_since = None;
                self.learn(&topic);
            }
            Ok(Some(_)) => self.lose_the_lost(&self.deleted()),
            Ok(None) if now - *self.missing_since.get_or_insert(now) > MISSING_FOR => {
                self.lose_the_lost(&self.deleted());
            }
            Ok(None) => {}
            Err(error) if error.is_transient() => {
                self.lines.iter_mut().filter(|line| line.is_lost()).for_each(|line| line.set_trouble(error.clone()));
            }
            Err(error) => self.lose_the_lost(&error),
        }
    }

    /// Not one of the same name that was created meanwhile.
    fn is_ours(&self, topic: &Topic) -> bool {
        self.topic.id.is_nil() || topic.id.as_ref().is_none_or(|id| *id == self.topic.id.to_string())
    }

    fn learn(&mut self, topic: &Topic) {
        let leader_of = |partition| {
            topic.partitions.iter().find(|known| known.partition == partition).and_then(|known| known.leader)
        };
        self.queue.set_leaders(self.lines.iter().map(|line| leader_of(line.partition).is_some()).collect());
        for at in 0..self.lines.len() {
            let leader = leader_of(self.lines[at].partition);
            let code = ErrorCode(ResponseError::LeaderNotAvailable.code());
            let trouble = leader.is_none().then(|| Error::Code { subject: self.subject(at), code, message: None });
            let line = &mut self.lines[at];
            // A leader that works is kept until it does not: what is under way must not be overtaken.
            if line.is_empty() || line.leader.is_none() {
                line.leader = leader;
                if let Some(error) = trouble {
                    line.set_trouble(error);
                }
            }
        }
    }

    fn deleted(&self) -> Error {
        let message = Some("it was deleted while messages were sent".to_owned());
        let code = ErrorCode(ResponseError::UnknownTopicOrPartition.code());
        Error::Code { subject: format!("topic \"{}\"", self.topic.name), code, message }
    }

    fn lose_the_lost(&mut self, error: &Error) {
        for at in 0..self.lines.len() {
            if self.lines[at].is_lost() {
                self.lose(at, Some(Reason::Refused(error.clone())));
            }
        }
    }

    pub(super) fn subject(&self, at: usize) -> String {
        format!("partition {} of topic \"{}\"", self.lines[at].partition, self.topic.name)
    }

    /// Gives up everything of a partition. What was lost first is kept with its reason.
    pub(super) fn lose(&mut self, at: usize, reason: Option<Reason>) {
        let partition = self.lines[at].partition;
        let lost: Vec<Batch> = self.lines[at].fail();
        let first = lost.first().and_then(|batch| batch.numbers.first().copied());
        for batch in &lost {
            self.losses.messages += batch.numbers.len() as u64;
            self.queue.settle(batch.numbers.len(), batch.weight);
        }
        if let (Some(number), Some(reason)) = (first, reason) {
            self.losses.first.get_or_insert(Failure { number, partition, reason });
        }
        self.queue.stop();
    }
}

/// The topic that was asked for; `None` when no broker knows it (now).
fn only_topic(response: &MetadataResponse) -> Result<Option<Topic>, Error> {
    let unknown = |error: &Error| error.code().is_some_and(|code| code.is(ResponseError::UnknownTopicOrPartition));
    let (mut topics, errors) = topics::from_metadata(response);
    errors.into_iter().find(|error| !unknown(error)).map_or(Ok(topics.pop()), Err)
}
