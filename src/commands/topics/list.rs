//! `kubectl kafka topics list`

use clap::Args;

use crate::commands::{Context, Run};
use crate::error::{CommandResult, Exit};
use crate::kafka::Ask;

/// What was typed.
#[derive(Debug, Clone, Args)]
pub struct ListArgs {}

impl Run for ListArgs {
    async fn run(self, context: Context) -> CommandResult {
        let session = context.kafka(&Ask::AllTopics).await?;
        for topic in &session.metadata.topics {
            context.ui.out(format!("{}\n", topic.name.as_ref().map(|name| name.0.to_string()).unwrap_or_default()))?;
        }
        Ok(Exit::Done)
    }
}
