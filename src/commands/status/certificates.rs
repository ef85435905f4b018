//! Certificates that end soon, as each pod serves them.

use futures::future::join_all;

use super::model::{Problem, SectionName, Severity};
use crate::connect::{self, PodListener};
use crate::k8s::certificates::{CertificateInfo, DAY, SOON_DAYS};
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

/// What is known of a cluster's certificates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Certificates {
    /// Until the authority ends, that clients are given to trust, as far as that is known.
    pub(super) authority_seconds_left: Option<i64>,
    /// What the pods serve.
    pub(super) served: Vec<Served>,
}

/// Looks at the authority, and at the certificate of every ready pod that has one, all at once. A pod that does not
/// show it has other problems, which are told elsewhere.
pub(super) async fn gather(kubernetes: &Kubernetes, name: &ClusterName, pods: &[PodState]) -> Certificates {
    if pods.iter().all(|pod| !pod.tls) {
        return Certificates::default();
    }
    // Who may not read it misses this one check.
    let authority = credentials::authority(kubernetes, name).await.ok().flatten();
    let authority = authority.as_deref();
    let end = authority.and_then(|authority| CertificateInfo::from_pem(authority).ok());
    let secured: Vec<&PodState> = pods.iter().filter(|pod| pod.tls && pod.ready).collect();
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
    Certificates {
        authority_seconds_left: end.map(|info| info.seconds_left()),
        served: join_all(asked).await.into_iter().flatten().collect(),
    }
}

/// What is wrong with them. Pure.
pub(super) fn problems(certificates: &Certificates) -> Vec<Problem> {
    let authority = certificates.authority_seconds_left.and_then(authority_problem);
    let served = certificates.served.iter().filter_map(|served| problem(served).or_else(|| stranger(served)));
    authority.into_iter().chain(served).collect()
}

/// Without the authority no certificate can be renewed, whatever else is said about them.
fn authority_problem(seconds_left: i64) -> Option<Problem> {
    let days = seconds_left.div_euclid(DAY);
    let (severity, message) = match seconds_left {
        left if left <= 0 => (
            Severity::Critical,
            "the certificate authority has expired, so no certificate can be renewed: `kubectl kafka certs renew` tells \
             what to do"
                .to_owned(),
        ),
        _ if days < SOON_DAYS => (
            Severity::Warning,
            format!(
                "the certificate authority ends in {}, and every certificate with it: see `kubectl kafka certs list`",
                crate::view::plural(days_of(days), "day")
            ),
        ),
        _ => return None,
    };
    Some(Problem { severity, section: SectionName::Brokers, message })
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
        let problems =
            |served: &[Served]| problems(&Certificates { authority_seconds_left: None, served: served.to_vec() });
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

    #[test]
    fn an_authority_that_ends_is_told_although_no_pod_shows_a_certificate() {
        let of = |seconds_left| {
            let certificates = Certificates { authority_seconds_left: Some(seconds_left), served: Vec::new() };
            problems(&certificates).pop().map(|problem| (problem.severity, problem.message))
        };
        assert_eq!(of(30 * DAY), None);
        let (severity, message) = of(2 * DAY - 1).expect("a problem");
        assert_eq!(severity, Severity::Warning);
        assert!(message.starts_with("the certificate authority ends in 1 day,"), "{message}");
        let (severity, message) = of(0).expect("a problem");
        assert_eq!(severity, Severity::Critical);
        assert!(message.starts_with("the certificate authority has expired,"), "{message}");
    }
}
