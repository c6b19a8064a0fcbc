//! One client: its requests, in their order, and the rooms that it is in (protocol, section 3).

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use chat_protocol::limits::{CONTENT_CHARS_MAX, ROOM_ID_BYTES_MAX, ROOMS_PER_CONNECTION_MAX, USERNAME_CHARS_MAX};
use chat_protocol::name;
use chat_protocol::text::{fits, is_carried};
use chat_protocol::{
    CreateRoom, DeleteRoomFailed, ErrorCode, Failure, GlobalRoomsList, JoinRoomError, MessageError, Request,
    RoomCreated, RoomUser, RoomsList, SendMessage, ServerMessage,
};

use crate::frame::frame;
use crate::node::Node;
use crate::outbox::Outbox;
use crate::peers::Peer;
use crate::room::{DISCONNECTED, Holder, Refusal, Room};

mod deleting;
mod remote;

/// A client's requests and rooms.
#[derive(Debug)]
pub(crate) struct Session {
    node: Arc<Node>,
    outbox: Outbox,
    /// The rooms joined, and under which names.
    joined: HashMap<String, Vec<String>>,
    /// Where the last messages went, which may not be answered yet.
    unsettled: Option<Destination>,
}

/// Where a message goes: a room of this node, or the node of another room. It answers messages in
/// their order, so that further ones can follow before that.
#[derive(Clone, Debug)]
enum Destination {
    Room(Arc<Room>),
    Peer(Arc<Peer>),
}

impl Destination {
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Room(room), Self::Room(other)) => Arc::ptr_eq(room, other),
            (Self::Peer(peer), Self::Peer(other)) => Arc::ptr_eq(peer, other),
            _ => false,
        }
    }
}

impl Session {
    pub(crate) fn new(node: Arc<Node>, outbox: Outbox) -> Self {
        Self { node, outbox, joined: HashMap::new(), unsettled: None }
    }

    /// Carries a request out. What answers it is queued, or will be before any later answer.
    pub(crate) async fn handle(&mut self, text: &str) {
        self.node.requests.count();
        let request = Request::from_json(text).map(with_normal_names);
        let admitted = self.node.chaos.admit().await;
        if admitted.is_err() || !matches!(request, Ok(Request::SendMessage(_))) {
            self.settle().await;
        }
        if let Err(error) = admitted {
            return self.answer(&ServerMessage::Error(Failure::new(error.to_string())));
        }
        match request {
            Ok(Request::ListRooms) => {
                let rooms = self.node.rooms.entries(None);
                self.answer(&ServerMessage::RoomsList(RoomsList { total_count: count(rooms.len()), rooms }));
            }
            Ok(Request::DiscoverRooms) => self.discover_rooms().await,
            Ok(Request::CreateRoom(request)) => self.create_room(request).await,
            Ok(Request::JoinRoom(user)) => self.join_room(user).await,
            Ok(Request::SendMessage(message)) => self.send_message(message).await,
            Ok(Request::LeaveRoom(user)) => self.leave_room(user).await,
            Ok(Request::DeleteRoom(user)) => self.delete_room(user).await,
            Err(error @ chat_protocol::Malformed::CreateRoomData) => {
                let failure = Failure::new(error.to_string());
                self.answer(&ServerMessage::RoomCreated(RoomCreated::Refused(failure)));
            }
            Err(error) => self.answer(&ServerMessage::Error(Failure::new(error.to_string()))),
        }
    }

    /// Waits until all messages are answered.
    async fn settle(&mut self) {
        match self.unsettled.take() {
            Some(Destination::Room(room)) => room.settle().await,
            Some(Destination::Peer(peer)) => peer.settle().await,
            None => {}
        }
    }

    fn answer(&self, message: &ServerMessage) {
        // A client that reads nothing is being disconnected.
        self.outbox.push(frame(message));
    }

    async fn discover_rooms(&self) {
        let discovery = self.node.peers.discover().await;
        let mut rooms = self.node.rooms.entries(None);
        rooms.extend(discovery.rooms);
        let own = [self.node.id.to_string()];
        self.answer(&ServerMessage::GlobalRoomsList(GlobalRoomsList {
            total_count: count(rooms.len()),
            rooms,
            nodes_queried: own.iter().cloned().chain(discovery.queried).collect(),
            nodes_available: own.into_iter().chain(discovery.available).collect(),
            nodes_unavailable: discovery.unavailable,
            nodes_refusing: discovery.refusing,
        }));
    }

