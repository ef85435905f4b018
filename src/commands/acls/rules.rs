//! What the three verbs share: the resources that are named, and how rules are shown.

use clap::Args;
use kafka_protocol::ResponseError;
use serde::Serialize;

use super::checks::ALL;
use crate::error::CommandError;
use crate::kafka::Error;
use crate::kafka::admin::acls::{Acl, CLUSTER, Pattern, ResourceType};
use crate::ui::{TextOptions, View};
use crate::view::Table;

/// The resources.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ResourceArgs {
    /// A topic, or * for all; repeat it for several
    #[arg(long = "topic", value_name = "TOPIC")]
    pub(super) topics: Vec<String>,

    /// A consumer group, or * for all; repeat it for several
    #[arg(long = "group", value_name = "GROUP")]
    pub(super) groups: Vec<String>,

    /// A transactional id, or * for all; repeat it for several
    #[arg(long = "transactional-id", value_name = "ID")]
    pub(super) transactional_ids: Vec<String>,

    /// The Kafka cluster itself (--cluster is kubectl's, and names a cluster of the kubeconfig)
    #[arg(long)]
    pub(super) kafka_cluster: bool,

    /// The names are beginnings: whatever starts with them
    #[arg(long)]
    pub(super) prefixed: bool,
}

impl ResourceArgs {
    /// The resources that were named.
    pub(super) fn named(&self) -> Vec<(ResourceType, String)> {
        let each = |kind, names: &[String]| names.iter().map(|name| (kind, name.clone())).collect::<Vec<_>>();
        let mut named = each(ResourceType::Topic, &self.topics);
        named.extend(each(ResourceType::Group, &self.groups));
        named.extend(each(ResourceType::TransactionalId, &self.transactional_ids));
        if self.kafka_cluster {
            named.push((ResourceType::Cluster, CLUSTER.to_owned()));
        }
        named
    }

    /// How their names are meant.
    pub(super) fn pattern(&self) -> Pattern {
        if self.prefixed { Pattern::Prefixed } else { Pattern::Literal }
    }
}

/// A cluster without an authorizer has no rules.
pub(in crate::commands) fn explained(error: Error) -> CommandError {
    let disabled = error.code().is_some_and(|code| code.is(ResponseError::SecurityDisabled));
    let error = CommandError::from(error);
    if disabled {
        error.hinted(
            "this Kafka has no authorizer; `kubectl kafka install --authentication scram` sets one up, in KRaft mode",
        )
    } else {
        error
    }
}

/// The rules of a cluster.
#[derive(Debug, Serialize)]
pub(super) struct AclList {
    pub(super) items: Vec<Acl>,
}

impl View for AclList {
    fn text(&self, options: TextOptions) -> String {
        table(&self.items, options)
    }

    fn names(&self) -> Vec<String> {
        self.items.iter().map(name).collect()
    }
}

/// Rules, and what happened to them.
#[derive(Debug, Serialize)]
pub(super) struct AclOutcomes {
    pub(super) items: Vec<AclOutcome>,
    #[serde(skip)]
    pub(super) suffix: &'static str,
}

/// A rule, and what happened to it.
#[derive(Debug, Serialize)]
pub(super) struct AclOutcome {
    #[serde(flatten)]
    pub(super) acl: Acl,
    /// `created`, `unchanged`, `deleted`.
    pub(super) outcome: &'static str,
}

impl View for AclOutcomes {
    fn text(&self, _options: TextOptions) -> String {
        let suffix = self.suffix;
        self.items.iter().map(|item| format!("{} {}{suffix}\n", sentence(&item.acl), item.outcome)).collect()
    }

    fn names(&self) -> Vec<String> {
        self.items.iter().map(|item| name(&item.acl)).collect()
    }
}

fn sentence(acl: &Acl) -> String {
    let name = match (acl.resource_type, acl.pattern) {
        (ResourceType::Cluster, _) => "the cluster".to_owned(),
        (kind, Pattern::Literal) => format!("{kind} {}", acl.resource_name),
        (kind, Pattern::Prefixed) => format!("{kind} {}…", acl.resource_name),
    };
    let host = if acl.host == ALL { String::new() } else { format!(" from {}", acl.host) };
    format!("{} {} {} on {name}{host}", acl.permission, acl.principal, acl.operation)
}

