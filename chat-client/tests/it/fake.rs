//! A node for tests, with one room, that does what a test says also where a real one would not.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use chat_protocol::{
    ChatMessage, ErrorCode, GlobalRoomsList, JoinRoomError, JoinRoomSuccess, MemberEvent, MessageError, MessageSent,
    Request, Room, RoomCreated, RoomUser, RoomsList, SendMessage, ServerMessage,
};
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::broadcast;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

/// Messages for a client that wait; no test has more.
const QUEUE: usize = 4096;

/// The id of the room, and its name once it is created.
pub(crate) const ROOM_ID: &str = "6f1c2c1e-0000-4000-8000-000000000001";

#[derive(Default)]
struct State {
    room_name: Option<String>,
    members: Vec<String>,
    history: VecDeque<ChatMessage>,
    last_number: u32,
    /// Cancelled to cut all connections of now.
    cut: CancellationToken,
    /// Messages are taken, and the connection is cut before they are confirmed.
    cuts_instead_of_confirming: bool,
    /// Everything is refused as for somebody who is no member, once.
    has_removed: bool,
    requests: Vec<Request>,
}

/// A running fake; its clients are cut off when it is dropped.
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
    events: broadcast::Sender<ServerMessage>,
    _runtime: Runtime,
}

impl Fake {
    /// Starts a node without a room.
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let events = broadcast::channel(QUEUE).0;
        let (shared, sender) = (state.clone(), events.clone());
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone(), sender.clone()));
            }
        });
        Self { address, state, events, _runtime: runtime }
    }

    /// Starts a node with a room of this name.
    pub(crate) fn with_room(name: &str) -> Self {
        let fake = Self::start();
        fake.state.lock().unwrap().room_name = Some(name.to_owned());
        fake
    }

    /// Adds a message to the history without telling anybody.
    pub(crate) fn remember(&self, number: u32, content: &str) -> ChatMessage {
        let mut state = self.state.lock().unwrap();
        let message = message(number, "bob", content);
        state.last_number = state.last_number.max(number);
        state.history.push_back(message.clone());
        message
    }

    /// Sends an event to everybody.
    pub(crate) fn tell(&self, event: ServerMessage) {
        // Nobody may be there.
        let _ = self.events.send(event);
    }

    /// Cuts all connections without a word.
    pub(crate) fn cut(&self) {
        std::mem::take(&mut self.state.lock().unwrap().cut).cancel();
    }

    /// Takes the next message, and cuts the connection before it is confirmed.
    pub(crate) fn cut_instead_of_confirming(&self) {
        self.state.lock().unwrap().cuts_instead_of_confirming = true;
    }

    /// Removes all members, without telling them.
    pub(crate) fn remove_members(&self) {
        let mut state = self.state.lock().unwrap();
        state.members.clear();
        state.has_removed = true;
    }

    /// The contents of all messages that were taken.
    pub(crate) fn contents(&self) -> Vec<String> {
        self.state.lock().unwrap().history.iter().map(|message| message.content.clone()).collect()
    }

    /// The requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state.lock().unwrap().requests.clone()
    }

    /// The address, as an argument.
    pub(crate) fn argument(&self) -> String {
        format!("--address={}", self.address)
    }
}

/// A message of the room.
pub(crate) fn message(number: u32, username: &str, content: &str) -> ChatMessage {
    ChatMessage {
        message_id: format!("id {number}"),
        room_id: ROOM_ID.to_owned(),
        username: username.to_owned(),
        content: content.to_owned(),
        sequence_number: number,
        timestamp: "2026-11-21T14:20:07.123456+00:00".to_owned(),
    }
}

async fn serve(stream: TcpStream, state: Arc<Mutex<State>>, events: broadcast::Sender<ServerMessage>) {
    let mut received = events.subscribe();
    let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
    let cut = state.lock().unwrap().cut.clone();
    let mut me = None;
    loop {
        let replies = tokio::select! {
            biased;
            () = cut.cancelled() => return,
            Ok(event) = received.recv() => {
                if me.is_some() { vec![event] } else { Vec::new() }
            }
            frame = socket.next() => match frame {
                Some(Ok(Message::Text(text))) => {
                    let request = Request::from_json(&text).unwrap();
                    let Some(replies) = answer(&mut state.lock().unwrap(), &events, &mut me, request) else { return };
                    // The sender's own message goes out before its confirmation.
                    while let Ok(event) = received.try_recv() {
                        if me.is_some() && socket.send(Message::text(event.to_json())).await.is_err() {
                            return;
                        }
                    }
                    replies
                }
                Some(Ok(_)) => Vec::new(),
                _ => return,
            },
        };
        for reply in replies {
            if socket.send(Message::text(reply.to_json())).await.is_err() {
                return;
            }
        }
    }
}