    async fn create_room(&self, request: CreateRoom) {
        let answer = match self.node.rooms.create(request).await {
            Ok(room) => RoomCreated::Created {
                room_id: room.listing.room_id.clone(),
                room_name: room.listing.room_name.clone(),
                admin_node: room.listing.admin_node.to_string(),
                members: Vec::new(),
                created_at: room.listing.created_at.clone(),
            },
            Err(reason) => RoomCreated::Refused(Failure::new(reason)),
        };
        self.answer(&ServerMessage::RoomCreated(answer));
    }

    async fn join_room(&mut self, user: RoomUser) {
        let room_id = user.room_id.clone();
        if let Err(Refusal { code, reason }) = self.try_join(user).await {
            let error = JoinRoomError { room_id, error: reason, error_code: code };
            self.answer(&ServerMessage::JoinRoomError(error));
        }
    }

    async fn try_join(&mut self, RoomUser { room_id, username }: RoomUser) -> Result<(), Refusal> {
        if room_id.is_empty() || username.is_empty() {
            return Err(Refusal::new(ErrorCode::INVALID_REQUEST, "Missing room_id or username"));
        }
        check_username(&username)?;
        if let Err(unfit) = name::check(&username) {
            return Err(Refusal::new(ErrorCode::INVALID_REQUEST, format!("username {unfit}")));
        }
        if self.joined.len() >= ROOMS_PER_CONNECTION_MAX {
            // Rooms that were deleted do not count.
            let Self { node, joined, .. } = self;
            joined.retain(|room_id, _| node.rooms.get(room_id).is_some() || node.relay.peer(room_id).is_some());
        }
        if self.joined.len() >= ROOMS_PER_CONNECTION_MAX && !self.joined.contains_key(&room_id) {
            let reason = format!("A connection can be in {ROOMS_PER_CONNECTION_MAX} rooms at most");
            return Err(Refusal::new(ErrorCode::LIMIT_REACHED, reason));
        }
        match self.node.rooms.get(&room_id) {
            Some(room) => room.join(username.clone(), self.outbox.clone()).await?,
            None => self.join_remote(&room_id, &username).await?,
        }
        let names = self.joined.entry(room_id).or_default();
        if !names.contains(&username) {
            names.push(username);
        }
        Ok(())
    }

    async fn send_message(&mut self, message: SendMessage) {
        let room_id = message.room_id.clone();
        if let Err(Refusal { code, reason }) = self.try_send(message).await {
            self.settle().await;
            let error = MessageError { room_id, error: reason, error_code: code };
            self.answer(&ServerMessage::MessageError(error));
        }
    }

    async fn try_send(&mut self, message: SendMessage) -> Result<(), Refusal> {
        let SendMessage { room_id, username, content } = message;
        if room_id.is_empty() || username.is_empty() {
            return Err(Refusal::new(ErrorCode::INVALID_REQUEST, "Missing room_id or username"));
        }
        let content = check_content(content)?;
        // Only under a name that this connection joined under (section 12, row 12).
        if !self.joined.get(&room_id).is_some_and(|names| names.contains(&username)) {
            return Err(Refusal::new(ErrorCode::NOT_MEMBER, "You are not a member of this room"));
        }
        let room = self.node.rooms.get(&room_id).map(Destination::Room);
        let destination = room.or_else(|| self.node.relay.peer(&room_id).map(Destination::Peer));
        let Some(destination) = destination else {
            // The room was deleted.
            self.joined.remove(&room_id);
            return Err(Refusal::room_not_found());
        };
        if !self.unsettled.as_ref().is_some_and(|unsettled| unsettled.is(&destination)) {
            self.settle().await;
        }
        self.unsettled = Some(destination.clone());
        match destination {
            Destination::Room(room) => {
                if !room.send(username, content, self.outbox.clone()).await {
                    return Err(Refusal::room_not_found());
                }
            }
            Destination::Peer(peer) => self.send_remote(&peer, room_id, username, content).await,
        }
        Ok(())
    }

