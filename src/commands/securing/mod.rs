//! The Secrets of a secured cluster, for every command that reads or makes them.
//!
//! * `kept`: what is there.
//! * `secrets`: what an install writes: what is kept is used again, what is missing is made.
//! * `renewed`: what a renewal writes.
//! * `gone`: what is done when one of them is gone.

mod gone;
mod kept;
mod renewed;
mod secrets;

use secrecy::SecretString;

pub(super) use gone::{Admin, enter_by_certificate, refuse_without_authority};
pub(super) use kept::{Kept, login_by};
pub(super) use renewed::Renewed;
pub(super) use secrets::Secrets;

use crate::k8s::certificates::{Authority, Subject};
use crate::k8s::credentials::ClientCertificate;
use crate::k8s::names::ADMIN;

/// 24 random bytes make a password that nobody guesses.
const PASSWORD_BYTES: usize = 24;

/// A certificate that says who the admin is, where no password is asked for.
pub(super) fn client_certificate(authority: &Authority, days: u32) -> Result<ClientCertificate, String> {
    let issued = authority.issue(&Subject { common_name: ADMIN.to_owned(), names: Vec::new(), days })?;
    Ok(ClientCertificate { chain: issued.certificate, key: issued.key })
}

/// Letters and digits, so that it survives every configuration file and shell.
pub(super) fn password() -> Result<SecretString, String> {
    use base64::Engine;
    let mut bytes = [0; PASSWORD_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
    let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    Ok(text.replace('-', "x").replace('_', "y").into())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn passwords_need_no_quoting() {
        let password = password().expect("random bytes");
        assert_eq!(password.expose_secret().len(), 32);
        assert!(password.expose_secret().chars().all(|letter| letter.is_ascii_alphanumeric()));
    }
}
