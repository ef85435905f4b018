//! Java's own store (JKS), keytool's default before Java 9. Its one specification is
//! `sun.security.provider.JavaKeyStore`, and of its way to hide keys `sun.security.provider.KeyProtector`.

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use x509_parser::der_parser::der::parse_der;

use super::{Contents, Key, Passwords, StoreError};

const PRIVATE_KEY: u32 = 1;
const TRUSTED: u32 = 2;
const DIGEST: usize = 20;
/// Goes into the digest of the whole.
const WHITENER: &[u8] = b"Mighty Aphrodite";

/// Reads a store. Without a password its digest is not checked, as in Java.
pub(super) fn open(bytes: &[u8], passwords: &Passwords<'_>) -> Result<Contents, StoreError> {
    let (body, digest) = bytes.split_at_checked(bytes.len().saturating_sub(DIGEST)).ok_or_else(|| broken("cut off"))?;
    if let Some(password) = passwords.store
        && sha1(&[&utf16(password), WHITENER, body]) != digest
    {
        return Err(StoreError::Password);
    }
    let mut rest = Bytes(body.get(4..).unwrap_or_default());
    let version = rest.number()?;
    let mut contents = Contents::default();
    for _ in 0..rest.number()? {
        let kind = rest.number()?;
        let alias = rest.text()?;
        rest.take(8)?;
        match kind {
            TRUSTED => contents.trusted.push(rest.certificate(version)?),
            PRIVATE_KEY => {
                let hidden = rest.long()?;
                let chain = (0..rest.number()?).map(|_| rest.certificate(version)).collect::<Result<_, _>>()?;
                if contents.key.is_none()
                    && let Some(password) = passwords.key
                {
                    contents.key = Some(Key { alias, pkcs8: shown(hidden, password)?.into(), chain });
                }
            }
            other => return Err(broken(&format!("an entry of the unknown kind {other}"))),
        }
    }
    Ok(contents)
}

struct Bytes<'b>(&'b [u8]);

impl<'b> Bytes<'b> {
    fn take(&mut self, length: usize) -> Result<&'b [u8], StoreError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(|| broken("cut off"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u32, StoreError> {
        Ok(self.take(4)?.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    /// What stands behind its length.
    fn long(&mut self) -> Result<&'b [u8], StoreError> {
        let length = self.number()? as usize;
        self.take(length)
    }

    /// Java's UTF-8, behind its length in two bytes.
    fn text(&mut self) -> Result<String, StoreError> {
        let length = self.take(2)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        Ok(String::from_utf8_lossy(self.take(length)?).into_owned())
    }

    fn certificate(&mut self, version: u32) -> Result<Vec<u8>, StoreError> {
        if version > 1 {
            self.text()?;
        }
        Ok(self.long()?.to_vec())
    }
}

/// The key (PKCS#8) of an `EncryptedPrivateKeyInfo` of Java's own algorithm: a salt, the key under a chain of
/// digests, and a digest to tell whether the password was right.
fn shown(hidden: &[u8], password: &str) -> Result<Vec<u8>, StoreError> {
    let no_key = || broken("a key that is none");
    let (_, info) = parse_der(hidden).map_err(|_| no_key())?;
    let fields = info.as_sequence().map_err(|_| no_key())?;
    let data = fields.get(1).and_then(|data| data.as_slice().ok()).ok_or_else(no_key)?;
    let (salt, rest) = data.split_at_checked(DIGEST).ok_or_else(no_key)?;
    let (masked, digest) = rest.split_at_checked(rest.len().saturating_sub(DIGEST)).ok_or_else(no_key)?;
    let password = utf16(password);
    let mut link = salt.to_vec();
    let mut key = Vec::with_capacity(masked.len());
    for part in masked.chunks(DIGEST) {
        link = sha1(&[&password, &link]);
        key.extend(part.iter().zip(&link).map(|(byte, mask)| byte ^ mask));
    }
    if sha1(&[&password, &key]) == digest { Ok(key) } else { Err(StoreError::KeyPassword) }
}

fn sha1(parts: &[&[u8]]) -> Vec<u8> {
    let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    for part in parts {
        context.update(part);
    }
    context.finish().as_ref().to_vec()
}

fn utf16(password: &str) -> Vec<u8> {
    password.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

fn broken(reason: &str) -> StoreError {
    StoreError::Broken(reason.to_owned())
}
