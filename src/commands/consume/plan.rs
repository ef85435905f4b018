//! From topics and `--offset` to the partitions, and where each is read from.

use super::ConsumeArgs;
use crate::commands::lookup;
use crate::connect::Session;
use crate::error::CommandError;
use crate::kafka::Result as KafkaResult;
use crate::kafka::admin::acls::Operation;
use crate::kafka::admin::offsets::{self, OffsetQuery, OffsetSpec};
use crate::kafka::admin::topics::Topic;
use crate::kafka::fetch::{Isolation, Selection, TopicRef};
use crate::kafka::records::offsets::Known;
use crate::kafka::records::{Bound, OffsetRange};
use crate::ui::Ui;

/// What is read, and up to where.
pub(super) struct Plan {
    pub(super) selections: Vec<Selection>,
    /// Whether every partition has an end, so that reading ends by itself.
    pub(super) bounded: bool,
}

impl Plan {
    /// Asks the leaders for the offsets that the range needs, each leader once per kind of offset, all at
    /// the same time.
    pub(super) async fn make(args: &ConsumeArgs, session: &Session, ui: &Ui) -> Result<Self, CommandError> {
        let topics = lookup::topics(session, &args.topics, Operation::Read)?;
        let mut selections = choose(&topics, &args.partitions)?;
        let range = args.range();
        let known = find_offsets(session, &selections, range, args.exit_at_end, args.isolation_level.into()).await?;
        for (selection, known) in selections.iter_mut().zip(known) {
            place(selection, range, args.exit_at_end, &known);
            if let (Bound::At(asked), true) = (range.start, selection.position > selection.start) {
                ui.warning(format!(
                    "partition {} of topic \"{}\" begins at offset {} now; {asked} is gone",
                    selection.partition, selection.topic.name, known.start
                ));
            }
        }
        Ok(Self { selections, bounded: args.exit_at_end || range.stop.is_some() })
    }
}

/// The partitions that were asked for, offsets still open.
fn choose(topics: &[Topic], partitions: &[i32]) -> Result<Vec<Selection>, CommandError> {
    let mut selections = Vec::new();
    for topic in topics {
        if let Some(unknown) = partitions.iter().find(|wanted| topic.partitions.iter().all(|p| p.partition != **wanted))
        {
            return Err(lookup::no_partition(topic, *unknown));
        }
        let reference = TopicRef::from(topic);
        let wanted = topic.partitions.iter().filter(|p| partitions.is_empty() || partitions.contains(&p.partition));
        selections.extend(wanted.map(|partition| Selection {
            topic: reference.clone(),
            partition: partition.partition,
            leader: partition.leader,
            start: 0,
            position: 0,
            stop: None,
        }));
    }
    Ok(selections)
}

async fn find_offsets(
    session: &Session,
    selections: &[Selection],
    range: OffsetRange,
    exit_at_end: bool,
    isolation: Isolation,
) -> Result<Vec<Known>, CommandError> {
    let queries: Vec<OffsetQuery> = selections
        .iter()
        .map(|selection| OffsetQuery {
            topic: selection.topic.name.to_string(),
            partition: selection.partition,
            leader: selection.leader,
        })
        .collect();
    let ask = async |spec: Option<OffsetSpec>| match spec {
        Some(spec) => {
            let answers = offsets::list(&session.kafka, &queries, spec, isolation).await;
            answers.into_iter().collect::<KafkaResult<Vec<_>>>()
        }
        None => Ok(vec![None; queries.len()]),
    };
    let (start_time, stop_time) = range.times();
    let (start, end, start_time, stop_time) = tokio::try_join!(
        ask(range.needs_start().then_some(OffsetSpec::Start)),
        ask((exit_at_end || range.needs_end()).then_some(OffsetSpec::End)),
        ask(start_time.map(OffsetSpec::Time)),
        ask(stop_time.map(OffsetSpec::Time)),
    )?;
    Ok((0..queries.len())
        .map(|at| Known {
            start: start[at].unwrap_or_default(),
            end: end[at].unwrap_or_default(),
            start_time: start_time[at],
            stop_time: stop_time[at],
        })
        .collect())
}

fn place(selection: &mut Selection, range: OffsetRange, exit_at_end: bool, known: &Known) {
    let (start, mut stop) = range.resolve(known);
    if exit_at_end {
        stop = Some(stop.unwrap_or(known.end).min(known.end));
    }
    selection.start = start;
    // Fetching begins within the log, also when what is wanted is yet to come.
    selection.position = if range.needs_end() { start.min(known.end).max(known.start) } else { start.max(known.start) };
    selection.stop = stop;
    // Nothing lies between them: do not read on to find that out.
    if stop.is_some_and(|stop| start >= stop) {
        selection.stop = Some(selection.position);
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::kafka::admin::topics::Partition;

    fn topic(partitions: i32) -> Topic {
        let partition = |partition| Partition {
            partition,
            leader: None,
            leader_epoch: 0,
            replicas: Vec::new(),
            isr: Vec::new(),
            offline_replicas: Vec::new(),
            eligible_leader_replicas: None,
        };
        Topic { name: "orders".into(), id: None, internal: false, partitions: (0..partitions).map(partition).collect() }
    }

    #[test]
    fn partitions_that_do_not_exist_are_named_with_those_that_do() {
        let chosen = choose(&[topic(3)], &[2, 0]).expect("they exist");
        assert_eq!(chosen.iter().map(|selection| selection.partition).collect::<Vec<_>>(), [0, 2]);
        let error = choose(&[topic(3)], &[1, 3]).expect_err("3 does not exist");
        assert_eq!(error.message, "topic \"orders\" has no partition 3: it has partitions 0 to 2");
        let error = choose(&[topic(1)], &[7]).expect_err("7 does not exist");
        assert!(error.message.ends_with("it has only partition 0"), "{}", error.message);
    }

    /// `(start, position, stop)` in a log from 100 to 200.
    fn placed(range: &str, exit_at_end: bool) -> (i64, i64, Option<i64>) {
        let range = OffsetRange::parse(range, Timestamp::UNIX_EPOCH).expect("a range");
        let mut selection = choose(&[topic(1)], &[]).expect("a partition").remove(0);
        place(&mut selection, range, exit_at_end, &Known { start: 100, end: 200, start_time: None, stop_time: None });
        (selection.start, selection.position, selection.stop)
    }

    #[test]
    fn fetching_begins_within_the_log() {
        assert_eq!(placed("start", false), (100, 100, None));
        assert_eq!(placed("end", false), (200, 200, None));
        assert_eq!(placed("50", false), (50, 100, None));
        assert_eq!(placed("250", false), (250, 200, None), "what is wanted is yet to come");
        assert_eq!(placed("-10:end", false), (190, 190, Some(200)));
    }

    #[test]
    fn the_end_is_where_it_was_at_the_start() {
        assert_eq!(placed("start", true), (100, 100, Some(200)));
        assert_eq!(placed("120:500", true), (120, 120, Some(200)));
        assert_eq!(placed("120:500", false), (120, 120, Some(500)));
        for nothing in ["end", "250", "150:120"] {
            let (_, position, stop) = placed(nothing, true);
            assert_eq!(stop, Some(position), "{nothing} is done at once");
        }
    }
}
