//! `kubectl kafka produce`

use clap::Args;

use super::{Context, Run};
use crate::error::{CommandResult, Exit};

/// What was typed.
#[derive(Debug, Clone, Args)]
pub struct ProduceArgs {}

impl Run for ProduceArgs {
    async fn run(self, _context: Context) -> CommandResult {
        Ok(Exit::Done)
    }
}
