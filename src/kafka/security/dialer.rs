//! A dialer around a dialer: what it hands out is encrypted and logged in.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use kafka_protocol::messages::{SaslHandshakeRequest, SaslHandshakeResponse};
use kafka_protocol::protocol::Decodable;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio_rustls::client::TlsStream;

use super::Security;
use super::sasl::{Pace, Sasl, SaslError};
use super::tls::Tls;
use super::tls_words::{self, Ours};
use crate::kafka::frame::{StreamEnd, encode, read_frame};
use crate::kafka::{BoxStream, Connection, DialError, DialReason, Dialer, Target};

/// TLS and SASL take four round trips at most, and a broker's hash of a password some milliseconds; 15 s means
/// that the broker hangs.
const SECURE_WITHIN: Duration = Duration::from_secs(15);
/// A second look at a listener that hung up: whatever answers does so at once.
const PROBE_WITHIN: Duration = Duration::from_secs(5);

/// Secures every stream of another dialer.
pub struct SecureDialer {
    inner: Arc<dyn Dialer>,
    security: Security,
}

impl SecureDialer {
    /// Around a dialer.
    pub fn new(inner: Arc<dyn Dialer>, security: Security) -> Self {
        Self { inner, security }
    }

    async fn secure(
        &self,
        target: &Target,
        stream: BoxStream,
        host: Option<String>,
    ) -> Result<(BoxStream, Option<String>), DialError> {
        let who = match (target, &host) {
            (Target::Bootstrap, Some(host)) => format!("the broker at {host}"),
            _ => target.to_string(),
        };
        let stream = match &self.security.tls {
            None => stream,
            Some(tls) => self.encrypt(tls, target, stream, host.as_deref(), &who).await?,
        };
        match &self.security.sasl {
            None => Ok((stream, host)),
            Some(sasl) => Ok((self.log_in(sasl, stream, &who).await?, host)),
        }
    }

    async fn encrypt(
        &self,
        tls: &Tls,
        target: &Target,
        stream: BoxStream,
        host: Option<&str>,
        who: &str,
    ) -> Result<BoxStream, DialError> {
        // Without a check the name is only what the broker may choose its certificate by.
        let host = match host {
            Some(host) => host,
            None if !tls.checks_hosts() => "kafka",
            None => {
                return Err(refused(
                    format!("it is not known which host the certificate of {who} must be for"),
                    "the pod has no name of its own (hostname and subdomain); name its address with --bootstrap-server",
                ));
            }
        };
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| DialError::new(DialReason::Refusal, format!("{who}: \"{host}\" is no name of a host")))?;
        match tls.handshake(stream, name).await {
            Ok(stream) => {
                let version = stream.get_ref().1.protocol_version();
                tracing::debug!(host, ?version, "TLS");
                let explain = Explain { who: who.to_owned(), ours: self.ours(tls) };
                Ok(Box::new(Explained { stream, explain }))
            }
            Err(error) => Err(self.not_encrypted(tls, target, &error, who).await),
        }
    }

    async fn not_encrypted(&self, tls: &Tls, target: &Target, error: &io::Error, who: &str) -> DialError {
        let fault = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(refusal) = fault.and_then(|fault| tls_words::refusal(fault, &self.ours(tls))) {
            return DialError {
                reason: DialReason::Refusal,
                message: format!("{who}: {}", refusal.message),
                hint: refusal.hint,
            };
        }
        // Kafka hangs up on what it does not understand, and says no word. Whether it is the encryption can be
        // found out: without it, it answers.
        let hung_up = fault.is_some() || error.kind() == io::ErrorKind::UnexpectedEof;
        if hung_up && speaks_plain_text(self.inner.as_ref(), target).await {
            return refused(
                format!("the listener of {who} does not use TLS, and TLS was spoken"),
                format!("correct {}: its security.protocol is PLAINTEXT or SASL_PLAINTEXT", self.security.source),
            );
        }
        let reason = if hung_up { "closed by the other side".to_owned() } else { error.to_string() };
        DialError::new(DialReason::Refused, format!("the TLS handshake with {who} was cut: {reason}"))
    }

    fn ours(&self, tls: &Tls) -> Ours {
        let source = self.security.source.clone();
        Ours { source, has_key_pair: tls.has_key_pair(), trusts_system: tls.trusts_system() }
    }

    async fn log_in(&self, sasl: &Sasl, mut stream: BoxStream, who: &str) -> Result<BoxStream, DialError> {
        let pace = if self.security.tls.is_some() { Pace::OneByOne } else { Pace::Together };
        match sasl.log_in(&mut stream, pace).await {
            Ok(lifetime) => {
                let mechanism = sasl.mechanism.name();
                tracing::info!(who, user = sasl.username, mechanism, "logged in");
                if let Some(lifetime) = lifetime {
                    // Kafka ends the connection then, and whoever needs one opens the next.
                    let seconds = lifetime.as_secs();
                    tracing::info!(who, seconds, "the broker ends this session after (KIP-368)");
                }
                Ok(stream)
            }
            Err(error) => Err(self.not_logged_in(sasl, error, who)),
        }
    }

    fn not_logged_in(&self, sasl: &Sasl, error: SaslError, who: &str) -> DialError {
        let (user, mechanism, source) = (&sasl.username, sasl.mechanism, &self.security.source);
        match error {
            SaslError::Stream(StreamEnd { refusal: Some(refusal), .. }) => refusal,
            SaslError::Stream(end) => {
                DialError::new(DialReason::Refused, format!("{who} hung up while logging in: {}", end.reason))
            }
            SaslError::Mechanism(enabled) => refused(
                format!(
                    "{who} does not have SASL mechanism {mechanism}; it has {}",
                    if enabled.is_empty() { "none".to_owned() } else { enabled.join(", ") }
                ),
                format!("correct sasl.mechanism in {source}"),
            ),
            SaslError::NotHere => refused(
                format!("the listener of {who} does not use SASL, and {source} says to log in"),
                format!("correct {source}: its security.protocol is PLAINTEXT or SSL"),
            ),
            SaslError::Denied => denied(
                format!("{who} does not know user \"{user}\" or its password is another ({mechanism}, {source})"),
                if source.starts_with("Secret ") {
                    format!("make a new password with `kubectl kafka users rotate {user}`")
                } else {
                    format!("correct sasl.jaas.config in {source}")
                },
            ),
            SaslError::Code(code, message) => DialError::new(
                DialReason::Refusal,
                format!(
                    "{who} does not log in user \"{user}\": {} ({code})",
                    message.as_deref().unwrap_or(code.words())
                ),
            ),
            SaslError::Server(reason) => refused(
                format!("{who} is not to be trusted with a login by {mechanism}: {reason}"),
                "is it really your Kafka?",
            ),
        }
    }
}

