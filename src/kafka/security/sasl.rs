//! Logging in: SaslHandshake (17) and SaslAuthenticate (36), before anything else is sent.
//!
//! In plain text the handshake and the first message go out together, so PLAIN takes one round trip and SCRAM
//! two. Within TLS each goes alone, which costs one more: a broker that has decrypted the second message with the
//! first does not look at it until the next poll of its sockets, 300 ms later (Kafka 4.3.1, `Selector.poll`:
//! authentication is no "read progress").

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::{Buf, Bytes};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use kafka_protocol::protocol::{Decodable, StrBytes};
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::scram::{Conversation, Hash};
use crate::kafka::ErrorCode;
use crate::kafka::frame::{StreamEnd, encode, read_frame};

/// Known to every Kafka since 1.0, and what tells the broker to expect SaslAuthenticate.
const HANDSHAKE_VERSION: i16 = 1;
/// Known to every Kafka since 2.2; tells how long the session lasts (KIP-368).
const AUTHENTICATE_VERSION: i16 = 1;

/// A way to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// The password as it is.
    Plain,
    /// SCRAM-SHA-256 or SCRAM-SHA-512.
    Scram(Hash),
}

impl Mechanism {
    /// From `sasl.mechanism`; `None` for what is not spoken here.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "PLAIN" => Some(Self::Plain),
            "SCRAM-SHA-256" => Some(Self::Scram(Hash::Sha256)),
            "SCRAM-SHA-512" => Some(Self::Scram(Hash::Sha512)),
            _ => None,
        }
    }

    /// Its name in the protocol.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Scram(Hash::Sha256) => "SCRAM-SHA-256",
            Self::Scram(Hash::Sha512) => "SCRAM-SHA-512",
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Who logs in, and how. Its `Debug` does not show the password.
#[derive(Debug, Clone)]
pub struct Sasl {
    /// How.
    pub mechanism: Mechanism,
    /// Who.
    pub username: String,
    /// With what.
    pub password: SecretString,
}

/// Whether the handshake and the first message go out together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// They do.
    Together,
    /// The first message waits for the answer to the handshake.
    OneByOne,
}

/// Why nobody is logged in.
#[derive(Debug)]
pub(super) enum SaslError {
    /// The stream broke.
    Stream(StreamEnd),
    /// The mechanism is not enabled; these are.
    Mechanism(Vec<String>),
    /// The listener does not use SASL.
    NotHere,
    /// Wrong name or password.
    Denied,
    /// Kafka's code for anything else.
    Code(ErrorCode, Option<String>),
    /// The server does not behave; why.
    Server(String),
}

impl From<StreamEnd> for SaslError {
    fn from(end: StreamEnd) -> Self {
        Self::Stream(end)
    }
}

impl Sasl {
    /// Logs in on a fresh stream; how long the session lasts, if it ends.
    pub(super) async fn log_in<S>(&self, stream: &mut S, pace: Pace) -> Result<Option<Duration>, SaslError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let lifetime_ms = match self.mechanism {
            Mechanism::Plain => {
                let password = self.password.expose_secret();
                let first = format!("\0{}\0{password}", self.username);
                self.begin(stream, first, pace).await?.session_lifetime_ms
            }
            Mechanism::Scram(hash) => {
                let ours = Conversation::new(hash, &self.username, self.password.clone(), nonce()?);
                let answer = self.begin(stream, ours.first(), pace).await?;
                let (last, proof) = ours.last(&text(&answer)?).map_err(SaslError::Server)?;
                write(stream, &authenticate(last, 2)?).await?;
                let answer = authenticated(stream).await?;
                proof.check(&text(&answer)?).map_err(SaslError::Server)?;
                answer.session_lifetime_ms
            }
        };
        Ok(u64::try_from(lifetime_ms).ok().filter(|lifetime| *lifetime > 0).map(Duration::from_millis))
    }

    /// Names the mechanism and sends the first message.
    async fn begin<S>(&self, stream: &mut S, first: String, pace: Pace) -> Result<SaslAuthenticateResponse, SaslError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let handshake =
            SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str(self.mechanism.name()));
        let mut frames = encode(&handshake, HANDSHAKE_VERSION, 0).map_err(SaslError::Server)?.to_vec();
        let first = authenticate(first, 1)?;
        if pace == Pace::Together {
            frames.extend_from_slice(&first);
        }
        write(stream, &frames).await?;
        let answer: SaslHandshakeResponse = decode(read_frame(stream).await?, HANDSHAKE_VERSION)?;
        match ErrorCode::from_response(answer.error_code) {
            None => {
                if pace == Pace::OneByOne {
                    write(stream, &first).await?;
                }
                authenticated(stream).await
            }
            Some(code) if code.is(ResponseError::UnsupportedSaslMechanism) => {
                Err(SaslError::Mechanism(answer.mechanisms.iter().map(ToString::to_string).collect()))
            }
            Some(code) if code.is(ResponseError::IllegalSaslState) => Err(SaslError::NotHere),
            Some(code) => Err(SaslError::Code(code, None)),
        }
    }
}

async fn authenticated<S: AsyncRead + Unpin>(stream: &mut S) -> Result<SaslAuthenticateResponse, SaslError> {
    let answer: SaslAuthenticateResponse = decode(read_frame(stream).await?, AUTHENTICATE_VERSION)?;
    match ErrorCode::from_response(answer.error_code) {
        None => Ok(answer),
        Some(code) if code.is(ResponseError::SaslAuthenticationFailed) => Err(SaslError::Denied),
        Some(code) => Err(SaslError::Code(code, answer.error_message.map(|message| message.to_string()))),
    }
}

fn authenticate(message: String, correlation: i32) -> Result<Bytes, SaslError> {
    let request = SaslAuthenticateRequest::default().with_auth_bytes(message.into_bytes().into());
    encode(&request, AUTHENTICATE_VERSION, correlation).map_err(SaslError::Server)
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, frame: &[u8]) -> Result<(), SaslError> {
    let written = async {
        stream.write_all(frame).await?;
        stream.flush().await
    };
    written.await.map_err(|error| SaslError::Stream(StreamEnd::from(&error)))
}

/// The answer behind its header, which is a correlation id in the versions that are used here.
fn decode<R: Decodable>(mut frame: Bytes, version: i16) -> Result<R, SaslError> {
    frame.advance(4);
    R::decode(&mut frame, version).map_err(|error| SaslError::Server(format!("its answer is not Kafka's: {error}")))
}

fn text(answer: &SaslAuthenticateResponse) -> Result<String, SaslError> {
    String::from_utf8(answer.auth_bytes.to_vec())
        .map_err(|_| SaslError::Server("its SCRAM message is no text".to_owned()))
}

fn nonce() -> Result<String, SaslError> {
    let mut random = [0; 24];
    SystemRandom::new()
        .fill(&mut random)
        .map_err(|_| SaslError::Server("this computer gives no random numbers".to_owned()))?;
    Ok(STANDARD_NO_PAD.encode(random))
}
