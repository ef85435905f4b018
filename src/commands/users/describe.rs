//! `kubectl kafka users describe`

use std::fmt::Write as _;

use clap::Args;
use serde::Serialize;

use super::name::refuse_anchor;
use crate::cli::OutputArgs;
use crate::commands::acls::rules::{explained, table};
use crate::commands::{Context, Run};
use crate::error::{CommandError, CommandResult, Exit};
use crate::kafka::Ask;
use crate::kafka::admin::acls::{self, Acl, AclFilter};
use crate::kafka::admin::users::{self, User};
use crate::ui::{TextOptions, View};

/// What was typed.
#[derive(Debug, Clone, Args)]
pub struct DescribeArgs {
    /// The users
    #[arg(required = true, value_name = "NAME")]
    users: Vec<String>,

    #[command(flatten)]
    output: OutputArgs,
}

impl Run for DescribeArgs {
    async fn run(self, context: Context) -> CommandResult {
        self.users.iter().try_for_each(|name| refuse_anchor(name))?;
        let session = context.kafka(&Ask::Nothing).await?;
        let found = users::describe(&session.kafka, Some(&self.users)).await?;
        if let Some(missing) = self.users.iter().find(|name| !found.iter().any(|user| user.name == **name)) {
            return Err(missing_user(missing, &session.name));
        }
        let mut items = Vec::new();
        for user in found {
            let principal = Some(format!("User:{}", user.name));
            let filter = AclFilter { principal, ..AclFilter::default() };
            let acls = acls::describe(&session.kafka, &filter).await.map_err(explained)?;
            let secret = session.place.as_ref().map(|(_, cluster)| cluster.name.user(&user.name));
            items.push(UserDetail { user, secret, acls });
        }
        context.ui.show(&self.output, &UserDetails { items })?;
        Ok(Exit::Done)
    }
}

pub(super) fn missing_user(name: &str, cluster: &str) -> CommandError {
    CommandError::failed(format!("no user \"{name}\" in cluster \"{cluster}\""))
        .hinted("list the users with `kubectl kafka users list`")
}

#[derive(Debug, Serialize)]
struct UserDetails {
    items: Vec<UserDetail>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct UserDetail {
    #[serde(flatten)]
    user: User,
    /// Where its password is, if it was made here.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// The rules about it; those about everyone apply to it as well.
    acls: Vec<Acl>,
}

impl View for UserDetails {
    fn text(&self, options: TextOptions) -> String {
        let mut text = String::new();
        for (number, UserDetail { user, secret, acls }) in self.items.iter().enumerate() {
            if number > 0 {
                text.push('\n');
            }
            // Writing to a String cannot fail.
            let _ = writeln!(text, "Name:       {}\nPrincipal:  User:{}", user.name, user.name);
            for credential in &user.credentials {
                let _ = writeln!(text, "Login:      {} ({} iterations)", credential.mechanism, credential.iterations);
            }
            if let Some(secret) = secret {
                let _ = writeln!(text, "Secret:     {secret}");
            }
            if acls.is_empty() {
                text.push_str("ACLs:       <none>\n");
            } else {
                text.push_str("ACLs:\n");
                text.extend(table(acls, options).lines().map(|line| format!("  {line}\n")));
            }
        }
        text
    }

    fn names(&self) -> Vec<String> {
        self.items.iter().map(|item| format!("user/{}", item.user.name)).collect()
    }
}