/// `acl/Topic:Literal:orders:User:alice:Read:Allow:*`: all that makes a rule, for no two rules have the same.
fn name(acl: &Acl) -> String {
    let (kind, user) = acl.principal.split_once(':').unwrap_or(("", &acl.principal));
    let resource = format!("{}:{}:{}", acl.resource_type, acl.pattern, escaped(&acl.resource_name));
    let principal = format!("{}:{}", escaped(kind), escaped(user));
    // The last part may have colons of its own, as an IPv6 address has.
    let host = escaped(&acl.host).replace("%3A", ":");
    format!("acl/{resource}:{principal}:{}:{}:{host}", acl.operation, acl.permission)
}

/// Groups and users may have any letter in their name; what separates words and parts is written as in a URL.
fn escaped(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for letter in name.chars() {
        if matches!(letter, ':' | '/' | '%') || letter.is_whitespace() || letter.is_control() {
            escaped.extend(letter.encode_utf8(&mut [0; 4]).bytes().map(|byte| format!("%{byte:02X}")));
        } else {
            escaped.push(letter);
        }
    }
    escaped
}

/// The rules as a table.
pub(in crate::commands) fn table(acls: &[Acl], options: TextOptions) -> String {
    let headings = ["PRINCIPAL", "PERMISSION", "OPERATION", "RESOURCE", "NAME", "PATTERN", "HOST"];
    let mut table = Table::new(headings, options.no_headers);
    for acl in acls {
        table.row([
            acl.principal.clone(),
            acl.permission.to_string(),
            acl.operation.to_string(),
            acl.resource_type.to_string(),
            acl.resource_name.clone(),
            acl.pattern.to_string(),
            acl.host.clone(),
        ]);
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::admin::acls::{Operation, Permission};

    fn acl() -> Acl {
        Acl {
            principal: "User:alice".into(),
            resource_type: ResourceType::Topic,
            resource_name: "orders-".into(),
            pattern: Pattern::Prefixed,
            operation: Operation::Read,
            permission: Permission::Allow,
            host: "10.0.0.1".into(),
        }
    }

    #[test]
    fn a_rule_reads_as_a_sentence() {
        let items = vec![AclOutcome { acl: acl(), outcome: "created" }];
        let report = AclOutcomes { items, suffix: " (dry run)" };
        let text = report.text(TextOptions::default());
        assert_eq!(text, "Allow User:alice Read on Topic orders-… from 10.0.0.1 created (dry run)\n");
        assert_eq!(report.names(), ["acl/Topic:Prefixed:orders-:User:alice:Read:Allow:10.0.0.1"]);
        let json = serde_json::to_value(&report).expect("JSON");
        assert_eq!((&json["items"][0]["outcome"], &json["items"][0]["host"]), (&"created".into(), &"10.0.0.1".into()));
    }

    #[test]
    fn no_two_rules_have_the_same_name_and_none_has_a_blank() {
        let rules = [
            acl(),
            Acl { pattern: Pattern::Literal, ..acl() },
            Acl { permission: Permission::Deny, ..acl() },
            Acl { host: "*".into(), ..acl() },
            Acl { operation: Operation::Write, ..acl() },
            Acl { principal: "User:CN=a b,O=c/d".into(), ..acl() },
            Acl { resource_type: ResourceType::Group, resource_name: "a b:User".into(), ..acl() },
            Acl {
                resource_type: ResourceType::Group,
                resource_name: "a b".into(),
                principal: "User:User:x".into(),
                ..acl()
            },
        ];
        let names = AclList { items: rules.to_vec() }.names();
        let different: std::collections::BTreeSet<&String> = names.iter().collect();
        assert_eq!(different.len(), rules.len(), "{names:?}");
        assert!(names.iter().all(|name| !name.contains(' ') && name.matches('/').count() == 1), "{names:?}");
        assert_eq!(names[5], "acl/Topic:Prefixed:orders-:User:CN=a%20b,O=c%2Fd:Read:Allow:10.0.0.1");
    }
}
