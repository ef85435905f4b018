//! `--force-conflicts`, as kubectl's server-side apply has it.

use clap::Args;

use crate::k8s::apply::Conflicts;

/// The flag.
#[derive(Debug, Clone, Default, Args)]
pub struct ConflictArgs {
    /// Take over fields of the objects that another tool has set to other values
    #[arg(long)]
    pub force_conflicts: bool,
}

impl ConflictArgs {
    /// What happens to such fields.
    pub fn wish(&self) -> Conflicts {
        if self.force_conflicts { Conflicts::TakeOver } else { Conflicts::Refuse }
    }
}
