//! What a roll has done so far, and the words for it when it stops.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::{CommandError, ErrorKind};
use crate::k8s::ClusterName;
use crate::k8s::diagnose::Diagnosis;
use crate::view::{duration, list, plural};

/// Kept while the roll runs, so that an interruption can tell.
#[derive(Debug, Default)]
pub struct Account(Mutex<State>);

#[derive(Debug, Default, Clone)]
struct State {
    /// Replaced and back, with the time that it took.
    done: Vec<(String, Duration)>,
    /// Taken away and not back yet.
    away: Option<String>,
    /// Not touched yet.
    left: Vec<String>,
    /// What was waited for last.
    last: String,
}

/// What a person types next.
#[derive(Debug, Clone)]
pub struct NextCommands {
    /// Goes on where the roll stopped.
    pub again: String,
    /// Waits until the cluster is healthy.
    pub status: String,
    /// Gives the cluster another setting.
    pub install: String,
}

impl NextCommands {
    /// `again`, and what fits it.
    pub fn new(name: &ClusterName, again: String) -> Self {
        Self {
            again,
            status: format!("kubectl kafka status {name} --wait"),
            install: format!("kubectl kafka install {name} --config …"),
        }
    }
}

/// Why a roll does not go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// Time is over before a pod could be taken away.
    Blocked {
        /// The pod whose turn it was.
        pod: String,
        /// How long was waited.
        after: Duration,
    },
    /// Time is over before a pod was back.
    Late {
        /// The pod.
        pod: String,
        /// How long was waited.
        after: Duration,
    },
    /// A pod will not come back by itself.
    Broken {
        /// The pod.
        pod: String,
        /// Why.
        cause: Diagnosis,
    },
}

impl Account {
    /// What is to be done.
    pub fn begin(&self, left: Vec<String>) {
        *self.state() = State { left, ..State::default() };
    }

    /// A pod was taken away.
    pub fn took(&self, pod: &str) {
        let mut state = self.state();
        state.left.retain(|left| left != pod);
        state.away = Some(pod.to_owned());
    }

    /// A pod is back.
    pub fn finished(&self, pod: &str, took: Duration) {
        let mut state = self.state();
        state.left.retain(|left| left != pod);
        state.away = None;
        state.done.push((pod.to_owned(), took));
    }

    /// What is waited for.
    pub fn waits_for(&self, what: &str) {
        what.clone_into(&mut self.state().last);
    }

    /// Who is done, with the time that it took.
    pub fn done(&self) -> Vec<(String, Duration)> {
        self.state().done.clone()
    }

    /// `done: a,b; left: c,d`
    fn words(&self) -> String {
        let state = self.state();
        if state.done.is_empty() && state.left.is_empty() {
            return "it is the only one".to_owned();
        }
        let done: Vec<&String> = state.done.iter().map(|(pod, _)| pod).collect();
        let done = if done.is_empty() { "no pod is done".to_owned() } else { format!("done: {}", list(&done)) };
        let left =
            if state.left.is_empty() { "none is left".to_owned() } else { format!("left: {}", list(&state.left)) };
        format!("{done}; {left}")
    }

    /// The error of a roll that stops; the other pods keep running.
    pub fn stopped(&self, name: &ClusterName, stop: &Stop, next: &NextCommands) -> CommandError {
        let NextCommands { again, status, install } = next;
        let (so_far, last) = (self.words(), self.state().last.clone());
        let State { done, left, away, .. } = self.state().clone();
        let others = if done.is_empty() && left.is_empty() { "" } else { "the other pods keep running; " };
        let go_on = match away {
            None => format!("every pod keeps running; `{again}` goes on"),
            Some(_) if left.is_empty() => {
                format!("no other pod is left to be replaced; `{status}` tells when it is back")
            }
            Some(_) => format!("{others}`{again}` goes on"),
        };
        match stop {
            Stop::Blocked { pod, after } => CommandError::timed_out(format!(
                "the roll of cluster \"{name}\" stopped before pod {pod}: after {} {last}; {so_far}",
                duration(*after)
            ))
            .hinted(go_on)
            .hinted("--timeout waits longer for each pod"),
            Stop::Late { pod, after } => CommandError::timed_out(format!(
                "the roll of cluster \"{name}\" stopped at pod {pod}, which is not back after {}: {last}; {so_far}",
                duration(*after)
            ))
            .hinted(go_on)
            .hinted("--timeout waits longer for each pod"),
            Stop::Broken { pod, cause } => {
                let about =
                    if cause.object.ends_with(pod.as_str()) { String::new() } else { format!("{}: ", cause.object) };
                let error = CommandError::failed(format!(
                    "the roll of cluster \"{name}\" stopped at pod {pod}, which does not come back: {about}{}; {so_far}",
                    cause.message
                ));
                let error = match &cause.hint {
                    Some(hint) => error.hinted(hint.clone()),
                    None => error,
                };
                error.hinted(format!(
                    "{others}put the cause right, then `{again}` goes on; for a setting, `{install}` does both"
                ))
            }
        }
    }

