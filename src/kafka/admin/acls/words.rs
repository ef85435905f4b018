//! The words of ACLs, and their numbers on the wire.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// An enum of the protocol: numbers on the wire, Kafka's own words for people.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident, $what:literal { $( $(#[$variant_meta:meta])* $variant:ident = $wire:literal, )+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub enum $name { $( $(#[$variant_meta])* $variant, )+ }

        impl $name {
            /// Every value.
            pub const ALL: &[Self] = &[$( Self::$variant, )+];

            pub(super) fn wire(self) -> i8 {
                match self { $( Self::$variant => $wire, )+ }
            }

            pub(super) fn from_wire(wire: i8) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.wire() == wire)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(match self { $( Self::$variant => stringify!($variant), )+ })
            }
        }

        impl FromStr for $name {
            type Err = String;

            /// In any case, as Kafka's own tools take it, and as Java writes it: `DESCRIBE_CONFIGS`.
            fn from_str(typed: &str) -> std::result::Result<Self, String> {
                let plain = typed.replace(['_', '-'], "");
                let found = Self::ALL.iter().copied().find(|value| value.to_string().eq_ignore_ascii_case(&plain));
                found.ok_or_else(|| {
                    let all: Vec<String> = Self::ALL.iter().map(ToString::to_string).collect();
                    format!("expected {} of {}", $what, all.join(", "))
                })
            }
        }
    };
}

words! {
    /// What may be done (`org.apache.kafka.common.acl.AclOperation`).
    Operation, "an operation" {
        /// Everything.
        All = 2,
        /// Fetch; join a group.
        Read = 3,
        /// Produce.
        Write = 4,
        /// Create topics.
        Create = 5,
        /// Delete topics, records or groups.
        Delete = 6,
        /// Add partitions; change ACLs and users.
        Alter = 7,
        /// See that it is there.
        Describe = 8,
        /// What brokers do among themselves.
        ClusterAction = 9,
        /// Read settings.
        DescribeConfigs = 10,
        /// Change settings.
        AlterConfigs = 11,
        /// Produce with `enable.idempotence`, before Kafka 3.0.
        IdempotentWrite = 12,
        /// Make delegation tokens.
        CreateTokens = 13,
        /// See delegation tokens.
        DescribeTokens = 14,
        /// Take part in a two-phase commit (KIP-939).
        TwoPhaseCommit = 15,
    }
}

words! {
    /// On what (`org.apache.kafka.common.resource.ResourceType`).
    ResourceType, "a resource" {
        /// A topic.
        Topic = 2,
        /// A consumer group.
        Group = 3,
        /// The cluster itself; its only name is `kafka-cluster`.
        Cluster = 4,
        /// A transactional id.
        TransactionalId = 5,
        /// A delegation token.
        DelegationToken = 6,
        /// Another user, whose tokens are meant.
        User = 7,
    }
}

words! {
    /// How a resource's name is meant.
    Pattern, "a pattern" {
        /// As it is; `*` means all.
        Literal = 3,
        /// Everything that begins with it.
        Prefixed = 4,
    }
}

words! {
    /// Whether something may be done. A single deny wins over every allow.
    Permission, "a permission" {
        /// It may not.
        Deny = 2,
        /// It may.
        Allow = 3,
    }
}

impl ResourceType {
    /// The operations that mean something on it, besides [`Operation::All`] (Kafka's
    /// `AclEntry.supportedOperations`).
    pub fn operations(self) -> &'static [Operation] {
        use Operation::{
            Alter, AlterConfigs, ClusterAction, Create, CreateTokens, Delete, Describe, DescribeConfigs,
            DescribeTokens, IdempotentWrite, Read, TwoPhaseCommit, Write,
        };
        match self {
            Self::Topic => &[Read, Write, Create, Describe, Delete, Alter, DescribeConfigs, AlterConfigs],
            Self::Group => &[Read, Describe, Delete, DescribeConfigs, AlterConfigs],
            Self::Cluster => &[Create, ClusterAction, DescribeConfigs, AlterConfigs, IdempotentWrite, Alter, Describe],
            Self::TransactionalId => &[Describe, Write, TwoPhaseCommit],
            Self::DelegationToken => &[Describe],
            Self::User => &[CreateTokens, DescribeTokens],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kafkas_in_any_case() {
        for typed in ["describeconfigs", "DESCRIBE_CONFIGS", "describe-configs"] {
            assert_eq!(typed.parse(), Ok(Operation::DescribeConfigs), "{typed}");
        }
        assert_eq!(Operation::DescribeConfigs.to_string(), "DescribeConfigs");
        let error = "write-all".parse::<Operation>().expect_err("no operation");
        assert!(error.starts_with("expected an operation of All, Read, Write, "), "{error}");
    }
}
