//! One connection to a node: requests out, messages in (protocol, sections 2 to 4).

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use chat_protocol::{Request, ServerMessage, limits};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::address::Address;

/// Longest wait for name, TCP and WebSocket together; then the node counts as not there.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest wait for the node to take a request; then the connection counts as lost.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest wait for the answer to a request. An original node may need some seconds for each peer.
pub(crate) const REPLY_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest silence of a node before it is asked for a sign of life. Nodes ping every 20 s.
const SILENCE_MAX: Duration = Duration::from_mins(1);

/// Longest wait for that sign; then the connection counts as lost.
const SIGN_OF_LIFE_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest wait for the node to agree to the end; then the connection is cut.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Largest message of a node; a larger one ends the connection. Above the protocol's limit, which is
/// for requests: the list of [`limits::ROOMS_MAX`] rooms of several nodes is larger.
const MESSAGE_BYTES_MAX: usize = 32 * limits::WEBSOCKET_MESSAGE_BYTES_MAX;

/// Bytes of the buffer for reading; the library's own 128 KiB are much for chat.
const READ_BUFFER_BYTES: usize = 16 * 1024;

/// Events that wait while [`Connection::ask`] looks for its answer; the oldest go first.
const EVENTS_WAITING_MAX: usize = 10_000;

/// Why there is no connection, or none any more. Its `Display` is for a person.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Lost {
    #[error("{address}: {reason}")]
    NotReached { address: String, reason: String },
    #[error("the node closed the connection{0}")]
    Closed(String),
    #[error("the node does not answer any more")]
    Silent,
    #[error("the node has not answered within {} s", REPLY_TIMEOUT.as_secs())]
    NoReply,
    #[error("the connection broke: {0}")]
    Broken(String),
}

/// An open connection.
#[derive(Debug)]
pub(crate) struct Connection {
    socket: WebSocketStream<TcpStream>,
    events: VecDeque<ServerMessage>,
    last_sign: Instant,
    is_asked_for_sign: bool,
}

impl Connection {
    /// Connects to the node at `address`.
    ///
    /// # Errors
    /// [`Lost::NotReached`], within [`CONNECT_TIMEOUT`].
    pub(crate) async fn open(address: &Address) -> Result<Self, Lost> {
        let not_reached = |reason: String| Lost::NotReached { address: address.to_string(), reason };
        let socket = timeout(CONNECT_TIMEOUT, connect(address))
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {} s", CONNECT_TIMEOUT.as_secs())))
            .map_err(not_reached)?;
        Ok(Self { socket, events: VecDeque::new(), last_sign: Instant::now(), is_asked_for_sign: false })
    }

    /// Sends a request.
    ///
    /// # Errors
    /// When the connection is lost, or the node takes nothing for [`WRITE_TIMEOUT`].
    pub(crate) async fn send(&mut self, request: &Request) -> Result<(), Lost> {
        // Text and lists of text always serialise.
        let text = serde_json::to_string(request).unwrap_or_default();
        self.write(Message::text(text)).await
    }

    /// The next message. It may be dropped while it waits, and called again.
    ///
    /// # Errors
    /// When the connection is lost, also by the node's silence: [`SILENCE_MAX`] and then
    /// [`SIGN_OF_LIFE_TIMEOUT`].
    pub(crate) async fn next(&mut self) -> Result<ServerMessage, Lost> {
        match self.events.pop_front() {
            Some(event) => Ok(event),
            None => self.receive().await,
        }
    }

    /// Sends a request and waits for its answer; what else comes is kept for [`Self::next`].
    ///
    /// # Errors
    /// When the connection is lost, or the answer does not come within [`REPLY_TIMEOUT`].
    pub(crate) async fn ask(&mut self, request: &Request) -> Result<ServerMessage, Lost> {
        self.send(request).await?;
        let deadline = Instant::now() + REPLY_TIMEOUT;
        loop {
            let message = timeout_at(deadline, self.receive()).await.map_err(|_| Lost::NoReply)??;
            if is_answer(request, &message) {
                return Ok(message);
            }
            if self.events.len() == EVENTS_WAITING_MAX {
                self.events.pop_front();
            }
            self.events.push_back(message);
        }
    }

