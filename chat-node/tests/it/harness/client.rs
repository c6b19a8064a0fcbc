//! A client, made with tokio-tungstenite.

use std::net::SocketAddr;

use chat_protocol::{
    ChatMessage, CreateRoom, JoinRoomSuccess, MessageSent, Request, RoomCreated, RoomUser, RoomsList, SendMessage,
    ServerMessage,
};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite};

/// Waits for `work`, but not for ever.
pub(crate) async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(testing::LIMIT, work).await.unwrap_or_else(|_| panic!("nothing within {:?}", testing::LIMIT))
}

/// A connection to a node, which it closes when it is dropped.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) socket: WebSocketStream<TcpStream>,
}

/// How a node ended a connection: the close frame, if there was one.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Closed {
    pub(crate) code: Option<u16>,
    pub(crate) reason: String,
}

/// Opens a WebSocket with a request of its own, and gives the answer to that, too.
pub(crate) async fn accept(address: SocketAddr, request: impl IntoClientRequest + Unpin) -> (Client, Response) {
    let opened = async {
        let stream = TcpStream::connect(address).await.unwrap();
        client_async(request, stream).await.unwrap()
    };
    let (socket, response) = in_time(opened).await;
    (Client { socket }, response)
}

fn user(room_id: &str, username: &str) -> RoomUser {
    RoomUser { room_id: room_id.to_owned(), username: username.to_owned() }
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        accept(address, format!("ws://{address}/")).await.0
    }

    /// A client whose system keeps little for it, so that it soon shows when it does not read.
    pub(crate) async fn connect_with_little_room(address: SocketAddr) -> Self {
        let opened = async {
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_recv_buffer_size(4096).unwrap();
            let stream = socket.connect(address).await.unwrap();
            client_async(format!("ws://{address}/"), stream).await.unwrap().0
        };
        Self { socket: in_time(opened).await }
    }

    /// Sends a frame.
    pub(crate) async fn send(&mut self, frame: Message) {
        in_time(self.socket.send(frame)).await.unwrap();
    }

    /// Sends text, which may be anything.
    pub(crate) async fn text(&mut self, text: &str) {
        self.send(Message::text(text)).await;
    }

    /// Sends a request, and does not wait for its answer.
    pub(crate) async fn request(&mut self, request: &Request) {
        self.text(&serde_json::to_string(request).unwrap()).await;
    }

    /// The next frame but pings and pongs.
    pub(crate) async fn frame(&mut self) -> Message {
        loop {
            let frame = in_time(self.socket.next()).await;
            let frame = frame.unwrap_or_else(|| panic!("the connection is closed")).unwrap();
            if !matches!(frame, Message::Ping(_) | Message::Pong(_)) {
                return frame;
            }
        }
    }

    /// The next message as it was sent.
    pub(crate) async fn raw(&mut self) -> String {
        match self.frame().await {
            Message::Text(text) => text.to_string(),
            other => panic!("a text frame instead of {other:?}"),
        }
    }

    /// The next message as JSON.
    pub(crate) async fn json(&mut self) -> Value {
        serde_json::from_str(&self.raw().await).unwrap()
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> ServerMessage {
        let text = self.raw().await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Sends text, and gives its answer as JSON.
    pub(crate) async fn answer(&mut self, text: &str) -> Value {
        self.text(text).await;
        self.json().await
    }

    /// Creates a room; gives its id.
    pub(crate) async fn create_room(&mut self, room_name: &str, creator_id: &str) -> String {
        self.request(&Request::CreateRoom(CreateRoom {
            room_name: room_name.to_owned(),
            creator_id: creator_id.to_owned(),
            description: None,
        }))
        .await;
        match expect!(self, RoomCreated) {
            RoomCreated::Created { room_id, .. } => room_id,
            RoomCreated::Refused(failure) => panic!("{failure:?}"),
        }
    }

    /// Joins a room; the history is not read.
    pub(crate) async fn join(&mut self, room_id: &str, username: &str) -> JoinRoomSuccess {
        self.request(&Request::JoinRoom(user(room_id, username))).await;
        expect!(self, JoinRoomSuccess)
    }

    /// Joins a room in which it hears others already; what it hears before the answer is lost.
    pub(crate) async fn join_among_events(&mut self, room_id: &str, username: &str) -> JoinRoomSuccess {
        self.request(&Request::JoinRoom(user(room_id, username))).await;
        skip_to!(self, JoinRoomSuccess)
    }

    /// Sends a message, and does not wait for its answer.
    pub(crate) async fn send_message(&mut self, room_id: &str, username: &str, content: &str) {
        self.try_send_message(room_id, username, content).await.unwrap();
    }

    /// Does so when the connection may be gone.
    pub(crate) async fn try_send_message(
        &mut self,
        room_id: &str,
        username: &str,
        content: &str,
    ) -> Result<(), tungstenite::Error> {
        let request = Request::SendMessage(SendMessage {
            room_id: room_id.to_owned(),
            username: username.to_owned(),
            content: Some(content.to_owned()),
        });
        in_time(self.socket.send(Message::text(serde_json::to_string(&request).unwrap()))).await
    }

    /// Says something in a room where nothing else happens: its own event comes first, its
    /// confirmation second.
    pub(crate) async fn say(&mut self, room_id: &str, username: &str, content: &str) -> ChatMessage {
        self.send_message(room_id, username, content).await;
        let message = expect!(self, NewMessage);
        let sent = expect!(self, MessageSent);
        let ChatMessage { message_id, sequence_number, timestamp, .. } = message.clone();
        assert_eq!(sent, MessageSent { room_id: room_id.to_owned(), message_id, sequence_number, timestamp });
        assert_eq!((message.room_id.as_str(), message.username.as_str()), (room_id, username));
        assert_eq!(message.content, content);
        message
    }

    /// Leaves a room in which nothing else happens.
    pub(crate) async fn leave(&mut self, room_id: &str, username: &str) {
        self.request(&Request::LeaveRoom(user(room_id, username))).await;
        assert_eq!(expect!(self, LeaveRoomSuccess), user(room_id, username));
    }

    /// Asks for a room's deletion, and does not wait for an answer.
    pub(crate) async fn delete(&mut self, room_id: &str, username: &str) {
        self.request(&Request::DeleteRoom(user(room_id, username))).await;
    }

    /// The rooms of the node.
    pub(crate) async fn list_rooms(&mut self) -> RoomsList {
        self.request(&Request::ListRooms).await;
        expect!(self, RoomsList)
    }

    /// Checks that no message waits: what was queued before would come before the answer to a new
    /// request.
    pub(crate) async fn hears_nothing(&mut self) {
        self.list_rooms().await;
    }

    /// The next message, or how the node ended the connection.
    pub(crate) async fn next_or_end(&mut self) -> Result<ServerMessage, Closed> {
        let ended = |code, reason| Closed { code, reason };
        loop {
            match in_time(self.socket.next()).await {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(Some(frame)))) => {
                    return Err(ended(Some(frame.code.into()), frame.reason.to_string()));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(ended(None, error.to_string())),
                None => return Err(ended(None, String::new())),
            }
        }
    }

    /// Passes over messages up to the end of the connection.
    pub(crate) async fn closed(&mut self) -> Closed {
        let mut closed = Closed { code: None, reason: String::new() };
        let end = async {
            while let Some(Ok(frame)) = self.socket.next().await {
                if let Message::Close(Some(frame)) = frame {
                    closed = Closed { code: Some(frame.code.into()), reason: frame.reason.to_string() };
                }
            }
        };
        in_time(end).await;
        closed
    }

    /// Says goodbye, and waits until the node has heard it.
    pub(crate) async fn close(mut self) {
        in_time(self.socket.close(None)).await.unwrap();
        self.closed().await;
    }
}
