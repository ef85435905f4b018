//! `kubectl kafka verify`

use clap::Args;

use super::{Context, Run};
use crate::error::{CommandResult, Exit};

/// What was typed.
#[derive(Debug, Clone, Args)]
pub struct VerifyArgs {}

impl Run for VerifyArgs {
    async fn run(self, _context: Context) -> CommandResult {
        Ok(Exit::Done)
    }
}
