//! Node id → pod → port-forward stream.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::tcp::join;
use crate::error::{CommandError, ErrorKind};
use crate::k8s::discover::{BrokerPod, KafkaCluster};
use crate::k8s::names::CLIENT_PORT;
use crate::k8s::port_forward::PortForward;
use crate::k8s::{Error as KubernetesError, Kubernetes};
use crate::kafka::{BoxStream, DialError, DialReason, Dialer, Target};

/// One dial: TLS, upgrade and the kubelet's own dial. Far clusters need about a second; 10 s means that
/// the kubelet does not answer.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);

/// Dials broker pods by name. Pods keep their name when they are replaced, so a dial after a restart
/// reaches the new pod.
pub struct PortForwardDialer {
    kubernetes: Kubernetes,
    namespace: String,
    bootstrap: Candidates,
}

/// Whom to ask at first contact, the best first. A broker that has just ended is ready for some seconds more, and its
/// port-forward opens and breaks afterwards: whoever comes again starts with the next.
struct Candidates {
    listeners: Vec<PodListener>,
    asked: AtomicUsize,
}

impl Candidates {
    fn new(listeners: Vec<PodListener>) -> Self {
        Self { listeners, asked: AtomicUsize::new(0) }
    }

    /// All of them, in the order for this time.
    fn in_turn(&self) -> impl Iterator<Item = &PodListener> {
        let all = self.listeners.len();
        let first = self.asked.fetch_add(1, Ordering::Relaxed) % all.max(1);
        self.listeners.iter().cycle().skip(first).take(all)
    }
}

/// A listener of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodListener {
    /// The pod's name.
    pub pod: String,
    /// The port.
    pub port: u16,
    /// The name that its certificate carries.
    pub host: Option<String>,
}

impl PortForwardDialer {
    /// A dialer for the pods of one cluster.
    pub fn new(kubernetes: Kubernetes, cluster: &KafkaCluster) -> Self {
        let listeners = cluster.brokers.iter().map(PodListener::clients).collect();
        Self::to(kubernetes, &cluster.namespace, listeners)
    }

    /// A dialer to given pods and ports, for listeners other than the clients'.
    pub fn to(kubernetes: Kubernetes, namespace: &str, bootstrap: Vec<PodListener>) -> Self {
        Self { kubernetes, namespace: namespace.to_owned(), bootstrap: Candidates::new(bootstrap) }
    }

    async fn open(&self, pod: &str, port: u16) -> Result<BoxStream, DialError> {
        let opening = PortForward::open(&self.kubernetes, &self.namespace, pod, port);
        match tokio::time::timeout(DIAL_TIMEOUT, opening).await {
            Ok(Ok(stream)) => Ok(Box::new(stream)),
            Ok(Err(error)) => Err(dial_error(pod, error)),
            Err(_) => Err(DialError::new(
                DialReason::TimedOut,
                format!("the port-forward to pod {pod} was not opened within {} s", DIAL_TIMEOUT.as_secs()),
            )),
        }
    }
}

impl PodListener {
    /// The clients' listener of a broker.
    fn clients(broker: &BrokerPod) -> Self {
        Self { pod: broker.name.clone(), port: broker.port, host: broker.host.clone() }
    }
}

impl Dialer for PortForwardDialer {
    fn dial<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<BoxStream, DialError>> {
        self.dial_host(target).map(|dialled| dialled.map(|(stream, _)| stream)).boxed()
    }

    fn dial_host<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<(BoxStream, Option<String>), DialError>> {
        async move {
            match target {
                Target::Bootstrap => {
                    let mut failures = Vec::new();
                    for listener in self.bootstrap.in_turn() {
                        match self.open(&listener.pod, listener.port).await {
                            Ok(stream) => return Ok((stream, listener.host.clone())),
                            Err(error) if error.is_transient() => failures.push(error),
                            Err(error) => return Err(error),
                        }
                    }
                    Err(join(failures))
                }
                // `<pod>.<service>.<namespace>.svc.…`: a StatefulSet's stable name starts with its pod.
                Target::Node(_, endpoint) => {
                    let pod = endpoint.host.split('.').next().unwrap_or_default();
                    let port = if endpoint.port == 0 { CLIENT_PORT } else { endpoint.port };
                    Ok((self.open(pod, port).await?, Some(endpoint.host.clone())))
                }
            }
        }
        .boxed()
    }
}

fn dial_error(pod: &str, error: KubernetesError) -> DialError {
    let reason = match &error {
        KubernetesError::Server { status } => match status.code {
            404 => DialReason::Gone,
            // The kubelet's words, when it has let the pod go already and the API server has not.
            500 if status.message.contains("pod not found") => DialReason::Gone,
            401 | 403 => DialReason::Forbidden,
            500..=599 => DialReason::Refused,
            _ => DialReason::Unreachable,
        },
        KubernetesError::TimedOut { .. } => DialReason::TimedOut,
        _ => DialReason::Unreachable,
    };
    let converted = CommandError::from(error);
    let message = match (&reason, &converted.kind) {
        (DialReason::Gone, _) => format!("pod {pod} does not exist (now)"),
        (_, ErrorKind::Server(reason)) => {
            format!("cannot open a port-forward to pod {pod}: {reason}: {}", converted.message)
        }
        _ => converted.message.clone(),
    };
    let hint = match reason {
        DialReason::Forbidden => Some(
            "ask for a Role with get and create on pods/portforward, and get and list on pods and services".to_owned(),
        ),
        _ => converted.hints.into_iter().next(),
    };
    DialError { reason, message, hint }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    #[test]
    fn whoever_comes_again_starts_with_the_next() {
        let listener = |pod: &str| PodListener { pod: pod.to_owned(), port: 9092, host: None };
        let candidates = Candidates::new(["a", "b", "c"].map(listener).into());
        let asked = || candidates.in_turn().map(|listener| listener.pod.as_str()).collect::<String>();
        assert_eq!([asked(), asked(), asked(), asked()], ["abc", "bca", "cab", "abc"]);
        assert_eq!(Candidates::new(Vec::new()).in_turn().count(), 0);
    }

    #[test]
    fn a_pod_that_is_gone_is_said_so_whoever_notices_first() {
        for (code, message, expected) in [
            (404, "pods \"a-0\" not found", "pod a-0 does not exist (now)"),
            (500, "error upgrading connection: pod not found (\"a-0_kafka\")", "pod a-0 does not exist (now)"),
            (500, "no route", "cannot open a port-forward to pod a-0: InternalError: no route"),
        ] {
            let status = Status::failure(message, "InternalError").with_code(code);
            let error = dial_error("a-0", KubernetesError::Server { status: status.boxed() });
            assert_eq!(error.message, expected);
        }
    }
}
