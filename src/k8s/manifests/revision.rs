//! The ConfigMap with a role's files has a name for every revision of them, `demo-broker-1f0e9c3a`, and the
//! pod template mounts it by that name: a container that is started again in its pod, by a crash or a lack
//! of memory, reads the files that its pod was made for, whatever was installed since.

use std::collections::BTreeMap;

use super::Target;
use super::configuration::files;
use crate::k8s::names::{ClusterName, Role};

/// The ConfigMap that each role's pods mount, by name.
pub type FileNames = BTreeMap<Role, String>;

/// The names that the files have by what is in them.
pub fn file_names(target: &Target<'_>) -> FileNames {
    target.spec.roles().iter().map(|role| (*role, file_name(target, *role, 0))).collect()
}

/// The name by what is in the files; with another `turn` another one, for when the first is taken by files
/// that have changed since.
pub fn file_name(target: &Target<'_>, role: Role, turn: u32) -> String {
    let sum = sum(&files(target, role));
    let sum = if turn == 0 { sum } else { crc32c::crc32c_append(sum, &turn.to_be_bytes()) };
    format!("{}-{sum:08x}", target.name.workload(role))
}

/// Whether a ConfigMap of this name may hold the files of a role: of a revision, or of all pods, as earlier
/// versions had it.
pub fn is_file_name(name: &ClusterName, role: Role, full: &str) -> bool {
    let Some(rest) = full.strip_prefix(&name.workload(role)) else { return false };
    rest.is_empty() || rest.strip_prefix('-').is_some_and(is_sum)
}

fn is_sum(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Over the names and texts of files.
pub(super) fn sum(files: &BTreeMap<String, String>) -> u32 {
    files.iter().fold(0, |sum, (name, text)| {
        let sum = crc32c::crc32c_append(sum, name.as_bytes());
        crc32c::crc32c_append(sum, text.as_bytes())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::k8s::manifests::ClusterSpec;

    fn named(cluster: &str, config: &[(&str, &str)]) -> FileNames {
        let config = config.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let spec = ClusterSpec { config, ..ClusterSpec::default() };
        let name: ClusterName = cluster.parse().expect("a name");
        file_names(&Target { name: &name, namespace: "kafka", spec: &spec })
    }

    #[test]
    fn other_files_have_another_name_and_the_same_files_the_same() {
        let plain = named("demo", &[]);
        assert_eq!(plain, named("demo", &[]));
        for setting in [("log.retention.hours", "1"), ("log.retention.ms", "1")] {
            let changed = named("demo", &[setting]);
            assert!(plain.iter().all(|(role, name)| changed[role] != *name), "{setting:?}: {changed:?}");
        }
    }

    #[test]
    fn names_are_told_from_those_of_other_objects_and_fit_kubernetes() {
        let longest = "d".repeat(40);
        for (role, full) in named(&longest, &[]) {
            let name = ClusterName::from_label(&longest);
            assert!(is_file_name(&name, role, &full) && full.len() <= 63, "{full}");
        }
        let demo = ClusterName::from_label("demo");
        for (full, expected) in [
            ("demo-broker", true),
            ("demo-broker-0123abcd", true),
            ("demo-broker-0123ABCD", false),
            ("demo-broker-0123abc", false),
            ("demo-broker-cluster", false),
            ("demo-brokers", false),
            ("demo-controller-0123abcd", false),
            ("my-demo-broker-0123abcd", false),
        ] {
            assert_eq!(is_file_name(&demo, Role::Broker, full), expected, "{full}");
        }
    }

    #[test]
    fn a_name_that_is_taken_is_not_the_only_one() {
        let (name, spec) = (ClusterName::from_label("demo"), ClusterSpec::default());
        let target = Target { name: &name, namespace: "kafka", spec: &spec };
        let [first, second, third] = [0, 1, 2].map(|turn| file_name(&target, Role::Broker, turn));
        assert!(first != second && second != third && first != third, "{first} {second} {third}");
        assert!(is_file_name(&name, Role::Broker, &second));
    }
}
