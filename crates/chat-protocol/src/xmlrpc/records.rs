//! The structs that calls and replies share.

use crate::server_message::{ChatMessage, JoinRoomSuccess, MemberEvent, Room};

use super::fields::{Fields, Unexpected, list, text};
use super::value::Value;

pub(super) fn message(value: Value<'_>) -> Result<ChatMessage, Unexpected> {
    let mut fields = Fields::of(value, "a message")?;
    Ok(ChatMessage {
        message_id: fields.text("message_id")?,
        room_id: fields.text("room_id")?,
        username: fields.text("username")?,
        content: fields.text("content")?,
        sequence_number: fields.number("sequence_number")?,
        timestamp: fields.text("timestamp")?,
    })
}

pub(super) fn message_value(message: &ChatMessage) -> Value<'_> {
    Value::fields([
        ("message_id", (&message.message_id).into()),
        ("room_id", (&message.room_id).into()),
        ("username", (&message.username).into()),
        ("content", (&message.content).into()),
        ("sequence_number", message.sequence_number.into()),
        ("timestamp", (&message.timestamp).into()),
    ])
}

pub(super) fn member_event(value: Value<'_>) -> Result<MemberEvent, Unexpected> {
    let mut fields = Fields::of(value, "a member event")?;
    Ok(MemberEvent {
        room_id: fields.text("room_id")?,
        username: fields.text("username")?,
        member_count: fields.number("member_count")?,
        timestamp: fields.text("timestamp")?,
        reason: fields.optional_text("reason")?,
    })
}

pub(super) fn member_event_value(event: &MemberEvent) -> Value<'_> {
    let mut value = vec![
        ("room_id".into(), (&event.room_id).into()),
        ("username".into(), (&event.username).into()),
        ("member_count".into(), event.member_count.into()),
        ("timestamp".into(), (&event.timestamp).into()),
    ];
    // A client of an original node gets the data as it is, and there no reason is no key.
    value.extend(event.reason.as_ref().map(|reason| ("reason".into(), reason.into())));
    Value::Struct(value)
}

pub(super) fn room(value: Value<'_>) -> Result<Room, Unexpected> {
    let mut fields = Fields::of(value, "a room")?;
    Ok(Room {
        room_id: fields.text("room_id")?,
        room_name: fields.text("room_name")?,
        description: fields.optional_text("description")?,
        member_count: fields.number("member_count")?,
        admin_node: fields.text("admin_node")?,
        // Nobody but the room's node needs it, and there it may be of any type (section 12, row 20).
        creator_id: fields.optional("creator_id").and_then(|id| text(id, "").ok()).unwrap_or_default(),
        node_address: fields.optional_text("node_address")?,
    })
}

pub(super) fn room_value(room: &Room) -> Value<'_> {
    Value::fields([
        ("room_id", (&room.room_id).into()),
        ("room_name", (&room.room_name).into()),
        ("description", Value::optional(room.description.as_deref())),
        ("member_count", room.member_count.into()),
        ("admin_node", (&room.admin_node).into()),
        ("creator_id", (&room.creator_id).into()),
        ("node_address", Value::optional(room.node_address.as_deref())),
    ])
}

/// The room that was joined.
pub(super) fn room_info(value: Value<'_>) -> Result<JoinRoomSuccess, Unexpected> {
    let mut fields = Fields::of(value, "room_info")?;
    let members = list(fields.required("members")?, "members", |name| text(name, "a member"))?;
    Ok(JoinRoomSuccess {
        room_id: fields.text("room_id")?,
        room_name: fields.text("room_name")?,
        description: fields.optional_text("description")?,
        members,
        member_count: fields.number("member_count")?,
        admin_node: fields.text("admin_node")?,
    })
}

pub(super) fn room_info_value(room: &JoinRoomSuccess) -> Value<'_> {
    Value::fields([
        ("room_id", (&room.room_id).into()),
        ("room_name", (&room.room_name).into()),
        ("description", Value::optional(room.description.as_deref())),
        ("members", room.members.iter().map(Value::from).collect::<Vec<_>>().into()),
        ("member_count", room.member_count.into()),
        ("admin_node", (&room.admin_node).into()),
    ])
}
