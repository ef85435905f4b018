//! ZooKeeper's four-letter words: one question, one text, and the server closes the connection.
//!
//! Knows nothing of Kubernetes, of Kafka or of the terminal. `srvr` is the only word that is asked: it says
//! which part a server plays, and the wider `mntr` costs more and says nothing else that a person needs.

use std::time::Duration;

use serde::Serialize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// An answer to `srvr` has some 250 bytes; whatever sends more is no ZooKeeper.
const LONGEST_ANSWER: u64 = 64 * 1024;

/// `srvr` is answered from memory, in milliseconds: a server that takes longer than this does not serve.
const PATIENCE: Duration = Duration::from_secs(5);

/// The part that a server plays in its ensemble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// Orders all writes.
    Leader,
    /// Votes, and serves reads.
    Follower,
    /// Serves reads, and has no vote.
    Observer,
    /// The only server of all.
    Standalone,
}

impl Mode {
    /// As `srvr` says it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Follower => "follower",
            Self::Observer => "observer",
            Self::Standalone => "standalone",
        }
    }

    /// Whether writes go through this server.
    pub fn leads(self) -> bool {
        matches!(self, Self::Leader | Self::Standalone)
    }
}

/// What `srvr` tells.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Server {
    /// ZooKeeper's version, without the commit that it was built from.
    pub version: Option<String>,
    /// The part that it plays.
    pub mode: Mode,
    /// The newest transaction that it knows: 32 bits of the leader's epoch and 32 bits of a count, in hex.
    pub zxid: String,
    /// Connections of clients, this question's among them.
    pub connections: Option<u32>,
    /// How long requests took, in milliseconds, since the server started.
    pub latency_ms: Option<Latency>,
    /// Requests that wait.
    pub outstanding: Option<u64>,
}

/// Milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    /// The fastest request.
    pub min: f64,
    /// The mean.
    pub average: f64,
    /// The slowest request.
    pub max: f64,
}

/// Why there is no [`Server`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It runs, and is in no quorum.
    #[error("it serves nobody: it is in no quorum")]
    NotServing,
    /// The server was told not to answer.
    #[error("it may not answer srvr: its 4lw.commands.whitelist leaves the word out")]
    NotAllowed,
    /// Something else answers on that port.
    #[error("it does not answer as ZooKeeper does: {0}")]
    Unknown(String),
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Lost(String),
    /// No answer in time.
    #[error("it did not answer within {} s", PATIENCE.as_secs())]
    TimedOut,
}

/// Asks a server on a fresh stream, which it closes.
pub async fn ask(stream: impl AsyncRead + AsyncWrite + Unpin) -> Result<Server, Error> {
    ask_within(stream, PATIENCE).await
}

async fn ask_within(stream: impl AsyncRead + AsyncWrite + Unpin, patience: Duration) -> Result<Server, Error> {
    let asked = tokio::time::timeout(patience, exchange(stream)).await.map_err(|_| Error::TimedOut)?;
    parse(&asked.map_err(|error| Error::Lost(error.to_string()))?)
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> std::io::Result<String> {
    stream.write_all(b"srvr").await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    let read = stream.take(LONGEST_ANSWER).read_to_end(&mut answer).await;
    // Some tunnels end with an error where the server just hung up; what it said before counts.
    match read {
        Err(error) if answer.is_empty() => Err(error),
        _ => Ok(String::from_utf8_lossy(&answer).into_owned()),
    }
}

/// Reads the answer to `srvr`.
fn parse(answer: &str) -> Result<Server, Error> {
    if answer.contains("not currently serving requests") {
        return Err(Error::NotServing);
    }
    if answer.contains("is not executed because it is not in the whitelist") {
        return Err(Error::NotAllowed);
    }
    let value = |key: &str| {
        answer
            .lines()
            .find_map(|line| line.split_once(": ").filter(|(name, _)| *name == key))
            .map(|(_, value)| value.trim())
    };
    let (Some(mode), Some(zxid)) = (value("Mode").and_then(mode), value("Zxid")) else {
        let first = answer.lines().next().unwrap_or("the connection ended without a word");
        return Err(Error::Unknown(first.chars().take(100).collect()));
    };
    Ok(Server {
        version: value("Zookeeper version").and_then(|version| Some(version.split(['-', ',']).next()?.to_owned())),
        mode,
        zxid: zxid.to_owned(),
        connections: value("Connections").and_then(|count| count.parse().ok()),
        latency_ms: value("Latency min/avg/max").and_then(latency),
        outstanding: value("Outstanding").and_then(|count| count.parse().ok()),
    })
}

fn mode(word: &str) -> Option<Mode> {
    [Mode::Leader, Mode::Follower, Mode::Observer, Mode::Standalone].into_iter().find(|mode| mode.word() == word)
}

fn latency(text: &str) -> Option<Latency> {
    let mut parts = text.split('/').map(|part| part.parse::<f64>().ok());
    Some(Latency { min: parts.next()??, average: parts.next()??, max: parts.next()?? })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As ZooKeeper 3.9.5 writes it.
    const LEADER: &str = "Zookeeper version: 3.9.5-293c895a8d966a3ecb92872be4a1daf87d725da2, built on 2026-02-11 20:18 UTC\n\
        Latency min/avg/max: 0/2.5278/16\nReceived: 73\nSent: 74\nConnections: 2\nOutstanding: 0\nZxid: 0x100000020\n\
        Mode: leader\nNode count: 29\nProposal sizes last/min/max: 48/48/512\n";

    #[tokio::test]
    async fn a_server_is_asked_and_hangs_up() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let server = tokio::spawn(async move {
            let mut word = [0; 4];
            theirs.read_exact(&mut word).await.expect("a word");
            theirs.write_all(LEADER.as_bytes()).await.expect("a reader");
            word
        });
        let told = ask(ours).await.expect("an answer");
        assert_eq!(&server.await.expect("no panic"), b"srvr");
        assert_eq!((told.mode, told.zxid.as_str(), told.connections), (Mode::Leader, "0x100000020", Some(2)));
        assert_eq!(told.version.as_deref(), Some("3.9.5"));
        assert_eq!(told.latency_ms, Some(Latency { min: 0.0, average: 2.5278, max: 16.0 }));
        assert_eq!(told.outstanding, Some(0));
    }

    #[test]
    fn a_server_that_does_not_serve_says_why() {
        for (answer, error) in [
            ("This ZooKeeper instance is not currently serving requests\n", Error::NotServing),
            ("srvr is not executed because it is not in the whitelist.\n", Error::NotAllowed),
            ("HTTP/1.1 400 Bad Request\r\n\r\n", Error::Unknown("HTTP/1.1 400 Bad Request".into())),
            ("", Error::Unknown("the connection ended without a word".into())),
        ] {
            assert_eq!(parse(answer), Err(error), "{answer}");
        }
        assert!(!parse(&LEADER.replace("leader", "follower")).expect("an answer").mode.leads());
    }

    #[tokio::test]
    async fn a_server_that_hangs_is_not_waited_for_forever() {
        let (ours, _theirs) = tokio::io::duplex(64);
        assert_eq!(ask_within(ours, Duration::from_millis(10)).await, Err(Error::TimedOut));
    }
}
