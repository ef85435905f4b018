//! SCRAM (RFC 5802, RFC 7677, and SHA-512 as Kafka has it), pure: messages in, messages out.
//!
//! Passwords are taken as their UTF-8 bytes, without SASLprep, because Kafka does so too.

use std::num::NonZeroU32;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::{digest, hmac, pbkdf2};
use secrecy::{ExposeSecret, SecretString};

/// The fewest rounds that RFC 7677 and Kafka allow. A server that asks for fewer wants the password cheaply.
pub const MIN_ITERATIONS: u32 = 4096;
/// Kafka's own tools refuse more than 16,384. A million takes half a second; beyond that a server only wastes
/// our time.
const MAX_ITERATIONS: u32 = 1_000_000;

/// The hash of a mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hash {
    /// SCRAM-SHA-256
    Sha256,
    /// SCRAM-SHA-512
    Sha512,
}

impl Hash {
    fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha512 => hmac::HMAC_SHA512,
        }
    }

    fn digest(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha512 => &digest::SHA512,
        }
    }

    fn pbkdf2(self) -> pbkdf2::Algorithm {
        match self {
            Self::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Self::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        }
    }

    /// `Hi(password, salt, iterations)`: what the mechanism works with instead of the password.
    pub fn salted_password(self, password: &SecretString, salt: &[u8], iterations: NonZeroU32) -> Vec<u8> {
        let mut salted = vec![0; self.digest().output_len()];
        pbkdf2::derive(self.pbkdf2(), iterations, salt, password.expose_secret().as_bytes(), &mut salted);
        salted
    }
}

/// A conversation that has begun.
pub struct Conversation {
    hash: Hash,
    password: SecretString,
    nonce: String,
    first_bare: String,
}

/// What is left to do: the server must prove that it knows the password as well.
pub struct Proof {
    server_key: hmac::Key,
    signed: String,
}

impl Conversation {
    /// Begins with a nonce of printable characters other than a comma.
    pub fn new(hash: Hash, username: &str, password: SecretString, nonce: String) -> Self {
        let name = username.replace('=', "=3D").replace(',', "=2C");
        let first_bare = format!("n={name},r={nonce}");
        Self { hash, password, nonce, first_bare }
    }

    /// The client's first message: no channel binding, nobody to impersonate.
    pub fn first(&self) -> String {
        format!("n,,{}", self.first_bare)
    }

    /// The client's last message, from the server's first.
    ///
    /// # Errors
    /// What is wrong with the server's message.
    pub fn last(&self, server_first: &str) -> Result<(String, Proof), String> {
        let attribute = |key: &str| server_first.split(',').find_map(|part| part.strip_prefix(key)?.strip_prefix('='));
        if let Some(error) = attribute("e") {
            return Err(format!("it says \"{error}\""));
        }
        let nonce = attribute("r").ok_or("its first message has no nonce")?;
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err("its nonce does not continue ours".to_owned());
        }
        let salt = attribute("s").and_then(|salt| STANDARD.decode(salt).ok()).ok_or("its first message has no salt")?;
        let iterations: u32 = attribute("i")
            .and_then(|iterations| iterations.parse().ok())
            .ok_or("its first message has no number of iterations")?;
        let iterations = NonZeroU32::new(iterations)
            .filter(|count| (MIN_ITERATIONS..=MAX_ITERATIONS).contains(&count.get()))
            .ok_or_else(|| {
                format!("it asks for {iterations} iterations; {MIN_ITERATIONS} to {MAX_ITERATIONS} are accepted")
            })?;
        let salted = self.hash.salted_password(&self.password, &salt, iterations);
        Ok(self.prove(&salted, nonce, server_first))
    }

    fn prove(&self, salted: &[u8], nonce: &str, server_first: &str) -> (String, Proof) {
        let algorithm = self.hash.hmac();
        let salted = hmac::Key::new(algorithm, salted);
        let client_key = hmac::sign(&salted, b"Client Key");
        let stored_key = digest::digest(self.hash.digest(), client_key.as_ref());
        // `biws` is `n,,` in base64.
        let without_proof = format!("c=biws,r={nonce}");
        let signed = format!("{},{server_first},{without_proof}", self.first_bare);
        let signature = hmac::sign(&hmac::Key::new(algorithm, stored_key.as_ref()), signed.as_bytes());
        let proof: Vec<u8> =
            client_key.as_ref().iter().zip(signature.as_ref()).map(|(key, signature)| key ^ signature).collect();
        let server_key = hmac::Key::new(algorithm, hmac::sign(&salted, b"Server Key").as_ref());
        (format!("{without_proof},p={}", STANDARD.encode(proof)), Proof { server_key, signed })
    }
}

