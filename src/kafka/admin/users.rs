//! DescribeUserScramCredentials (50), AlterUserScramCredentials (51): users that log in by SCRAM (KIP-554).

use std::fmt;
use std::num::NonZeroU32;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::alter_user_scram_credentials_request::{
    ScramCredentialDeletion, ScramCredentialUpsertion,
};
use kafka_protocol::messages::alter_user_scram_credentials_response::AlterUserScramCredentialsResult;
use kafka_protocol::messages::describe_user_scram_credentials_request::UserName;
use kafka_protocol::messages::{AlterUserScramCredentialsRequest, DescribeUserScramCredentialsRequest};
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::SecretString;
use serde::Serialize;

use super::acls::Operation;
use super::text;
use crate::kafka::security::scram::{Hash, MIN_ITERATIONS};
use crate::kafka::{Cluster, Error, ErrorCode, Result};

/// As long as the hash's own blocks need; Kafka's tools take 24 to 32 bytes.
const SALT: usize = 32;

/// How often a password of ours is hashed: random ones need no more than Kafka asks for.
pub const ITERATIONS: NonZeroU32 = NonZeroU32::MIN.saturating_add(MIN_ITERATIONS - 1);

/// A SCRAM mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScramMechanism(pub Hash);

impl ScramMechanism {
    fn wire(self) -> i8 {
        match self.0 {
            Hash::Sha256 => 1,
            Hash::Sha512 => 2,
        }
    }
}

impl fmt::Display for ScramMechanism {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.0 {
            Hash::Sha256 => "SCRAM-SHA-256",
            Hash::Sha512 => "SCRAM-SHA-512",
        })
    }
}

impl Serialize for ScramMechanism {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A user, as far as Kafka tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Its name; its principal is `User:<name>`.
    pub name: String,
    /// How it can log in.
    pub credentials: Vec<ScramCredential>,
}

/// A way to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScramCredential {
    /// By which mechanism.
    pub mechanism: ScramMechanism,
    /// How often the password is hashed.
    pub iterations: i32,
}

/// The users of these names, or all; names without a user are left out. One round trip.
pub async fn describe(cluster: &Cluster, names: Option<&[String]>) -> Result<Vec<User>> {
    // None means all, and so does null; but to a null Kafka 4.3.1 never answers who is not allowed to ask: it
    // stumbles over it while it writes the refusal.
    let users = names.unwrap_or_default().iter().map(|name| UserName::default().with_name(text(name))).collect();
    let response = cluster.any(&DescribeUserScramCredentialsRequest::default().with_users(Some(users))).await?;
    checked(response.error_code, "the users", response.error_message.as_deref(), Operation::Describe)?;
    let mut users = Vec::new();
    for row in response.results {
        let name = row.user.to_string();
        if ErrorCode(row.error_code).is(ResponseError::ResourceNotFound) {
            continue;
        }
        checked(row.error_code, &subject(&name), row.error_message.as_deref(), Operation::Describe)?;
        let credentials = row.credential_infos.iter().filter_map(|info| {
            let known = [ScramMechanism(Hash::Sha256), ScramMechanism(Hash::Sha512)];
            let mechanism = known.into_iter().find(|mechanism| mechanism.wire() == info.mechanism)?;
            Some(ScramCredential { mechanism, iterations: info.iterations })
        });
        users.push(User { credentials: credentials.collect(), name });
    }
    users.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(users)
}

/// Gives a user a password, which makes the user if there is none. Kafka gets only its salted hash.
pub async fn set_password(
    cluster: &Cluster,
    name: &str,
    mechanism: ScramMechanism,
    iterations: NonZeroU32,
    password: &SecretString,
) -> Result<()> {
    let mut salt = [0; SALT];
    SystemRandom::new().fill(&mut salt).map_err(|_| Error::Malformed {
        to: "this computer".to_owned(),
        api: "a request for random numbers".to_owned(),
        reason: "it has none".to_owned(),
    })?;
    let salted = mechanism.0.salted_password(password, &salt, iterations);
    let upsertion = ScramCredentialUpsertion::default()
        .with_name(text(name))
        .with_mechanism(mechanism.wire())
        .with_iterations(i32::try_from(iterations.get()).unwrap_or(i32::MAX))
        .with_salt(salt.to_vec().into())
        .with_salted_password(salted.into());
    let request = AlterUserScramCredentialsRequest::default().with_upsertions(vec![upsertion]);
    cluster.controller(&request).await?.results.iter().try_for_each(outcome)
}

/// Takes every way to log in away from a user, and thereby the user.
pub async fn delete(cluster: &Cluster, user: &User) -> Result<()> {
    let deletions = user.credentials.iter().map(|credential| {
        ScramCredentialDeletion::default().with_name(text(&user.name)).with_mechanism(credential.mechanism.wire())
    });
    let request = AlterUserScramCredentialsRequest::default().with_deletions(deletions.collect());
    cluster.controller(&request).await?.results.iter().try_for_each(outcome)
}

fn outcome(row: &AlterUserScramCredentialsResult) -> Result<()> {
    checked(row.error_code, &subject(&row.user), row.error_message.as_deref(), Operation::Alter)
}

fn subject(name: &str) -> String {
    format!("user \"{name}\"")
}

fn checked(code: i16, subject: &str, message: Option<&str>, operation: Operation) -> Result<()> {
    ErrorCode::check(code, subject, message).map_err(|error| error.needing(operation))
}
