//! `kubectl kafka users create`

use clap::Args;
use serde::Serialize;

use super::account::Account;
use super::changes::Changes;
use super::keeper::Keeper;
use super::name::check_name;
use super::password::PasswordArgs;
use crate::cli::{DryRun, DryRunArgs, OutputArgs, interrupted};
use crate::commands::{Context, Run};
use crate::error::{CommandError, CommandResult, Exit};
use crate::k8s::{ClusterName, Role};
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
    const HANDLES_INTERRUPT: bool = true;

    async fn run(self, context: Context) -> CommandResult {
        let changes = Changes::default();
        changes.until(interrupted(), Box::pin(self.create(&context, &changes))).await
    }
}

impl CreateArgs {
    async fn create(&self, context: &Context, changes: &Changes) -> CommandResult {
        check_name(&self.name)?;
        if self.dry_run.dry_run == DryRun::Client {
            return self.show(context, None);
        }
        let session = context.kafka(&Ask::Nothing).await?;
        let keeper = Keeper::of(&session).await?;
        if let Some(keeper) = &keeper {
            refuse_pods_name(keeper.name(), &self.name)?;
        }
        let known = users::describe(&session.kafka, Some(std::slice::from_ref(&self.name))).await?;
        if !known.is_empty() {
            return Err(CommandError::failed(format!(
                "user \"{}\" already exists in cluster \"{}\"",
                self.name, session.name
            ))
            .hinted(format!("give it a new password with `kubectl kafka users rotate {}`", self.name)));
        }
        let secret = keeper.as_ref().map(|keeper| keeper.name().user(&self.name));
        let account = Account {
            context,
            session: &session,
            keeper,
            user: &self.name,
            arguments: &self.password,
            changes,
            certificate: None,
        };
        if self.dry_run.dry_run.is_real() {
            account.set_password().await?;
            context.ui.status(format!(
                "It may do nothing yet; allow it something, as with `kubectl kafka acls create --principal {} --topic \
                 TOPIC --producer` (or --consumer, or --operation).",
                self.name
            ));
        } else {
            account.rehearse().await?;
        }
        self.show(context, secret)
    }
}

/// The pods are super users by the name in their certificates: a user of that name would be one too.
fn refuse_pods_name(cluster: &ClusterName, user: &str) -> Result<(), CommandError> {
    if [Role::Broker, Role::Controller].iter().all(|role| cluster.workload(*role) != user) {
        return Ok(());
    }
    Err(CommandError::usage(format!("user \"{user}\" is the name of the cluster's own pods, which may do everything"))
        .hinted("take another name"))
}

impl CreateArgs {
    fn show(&self, context: &Context, secret: Option<String>) -> CommandResult {
        let report = UserReport::new(&self.name, &self.password, secret, "created", self.dry_run.dry_run);
        context.ui.show(&self.output, &report)?;
        Ok(Exit::Done)
    }
}

/// A user, and what happened to it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserReport {
    name: String,
    mechanism: String,
    /// Where its password is.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    outcome: &'static str,
    #[serde(skip)]
    suffix: &'static str,
}

impl UserReport {
    pub(super) fn new(
        name: &str,
        password: &PasswordArgs,
        secret: Option<String>,
        outcome: &'static str,
        dry_run: DryRun,
    ) -> Self {
        let mechanism = password.mechanism().to_string();
        Self { name: name.to_owned(), mechanism, secret, outcome, suffix: dry_run.suffix() }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_becomes_a_super_user_by_a_pods_name() {
        let cluster = ClusterName::from_label("demo");
        for name in ["demo-broker", "demo-controller"] {
            assert!(refuse_pods_name(&cluster, name).is_err_and(|error| error.exit_code() == 2), "{name}");
        }
        assert_eq!(refuse_pods_name(&cluster, "demo-brokers"), Ok(()));
    }
}
