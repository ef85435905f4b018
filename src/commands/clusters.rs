//! `kubectl kafka clusters`: the Kafka clusters that were installed, running or not. Asks Kubernetes
//! only.

use std::collections::BTreeMap;

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::{Context, Run, get};
use crate::cli::OutputArgs;
use crate::error::{CommandResult, Exit};
use crate::k8s::inspect::{self, Inspection};
use crate::k8s::inventory::{self, Installed};
use crate::k8s::manifests::{ClusterMode, ClusterSpec};
use crate::k8s::names::CLIENT_PORT;
use crate::k8s::{ClusterName, Role};
use crate::ui::{TextOptions, View};
use crate::view::{Table, age, or_none};

/// What was typed.
#[derive(Debug, Clone, Args)]
pub struct ClustersArgs {
    /// Look in all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,

    #[command(flatten)]
    output: OutputArgs,

    #[arg(skip)]
    only: Option<String>,
}

impl ClustersArgs {
    /// The clusters of the namespace, or one of them.
    pub(super) fn of(only: Option<String>, output: OutputArgs) -> Self {
        Self { all_namespaces: false, output, only }
    }
}

impl Run for ClustersArgs {
    async fn run(self, context: Context) -> CommandResult {
        let kubernetes = context.kubernetes().await?;
        let (inspected, documents) = tokio::join!(
            inspect::clusters(&kubernetes, self.all_namespaces, self.only.as_deref()),
            inventory::documents(&kubernetes, self.all_namespaces),
        );
        let inspected = inspected?;
        let mut unseen: Vec<String> = inspected.iter().flat_map(|cluster| cluster.unseen.clone()).collect();
        unseen.dedup();
        let documents = match documents {
            Err(error) if error.is_forbidden() => {
                unseen.push(format!("clusters without pods: {error}"));
                Vec::new()
            }
            documents => documents?,
        };
        let mut clusters = Clusters::new(inspected, documents, Timestamp::now());
        clusters.all_namespaces = self.all_namespaces;
        if let Some(only) = &self.only {
            clusters.items.retain(|row| row.name.as_str() == only);
            if clusters.items.is_empty() {
                return Err(get::not_found(only, &kubernetes.namespace));
            }
        }
        if clusters.items.is_empty() {
            let place = if self.all_namespaces {
                "any namespace".to_owned()
            } else {
                format!("namespace \"{}\"", kubernetes.namespace)
            };
            context.ui.status(format!("No Kafka cluster found in {place}."));
        }
        if !clusters.items.is_empty() || self.output.output.is_some() {
            context.ui.show(&self.output, &clusters)?;
        }
        for part in unseen {
            context.ui.warning(format!("your Role does not show {part}"));
        }
        Ok(Exit::Done)
    }
}

/// The clusters by namespace and name.
#[derive(Debug, Serialize)]
struct Clusters {
    items: Vec<Row>,
    #[serde(skip)]
    now: Timestamp,
    /// As kubectl, the table names the namespace only when it shows several.
    #[serde(skip)]
    all_namespaces: bool,
}

/// One cluster.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    namespace: String,
    name: ClusterName,
    kafka_version: Option<String>,
    mode: ClusterMode,
    /// `None` when the brokers are the controllers, and with ZooKeeper.
    controllers: Option<Pods>,
    /// `None` in KRaft mode.
    zookeeper: Option<Pods>,
    brokers: Pods,
    status: Standing,
    image: Option<String>,
    /// Where clients in the Kubernetes cluster start.
    bootstrap: String,
    created: Option<Timestamp>,
}

/// Pods of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct Pods {
    ready: u32,
    wanted: u32,
}

/// What can be told from pods alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
enum Standing {
    /// All pods are ready; `status` asks Kafka itself.
    Ready,
    /// Some are.
    Degraded,
    /// None is.
    NotReady,
    /// Only its data is there.
    Uninstalled,
}

