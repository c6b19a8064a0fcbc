//! The parameters of the calls as values.

use super::call::{PeerCall, PeerEvent};
use super::fault::Fault;
use super::fields::{Fields, Unexpected, list, optional_text, text};
use super::records::{member_event, member_event_value, message, message_value};
use super::value::Value;

/// The reason of a departure whose caller gives none.
const DEFAULT_REASON: &str = "User disconnected";

impl PeerCall {
    /// Reads the parameters of a method.
    pub(super) fn of(method: &str, values: Vec<Value<'_>>) -> Result<Self, Fault> {
        let parameters = Parameters { method, values };
        Ok(match method {
            "heartbeat" => {
                let [] = parameters.exactly()?;
                Self::Heartbeat
            }
            "get_hosted_rooms" => {
                let [] = parameters.exactly()?;
                Self::GetHostedRooms
            }
            "join_room" => {
                let [room_id, username, client_node_id] = parameters.texts()?;
                Self::JoinRoom { room_id, username, client_node_id }
            }
            "leave_room" => {
                let [room_id, username, client_node_id] = parameters.texts()?;
                Self::LeaveRoom { room_id, username, client_node_id }
            }
            "forward_message" => {
                let [room_id, username, content, sender_node_id] = parameters.exactly()?;
                Self::ForwardMessage {
                    room_id: text(room_id, "room_id")?,
                    username: text(username, "username")?,
                    content: text(content, "content").ok(),
                    sender_node_id: text(sender_node_id, "sender_node_id")?,
                }
            }
            "receive_message_broadcast" => {
                let [room_id, data] = parameters.exactly()?;
                Self::ReceiveMessageBroadcast { room_id: text(room_id, "room_id")?, message: message(data)? }
            }
            "receive_member_event_broadcast" => {
                let [room_id, event_type, data] = parameters.exactly()?;
                let event = PeerEvent::of(text(event_type, "event_type")?, data)?;
                Self::ReceiveMemberEventBroadcast { room_id: text(room_id, "room_id")?, event }
            }
            "notify_member_disconnect" => {
                let [room_id, username, member_node_id, reason] = parameters.at_least(3)?;
                Self::NotifyMemberDisconnect {
                    room_id: text(room_id, "room_id")?,
                    username: text(username, "username")?,
                    member_node_id: text(member_node_id, "member_node_id")?,
                    reason: optional_text(reason, "reason")?.unwrap_or_else(|| DEFAULT_REASON.to_owned()),
                }
            }
            "prepare_delete_room" => {
                let [room_id, transaction_id, coordinator] = parameters.texts()?;
                Self::PrepareDeleteRoom { room_id, transaction_id, coordinator }
            }
            "commit_delete_room" => {
                let [room_id, transaction_id, room_name] = parameters.at_least(2)?;
                Self::CommitDeleteRoom {
                    room_id: text(room_id, "room_id")?,
                    transaction_id: text(transaction_id, "transaction_id")?,
                    room_name: optional_text(room_name, "room_name")?,
                }
            }
            "rollback_delete_room" => {
                let [room_id, transaction_id] = parameters.texts()?;
                Self::RollbackDeleteRoom { room_id, transaction_id }
            }
            // `system.multicall` too, when it is inside another one.
            unknown => return Err(Fault::unknown_method(unknown)),
        })
    }

    pub(super) fn parameters(&self) -> Vec<Value<'_>> {
        match self {
            Self::Heartbeat | Self::GetHostedRooms => Vec::new(),
            Self::JoinRoom { room_id, username, client_node_id }
            | Self::LeaveRoom { room_id, username, client_node_id } => {
                vec![room_id.into(), username.into(), client_node_id.into()]
            }
            Self::ForwardMessage { room_id, username, content, sender_node_id } => {
                vec![room_id.into(), username.into(), Value::optional(content.as_deref()), sender_node_id.into()]
            }
            Self::ReceiveMessageBroadcast { room_id, message } => vec![room_id.into(), message_value(message)],
            Self::ReceiveMemberEventBroadcast { room_id, event } => {
                let (event_type, data) = event.to_values();
                vec![room_id.into(), event_type.into(), data]
            }
            Self::NotifyMemberDisconnect { room_id, username, member_node_id, reason } => {
                vec![room_id.into(), username.into(), member_node_id.into(), reason.into()]
            }
            Self::PrepareDeleteRoom { room_id, transaction_id, coordinator } => {
                vec![room_id.into(), transaction_id.into(), coordinator.into()]
            }
            Self::CommitDeleteRoom { room_id, transaction_id, room_name } => {
                vec![room_id.into(), transaction_id.into(), Value::optional(room_name.as_deref())]
            }
            Self::RollbackDeleteRoom { room_id, transaction_id } => vec![room_id.into(), transaction_id.into()],
            Self::Multicall(calls) => {
                let entries = calls.iter().map(|call| match call {
                    Ok(call) => call.entry(),
                    Err(_) => entry_value("", Vec::new()),
                });
                vec![Value::Array(entries.collect())]
            }
        }
    }

    /// The call as one of several.
    pub(super) fn entry(&self) -> Value<'_> {
        entry_value(self.method(), self.parameters())
    }
}

fn entry_value<'a>(method: &'a str, parameters: Vec<Value<'a>>) -> Value<'a> {
    Value::fields([("methodName", method.into()), ("params", Value::Array(parameters))])
}

/// Reads one of several calls.
pub(super) fn read_entry(value: Value<'_>) -> Result<PeerCall, Fault> {
    let mut fields = Fields::of(value, "a call of system.multicall")?;
    let method = text(fields.required("methodName")?, "methodName")?;
    PeerCall::of(&method, list(fields.required("params")?, "params", Ok)?)
}

impl PeerEvent {
    fn of(event_type: String, data: Value<'_>) -> Result<Self, Unexpected> {
        Ok(match event_type.as_str() {
            "member_joined" => Self::MemberJoined(member_event(data)?),
            "member_left" => Self::MemberLeft(member_event(data)?),
            _ => Self::Other(event_type),
        })
    }

    fn to_values(&self) -> (&str, Value<'_>) {
        match self {
            Self::MemberJoined(event) => ("member_joined", member_event_value(event)),
            Self::MemberLeft(event) => ("member_left", member_event_value(event)),
            Self::Other(event_type) => (event_type, Value::fields([])),
        }
    }
}

/// The values that a method is called with.
pub(super) struct Parameters<'m, 'a> {
    pub(super) method: &'m str,
    pub(super) values: Vec<Value<'a>>,
}

impl<'a> Parameters<'_, 'a> {
    /// All `N` parameters.
    pub(super) fn exactly<const N: usize>(self) -> Result<[Value<'a>; N], Unexpected> {
        self.at_least(N)
    }

    /// `N` parameters, of which all but the first `least` may be missing; then they are nil.
    fn at_least<const N: usize>(mut self, least: usize) -> Result<[Value<'a>; N], Unexpected> {
        let given = self.values.len();
        if given >= least {
            // More than N are too many below.
            self.values.resize(given.max(N), Value::Nil);
        }
        let method = self.method;
        self.values.try_into().map_err(|_| Unexpected::Type(format!("{method}() takes {N} parameters, not {given}")))
    }

    /// All `N` parameters, which are text.
    fn texts<const N: usize>(self) -> Result<[String; N], Unexpected> {
        let method = self.method;
        let values: [_; N] = self.exactly()?;
        let mut texts = [const { String::new() }; N];
        for (place, value) in texts.iter_mut().zip(values) {
            *place = text(value, &format!("a parameter of {method}()"))?;
        }
        Ok(texts)
    }
}
