//! What was not allowed: which operation on which resource, so that the rule that allows it can be named.

use kafka_protocol::ResponseError;

use super::admin::acls::{CLUSTER, Operation, ResourceType};
use super::error::ErrorCode;
use crate::shell;

/// An operation that the principal may not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// What was tried.
    pub operation: Operation,
    /// On what.
    pub resource_type: ResourceType,
    /// Its name.
    pub resource_name: String,
    /// Kafka's code.
    pub code: ErrorCode,
    /// Where names like this one are made up anew each time: what to allow once and for all.
    pub family: Option<Family>,
}

/// Resources whose names begin alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    /// How they begin.
    pub prefix: &'static str,
    /// All that is done with each.
    pub operations: &'static [Operation],
}

impl Denied {
    /// From an error's subject and code; `None` when it is about something else.
    pub(super) fn from_code(subject: &str, code: ErrorCode, operation: Operation) -> Option<Self> {
        let resource_type = match ResponseError::try_from_code(code.0)? {
            ResponseError::TopicAuthorizationFailed => ResourceType::Topic,
            ResponseError::GroupAuthorizationFailed => ResourceType::Group,
            ResponseError::ClusterAuthorizationFailed => ResourceType::Cluster,
            ResponseError::TransactionalIdAuthorizationFailed => ResourceType::TransactionalId,
            ResponseError::DelegationTokenAuthorizationFailed => ResourceType::DelegationToken,
            _ => return None,
        };
        let resource_name = match resource_type {
            ResourceType::Cluster => CLUSTER.to_owned(),
            _ => quoted(subject)?.to_owned(),
        };
        Some(Self { operation, resource_type, resource_name, code, family: None })
    }

    /// `topic "orders"`
    pub fn resource(&self) -> String {
        match self.resource_type {
            ResourceType::Topic => format!("topic \"{}\"", self.resource_name),
            ResourceType::Group => format!("group \"{}\"", self.resource_name),
            ResourceType::Cluster => "the cluster".to_owned(),
            ResourceType::TransactionalId => format!("transactional id \"{}\"", self.resource_name),
            ResourceType::DelegationToken => format!("delegation token \"{}\"", self.resource_name),
            ResourceType::User => format!("user \"{}\"", self.resource_name),
        }
    }

    /// The command that allows it to a principal.
    pub fn grant(&self, principal: &str) -> String {
        let (name, operations, suffix) = match &self.family {
            Some(family) => (family.prefix, family.operations, " --prefixed"),
            None => (self.resource_name.as_str(), std::slice::from_ref(&self.operation), ""),
        };
        let name = shell::quoted(name);
        let resource = match self.resource_type {
            ResourceType::Topic => format!("--topic {name}{suffix}"),
            ResourceType::Group => format!("--group {name}{suffix}"),
            ResourceType::TransactionalId => format!("--transactional-id {name}{suffix}"),
            ResourceType::Cluster | ResourceType::DelegationToken | ResourceType::User => "--kafka-cluster".to_owned(),
        };
        let operations: String = operations.iter().map(|operation| format!("--operation {operation} ")).collect();
        let name = principal.strip_prefix("User:").unwrap_or(principal);
        let name = shell::quoted(name);
        format!("kubectl kafka acls create --principal {name} {operations}{resource}")
    }
}

/// The last quoted name: `partition 3 of topic "orders"`.
fn quoted(subject: &str) -> Option<&str> {
    subject.strip_suffix('"')?.rsplit_once('"').map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_family_everything_is_allowed_at_once() {
        let denied = Denied::from_code("topic \"run-1a\"", ErrorCode(29), Operation::Create).expect("a topic");
        let family = Family { prefix: "run-", operations: &[Operation::Create, Operation::Delete] };
        assert_eq!(
            Denied { family: Some(family), ..denied }.grant("User:alice"),
            "kubectl kafka acls create --principal alice --operation Create --operation Delete --topic run- --prefixed"
        );
    }

    #[test]
    fn the_command_that_allows_it() {
        for (subject, code, operation, resource, grant) in [
            (
                "partition 3 of topic \"orders\"",
                29,
                Operation::Read,
                "topic \"orders\"",
                "--operation Read --topic orders",
            ),
            ("group \"g\"", 30, Operation::Read, "group \"g\"", "--operation Read --group g"),
            ("group \"a b\"", 30, Operation::Read, "group \"a b\"", "--operation Read --group 'a b'"),
            ("the users", 31, Operation::Alter, "the cluster", "--operation Alter --kafka-cluster"),
            (
                "transactional id \"t\"",
                53,
                Operation::Write,
                "transactional id \"t\"",
                "--operation Write --transactional-id t",
            ),
        ] {
            let denied = Denied::from_code(subject, ErrorCode(code), operation).expect(subject);
            assert_eq!(denied.resource(), resource);
            let command = format!("kubectl kafka acls create --principal alice {grant}");
            assert_eq!(denied.grant("User:alice"), command);
        }
        assert_eq!(Denied::from_code("topic \"orders\"", ErrorCode(3), Operation::Read), None);
    }
}
