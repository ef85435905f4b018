//! `--diff`: what an install would change, as `kubectl diff` shows it; nothing is changed.

use futures::future::join_all;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;
use similar::TextDiff;

use super::Install;
use super::applying::explained;
use super::plan::Plan;
use crate::error::{CommandError, CommandResult, Exit};
use crate::k8s::Kubernetes;
use crate::k8s::apply::{self, Existing};
use crate::k8s::manifests::Manifest;
use crate::ui;

/// Lines around a change.
const CONTEXT: usize = 3;

/// Compares every object with what the API server would make of it.
pub(super) async fn run(install: &Install<'_>, kubernetes: &Kubernetes, plan: &Plan) -> CommandResult {
    let manifests = plan.manifests();
    let (existing, former) =
        tokio::try_join!(apply::existing(kubernetes, &manifests), former(kubernetes, plan, &manifests))?;
    let compared: Vec<_> = manifests
        .iter()
        .zip(existing.iter().zip(&former))
        .filter(|(manifest, (before, _))| !plan.is_written_once(manifest) || before.is_none())
        .collect();
    let conflicts = install.args.conflicts.wish();
    let outcomes =
        compared.iter().map(|(manifest, (before, _))| apply::outcome(kubernetes, manifest, before, conflicts));
    let outcomes = join_all(outcomes).await;
    let differences = compared.into_iter().zip(outcomes).map(|((manifest, (before, former)), after)| {
        let before = if before.is_some() { before } else { former };
        let after = after.map_err(|error| explained(kubernetes, error))?;
        difference(manifest, before, &after)
    });
    show(install, differences)
}

/// The same in a namespace that does not exist: everything is new, and the API server says nothing about it.
pub(super) fn against_nothing(install: &Install<'_>, kubernetes: &Kubernetes, plan: &Plan) -> CommandResult {
    let metadata = ObjectMeta { name: Some(kubernetes.namespace.clone()), ..ObjectMeta::default() };
    let namespace = Manifest::of(&Namespace { metadata, ..Namespace::default() })?;
    let manifests = std::iter::once(namespace).chain(plan.manifests());
    show(install, manifests.map(|manifest| difference(&manifest, &None, &manifest.body)))
}

/// Prints them; with their exit code, as `kubectl diff`: 0 for none, 1 for some.
fn show(install: &Install<'_>, differences: impl Iterator<Item = Result<String, CommandError>>) -> CommandResult {
    let mut exit = Exit::Done;
    for difference in differences {
        let difference = difference?;
        if !difference.is_empty() {
            exit = Exit::Different;
        }
        install.context.ui.out(difference)?;
    }
    install.context.ui.flush()?;
    Ok(exit)
}

/// What each object takes the place of: a ConfigMap of another name with the files until now.
async fn former(kubernetes: &Kubernetes, plan: &Plan, manifests: &[Manifest]) -> crate::k8s::Result<Vec<Existing>> {
    let former = manifests.iter().map(|manifest| {
        let name = plan.former.get(&manifest.name).filter(|_| plan.files.contains(manifest))?;
        Some(Manifest { name: name.clone(), ..manifest.clone() })
    });
    let former: Vec<Option<Manifest>> = former.collect();
    let mut found =
        apply::existing(kubernetes, &former.iter().flatten().cloned().collect::<Vec<_>>()).await?.into_iter();
    Ok(former.iter().map(|former| former.as_ref().and_then(|_| found.next().flatten())).collect())
}

/// One object's difference; empty when there is none.
fn difference(manifest: &Manifest, before: &Existing, after: &Value) -> Result<String, CommandError> {
    let old = match before {
        Some(before) => shown(manifest, apply::comparable(before))?,
        None => String::new(),
    };
    let new = shown(manifest, after.clone())?;
    let was = before.as_ref().and_then(|before| before.metadata.name.clone());
    let live = Manifest { name: was.unwrap_or_else(|| manifest.name.clone()), ..manifest.clone() };
    let text = TextDiff::from_lines(&old, &new)
        .unified_diff()
        .context_radius(CONTEXT)
        .header(&format!("live/{}", live.reference()), &format!("merged/{}", manifest.reference()))
        .to_string();
    Ok(text)
}

