//! What pods are marked with and placed by: labels, annotations and node selectors that Kubernetes takes, and that are
//! not ours.
//!
//! Source: <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set>.

use super::{ClusterSpec, SpecError};
use crate::k8s::names::{OUR_ANNOTATIONS, OUR_POD_LABELS, check_subdomain};

/// Most letters of a name, and of a label's value.
const MOST_LETTERS: usize = 63;

/// Checks what `spec.pods` marks pods with.
pub(super) fn validate_pods(spec: &ClusterSpec) -> Result<(), SpecError> {
    let pods = &spec.pods;
    for (path, marks) in [("spec.pods.labels", &pods.labels), ("spec.pods.nodeSelector", &pods.node_selector)] {
        for (key, value) in marks {
            check_name(key)
                .and_then(|()| check_value(key, value))
                .map_err(|reason| SpecError::new(path, reason).named(key))?;
        }
    }
    // What our own would silently win over.
    let ours = pods.labels.keys().find(|key| OUR_POD_LABELS.contains(&key.as_str()));
    ours.map_or(Ok(()), |key| Err(is_ours("spec.pods.labels", key)))?;
    for key in pods.annotations.keys() {
        if key.starts_with(OUR_ANNOTATIONS) {
            return Err(is_ours("spec.pods.annotations", key));
        }
        check_name(key).map_err(|reason| SpecError::new("spec.pods.annotations", reason).named(key))?;
    }
    Ok(())
}

fn is_ours(path: &'static str, key: &str) -> SpecError {
    SpecError::new(path, format!("{key} is set by kubectl-kafka itself and cannot be changed")).named(key)
}

/// `app`, `example.com/app`
fn check_name(key: &str) -> Result<(), String> {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let fine = !name.is_empty() && is_word(name) && prefix.is_none_or(|prefix| check_subdomain(prefix).is_ok());
    if fine { Ok(()) } else { Err(format!("\"{key}\" is no name; write for example team or example.com/team")) }
}

fn check_value(key: &str, value: &str) -> Result<(), String> {
    if is_word(value) {
        return Ok(());
    }
    Err(format!(
        "{key}: \"{value}\" is no value of a label: it has at most {MOST_LETTERS} letters, digits, hyphens, dots and \
         underscores, and begins and ends with a letter or digit"
    ))
}

fn is_word(text: &str) -> bool {
    let ends = |letter: Option<char>| letter.is_none_or(|letter| letter.is_ascii_alphanumeric());
    let inner = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    text.len() <= MOST_LETTERS && text.chars().all(inner) && ends(text.chars().next()) && ends(text.chars().next_back())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut ClusterSpec)) -> (String, String) {
        let mut spec = ClusterSpec::default();
        change(&mut spec);
        let error = spec.validate().expect_err("a mistake");
        (error.place.to_string(), error.reason)
    }

    #[test]
    fn what_is_ours_on_a_pod_stays_ours() {
        for label in ["name", "instance", "component", "managed-by", "version"] {
            let (path, reason) = refused(|spec| {
                spec.pods.labels.insert(format!("app.kubernetes.io/{label}"), "a".into());
            });
            assert!(path == "spec.pods.labels" && reason.contains(label), "{reason}");
        }
        let (path, reason) = refused(|spec| {
            spec.pods.annotations.insert("kubectl-kafka/config-checksum".into(), "a".into());
        });
        assert!(path == "spec.pods.annotations" && reason.contains("kubectl-kafka/config-checksum"), "{reason}");
        let mut own = ClusterSpec::default();
        own.pods.labels.insert("app.kubernetes.io/part-of".into(), "payments".into());
        own.pods.labels.insert("empty".into(), String::new());
        own.pods.annotations.insert("example.com/a".into(), "b c".into());
        own.pods.node_selector.insert("kubernetes.io/os".into(), "linux".into());
        assert_eq!(own.validate(), Ok(()));
    }

    #[test]
    fn labels_are_those_that_kubernetes_takes() {
        for (key, value, said) in [
            ("", "a", "\"\" is no name"),
            ("a b", "a", "\"a b\" is no name"),
            ("/a", "a", "\"/a\" is no name"),
            ("Example.com/a", "a", "is no name"),
            ("team", "a b", "team: \"a b\" is no value of a label"),
            ("team", "-a", "is no value of a label"),
            ("team", &"a".repeat(64), "is no value of a label"),
        ] {
            let set = |marks: &mut std::collections::BTreeMap<String, String>| marks.insert(key.into(), value.into());
            let (path, reason) = refused(|spec| drop(set(&mut spec.pods.labels)));
            assert!(path == "spec.pods.labels" && reason.contains(said), "{reason}");
            let (path, _) = refused(|spec| drop(set(&mut spec.pods.node_selector)));
            assert_eq!(path, "spec.pods.nodeSelector");
        }
        let (path, _) = refused(|spec| drop(spec.pods.annotations.insert("a b".into(), "a".into())));
        assert_eq!(path, "spec.pods.annotations");
    }
}
