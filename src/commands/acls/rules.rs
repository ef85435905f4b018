//! What the three verbs share: the resources that are named, and how rules are shown.

use clap::Args;
use kafka_protocol::ResponseError;
use serde::Serialize;

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

    /// How their names are meant. The cluster's only name is itself.
    pub(super) fn pattern(&self, kind: ResourceType) -> Pattern {
        if self.prefixed && kind != ResourceType::Cluster { Pattern::Prefixed } else { Pattern::Literal }
    }
}

/// `alice` is `User:alice`.
pub(super) fn principal(typed: &str) -> Result<String, CommandError> {
    match typed.split_once(':') {
        _ if typed.is_empty() => Err(CommandError::usage("--principal: a principal needs a name")),
        Some((kind, name)) if !kind.is_empty() && !name.is_empty() => Ok(typed.to_owned()),
        Some(_) => Err(CommandError::usage(format!("--principal \"{typed}\": expected NAME or User:NAME"))),
        None => Ok(format!("User:{typed}")),
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

/// Rules, and what happened to them.
#[derive(Debug, Serialize)]
pub(super) struct AclReport {
    pub(super) items: Vec<Acl>,
    /// `created`, `deleted`; none for a list.
    #[serde(skip)]
    pub(super) outcome: Option<&'static str>,
    #[serde(skip)]
    pub(super) suffix: &'static str,
}

impl AclReport {
    fn line(acl: &Acl) -> String {
        let name = match (acl.resource_type, acl.pattern) {
            (ResourceType::Cluster, _) => "the cluster".to_owned(),
            (kind, Pattern::Literal) => format!("{kind} {}", acl.resource_name),
            (kind, Pattern::Prefixed) => format!("{kind} {}…", acl.resource_name),
        };
        let host = if acl.host == "*" { String::new() } else { format!(" from {}", acl.host) };
        format!("{} {} {} on {name}{host}", acl.permission, acl.principal, acl.operation)
    }
}

impl View for AclReport {
    fn text(&self, options: TextOptions) -> String {
        if let Some(outcome) = self.outcome {
            let suffix = self.suffix;
            return self.items.iter().map(|acl| format!("{} {outcome}{suffix}\n", Self::line(acl))).collect();
        }
        table(&self.items, options)
    }

    fn names(&self) -> Vec<String> {
        let name =
            |acl: &Acl| format!("acl/{}:{}/{}:{}", acl.resource_type, acl.resource_name, acl.principal, acl.operation);
        self.items.iter().map(name).collect()
    }
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

    #[test]
    fn a_name_is_a_user() {
        assert_eq!(principal("alice").as_deref(), Ok("User:alice"));
        assert_eq!(principal("User:CN=a,O=b").as_deref(), Ok("User:CN=a,O=b"));
        for bad in ["", ":", "User:", ":alice"] {
            assert!(principal(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_rule_reads_as_a_sentence() {
        let acl = Acl {
            principal: "User:alice".into(),
            resource_type: ResourceType::Topic,
            resource_name: "orders-".into(),
            pattern: Pattern::Prefixed,
            operation: Operation::Read,
            permission: Permission::Allow,
            host: "10.0.0.1".into(),
        };
        let report = AclReport { items: vec![acl], outcome: Some("created"), suffix: " (dry run)" };
        let text = report.text(TextOptions::default());
        assert_eq!(text, "Allow User:alice Read on Topic orders-… from 10.0.0.1 created (dry run)\n");
        assert_eq!(report.names(), ["acl/Topic:orders-/User:alice:Read"]);
    }
}
