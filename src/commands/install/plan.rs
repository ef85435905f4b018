//! What an install is going to do, decided from what is there and what is asked; everything that must not
//! be done is refused here, before anything is applied.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::differences::{Asker, Difference, impossible_while_running, impossible_with_kept_data, table_with};
use crate::commands::securing::{Admin, Kept, Secrets, refuse_without_authority};
use crate::error::CommandError;
use crate::k8s::inventory::Inventory;
use crate::k8s::manifests::{self, ClusterSpec, FileNames, Identity, Manifest, Mode, Target};
use crate::k8s::rollout::Rollout;
use crate::k8s::{ClusterName, Role};
use crate::view::plural;

/// The objects of an install.
pub(super) struct Plan {
    /// The cluster's id and its quorum. Written before anything else, and never over another. With ZooKeeper
    /// there is none: Kafka makes the id itself, and ZooKeeper keeps it.
    pub identity: Option<Identity>,
    /// Whether the Secret must be written over: the old quorum's disks are all gone.
    pub fresh_quorum: bool,
    /// The Secret with the identity.
    pub secret: Option<Manifest>,
    /// What was asked.
    pub document: Manifest,
    /// The authority and the admin; written once, and never over another.
    pub secrets: Vec<Manifest>,
    /// The admin, where Kafka knows one already.
    pub admin: Option<Arc<Admin>>,
    /// What the pods need.
    pub supporting: Vec<Manifest>,
    /// The ConfigMaps that the pods mount.
    pub files: Vec<Manifest>,
    /// Which ConfigMap each of those takes the place of, where that is another one.
    pub former: BTreeMap<String, String>,
    /// The StatefulSets.
    pub workloads: Vec<Manifest>,
    /// As it was asked for before, where it runs.
    pub running: Option<ClusterSpec>,
}

impl Plan {
    /// Decides.
    pub(super) fn new(
        target: &Target<'_>,
        inventory: &Inventory,
        kept: &Kept,
        asker: Asker<'_>,
    ) -> Result<Self, CommandError> {
        refuse_foreign_claims(target, inventory)?;
        refuse_changes(target, inventory, asker)?;
        refuse_without_authority(kept, target)?;
        let (identity, fresh_quorum) = identity(target, inventory)?;
        let secrets = Secrets::new(target, kept)?;
        let mut supporting = secrets.others;
        supporting.extend(manifests::supporting(target)?);
        supporting.extend(manifests::pod_monitor(target).filter(|_| kept.prometheus_operator));
        let names = manifests::file_names(target);
        let has_users =
            !fresh_quorum && (!inventory.workloads.is_empty() || inventory.has_claims(target.spec.voter_role()));
        let admin = secrets.admin.filter(|_| has_users);
        Ok(Self {
            admin: admin.map(|(authority, new)| Arc::new(Admin::new(authority, new))),
            secret: identity.as_ref().map(|identity| manifests::secret(target, identity)).transpose()?,
            document: manifests::document(target)?,
            secrets: secrets.once,
            supporting,
            files: manifests::config_maps(target, &names)?,
            former: BTreeMap::new(),
            workloads: manifests::workloads(target, &names)?,
            running: inventory.document.clone().filter(|_| !inventory.workloads.is_empty()),
            identity,
            fresh_quorum,
        })
    }

    /// Whether the admin's Secret is gone, and Kafka has to be told the password of the new one.
    pub(super) fn has_new_admin(&self) -> bool {
        self.admin.as_ref().is_some_and(|admin| admin.is_new())
    }

    /// Lets the pods mount these ConfigMaps, where there are pods already.
    pub(super) fn mount(
        &mut self,
        target: &Target<'_>,
        names: &FileNames,
        rollout: &Rollout,
    ) -> Result<(), CommandError> {
        self.files = manifests::config_maps(target, names)?;
        self.workloads = manifests::workloads(target, names)?;
        let former =
            rollout.workloads.iter().filter_map(|(role, workload)| Some((names.get(role)?, workload.files.as_ref()?)));
        self.former = former.filter(|(new, old)| new != old).map(|(new, old)| (new.clone(), old.clone())).collect();
        Ok(())
    }