    /// Ends the connection, and waits for the node to agree, [`CLOSE_TIMEOUT`] at most.
    pub(crate) async fn close(mut self) {
        let closing = async {
            if self.socket.close(None).await.is_ok() {
                while let Some(Ok(_)) = self.socket.next().await {}
            }
        };
        // Too late or broken: it ends here all the same.
        let _ = timeout(CLOSE_TIMEOUT, closing).await;
    }

    async fn write(&mut self, message: Message) -> Result<(), Lost> {
        match timeout(WRITE_TIMEOUT, self.socket.send(message)).await {
            Ok(result) => result.map_err(|error| lost(&error)),
            Err(_) => Err(Lost::Silent),
        }
    }

    async fn receive(&mut self) -> Result<ServerMessage, Lost> {
        loop {
            let patience = if self.is_asked_for_sign { SILENCE_MAX + SIGN_OF_LIFE_TIMEOUT } else { SILENCE_MAX };
            let message = match timeout_at(self.last_sign + patience, self.socket.next()).await {
                Ok(Some(Ok(message))) => message,
                Ok(Some(Err(error))) => return Err(lost(&error)),
                Ok(None) => return Err(Lost::Closed(String::new())),
                Err(_) if self.is_asked_for_sign => return Err(Lost::Silent),
                Err(_) => {
                    self.is_asked_for_sign = true;
                    self.write(Message::Ping("still there?".into())).await?;
                    continue;
                }
            };
            self.last_sign = Instant::now();
            self.is_asked_for_sign = false;
            match message {
                Message::Text(text) => {
                    // A message that a later version of the chat may have is passed over.
                    if let Ok(message) = serde_json::from_str(&text) {
                        return Ok(message);
                    }
                }
                Message::Close(Some(frame)) if !frame.reason.is_empty() => {
                    return Err(Lost::Closed(format!(": {}", frame.reason)));
                }
                Message::Close(_) => return Err(Lost::Closed(String::new())),
                // Pings are answered by the library.
                _ => {}
            }
        }
    }
}

async fn connect(address: &Address) -> Result<WebSocketStream<TcpStream>, String> {
    let stream = TcpStream::connect(address.host_and_port()).await.map_err(|error| explain(&error))?;
    // Small frames should go out at once; where that cannot be had they are only later.
    let _ = stream.set_nodelay(true);
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    match client_async_with_config(address.url(), stream, Some(config)).await {
        Ok((socket, _)) => Ok(socket),
        Err(SocketError::Http(response)) => Err(explain_answer(response.status().as_u16())),
        Err(SocketError::Protocol(_)) => Err("what answers is no chat node".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// What an answer means that opens no WebSocket.
fn explain_answer(status: u16) -> String {
    match status {
        // Of the original, too.
        501 => "that is the port where nodes call each other: clients use the node's other one".to_owned(),
        502..=504 => format!("a proxy answers that the node is away (HTTP {status})"),
        _ => format!("what answers is no chat node (HTTP {status})"),
    }
}

fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused: does the node run, and is this its port?".to_owned(),
        // The resolver's errors have no kind of their own.
        _ if error.to_string().starts_with("failed to lookup") => "name not found".to_owned(),
        _ => error.to_string(),
    }
}

fn lost(error: &SocketError) -> Lost {
    match error {
        SocketError::ConnectionClosed | SocketError::AlreadyClosed => Lost::Closed(String::new()),
        SocketError::Protocol(_) => Lost::Closed(" without a word".to_owned()),
        error => Lost::Broken(error.to_string()),
    }
}

/// Whether `message` answers `request`: replies come in the order of the requests, between events.
fn is_answer(request: &Request, message: &ServerMessage) -> bool {
    use ServerMessage as M;
    if matches!(message, M::Error(_)) {
        return true;
    }
    match request {
        Request::ListRooms => matches!(message, M::RoomsList(_)),
        Request::DiscoverRooms => matches!(message, M::GlobalRoomsList(_)),
        Request::CreateRoom(_) => matches!(message, M::RoomCreated(_)),
        Request::JoinRoom(_) => matches!(message, M::JoinRoomSuccess(_) | M::JoinRoomError(_)),
        Request::SendMessage(_) => matches!(message, M::MessageSent(_) | M::MessageError(_)),
        Request::LeaveRoom(_) => matches!(message, M::LeaveRoomSuccess(_)),
        Request::DeleteRoom(_) => matches!(message, M::DeleteRoomSuccess(_) | M::DeleteRoomFailed(_)),
    }
}
