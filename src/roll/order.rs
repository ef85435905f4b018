//! Which pods are replaced, and in which order. Pure.

use serde::Serialize;

use super::facts::{Facts, node};
use crate::k8s::Role;
use crate::k8s::rollout::RollPod;

/// Which pods a roll is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Those of these roles that are older than their StatefulSet.
    Outdated(Vec<Role>),
    /// These, by name and the uid that they had when they were named.
    Named(Vec<(String, String)>),
}

impl Selection {
    /// The pods that are still to be replaced.
    pub fn remaining<'f>(&self, facts: &'f Facts) -> Vec<&'f RollPod> {
        let pods = facts.rollout.pods.iter();
        match self {
            Self::Outdated(roles) => {
                pods.filter(|pod| roles.contains(&pod.role) && facts.rollout.is_outdated(pod)).collect()
            }
            Self::Named(named) => {
                pods.filter(|pod| named.iter().any(|(name, uid)| (name, uid) == (&pod.name, &pod.uid))).collect()
            }
        }
    }

    /// Pods of the newest revision that do not serve, and pods that do not exist: to go on would take
    /// more of them down in the same way. Who names pods wants exactly those.
    pub fn unsettled(&self, facts: &Facts, name: impl Fn(Role, u32) -> String) -> Vec<String> {
        let Self::Outdated(roles) = self else {
            let leaving = self.remaining(facts).into_iter().filter(|pod| pod.leaving);
            return leaving.map(|pod| pod.name.clone()).collect();
        };
        let current = facts.rollout.pods.iter().filter(|pod| {
            roles.contains(&pod.role) && !pod.serves() && (pod.leaving || !facts.rollout.is_outdated(pod))
        });
        let missing = facts.missing(roles).into_iter().map(|(role, ordinal)| name(role, ordinal));
        current.map(|pod| pod.name.clone()).chain(missing).collect()
    }
}

/// Why a pod has its place in the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Place {
    /// A ZooKeeper server that is not ready has nothing to lose.
    UnreadyServer,
    /// A ZooKeeper server that follows.
    FollowingServer,
    /// ZooKeeper's leader moves once, at the end.
    LeadingServer,
    /// A controller that is not ready has nothing to lose.
    UnreadyController,
    /// A controller that follows.
    ReadyController,
    /// The active controller moves once, at the end.
    ActiveController,
    /// A broker that is not ready has nothing to lose.
    UnreadyBroker,
    /// A broker that serves.
    ReadyBroker,
    /// A broker that is the active controller too.
    ActiveBroker,
}

impl Place {
    /// Of a pod as it is now.
    pub fn of(facts: &Facts, pod: &RollPod) -> Self {
        let active = facts.leader() == Some(node(pod));
        match (pod.role, pod.serves()) {
            (Role::ZooKeeper, _) if facts.leads_zookeeper(pod) => Self::LeadingServer,
            (Role::ZooKeeper, false) => Self::UnreadyServer,
            (Role::ZooKeeper, true) => Self::FollowingServer,
            (Role::Controller, _) if active => Self::ActiveController,
            (Role::Controller, false) => Self::UnreadyController,
            (Role::Controller, true) => Self::ReadyController,
            (Role::Broker, _) if active => Self::ActiveBroker,
            (Role::Broker, false) => Self::UnreadyBroker,
            (Role::Broker, true) => Self::ReadyBroker,
        }
    }

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::UnreadyServer | Self::UnreadyController => "not ready: first",
            Self::FollowingServer => "ZooKeeper server",
            Self::LeadingServer => "ZooKeeper's leader: last of them",
            Self::ReadyController => "controller",
            Self::ActiveController => "active controller: last of them",
            Self::UnreadyBroker => "not ready: before the others",
            Self::ReadyBroker => "broker",
            Self::ActiveBroker => "active controller: last",
        }
    }
}

