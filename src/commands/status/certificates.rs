//! Certificates that end soon, as each pod serves them.

use futures::future::join_all;

use super::model::{Problem, SectionName, Severity};
use crate::connect::{self, PodListener};
use crate::k8s::certificates::{DAY, SOON_DAYS};
use crate::k8s::credentials;
use crate::k8s::inspect::PodState;
use crate::k8s::names::{CLIENT_PORT, CONTROLLER_PORT};
use crate::k8s::{ClusterName, Kubernetes, Role};

/// A pod's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Served {
    pub(super) pod: String,
    pub(super) role: Role,
    /// Until it ends.
    pub(super) seconds_left: i64,
    /// Whether it comes from the authority that clients are given to trust, as far as that is known.
    pub(super) trusted: bool,
}

/// Looks at the certificate of every ready pod that has one, all at once. A pod that does not show it has
/// other problems, which are told elsewhere.
pub(super) async fn served(kubernetes: &Kubernetes, name: &ClusterName, pods: &[PodState]) -> Vec<Served> {
    let secured: Vec<&PodState> = pods.iter().filter(|pod| pod.tls && pod.ready).collect();
    if secured.is_empty() {
        return Vec::new();
    }
    // Who may not read it misses this one check.
    let authority = credentials::authority(kubernetes, name).await.ok().flatten();
    let authority = authority.as_deref();
    let asked = secured.into_iter().map(|pod| async move {
        let port = if pod.role == Role::Controller { CONTROLLER_PORT } else { CLIENT_PORT };
        let listener = PodListener { pod: pod.name.clone(), port, host: pod.dns_name.clone() };
        let info = connect::served(kubernetes, listener).await.ok()?;
        Some(Served {
            pod: pod.name.clone(),
            role: pod.role,
            seconds_left: info.seconds_left(),
            trusted: authority.is_none_or(|authority| info.is_signed_by(authority)),
        })
    });
    join_all(asked).await.into_iter().flatten().collect()
}

/// What is wrong with them. Pure.
pub(super) fn problems(served: &[Served]) -> Vec<Problem> {
    served.iter().filter_map(|served| problem(served).or_else(|| stranger(served))).collect()
}

fn stranger(served: &Served) -> Option<Problem> {
    (!served.trusted).then(|| Problem {
        severity: Severity::Critical,
        section: section(served.role),
        message: format!(
            "the certificate of pod {} is not of the authority that clients are to trust: see `kubectl kafka certs list`",
            served.pod
        ),
    })
}

fn section(role: Role) -> SectionName {
    if role == Role::Controller { SectionName::Controllers } else { SectionName::Brokers }
}

fn problem(served: &Served) -> Option<Problem> {
    let section = section(served.role);
    let pod = &served.pod;
    let days = served.seconds_left.div_euclid(DAY);
    let (severity, message) = match served.seconds_left {
        left if left <= 0 => (Severity::Critical, format!("the certificate of pod {pod} has expired")),
        _ if days < SOON_DAYS => (
            Severity::Warning,
            format!("the certificate of pod {pod} ends in {}", crate::view::plural(days_of(days), "day")),
        ),
        _ => return None,
    };
    Some(Problem { severity, section, message: format!("{message}: renew it with `kubectl kafka certs renew`") })
}

fn days_of(days: i64) -> usize {
    usize::try_from(days).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_before_the_end_is_a_warning_and_the_end_is_critical() {
        let of = |seconds_left| Served { pod: "demo-broker-0".into(), role: Role::Broker, seconds_left, trusted: true };
        assert_eq!(problems(&[of(30 * DAY)]), []);
        let soon = problems(&[of(30 * DAY - 1)]);
        assert_eq!(soon[0].severity, Severity::Warning);
        let message = "the certificate of pod demo-broker-0 ends in 29 days: renew it with `kubectl kafka certs renew`";
        assert_eq!(soon[0].message, message);
        assert_eq!(problems(&[of(0)])[0].severity, Severity::Critical);
        let stranger = problems(&[Served { trusted: false, ..of(365 * DAY) }]);
        assert_eq!(stranger[0].severity, Severity::Critical);
        assert!(stranger[0].message.contains("pod demo-broker-0 is not of the authority"), "{}", stranger[0].message);
    }
}
