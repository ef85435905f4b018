//! DescribeAcls (29), CreateAcls (30), DeleteAcls (31): who may do what.

mod words;

use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::delete_acls_request::DeleteAclsFilter;
use kafka_protocol::messages::{CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest};
use serde::Serialize;

pub use self::words::{Operation, Pattern, Permission, ResourceType};
use super::text;
use crate::kafka::{Cluster, ErrorCode, Result};

/// The one name of [`ResourceType::Cluster`].
pub const CLUSTER: &str = "kafka-cluster";
/// Any value in a filter.
const ANY: i8 = 1;
/// Every pattern that a name falls under.
const MATCH: i8 = 2;

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Acl {
    /// Whom it is about: `User:alice`.
    pub principal: String,
    /// On what.
    pub resource_type: ResourceType,
    /// Its name, or the beginning of it.
    pub resource_name: String,
    /// How the name is meant.
    pub pattern: Pattern,
    /// What.
    pub operation: Operation,
    /// Whether it may.
    pub permission: Permission,
    /// From where; `*` from everywhere.
    pub host: String,
}

/// Which rules are meant; what is `None` is not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "each field is the Acl's of the same name")]
pub struct AclFilter {
    pub principal: Option<String>,
    pub resource_type: Option<ResourceType>,
    pub resource_name: Option<String>,
    pub pattern: PatternFilter,
    pub operation: Option<Operation>,
    pub permission: Option<Permission>,
    pub host: Option<String>,
}

/// Which patterns are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PatternFilter {
    /// All.
    #[default]
    Any,
    /// Whatever applies to the resource of this name: itself, `*`, and prefixes of it.
    Match,
    /// This one.
    Exactly(Pattern),
}

impl PatternFilter {
    fn wire(self) -> i8 {
        match self {
            Self::Any => ANY,
            Self::Match => MATCH,
            Self::Exactly(pattern) => pattern.wire(),
        }
    }
}

impl AclFilter {
    /// Nothing but this rule.
    pub fn exactly(acl: &Acl) -> Self {
        Self {
            principal: Some(acl.principal.clone()),
            resource_type: Some(acl.resource_type),
            resource_name: Some(acl.resource_name.clone()),
            pattern: PatternFilter::Exactly(acl.pattern),
            operation: Some(acl.operation),
            permission: Some(acl.permission),
            host: Some(acl.host.clone()),
        }
    }
}

/// The rules that a filter means, in order. One round trip.
pub async fn describe(cluster: &Cluster, filter: &AclFilter) -> Result<Vec<Acl>> {
    from_response(&cluster.any(&request(filter)).await?)
}

fn request(filter: &AclFilter) -> DescribeAclsRequest {
    DescribeAclsRequest::default()
        .with_resource_type_filter(filter.resource_type.map_or(ANY, ResourceType::wire))
        .with_resource_name_filter(filter.resource_name.as_deref().map(text))
        .with_pattern_type_filter(filter.pattern.wire())
        .with_principal_filter(filter.principal.as_deref().map(text))
        .with_host_filter(filter.host.as_deref().map(text))
        .with_operation(filter.operation.map_or(ANY, Operation::wire))
        .with_permission_type(filter.permission.map_or(ANY, Permission::wire))
}

/// Rules of a kind that this program does not know are left out: they cannot be shown for what they are.
fn from_response(response: &kafka_protocol::messages::DescribeAclsResponse) -> Result<Vec<Acl>> {
    checked(response.error_code, response.error_message.as_deref(), Operation::Describe)?;
    let mut acls: Vec<Acl> = response
        .resources
        .iter()
        .flat_map(|resource| resource.acls.iter().map(move |rule| (resource, rule)))
        .filter_map(|(resource, rule)| {
            Some(Acl {
                principal: rule.principal.to_string(),
                resource_type: ResourceType::from_wire(resource.resource_type)?,
                resource_name: resource.resource_name.to_string(),
                pattern: Pattern::from_wire(resource.pattern_type)?,
                operation: Operation::from_wire(rule.operation)?,
                permission: Permission::from_wire(rule.permission_type)?,
                host: rule.host.to_string(),
            })
        })
        .collect();
    acls.sort();
    Ok(acls)
}

