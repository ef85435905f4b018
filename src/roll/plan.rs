//! What a roll is going to do, said before it does it; the same model tells afterwards what was done.

use serde::Serialize;

use super::facts::Facts;
use super::gates::{self, Unprotected};
use super::order::{Place, Selection, ordered};
use crate::k8s::Role;
use crate::kafka::NodeId;
use crate::ui::{TextOptions, View};
use crate::view::{Table, plural};

/// Which wish is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Wish {
    /// Every chosen pod, from the beginning.
    Begin,
    /// The pods that are older than their StatefulSet: an earlier roll did not end.
    Resume,
    /// Exactly the pods that were named.
    Named,
}

/// The plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The Kafka cluster.
    pub cluster: String,
    /// Its namespace.
    pub namespace: String,
    /// Begun, resumed, or by name.
    pub wish: Wish,
    /// When the restart was asked for that is resumed.
    pub since: Option<String>,
    /// Pods that the wish is about, replaced or not.
    pub pods: usize,
    /// The pods to be replaced, in order.
    pub items: Vec<PlannedPod>,
    /// What is down while its pod is away, whatever the order.
    pub warnings: Vec<String>,
}

/// One pod of the plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedPod {
    /// Its name.
    pub pod: String,
    /// What it is.
    pub role: Role,
    /// Kafka's id of it; `None` for a ZooKeeper server, which is no node of Kafka.
    pub node: Option<NodeId>,
    /// The Ready condition.
    pub ready: bool,
    /// Why it has its place.
    pub place: Place,
    /// What would block it now.
    pub blocked_by: Vec<String>,
    /// How long it took, once it is done.
    pub seconds: Option<f64>,
}

impl Plan {
    /// From what is there. With [`Wish::Begin`] every pod of the selection's roles counts as older.
    pub fn new(cluster: &str, namespace: &str, facts: &Facts, selection: &Selection, wish: Wish) -> Self {
        let chosen = match selection {
            Selection::Outdated(roles) if wish == Wish::Begin => {
                facts.rollout.pods.iter().filter(|pod| roles.contains(&pod.role)).collect()
            }
            selection => selection.remaining(facts),
        };
        let all = match selection {
            Selection::Outdated(roles) => facts.rollout.pods.iter().filter(|pod| roles.contains(&pod.role)).count(),
            Selection::Named(named) => named.len(),
        };
        let since = match selection {
            Selection::Outdated(roles) if wish == Wish::Resume => {
                let asked = facts.rollout.workloads.iter().filter(|(role, _)| roles.contains(role));
                asked.filter_map(|(_, workload)| workload.restarted_at.clone()).max()
            }
            _ => None,
        };
        let mut unprotected = Vec::new();
        let items = ordered(facts, chosen).into_iter().map(|(pod, place)| {
            let verdict = gates::verdict(facts, pod);
            unprotected.push((pod.name.clone(), verdict.unprotected));
            PlannedPod {
                pod: pod.name.clone(),
                role: pod.role,
                node: (pod.role != Role::ZooKeeper).then(|| super::facts::node(pod)),
                ready: pod.serves(),
                place,
                blocked_by: verdict.blocks,
                seconds: None,
            }
        });
        let items = items.collect();
        Self {
            cluster: cluster.to_owned(),
            namespace: namespace.to_owned(),
            wish,
            since,
            pods: all,
            items,
            warnings: only_broker(facts, &unprotected).map_or_else(|| warnings(&unprotected), |only| vec![only]),
        }
    }

    /// `resuming: 4 of 6 pods are to be replaced`
    pub fn headline(&self) -> String {
        let (left, all) = (self.items.len(), self.pods);
        let cluster = &self.cluster;
        match self.wish {
            _ if left == 0 => format!("cluster \"{cluster}\": no pod is to be replaced"),
            Wish::Begin => format!("cluster \"{cluster}\": {} to be replaced, one after the other", are(left)),
            Wish::Named => format!("cluster \"{cluster}\": {} to be replaced, as named", are(left)),
            Wish::Resume if left == all => {
                format!("cluster \"{cluster}\": {} older than {} and to be replaced", are(left), owner(left))
            }
            Wish::Resume => {
                let since = self.since.as_ref();
                let since = since.map_or_else(String::new, |since| format!(" (a restart was asked for at {since})"));
                let are = if left == 1 { "is" } else { "are" };
                format!(
                    "cluster \"{cluster}\": resuming: {left} of {} {are} older than {} and to be replaced{since}",
                    plural(all, "pod"),
                    owner(left)
                )
            }
        }
    }