impl Clusters {
    fn new(inspected: Vec<Inspection>, documents: Vec<Installed>, now: Timestamp) -> Self {
        type Sources = (Option<Inspection>, Option<Installed>);
        let mut found: BTreeMap<(String, ClusterName), Sources> = BTreeMap::new();
        for inspection in inspected {
            let key = (inspection.namespace.clone(), inspection.name.clone());
            found.entry(key).or_default().0 = Some(inspection);
        }
        for document in documents {
            let key = (document.namespace.clone(), document.name.clone());
            found.entry(key).or_default().1 = Some(document);
        }
        let items = found
            .into_iter()
            .map(|((namespace, name), (inspection, document))| {
                row(namespace, name, inspection.as_ref(), document.as_ref())
            })
            .collect();
        Self { items, now, all_namespaces: false }
    }
}

fn row(namespace: String, name: ClusterName, inspection: Option<&Inspection>, document: Option<&Installed>) -> Row {
    let spec = document.and_then(|document| document.spec.as_ref());
    let pods = |role| Pods {
        ready: inspection.map_or(0, |cluster| count(cluster.of(role).filter(|pod| pod.ready))),
        wanted: inspection.map_or_else(|| spec.map_or(0, |spec| spec.replicas(role)), |cluster| cluster.wanted(role)),
    };
    let (controllers, brokers) = (pods(Role::Controller), pods(Role::Broker));
    let zookeeper = Some(pods(Role::ZooKeeper)).filter(|pods| pods.wanted > 0);
    let image = inspection
        .and_then(|cluster| {
            cluster.pods.iter().filter(|pod| pod.role != Role::ZooKeeper).find_map(|pod| pod.image.clone())
        })
        .or_else(|| spec.map(ClusterSpec::image));
    let tag = image.as_deref().and_then(|image| image.rsplit_once(':')).map(|(_, tag)| tag.to_owned());
    let first_pod = inspection.and_then(|cluster| cluster.pods.iter().filter_map(|pod| pod.created).min());
    Row {
        kafka_version: spec.map(|spec| spec.kafka_version.clone()).or(tag),
        mode: if zookeeper.is_some() { ClusterMode::ZooKeeper } else { ClusterMode::Kraft },
        controllers: (controllers.wanted > 0).then_some(controllers),
        zookeeper,
        brokers,
        status: match inspection {
            None => Standing::Uninstalled,
            Some(_) => standing(zookeeper.unwrap_or(controllers), brokers),
        },
        image,
        bootstrap: format!("{}.{namespace}.svc:{CLIENT_PORT}", name.bootstrap()),
        created: document.and_then(|document| document.created).or(first_pod),
        namespace,
        name,
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}

fn standing(quorum: Pods, brokers: Pods) -> Standing {
    let ready = quorum.ready + brokers.ready;
    if ready == 0 {
        Standing::NotReady
    } else if ready < quorum.wanted + brokers.wanted {
        Standing::Degraded
    } else {
        Standing::Ready
    }
}

const NARROW: [&str; 8] = ["NAMESPACE", "NAME", "KAFKA", "MODE", "QUORUM", "BROKERS", "STATUS", "AGE"];
const WIDE: [&str; 10] =
    ["NAMESPACE", "NAME", "KAFKA", "MODE", "QUORUM", "BROKERS", "STATUS", "AGE", "IMAGE", "BOOTSTRAP"];

impl View for Clusters {
    fn text(&self, options: TextOptions) -> String {
        let headers = if options.wide { WIDE.as_slice() } else { NARROW.as_slice() };
        // The first column is the namespace.
        let hidden = usize::from(!self.all_namespaces);
        let mut table = Table::new(headers.iter().copied().skip(hidden), options.no_headers);
        for row in &self.items {
            let mut cells = row.cells(self.now).split_off(hidden);
            if options.wide {
                cells.extend([or_none(row.image.as_ref()), row.bootstrap.clone()]);
            }
            table.row(cells);
        }
        table.text()
    }

    fn names(&self) -> Vec<String> {
        self.items.iter().map(|row| format!("kafka/{}", row.name)).collect()
    }
}

impl Row {
    fn cells(&self, now: Timestamp) -> Vec<String> {
        let of = |pods: Pods| format!("{}/{}", pods.ready, pods.wanted);
        let lived = self.created.and_then(|created| now.duration_since(created).try_into().ok());
        vec![
            self.namespace.clone(),
            self.name.to_string(),
            self.kafka_version.clone().unwrap_or_else(|| "<unknown>".to_owned()),
            self.mode.to_string(),
            self.zookeeper.or(self.controllers).map_or_else(|| "combined".to_owned(), of),
            of(self.brokers),
            format!("{:?}", self.status),
            lived.map_or_else(|| "<unknown>".to_owned(), age),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::k8s::inspect::PodState;
    use crate::k8s::manifests::Preset;

    fn pod(role: Role, ordinal: u32, ready: bool) -> PodState {
        let (created, image) = (Some(Timestamp::UNIX_EPOCH), Some("apache/kafka:4.3.1".into()));
        PodState { ready, created, image, ..PodState::sample(role, ordinal) }
    }

    fn inspection(namespace: &str, pods: Vec<PodState>, wanted: &[(Role, u32)]) -> Inspection {
        Inspection {
            name: ClusterName::from_label("demo"),
            namespace: namespace.into(),
            wanted: wanted.iter().copied().collect(),
            pods,
            unseen: Vec::new(),
        }
    }

    fn shown(inspected: Vec<Inspection>, documents: Vec<Installed>) -> String {
        let now = Timestamp::from_second(90).expect("a time");
        let mut clusters = Clusters::new(inspected, documents, now);
        clusters.all_namespaces = true;
        clusters.text(TextOptions::default())
    }

    #[test]
    fn running_and_kept_clusters_are_listed_together() {
        let running = inspection(
            "a",
            vec![pod(Role::Controller, 0, true), pod(Role::Broker, 0, true), pod(Role::Broker, 1, false)],
            &[(Role::Controller, 1), (Role::Broker, 2)],
        );
        let kept = Installed {
            namespace: "b".into(),
            name: ClusterName::from_label("old"),
            spec: Preset::Dev.spec().ok(),
            created: Some(Timestamp::UNIX_EPOCH),
        };
        assert_eq!(
            shown(vec![running], vec![kept]),
            "NAMESPACE   NAME   KAFKA   MODE    QUORUM     BROKERS   STATUS        AGE\n\
             a           demo   4.3.1   kraft   1/1        1/2       Degraded      90s\n\
             b           old    4.3.1   kraft   combined   0/1       Uninstalled   90s\n"
        );
    }

    #[test]
    fn pods_alone_tell_enough() {
        let seen = inspection("a", vec![pod(Role::Broker, 0, true)], &[]);
        assert!(shown(vec![seen], Vec::new()).contains("4.3.1   kraft   combined   1/1       Ready    90s\n"));
        let down = inspection("a", vec![pod(Role::Broker, 0, false)], &[]);
        assert!(shown(vec![down], Vec::new()).contains("0/1       NotReady   90s\n"));
    }

    #[test]
    fn zookeeper_is_the_quorum_of_a_kafka_that_has_one() {
        let pods = vec![pod(Role::ZooKeeper, 0, true), pod(Role::ZooKeeper, 1, false), pod(Role::Broker, 0, true)];
        let running = inspection("a", pods, &[(Role::ZooKeeper, 2), (Role::Broker, 1)]);
        let kept = Installed {
            namespace: "b".into(),
            name: ClusterName::from_label("old"),
            spec: Preset::Dev.spec().ok().map(|spec| spec.in_mode(ClusterMode::ZooKeeper)),
            created: Some(Timestamp::UNIX_EPOCH),
        };
        assert_eq!(
            shown(vec![running], vec![kept]),
            "NAMESPACE   NAME   KAFKA   MODE        QUORUM   BROKERS   STATUS        AGE\n\
             a           demo   4.3.1   zookeeper   1/2      1/1       Degraded      90s\n\
             b           old    3.9.2   zookeeper   0/1      0/1       Uninstalled   90s\n"
        );
    }
}
