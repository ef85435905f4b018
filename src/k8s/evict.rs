//! Takes a pod away through the Eviction API, which keeps to the PodDisruptionBudgets; a plain delete
//! would not.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::Eviction;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{DeleteOptions, ObjectMeta, Preconditions};
use kube::Resource;
use kube::core::Status;

use super::apply::Intent;
use super::client::Kubernetes;
use super::error::{Error, Result};

/// What became of a request to evict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evicted {
    /// The pod is being removed.
    Accepted,
    /// It was gone already, or another pod has its name by now.
    Gone,
    /// A PodDisruptionBudget forbids it at the moment, in its own words.
    Later(String),
}

/// Asks once. `uid` keeps a pod safe that was made under the same name in the meantime.
///
/// # Errors
/// Everything but the refusals that pass by themselves.
pub async fn evict(kubernetes: &Kubernetes, pod: &str, uid: &str, intent: Intent) -> Result<Evicted> {
    // kube's own call writes `delete_options`, which the API server does not know, so that the
    // precondition would be lost.
    let eviction = Eviction {
        metadata: ObjectMeta {
            name: Some(pod.to_owned()),
            namespace: Some(kubernetes.namespace.clone()),
            ..ObjectMeta::default()
        },
        delete_options: Some(DeleteOptions {
            preconditions: Some(Preconditions { uid: Some(uid.to_owned()), ..Preconditions::default() }),
            ..DeleteOptions::default()
        }),
    };
    let body = serde_json::to_vec(&eviction).map_err(|error| Error::Other(format!("cannot write: {error}")))?;
    let query = if intent == Intent::Rehearsal { "?dryRun=All" } else { "" };
    let path = format!("{}/{pod}/eviction{query}", Pod::url_path(&(), Some(&kubernetes.namespace)));
    let request = http::Request::post(path)
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(body)
        .map_err(|error| Error::Other(format!("cannot ask for the eviction of pod {pod}: {error}")))?;
    let client = kubernetes.without_retries()?;
    outcome(kubernetes.call(client.request::<Status>(request)).await)
}

fn outcome(answer: Result<Status>) -> Result<Evicted> {
    let Err(error) = answer else { return Ok(Evicted::Accepted) };
    match (&error, error.code()) {
        // 409: the uid is another one.
        (_, Some(404 | 409)) => Ok(Evicted::Gone),
        (Error::Server { status }, Some(429)) => Ok(Evicted::Later(budget_words(status))),
        _ => Err(error),
    }
}

/// `The disruption budget demo-broker needs 2 healthy pods and has 2 currently`, which stands in the
/// details; the message names no budget.
fn budget_words(status: &Status) -> String {
    let detail = status.details.as_ref().and_then(|details| details.causes.first()).map(|cause| cause.message.clone());
    let words = detail.filter(|words| !words.is_empty()).unwrap_or_else(|| status.message.clone());
    let mut letters = words.trim_end_matches('.').chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(code: u16, body: serde_json::Value) -> Result<Status> {
        let mut status: Status = serde_json::from_value(body).expect("a Status");
        status.code = code;
        Err(Error::Server { status: Box::new(status) })
    }

    #[test]
    fn a_budget_is_named() {
        let refused = answer(
            429,
            json!({
                "message": "Cannot evict pod as it would violate the pod's disruption budget.",
                "details": {"causes": [{"reason": "DisruptionBudget",
                    "message": "The disruption budget demo-broker needs 2 healthy pods and has 2 currently"}]},
            }),
        );
        let words = "the disruption budget demo-broker needs 2 healthy pods and has 2 currently";
        assert!(matches!(outcome(refused), Ok(Evicted::Later(said)) if said == words));
        let bare = answer(429, json!({"message": "Too many requests."}));
        assert!(matches!(outcome(bare), Ok(Evicted::Later(said)) if said == "too many requests"));
    }

    #[test]
    fn a_pod_that_is_gone_needs_no_eviction_and_a_refusal_stays_one() {
        assert!(matches!(outcome(answer(404, json!({}))), Ok(Evicted::Gone)));
        assert!(matches!(outcome(answer(409, json!({}))), Ok(Evicted::Gone)));
        assert!(outcome(answer(403, json!({}))).is_err_and(|error| error.is_forbidden()));
    }
}
