//! Our own port-forward stream: one WebSocket per connection, straight on the API server.
//!
//! Wire format (subprotocol `v4.channel.k8s.io`): every binary message is a channel byte and data.
//! Channel 0 is data, channel 1 errors in text; the first message on each carries the port as u16 little
//! endian and no data. Half-closing is never sent: it kills the reading side as well.
//!
//! kube's own `Api::portforward` copies through a pipe of depth 1 with 4 KiB frames and sends no pings;
//! this stream is 2 to 4 times faster upwards and survives idle load balancers.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{Sink, Stream};
use http::Request;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Interval, MissedTickBehavior};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error as WebSocketError, Message};

use super::client::Kubernetes;
use super::error::{Error, Result};

/// Load balancers cut idle connections after 60 s at the earliest (AWS, nginx); half of that is safe.
const PING_EVERY: Duration = Duration::from_secs(30);
/// The largest frame sent. 64 to 512 KiB cannot be told apart, 16 KiB is slower.
const FRAME: usize = 64 * 1024;

const DATA: u8 = 0;
const ERROR: u8 = 1;

type Socket = WebSocketStream<hyper_util::rt::TokioIo<hyper::upgrade::Upgraded>>;

/// A two-way stream to one port of one pod. Dropping it closes the WebSocket.
pub struct PortForward {
    socket: Socket,
    pod: String,
    port: u16,
    /// Received and not yet read.
    unread: Bytes,
    /// Whether the opening message (the port) of each channel has been seen.
    opened: [bool; 2],
    ping: Interval,
}

impl PortForward {
    /// Opens a stream. Two sequential round trips on a fresh client (TLS, upgrade), one on a warm one.
    ///
    /// # Errors
    /// [`Error::Server`] with 404 (no such pod) or 403 (no `get` on `pods/portforward`). A refused port
    /// shows only when reading: the API server accepts the stream before it tries.
    pub async fn open(kubernetes: &Kubernetes, namespace: &str, pod: &str, port: u16) -> Result<Self> {
        let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}/portforward?ports={port}");
        let request = Request::get(path)
            .body(Vec::new())
            .map_err(|error| Error::Other(format!("cannot ask for a port-forward to pod {pod}: {error}")))?;
        let connection = kubernetes.call(kubernetes.client.connect(request)).await?;
        let mut ping = tokio::time::interval(PING_EVERY);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ping.reset();
        tracing::info!(namespace, pod, port, "port-forward opened");
        Ok(Self {
            socket: connection.into_stream(),
            pod: pod.to_owned(),
            port,
            unread: Bytes::new(),
            opened: [false; 2],
            ping,
        })
    }

    /// Takes one message; `Some` when the stream ends with it.
    fn accept(&mut self, message: Message) -> Option<io::Result<()>> {
        match message {
            Message::Binary(data) => match data.first().copied() {
                Some(channel @ (DATA | ERROR)) if !self.opened[usize::from(channel)] => {
                    self.opened[usize::from(channel)] = true;
                    None
                }
                Some(DATA) => {
                    self.unread = data.slice(1..);
                    None
                }
                Some(ERROR) => {
                    let text = String::from_utf8_lossy(&data[1..]);
                    Some(Err(io::Error::other(explain(&self.pod, self.port, text.trim()))))
                }
                _ => None,
            },
            Message::Close(_) => Some(Ok(())),
            _ => None,
        }
    }

    fn keep_alive(&mut self, context: &mut Context<'_>) {
        while self.ping.poll_tick(context).is_ready() {
            let mut socket = Pin::new(&mut self.socket);
            // When the socket is busy sending, the connection is not idle and needs no ping.
            if let Poll::Ready(Ok(())) = socket.as_mut().poll_ready(context) {
                let _ = socket.as_mut().start_send(Message::Ping(Bytes::new()));
                let _ = socket.poll_flush(context);
            }
        }
    }
}

/// The kubelet's sentence in short: which pod, which port, what is wrong.
fn explain(pod: &str, port: u16, text: &str) -> String {
    if text.contains("connection refused") {
        format!("nothing listens on port {port} of pod {pod} (yet)")
    } else if text.contains("not found") || text.contains("not running") || text.contains("no running") {
        format!("pod {pod} is not running")
    } else {
        format!("port-forward to pod {pod}: {text}")
    }
}

fn broken(error: WebSocketError) -> io::Error {
    match error {
        WebSocketError::Io(error) => error,
        WebSocketError::ConnectionClosed | WebSocketError::AlreadyClosed => io::ErrorKind::BrokenPipe.into(),
        WebSocketError::Protocol(_) => io::Error::new(io::ErrorKind::ConnectionReset, "the port-forward was cut"),
        other => io::Error::other(other.to_string()),
    }
}

impl AsyncRead for PortForward {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if !self.unread.is_empty() {
                let count = self.unread.len().min(buffer.remaining());
                buffer.put_slice(&self.unread.split_to(count));
                return Poll::Ready(Ok(()));
            }
            self.keep_alive(context);
            match ready!(Pin::new(&mut self.socket).poll_next(context)) {
                None => return Poll::Ready(Ok(())),
                Some(Err(error)) => return Poll::Ready(Err(broken(error))),
                Some(Ok(message)) => {
                    if let Some(end) = self.accept(message) {
                        return Poll::Ready(end);
                    }
                }
            }
        }
    }
}

impl AsyncWrite for PortForward {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        ready!(Pin::new(&mut self.socket).poll_ready(context)).map_err(broken)?;
        let count = data.len().min(FRAME);
        let mut frame = BytesMut::with_capacity(count + 1);
        frame.extend_from_slice(&[DATA]);
        frame.extend_from_slice(&data[..count]);
        Pin::new(&mut self.socket).start_send(Message::Binary(frame.freeze())).map_err(broken)?;
        Poll::Ready(Ok(count))
    }

    /// TLS hands over records of 16 KiB, several at once: together they make a frame of a good size.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(Pin::new(&mut self.socket).poll_ready(context)).map_err(broken)?;
        let mut frame = BytesMut::with_capacity(slices.iter().map(|slice| slice.len()).sum::<usize>().min(FRAME) + 1);
        frame.extend_from_slice(&[DATA]);
        for slice in slices {
            let room = FRAME + 1 - frame.len();
            frame.extend_from_slice(&slice[..slice.len().min(room)]);
        }
        let count = frame.len() - 1;
        Pin::new(&mut self.socket).start_send(Message::Binary(frame.freeze())).map_err(broken)?;
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context).map_err(broken)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The whole stream: there is no half-close that keeps the other half.
        Pin::new(&mut self.socket).poll_close(context).map_err(broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kubelets_sentences_in_short() {
        let refused = "error forwarding port 9999 to pod abc, uid : failed to connect to localhost:9999 inside \
                       namespace \"x\", IPv4: dial tcp4 127.0.0.1:9999: connect: connection refused";
        assert_eq!(explain("demo-broker-0", 9999, refused), "nothing listens on port 9999 of pod demo-broker-0 (yet)");
        assert_eq!(explain("p", 1, "sandbox not found"), "pod p is not running");
    }
}
