//! `--dry-run`, with kubectl's values and kubectl's words behind a mutation.

use clap::{Args, ValueEnum};

/// Where a mutation stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum DryRun {
    /// Do it
    #[default]
    None,
    /// Only check what was typed
    Client,
    /// Let the server check it without doing it
    Server,
}

impl DryRun {
    /// What kubectl puts behind a mutation's line.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Client => " (dry run)",
            Self::Server => " (server dry run)",
        }
    }

    /// Whether anything is really changed.
    pub fn is_real(self) -> bool {
        self == Self::None
    }
}

/// The flag.
#[derive(Debug, Clone, Default, Args)]
pub struct DryRunArgs {
    /// Change nothing: client (check what was typed) or server (let the server check it)
    #[arg(
        long, value_enum, default_value_t, value_name = "WHERE",
        num_args = 0..=1, require_equals = true, default_missing_value = "client"
    )]
    pub dry_run: DryRun,
}
