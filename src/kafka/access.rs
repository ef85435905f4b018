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
        Some(Self { operation, resource_type, resource_name, code })
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
        let resource = match self.resource_type {
            ResourceType::Topic => format!("--topic {}", shell::quoted(&self.resource_name)),
            ResourceType::Group => format!("--group {}", shell::quoted(&self.resource_name)),
            ResourceType::TransactionalId => format!("--transactional-id {}", shell::quoted(&self.resource_name)),
            ResourceType::Cluster | ResourceType::DelegationToken | ResourceType::User => "--kafka-cluster".to_owned(),
        };
        let name = principal.strip_prefix("User:").unwrap_or(principal);
        let name = shell::quoted(name);
        format!("kubectl kafka acls create --principal {name} --operation {} {resource}", self.operation)
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
