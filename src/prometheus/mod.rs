//! One scrape of a Prometheus endpoint: HTTP over a stream that somebody opened, and the text that comes back.
//!
//! Knows nothing of Kubernetes, of Kafka or of the terminal. The text is a grammar of one line, not worth the crate
//! for it, which brings a regex engine and a calendar.

mod text;

use bytes::Bytes;
use futures::future::{Either, select};
use http::header::HOST;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

pub use text::{Malformed, Sample};

/// A broker with ten thousand topics answers with 7 MB when it ignores which series are wanted; whatever sends
/// more is no endpoint of Kafka's.
const LONGEST_ANSWER: usize = 32 << 20;

/// What an endpoint said at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scrape(Vec<Sample>);

/// Why there is no [`Scrape`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The connection broke, or HTTP is not what is spoken there.
    #[error("{0}")]
    Lost(String),
    /// Another answer than 200.
    #[error("its metrics endpoint answers {0}")]
    Refused(StatusCode),
    /// It does not stop.
    #[error("its metrics are larger than {} MiB", LONGEST_ANSWER >> 20)]
    TooLarge,
    /// Something else answers there.
    #[error("its metrics are not in Prometheus' format: {0}")]
    Malformed(#[from] Malformed),
}

/// Asks an endpoint for these series, on a fresh stream, which it closes. An endpoint that does not know how to
/// choose sends all that it has. No timeout is added.
pub async fn scrape(stream: impl AsyncRead + AsyncWrite + Unpin, series: &[&str]) -> Result<Scrape, Error> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(lost)?;
    let request = request(series)?;
    let asking = std::pin::pin!(async move {
        let response = sender.send_request(request).await.map_err(lost)?;
        if response.status() != StatusCode::OK {
            return Err(Error::Refused(response.status()));
        }
        let body = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() { Error::TooLarge } else { Error::Lost(innermost(&*error)) }
        })?;
        Ok(body.to_bytes())
    });
    // Without a task of its own, the stream is closed as soon as nobody waits for the answer.
    let body = match select(asking, std::pin::pin!(connection)).await {
        Either::Left((answer, _)) => answer,
        // Whatever ended the connection, the answer is complete or says what is wrong.
        Either::Right((_, asking)) => asking.await,
    }?;
    Ok(Scrape::parse(&String::from_utf8_lossy(&body))?)
}

/// `name[]` is how Prometheus' Java client lets the caller choose: 2 kB come back instead of 40.
fn request(series: &[&str]) -> Result<Request<Empty<Bytes>>, Error> {
    let chosen: Vec<String> = series.iter().map(|name| format!("name%5B%5D={name}")).collect();
    Request::get(format!("/metrics?{}", chosen.join("&")))
        .header(HOST, "localhost")
        .body(Empty::new())
        .map_err(|error| Error::Lost(error.to_string()))
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn lost(error: hyper::Error) -> Error {
    Error::Lost(innermost(&error))
}

/// hyper's own words (`connection error`) say less than what they wrap: the kubelet's sentence.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

impl Scrape {
    /// Reads the text format, all of it or nothing, as Prometheus itself does.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        text::samples(text).map(Self)
    }

    /// The value of the series with exactly these labels, in any order. `None` also for `NaN`, which is how the
    /// JVM says that it has no value.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let has = |sample: &Sample| {
            sample.labels.len() == labels.len() && labels.iter().all(|(key, value)| sample.label(key) == Some(value))
        };
        self.of(name).find(|sample| has(sample)).map(|sample| sample.value).filter(|value| !value.is_nan())
    }

    /// Every series of this name.
    pub fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Sample> {
        self.0.iter().filter(move |sample| sample.name == name)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    use super::*;

    /// Answers once with this, whatever is asked, and tells what was asked.
    async fn answer(mut stream: DuplexStream, answer: String) -> String {
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") {
            asked.push(stream.read_u8().await.expect("a request"));
        }
        stream.write_all(answer.as_bytes()).await.expect("a reader");
        String::from_utf8(asked).expect("text")
    }

    async fn scraped(reply: &str) -> (Result<Scrape, Error>, String) {
        let (ours, theirs) = tokio::io::duplex(1 << 10);
        let (scrape, asked) = tokio::join!(scrape(ours, &["up", "down"]), answer(theirs, reply.to_owned()));
        (scrape, asked)
    }

    #[tokio::test]
    async fn the_wanted_series_are_asked_for_and_read() {
        let body = "up{area=\"heap\"} 1\nup 2\nup{b=\"2\",a=\"1\"} NaN\n";
        for reply in [
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()),
            format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len()),
            format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}"),
        ] {
            let (scrape, asked) = scraped(&reply).await;
            assert!(asked.starts_with("GET /metrics?name%5B%5D=up&name%5B%5D=down HTTP/1.1\r\n"), "{asked}");
            let scrape = scrape.expect(&reply);
            assert_eq!((scrape.value("up", &[("area", "heap")]), scrape.value("up", &[])), (Some(1.0), Some(2.0)));
            assert_eq!(scrape.value("up", &[("a", "1"), ("b", "2")]), None, "not a number");
            assert_eq!((scrape.value("up", &[("b", "2")]), scrape.of("up").count()), (None, 3));
        }
    }

    #[tokio::test]
    async fn what_is_wrong_is_said() {
        let html = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n<html>\n";
        for (reply, error) in [
            ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "its metrics endpoint answers 404 Not Found"),
            (html, "its metrics are not in Prometheus' format: line 1: <html>"),
            ("SSH-2.0-OpenSSH\r\n", "invalid HTTP version parsed"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nup 1\n", "end of file before message length reached"),
            ("", "connection closed before message completed"),
        ] {
            assert_eq!(scraped(reply).await.0.expect_err(reply).to_string(), error, "{reply}");
        }
        let (ours, mut theirs) = tokio::io::duplex(1 << 20);
        let endless = async {
            let _ = theirs.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            while theirs.write_all(&[b'#'; 1 << 13]).await.is_ok() {}
        };
        assert_eq!(tokio::join!(scrape(ours, &[]), endless).0, Err(Error::TooLarge));
    }
}
