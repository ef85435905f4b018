//! One roller at a time: a Lease that its holder renews, and that expires by itself when the holder dies.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, OwnerReference};
use kube::Api;
use kube::api::{DeleteParams, ObjectMeta, PostParams, Preconditions};

use super::client::Kubernetes;
use super::error::{Error, Result};
use super::names::ClusterName;

/// A holder that was not heard of for this long is gone. Long enough for a laptop whose network hiccups.
const DURATION: Duration = Duration::from_secs(30);
/// How often the holder says that it is there.
pub const RENEW_EVERY: Duration = Duration::from_secs(10);
/// The clocks of two laptops differ: a Lease that looks expired must stand still for longer than a
/// renewal before it is taken over.
const WATCHED: Duration = Duration::from_secs(12);

/// Who has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// `user@host`, and the process
    pub identity: String,
    /// Since when; by the holder's clock.
    pub since: Option<Timestamp>,
    /// When it expires unless it is renewed; by the holder's clock.
    pub until: Option<Timestamp>,
}

/// What a renewal found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renewed {
    /// It is still ours.
    Ours,
    /// Someone else has it by now.
    Theirs(Holder),
    /// There is none any more: it went with the cluster, or somebody deleted it.
    Gone,
}

/// The outcome of a try to get it.
pub enum Acquired {
    /// It is ours.
    Ours(Held),
    /// Someone else has it.
    Theirs(Holder),
}

/// A Lease that we hold.
#[derive(Debug, Clone)]
pub struct Held {
    name: String,
    identity: String,
}

fn api(kubernetes: &Kubernetes) -> Api<Lease> {
    Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace)
}

/// Gets the Lease, unless someone else has it. `owner` is the StatefulSet (name, uid) with which it
/// vanishes. Takes `WATCHED` when a dead holder left it behind.
pub async fn acquire(
    kubernetes: &Kubernetes,
    cluster: &ClusterName,
    identity: &str,
    owner: (&str, &str),
) -> Result<Acquired> {
    let leases = api(kubernetes);
    let name = lease_name(cluster);
    let held = Held { name: name.clone(), identity: identity.to_owned() };
    let metadata = ObjectMeta {
        name: Some(name.clone()),
        labels: Some(cluster.labels()),
        owner_references: Some(vec![OwnerReference {
            api_version: "apps/v1".into(),
            kind: "StatefulSet".into(),
            name: owner.0.to_owned(),
            uid: owner.1.to_owned(),
            ..OwnerReference::default()
        }]),
        ..ObjectMeta::default()
    };
    let fresh = Lease { metadata, spec: Some(fresh(identity)) };
    match kubernetes.call(leases.create(&PostParams::default(), &fresh)).await {
        Ok(_) => return Ok(Acquired::Ours(held)),
        Err(error) if error.code() == Some(409) => {}
        Err(error) => return Err(error),
    }
    let Some(found) = kubernetes.find(leases.get(&name)).await? else {
        // Released between the two requests; whoever was as quick as we are has it now.
        return kubernetes.call(leases.create(&PostParams::default(), &fresh)).await.map(|_| Acquired::Ours(held));
    };
    if !is_expired(&found, Timestamp::now()) {
        return Ok(Acquired::Theirs(holder(&found)));
    }
    tokio::time::sleep(WATCHED).await;
    let Some(again) = kubernetes.find(leases.get(&name)).await? else {
        return kubernetes.call(leases.create(&PostParams::default(), &fresh)).await.map(|_| Acquired::Ours(held));
    };
    if again.metadata.resource_version != found.metadata.resource_version {
        return Ok(Acquired::Theirs(holder(&again)));
    }
    // The resource version in it lets only one of two heirs succeed.
    let taken = Lease { metadata: again.metadata, ..fresh };
    match kubernetes.call(leases.replace(&name, &PostParams::default(), &taken)).await {
        Ok(_) => Ok(Acquired::Ours(held)),
        Err(error) if error.code() == Some(409) => {
            Ok(Acquired::Theirs(holder(&kubernetes.call(leases.get(&name)).await?)))
        }
        Err(error) => Err(error),
    }
}

