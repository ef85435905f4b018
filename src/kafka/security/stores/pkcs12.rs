//! PKCS #12 (RFC 7292), keytool's default since Java 9, and what openssl writes.

use p12_keystore::error::Error;
use p12_keystore::{KeyStore, Pkcs12Archive, Pkcs12ImportPolicy};

use super::{Contents, Key, Passwords, StoreError};

/// Reads what is wanted of a store, once: making its keys of the password is meant to be slow. All of it is under one
/// password, as Java has it too.
pub(super) fn open(bytes: &[u8], passwords: &Passwords<'_>) -> Result<Contents, StoreError> {
    // What has no password has the empty one.
    let password = passwords.store.unwrap_or_default();
    let contents = if passwords.key.is_some() { key(bytes, password) } else { trusted(bytes, password) };
    contents.map_err(|error| fault(&error))
}

fn trusted(bytes: &[u8], password: &str) -> Result<Contents, Error> {
    let archive = Pkcs12Archive::from_pkcs12(bytes, password)?;
    // Java marks what it trusts; openssl marks nothing.
    let marked = archive.certs.iter().any(|bag| bag.trusted);
    let trusted = archive
        .certs
        .iter()
        .filter(|bag| bag.trusted || (!marked && bag.local_key_id.is_none()))
        .map(|bag| bag.cert.as_der().to_vec())
        .collect();
    Ok(Contents { trusted, key: None })
}

fn key(bytes: &[u8], password: &str) -> Result<Contents, Error> {
    let linked = KeyStore::from_pkcs12(bytes, password, Pkcs12ImportPolicy::Strict)?;
    let key = linked.private_key_chain().map(|(alias, chain)| Key {
        alias: alias.to_owned(),
        pkcs8: chain.key().as_der().to_vec().into(),
        chain: chain.certs().iter().map(|certificate| certificate.as_der().to_vec()).collect(),
    });
    Ok(Contents { trusted: Vec::new(), key })
}

fn fault(error: &Error) -> StoreError {
    match error {
        // What was decrypted by a wrong password is only noticed by its padding where there is no digest.
        Error::MacError(_) | Error::UnpadError | Error::Pkcs5Error(_) => StoreError::Password,
        other => StoreError::Broken(other.to_string().to_lowercase()),
    }
}
