//! Where a user's new password comes from, and how it is hashed.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use secrecy::{ExposeSecret, SecretString};

use crate::commands::securing;
use crate::error::CommandError;
use crate::k8s::Kubernetes;
use crate::k8s::credentials;
use crate::k8s::names::secret_name;
use crate::kafka::admin::users::ScramMechanism;
use crate::kafka::security::scram::{Hash, MIN_ITERATIONS};

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

    pub(super) fn iterations(&self) -> NonZeroU32 {
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

#[cfg(test)]
mod tests {
    use super::*;

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
