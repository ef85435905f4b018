//! `kubectl kafka users rotate`

use clap::Args;

use super::account::Account;
use super::changes::Changes;
use super::create::UserReport;
use super::enter::{Entered, enter};
use super::keeper::Keeper;
use super::name::check_name;
use super::password::PasswordArgs;
use crate::cli::{DryRun, DryRunArgs, OutputArgs, interrupted};
use crate::commands::{Context, Run};
use crate::error::{CommandError, CommandResult, Exit};
use crate::k8s::credentials;
use crate::kafka::admin::users;

/// What was typed.
#[derive(Debug, Clone, Args)]
pub struct RotateArgs {
    /// The user
    #[arg(value_name = "NAME")]
    name: String,

    #[command(flatten)]
    password: PasswordArgs,

    #[command(flatten)]
    dry_run: DryRunArgs,

    #[command(flatten)]
    output: OutputArgs,
}

impl Run for RotateArgs {
    const HANDLES_INTERRUPT: bool = true;

    async fn run(self, context: Context) -> CommandResult {
        let changes = Changes::default();
        changes.until(interrupted(), Box::pin(self.rotate(&context, &changes))).await
    }
}

impl RotateArgs {
    async fn rotate(&self, context: &Context, changes: &Changes) -> CommandResult {
        check_name(&self.name)?;
        if self.dry_run.dry_run == DryRun::Client {
            return self.show(context, None);
        }
        let Entered { session, certificate } = enter(context, &self.name).await?;
        let keeper = Keeper::of(&session).await?;
        let known = users::describe(&session.kafka, Some(std::slice::from_ref(&self.name))).await?;
        let Some(user) = known.first() else {
            return Err(CommandError::failed(format!("no user \"{}\" in cluster \"{}\"", self.name, session.name))
                .hinted(format!("create it with `kubectl kafka users create {}`", self.name)));
        };
        let mechanism = self.password.mechanism();
        if !user.credentials.iter().any(|credential| credential.mechanism == mechanism) {
            return Err(CommandError::failed(format!("user \"{}\" does not log in by {mechanism}", self.name))
                .hinted("choose another with --mechanism"));
        }
        let place = keeper.as_ref().map(|keeper| (keeper.kubernetes.clone(), keeper.name().clone()));
        let account = Account {
            context,
            session: &session,
            keeper,
            user: &self.name,
            arguments: &self.password,
            changes,
            certificate,
        };
        let secret = place.as_ref().map(|(_, cluster)| cluster.user(&self.name));
        if !self.dry_run.dry_run.is_real() {
            account.rehearse().await?;
            return self.show(context, secret);
        }
        account.set_password().await?;
        self.show(context, secret)?;
        context.ui.status("Connections that are open go on; whoever connects next needs the new password.");
        if let Some((kubernetes, cluster)) = place {
            // Who may not list pods knows them otherwise.
            let pods = credentials::readers(&kubernetes, &cluster, &self.name).await.unwrap_or_default();
            if !pods.is_empty() {
                context.ui.status(format!("Restart the pods that have the old one: {}", pods.join(", ")));
            }
        }
        Ok(Exit::Done)
    }

    fn show(&self, context: &Context, secret: Option<String>) -> CommandResult {
        let report = UserReport::new(&self.name, &self.password, secret, "rotated", self.dry_run.dry_run);
        context.ui.show(&self.output, &report)?;
        Ok(Exit::Done)
    }
}
