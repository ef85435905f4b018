//! Asks Kubernetes and Kafka. Whatever fails becomes a fact of its own: half a cluster that is down must
//! not hide the other half.

use std::sync::Arc;
use std::time::Duration;

use super::certificates::{self, Certificates};
use super::metrics;
use super::model::Status;
use super::verdict::{Facts, controller_role};
use crate::commands::Context;
use crate::connect::metrics::Answer as Scraped;
use crate::connect::{self, Login, NotConnected, Session, TcpDialer, ensemble};
use crate::error::CommandError;
use crate::k8s::discover::{BrokerPod, KafkaCluster};
use crate::k8s::inspect::{self, Inspection, PodState};
use crate::k8s::{ClusterName, Kubernetes, Role, diagnose};
use crate::kafka::admin::{cluster, configs, log_dirs, quorum, topics};
use crate::kafka::{Ask, Cluster, ClusterOptions, DialReason, Error};

/// A report must come soon even when a broker hangs: what does not answer in this time is reported as
/// not answering.
const PATIENCE: Duration = Duration::from_secs(10);
/// One more try for a connection that was cut by a restart, and no more.
const RETRY_FOR: Duration = Duration::from_secs(1);

/// Where the cluster is.
enum Place {
    Pods { kubernetes: Box<Kubernetes>, name: ClusterName },
    Addresses(Vec<String>),
}

/// Why there is no connection.
struct Unconnected {
    reason: String,
    /// Kafka is there, and we may not or cannot log in.
    not_admitted: bool,
}

/// Keeps its connections between looks.
pub(super) struct Gatherer {
    place: Place,
    options: ClusterOptions,
    login: Login,
    kafka: Option<Cluster>,
    /// Whether the pods' metrics will be shown.
    metrics: bool,
    /// Found while choosing the cluster; spares the first look a request.
    first: Option<Inspection>,
}

impl Gatherer {
    /// Chooses the cluster.
    pub(super) async fn new(context: &Context, name: Option<&str>, metrics: bool) -> Result<Self, CommandError> {
        let options =
            ClusterOptions { request_timeout: context.global.request_timeout().min(PATIENCE), retry_for: RETRY_FOR };
        let login = context.login()?;
        if !context.global.bootstrap_server.is_empty() {
            let place = Place::Addresses(context.global.bootstrap_server.clone());
            return Ok(Self { place, options, login, kafka: None, metrics, first: None });
        }
        let wanted = context.named(name)?;
        let kubernetes = context.kubernetes().await?;
        let inspection = connect::select_any_state(&kubernetes, wanted).await?;
        let place = Place::Pods { kubernetes: Box::new(kubernetes), name: inspection.name.clone() };
        Ok(Self { place, options, login, kafka: None, metrics, first: Some(inspection) })
    }

    /// One look at everything.
    pub(super) async fn gather(&mut self) -> Result<Status, CommandError> {
        let mut facts = self.kubernetes_facts().await?;
        let scraping = self.scraping(&facts);
        // A server that hangs must not hold up what Kafka says.
        let servers = self.zookeeper(&facts);
        let (metrics, servers, ()) = tokio::join!(scraping, servers, Box::pin(self.ask(&mut facts)));
        (facts.metrics, facts.zookeeper) = (metrics, servers);
        Ok(Status::from_facts(&facts))
    }

    /// What the pods' metrics say, where that will be shown: it takes a port-forward to each of them.
    fn scraping(&self, facts: &Facts) -> impl Future<Output = Option<Vec<Scraped>>> + use<> {
        let asked = match &self.place {
            Place::Pods { kubernetes, .. } if self.metrics => {
                Some((kubernetes.clone(), metrics::endpoints(&facts.pods)))
            }
            _ => None,
        };
        async move {
            let (kubernetes, endpoints) = asked?;
            Some(connect::metrics::scrape(&kubernetes, &kubernetes.namespace, &endpoints, &metrics::SERIES).await)
        }
    }

