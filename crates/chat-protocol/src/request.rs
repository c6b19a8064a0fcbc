//! What clients ask of a node (protocol, section 3).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A client's request. `serde_json::to_string` gives its text; [`Request::from_json`] reads it.
///
/// In requests that were read, a field that is missing is empty. Missing is, as in the original,
/// what is absent, `null`, `""`, `0`, `false`, `[]` or `{}`; text that holds what no node can carry
/// counts as [`Text::Unusable`](SendMessage::content) where that matters, elsewhere as missing.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub enum Request {
    /// The rooms of this node; answered by `rooms_list`.
    ListRooms,
    /// The rooms of all nodes; answered by `global_rooms_list`.
    DiscoverRooms,
    /// A new room on this node; answered by `room_created`.
    CreateRoom(CreateRoom),
    /// Membership; answered by `join_room_success` and the history, or by `join_room_error`.
    JoinRoom(RoomUser),
    /// A message to a room; answered by `message_sent` or `message_error`.
    SendMessage(SendMessage),
    /// The end of a membership; answered by `leave_room_success`.
    LeaveRoom(RoomUser),
    /// The end of a room; answered by `delete_room_initiated` and then the outcome.
    DeleteRoom(RoomUser),
}

/// The data of `create_room`.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct CreateRoom {
    /// The room's name, unique on its node.
    pub room_name: String,
    /// Who may delete the room.
    pub creator_id: String,
    /// What the room is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A room and a user: the data of `join_room`, `leave_room` and `delete_room`, and of
/// `leave_room_success`.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct RoomUser {
    /// The room's id.
    pub room_id: String,
    /// The user's name.
    pub username: String,
}

/// The data of `send_message`.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct SendMessage {
    /// The room's id.
    pub room_id: String,
    /// The sender's name.
    pub username: String,
    /// The text; nothing when it is no text at all, or holds half a surrogate pair (protocol,
    /// section 12, rows 6 and 20).
    pub content: Option<String>,
}

/// Why text is no request. Its `Display` is the `message` of the `error` that answers it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Malformed {
    /// Not JSON at all.
    #[error("Invalid JSON format")]
    Json,
    /// JSON, but not an object.
    #[error("A request is a JSON object with type and data")]
    NotAnObject,
    /// `data` is not an object.
    #[error("The data of a request is a JSON object")]
    DataNotAnObject,
    /// The data of `create_room` is not an object, which has an answer of its own.
    #[error("Internal server error")]
    CreateRoomData,
    /// No request has this type, which is given as Python would print it.
    #[error("Unknown message type: {0}")]
    UnknownType(String),
}

/// Bytes of an unknown type that its error repeats.
const UNKNOWN_TYPE_BYTES_MAX: usize = 100;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Data<'a> {
    #[serde(borrow, default)]
    room_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    username: Option<&'a RawValue>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    room_name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    creator_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    description: Option<&'a RawValue>,
}

impl Request {
    /// Reads a request.
    ///
    /// # Errors
    /// [`Malformed`], for what is none. A request whose fields are missing or wrong is one: the node
    /// answers each kind in its own way.
    pub fn from_json(text: &str) -> Result<Self, Malformed> {
        let json: &RawValue = serde_json::from_str(text).map_err(|_| Malformed::Json)?;
        if !json.get().starts_with('{') {
            return Err(Malformed::NotAnObject);
        }
        // It fails for a key that is there twice.
        let envelope: Envelope<'_> = serde_json::from_str(json.get()).map_err(|_| Malformed::Json)?;
        let kind = envelope.kind.map(text_of);
        let Some(Field::Text(kind)) = kind else {
            return Err(Malformed::UnknownType("None".to_owned()));
        };
        let data = || match envelope.data {
            None => Ok(Data::default()),
            Some(data) if data.get().starts_with('{') => {
                serde_json::from_str(data.get()).map_err(|_| Malformed::DataNotAnObject)
            }
            Some(_) => Err(Malformed::DataNotAnObject),
        };
        Ok(match &*kind {
            "list_rooms" => Self::ListRooms,
            "discover_rooms" => Self::DiscoverRooms,
            "create_room" => {
                let data = data().map_err(|_| Malformed::CreateRoomData)?;
                let description = data.description.map(text_of);
                Self::CreateRoom(CreateRoom {
                    room_name: required(data.room_name),
                    creator_id: required(data.creator_id),
                    description: match description {
                        Some(Field::Text(text)) => Some(text.into_owned()),
                        _ => None,
                    },
                })
            }
            "join_room" => Self::JoinRoom(data()?.room_user()),
            "send_message" => {
                let data = data()?;
                let content = match data.content.map(text_of) {
                    None | Some(Field::Missing) => Some(String::new()),
                    Some(Field::Text(text)) => Some(text.into_owned()),
                    Some(Field::Other) => None,
                };
                Self::SendMessage(SendMessage {
                    room_id: required(data.room_id),
                    username: required(data.username),
                    content,
                })
            }
            "leave_room" => Self::LeaveRoom(data()?.room_user()),
            "delete_room" => Self::DeleteRoom(data()?.room_user()),
            unknown => {
                let end = unknown.floor_char_boundary(UNKNOWN_TYPE_BYTES_MAX);
                return Err(Malformed::UnknownType(unknown[..end].to_owned()));
            }
        })
    }
}

