//! `kubectl kafka users create`

use clap::Args;
use serde::Serialize;

use super::account::{Account, Keeper, PasswordArgs, check_name};
use crate::cli::{DryRun, DryRunArgs, OutputArgs};
use crate::commands::{Context, Run};
use crate::error::{CommandError, CommandResult, Exit};
use crate::kafka::Ask;
use crate::kafka::admin::users;
use crate::ui::{TextOptions, View};

/// What was typed.
#[derive(Debug, Clone, Args)]
pub struct CreateArgs {
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

impl Run for CreateArgs {
    async fn run(self, context: Context) -> CommandResult {
        check_name(&self.name)?;
        if self.dry_run.dry_run == DryRun::Client {
            return self.show(&context, None);
        }
        let session = context.kafka(&Ask::Nothing).await?;
        let keeper = Keeper::of(&session)?;
        let known = users::describe(&session.kafka, Some(std::slice::from_ref(&self.name))).await?;
        if !known.is_empty() {
            return Err(CommandError::failed(format!(
                "user \"{}\" already exists in cluster \"{}\"",
                self.name, session.name
            ))
            .hinted(format!("give it a new password with `kubectl kafka users rotate {}`", self.name)));
        }
        let secret = keeper.as_ref().map(|keeper| keeper.name().user(&self.name));
        if self.dry_run.dry_run.is_real() {
            let account =
                Account { context: &context, session: &session, keeper, user: &self.name, arguments: &self.password };
            account.set_password().await?;
            context.ui.status(format!(
                "It may do nothing yet; allow it something with `kubectl kafka acls create --principal {}`.",
                self.name
            ));
        }
        self.show(&context, secret)
    }
}

impl CreateArgs {
    fn show(&self, context: &Context, secret: Option<String>) -> CommandResult {
        let report = UserReport {
            name: self.name.clone(),
            mechanism: self.password.mechanism().to_string(),
            secret,
            outcome: "created",
            suffix: self.dry_run.dry_run.suffix(),
        };
        context.ui.show(&self.output, &report)?;
        Ok(Exit::Done)
    }
}

/// A user, and what happened to it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserReport {
    pub(super) name: String,
    pub(super) mechanism: String,
    /// Where its password is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) secret: Option<String>,
    pub(super) outcome: &'static str,
    #[serde(skip)]
    pub(super) suffix: &'static str,
}

impl View for UserReport {
    fn text(&self, _options: TextOptions) -> String {
        let (outcome, suffix) = (self.outcome, self.suffix);
        let secret = self.secret.iter().map(|secret| format!("secret/{secret} {outcome}{suffix}\n"));
        format!("user/{} {outcome}{suffix}\n{}", self.name, secret.collect::<String>())
    }

    fn names(&self) -> Vec<String> {
        vec![format!("user/{}", self.name)]
    }
}
