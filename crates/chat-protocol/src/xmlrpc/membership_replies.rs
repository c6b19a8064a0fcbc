//! What answers the calls about members and their messages.

use crate::server_message::{ChatMessage, ErrorCode, JoinRoomSuccess};

use super::fields::{Fields, Unexpected, error_code, readable};
use super::records::{message, message_value, room_info, room_info_value};
use super::reply::Reply;
use super::value::Value;

/// Answers `join_room`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum JoinReply {
    /// The user is a member.
    Joined(Joined),
    /// The user is not.
    Refused {
        /// What went wrong, for a person.
        message: String,
        /// What went wrong, for a program.
        error_code: ErrorCode,
    },
}

/// A membership.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Joined {
    /// [`Joined::NEW`] or [`Joined::AGAIN`].
    pub message: String,
    /// The room and its members.
    pub room_info: JoinRoomSuccess,
    /// The history, oldest first.
    pub messages: Vec<ChatMessage>,
}

impl Joined {
    /// `message` for a name that is new in the room.
    pub const NEW: &str = "Successfully joined room";
    /// `message` for a name that is in the room already.
    pub const AGAIN: &str = "Already in room, re-registered";
}

impl Reply for JoinReply {
    fn to_value(&self) -> Value<'_> {
        match self {
            Self::Joined(Joined { message, room_info, messages }) => Value::fields([
                ("success", true.into()),
                ("message", message.into()),
                ("room_info", room_info_value(room_info)),
                ("messages", Value::Array(messages.iter().map(message_value).collect())),
            ]),
            Self::Refused { message, error_code } => Value::fields([
                ("success", false.into()),
                ("message", message.into()),
                ("error_code", error_code.0.as_ref().into()),
                ("room_info", Value::Nil),
            ]),
        }
    }

    fn from_value(value: Value<'_>) -> Result<Self, Unexpected> {
        let mut fields = Fields::of(value, "the reply to join_room")?;
        if !fields.boolean("success")? {
            let message = fields.optional_text("message")?.unwrap_or_default();
            return Ok(Self::Refused { message, error_code: error_code(&mut fields)? });
        }
        let messages = fields.optional("messages");
        Ok(Self::Joined(Joined {
            message: fields.optional_text("message")?.unwrap_or_default(),
            room_info: room_info(fields.required("room_info")?)?,
            messages: messages.map_or(Ok(Vec::new()), |messages| readable(messages, "messages", message))?,
        }))
    }
}

/// Answers `leave_room`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum LeaveReply {
    /// The user is no member any more.
    Left {
        /// `Successfully left room`.
        message: String,
    },
    /// The user was none.
    Refused {
        /// What went wrong, for a person.
        message: String,
        /// What went wrong, for a program.
        error_code: ErrorCode,
    },
}

impl Reply for LeaveReply {
    fn to_value(&self) -> Value<'_> {
        match self {
            Self::Left { message } => Value::fields([("success", true.into()), ("message", message.into())]),
            Self::Refused { message, error_code } => Value::fields([
                ("success", false.into()),
                ("message", message.into()),
                ("error_code", error_code.0.as_ref().into()),
            ]),
        }
    }

    fn from_value(value: Value<'_>) -> Result<Self, Unexpected> {
        let mut fields = Fields::of(value, "the reply to leave_room")?;
        let message = fields.optional_text("message")?.unwrap_or_default();
        if fields.boolean("success")? {
            Ok(Self::Left { message })
        } else {
            Ok(Self::Refused { message, error_code: error_code(&mut fields)? })
        }
    }
}

/// Answers `forward_message`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ForwardReply {
    /// The message has a number.
    Accepted(Accepted),
    /// The message is not taken.
    Refused {
        /// What went wrong, for a person.
        error: String,
        /// What went wrong, for a program.
        error_code: ErrorCode,
    },
}

/// A message that was taken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Accepted {
    /// The message's id.
    pub message_id: String,
    /// The message's number.
    pub sequence_number: u32,
    /// When the room's node took it.
    pub timestamp: String,
}

impl Reply for ForwardReply {
    fn to_value(&self) -> Value<'_> {
        match self {
            Self::Accepted(Accepted { message_id, sequence_number, timestamp }) => Value::fields([
                ("success", true.into()),
                ("message_id", message_id.into()),
                ("sequence_number", (*sequence_number).into()),
                ("timestamp", timestamp.into()),
            ]),
            Self::Refused { error, error_code } => Value::fields([
                ("success", false.into()),
                ("error", error.into()),
                ("error_code", error_code.0.as_ref().into()),
            ]),
        }
    }

    fn from_value(value: Value<'_>) -> Result<Self, Unexpected> {
        let mut fields = Fields::of(value, "the reply to forward_message")?;
        if !fields.boolean("success")? {
            let error = fields.optional_text("error")?.unwrap_or_default();
            return Ok(Self::Refused { error, error_code: error_code(&mut fields)? });
        }
        Ok(Self::Accepted(Accepted {
            message_id: fields.text("message_id")?,
            sequence_number: fields.number("sequence_number")?,
            timestamp: fields.text("timestamp")?,
        }))
    }
}

/// Answers `notify_member_disconnect`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DisconnectReply {
    /// Whether the user is not in the room, which is there.
    pub success: bool,
    /// What was done.
    pub message: String,
}

impl Reply for DisconnectReply {
    fn to_value(&self) -> Value<'_> {
        Value::fields([("success", self.success.into()), ("message", (&self.message).into())])
    }

    fn from_value(value: Value<'_>) -> Result<Self, Unexpected> {
        let mut fields = Fields::of(value, "the reply to notify_member_disconnect")?;
        let success = fields.boolean("success")?;
        Ok(Self { success, message: fields.optional_text("message")?.unwrap_or_default() })
    }
}
