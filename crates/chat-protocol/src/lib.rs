//! The chat's messages as types.
//!
//! Clients speak JSON over a WebSocket with a node ([`Request`] and [`ServerMessage`]); nodes call each
//! other by XML-RPC ([`xmlrpc`]). The wire is that of the distributed chat system whose deployment guide is
//! `docs/chat.md`'s source. "Protocol, section N" in the comments is a section of the description of
//! that wire, of which these types and their comments are the form that is kept.

pub mod limits;
pub mod name;
pub mod peer_nodes;
#[doc(hidden)]
pub mod properties;
mod request;
mod server_message;
pub mod text;
pub mod timestamp;
pub mod xmlrpc;

pub use request::{CreateRoom, Malformed, Request, RoomUser, SendMessage};
pub use server_message::{
    ChatMessage, DeleteRoomFailed, DeleteRoomInitiated, DeleteRoomSuccess, ErrorCode, Failure, GlobalRoomsList,
    JoinRoomError, JoinRoomSuccess, MemberEvent, MessageError, MessageSent, Room, RoomCreated, RoomDeleted,
    RoomTransaction, RoomsList, ServerMessage,
};