/// Who has it now; `None`: nobody, or someone who was not heard of in time.
pub async fn current(kubernetes: &Kubernetes, cluster: &ClusterName) -> Result<Option<Holder>> {
    let found = kubernetes.find(api(kubernetes).get(&lease_name(cluster))).await?;
    Ok(found.filter(|lease| !is_expired(lease, Timestamp::now())).map(|lease| holder(&lease)))
}

/// `demo-roll`
pub fn lease_name(cluster: &ClusterName) -> String {
    format!("{cluster}-roll")
}

impl Held {
    /// Says that we are still there.
    pub async fn renew(&self, kubernetes: &Kubernetes) -> Result<Renewed> {
        let leases = api(kubernetes);
        let Some(mut lease) = kubernetes.find(leases.get(&self.name)).await? else { return Ok(Renewed::Gone) };
        let current = holder(&lease);
        if current.identity != self.identity {
            return Ok(Renewed::Theirs(current));
        }
        if let Some(spec) = &mut lease.spec {
            spec.renew_time = Some(MicroTime(Timestamp::now()));
        }
        // A conflict is settled by the next renewal, which sees who made it.
        kubernetes.call(leases.replace(&self.name, &PostParams::default(), &lease)).await.map(|_| Renewed::Ours)
    }

    /// Gives it back, if it is still ours.
    pub async fn release(&self, kubernetes: &Kubernetes) -> Result<()> {
        let leases = api(kubernetes);
        let Some(lease) = kubernetes.find(leases.get(&self.name)).await? else { return Ok(()) };
        if holder(&lease).identity != self.identity {
            return Ok(());
        }
        let unchanged = Preconditions { resource_version: lease.metadata.resource_version, uid: lease.metadata.uid };
        let parameters = DeleteParams { preconditions: Some(unchanged), ..DeleteParams::default() };
        match kubernetes.find(leases.delete(&self.name, &parameters)).await {
            Err(Error::Server { status }) if status.code == 409 => Ok(()),
            outcome => outcome.map(|_| ()),
        }
    }
}

fn fresh(identity: &str) -> LeaseSpec {
    let now = MicroTime(Timestamp::now());
    LeaseSpec {
        holder_identity: Some(identity.to_owned()),
        lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
        acquire_time: Some(now.clone()),
        renew_time: Some(now),
        ..LeaseSpec::default()
    }
}

fn holder(lease: &Lease) -> Holder {
    let spec = lease.spec.as_ref();
    Holder {
        identity: spec.and_then(|spec| spec.holder_identity.clone()).unwrap_or_default(),
        since: spec.and_then(|spec| spec.acquire_time.as_ref()).map(|time| time.0),
        until: expiry(lease),
    }
}

fn expiry(lease: &Lease) -> Option<Timestamp> {
    let spec = lease.spec.as_ref()?;
    let seconds = spec.lease_duration_seconds.map_or(DURATION.as_secs(), |seconds| seconds.unsigned_abs().into());
    spec.renew_time.as_ref()?.0.checked_add(Duration::from_secs(seconds)).ok()
}

/// Held by nobody, or by someone who was not heard of in time.
fn is_expired(lease: &Lease, now: Timestamp) -> bool {
    holder(lease).identity.is_empty() || expiry(lease).is_none_or(|expiry| expiry < now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_expires_thirty_seconds_after_its_last_renewal() {
        let lease = Lease { metadata: ObjectMeta::default(), spec: Some(fresh("ann@laptop")) };
        let renewed = lease.spec.as_ref().and_then(|spec| spec.renew_time.clone()).expect("a time").0;
        let after = |seconds| renewed.checked_add(Duration::from_secs(seconds)).expect("a time");
        assert!(!is_expired(&lease, after(29)));
        assert!(is_expired(&lease, after(31)));
        assert_eq!(holder(&lease).identity, "ann@laptop");
        let nobody = Lease { metadata: ObjectMeta::default(), spec: None };
        assert!(is_expired(&nobody, after(0)));
    }
}