impl Dialer for SecureDialer {
    fn dial<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<BoxStream, DialError>> {
        self.dial_host(target).map(|dialled| dialled.map(|(stream, _)| stream)).boxed()
    }

    fn dial_host<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<(BoxStream, Option<String>), DialError>> {
        async move {
            let (stream, host) = self.inner.dial_host(target).await?;
            match tokio::time::timeout(SECURE_WITHIN, self.secure(target, stream, host)).await {
                Ok(outcome) => outcome,
                Err(_) => Err(DialError::new(
                    DialReason::TimedOut,
                    format!("{target} did not finish the TLS and SASL handshakes within {} s", SECURE_WITHIN.as_secs()),
                )),
            }
        }
        .boxed()
    }
}

fn refused(message: impl Into<String>, hint: impl Into<String>) -> DialError {
    DialError { reason: DialReason::Refusal, message: message.into(), hint: Some(hint.into()) }
}

fn denied(message: impl Into<String>, hint: impl Into<String>) -> DialError {
    DialError { reason: DialReason::Denied, ..refused(message, hint) }
}

async fn speaks_plain_text(dialer: &dyn Dialer, target: &Target) -> bool {
    let Ok(stream) = dialer.dial(target).await else { return false };
    Connection::open(stream, "", PROBE_WITHIN).await.is_ok()
}

/// The mechanisms that a listener offers, asked for without a login; `None`: it does not tell, as one that wants no
/// login does not. One round trip.
pub async fn mechanisms(dialer: &dyn Dialer, target: &Target) -> Option<Vec<String>> {
    let asked = async {
        let mut stream = dialer.dial(target).await.ok()?;
        let request = encode(&SaslHandshakeRequest::default(), 1, 0).ok()?;
        stream.write_all(&request).await.ok()?;
        stream.flush().await.ok()?;
        let frame = read_frame(&mut stream).await.ok()?;
        SaslHandshakeResponse::decode(&mut frame.slice(4..), 1).ok()
    };
    let answer = tokio::time::timeout(PROBE_WITHIN, asked).await.ok()??;
    let mechanisms: Vec<String> = answer.mechanisms.iter().map(ToString::to_string).collect();
    (!mechanisms.is_empty()).then_some(mechanisms)
}

/// Whether a listener wants a login, and none was given. Kafka hangs up without a word on the first request that
/// needs one; asked for its mechanisms, it tells them.
pub async fn wants_login(dialer: &dyn Dialer, target: &Target) -> Option<DialError> {
    let mechanisms = mechanisms(dialer, target).await?;
    Some(denied(
        format!("the listener of {target} wants a login ({}), and there is none", mechanisms.join(", ")),
        "name a user with --kafka-user, or a file of client properties with --command-config",
    ))
}

/// What an error of the stream is told with.
struct Explain {
    who: String,
    ours: Ours,
}

impl Explain {
    /// With TLS 1.3 a broker judges our certificate when we take the handshake for done: its alert is read later.
    fn error(&self, error: io::Error) -> io::Error {
        let fault = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match fault.and_then(|fault| tls_words::refusal(fault, &self.ours)) {
            None => error,
            Some(refusal) => io::Error::other(DialError {
                reason: DialReason::Refusal,
                message: format!("{}: {}", self.who, refusal.message),
                hint: refusal.hint,
            }),
        }
    }
}

/// An encrypted stream whose errors can be understood.
struct Explained {
    stream: TlsStream<BoxStream>,
    explain: Explain,
}

impl AsyncRead for Explained {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer).map_err(|error| self.explain.error(error))
    }
}

impl AsyncWrite for Explained {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
