//! Which pods a restart is about, and whether it begins or goes on. Pure.

use crate::error::CommandError;
use crate::k8s::rollout::RollPod;
use crate::k8s::{ClusterName, Role};
use crate::roll::plan::Wish;
use crate::roll::{Facts, Selection};
use crate::view::list;

/// What was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chosen {
    /// Which pods.
    pub(super) selection: Selection,
    /// Begun, resumed, or by name.
    pub(super) wish: Wish,
}

/// From the flags and what is there. A restart goes on while any of its pods is older than its
/// StatefulSet, unless `again`.
pub(super) fn choose(
    name: &ClusterName,
    facts: &Facts,
    pods: &[String],
    roles: &[Role],
    again: bool,
) -> Result<Chosen, CommandError> {
    if !pods.is_empty() {
        return Ok(Chosen { selection: Selection::Named(named(name, facts, pods)?), wish: Wish::Named });
    }
    if roles.contains(&Role::Controller) && facts.rollout.has_zookeeper() {
        return Err(CommandError::usage(format!(
            "--controllers: cluster \"{name}\" has none, it has ZooKeeper servers"
        ))
        .hinted("leave it out to replace them and then the brokers, or name pods with --pod"));
    }
    if roles == [Role::Controller] && facts.rollout.is_combined() {
        return Err(CommandError::usage(format!(
            "--controllers: the brokers of cluster \"{name}\" are its controllers too"
        ))
        .hinted("leave it out, or name pods with --pod"));
    }
    let there = facts.rollout.workloads.keys().copied();
    let roles: Vec<Role> = there.filter(|role| roles.is_empty() || roles.contains(role)).collect();
    let selection = Selection::Outdated(roles);
    let wish = if again || selection.remaining(facts).is_empty() { Wish::Begin } else { Wish::Resume };
    Ok(Chosen { selection, wish })
}

fn named(name: &ClusterName, facts: &Facts, pods: &[String]) -> Result<Vec<(String, String)>, CommandError> {
    let mut named: Vec<(String, String)> = Vec::new();
    for typed in pods {
        // As `kubectl get pods -o name` prints it.
        let pod = typed.strip_prefix("pod/").unwrap_or(typed);
        let Some(RollPod { name, uid, .. }) = facts.rollout.pod(pod) else {
            let all: Vec<&str> = facts.rollout.pods.iter().map(|pod| pod.name.as_str()).collect();
            return Err(CommandError::failed(format!("no pod \"{pod}\" in cluster \"{name}\"; nothing was restarted"))
                .hinted(format!("it has: {}", list(&all))));
        };
        if named.iter().all(|(known, _)| known != name) {
            named.push((name.clone(), uid.clone()));
        }
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roll::facts::samples::{combined, healthy, with_pod, with_zookeeper};

    fn chosen(facts: &Facts, pods: &[&str], roles: &[Role], again: bool) -> Result<Chosen, CommandError> {
        let pods: Vec<String> = pods.iter().map(|pod| (*pod).to_owned()).collect();
        choose(&ClusterName::from_label("demo"), facts, &pods, roles, again)
    }

    fn current() -> Facts {
        let mut facts = healthy();
        for pod in &mut facts.rollout.pods {
            pod.revision = Some("new".into());
        }
        facts
    }

    fn wish(facts: &Facts, roles: &[Role], again: bool) -> Wish {
        chosen(facts, &[], roles, again).expect("a choice").wish
    }

    #[test]
    fn a_restart_begins_when_no_pod_is_older_than_its_statefulset() {
        assert_eq!(wish(&current(), &[], false), Wish::Begin);
    }

    #[test]
    fn a_restart_goes_on_while_one_is_unless_it_is_wanted_again() {
        let facts = with_pod(current(), "demo-broker-2", |pod| pod.revision = Some("old".into()));
        assert_eq!(wish(&facts, &[], false), Wish::Resume);
        assert_eq!(wish(&facts, &[], true), Wish::Begin);
        assert_eq!(wish(&facts, &[Role::Broker], false), Wish::Resume);
        assert_eq!(wish(&facts, &[Role::Controller], false), Wish::Begin, "the controllers are all new");
    }

    #[test]
    fn roles_narrow_the_choice() {
        let roles = |roles: &[Role]| chosen(&current(), &[], roles, false).expect("a choice").selection;
        assert_eq!(roles(&[]), Selection::Outdated(vec![Role::Controller, Role::Broker]));
        assert_eq!(roles(&[Role::Broker]), Selection::Outdated(vec![Role::Broker]));
        assert_eq!(roles(&[Role::Controller, Role::Broker]), roles(&[]));
        let refused = chosen(&combined(), &[], &[Role::Controller], false).expect_err("a refusal");
        assert_eq!((refused.exit_code(), refused.message.contains("are its controllers too")), (2, true));
        let zookeeper = with_zookeeper();
        for roles in [&[Role::Controller][..], &[Role::Controller, Role::Broker]] {
            let refused = chosen(&zookeeper, &[], roles, false).expect_err("a refusal");
            assert_eq!((refused.exit_code(), refused.message.contains("it has ZooKeeper servers")), (2, true));
        }
        let brokers = chosen(&zookeeper, &[], &[Role::Broker], false).expect("a choice").selection;
        assert_eq!(brokers, Selection::Outdated(vec![Role::Broker]));
    }

    #[test]
    fn pods_are_taken_by_name_once() {
        let named = chosen(&current(), &["demo-broker-1", "pod/demo-broker-1"], &[], false).expect("a choice");
        assert_eq!(named.wish, Wish::Named);
        assert_eq!(named.selection, Selection::Named(vec![("demo-broker-1".into(), "broker-1".into())]));
        let missing = chosen(&current(), &["demo-broker-1", "demo-broker-7"], &[], false).expect_err("a refusal");
        assert!(
            missing.text().starts_with("error: no pod \"demo-broker-7\" in cluster \"demo\""),
            "{}",
            missing.text()
        );
    }
}