/// Makes rules; each has its own outcome. A rule that is there already stays there.
pub async fn create(cluster: &Cluster, acls: &[Acl]) -> Result<Vec<Result<()>>> {
    let creations = acls
        .iter()
        .map(|acl| {
            AclCreation::default()
                .with_resource_type(acl.resource_type.wire())
                .with_resource_name(text(&acl.resource_name))
                .with_resource_pattern_type(acl.pattern.wire())
                .with_principal(text(&acl.principal))
                .with_host(text(&acl.host))
                .with_operation(acl.operation.wire())
                .with_permission_type(acl.permission.wire())
        })
        .collect();
    let response = cluster.controller(&CreateAclsRequest::default().with_creations(creations)).await?;
    Ok(response
        .results
        .iter()
        .map(|row| checked(row.error_code, row.error_message.as_deref(), Operation::Alter))
        .collect())
}

/// Deletes exactly these rules; each has its own outcome.
pub async fn delete(cluster: &Cluster, acls: &[Acl]) -> Result<Vec<Result<()>>> {
    let filters = acls
        .iter()
        .map(|acl| {
            DeleteAclsFilter::default()
                .with_resource_type_filter(acl.resource_type.wire())
                .with_resource_name_filter(Some(text(&acl.resource_name)))
                .with_pattern_type_filter(acl.pattern.wire())
                .with_principal_filter(Some(text(&acl.principal)))
                .with_host_filter(Some(text(&acl.host)))
                .with_operation(acl.operation.wire())
                .with_permission_type(acl.permission.wire())
        })
        .collect();
    let response = cluster.controller(&DeleteAclsRequest::default().with_filters(filters)).await?;
    Ok(response
        .filter_results
        .iter()
        .map(|row| checked(row.error_code, row.error_message.as_deref(), Operation::Alter))
        .collect())
}

/// Waits until every broker answers as the controller would; a client may ask any of them next.
pub async fn wait_until(cluster: &Cluster, acls: &[Acl], present: bool, deadline: tokio::time::Instant) -> bool {
    /// Metadata reaches the brokers within tens of milliseconds.
    const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_millis(25);
    let everything = request(&AclFilter::default());
    loop {
        let answers = cluster.each_broker(&everything).await;
        let settled = answers.iter().filter_map(|(_, answer)| answer.as_ref().ok()).all(|answer| {
            from_response(answer).is_ok_and(|known| acls.iter().all(|acl| known.contains(acl) == present))
        });
        if settled || tokio::time::Instant::now() >= deadline {
            return settled;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

fn checked(code: i16, message: Option<&str>, operation: Operation) -> Result<()> {
    ErrorCode::check(code, "the ACLs of the cluster", message).map_err(|error| error.needing(operation))
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::DescribeAclsResponse;
    use kafka_protocol::messages::describe_acls_response::{AclDescription, DescribeAclsResource};

    use super::*;

    #[test]
    fn a_filter_looks_only_at_what_it_has() {
        let asked = request(&AclFilter { principal: Some("User:alice".into()), ..AclFilter::default() });
        assert_eq!((asked.resource_type_filter, asked.pattern_type_filter, asked.operation), (1, 1, 1));
        assert_eq!((asked.resource_name_filter, asked.host_filter), (None, None));
        assert_eq!(asked.principal_filter.as_deref(), Some("User:alice"));
        let acl = Acl {
            principal: "User:a".into(),
            resource_type: ResourceType::Topic,
            resource_name: "or".into(),
            pattern: Pattern::Prefixed,
            operation: Operation::Read,
            permission: Permission::Deny,
            host: "*".into(),
        };
        let asked = request(&AclFilter::exactly(&acl));
        assert_eq!((asked.resource_type_filter, asked.pattern_type_filter), (2, 4));
        assert_eq!((asked.operation, asked.permission_type), (3, 2));
    }

    #[test]
    fn rules_come_in_order_and_unknown_ones_do_not_come() {
        let rule = |principal: &str, operation| {
            AclDescription::default()
                .with_principal(text(principal))
                .with_host(text("*"))
                .with_operation(operation)
                .with_permission_type(3)
        };
        let topic = DescribeAclsResource::default()
            .with_resource_type(2)
            .with_resource_name(text("orders"))
            .with_pattern_type(3)
            .with_acls(vec![rule("User:b", 3), rule("User:a", 4), rule("User:a", 99)]);
        let acls = from_response(&DescribeAclsResponse::default().with_resources(vec![topic])).expect("rules");
        let shown: Vec<String> = acls.iter().map(|acl| format!("{} {}", acl.principal, acl.operation)).collect();
        assert_eq!(shown, ["User:a Write", "User:b Read"]);
    }
}
