//! What a node sends to its clients: replies (protocol, section 3) and events (section 4).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::request::RoomUser;

/// A reply or an event.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub enum ServerMessage {
    /// Answers `list_rooms`.
    RoomsList(RoomsList),
    /// Answers `discover_rooms`.
    GlobalRoomsList(GlobalRoomsList),
    /// Answers `create_room`, also when it failed.
    RoomCreated(RoomCreated),
    /// Answers `join_room`; the history follows as `new_message`s.
    JoinRoomSuccess(JoinRoomSuccess),
    /// Answers a `join_room` that failed.
    JoinRoomError(JoinRoomError),
    /// A message of the room, to everybody in it; the sender gets it before its `message_sent`.
    NewMessage(ChatMessage),
    /// Answers `send_message`.
    MessageSent(MessageSent),
    /// Answers a `send_message` that failed.
    MessageError(MessageError),
    /// Somebody else is a member now.
    MemberJoined(MemberEvent),
    /// A member is none any more.
    MemberLeft(MemberEvent),
    /// Answers `leave_room`.
    LeaveRoomSuccess(RoomUser),
    /// A deletion has begun: to who asked for it, and to the room's clients on its own node.
    DeleteRoomInitiated(DeleteRoomInitiated),
    /// A deletion is done: to who asked for it.
    DeleteRoomSuccess(DeleteRoomSuccess),
    /// A deletion is refused or taken back: to who asked for it.
    DeleteRoomFailed(DeleteRoomFailed),
    /// The room is gone: to its clients.
    RoomDeleted(RoomDeleted),
    /// The room stays: to its clients on other nodes.
    DeleteRoomCancelled(RoomTransaction),
    /// Answers what is no request.
    Error(Failure),
}

impl ServerMessage {
    /// The text of the frame.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Text, numbers and lists of them always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A room in a list.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Room {
    /// UUID, as text.
    pub room_id: String,
    /// Unique on its node.
    pub room_name: String,
    /// What it is about.
    pub description: Option<String>,
    /// How many members it has.
    pub member_count: u32,
    /// The node that hosts it.
    pub admin_node: String,
    /// Who may delete it.
    pub creator_id: String,
    /// The XML-RPC address of its node, for rooms of other nodes and between nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_address: Option<String>,
}

/// The rooms of one node, in order of their creation.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct RoomsList {
    /// The rooms.
    pub rooms: Vec<Room>,
    /// Their number.
    pub total_count: u32,
}

/// The rooms of all nodes that answered: first the asked node's own.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct GlobalRoomsList {
    /// The rooms.
    pub rooms: Vec<Room>,
    /// Their number.
    pub total_count: u32,
    /// The asked node, then the others as they answered.
    pub nodes_queried: Vec<String>,
    /// Who answered.
    pub nodes_available: Vec<String>,
    /// Who did not.
    pub nodes_unavailable: Vec<String>,
    /// Who of these refused to answer, as a node does whose cluster secret is another one. Not in the original.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes_refusing: Vec<String>,
}

/// The answer to `create_room`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RoomCreated {
    /// The room exists. The original's client refuses a key more (protocol, section 13, obligation 6).
    Created {
        /// The room's id.
        room_id: String,
        /// The room's name.
        room_name: String,
        /// The node that hosts it.
        admin_node: String,
        /// Nobody: the creator is no member before it joins.
        members: Vec<String>,
        /// When it was created.
        created_at: String,
    },
    /// The room does not exist.
    Refused(Failure),
}

/// What went wrong.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// Always false.
    pub success: bool,
    /// What went wrong, for a person.
    pub message: String,
}

impl Failure {
    /// A failure for this reason.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { success: false, message: message.into() }
    }
}

/// The answer to a `join_room` that succeeded.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct JoinRoomSuccess {
    /// The room's id.
    pub room_id: String,
    /// The room's name.
    pub room_name: String,
    /// What it is about.
    pub description: Option<String>,
    /// The members' names, in no order, the new one among them.
    pub members: Vec<String>,
    /// Their number.
    pub member_count: u32,
    /// The node that hosts the room.
    pub admin_node: String,
}

/// The answer to a `join_room` that failed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct JoinRoomError {
    /// As in the request; empty when it was missing.
    pub room_id: String,
    /// What went wrong, for a person.
    pub error: String,
    /// What went wrong, for a program.
    pub error_code: ErrorCode,
}

/// A message of a room.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// UUID, as text.
    pub message_id: String,
    /// The room's id.
    pub room_id: String,
    /// The sender's name.
    pub username: String,
    /// The text.
    pub content: String,
    /// Counts the room's messages from 1, without gaps.
    pub sequence_number: u32,
    /// When the room's node took it.
    pub timestamp: String,
}

/// The answer to a `send_message` that succeeded.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct MessageSent {
    /// The room's id.
    pub room_id: String,
    /// The message's id.
    pub message_id: String,
    /// The message's number.
    pub sequence_number: u32,
    /// When the room's node took it.
    pub timestamp: String,
}

/// The answer to a `send_message` that failed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct MessageError {
    /// As in the request; empty when it was missing.
    pub room_id: String,
    /// What went wrong, for a person.
    pub error: String,
    /// What went wrong, for a program.
    pub error_code: ErrorCode,
}

