//! `kubectl kafka status`

use clap::Args;

use super::{Context, Run};
use crate::error::{CommandResult, Exit};

/// What was typed.
#[derive(Debug, Clone, Args)]
pub struct StatusArgs {}

impl Run for StatusArgs {
    async fn run(self, _context: Context) -> CommandResult {
        Ok(Exit::Done)
    }
}
