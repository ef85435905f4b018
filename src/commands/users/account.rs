//! A user's two halves, Kafka's and the Secret, changed together.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::changes::Changes;
use crate::commands::Context;
use crate::commands::securing;
use crate::connect::{Session, mechanisms, until_let_in};
use crate::error::CommandError;
use crate::k8s::apply::Intent;
use crate::k8s::credentials::{self, Before, ClientCertificate, Credentials};
use crate::k8s::discover::KafkaCluster;
use crate::k8s::inventory::Inventory;
use crate::k8s::names::{ANCHOR, CLIENT_PORT, secret_name};
use crate::k8s::{ClusterName, Kubernetes};
use crate::kafka::admin::users::{self, ScramMechanism};
use crate::kafka::security::scram::{Hash, MIN_ITERATIONS};

/// A broker that has not heard of a password by then is not well.
const LET_IN_WITHIN: Duration = Duration::from_secs(10);
/// Kafka's own limit (`ScramMechanism.maxIterations`).
const MAX_ITERATIONS: u32 = 16_384;

/// How a password is made and kept.
#[derive(Debug, Clone, Args)]
pub(super) struct PasswordArgs {
    /// A file with the password (- for stdin); without it, one is generated
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    password_file: Option<PathBuf>,

    /// A Secret whose key password holds the password
    #[arg(long, value_name = "NAME", value_parser = secret_name, conflicts_with = "password_file")]
    secret: Option<String>,

    /// How the user logs in
    #[arg(long, value_enum, ignore_case = true, default_value_t, value_name = "MECHANISM")]
    mechanism: MechanismArg,

    /// How often Kafka hashes the password
    #[arg(
        long, value_name = "COUNT", default_value_t = MIN_ITERATIONS,
        value_parser = clap::value_parser!(u32).range(i64::from(MIN_ITERATIONS)..=i64::from(MAX_ITERATIONS))
    )]
    iterations: u32,
}

/// The mechanisms of KIP-554.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum MechanismArg {
    /// SCRAM-SHA-512
    #[default]
    #[value(alias = "scram-sha-512")]
    ScramSha512,
    /// SCRAM-SHA-256
    #[value(alias = "scram-sha-256")]
    ScramSha256,
}

impl PasswordArgs {
    pub(super) fn mechanism(&self) -> ScramMechanism {
        ScramMechanism(match self.mechanism {
            MechanismArg::ScramSha512 => Hash::Sha512,
            MechanismArg::ScramSha256 => Hash::Sha256,
        })
    }

    fn iterations(&self) -> NonZeroU32 {
        NonZeroU32::new(self.iterations).unwrap_or(NonZeroU32::MIN)
    }

    /// The password: the one that was given, or a new one.
    pub(super) async fn password(&self, kubernetes: Option<&Kubernetes>) -> Result<SecretString, CommandError> {
        match (&self.password_file, &self.secret, kubernetes) {
            (Some(path), _, _) => from_file(path),
            (None, Some(secret), Some(kubernetes)) => {
                let password = credentials::password_of(kubernetes, secret).await?;
                if password.expose_secret().contains('\0') {
                    return Err(CommandError::failed(format!("--secret: the password in {secret} has a NUL byte")));
                }
                Ok(password)
            }
            (None, Some(_), None) => Err(CommandError::usage("--secret and --bootstrap-server exclude each other")
                .hinted("name a file with --password-file")),
            (None, None, Some(_)) => {
                securing::password().map_err(|reason| CommandError::failed(format!("cannot make a password: {reason}")))
            }
            (None, None, None) => {
                Err(CommandError::usage("behind --bootstrap-server there is no Secret to keep a generated password in")
                    .hinted("give one with --password-file"))
            }
        }
    }
}

/// Without the line break that editors put at the end.
fn from_file(path: &PathBuf) -> Result<SecretString, CommandError> {
    let shown = path.display();
    let read =
        if path.as_os_str() == "-" { std::io::read_to_string(std::io::stdin()) } else { std::fs::read_to_string(path) };
    let text = read.map_err(|error| CommandError::failed(format!("--password-file: cannot read {shown}: {error}")))?;
    let password = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    if password.is_empty() || password.contains(['\n', '\r']) {
        return Err(CommandError::failed(format!("--password-file: {shown} must hold one line, the password")));
    }
    if password.contains('\0') {
        return Err(CommandError::failed(format!("--password-file: {shown} has a NUL byte, which no client can send")));
    }
    Ok(password.to_owned().into())
}

/// Refuses the name of who only keeps the users; see [`ANCHOR`].
pub(super) fn refuse_anchor(name: &str) -> Result<(), CommandError> {
    if name != ANCHOR {
        return Ok(());
    }
    Err(CommandError::usage(format!(
        "\"{ANCHOR}\" is no user: nobody can log in as it, and it keeps Kafka from forgetting the others"
    )))
}