    /// Whether an object is written once, and never over another.
    pub(super) fn is_written_once(&self, manifest: &Manifest) -> bool {
        self.is_identity(manifest) || self.secrets.contains(manifest)
    }

    /// Whether an object is the Secret with the identity.
    pub(super) fn is_identity(&self, manifest: &Manifest) -> bool {
        self.secret.as_ref() == Some(manifest)
    }

    /// Everything, in the order in which it is applied.
    pub(super) fn manifests(&self) -> Vec<Manifest> {
        let mut all = vec![self.document.clone()];
        let kept = self.secret.iter().chain(&self.secrets);
        all.extend(kept.chain(&self.files).chain(&self.supporting).chain(&self.workloads).cloned());
        all
    }
}

/// A StatefulSet takes any claim that has the right name.
fn refuse_foreign_claims(target: &Target<'_>, inventory: &Inventory) -> Result<(), CommandError> {
    let taken = |role: Role, ordinal: u32| target.spec.roles().contains(&role) && ordinal < target.spec.replicas(role);
    match inventory.claims.iter().find(|claim| !claim.ours && taken(claim.role, claim.ordinal)) {
        None => Ok(()),
        Some(claim) => Err(not_ours("persistentvolumeclaim", &claim.name, target.name)),
    }
}

/// The refusal of an object that another tool or person made.
pub(super) fn not_ours(kind: &str, object: &str, name: &ClusterName) -> CommandError {
    CommandError::failed(format!(
        "{kind} \"{object}\" exists and does not belong to a cluster \"{name}\" of kubectl kafka; nothing was changed"
    ))
    .hinted("install under another name, or in another namespace with -n")
}

fn refuse_changes(target: &Target<'_>, inventory: &Inventory, asker: Asker<'_>) -> Result<(), CommandError> {
    let Some(current) = &inventory.document else { return Ok(()) };
    let name = target.name;
    if inventory.workloads.is_empty() {
        if inventory.claims.is_empty() {
            return Ok(());
        }
        let impossible = impossible_with_kept_data(current, target.spec);
        return refuse(&impossible, asker, || {
            CommandError::failed(format!("this does not fit the data that is kept of cluster \"{name}\""))
                .hinted("leave these options out to install it as it was")
                .hinted(format!("remove the data for good with `kubectl kafka uninstall {name} --delete-data`"))
        });
    }
    refuse(&impossible_while_running(current, target.spec), asker, || {
        CommandError::failed(format!(
            "cluster \"{name}\" is installed with other options, which a cluster that runs cannot be given; nothing was changed"
        ))
        .hinted("leave these options out; memory, cpu, config and what else only new pods need can be changed")
    })
}

fn refuse(differences: &[Difference], asker: Asker<'_>, error: impl Fn() -> CommandError) -> Result<(), CommandError> {
    if differences.is_empty() {
        return Ok(());
    }
    let mut error = error();
    error.message = format!("{}\n{}", error.message, table_with(differences, asker).trim_end());
    Err(error)
}

/// Who the cluster is going to be.
fn identity(target: &Target<'_>, inventory: &Inventory) -> Result<(Option<Identity>, bool), CommandError> {
    if target.spec.has_zookeeper() {
        refuse_half_of_the_data(target.name, inventory, Role::ZooKeeper)?;
        return Ok((None, false));
    }
    quorum_identity(target, inventory).map(|(identity, fresh)| (Some(identity), fresh))
}

/// Brokers' volumes without those of whoever knew their topics.
fn refuse_half_of_the_data(name: &ClusterName, inventory: &Inventory, quorum: Role) -> Result<(), CommandError> {
    if !inventory.workloads.is_empty() || inventory.has_claims(quorum) || !inventory.has_claims(Role::Broker) {
        return Ok(());
    }
    let (whose, what) = match quorum {
        Role::ZooKeeper => ("ZooKeeper", "the cluster's id and the list of its topics"),
        Role::Controller | Role::Broker => ("its controllers", "the list of its topics"),
    };
    Err(CommandError::failed(format!(
        "the brokers' volumes of cluster \"{name}\" are kept, but those of {whose} are gone, and with them {what}"
    ))
    .hinted(forget(name)))
}

