//! What a person should know while partitions are read.

use std::fmt;

/// Something that a person should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Retention deleted records before they were read.
    Expired {
        /// `partition 3 of topic "orders"`
        subject: String,
        /// The first offset that is gone.
        from: i64,
        /// The first that is there.
        to: i64,
    },
    /// The log ends before the position: an unclean leader lost records.
    Truncated {
        /// `partition 3 of topic "orders"`
        subject: String,
        /// Where reading was.
        from: i64,
        /// Where the log ends.
        to: i64,
    },
    /// A partition cannot be read at the moment.
    Waiting {
        /// `partition 3 of topic "orders"`
        subject: String,
        /// Why.
        reason: String,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired { subject, from, to } => {
                write!(formatter, "{subject}: offsets {from} to {} were deleted before they were read", to - 1)
            }
            Self::Truncated { subject, from, to } => write!(
                formatter,
                "{subject}: it ends at offset {to} now, before {from} where reading was: records were lost by an \
                 unclean leader election"
            ),
            Self::Waiting { subject, reason } => write!(formatter, "{subject} cannot be read now: {reason}; trying on"),
        }
    }
}