    /// What the pods' listeners and Kafka say.
    async fn ask(&mut self, facts: &mut Facts) {
        let kept = self.kafka.take();
        let connecting = async {
            match kept {
                Some(kafka) => Ok(kafka),
                None => self.connect(facts).await,
            }
        };
        let (served, connected) = tokio::join!(self.certificates(facts), connecting);
        facts.certificates = served;
        match connected {
            Ok(kafka) => {
                kafka_facts(&kafka, facts).await;
                // A connection that was lost is made again at the next look.
                self.kafka = matches!(&facts.topics, Some(Ok(_))).then_some(kafka);
            }
            Err(Unconnected { reason, not_admitted }) => {
                facts.not_admitted = not_admitted;
                let words = if not_admitted { "Kafka does not let us in" } else { "no broker answers" };
                facts.topics = Some(Err(words.to_owned()));
                facts.description = Some(Err(reason));
                if !facts.has_zookeeper {
                    facts.quorum = Some(match &self.place {
                        Place::Pods { kubernetes, name } => self.quorum_from_controllers(facts, kubernetes, name).await,
                        Place::Addresses(_) => Err(words.to_owned()),
                    });
                }
            }
        }
    }

    async fn kubernetes_facts(&mut self) -> Result<Facts, CommandError> {
        let Place::Pods { kubernetes, name } = &self.place else {
            let Place::Addresses(addresses) = &self.place else { return Ok(Facts::default()) };
            return Ok(Facts { name: addresses.join(","), ..Facts::default() });
        };
        let inspection = match self.first.take() {
            Some(inspection) => Some(inspection),
            None => inspect::clusters(kubernetes, false, Some(name.as_str())).await?.into_iter().next(),
        };
        let mut facts =
            Facts { name: name.to_string(), namespace: Some(kubernetes.namespace.clone()), ..Facts::default() };
        if let Some(inspection) = inspection {
            facts.pods = inspection.pods;
            facts.wanted = inspection.wanted;
            facts.unseen = inspection.unseen;
            facts.has_zookeeper =
                facts.wanted.contains_key(&Role::ZooKeeper) || facts.pods.iter().any(|pod| pod.role == Role::ZooKeeper);
            let all_ready = facts.pods.iter().all(|pod| pod.ready);
            let all_there = facts.wanted.iter().all(|(role, wanted)| {
                facts.pods.iter().filter(|pod| pod.role == *role).count() >= usize::try_from(*wanted).unwrap_or(0)
            });
            // Why a pod does not run costs four more requests, so a healthy cluster is spared them.
            if !all_ready || !all_there {
                explain(kubernetes, &inspection.name, &mut facts).await?;
            }
        }
        Ok(facts)
    }

    /// What each running ZooKeeper server says of itself.
    fn zookeeper(&self, facts: &Facts) -> impl Future<Output = Vec<ensemble::Answer>> + use<> {
        let pods: Vec<String> = dialable(&facts.pods, Role::ZooKeeper).into_iter().map(|pod| pod.name).collect();
        let asked = match &self.place {
            Place::Pods { kubernetes, .. } => Some(kubernetes.clone()),
            Place::Addresses(_) => None,
        };
        async move {
            match asked {
                Some(kubernetes) => ensemble::ask(&kubernetes, &kubernetes.namespace, &pods).await,
                None => Vec::new(),
            }
        }
    }

    /// The authority, and what the pods serve, where they use TLS.
    async fn certificates(&self, facts: &Facts) -> Certificates {
        match &self.place {
            Place::Pods { kubernetes, name } => certificates::gather(kubernetes, name, &facts.pods).await,
            Place::Addresses(_) => Certificates::default(),
        }
    }

