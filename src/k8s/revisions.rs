//! The ConfigMaps with the files of a cluster's pods, one for each revision of them: which one new pods are
//! to mount, and which ones nobody mounts any more.
//!
//! A file that pods mount is only ever changed by what Kafka itself has taken at once. Everything else goes
//! into a new ConfigMap, so that no pod reads what it was not rolled onto.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{DeleteParams, ListParams, Preconditions};

use super::client::Kubernetes;
use super::error::Result;
use super::manifests::{self, ClusterSpec, FileNames, Target};
use super::names::{ClusterName, LABEL_COMPONENT, MANAGER, Role};
use super::rollout::Rollout;

/// A ConfigMap with a role's files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revision {
    /// Its name.
    pub name: String,
    /// Which one of that name.
    pub uid: Option<String>,
    /// Its files.
    pub files: BTreeMap<String, String>,
    /// Whether this program applied it, and not `kubectl apply` or another tool from printed objects.
    pub ours: bool,
}

/// The revisions of a cluster's files, by role.
pub type Revisions = Vec<(Role, Revision)>;

/// Every revision that is kept. One request.
pub async fn list(kubernetes: &Kubernetes, cluster: &ClusterName) -> Result<Revisions> {
    let maps: Api<ConfigMap> = Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace);
    let selector = format!("{},{LABEL_COMPONENT}", cluster.selector());
    let list = kubernetes.call(maps.list(&ListParams::default().labels(&selector))).await?;
    Ok(list.items.into_iter().filter_map(|map| revision(cluster, map)).collect())
}

fn revision(cluster: &ClusterName, map: ConfigMap) -> Option<(Role, Revision)> {
    let role: Role = map.metadata.labels.as_ref()?.get(LABEL_COMPONENT)?.parse().ok()?;
    let name = map.metadata.name.filter(|name| manifests::is_file_name(cluster, role, name))?;
    let managers = map.metadata.managed_fields.unwrap_or_default();
    let ours = managers.iter().any(|entry| entry.manager.as_deref() == Some(MANAGER));
    Some((role, Revision { name, uid: map.metadata.uid, files: map.data.unwrap_or_default(), ours }))
}

/// The ConfigMaps that pods are to mount. `taken_at_once`: what was asked for before, when Kafka takes all
/// that differs from it at once.
pub fn choose(
    target: &Target<'_>,
    revisions: &Revisions,
    rollout: &Rollout,
    taken_at_once: Option<&ClusterSpec>,
) -> FileNames {
    let chosen = |role: Role| {
        let ours: Vec<&Revision> = revisions.iter().filter(|(of, _)| *of == role).map(|(_, found)| found).collect();
        let kept = kept(target, role, &ours, rollout, taken_at_once);
        kept.unwrap_or_else(|| new_name(target, role, &ours))
    };
    target.spec.roles().iter().map(|role| (*role, chosen(*role))).collect()
}

/// The name of a revision that pods mount and that says the same, or may be made to.
fn kept(
    target: &Target<'_>,
    role: Role,
    revisions: &[&Revision],
    rollout: &Rollout,
    taken_at_once: Option<&ClusterSpec>,
) -> Option<String> {
    let wanted = manifests::files(target, role);
    // The one that earlier versions let all pods share is never kept.
    let revision = |name: &String| {
        revisions.iter().find(|revision| revision.name == *name && *name != target.name.workload(role)).copied()
    };
    let current = rollout.workloads.get(&role).and_then(|workload| workload.files.as_ref()).and_then(revision);
    // A wish that is taken back leads to what the pods run already, so that they stay.
    let pods = rollout.pods.iter().filter(|pod| pod.role == role).filter_map(|pod| pod.files.as_ref());
    if let Some(same) = current.into_iter().chain(pods.filter_map(revision)).find(|kept| kept.files == wanted) {
        return Some(same.name.clone());
    }
    let before = Target { spec: taken_at_once?, ..*target };
    // Compared with the file itself: an install that was cut short may have left it behind what is kept as
    // asked for.
    let current = current.filter(|current| current.files == manifests::files(&before, role))?;
    (manifests::checksum(&before, role) == manifests::checksum(target, role)).then(|| current.name.clone())
}

/// The name of a revision that is not there yet, or says the same already.
fn new_name(target: &Target<'_>, role: Role, revisions: &[&Revision]) -> String {
    let wanted = manifests::files(target, role);
    let mut turn = 0;
    loop {
        let name = manifests::file_name(target, role, turn);
        if revisions.iter().all(|revision| revision.name != name || revision.files == wanted) {
            return name;
        }
        turn += 1;
    }
}

