//! What nodes ask of each other (protocol, section 6).

use crate::server_message::{ChatMessage, MemberEvent};

use super::fault::Fault;
use super::fields::list;
use super::parameters::{Parameters, read_entry};
use super::read::read_call;
use super::value::Value;
use super::write::{end_call, start_call, write_parameter};

const MULTICALL: &str = "system.multicall";

/// A call of a method of a node.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PeerCall {
    /// Whether the node is there. Answered by [`super::HeartbeatReply`].
    Heartbeat,
    /// The rooms that the node hosts. Answered by a list of [`crate::Room`], with addresses.
    GetHostedRooms,
    /// Membership of a room that the node hosts. Answered by [`super::JoinReply`].
    JoinRoom {
        /// The room's id.
        room_id: String,
        /// The user's name.
        username: String,
        /// The node that the user is connected to.
        client_node_id: String,
    },
    /// The end of a membership. Answered by [`super::LeaveReply`].
    LeaveRoom {
        /// The room's id.
        room_id: String,
        /// The user's name.
        username: String,
        /// The node that the user is connected to.
        client_node_id: String,
    },
    /// A message to a room that the node hosts. Answered by [`super::ForwardReply`].
    ForwardMessage {
        /// The room's id.
        room_id: String,
        /// The sender's name.
        username: String,
        /// The text; nothing when it is no text at all, which an original node passes on (protocol,
        /// section 12, row 20).
        content: Option<String>,
        /// The node that the sender is connected to.
        sender_node_id: String,
    },
    /// A new message, for the node's clients in the room. Answered by `true`.
    ReceiveMessageBroadcast {
        /// The room's id.
        room_id: String,
        /// The message.
        message: ChatMessage,
    },
    /// Somebody came or went, for the node's clients in the room. Answered by `true`.
    ReceiveMemberEventBroadcast {
        /// The room's id.
        room_id: String,
        /// What happened.
        event: PeerEvent,
    },
    /// A user's connection is gone. Answered by [`super::DisconnectReply`].
    NotifyMemberDisconnect {
        /// The room's id.
        room_id: String,
        /// The user's name.
        username: String,
        /// The node that the user was connected to.
        member_node_id: String,
        /// Why; `User disconnected` when the caller says nothing.
        reason: String,
    },
    /// Whether a room may be deleted. Answered by [`super::Vote`].
    PrepareDeleteRoom {
        /// The room's id.
        room_id: String,
        /// The deletion's id.
        transaction_id: String,
        /// The node that asks.
        coordinator: String,
    },
    /// A room is deleted. Answered by [`super::Outcome`].
    CommitDeleteRoom {
        /// The room's id.
        room_id: String,
        /// The deletion's id.
        transaction_id: String,
        /// The room's name.
        room_name: Option<String>,
    },
    /// A room stays. Answered by [`super::Outcome`].
    RollbackDeleteRoom {
        /// The room's id.
        room_id: String,
        /// The deletion's id.
        transaction_id: String,
    },
    /// Several calls, carried out in this order. Answered by [`super::MulticallReply`]. Original nodes do
    /// not know it. A call among them that cannot be carried out is the fault to answer in its place; in
    /// a request that is written, it is a call without a name.
    Multicall(Vec<Result<PeerCall, Fault>>),
}

/// What happened in a room.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PeerEvent {
    /// Somebody else is a member now.
    MemberJoined(MemberEvent),
    /// A member is none any more.
    MemberLeft(MemberEvent),
    /// An event of this type, which the chat does not have; its data is not kept.
    Other(String),
}

impl PeerCall {
    /// The method's name.
    #[must_use]
    pub fn method(&self) -> &'static str {
        match self {
            Self::Heartbeat => "heartbeat",
            Self::GetHostedRooms => "get_hosted_rooms",
            Self::JoinRoom { .. } => "join_room",
            Self::LeaveRoom { .. } => "leave_room",
            Self::ForwardMessage { .. } => "forward_message",
            Self::ReceiveMessageBroadcast { .. } => "receive_message_broadcast",
            Self::ReceiveMemberEventBroadcast { .. } => "receive_member_event_broadcast",
            Self::NotifyMemberDisconnect { .. } => "notify_member_disconnect",
            Self::PrepareDeleteRoom { .. } => "prepare_delete_room",
            Self::CommitDeleteRoom { .. } => "commit_delete_room",
            Self::RollbackDeleteRoom { .. } => "rollback_delete_room",
            Self::Multicall(_) => MULTICALL,
        }
    }

    /// The body of the request.
    #[must_use]
    pub fn to_xml(&self) -> String {
        let mut out = String::new();
        start_call(&mut out, self.method());
        for parameter in self.parameters() {
            write_parameter(&mut out, &parameter);
        }
        end_call(&mut out);
        out
    }

    /// Reads the body of a request.
    ///
    /// # Errors
    /// The [`Fault`] that answers it: it is no XML-RPC, there is no such method, or the parameters are
    /// not those of the method.
    pub fn from_xml(body: &[u8]) -> Result<Self, Fault> {
        let (method, parameters) = read_call(body)?;
        if method == MULTICALL {
            let [calls] = Parameters { method: MULTICALL, values: parameters }.exactly()?;
            return Ok(Self::Multicall(list(calls, "the parameter of system.multicall", |call| Ok(read_entry(call)))?));
        }
        Self::of(&method, parameters)
    }
}

/// The body of a request for several calls: [`PeerCall::Multicall`] without owning them.
#[must_use]
pub fn multicall_xml<'a>(calls: impl IntoIterator<Item = &'a PeerCall>) -> String {
    let mut out = String::new();
    start_call(&mut out, MULTICALL);
    write_parameter(&mut out, &Value::Array(calls.into_iter().map(PeerCall::entry).collect()));
    end_call(&mut out);
    out
}