/// Who came or went.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct MemberEvent {
    /// The room's id.
    pub room_id: String,
    /// The member's name.
    pub username: String,
    /// How many members there are afterwards.
    pub member_count: u32,
    /// When.
    pub timestamp: String,
    /// Why somebody went without asking: `User disconnected`, `Node unreachable` or `Inactivity`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A deletion has begun.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct DeleteRoomInitiated {
    /// The room's id.
    pub room_id: String,
    /// For the room's clients: who asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initiator: Option<String>,
    /// For who asked for it: the deletion's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<String>,
    /// Always `in_progress`.
    pub status: String,
}

/// A deletion is done.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct DeleteRoomSuccess {
    /// The room's id.
    pub room_id: String,
    /// The deletion's id.
    pub transaction_id: String,
    /// For a person.
    pub message: String,
}

/// A deletion is refused, or taken back.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct DeleteRoomFailed {
    /// As in the request; empty when it was missing.
    pub room_id: String,
    /// What went wrong, for a person.
    pub reason: String,
    /// What went wrong, for a program.
    pub error_code: ErrorCode,
    /// The deletion's id, if it had begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<String>,
}

/// The room is gone.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct RoomDeleted {
    /// The room's id.
    pub room_id: String,
    /// The room's name, or `Unknown`.
    pub room_name: String,
    /// On the room's own node: for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// On other nodes: the deletion's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<String>,
}

/// A room and a deletion of it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct RoomTransaction {
    /// The room's id.
    pub room_id: String,
    /// The deletion's id.
    pub transaction_id: String,
}

/// What went wrong, for a program. A peer's code that is none of these is passed on as it is.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ErrorCode(pub Cow<'static, str>);

impl ErrorCode {
    /// A field is missing or cannot be taken.
    pub const INVALID_REQUEST: Self = Self(Cow::Borrowed("INVALID_REQUEST"));
    /// The content is missing, too long, no text, or cannot be carried.
    pub const INVALID_CONTENT: Self = Self(Cow::Borrowed("INVALID_CONTENT"));
    /// No node that answers hosts the room.
    pub const ROOM_NOT_FOUND: Self = Self(Cow::Borrowed("ROOM_NOT_FOUND"));
    /// The room's node is known, but does not answer.
    pub const ADMIN_NODE_UNAVAILABLE: Self = Self(Cow::Borrowed("ADMIN_NODE_UNAVAILABLE"));
    /// This connection has not joined the room under this name.
    pub const NOT_MEMBER: Self = Self(Cow::Borrowed("NOT_MEMBER"));
    /// A peer's word for a user who is not in the room.
    pub const NOT_IN_ROOM: Self = Self(Cow::Borrowed("NOT_IN_ROOM"));
    /// Not the room's creator.
    pub const UNAUTHORIZED: Self = Self(Cow::Borrowed("UNAUTHORIZED"));
    /// The room is being deleted.
    pub const INVALID_STATE: Self = Self(Cow::Borrowed("INVALID_STATE"));
    /// A node did not agree to the deletion.
    pub const DELETION_FAILED: Self = Self(Cow::Borrowed("DELETION_FAILED"));
    /// A limit of the node is reached.
    pub const LIMIT_REACHED: Self = Self(Cow::Borrowed("LIMIT_REACHED"));
    /// A peer failed without a code.
    pub const UNKNOWN_ERROR: Self = Self(Cow::Borrowed("UNKNOWN_ERROR"));
    /// The node failed.
    pub const INTERNAL_ERROR: Self = Self(Cow::Borrowed("INTERNAL_ERROR"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_created_room_has_five_keys_and_a_refused_one_two() {
        let created = ServerMessage::RoomCreated(RoomCreated::Created {
            room_id: "r".to_owned(),
            room_name: "general".to_owned(),
            admin_node: "node1".to_owned(),
            members: Vec::new(),
            created_at: "t".to_owned(),
        });
        let expected = r#"{"type":"room_created","data":{"room_id":"r","room_name":"general","admin_node":"node1","members":[],"created_at":"t"}}"#;
        assert_eq!(created.to_json(), expected);
        assert_eq!(serde_json::from_str::<ServerMessage>(expected).unwrap(), created);
        let refused = ServerMessage::RoomCreated(RoomCreated::Refused(Failure::new("no")));
        assert_eq!(refused.to_json(), r#"{"type":"room_created","data":{"success":false,"message":"no"}}"#);
        assert_eq!(serde_json::from_str::<ServerMessage>(&refused.to_json()).unwrap(), refused);
    }

    #[test]
    fn what_does_not_apply_is_left_out() {
        let left = ServerMessage::MemberLeft(MemberEvent {
            room_id: "r".to_owned(),
            username: "bob".to_owned(),
            member_count: 0,
            timestamp: "t".to_owned(),
            reason: None,
        });
        assert_eq!(
            left.to_json(),
            r#"{"type":"member_left","data":{"room_id":"r","username":"bob","member_count":0,"timestamp":"t"}}"#
        );
    }
}