    /// The error for Ctrl-C.
    pub fn interrupted(&self, name: &ClusterName, next: &NextCommands) -> CommandError {
        let NextCommands { again, status, .. } = next;
        let so_far = self.words();
        let state = self.state();
        let error = |message| CommandError::new(ErrorKind::Interrupted, message);
        let untouched = state.done.is_empty() && state.away.is_none();
        match &state.away {
            _ if untouched && state.left.is_empty() => error("interrupted; nothing was changed".to_owned()),
            _ if untouched => error(format!(
                "interrupted; no pod of cluster \"{name}\" was replaced yet, {} left",
                plural(state.left.len(), "pod")
            ))
            .hinted(format!("`{again}` goes on")),
            Some(pod) if state.left.is_empty() => {
                error(format!("interrupted; pod {pod} comes back by itself; {so_far}"))
                    .hinted(format!("`{status}` tells when it is back"))
            }
            Some(pod) => error(format!("interrupted; pod {pod} comes back by itself; {so_far}"))
                .hinted(format!("`{again}` goes on")),
            None => error(format!("interrupted; {so_far}")).hinted(format!("`{again}` goes on")),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::k8s::diagnose::{Cause, Certainty};

    fn next() -> NextCommands {
        NextCommands::new(&name(), "kubectl kafka restart demo".into())
    }

    fn name() -> ClusterName {
        ClusterName::from_label("demo")
    }

    fn half_way() -> Account {
        let account = Account::default();
        account.begin(["a", "b", "c"].map(str::to_owned).into());
        account.took("a");
        account.finished("a", Duration::from_secs(20));
        account.took("b");
        account
    }

    #[test]
    fn a_broken_pod_is_named_with_its_cause_and_what_is_left() {
        let cause = Diagnosis {
            object: "pod b".into(),
            cause: Cause::Crash,
            certainty: Certainty::Final,
            message: "Kafka ended with exit code 1 (3 times): no".into(),
            hint: None,
        };
        let error = half_way().stopped(&name(), &Stop::Broken { pod: "b".into(), cause }, &next());
        insta::assert_snapshot!(error.text(), @r#"
        error: the roll of cluster "demo" stopped at pod b, which does not come back: Kafka ended with exit code 1 (3 times): no; done: a; left: c
        hint: the other pods keep running; put the cause right, then `kubectl kafka restart demo` goes on; for a setting, `kubectl kafka install demo --config …` does both
        "#);
        assert_eq!(error.exit_code(), 1);
    }

    #[test]
    fn a_pod_that_is_late_ends_with_what_was_seen_last() {
        let account = half_way();
        account.waits_for("partition orders-0 is not in sync");
        let late = Stop::Late { pod: "b".into(), after: Duration::from_secs(900) };
        let error = account.stopped(&name(), &late, &next());
        insta::assert_snapshot!(error.text(), @r#"
        error: the roll of cluster "demo" stopped at pod b, which is not back after 15m0s: partition orders-0 is not in sync; done: a; left: c
        hint: the other pods keep running; `kubectl kafka restart demo` goes on
        hint: --timeout waits longer for each pod
        "#);
        assert_eq!(error.exit_code(), 124);
    }

    #[test]
    fn a_pod_that_may_not_go_names_what_blocks_it() {
        let account = Account::default();
        account.begin(vec!["a".into()]);
        account.waits_for("partition orders-0 has 2 of 3 replicas in sync and needs 2 (min.insync.replicas)");
        let error =
            account.stopped(&name(), &Stop::Blocked { pod: "a".into(), after: Duration::from_secs(60) }, &next());
        insta::assert_snapshot!(error.text(), @r#"
        error: the roll of cluster "demo" stopped before pod a: after 1m0s partition orders-0 has 2 of 3 replicas in sync and needs 2 (min.insync.replicas); no pod is done; left: a
        hint: every pod keeps running; `kubectl kafka restart demo` goes on
        hint: --timeout waits longer for each pod
        "#);
    }

    #[test]
    fn where_there_is_one_pod_no_other_keeps_running() {
        let account = Account::default();
        account.begin(vec!["a".into()]);
        account.took("a");
        let cause = Diagnosis {
            object: "pod a".into(),
            cause: Cause::Crash,
            certainty: Certainty::Final,
            message: "no".into(),
            hint: None,
        };
        let error = account.stopped(&name(), &Stop::Broken { pod: "a".into(), cause }, &next());
        assert!(error.message.ends_with("no; it is the only one"), "{}", error.message);
        assert!(
            error.hints[0].starts_with("put the cause right, then `kubectl kafka restart demo`"),
            "{}",
            error.text()
        );
    }

    #[test]
    fn an_interruption_tells_what_state_things_are_in() {
        assert_eq!(
            half_way().interrupted(&name(), &next()).message,
            "interrupted; pod b comes back by itself; done: a; left: c"
        );
        assert_eq!(Account::default().interrupted(&name(), &next()).message, "interrupted; nothing was changed");
        let account = Account::default();
        account.begin(vec!["a".into(), "b".into()]);
        let error = account.interrupted(&name(), &next());
        assert_eq!(error.message, "interrupted; no pod of cluster \"demo\" was replaced yet, 2 pods left");
        assert_eq!((error.exit_code(), error.hints.len()), (130, 1));
    }
}