fn forget(name: &ClusterName) -> String {
    format!("remove the rest for good with `kubectl kafka uninstall {name} --delete-data`, then install again")
}

fn quorum_identity(target: &Target<'_>, inventory: &Inventory) -> Result<(Identity, bool), CommandError> {
    let name = target.name;
    let (voters, voter_role) = (target.spec.voters(), target.spec.voter_role());
    let Some(kept) = &inventory.identity else {
        return match inventory.claims.first() {
            None => Ok((Identity::generate(voters), false)),
            Some(claim) => Err(CommandError::failed(format!(
                "claim \"{}\" holds data of an earlier cluster \"{name}\", but the Secret with its id, \"{}\", is gone",
                claim.name,
                name.identity()
            ))
            .hinted(forget(name))),
        };
    };
    if kept.mode == Mode::Join && !inventory.has_claims(voter_role) && inventory.workloads.is_empty() {
        refuse_half_of_the_data(name, inventory, voter_role)?;
        return Ok((kept.with_fresh_quorum(voters), true));
    }
    if kept.directories.len() != voters as usize {
        if inventory.claims.is_empty() && inventory.workloads.is_empty() {
            return Ok((kept.with_fresh_quorum(voters), true));
        }
        return Err(CommandError::failed(format!(
            "Secret \"{}\" knows {}, and {voters} are asked for",
            name.identity(),
            plural(kept.directories.len(), "controller")
        ))
        .hinted(forget(name)));
    }
    Ok((kept.clone(), false))
}