impl Data<'_> {
    fn room_user(&self) -> RoomUser {
        RoomUser { room_id: required(self.room_id), username: required(self.username) }
    }
}

enum Field<'a> {
    Text(Cow<'a, str>),
    /// What Python takes for false.
    Missing,
    /// Not text, or text that is not Unicode.
    Other,
}

fn text_of(raw: &RawValue) -> Field<'_> {
    match raw.get() {
        "null" | "false" | "0" | "0.0" | "-0" | "\"\"" => Field::Missing,
        empty if is_empty_container(empty) => Field::Missing,
        // Without escapes, what is between the quotes is the text.
        plain if plain.starts_with('"') && !plain.contains('\\') => {
            Field::Text(Cow::Borrowed(&plain[1..plain.len() - 1]))
        }
        other => serde_json::from_str(other).map_or(Field::Other, |text: String| Field::Text(Cow::Owned(text))),
    }
}

fn is_empty_container(json: &str) -> bool {
    let inside = |open, close| json.strip_prefix(open)?.strip_suffix(close);
    let inside = inside('[', ']').or_else(|| inside('{', '}'));
    inside.is_some_and(|inside| inside.chars().all(char::is_whitespace))
}

fn required(raw: Option<&RawValue>) -> String {
    match raw.map(text_of) {
        Some(Field::Text(text)) => text.into_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let user = RoomUser { room_id: "r".to_owned(), username: "Zoë".to_owned() };
        for request in [
            Request::ListRooms,
            Request::DiscoverRooms,
            Request::CreateRoom(CreateRoom {
                room_name: "general".to_owned(),
                creator_id: "alice".to_owned(),
                description: Some("all \"sorts\"".to_owned()),
            }),
            Request::JoinRoom(user.clone()),
            Request::SendMessage(SendMessage {
                room_id: "r".to_owned(),
                username: "Zoë".to_owned(),
                content: Some("two\nlines".to_owned()),
            }),
            Request::LeaveRoom(user.clone()),
            Request::DeleteRoom(user),
        ] {
            let text = serde_json::to_string(&request).unwrap();
            assert_eq!(Request::from_json(&text), Ok(request), "{text}");
        }
    }

    #[test]
    fn what_python_takes_for_false_is_missing() {
        for missing in ["", r#","room_id":null"#, r#","room_id":"""#, r#","room_id":0"#, r#","room_id":[]"#] {
            let text = format!(r#"{{"type":"join_room","data":{{"username":"bob"{missing}}}}}"#);
            let expected = RoomUser { room_id: String::new(), username: "bob".to_owned() };
            assert_eq!(Request::from_json(&text), Ok(Request::JoinRoom(expected)), "{text}");
        }
        let empty = Request::from_json(r#"{"type":"join_room","data":{"room_id":{ },"username":[]}}"#);
        assert_eq!(empty, Ok(Request::JoinRoom(RoomUser::default())));
        assert_eq!(Request::from_json(r#"{"type":"join_room"}"#), Ok(Request::JoinRoom(RoomUser::default())));
    }

    #[test]
    fn content_that_is_no_text_is_told_from_missing_content() {
        let content = |json: &str| match Request::from_json(&format!(
            r#"{{"type":"send_message","data":{{"room_id":"r","username":"u","content":{json}}}}}"#
        )) {
            Ok(Request::SendMessage(message)) => message.content,
            other => panic!("{other:?}"),
        };
        assert_eq!(content("null"), Some(String::new()));
        assert_eq!(content(r#""a\u00e9""#), Some("aé".to_owned()));
        for other in ["5", "true", "[1]", r#"{"a":1}"#, r#""\ud800""#] {
            assert_eq!(content(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_no_request_is_told_why() {
        let reason = |text| Request::from_json(text).unwrap_err().to_string();
        assert_eq!(reason("{"), "Invalid JSON format");
        assert_eq!(reason(""), "Invalid JSON format");
        assert_eq!(reason("[]"), "A request is a JSON object with type and data");
        assert_eq!(reason("{}"), "Unknown message type: None");
        assert_eq!(reason(r#"{"type":"dance"}"#), "Unknown message type: dance");
        assert_eq!(reason(r#"{"type":"join_room","data":[]}"#), "The data of a request is a JSON object");
        assert_eq!(reason(r#"{"type":"create_room","data":"x"}"#), "Internal server error");
    }
}
