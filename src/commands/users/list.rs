//! `kubectl kafka users list`

use clap::Args;
use serde::Serialize;

use crate::cli::OutputArgs;
use crate::commands::{Context, Run};
use crate::connect::Session;
use crate::error::{CommandResult, Exit};
use crate::k8s::credentials;
use crate::k8s::names::ANCHOR;
use crate::kafka::Ask;
use crate::kafka::admin::users::{self, User};
use crate::ui::{TextOptions, View};
use crate::view::{Table, list};

/// What was typed.
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    #[command(flatten)]
    output: OutputArgs,
}

impl Run for ListArgs {
    async fn run(self, context: Context) -> CommandResult {
        let session = context.kafka(&Ask::Nothing).await?;
        let (users, secrets) = tokio::join!(users::describe(&session.kafka, None), secrets(&session));
        let mut users = users?;
        users.retain(|user| user.name != ANCHOR);
        if users.is_empty() && self.output.output.is_none() {
            context.ui.status(format!("No users found in cluster \"{}\".", session.name));
            return Ok(Exit::Done);
        }
        let items =
            users.into_iter().map(|user| UserRow { secret: secret(&user.name, secrets.as_ref()), user }).collect();
        context.ui.show(&self.output, &UserList { items })?;
        Ok(Exit::Done)
    }
}

/// The users that have a Secret, and how it is called; `None` where that cannot be known.
async fn secrets(session: &Session) -> Option<Vec<(String, String)>> {
    let (kubernetes, cluster) = session.place.as_ref()?;
    let found = credentials::users(&kubernetes.in_namespace(&cluster.namespace), &cluster.name).await.ok()?;
    Some(found.into_iter().map(|user| (cluster.name.user(&user), user)).map(|(secret, user)| (user, secret)).collect())
}

fn secret(user: &str, secrets: Option<&Vec<(String, String)>>) -> Known {
    match secrets {
        None => Known::Unknown,
        Some(secrets) => {
            let found = secrets.iter().find(|(name, _)| name == user);
            found.map_or(Known::None, |(_, secret)| Known::Secret(secret.clone()))
        }
    }
}

/// A Secret, as far as it can be known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Known {
    Secret(String),
    None,
    #[serde(skip)]
    Unknown,
}

#[derive(Debug, Serialize)]
struct UserList {
    items: Vec<UserRow>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct UserRow {
    #[serde(flatten)]
    user: User,
    /// Where its password is; absent where that cannot be known.
    #[serde(skip_serializing_if = "is_unknown")]
    secret: Known,
}

fn is_unknown(secret: &Known) -> bool {
    *secret == Known::Unknown
}

impl View for UserList {
    fn text(&self, options: TextOptions) -> String {
        let headings = ["NAME", "MECHANISMS", "SECRET", "ITERATIONS"];
        let shown = if options.wide { 4 } else { 3 };
        let mut table = Table::new(headings.into_iter().take(shown), options.no_headers);
        for UserRow { user, secret } in &self.items {
            let mechanisms: Vec<String> = user.credentials.iter().map(|one| one.mechanism.to_string()).collect();
            let iterations: Vec<i32> = user.credentials.iter().map(|one| one.iterations).collect();
            let secret = match secret {
                Known::Secret(name) => name.clone(),
                Known::None => "<none>".to_owned(),
                Known::Unknown => "<unknown>".to_owned(),
            };
            table.row([user.name.clone(), list(&mechanisms), secret, list(&iterations)].into_iter().take(shown));
        }
        table.text()
    }

    fn names(&self) -> Vec<String> {
        self.items.iter().map(|row| format!("user/{}", row.user.name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::admin::users::{ScramCredential, ScramMechanism};
    use crate::kafka::security::scram::Hash;

    #[test]
    fn a_user_without_a_secret_is_not_one_whose_secret_is_unknown() {
        let row = |name: &str, secrets: Option<&Vec<(String, String)>>| UserRow {
            user: User {
                name: name.into(),
                credentials: vec![ScramCredential { mechanism: ScramMechanism(Hash::Sha512), iterations: 4096 }],
            },
            secret: secret(name, secrets),
        };
        let secrets = vec![("alice".to_owned(), "demo-user-alice".to_owned())];
        let items = vec![row("alice", Some(&secrets)), row("bob", Some(&secrets)), row("carol", None)];
        let users = UserList { items };
        assert_eq!(
            users.text(TextOptions { wide: true, ..TextOptions::default() }),
            "NAME    MECHANISMS      SECRET            ITERATIONS\n\
             alice   SCRAM-SHA-512   demo-user-alice   4096\n\
             bob     SCRAM-SHA-512   <none>            4096\n\
             carol   SCRAM-SHA-512   <unknown>         4096\n"
        );
        let json = serde_json::to_value(&users).expect("JSON");
        assert_eq!(json["items"][0]["secret"], "demo-user-alice");
        assert!(json["items"][1]["secret"].is_null() && json["items"][2].get("secret").is_none());
        assert_eq!(json["items"][0]["credentials"][0]["mechanism"], "SCRAM-SHA-512");
    }
}
