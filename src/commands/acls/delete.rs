//! `kubectl kafka acls delete`

use std::time::Duration;

use clap::Args;
use tokio::time::Instant;

use super::list::{FilterArgs, found};
use super::rules::{AclOutcome, AclOutcomes, explained, table};
use crate::cli::{DryRunArgs, OutputArgs};
use crate::commands::topics::finish;
use crate::commands::{Context, Run};
use crate::error::{CommandError, CommandResult, Exit};
use crate::kafka::Ask;
use crate::kafka::admin::acls::{self, Acl, PatternFilter};
use crate::ui::TextOptions;
use crate::view;

/// A broker that still has a rule by then is not well.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// What was typed.
#[derive(Debug, Clone, Args)]
pub struct DeleteArgs {
    #[command(flatten)]
    filter: FilterArgs,

    /// Every rule of the cluster
    #[arg(long)]
    all: bool,

    /// Do not ask
    #[arg(short = 'y', long)]
    yes: bool,

    #[command(flatten)]
    dry_run: DryRunArgs,

    #[command(flatten)]
    output: OutputArgs,
}

impl Run for DeleteArgs {
    async fn run(self, context: Context) -> CommandResult {
        if self.filter.is_empty() != self.all {
            return Err(if self.all {
                CommandError::usage("--all and the flags that choose rules exclude each other")
            } else {
                CommandError::usage("which rules? nothing chooses them")
                    .hinted("choose them with --principal, --topic, --group and the like, or pass --all")
            });
        }
        // A rule for `*` also applies to the topic that was named, but is about more than it: only rules of
        // exactly this name go.
        let filters = self.filter.filters(PatternFilter::Exactly(self.filter.resources.pattern()))?;
        let session = context.kafka(&Ask::Nothing).await?;
        let chosen = found(&session.kafka, &filters).await?;
        if chosen.is_empty() {
            context.ui.status(format!("No ACLs of cluster \"{}\" match; nothing was deleted.", session.name));
            self.show(&context, Vec::new())?;
            return Ok(Exit::Done);
        }
        if self.dry_run.dry_run.is_real() && !self.yes {
            context.ui.status(table(&chosen, TextOptions::default()).trim_end());
            let count = view::plural(chosen.len(), "ACL");
            if !context.ui.confirm(&format!("Delete {count} from cluster \"{}\"?", session.name))? {
                return Err(CommandError::failed("not confirmed; nothing was deleted"));
            }
        }
        let mut errors: Vec<CommandError> = Vec::new();
        let mut items = Vec::new();
        if self.dry_run.dry_run.is_real() {
            // What was shown is what goes, and nothing that came in between.
            let outcomes = acls::delete(&session.kafka, &chosen).await.map_err(explained)?;
            for (acl, outcome) in chosen.into_iter().zip(outcomes) {
                match outcome {
                    Ok(()) => items.push(acl),
                    Err(error) => {
                        let error = explained(error);
                        if !errors.contains(&error) {
                            errors.push(error);
                        }
                    }
                }
            }
            if !items.is_empty() && !acls::wait_until(&session.kafka, &items, false, Instant::now() + GONE_WITHIN).await
            {
                context.ui.warning("not every broker has forgotten the rules yet");
            }
        } else {
            items = chosen;
        }
        self.show(&context, items)?;
        finish(&context, errors)
    }
}

impl DeleteArgs {
    fn show(&self, context: &Context, items: Vec<Acl>) -> Result<(), CommandError> {
        let items = items.into_iter().map(|acl| AclOutcome { acl, outcome: "deleted" }).collect();
        context.ui.show(&self.output, &AclOutcomes { items, suffix: self.dry_run.dry_run.suffix() })
    }
}
