//! `kubectl kafka install`

use clap::Args;

use super::{Context, Run};
use crate::error::{CommandResult, Exit};

/// What was typed.
#[derive(Debug, Clone, Args)]
pub struct InstallArgs {}

impl Run for InstallArgs {
    async fn run(self, _context: Context) -> CommandResult {
        Ok(Exit::Done)
    }
}