/// A name that Kafka and a Secret can carry.
pub(super) fn check_name(name: &str) -> Result<(), CommandError> {
    refuse_anchor(name)?;
    let valid = |letter: char| matches!(letter, 'a'..='z' | '0'..='9' | '-' | '.');
    let edge = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    if !name.is_empty()
        && name.len() <= 63
        && name.chars().all(valid)
        && name.starts_with(edge)
        && name.ends_with(edge)
        && !name.contains("..")
    {
        return Ok(());
    }
    Err(CommandError::usage(format!("user \"{name}\": its Secret carries the name, which must suit Kubernetes")).hinted(
        "a name has 1 to 63 lower-case letters, digits, hyphens and dots, and begins and ends with a letter or digit",
    ))
}

/// Where a user's Secret is kept.
pub(super) struct Keeper {
    pub(super) kubernetes: Kubernetes,
    pub(super) cluster: KafkaCluster,
}

impl Keeper {
    /// `None` behind `--bootstrap-server`.
    ///
    /// # Errors
    /// The cluster lets everyone in, so that users would mean nothing.
    pub(super) async fn of(session: &Session) -> Result<Option<Self>, CommandError> {
        let Some((kubernetes, cluster)) = &session.place else { return Ok(None) };
        let kubernetes = kubernetes.in_namespace(&cluster.namespace);
        if session.principal.as_deref() == Some("User:ANONYMOUS") {
            let inventory = Inventory::of(&kubernetes, &cluster.name).await.ok();
            let asked = inventory.and_then(|inventory| inventory.document);
            return Err(without_users(&session.name, asked.is_some_and(|asked| asked.has_zookeeper())));
        }
        Ok(Some(Self { kubernetes, cluster: cluster.clone() }))
    }

    pub(super) fn name(&self) -> &ClusterName {
        &self.cluster.name
    }

    /// What a user's Secret holds.
    pub(super) async fn credentials(
        &self,
        user: &str,
        password: &SecretString,
        mechanism: ScramMechanism,
    ) -> Result<Credentials, CommandError> {
        let ca =
            if self.cluster.uses_tls() { credentials::authority(&self.kubernetes, self.name()).await? } else { None };
        let address = format!("{}.{}.svc:{CLIENT_PORT}", self.name().bootstrap(), self.cluster.namespace);
        Ok(Credentials {
            username: user.to_owned(),
            password: password.expose_secret().into(),
            mechanism: mechanism.to_string(),
            protocol: if self.cluster.uses_tls() { "SASL_SSL" } else { "SASL_PLAINTEXT" }.to_owned(),
            bootstrap_servers: address,
            ca,
            certificate: None,
        })
    }
}

fn without_users(cluster: &str, has_zookeeper: bool) -> CommandError {
    let error = format!("cluster \"{cluster}\" lets everyone in: it was installed without users");
    CommandError::failed(error).hinted(if has_zookeeper {
        "with ZooKeeper there are none; in KRaft mode `kubectl kafka install --authentication scram` makes a cluster where \
         everyone logs in"
    } else {
        "`kubectl kafka install --authentication scram` makes one where everyone logs in"
    })
}

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

    #[test]
    fn a_mechanism_that_is_not_offered_is_refused_with_those_that_are() {
        let offered = ["SCRAM-SHA-512".to_owned(), "PLAIN".to_owned()];
        assert_eq!(refuse_mechanism(ScramMechanism(Hash::Sha512), &offered, "demo"), Ok(()));
        let refused = refuse_mechanism(ScramMechanism(Hash::Sha256), &offered, "demo").expect_err("a refusal");
        let told = "nobody can log in to cluster \"demo\" by SCRAM-SHA-256: it offers SCRAM-SHA-512, PLAIN";
        assert!(refused.message.starts_with(told), "{}", refused.message);
    }

    #[test]
    fn names_that_a_secret_cannot_carry_are_refused() {
        for good in ["alice", "a", "order-service", "team.orders", "7up"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "Alice", "a b", "-a", "a-", "a..b", "CN=a", "ä", &"x".repeat(64), ANCHOR] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn nobody_is_told_to_install_what_zookeeper_refuses() {
        let hint = |has_zookeeper| without_users("demo", has_zookeeper).hints.join("");
        assert!(hint(false).starts_with("`kubectl kafka install --authentication scram`"), "{}", hint(false));
        assert!(hint(true).starts_with("with ZooKeeper there are none; in KRaft mode"), "{}", hint(true));
    }

    #[test]
    fn a_password_is_one_line() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("password");
        for (text, expected) in [
            ("secret", Some("secret")),
            ("secret\n", Some("secret")),
            ("secret \r\n", Some("secret ")),
            ("a\nb\n", None),
            ("\n", None),
            ("a\0b\n", None),
            ("x", Some("x")),
        ] {
            std::fs::write(&path, text).expect("a file");
            let password = from_file(&path).ok();
            assert_eq!(password.as_ref().map(ExposeSecret::expose_secret), expected, "{text:?}");
        }
    }
}