/// What cannot be told without a document.
pub(super) fn refuse_unknown_workloads(name: &ClusterName, inventory: &Inventory) -> Result<(), CommandError> {
    if inventory.document.is_some() || inventory.workloads.is_empty() {
        return Ok(());
    }
    Err(CommandError::failed(format!(
        "cluster \"{name}\" runs, but ConfigMap \"{}\", which says how it was installed, is gone",
        name.document()
    ))
    .hinted(format!(
        "its pods and data are safe; `kubectl kafka uninstall {name}` and a new install with the same options bring it back"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::k8s::inventory::Claim;
    use crate::k8s::manifests::{ClusterMode, ClusterSpec, Preset};

    fn spec(brokers: u32, controllers: u32) -> ClusterSpec {
        let mut spec = ClusterSpec::default();
        (spec.brokers, spec.controllers) = (brokers, controllers);
        spec
    }

    fn claim(role: Role, ordinal: u32, ours: bool) -> Claim {
        Claim { name: format!("data-demo-{role}-{ordinal}"), role, ordinal, ours }
    }

    fn joined(voters: u32) -> Identity {
        Identity { mode: Mode::Join, ..Identity::generate(voters) }
    }

    fn planned(spec: &ClusterSpec, inventory: &Inventory) -> Result<Plan, CommandError> {
        let name = ClusterName::from_label("demo");
        Plan::new(&Target { name: &name, namespace: "kafka", spec }, inventory, &Kept::default(), &|_| None)
    }

    fn refusal(spec: &ClusterSpec, inventory: &Inventory) -> String {
        planned(spec, inventory).err().expect("a refusal").text()
    }

    #[test]
    fn an_admin_without_a_secret_is_told_to_kafka_only_where_kafka_has_users() {
        let asked = ClusterSpec { controllers: 3, ..Preset::Production.spec().expect("the preset") };
        let has = |inventory: Inventory| planned(&asked, &inventory).expect("a plan").has_new_admin();
        let kept = |claims: Vec<Claim>, workloads: Vec<Role>| Inventory {
            document: Some(asked.clone()),
            identity: Some(joined(3)),
            claims,
            workloads,
        };
        assert!(!has(Inventory::default()), "a new cluster is formatted with it");
        assert!(!has(kept(vec![], vec![])), "so is one whose disks are all gone");
        assert!(has(kept(vec![claim(Role::Controller, 0, true)], vec![Role::Controller, Role::Broker])));
        assert!(has(kept(vec![claim(Role::Controller, 0, true)], vec![])), "its data is kept");
        assert!(planned(&spec(3, 3), &Inventory::default()).expect("a plan").admin.is_none(), "it has no users");
    }

    #[test]
    fn nothing_there_is_a_new_cluster() {
        let plan = planned(&spec(3, 3), &Inventory::default()).expect("a plan");
        let identity = plan.identity.expect("a quorum of its own");
        assert_eq!((identity.mode, identity.directories.len(), plan.fresh_quorum), (Mode::Bootstrap, 3, false));
    }

    #[test]
    fn a_claim_of_other_hands_is_refused_only_where_a_pod_would_take_it() {
        let inventory = |ordinal| Inventory {
            claims: vec![claim(Role::Broker, ordinal, false)],
            identity: Some(joined(3)),
            ..Inventory::default()
        };
        assert!(refusal(&spec(3, 3), &inventory(0)).contains("\"data-demo-broker-0\" exists and does not belong"));
        assert!(!planned(&spec(3, 3), &inventory(7)).is_err_and(|error| error.message.contains("does not belong")));
    }

    #[test]
    fn an_installed_cluster_is_not_changed() {
        let inventory = Inventory {
            document: Some(spec(3, 3)),
            identity: Some(joined(3)),
            workloads: vec![Role::Controller, Role::Broker],
            claims: vec![claim(Role::Controller, 0, true)],
        };
        let text = refusal(&spec(5, 3), &inventory);
        assert!(text.contains("FIELD     CURRENT   WANTED\nbrokers   3         5\n"), "{text}");
        let same = planned(&spec(3, 3), &inventory).expect("a plan");
        assert_eq!(same.identity, inventory.identity);
    }

    #[test]
    fn kept_data_comes_back_as_the_same_cluster() {
        let inventory = Inventory {
            document: Some(spec(3, 3)),
            identity: Some(joined(3)),
            claims: vec![claim(Role::Controller, 0, true), claim(Role::Broker, 0, true)],
            ..Inventory::default()
        };
        let plan = planned(&spec(3, 3), &inventory).expect("a plan");
        assert_eq!((plan.identity, plan.fresh_quorum), (inventory.identity.clone(), false));
        assert!(refusal(&spec(3, 1), &inventory).contains("controllers   3         1"));
    }

    #[test]
    fn a_quorum_whose_disks_are_all_gone_starts_afresh_unless_brokers_have_data() {
        let gone = Inventory { document: Some(spec(3, 3)), identity: Some(joined(3)), ..Inventory::default() };
        let plan = planned(&spec(3, 3), &gone).expect("a plan");
        assert_eq!((plan.identity.map(|identity| identity.mode), plan.fresh_quorum), (Some(Mode::Bootstrap), true));
        let half = Inventory { claims: vec![claim(Role::Broker, 1, true)], ..gone };
        assert!(refusal(&spec(3, 3), &half).contains("those of its controllers are gone"));
    }

    #[test]
    fn data_without_its_id_is_refused() {
        let inventory = Inventory { claims: vec![claim(Role::Broker, 0, true)], ..Inventory::default() };
        assert!(refusal(&spec(3, 3), &inventory).contains("\"demo-kraft\", is gone"));
    }

    #[test]
    fn with_zookeeper_there_is_no_secret_and_its_data_is_half_of_the_cluster() {
        let asked = spec(3, 3).in_mode(ClusterMode::ZooKeeper);
        let plan = planned(&asked, &Inventory::default()).expect("a plan");
        assert!(plan.identity.is_none() && plan.secret.is_none());
        assert!(plan.manifests().iter().all(|manifest| manifest.resource.kind != "Secret"));
        let kept = |claims: &[Role]| Inventory {
            document: Some(asked.clone()),
            claims: claims.iter().map(|role| claim(*role, 0, true)).collect(),
            ..Inventory::default()
        };
        assert!(planned(&asked, &kept(&[Role::ZooKeeper, Role::Broker])).is_ok());
        assert!(refusal(&asked, &kept(&[Role::Broker])).contains("those of ZooKeeper are gone"));
        let text = refusal(&spec(3, 3), &kept(&[Role::ZooKeeper, Role::Broker]));
        assert!(text.contains("mode    zookeeper   kraft"), "{text}");
    }
}