/// The revisions that no pod mounts and no new pod would: ours only, and only of StatefulSets that are
/// there to ask.
pub fn unused<'r>(revisions: &'r Revisions, rollout: &Rollout) -> Vec<&'r Revision> {
    let of_workload = revisions.iter().filter(|(role, _)| rollout.workloads.contains_key(role));
    of_workload.map(|(_, revision)| revision).filter(|found| found.ours && !rollout.mounts(&found.name)).collect()
}

/// The ConfigMaps that pods mounted or would have, and no longer do.
pub fn left_behind<'r>(before: &'r Rollout, after: &Rollout) -> BTreeSet<&'r str> {
    before.mounted().filter(|name| !after.mounts(name)).collect()
}

/// Removes a revision; `false` when it was gone already.
pub async fn remove(kubernetes: &Kubernetes, name: &str, uid: Option<&str>) -> Result<bool> {
    let maps: Api<ConfigMap> = Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace);
    // Another one of the same name is someone's new one.
    let preconditions = Preconditions { uid: uid.map(str::to_owned), resource_version: None };
    let parameters = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
    Ok(kubernetes.find(maps.delete(name, &parameters)).await?.is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::k8s::names::{LABEL_INSTANCE, LABEL_MANAGED_BY};
    use crate::k8s::rollout::{RollPod, Workload};

    fn spec(config: &[(&str, &str)]) -> ClusterSpec {
        let config = config.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        ClusterSpec { config, ..ClusterSpec::default() }
    }

    fn demo() -> ClusterName {
        ClusterName::from_label("demo")
    }

    fn with<T>(spec: &ClusterSpec, look: impl FnOnce(&Target<'_>) -> T) -> T {
        look(&Target { name: &demo(), namespace: "kafka", spec })
    }

    /// A revision of that name with the files of what was asked.
    fn revision(name: &str, spec: &ClusterSpec) -> (Role, Revision) {
        let files = with(spec, |target| manifests::files(target, Role::Broker));
        (Role::Broker, Revision { name: name.into(), uid: None, files, ours: true })
    }

    /// The brokers' name when nothing is there.
    fn fresh(spec: &ClusterSpec) -> String {
        with(spec, |target| manifests::file_name(target, Role::Broker, 0))
    }

    /// Brokers that mount these, under a StatefulSet whose new pods mount the first.
    fn mounted(current: &str, pods: &[&str]) -> Rollout {
        let pod = |(ordinal, files): (u32, &&str)| RollPod {
            name: demo().pod(Role::Broker, ordinal),
            role: Role::Broker,
            ordinal,
            uid: String::new(),
            ready: true,
            leaving: false,
            revision: None,
            files: Some((*files).to_owned()),
            host: None,
            tls: false,
        };
        let files = Some(current.to_owned());
        let workload = Workload { uid: String::new(), replicas: 3, revision: None, restarted_at: None, files };
        Rollout { workloads: BTreeMap::from([(Role::Broker, workload)]), pods: (0..).zip(pods).map(pod).collect() }
    }

    fn brokers(spec: &ClusterSpec, revisions: &Revisions, rollout: &Rollout, before: Option<&ClusterSpec>) -> String {
        with(spec, |target| choose(target, revisions, rollout, before)).remove(&Role::Broker).expect("a name")
    }

    #[test]
    fn what_says_the_same_is_kept_whatever_it_is_called() {
        let (asked, rollout) = (spec(&[("log.retention.ms", "1")]), mounted("demo-broker-00000000", &[]));
        assert_eq!(
            brokers(&asked, &vec![revision("demo-broker-00000000", &asked)], &rollout, None),
            "demo-broker-00000000"
        );
        assert_eq!(brokers(&asked, &Revisions::new(), &rollout, None), fresh(&asked), "it is gone");
    }

    #[test]
    fn a_file_is_only_written_over_by_what_kafka_takes_at_once() {
        let before = spec(&[("num.partitions", "3")]);
        let (name, rollout) = ("demo-broker-00000000", mounted("demo-broker-00000000", &["demo-broker-00000000"; 3]));
        let revisions = vec![revision(name, &before)];
        let chosen = |config: &[(&str, &str)], taken: bool| {
            let asked = spec(config);
            let chosen = brokers(&asked, &revisions, &rollout, taken.then_some(&before));
            assert!(chosen == name || chosen == fresh(&asked), "{chosen}");
            chosen
        };
        let at_once = [("num.partitions", "3"), ("log.retention.ms", "1")];
        assert_eq!(chosen(&at_once, true), name);
        assert_ne!(chosen(&at_once, false), name, "Kafka did not take it");
        let restart = [("num.partitions", "4"), ("log.retention.ms", "1")];
        assert_ne!(chosen(&restart, true), name, "it needs a restart too");
    }

    #[test]
    fn a_file_that_is_not_what_was_asked_for_before_is_not_written_over() {
        // Asked for with `many`, and stopped before the file was written.
        let (written, before) = (spec(&[]), spec(&[("num.io.threads", "many")]));
        let asked = spec(&[("num.io.threads", "many"), ("log.retention.ms", "1")]);
        let name = "demo-broker-00000000";
        let revisions = vec![revision(name, &written)];
        assert_eq!(brokers(&asked, &revisions, &mounted(name, &[name]), Some(&before)), fresh(&asked));
        assert_eq!(brokers(&before, &revisions, &mounted(name, &[name]), None), fresh(&before));
    }

    #[test]
    fn a_wish_that_is_taken_back_leads_to_what_the_pods_run() {
        let (good, bad) = (spec(&[("log.retention.ms", "1")]), spec(&[("log.retention.hours", "many")]));
        let revisions = vec![revision("demo-broker-00000001", &good), revision("demo-broker-00000002", &bad)];
        let rollout = mounted("demo-broker-00000002", &["demo-broker-00000002", "demo-broker-00000001"]);
        assert_eq!(brokers(&good, &revisions, &rollout, Some(&bad)), "demo-broker-00000001");
    }

    #[test]
    fn a_name_that_is_taken_by_changed_files_is_not_used() {
        // What was set at once is in the file by now, and is to go: a new file, although it had that name first.
        let (first, now) = (spec(&[]), spec(&[("log.retention.ms", "1")]));
        let name = fresh(&first);
        let chosen = brokers(&first, &vec![revision(&name, &now)], &mounted(&name, &[&name]), None);
        assert_ne!(chosen, name);
        assert!(manifests::is_file_name(&demo(), Role::Broker, &chosen));
    }

    #[test]
    fn the_file_that_all_pods_shared_is_left_alone() {
        let asked = spec(&[]);
        let chosen = brokers(
            &asked,
            &vec![revision("demo-broker", &asked)],
            &mounted("demo-broker", &["demo-broker"]),
            Some(&asked),
        );
        assert_eq!(chosen, fresh(&asked));
    }

    #[test]
    fn only_what_nobody_mounts_is_unused() {
        let asked = spec(&[]);
        let names = ["demo-broker", "demo-broker-00000001", "demo-broker-00000002", "demo-broker-00000003"];
        let mut revisions: Revisions = names.iter().map(|name| revision(name, &asked)).collect();
        let unused = |revisions: &Revisions, rollout: &Rollout| -> Vec<String> {
            super::unused(revisions, rollout).into_iter().map(|revision| revision.name.clone()).collect()
        };
        // Stopped half-way: the old pods' and the template's stay.
        let stopped = mounted("demo-broker-00000002", &["demo-broker-00000002", "demo-broker-00000001", "demo-broker"]);
        assert_eq!(unused(&revisions, &stopped), ["demo-broker-00000003"]);
        let mut leaving = mounted("demo-broker-00000002", &["demo-broker-00000001"]);
        leaving.pods[0].leaving = true;
        assert_eq!(unused(&revisions, &leaving), ["demo-broker", "demo-broker-00000003"], "it still runs");
        let done = mounted("demo-broker-00000002", &["demo-broker-00000002"; 3]);
        assert_eq!(unused(&revisions, &done), ["demo-broker", "demo-broker-00000001", "demo-broker-00000003"]);
        assert_eq!(left_behind(&stopped, &done), BTreeSet::from(["demo-broker", "demo-broker-00000001"]));
        revisions[1].1.ours = false;
        assert_eq!(unused(&revisions, &done), ["demo-broker", "demo-broker-00000003"], "another tool's");
        assert_eq!(unused(&revisions, &Rollout::default()), [""; 0], "no StatefulSet can be asked");
    }

    #[test]
    fn a_config_map_of_another_purpose_or_tool_is_told_apart() {
        let map = |name: &str, component: &str, manager: &str| {
            let map = serde_json::from_value(json!({
                "metadata": {"name": name, "managedFields": [{"manager": manager, "operation": "Apply"}],
                    "labels": {LABEL_MANAGED_BY: MANAGER, LABEL_INSTANCE: "demo", LABEL_COMPONENT: component}},
            }));
            super::revision(&demo(), map.expect("a ConfigMap")).map(|(role, found)| (role, found.ours))
        };
        assert_eq!(map("demo-broker-0123abcd", "broker", MANAGER), Some((Role::Broker, true)));
        assert_eq!(map("demo-zookeeper-0123abcd", "zookeeper", MANAGER), Some((Role::ZooKeeper, true)));
        assert_eq!(map("demo-broker-0123abcd", "broker", "argocd-controller"), Some((Role::Broker, false)));
        assert_eq!(map("demo-broker", "broker", MANAGER), Some((Role::Broker, true)), "as earlier versions had it");
        assert_eq!(map("demo-broker-0123abcd", "controller", MANAGER), None);
        assert_eq!(map("demo-cluster", "broker", MANAGER), None);
    }
}
