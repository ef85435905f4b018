//! `kubectl kafka consume`

use clap::Args;

use super::{Context, Run};
use crate::error::{CommandResult, Exit};

/// What was typed.
#[derive(Debug, Clone, Args)]
pub struct ConsumeArgs {}

impl Run for ConsumeArgs {
    async fn run(self, _context: Context) -> CommandResult {
        Ok(Exit::Done)
    }
}
