//! `kubectl kafka users delete`

use clap::Args;
use serde::Serialize;

use super::changes::Changes;
use super::describe::missing_user;
use super::keeper::Keeper;
use super::name::refuse_anchor;
use crate::cli::{DryRunArgs, OutputArgs, interrupted};
use crate::commands::securing;
use crate::commands::topics::finish;
use crate::commands::{Context, Run};
use crate::connect::Session;
use crate::error::{CommandError, CommandResult, Exit};
use crate::k8s::credentials;
use crate::k8s::names::{ADMIN, ANCHOR};
use crate::kafka::Ask;
use crate::kafka::admin::acls::{self, AclFilter};
use crate::kafka::admin::users::{self, ITERATIONS, ScramMechanism, User};
use crate::kafka::security::scram::Hash;
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
    const HANDLES_INTERRUPT: bool = true;

    async fn run(self, context: Context) -> CommandResult {
        let changes = Changes::default();
        changes.until(interrupted(), Box::pin(self.delete(&context, &changes))).await
    }
}

impl DeleteArgs {
    async fn delete(&self, context: &Context, changes: &Changes) -> CommandResult {
        if self.users.iter().any(|name| name == ADMIN) {
            return Err(CommandError::usage(format!(
                "user \"{ADMIN}\" is the one that kubectl kafka itself logs in as"
            ))
            .hinted(format!("give it a new password with `kubectl kafka users rotate {ADMIN}`")));
        }
        self.users.iter().try_for_each(|name| refuse_anchor(name))?;
        let session = context.kafka(&Ask::Nothing).await?;
        let keeper = Keeper::of(&session).await?;
        let (found, anchored) = find(&session, keeper.as_ref(), &self.users).await?;
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
        if self.dry_run.dry_run.is_real() && keeper.is_some() && !anchored {
            anchor(&session).await?;
        }
        let mut errors = Vec::new();
        let mut items = Vec::new();
        for user in found {
            if self.dry_run.dry_run.is_real() {
                match changes.whole(&user.name, delete(&session, keeper.as_ref(), &user)).await {
                    Ok(()) => remind_of_rules(context, &session, &user.name).await,
                    Err(error) => {
                        errors.push(error);
                        continue;
                    }
                }
            }
            items.push(DeletedUser { name: user.name, outcome: "deleted" });
        }
        context.ui.show(&self.output, &DeleteReport { items, suffix: self.dry_run.dry_run.suffix() })?;
        finish(context, errors)
    }
}

/// The users of these names, and whether [`ANCHOR`] is there. One that has nothing but a Secret any more cannot log in
/// by anything.
async fn find(session: &Session, keeper: Option<&Keeper>, names: &[String]) -> Result<(Vec<User>, bool), CommandError> {
    let asked: Vec<String> = names.iter().cloned().chain([ANCHOR.to_owned()]).collect();
    let mut found = users::describe(&session.kafka, Some(&asked)).await?;
    let before = found.len();
    found.retain(|user| user.name != ANCHOR);
    let anchored = found.len() < before;
    let Some(keeper) = keeper else { return Ok((found, anchored)) };
    for name in names {
        if found.iter().any(|user| user.name == *name) {
            continue;
        }
        match credentials::exists(&keeper.kubernetes, keeper.name(), name).await {
            Ok(true) => found.push(User { name: name.clone(), credentials: Vec::new() }),
            // Who may not see Secrets knows Kafka's half.
            Err(error) if !error.is_forbidden() => return Err(error.into()),
            Ok(false) | Err(_) => {}
        }
    }
    Ok((found, anchored))
}

/// Clusters that were installed before there was an [`ANCHOR`] get one before anybody is removed.
async fn anchor(session: &Session) -> Result<(), CommandError> {
    let password =
        securing::password().map_err(|reason| CommandError::failed(format!("cannot make a password: {reason}")))?;
    Ok(users::set_password(&session.kafka, ANCHOR, ScramMechanism(Hash::Sha512), ITERATIONS, &password).await?)
}

/// Kafka first: a Secret that is left over opens nothing, and a second try takes it.
async fn delete(session: &Session, keeper: Option<&Keeper>, user: &User) -> Result<(), CommandError> {
    if !user.credentials.is_empty() {
        users::delete(&session.kafka, user).await?;
    }
    if let Some(keeper) = keeper {
        credentials::delete(&keeper.kubernetes, keeper.name(), &user.name).await.map_err(|error| {
            let secret = keeper.name().user(&user.name);
            CommandError::from(error)
                .about(format!("user \"{}\" is deleted, and secret/{secret} is not", user.name))
                .hinted(format!("the same command takes it away, and so does `kubectl delete secret {secret}`"))
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