impl Proof {
    /// Checks the server's last message, in constant time.
    ///
    /// # Errors
    /// The server does not know the password, or says that ours is wrong.
    pub fn check(&self, server_last: &str) -> Result<(), String> {
        if let Some(error) = server_last.strip_prefix("e=") {
            return Err(format!("it says \"{error}\""));
        }
        let signature = server_last
            .strip_prefix("v=")
            .and_then(|value| STANDARD.decode(value.split(',').next()?).ok())
            .ok_or("its last message has no signature")?;
        hmac::verify(&self.server_key, self.signed.as_bytes(), &signature)
            .map_err(|_| "it could not prove that it knows the password".to_owned())
    }
}

#[cfg(test)]
impl Proof {
    /// What a server that knows the password says.
    pub(super) fn server_last(&self) -> String {
        format!("v={}", STANDARD.encode(hmac::sign(&self.server_key, self.signed.as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation(hash: Hash, name: &str, nonce: &str) -> Conversation {
        Conversation::new(hash, name, "pencil".to_owned().into(), nonce.to_owned())
    }

    /// RFC 7677, section 3.
    #[test]
    fn sha_256_as_in_the_rfc() {
        let ours = conversation(Hash::Sha256, "user", "rOprNGfwEbeRWgbNEkqO");
        assert_eq!(ours.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let server_first = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let (last, proof) = ours.last(server_first).expect("a message");
        assert_eq!(
            last,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        assert_eq!(proof.check("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="), Ok(()));
        let forged = proof.check("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=");
        assert!(forged.is_err());
    }

    /// The same conversation with the other hash, computed with Python's `hashlib` and `hmac`.
    #[test]
    fn sha_512_as_kafka_has_it() {
        let ours = conversation(Hash::Sha512, "user", "rOprNGfwEbeRWgbNEkqO");
        let server_first = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let (last, proof) = ours.last(server_first).expect("a message");
        assert_eq!(
            last.split(",p=").nth(1),
            Some("gMGXRcevScNtxZ6/8lQYpGtnsNAc3mGcmNomv+xnoOMw+3R2xNJdMNnzMlTN8PPC6wdp6dybEmDYXYTxwnYPJQ==")
        );
        assert_eq!(
            proof.check("v=ZQnYEgWQMFmmsM8aQMF0nDDCy/AgCzkwk8CmMZYcMg0vSVlKDanekLtifDSeVGT4+5ZxXnJq199RVG2rR7N7Zw=="),
            Ok(())
        );
    }

    #[test]
    fn names_are_escaped() {
        assert_eq!(conversation(Hash::Sha256, "a=b,c", "x").first(), "n,,n=a=3Db=2Cc,r=x");
    }

    #[test]
    fn a_server_that_cheats_is_refused() {
        let ours = conversation(Hash::Sha512, "user", "abc");
        for (server_first, reason) in [
            ("r=abcdef,s=AAAA,i=1", "1 iterations"),
            ("r=abcdef,s=AAAA,i=2000000000", "2000000000 iterations"),
            ("r=abc,s=AAAA,i=4096", "does not continue"),
            ("r=xyz,s=AAAA,i=4096", "does not continue"),
            ("r=abcdef,i=4096", "no salt"),
            ("e=other-error", "other-error"),
            ("", "no nonce"),
        ] {
            let refused = ours.last(server_first).err().unwrap_or_default();
            assert!(refused.contains(reason), "{server_first}: {refused}");
        }
    }
}