/// Answers a request; `None` cuts the connection.
fn answer(
    state: &mut State,
    events: &broadcast::Sender<ServerMessage>,
    me: &mut Option<String>,
    request: Request,
) -> Option<Vec<ServerMessage>> {
    state.requests.push(request.clone());
    let rooms: Vec<_> = state.room_name.iter().map(|name| room(name, state)).collect();
    let total_count = u32::try_from(rooms.len()).unwrap();
    Some(match request {
        Request::ListRooms => vec![ServerMessage::RoomsList(RoomsList { rooms, total_count })],
        Request::DiscoverRooms => vec![ServerMessage::GlobalRoomsList(GlobalRoomsList {
            rooms,
            total_count,
            nodes_queried: vec!["fake".to_owned()],
            nodes_available: vec!["fake".to_owned()],
            nodes_unavailable: Vec::new(),
            nodes_refusing: Vec::new(),
        })],
        Request::CreateRoom(create) => {
            state.room_name = Some(create.room_name.clone());
            vec![ServerMessage::RoomCreated(RoomCreated::Created {
                room_id: ROOM_ID.to_owned(),
                room_name: create.room_name,
                admin_node: "fake".to_owned(),
                members: Vec::new(),
                created_at: "2026-11-21T14:20:07+00:00".to_owned(),
            })]
        }
        Request::JoinRoom(user) => join(state, events, me, user),
        Request::SendMessage(SendMessage { room_id, username, content }) => {
            if std::mem::take(&mut state.has_removed) {
                let error_code = ErrorCode::NOT_MEMBER;
                let error = "You are not a member of this room".to_owned();
                return Some(vec![ServerMessage::MessageError(MessageError { room_id, error, error_code })]);
            }
            state.last_number += 1;
            let message = message(state.last_number, &username, &content.unwrap());
            state.history.push_back(message.clone());
            if std::mem::take(&mut state.cuts_instead_of_confirming) {
                return None;
            }
            let ChatMessage { message_id, sequence_number, timestamp, .. } = message.clone();
            let _ = events.send(ServerMessage::NewMessage(message));
            vec![ServerMessage::MessageSent(MessageSent { room_id, message_id, sequence_number, timestamp })]
        }
        Request::LeaveRoom(user) => {
            *me = None;
            state.members.retain(|member| *member != user.username);
            let _ = events.send(ServerMessage::MemberLeft(event(&user.username)));
            vec![ServerMessage::LeaveRoomSuccess(user)]
        }
        Request::DeleteRoom(_) => Vec::new(),
    })
}

fn join(
    state: &mut State,
    events: &broadcast::Sender<ServerMessage>,
    me: &mut Option<String>,
    user: RoomUser,
) -> Vec<ServerMessage> {
    let RoomUser { room_id, username } = user;
    let Some(room_name) = state.room_name.clone().filter(|_| room_id == ROOM_ID) else {
        return vec![ServerMessage::JoinRoomError(JoinRoomError {
            room_id,
            error: "Room not found".to_owned(),
            error_code: ErrorCode::ROOM_NOT_FOUND,
        })];
    };
    *me = Some(username.clone());
    if !state.members.contains(&username) {
        state.members.push(username.clone());
        // Who joins must not get it; the client passes over its own name.
        let _ = events.send(ServerMessage::MemberJoined(event(&username)));
    }
    let joined = ServerMessage::JoinRoomSuccess(JoinRoomSuccess {
        room_id,
        room_name,
        description: None,
        members: state.members.clone(),
        member_count: u32::try_from(state.members.len()).unwrap(),
        admin_node: "fake".to_owned(),
    });
    std::iter::once(joined).chain(state.history.iter().cloned().map(ServerMessage::NewMessage)).collect()
}

fn room(name: &str, state: &State) -> Room {
    Room {
        room_id: ROOM_ID.to_owned(),
        room_name: name.to_owned(),
        description: Some("a room of the fake".to_owned()),
        member_count: u32::try_from(state.members.len()).unwrap(),
        admin_node: "fake".to_owned(),
        creator_id: "alice".to_owned(),
        node_address: None,
    }
}

fn event(username: &str) -> MemberEvent {
    MemberEvent {
        room_id: ROOM_ID.to_owned(),
        username: username.to_owned(),
        member_count: 1,
        timestamp: "2026-11-21T14:20:07+00:00".to_owned(),
        reason: None,
    }
}
