//! What `send` and `tail` have in common: errors, the room, stdout.

use std::io::{self, Write};
use std::time::Duration;

use chat_protocol::{CreateRoom, ErrorCode, Request, RoomCreated, ServerMessage};

use crate::connection::{Connection, Lost};
use crate::rooms;

/// Why a script's wish did not come true. Its `Display` is the line on stderr.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScriptError {
    #[error(transparent)]
    Lost(#[from] Lost),
    #[error("{0}")]
    NotConnected(String),
    #[error("no node has a room {room:?}{missing}{hint}")]
    NoRoom { room: String, missing: String, hint: &'static str },
    #[error("cannot create the room {room:?}: {reason}")]
    NotCreated { room: String, reason: String },
    #[error("cannot join the room {room:?}: {reason} ({code})")]
    NotJoined { room: String, reason: String, code: String },
    #[error("{message} was not sent: {reason}{confirmed}")]
    NotSent { message: String, reason: String, confirmed: String },
    #[error("no connection for {} s, giving up: {reason}", limit.as_secs())]
    GivenUp { limit: Duration, reason: String },
    #[error("the room {room:?} was deleted")]
    Deleted { room: String },
    #[error("cannot read stdin: {0}")]
    Stdin(io::Error),
    #[error("cannot write to stdout: {0}")]
    Stdout(io::Error),
    #[error("cannot catch signals: {0}")]
    Signals(io::Error),
    #[error("the node answered with an error: {0}")]
    Refused(String),
}

impl ScriptError {
    /// `missing` are the nodes that may have it (see [`rooms::missing_nodes`]).
    pub(crate) fn no_room(room: &str, missing: Option<String>, hint: &'static str) -> Self {
        let missing = missing.map_or_else(String::new, |nodes| format!(" ({nodes})"));
        Self::NoRoom { room: room.to_owned(), missing, hint }
    }

    pub(crate) fn not_joined(room: &str, reason: String, code: &ErrorCode) -> Self {
        Self::NotJoined { room: room.to_owned(), reason, code: code.0.to_string() }
    }
}

/// What to do about a room that does not exist.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Missing<'a> {
    /// Create it, for this user.
    Create(&'a str),
    /// Say so, and what can be done.
    Refuse(&'static str),
}

/// The id of the room that `room` names, on any node.
pub(crate) async fn find_room(
    connection: &mut Connection,
    room: &str,
    missing: Missing<'_>,
) -> Result<String, ScriptError> {
    let LookedUp { id, missing: unknown } = look_up(connection, room).await?;
    if let Some(id) = id {
        return Ok(id);
    }
    let creator_id = match missing {
        Missing::Create(creator) => creator.to_owned(),
        Missing::Refuse(hint) => return Err(ScriptError::no_room(room, unknown, hint)),
    };
    let request = CreateRoom { room_name: room.to_owned(), creator_id, description: None };
    let reason = match connection.ask(&Request::CreateRoom(request)).await? {
        ServerMessage::RoomCreated(RoomCreated::Created { room_id, .. }) => return Ok(room_id),
        ServerMessage::RoomCreated(RoomCreated::Refused(failure)) | ServerMessage::Error(failure) => failure.message,
        _ => "the node answered something else".to_owned(),
    };
    // Somebody may have created it at the same moment.
    let id = look_up(connection, room).await?.id;
    id.ok_or_else(|| ScriptError::NotCreated { room: room.to_owned(), reason })
}

struct LookedUp {
    id: Option<String>,
    /// The nodes whose rooms are not known, and why.
    missing: Option<String>,
}

async fn look_up(connection: &mut Connection, room: &str) -> Result<LookedUp, ScriptError> {
    match connection.ask(&Request::DiscoverRooms).await? {
        ServerMessage::GlobalRoomsList(list) => Ok(LookedUp {
            id: rooms::find(&list.rooms, room).map(|it| it.room_id.clone()),
            missing: rooms::missing_nodes(&list),
        }),
        ServerMessage::Error(failure) => Err(ScriptError::Refused(failure.message)),
        _ => Ok(LookedUp { id: None, missing: None }),
    }
}

/// Writes one line at once, also into a pipe; false when its reader is gone, which is no error.
pub(crate) fn print(line: &str) -> Result<bool, ScriptError> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{line}").and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(ScriptError::Stdout(error)),
    }
}
