//! `kubectl kafka users delete`

use clap::Args;
use serde::Serialize;

use super::account::Keeper;
use super::describe::missing_user;
use crate::cli::{DryRunArgs, OutputArgs};
use crate::commands::topics::finish;
use crate::commands::{Context, Run};
use crate::connect::Session;
use crate::error::{CommandError, CommandResult, Exit};
use crate::k8s::credentials;
use crate::k8s::names::ADMIN;
use crate::kafka::Ask;
use crate::kafka::admin::acls::{self, AclFilter};
use crate::kafka::admin::users::{self, User};
use crate::ui::{TextOptions, View};
use crate::view;

/// What was typed.
#[derive(Debug, Clone, Args)]
pub struct DeleteArgs {
    /// The users
    #[arg(required = true, value_name = "NAME")]
    users: Vec<String>,

    /// Succeed when a user does not exist
    #[arg(long)]
    if_exists: bool,

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
        if self.users.iter().any(|name| name == ADMIN) {
            return Err(CommandError::usage(format!(
                "user \"{ADMIN}\" is the one that kubectl kafka itself logs in as"
            ))
            .hinted(format!("give it a new password with `kubectl kafka users rotate {ADMIN}`")));
        }
        let session = context.kafka(&Ask::Nothing).await?;
        let keeper = Keeper::of(&session).await?;
        let found = users::describe(&session.kafka, Some(&self.users)).await?;
        let missing = self.users.iter().find(|name| !found.iter().any(|user| user.name == **name));
        if let (Some(missing), false) = (missing, self.if_exists) {
            return Err(missing_user(missing, &session.name));
        }
        if found.is_empty() {
            context.ui.status("No users deleted.");
            context
                .ui
                .show(&self.output, &DeleteReport { items: Vec::new(), suffix: self.dry_run.dry_run.suffix() })?;
            return Ok(Exit::Done);
        }
        if self.dry_run.dry_run.is_real() && !self.yes {
            for user in &found {
                context.ui.status(format!("user/{}", user.name));
            }
            let count = view::plural(found.len(), "user");
            if !context.ui.confirm(&format!("Delete {count} with the Secrets from cluster \"{}\"?", session.name))? {
                return Err(CommandError::failed("not confirmed; nothing was deleted"));
            }
        }
        let mut errors = Vec::new();
        let mut items = Vec::new();
        for user in found {
            if self.dry_run.dry_run.is_real() {
                match delete(&session, keeper.as_ref(), &user).await {
                    Ok(()) => remind_of_rules(&context, &session, &user.name).await,
                    Err(error) => {
                        errors.push(error);
                        continue;
                    }
                }
            }
            items.push(DeletedUser { name: user.name, outcome: "deleted" });
        }
        context.ui.show(&self.output, &DeleteReport { items, suffix: self.dry_run.dry_run.suffix() })?;
        finish(&context, errors)
    }
}

/// Kafka first: a Secret that is left over opens nothing, and a second try takes it.
async fn delete(session: &Session, keeper: Option<&Keeper>, user: &User) -> Result<(), CommandError> {
    users::delete(&session.kafka, user).await?;
    if let Some(keeper) = keeper {
        credentials::delete(&keeper.kubernetes, keeper.name(), &user.name).await.map_err(|error| {
            let secret = keeper.name().user(&user.name);
            CommandError::from(error)
                .about(format!("user \"{}\" is deleted, and secret/{secret} is not", user.name))
                .hinted(format!("`kubectl delete secret {secret}`"))
        })?;
    }
    Ok(())
}

/// Rules outlive the user, and would be those of the next one of this name.
async fn remind_of_rules(context: &Context, session: &Session, name: &str) {
    let filter = AclFilter { principal: Some(format!("User:{name}")), ..AclFilter::default() };
    let rules = acls::describe(&session.kafka, &filter).await.unwrap_or_default();
    if !rules.is_empty() {
        let count = view::plural(rules.len(), "ACL");
        context.ui.warning(format!("{count} of user \"{name}\" would be those of the next user of this name"));
        context.ui.hint(format!("delete them with `kubectl kafka acls delete --principal {name}`"));
    }
}

#[derive(Debug, Serialize)]
struct DeleteReport {
    items: Vec<DeletedUser>,
    #[serde(skip)]
    suffix: &'static str,
}

#[derive(Debug, Serialize)]
struct DeletedUser {
    name: String,
    outcome: &'static str,
}

impl View for DeleteReport {
    fn text(&self, _options: TextOptions) -> String {
        self.items.iter().map(|user| format!("user \"{}\" deleted{}\n", user.name, self.suffix)).collect()
    }

    fn names(&self) -> Vec<String> {
        self.items.iter().map(|user| format!("user/{}", user.name)).collect()
    }
}