    /// A new connection.
    async fn connect(&self, facts: &Facts) -> Result<Cluster, Unconnected> {
        match &self.place {
            Place::Addresses(addresses) => {
                let secured = TcpDialer::new(addresses).and_then(|dialer| self.login.to_addresses(Arc::new(dialer)));
                let dialer = secured.map_err(|error| Unconnected { reason: error.message, not_admitted: true })?.dialer;
                let connected = Cluster::connect(dialer, self.options, &Ask::Nothing).await;
                connected.map(|(kafka, _)| kafka).map_err(|error| unconnected(&error))
            }
            Place::Pods { kubernetes, name } => {
                let cluster = running(facts, kubernetes, name);
                if cluster.brokers.is_empty() {
                    return Err(Unconnected { reason: "no broker pod is running".to_owned(), not_admitted: false });
                }
                let kubernetes = kubernetes.as_ref().clone();
                let session = Session::to_pods(kubernetes, cluster, self.options, &Ask::Nothing, &self.login).await;
                session.map(|session| session.kafka).map_err(|error| {
                    let not_admitted = !matches!(error, NotConnected::Failed(_));
                    Unconnected { reason: CommandError::from(error).message, not_admitted }
                })
            }
        }
    }

    /// The quorum without any broker, from a controller's own listener.
    async fn quorum_from_controllers(
        &self,
        facts: &Facts,
        kubernetes: &Kubernetes,
        name: &ClusterName,
    ) -> Result<quorum::Quorum, String> {
        let mut voters = running(facts, kubernetes, name);
        voters.brokers = dialable(&facts.pods, controller_role(facts));
        let timeout = self.options.request_timeout;
        connect::quorum_from_controllers(&self.login, kubernetes, &voters, timeout).await
    }
}

fn unconnected(error: &Error) -> Unconnected {
    let not_admitted =
        matches!(error, Error::Dial(dial) if matches!(dial.reason, DialReason::Refusal | DialReason::Denied));
    Unconnected { reason: error.to_string(), not_admitted }
}

async fn explain(kubernetes: &Kubernetes, name: &ClusterName, facts: &mut Facts) -> Result<(), CommandError> {
    let seen = diagnose::Facts::look(kubernetes, name).await?;
    facts.unseen.extend(seen.unknown.iter().map(|reason| format!("why pods do not run: {reason}")));
    for diagnosis in diagnose::diagnose(&seen) {
        match facts.pods.iter().find(|pod| diagnosis.is_about(&pod.name)) {
            Some(pod) => {
                facts.diagnoses.entry(pod.name.clone()).or_insert(diagnosis.message);
            }
            // A pod that cannot even be made: its StatefulSet says why.
            None => facts.refusals.push(diagnosis.to_string()),
        }
    }
    Ok(())
}

/// The cluster with the brokers that may accept a connection.
fn running(facts: &Facts, kubernetes: &Kubernetes, name: &ClusterName) -> KafkaCluster {
    let brokers = dialable(&facts.pods, Role::Broker);
    KafkaCluster { name: name.clone(), namespace: kubernetes.namespace.clone(), brokers }
}

/// Pods that may accept a connection, ready ones first.
fn dialable(pods: &[PodState], role: Role) -> Vec<BrokerPod> {
    let mut candidates: Vec<&PodState> = pods.iter().filter(|pod| pod.role == role && pod.may_answer()).collect();
    candidates.sort_by_key(|pod| !pod.ready);
    candidates.into_iter().map(PodState::as_broker).collect()
}

async fn kafka_facts(kafka: &Cluster, facts: &mut Facts) {
    let words = |error: Error| error.to_string();
    let all_topics = async {
        let metadata = kafka.metadata(&Ask::AllTopics).await?;
        Ok::<_, Error>(topics::from_metadata(&metadata).0)
    };
    // A broker answers in order and passes the quorum's on to a controller, which may hang: it goes last.
    let (topics, description, log_dirs, quorum) =
        tokio::join!(all_topics, cluster::describe(kafka), log_dirs::describe(kafka), quorum::describe(kafka));
    if let Ok(topics) = &topics {
        facts.min_isr = configs::min_in_sync(kafka, topics).await.unwrap_or_default();
    }
    facts.topics = Some(topics.map_err(words));
    facts.description = Some(description.map_err(words));
    facts.quorum = match quorum {
        // With ZooKeeper there is no quorum of controllers to report.
        Err(Error::Unsupported { .. }) => {
            facts.has_zookeeper = true;
            None
        }
        quorum => Some(quorum.map_err(words)),
    };
    facts.log_dirs = log_dirs.into_iter().map(|(node, dirs)| (node, dirs.map_err(words))).collect();
}
