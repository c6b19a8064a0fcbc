//! One client's WebSocket (protocol, section 2): reads requests one after the other, writes what the
//! outbox has, pings, and says goodbye.

use std::pin::{Pin, pin};
use std::sync::Arc;

use axum::http::StatusCode;
use chat_protocol::limits::{PING_INTERVAL, PONG_TIMEOUT, WEBSOCKET_MESSAGE_BYTES_MAX};
use futures_util::future::BoxFuture;
use futures_util::{SinkExt, StreamExt};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use metrics::Gauge;
use service::error::HttpError;
use service::server::Closing;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::{Duration, Instant, Sleep, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

use crate::figures;
use crate::node::Node;
use crate::outbox::{Outbox, Queue};
use crate::session::Session;

/// Room for what a client sends at one go; larger messages take more for as long as they need it. It
/// is most of what an idle connection costs.
const READ_BUFFER_BYTES: usize = 4 * 1024;

/// Longest wait for a client to take what is left, and to answer a close frame; then the connection is
/// cut.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Why a connection ends.
enum End {
    /// The client closed it, or it broke.
    Gone,
    /// The node closes it, for this reason.
    Close { code: CloseCode, reason: String, figure: &'static str },
    /// The client has left too much unread.
    TooSlow,
    /// The node stops.
    Stopping,
}

/// Answers the request that opens a WebSocket, and serves it from then on.
///
/// # Errors
/// When it is no such request.
pub(crate) fn open(
    node: &Arc<Node>,
    request: axum::http::Request<Incoming>,
    closing: Closing,
) -> Result<axum::http::Response<axum::body::Body>, HttpError> {
    let response = create_response_with_body(&request, axum::body::Body::empty)
        .map_err(|error| HttpError::new(StatusCode::BAD_REQUEST, format!("this opens no WebSocket: {error}")))?;
    let node = node.clone();
    tokio::spawn(async move {
        // It fails when the client goes away before it has the answer.
        if let Ok(upgraded) = hyper::upgrade::on(request).await {
            serve(node, TokioIo::new(upgraded), closing).await;
        }
    });
    Ok(response)
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(node: Arc<Node>, stream: S, closing: Closing) {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        // Frames for clients go past it: it has pongs and close frames only.
        .write_buffer_size(0)
        .max_message_size(Some(WEBSOCKET_MESSAGE_BYTES_MAX))
        .max_frame_size(Some(WEBSOCKET_MESSAGE_BYTES_MAX));
    let outbox = Outbox::new();
    let connection = Connection {
        socket: WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await,
        outbox: outbox.clone(),
        queue: Queue::default(),
        work: Work::Idle(Box::new(Session::new(node.clone(), outbox))),
        is_silent: false,
        _open: Open::new(),
    };
    connection.run(&node, closing).await;
}

/// Counts the connection.
struct Open(Gauge);

impl Open {
    fn new() -> Self {
        let gauge = figures::connections();
        gauge.increment(1);
        Self(gauge)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}

struct Connection<S> {
    socket: WebSocketStream<S>,
    outbox: Outbox,
    /// What is being written.
    queue: Queue,
    work: Work,
    /// A ping was sent, and nothing has come since.
    is_silent: bool,
    _open: Open,
}

/// The client's session: at rest, or with a request in progress.
enum Work {
    Idle(Box<Session>),
    Busy(BoxFuture<'static, Box<Session>>),
}

impl Work {
    fn is_idle(&self) -> bool {
        matches!(self, Self::Idle(_))
    }

    /// Waits for the end of the request; for ever when there is none.
    async fn finish(&mut self) -> Box<Session> {
        match self {
            Self::Idle(_) => std::future::pending().await,
            Self::Busy(request) => request.await,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    async fn run(mut self, node: &Node, Closing(closing): Closing) {
        let outbox = self.outbox.clone();
        // Made once: each is registered with what all connections share.
        let mut overflowed = pin!(outbox.overflowed());
        let mut cancelled = pin!(closing.cancelled());
        let mut timer = pin!(sleep(PING_INTERVAL));
        let end = loop {
            // Also a client that takes nothing of what is being written.
            tokio::select! {
                result = self.turn(timer.as_mut()) => if let Err(end) = result {
                    break end;
                },
                () = &mut overflowed => break End::TooSlow,
                () = &mut cancelled => break End::Stopping,
            }
        };
        count(&end);
        let Self { mut socket, queue, work, _open, .. } = self;
        // What is begun is finished, and the names are given back, however long that takes: the
        // connection does not wait for it.
        node.work.spawn(async move {
            let session = match work {
                Work::Idle(session) => session,
                Work::Busy(request) => request.await,
            };
            session.end().await;
        });
        // Whoever does not take it in time is gone.
        let _ = timeout(CLOSE_TIMEOUT, goodbye(&mut socket, &outbox, queue, end)).await;
        outbox.close();
    }

    /// Waits for whatever comes first, and does it. It can be dropped at any moment: what is written in part
    /// stands in the queue, or in the socket's own buffer.
    async fn turn(&mut self, mut timer: Pin<&mut Sleep>) -> Result<(), End> {
        tokio::select! {
            () = self.outbox.take(&mut self.queue) => self.write().await,
            message = self.socket.next(), if self.work.is_idle() => {
                self.is_silent = false;
                self.read(message).await
            }
            session = self.work.finish() => {
                self.work = Work::Idle(session);
                Ok(())
            }
            () = &mut timer => self.ping(timer).await,
        }
    }

    /// Writes what is queued. A client that takes none of it is dropped once the outbox overflows.
    async fn write(&mut self) -> Result<(), End> {
        // A pong may be on its way.
        self.socket.flush().await.map_err(|_| End::Gone)?;
        self.socket.get_mut().write_all_buf(&mut self.queue).await.map_err(|_| End::Gone)
    }

    async fn read(&mut self, message: Option<Result<Message, Error>>) -> Result<(), End> {
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            // JSON as binary is accepted as well.
            Some(Ok(Message::Binary(bytes))) => match bytes.try_into() {
                Ok(text) => text,
                Err(_) => "".into(),
            },
            // The library has queued the pong.
            Some(Ok(Message::Ping(_))) => return self.socket.flush().await.map_err(|_| End::Gone),
            Some(Ok(Message::Pong(_) | Message::Frame(_))) => return Ok(()),
            Some(Ok(Message::Close(_))) | None => return Err(End::Gone),
            Some(Err(error)) => return Err(end_of(error)),
        };
        let done = Work::Busy(Box::pin(std::future::pending()));
        if let Work::Idle(mut session) = std::mem::replace(&mut self.work, done) {
            self.work = Work::Busy(Box::pin(async move {
                session.handle(&text).await;
                session
            }));
        }
        Ok(())
    }

    /// Nothing is read while a request is in progress, so a pong may wait behind it.
    async fn ping(&mut self, timer: Pin<&mut Sleep>) -> Result<(), End> {
        if self.is_silent && self.work.is_idle() {
            let reason = format!("no pong within {} s", PONG_TIMEOUT.as_secs());
            return Err(End::Close { code: CloseCode::Error, reason, figure: "mute" });
        }
        timer.reset(Instant::now() + PONG_TIMEOUT);
        self.is_silent = true;
        self.socket.send(Message::Ping(Bytes::new())).await.map_err(|_| End::Gone)
    }
}

fn count(end: &End) {
    match end {
        End::TooSlow => figures::dropped("slow"),
        End::Close { figure, .. } => figures::dropped(figure),
        End::Gone | End::Stopping => {}
    }
}

/// Writes what is left, unless the client does not take it, and a close frame; waits for the client's.
async fn goodbye<S>(socket: &mut WebSocketStream<S>, outbox: &Outbox, mut queue: Queue, end: End) -> Result<(), Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (code, reason) = match end {
        // The library has queued the answer to the client's close frame.
        End::Gone => {
            let _ = socket.flush().await;
            return Ok(());
        }
        End::Close { code, reason, .. } => (code, reason),
        End::Stopping => {
            outbox.take_now(&mut queue);
            (CloseCode::Away, "the node stops".to_owned())
        }
        End::TooSlow => {
            queue.keep_what_is_begun();
            (CloseCode::Policy, "too slow: too much was left unread".to_owned())
        }
    };
    socket.flush().await?;
    socket.get_mut().write_all_buf(&mut queue).await?;
    socket.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await?;
    while let Some(Ok(message)) = socket.next().await {
        if message.is_close() {
            return Ok(());
        }
    }
    discard(socket.get_mut()).await
}

/// Ends the writing, and reads whatever still comes: a connection that is dropped while something is unread is reset,
/// and the client may lose the close frame, which says why.
async fn discard<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> Result<(), Error> {
    stream.shutdown().await?;
    tokio::io::copy(stream, &mut tokio::io::sink()).await?;
    Ok(())
}

/// The close codes that the protocol names for a client's mistakes.
fn end_of(error: Error) -> End {
    let close = |code, reason: String| End::Close { code, reason, figure: "protocol" };
    match error {
        Error::Capacity(CapacityError::MessageTooLong { .. }) => {
            close(CloseCode::Size, format!("a message has more than {WEBSOCKET_MESSAGE_BYTES_MAX} bytes"))
        }
        Error::Utf8(_) => close(CloseCode::Invalid, "text that is not UTF-8".to_owned()),
        Error::Protocol(error) => close(CloseCode::Protocol, error.to_string()),
        _ => End::Gone,
    }
}

#[cfg(test)]
mod tests;
