//! Plain TCP, for `--bootstrap-server`.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::net::TcpStream;

use crate::error::CommandError;
use crate::kafka::{BoxStream, DialError, DialReason, Dialer, Endpoint, Target};

/// A TCP handshake takes one round trip; 10 s covers lost packets on the worst link.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Dials advertised addresses as they are.
pub struct TcpDialer {
    bootstrap: Vec<Endpoint>,
}

impl TcpDialer {
    /// Checks the `host:port` addresses.
    pub fn new(addresses: &[String]) -> Result<Self, CommandError> {
        let bootstrap = addresses.iter().map(|address| endpoint(address)).collect::<Result<_, _>>()?;
        Ok(Self { bootstrap })
    }
}

fn endpoint(address: &str) -> Result<Endpoint, CommandError> {
    let parsed = address.rsplit_once(':').and_then(|(host, port)| {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Some(Endpoint { host: host.to_owned(), port: port.parse().ok()? }).filter(|endpoint| !endpoint.host.is_empty())
    });
    parsed.ok_or_else(|| {
        CommandError::usage(format!("--bootstrap-server: \"{address}\" is no host:port"))
            .hinted("write for example kafka.example.com:9092")
    })
}

impl Dialer for TcpDialer {
    fn dial<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<BoxStream, DialError>> {
        self.dial_host(target).map(|dialled| dialled.map(|(stream, _)| stream)).boxed()
    }

    fn dial_host<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<(BoxStream, Option<String>), DialError>> {
        async move {
            let candidates = match target {
                Target::Bootstrap => self.bootstrap.as_slice(),
                Target::Node(_, endpoint) => std::slice::from_ref(endpoint),
            };
            let mut failures = Vec::new();
            for candidate in candidates {
                match connect(candidate).await {
                    Ok(stream) => return Ok((stream, Some(candidate.host.clone()))),
                    Err(error) => failures.push(error),
                }
            }
            Err(join(failures))
        }
        .boxed()
    }
}

async fn connect(endpoint: &Endpoint) -> Result<BoxStream, DialError> {
    let dial = TcpStream::connect((endpoint.host.as_str(), endpoint.port));
    let stream = match tokio::time::timeout(CONNECT_TIMEOUT, dial).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            let reason = match error.kind() {
                std::io::ErrorKind::ConnectionRefused => DialReason::Refused,
                _ => DialReason::Unreachable,
            };
            return Err(DialError::new(reason, format!("cannot connect to {endpoint}: {error}")));
        }
        Err(_) => return Err(DialError::new(DialReason::TimedOut, format!("{endpoint} did not answer within 10 s"))),
    };
    // Requests are small and wait for their answers: Nagle would add 40 ms to each.
    let _ = stream.set_nodelay(true);
    Ok(Box::new(stream))
}

/// The first failure speaks; the others are named behind it.
pub(super) fn join(failures: Vec<DialError>) -> DialError {
    let mut failures = failures.into_iter();
    let Some(mut first) = failures.next() else {
        return DialError::new(DialReason::Gone, "there is no broker to connect to");
    };
    for failure in failures {
        first.message = format!("{}; {}", first.message, failure.message);
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert_eq!(endpoint("[::1]:9092").map(|endpoint| endpoint.to_string()), Ok("::1:9092".into()));
        for bad in ["kafka", "kafka:port", ":9092", ""] {
            assert!(endpoint(bad).is_err_and(|error| error.message.contains("host:port")), "{bad}");
        }
    }
}