    async fn leave_room(&mut self, user: RoomUser) {
        if user.room_id.is_empty() || user.username.is_empty() {
            self.answer(&ServerMessage::Error(Failure::new("Missing room_id or username")));
            return;
        }
        let RoomUser { room_id, username } = &user;
        // Somebody else's name stays (section 12, row 13); the answer is the same.
        if let Some(names) = self.joined.get_mut(room_id) {
            names.retain(|name| name != username);
            if names.is_empty() {
                self.joined.remove(room_id);
            }
            match self.node.rooms.get(room_id) {
                Some(room) => leave(&room, username, &self.outbox).await,
                None => self.leave_remote(room_id, Some(username), None),
            }
        }
        self.answer(&ServerMessage::LeaveRoomSuccess(user));
    }

    /// The connection is gone, and its names with it, unless others hold them.
    pub(crate) async fn end(mut self) {
        // What it said before it went is taken while it is still a member.
        self.settle().await;
        for room_id in self.joined.keys() {
            match self.node.rooms.get(room_id) {
                Some(room) => room.disconnect(self.outbox.id()).await,
                None => self.leave_remote(room_id, None, Some(DISCONNECTED)),
            }
        }
    }

    async fn delete_room(&self, user: RoomUser) {
        let room_id = user.room_id.clone();
        if let Err(Refusal { code, reason }) = self.try_delete(user).await {
            let failed = DeleteRoomFailed { room_id, reason, error_code: code, transaction_id: None };
            self.answer(&ServerMessage::DeleteRoomFailed(failed));
        }
    }
}

/// The request with the one form of each name in it, so that names which look alike are alike.
fn with_normal_names(mut request: Request) -> Request {
    let normalise = |given: &mut String| {
        if let Cow::Owned(normal) = name::normalise(given) {
            *given = normal;
        }
    };
    match &mut request {
        Request::CreateRoom(CreateRoom { room_name, creator_id, .. }) => {
            normalise(room_name);
            normalise(creator_id);
        }
        Request::SendMessage(SendMessage { username, .. })
        | Request::JoinRoom(RoomUser { username, .. })
        | Request::LeaveRoom(RoomUser { username, .. })
        | Request::DeleteRoom(RoomUser { username, .. }) => normalise(username),
        Request::ListRooms | Request::DiscoverRooms => {}
    }
    request
}

async fn leave(room: &Arc<Room>, username: &str, outbox: &Outbox) {
    room.leave(username.to_owned(), Holder::Connection(outbox.id()), true, None).await;
}

fn check_username(username: &str) -> Result<(), Refusal> {
    let reason = if !fits(username, USERNAME_CHARS_MAX) {
        format!("username too long (max {USERNAME_CHARS_MAX} characters)")
    } else if !is_carried(username) {
        "username contains control characters".to_owned()
    } else {
        return Ok(());
    };
    Err(Refusal::new(ErrorCode::INVALID_REQUEST, reason))
}

/// The checks of a message's content, on whichever way it comes (section 12, rows 6 and 20).
pub(crate) fn check_content(content: Option<String>) -> Result<String, Refusal> {
    let reason = match content {
        None => "Message content must be text".to_owned(),
        Some(content) if content.is_empty() => "Message content cannot be empty".to_owned(),
        Some(content) if !fits(&content, CONTENT_CHARS_MAX) => {
            format!("Message content too long (max {CONTENT_CHARS_MAX} characters)")
        }
        Some(content) if !is_carried(&content) => "Message content contains control characters".to_owned(),
        Some(content) => return Ok(content),
    };
    Err(Refusal::new(ErrorCode::INVALID_CONTENT, reason))
}

/// Checks of what another node's client gave.
pub(crate) fn check_names(room_id: &str, username: &str) -> Result<(), Refusal> {
    if room_id.is_empty() || username.is_empty() {
        return Err(Refusal::new(ErrorCode::INVALID_REQUEST, "Missing room_id or username"));
    }
    if room_id.len() > ROOM_ID_BYTES_MAX {
        return Err(Refusal::room_not_found());
    }
    check_username(username)
}

/// A list's length; lists are bounded far below.
fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