    /// Fills in how long each pod took.
    #[must_use]
    pub fn done(mut self, replaced: &[(String, std::time::Duration)]) -> Self {
        for item in &mut self.items {
            let took = replaced.iter().find(|(pod, _)| *pod == item.pod).map(|(_, took)| took.as_secs_f64());
            // Milliseconds say enough.
            item.seconds = took.map(|seconds| (seconds * 1000.0).round() / 1000.0);
        }
        self
    }
}

/// `1 pod is`, `3 pods are`
fn are(count: usize) -> String {
    format!("{} {}", plural(count, "pod"), if count == 1 { "is" } else { "are" })
}

/// `its StatefulSet`
fn owner(count: usize) -> &'static str {
    if count == 1 { "its StatefulSet" } else { "their StatefulSet" }
}

/// More than these names nobody reads.
const NAMED: usize = 3;

/// What one broker lacks needs no list.
fn only_broker(facts: &Facts, chosen: &[(String, Unprotected)]) -> Option<String> {
    let mut brokers = facts.rollout.pods.iter().filter(|pod| pod.role == Role::Broker);
    let only = brokers.next().filter(|_| brokers.next().is_none())?;
    let is_chosen = chosen.iter().any(|(pod, _)| *pod == only.name);
    is_chosen.then(|| format!("pod {} is the only broker: the cluster is down while it restarts", only.name))
}

fn warnings(unprotected: &[(String, Unprotected)]) -> Vec<String> {
    let mut warnings = Vec::new();
    for (pod, reason) in unprotected.iter().filter_map(|(pod, found)| Some((pod, found.quorum.as_ref()?))) {
        warnings
            .push(format!("pod {pod}: {reason}, so nothing can be changed and no leader be elected while it restarts"));
    }
    let mut partitions: Vec<&String> = unprotected.iter().flat_map(|(_, found)| &found.partitions).collect();
    partitions.sort_unstable();
    partitions.dedup();
    if !partitions.is_empty() {
        let shown: Vec<&str> = partitions.iter().take(NAMED).map(|name| name.as_str()).collect();
        let more = if partitions.len() > NAMED { ",…" } else { "" };
        warnings.push(format!(
            "{} ({}{more}) cannot be written while a broker of theirs restarts: no more replicas than min.insync.replicas",
            plural(partitions.len(), "partition"),
            shown.join(",")
        ));
    }
    warnings
}

impl View for Plan {
    fn text(&self, options: TextOptions) -> String {
        if self.items.is_empty() {
            return String::new();
        }
        let mut table = Table::new(["POD", "NODE", "READY", "PLACE", "BLOCKED NOW BY"], options.no_headers);
        for item in &self.items {
            let blocked = if options.wide { item.blocked_by.join("; ") } else { gates::words(&item.blocked_by) };
            table.row([
                item.pod.clone(),
                item.node.map_or_else(|| "<none>".to_owned(), |node| node.to_string()),
                item.ready.to_string(),
                item.place.words().to_owned(),
                if blocked.is_empty() { "<none>".to_owned() } else { blocked },
            ]);
        }
        table.text()
    }

