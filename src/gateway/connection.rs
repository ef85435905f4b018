//! One connection of a local client: authentication, then two pumps.
//!
//! Both pumps run in one task and pass bytes through one buffer each: a chunk is read, the frames in it are
//! walked by their length prefixes, and what may pass is written in one go. Only a response that carries
//! addresses is taken out as a whole.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::messages::ApiKey;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::directory::Directory;
use super::frame::{self, Malformed, RequestHead};
use super::rewrite::{self, RewriteError};
use super::sasl::{self, State};
use crate::kafka::{BoxStream, DialError, NodeId};

/// One read. A WebSocket frame upwards is 64 KiB; downwards the kernel hands over up to 256 KiB.
const UP_CHUNK: usize = 128 * 1024;
const DOWN_CHUNK: usize = 256 * 1024;

/// Before authentication nothing larger is read: real requests have a few hundred bytes.
const MAX_STRANGER: usize = 16 * 1024;

/// The largest response that is taken out as a whole. Metadata of 100,000 partitions is about 10 MB.
const MAX_REWRITTEN: usize = 256 << 20;

/// A client authenticates at once. The time includes the dial, because `ApiVersions` comes first.
const AUTHENTICATE_WITHIN: Duration = Duration::from_secs(30);

/// Why a connection ended, other than by one side closing it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
    #[error("{0}")]
    Stream(#[from] io::Error),
    #[error("the client did not authenticate in time")]
    Idle,
    #[error("request {0} of version {1} was not offered")]
    NotOffered(i16, i16),
    #[error("the broker answered request {got} where {wanted} was next")]
    OutOfOrder { got: i32, wanted: i32 },
}

/// Serves a client until one side closes. The broker is dialled while the client authenticates.
pub(super) async fn serve(mut client: TcpStream, node: NodeId, directory: Arc<Directory>) -> Result<(), Ended> {
    client.set_nodelay(true)?;
    let mut dial = Dial::start(node, &directory);
    let mut buffer = BytesMut::with_capacity(4096);
    let greeting = greet(&mut client, &mut buffer, &mut dial, node, &directory);
    match tokio::time::timeout(AUTHENTICATE_WITHIN, greeting).await {
        Ok(Ok(State::Authenticated)) => {}
        Ok(Ok(_)) => return Ok(()),
        Ok(Err(ended)) => return Err(ended),
        Err(_) => return Err(Ended::Idle),
    }
    let broker = dial.stream().await?;
    let waiting = Waiting::default();
    let (mut from_client, mut to_client) = client.split();
    let (mut from_broker, mut to_broker) = tokio::io::split(broker);
    let mut unread = BytesMut::new();
    let left = tokio::select! {
        ended = pump_requests(&mut from_client, &mut to_broker, buffer, &waiting) => ended?,
        ended = pump_responses(&mut from_broker, &mut to_client, &mut unread, &waiting, &directory) => {
            return ended;
        }
    };
    if left == Left::BetweenRequests && waiting.is_empty() && unread.is_empty() {
        directory.keep(node, from_broker.unsplit(to_broker));
    }
    Ok(())
}

/// How a client left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// Everything that it began to send was sent.
    BetweenRequests,
    /// A request is cut off.
    WithinRequest,
}

/// The upstream stream: being opened, or open.
struct Dial {
    opening: JoinSet<Result<BoxStream, DialError>>,
    open: Option<BoxStream>,
}

impl Dial {
    fn start(node: NodeId, directory: &Arc<Directory>) -> Self {
        let directory = Arc::clone(directory);
        let mut opening = JoinSet::new();
        opening.spawn(async move { directory.dial(node).await });
        Self { opening, open: None }
    }

    async fn open(&mut self) -> Result<&mut BoxStream, Ended> {
        if self.open.is_none() {
            let opened = self.opening.join_next().await.ok_or_else(|| io::Error::other("the dial was aborted"))?;
            self.open = Some(opened.map_err(io::Error::other)??);
        }
        self.open.as_mut().ok_or_else(|| io::Error::other("the dial was aborted").into())
    }

    async fn stream(mut self) -> Result<BoxStream, Ended> {
        self.open().await?;
        self.open.ok_or_else(|| io::Error::other("the dial was aborted").into())
    }
}

/// Serves a client that has not authenticated yet: `ApiVersions` by the broker, SASL by ourselves, nothing
/// else.
async fn greet(
    client: &mut TcpStream,
    buffer: &mut BytesMut,
    dial: &mut Dial,
    node: NodeId,
    directory: &Arc<Directory>,
) -> Result<State, Ended> {
    let mut state = State::Unknown;
    while !matches!(state, State::Authenticated | State::Refused) {
        let Some((head, frame)) = read_request(client, buffer).await? else { return Ok(State::Refused) };
        tracing::trace!(%node, api = head.api, version = head.version, "greeting");
        let answer = if head.api == ApiKey::ApiVersions as i16 {
            versions(dial.open().await?, head, &frame, directory).await?
        } else {
            let (next, answer) = sasl::answer(state, head, frame, directory.password())?;
            state = next;
            answer
        };
        client.write_all(&answer).await?;
    }
    Ok(state)
}

