//! A member's connection to its node.

use std::time::Duration;

use anyhow::{Context, bail};
use chat_protocol::{CreateRoom, Request, RoomCreated, RoomUser, ServerMessage, limits};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::options::Node;

/// Longest wait for a connection, and for the answer to what is asked before and after the talk.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest wait for a node to agree to the end; then the connection is cut.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Bytes of the buffer for reading; the library's own 128 KiB are much for a thousand members.
const READ_BUFFER_BYTES: usize = 16 * 1024;

/// An open connection.
#[derive(Debug)]
pub(crate) struct Connection(WebSocketStream<TcpStream>);

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When there is no node.
    pub(crate) async fn open(node: &Node) -> anyhow::Result<Self> {
        let opening = async {
            let stream = TcpStream::connect(&node.address).await?;
            // Where it cannot be had, small messages are only later.
            let _ = stream.set_nodelay(true);
            let config = WebSocketConfig::default()
                .read_buffer_size(READ_BUFFER_BYTES)
                .max_message_size(Some(limits::WEBSOCKET_MESSAGE_BYTES_MAX));
            let (socket, _) = client_async_with_config(node.url.as_str(), stream, Some(config)).await?;
            anyhow::Ok(Self(socket))
        };
        let opened = timeout(ANSWER_TIMEOUT, opening).await.context("no answer in time").flatten();
        opened.with_context(|| format!("cannot connect to the node {node}"))
    }

    /// Sends a request.
    ///
    /// # Errors
    /// When the connection is lost.
    pub(crate) async fn send(&mut self, request: &Request) -> anyhow::Result<()> {
        let text = serde_json::to_string(request)?;
        Ok(self.0.send(Message::text(text)).await?)
    }

    /// The next message of the node. It may be dropped while it waits.
    ///
    /// # Errors
    /// When the connection is lost.
    pub(crate) async fn next(&mut self) -> anyhow::Result<ServerMessage> {
        loop {
            match self.0.next().await.context("the node has ended the connection")?? {
                // A message that a later version of the chat may have is passed over.
                Message::Text(text) => {
                    if let Ok(message) = serde_json::from_str(&text) {
                        return Ok(message);
                    }
                }
                Message::Close(_) => bail!("the node has ended the connection"),
                // Pings are answered by the library.
                _ => {}
            }
        }
    }

    /// Makes a room; gives its id.
    ///
    /// # Errors
    /// When the node refuses that.
    pub(crate) async fn create_room(&mut self, name: &str, creator: &str) -> anyhow::Result<String> {
        let (room_name, creator_id) = (name.to_owned(), creator.to_owned());
        let description = Some("load: deleted when it ends".to_owned());
        self.send(&Request::CreateRoom(CreateRoom { room_name, creator_id, description })).await?;
        self.answer(|message| match message {
            ServerMessage::RoomCreated(RoomCreated::Created { room_id, .. }) => Some(Ok(room_id)),
            ServerMessage::RoomCreated(RoomCreated::Refused(failure)) => Some(Err(failure.message)),
            _ => None,
        })
        .await
        .with_context(|| format!("cannot create the room {name}"))
    }

    /// Joins a room.
    ///
    /// # Errors
    /// When the node refuses that.
    pub(crate) async fn join(&mut self, user: &RoomUser) -> anyhow::Result<()> {
        self.send(&Request::JoinRoom(user.clone())).await?;
        self.answer(|message| match message {
            ServerMessage::JoinRoomSuccess(_) => Some(Ok(())),
            ServerMessage::JoinRoomError(error) => Some(Err(error.error)),
            _ => None,
        })
        .await
        .context("cannot join the room")
    }

    /// Deletes a room.
    ///
    /// # Errors
    /// When a node refuses that.
    pub(crate) async fn delete_room(&mut self, user: &RoomUser) -> anyhow::Result<()> {
        self.send(&Request::DeleteRoom(user.clone())).await?;
        self.answer(|message| match message {
            ServerMessage::DeleteRoomSuccess(_) => Some(Ok(())),
            ServerMessage::DeleteRoomFailed(failed) => Some(Err(failed.reason)),
            _ => None,
        })
        .await
    }

    /// Ends the connection politely.
    pub(crate) async fn close(mut self) {
        let closing = async {
            if self.0.close(None).await.is_ok() {
                while let Some(Ok(_)) = self.0.next().await {}
            }
        };
        // Too late or broken: it ends here all the same.
        let _ = timeout(CLOSE_TIMEOUT, closing).await;
    }

    /// Waits for the message that is an answer, and passes over others.
    async fn answer<T>(&mut self, answer: impl Fn(ServerMessage) -> Option<Result<T, String>>) -> anyhow::Result<T> {
        let waiting = async {
            loop {
                match self.next().await? {
                    ServerMessage::Error(failure) => bail!("the node says: {}", failure.message),
                    message => match answer(message) {
                        Some(Ok(answer)) => return Ok(answer),
                        Some(Err(refusal)) => bail!("the node says: {refusal}"),
                        None => {}
                    },
                }
            }
        };
        timeout(ANSWER_TIMEOUT, waiting).await.context("the node does not answer in time").flatten()
    }
}