/// The object as YAML, without what the server fills in and without the values of Secrets.
fn shown(manifest: &Manifest, mut object: Value) -> Result<String, CommandError> {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        for key in ["uid", "creationTimestamp", "selfLink"] {
            metadata.remove(key);
        }
    }
    if manifest.resource.kind == "Secret"
        && let Some(data) = object.get_mut("data").and_then(Value::as_object_mut)
    {
        for value in data.values_mut() {
            let sum = crc32c::crc32c(value.as_str().unwrap_or_default().as_bytes());
            *value = format!("*** (checksum {sum:08x})").into();
        }
    }
    ui::yaml(&object)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::k8s::ClusterName;
    use crate::k8s::manifests::{self, ClusterSpec, Identity, Target};

    fn target<'a>(name: &'a ClusterName, spec: &'a ClusterSpec) -> Target<'a> {
        Target { name, namespace: "kafka", spec }
    }

    fn existing(value: &Value) -> Existing {
        serde_json::from_value(value.clone()).ok()
    }

    #[test]
    fn a_change_is_shown_with_its_surroundings() {
        let (name, spec) = (ClusterName::from_label("demo"), ClusterSpec::default());
        let manifests = manifests::supporting(&target(&name, &spec)).expect("objects");
        let service = manifests.iter().find(|manifest| manifest.name == "demo-bootstrap").expect("a Service");
        let mut after = service.body.clone();
        after["spec"]["ports"][0]["port"] = json!(9192);
        let text = difference(service, &existing(&service.body), &after).expect("a difference");
        assert!(text.starts_with("--- live/service/demo-bootstrap\n+++ merged/service/demo-bootstrap\n"), "{text}");
        assert!(text.contains("-    port: 9092\n+    port: 9192\n"), "{text}");
        let same = difference(service, &existing(&service.body), &service.body).expect("a difference");
        assert_eq!(same, "");
    }

    #[test]
    fn files_are_compared_with_those_that_they_take_the_place_of() {
        let (name, before) = (ClusterName::from_label("demo"), ClusterSpec::default());
        let mut after = before.clone();
        after.config.insert("num.partitions".into(), "3".into());
        let brokers = |spec: &ClusterSpec| {
            let target = target(&name, spec);
            let maps = manifests::config_maps(&target, &manifests::file_names(&target)).expect("ConfigMaps");
            maps.into_iter().find(|map| map.name.starts_with("demo-broker-")).expect("the brokers'")
        };
        let (old, new) = (brokers(&before), brokers(&after));
        let text = difference(&new, &existing(&old.body), &new.body).expect("a difference");
        let header = format!("--- live/configmap/{}\n+++ merged/configmap/{}\n", old.name, new.name);
        assert!(text.starts_with(&header) && text.contains("\n+    num.partitions=3\n"), "{text}");
        let changed = text.lines().skip(2).filter(|line| line.starts_with(['+', '-'])).count();
        assert_eq!(changed, 3, "the name and the setting: {text}");
    }

    #[test]
    fn secrets_stay_secret() {
        let (name, spec) = (ClusterName::from_label("demo"), ClusterSpec::default());
        let secret = manifests::secret(&target(&name, &spec), &Identity::generate(3)).expect("a Secret");
        let text = difference(&secret, &None, &secret.body).expect("a difference");
        let id = secret.body["data"]["cluster-id"].as_str().expect("an id");
        assert!(text.contains("cluster-id: '*** (checksum") || text.contains("cluster-id: \"*** (checksum"), "{text}");
        assert!(!text.contains(id), "{text}");
    }
}