/// One whole small request; `None` when the client is gone.
async fn read_request(client: &mut TcpStream, buffer: &mut BytesMut) -> Result<Option<(RequestHead, Bytes)>, Ended> {
    loop {
        if let Some(head) = frame::request(buffer)? {
            if head.size > MAX_STRANGER {
                return Err(Malformed("request before authentication").into());
            }
            if buffer.len() >= head.size {
                return Ok(Some((head, buffer.split_to(head.size).freeze())));
            }
        }
        if buffer.len() > MAX_STRANGER {
            return Err(Malformed("request before authentication").into());
        }
        if client.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

/// The broker's own answer to `ApiVersions`, limited.
async fn versions(
    broker: &mut BoxStream,
    head: RequestHead,
    request: &[u8],
    directory: &Arc<Directory>,
) -> Result<Bytes, Ended> {
    broker.write_all(request).await?;
    broker.flush().await?;
    let mut buffer = BytesMut::with_capacity(4096);
    loop {
        if let Some(answer) = frame::response(&buffer)?
            && buffer.len() >= answer.size
        {
            in_order(answer.correlation, head.correlation)?;
            let frame = buffer.split_to(answer.size).freeze();
            return rewritten(ApiKey::ApiVersions, head.version, frame, directory);
        }
        if broker.read_buf(&mut buffer).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
}

/// The requests that wait for their answer, oldest first: a broker answers in the order of the requests.
#[derive(Default)]
struct Waiting(Mutex<VecDeque<RequestHead>>);

impl Waiting {
    fn push(&self, head: RequestHead) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(head);
    }

    fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn pop(&self) -> Result<RequestHead, Malformed> {
        let oldest = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        oldest.ok_or(Malformed("response that nobody asked for"))
    }
}

fn in_order(got: i32, wanted: i32) -> Result<(), Ended> {
    if got == wanted { Ok(()) } else { Err(Ended::OutOfOrder { got, wanted }) }
}

/// Client → broker. Requests pass as they are; their heads are remembered for the way back.
async fn pump_requests(
    client: &mut (impl AsyncRead + Unpin),
    broker: &mut (impl AsyncWrite + Unpin),
    mut buffer: BytesMut,
    waiting: &Waiting,
) -> Result<Left, Ended> {
    // Of the frame that is passing, not yet passed.
    let mut left = 0;
    loop {
        let mut clear = 0;
        loop {
            let step = usize::min(left, buffer.len() - clear);
            clear += step;
            left -= step;
            if left > 0 {
                break;
            }
            let Some(head) = frame::request(&buffer[clear..])? else { break };
            if !rewrite::allowed(head.api, head.version) {
                return Err(Ended::NotOffered(head.api, head.version));
            }
            if head.answered {
                waiting.push(head);
            }
            left = head.size;
        }
        if clear > 0 {
            broker.write_all(&buffer[..clear]).await?;
            broker.flush().await?;
            buffer.advance(clear);
        }
        if read_more(client, &mut buffer, UP_CHUNK).await? == 0 {
            return Ok(if left == 0 && buffer.is_empty() { Left::BetweenRequests } else { Left::WithinRequest });
        }
    }
}

/// Broker → client. Responses pass as they are, but for those with addresses.
async fn pump_responses(
    broker: &mut (impl AsyncRead + Unpin),
    client: &mut (impl AsyncWrite + Unpin),
    buffer: &mut BytesMut,
    waiting: &Waiting,
    directory: &Arc<Directory>,
) -> Result<(), Ended> {
    let mut left = 0;
    // The response at the front of the buffer that must be whole before it can be rewritten.
    let mut held: Option<(ApiKey, i16, usize)> = None;
    loop {
        let mut clear = 0;
        while held.is_none() {
            let step = usize::min(left, buffer.len() - clear);
            clear += step;
            left -= step;
            if left > 0 {
                break;
            }
            let Some(answer) = frame::response(&buffer[clear..])? else { break };
            let asked = waiting.pop()?;
            in_order(answer.correlation, asked.correlation)?;
            match rewrite::concerned(asked.api, asked.version) {
                Some(_) if answer.size > MAX_REWRITTEN => return Err(Malformed("size of a response").into()),
                Some(api) => held = Some((api, asked.version, answer.size)),
                None => left = answer.size,
            }
        }
        if clear > 0 {
            client.write_all(&buffer[..clear]).await?;
            buffer.advance(clear);
        }
        if let Some((api, version, size)) = held
            && buffer.len() >= size
        {
            held = None;
            let frame = buffer.split_to(size).freeze();
            client.write_all(&rewritten(api, version, frame, directory)?).await?;
            // More responses may be in the buffer.
            continue;
        }
        if read_more(broker, buffer, DOWN_CHUNK).await? == 0 {
            return Ok(());
        }
    }
}

fn rewritten(api: ApiKey, version: i16, frame: Bytes, directory: &Arc<Directory>) -> Result<Bytes, Ended> {
    let changed = rewrite::response(api, version, &frame, &mut |node, endpoint| directory.port(node, endpoint))?;
    Ok(changed.unwrap_or(frame))
}

async fn read_more(from: &mut (impl AsyncRead + Unpin), buffer: &mut BytesMut, chunk: usize) -> Result<usize, Ended> {
    if buffer.capacity() - buffer.len() < chunk / 2 {
        buffer.reserve(chunk);
    }
    Ok(from.read_buf(buffer).await?)
}
