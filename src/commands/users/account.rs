//! A user's two halves, Kafka's and the Secret, changed together.

use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;

use super::changes::Changes;
use super::keeper::Keeper;
use super::password::PasswordArgs;
use crate::commands::Context;
use crate::connect::{Session, mechanisms, until_let_in};
use crate::error::CommandError;
use crate::k8s::apply::Intent;
use crate::k8s::credentials::{self, Before, ClientCertificate, Credentials};
use crate::kafka::admin::users::{self, ScramMechanism};

/// A broker that has not heard of a password by then is not well, however busy its machine is.
const LET_IN_WITHIN: Duration = Duration::from_secs(30);
/// Both halves of a user, to be changed.
pub(super) struct Account<'a> {
    pub(super) context: &'a Context,
    pub(super) session: &'a Session,
    pub(super) keeper: Option<Keeper>,
    pub(super) user: &'a str,
    pub(super) arguments: &'a PasswordArgs,
    /// Keeps the two halves together.
    pub(super) changes: &'a Changes,
    /// The certificate that its Secret gets, where that has none.
    pub(super) certificate: Option<ClientCertificate>,
}

impl Account<'_> {
    /// Gives the user a password in both places. When the second place refuses, the first gets back what it had.
    pub(super) async fn set_password(&self) -> Result<(), CommandError> {
        self.refuse_unknown_mechanism().await?;
        let kubernetes = self.keeper.as_ref().map(|keeper| &keeper.kubernetes);
        let password = self.arguments.password(kubernetes).await?;
        let Some(keeper) = &self.keeper else { return self.tell_kafka(&password).await };
        let (wanted, before) = self.secret(keeper, &password).await?;
        let old = before.credentials();
        let change = async {
            if before.existed() {
                self.replace(keeper, &wanted, &before, old.as_ref()).await
            } else {
                self.begin(keeper, &wanted, &before).await
            }
        };
        self.changes.whole(self.user, change).await?;
        if let Err(reason) = until_let_in(self.session, &wanted, Instant::now() + LET_IN_WITHIN).await {
            self.context.ui.warning(format!("the new password is set, but does not work everywhere yet: {reason}"));
        }
        Ok(())
    }

    /// Everything of [`set_password`](Self::set_password) that can be refused before Kafka is told, changing nothing.
    pub(super) async fn rehearse(&self) -> Result<(), CommandError> {
        self.refuse_unknown_mechanism().await?;
        let kubernetes = self.keeper.as_ref().map(|keeper| &keeper.kubernetes);
        let password = self.arguments.password(kubernetes).await?;
        let Some(keeper) = &self.keeper else { return Ok(()) };
        let (wanted, before) = self.secret(keeper, &password).await?;
        Ok(credentials::write(&keeper.kubernetes, keeper.name(), &wanted, &before, Intent::Rehearsal).await?)
    }

    /// What the Secret is to hold, and what it is now.
    async fn secret(&self, keeper: &Keeper, password: &SecretString) -> Result<(Credentials, Before), CommandError> {
        let mut wanted = keeper.credentials(self.user, password, self.arguments.mechanism()).await?;
        let before = credentials::before(&keeper.kubernetes, keeper.name(), &wanted).await?;
        // The admin's certificate stays what it is.
        let old = before.credentials().and_then(|old| old.certificate);
        wanted.certificate = old.or_else(|| self.certificate.clone());
        Ok((wanted, before))
    }

    /// A password by a mechanism that no listener offers would open nothing. Behind `--bootstrap-server` clients may
    /// come to other listeners than we do.
    async fn refuse_unknown_mechanism(&self) -> Result<(), CommandError> {
        if self.keeper.is_none() {
            return Ok(());
        }
        match mechanisms(self.session).await {
            Some(offered) => refuse_mechanism(self.arguments.mechanism(), &offered, &self.session.name),
            None => Ok(()),
        }
    }

    /// The Secret first: a password that only Kafka knew would be lost with this process.
    async fn begin(&self, keeper: &Keeper, wanted: &Credentials, before: &Before) -> Result<(), CommandError> {
        credentials::write(&keeper.kubernetes, keeper.name(), wanted, before, Intent::Real).await?;
        let told = self.tell_kafka(&wanted.password).await;
        if told.is_err() && !matches!(credentials::delete(&keeper.kubernetes, keeper.name(), self.user).await, Ok(true))
        {
            let secret = keeper.name().user(self.user);
            self.context
                .ui
                .warning(format!("secret/{secret} could not be taken back; Kafka does not know its password"));
        }
        told
    }

    /// The Secret last: until Kafka has the new password, its old one is the one that works.
    async fn replace(
        &self,
        keeper: &Keeper,
        wanted: &Credentials,
        before: &Before,
        old: Option<&Credentials>,
    ) -> Result<(), CommandError> {
        let write = |intent| credentials::write(&keeper.kubernetes, keeper.name(), wanted, before, intent);
        write(Intent::Rehearsal).await?;
        self.tell_kafka(&wanted.password).await?;
        let Err(error) = write(Intent::Real).await else { return Ok(()) };
        let restored = match old {
            Some(old) => self.tell_kafka(&old.password).await.is_ok(),
            None => false,
        };
        let secret = keeper.name().user(self.user);
        let error = CommandError::from(error).about(format!("secret/{secret} was not changed"));
        Err(if restored {
            error.hinted("Kafka has the old password again; nothing is changed")
        } else {
            error.hinted(format!(
                "Kafka has a password that nobody knows now; `kubectl kafka users rotate {}` makes another",
                self.user
            ))
        })
    }

    async fn tell_kafka(&self, password: &SecretString) -> Result<(), CommandError> {
        let arguments = self.arguments;
        let (mechanism, iterations) = (arguments.mechanism(), arguments.iterations());
        Ok(users::set_password(&self.session.kafka, self.user, mechanism, iterations, password).await?)
    }
}

fn refuse_mechanism(wanted: ScramMechanism, offered: &[String], cluster: &str) -> Result<(), CommandError> {
    if offered.contains(&wanted.to_string()) {
        return Ok(());
    }
    Err(CommandError::failed(format!(
        "nobody can log in to cluster \"{cluster}\" by {wanted}: it offers {}; nothing was changed",
        offered.join(", ")
    ))
    .hinted("choose another with --mechanism"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::security::scram::Hash;

    #[test]
    fn a_mechanism_that_is_not_offered_is_refused_with_those_that_are() {
        let offered = ["SCRAM-SHA-512".to_owned(), "PLAIN".to_owned()];
        assert_eq!(refuse_mechanism(ScramMechanism(Hash::Sha512), &offered, "demo"), Ok(()));
        let refused = refuse_mechanism(ScramMechanism(Hash::Sha256), &offered, "demo").expect_err("a refusal");
        let told = "nobody can log in to cluster \"demo\" by SCRAM-SHA-256: it offers SCRAM-SHA-512, PLAIN";
        assert!(refused.message.starts_with(told), "{}", refused.message);
    }
}