/// The pods in the order in which they are replaced if nothing changes in between.
pub fn ordered<'f>(facts: &Facts, mut pods: Vec<&'f RollPod>) -> Vec<(&'f RollPod, Place)> {
    pods.sort_by_key(|pod| (Place::of(facts, pod), pod.ordinal));
    pods.into_iter().map(|pod| (pod, Place::of(facts, pod))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::facts::samples::{combined, healthy, quorum, with_pod, with_zookeeper};
    use super::*;

    fn names(facts: &Facts, selection: &Selection) -> Vec<String> {
        ordered(facts, selection.remaining(facts)).into_iter().map(|(pod, _)| pod.name.clone()).collect()
    }

    fn all() -> Selection {
        Selection::Outdated(vec![Role::Controller, Role::Broker])
    }

    #[test]
    fn controllers_go_before_brokers_and_the_active_one_last_of_them() {
        assert_eq!(
            names(&healthy(), &all()),
            [
                "demo-controller-0",
                "demo-controller-2",
                "demo-controller-1",
                "demo-broker-0",
                "demo-broker-1",
                "demo-broker-2"
            ]
        );
    }

    #[test]
    fn zookeeper_goes_before_brokers_its_leader_and_the_controller_last() {
        let selection = Selection::Outdated(vec![Role::ZooKeeper, Role::Broker]);
        assert_eq!(
            names(&with_zookeeper(), &selection),
            [
                "demo-zookeeper-0",
                "demo-zookeeper-2",
                "demo-zookeeper-1",
                "demo-broker-0",
                "demo-broker-1",
                "demo-broker-2"
            ]
        );
    }

    #[test]
    fn who_is_not_ready_goes_first_of_its_kind() {
        let facts = with_pod(healthy(), "demo-controller-2", |pod| pod.ready = false);
        let facts = with_pod(facts, "demo-broker-2", |pod| pod.ready = false);
        assert_eq!(
            names(&facts, &all()),
            [
                "demo-controller-2",
                "demo-controller-0",
                "demo-controller-1",
                "demo-broker-2",
                "demo-broker-0",
                "demo-broker-1"
            ]
        );
    }

    #[test]
    fn the_order_follows_the_leader() {
        let mut facts = healthy();
        facts.quorum = Ok(quorum(Some(0), &[(0, 1), (1, 1), (2, 1)]));
        assert_eq!(names(&facts, &all())[..3], ["demo-controller-1", "demo-controller-2", "demo-controller-0"]);
        facts.quorum = Ok(quorum(None, &[(0, 1), (1, 1), (2, 1)]));
        assert_eq!(names(&facts, &all())[..3], ["demo-controller-0", "demo-controller-1", "demo-controller-2"]);
    }

    #[test]
    fn with_combined_roles_the_active_controller_is_the_very_last() {
        let facts = with_pod(combined(), "demo-broker-2", |pod| pod.ready = false);
        assert_eq!(names(&facts, &all()), ["demo-broker-2", "demo-broker-0", "demo-broker-1"]);
    }

    #[test]
    fn only_outdated_pods_of_the_roles_are_left() {
        let facts = with_pod(healthy(), "demo-broker-1", |pod| pod.revision = Some("new".into()));
        assert_eq!(names(&facts, &Selection::Outdated(vec![Role::Broker])), ["demo-broker-0", "demo-broker-2"]);
    }

    #[test]
    fn a_named_pod_is_left_until_it_is_another_one() {
        let selection = Selection::Named(vec![("demo-broker-1".into(), "broker-1".into())]);
        let facts = with_pod(healthy(), "demo-broker-1", |pod| pod.revision = Some("new".into()));
        assert_eq!(names(&facts, &selection), ["demo-broker-1"], "its revision does not matter");
        let facts = with_pod(facts, "demo-broker-1", |pod| pod.uid = "another".into());
        assert_eq!(names(&facts, &selection), [""; 0]);
    }

    #[test]
    fn a_broken_pod_of_the_newest_revision_is_unsettled_and_one_of_an_older_is_not() {
        let name = |role, ordinal| format!("demo-{role}-{ordinal}");
        let broken = with_pod(healthy(), "demo-broker-1", |pod| pod.ready = false);
        assert_eq!(all().unsettled(&broken, name), [""; 0]);
        let current = with_pod(broken, "demo-broker-1", |pod| pod.revision = Some("new".into()));
        assert_eq!(all().unsettled(&current, name), ["demo-broker-1"]);
        assert_eq!(Selection::Outdated(vec![Role::Controller]).unsettled(&current, name), [""; 0]);
        assert_eq!(Selection::Named(Vec::new()).unsettled(&current, name), [""; 0]);
    }

    #[test]
    fn a_pod_that_is_on_its_way_is_waited_for() {
        let name = |role, ordinal| format!("demo-{role}-{ordinal}");
        let leaving = with_pod(healthy(), "demo-broker-1", |pod| pod.leaving = true);
        assert_eq!(all().unsettled(&leaving, name), ["demo-broker-1"]);
        let named = Selection::Named(vec![("demo-broker-1".into(), "broker-1".into())]);
        assert_eq!(named.unsettled(&leaving, name), ["demo-broker-1"]);
        let mut gone = healthy();
        gone.rollout.pods.retain(|pod| pod.name != "demo-broker-2");
        assert_eq!(all().unsettled(&gone, name), ["demo-broker-2"]);
    }
}