    fn names(&self) -> Vec<String> {
        self.items.iter().map(|item| format!("pod/{}", item.pod)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts::samples::{healthy, partition, quorum, with_brokers, with_pod, with_zookeeper};
    use super::*;

    fn all() -> Selection {
        Selection::Outdated(vec![Role::Controller, Role::Broker])
    }

    #[test]
    fn a_plan_tells_order_reasons_and_what_blocks_now() {
        let facts = with_brokers(healthy(), |brokers| {
            brokers.topics[0].partitions[0] = partition(0, Some(100), &[100, 101, 102], &[100, 101]);
        });
        let plan = Plan::new("demo", "kafka", &facts, &all(), Wish::Begin);
        assert_eq!(plan.headline(), "cluster \"demo\": 6 pods are to be replaced, one after the other");
        insta::assert_snapshot!(plan.text(TextOptions::default()), @r"
        POD                 NODE   READY   PLACE                             BLOCKED NOW BY
        demo-controller-0   0      true    controller                        <none>
        demo-controller-2   2      true    controller                        <none>
        demo-controller-1   1      true    active controller: last of them   <none>
        demo-broker-0       100    true    broker                            partition orders-0 has 2 of 3 replicas in sync and needs 2 (min.insync.replicas)
        demo-broker-1       101    true    broker                            partition orders-0 has 2 of 3 replicas in sync and needs 2 (min.insync.replicas)
        demo-broker-2       102    true    broker                            <none>
        ");
        assert_eq!(plan.names()[0], "pod/demo-controller-0");
    }

    #[test]
    fn what_was_replaced_already_is_not_done_again() {
        let mut facts = with_pod(healthy(), "demo-controller-0", |pod| pod.revision = Some("new".into()));
        facts.rollout.workloads.get_mut(&Role::Controller).expect("a workload").restarted_at =
            Some("2026-11-24T08:15:00Z".into());
        let plan = Plan::new("demo", "kafka", &facts, &all(), Wish::Resume);
        assert_eq!(
            plan.headline(),
            "cluster \"demo\": resuming: 5 of 6 pods are older than their StatefulSet and to be replaced (a restart was \
             asked for at 2026-11-24T08:15:00Z)"
        );
        let again = Plan::new("demo", "kafka", &facts, &all(), Wish::Begin);
        assert_eq!(again.items.len(), 6);
    }

    #[test]
    fn one_pod_is_older_than_its_statefulset() {
        let mut facts = healthy();
        facts.rollout.pods.retain(|pod| pod.name == "demo-broker-0");
        let plan = Plan::new("demo", "kafka", &facts, &all(), Wish::Resume);
        assert_eq!(plan.headline(), "cluster \"demo\": 1 pod is older than its StatefulSet and to be replaced");
        let mut facts = healthy();
        for pod in facts.rollout.pods.iter_mut().skip(1) {
            pod.revision = Some("new".into());
        }
        let plan = Plan::new("demo", "kafka", &facts, &all(), Wish::Resume);
        assert_eq!(
            plan.headline(),
            "cluster \"demo\": resuming: 1 of 6 pods is older than its StatefulSet and to be replaced"
        );
    }

    #[test]
    fn a_zookeeper_server_is_no_node_of_kafka() {
        let selection = Selection::Outdated(vec![Role::ZooKeeper, Role::Broker]);
        let plan = Plan::new("demo", "kafka", &with_zookeeper(), &selection, Wish::Begin);
        let nodes = plan.items.iter().map(|item| (item.role, item.node.map(|node| node.0)));
        assert_eq!(
            nodes.collect::<Vec<_>>(),
            [
                (Role::ZooKeeper, None),
                (Role::ZooKeeper, None),
                (Role::ZooKeeper, None),
                (Role::Broker, Some(100)),
                (Role::Broker, Some(101)),
                (Role::Broker, Some(102))
            ]
        );
        let text = plan.text(TextOptions::default());
        assert!(text.contains("demo-zookeeper-0   <none>"), "{text}");
    }

    #[test]
    fn what_cannot_be_protected_is_warned_of_once() {
        let mut facts = with_brokers(healthy(), |brokers| {
            brokers.topics[0].partitions = (0..5).map(|number| partition(number, Some(100), &[100], &[100])).collect();
        });
        facts.quorum = Ok(quorum(Some(0), &[(0, 1)]));
        let plan = Plan::new("demo", "kafka", &facts, &all(), Wish::Begin);
        assert_eq!(
            plan.warnings,
            [
                "pod demo-controller-0: it is the only controller, so nothing can be changed and no leader be elected \
                 while it restarts",
                "5 partitions (orders-0,orders-1,orders-2,…) cannot be written while a broker of theirs restarts: no \
                 more replicas than min.insync.replicas"
            ]
        );
    }

    #[test]
    fn the_only_broker_is_warned_of_in_one_line() {
        let mut facts = healthy();
        facts.rollout.pods.retain(|pod| pod.name == "demo-broker-0");
        let plan = Plan::new("demo", "kafka", &facts, &all(), Wish::Begin);
        assert_eq!(plan.warnings, ["pod demo-broker-0 is the only broker: the cluster is down while it restarts"]);
    }

    #[test]
    fn nothing_to_do_is_said() {
        let plan = Plan::new("demo", "kafka", &healthy(), &Selection::Named(Vec::new()), Wish::Named);
        assert_eq!(
            (plan.headline().as_str(), plan.text(TextOptions::default()).as_str()),
            ("cluster \"demo\": no pod is to be replaced", "")
        );
    }
}
