//! How long, how many, how large. What the original fixes keeps its value (protocol, section 8); what
//! it leaves without limit gets one well above normal use (section 12, row 22).

use std::time::Duration;

/// Longest content of a message, in Unicode code points; a longer one is refused with
/// `INVALID_CONTENT`.
pub const CONTENT_CHARS_MAX: usize = 5000;

/// Messages that a room remembers, for who joins later; older ones are forgotten.
pub const HISTORY_MESSAGES_MAX: usize = 100;

/// Largest WebSocket message; a larger one closes the connection with code 1009.
pub const WEBSOCKET_MESSAGE_BYTES_MAX: usize = 1024 * 1024;

/// Silence after which a node pings a client.
pub const PING_INTERVAL: Duration = Duration::from_secs(20);

/// Longest wait for the pong; then the connection is closed with code 1011.
pub const PONG_TIMEOUT: Duration = Duration::from_secs(20);

/// Longest user name, in Unicode code points; a longer one is refused.
pub const USERNAME_CHARS_MAX: usize = 100;

/// Longest name of a room, in Unicode code points; a longer one is refused.
pub const ROOM_NAME_CHARS_MAX: usize = 200;

/// Longest description of a room, in Unicode code points; a longer one is refused.
pub const DESCRIPTION_CHARS_MAX: usize = 2000;

/// Longest room id, in bytes; ids are UUIDs of 36, and a longer one names no room.
pub const ROOM_ID_BYTES_MAX: usize = 64;

/// Most rooms of one node; then `create_room` is refused. The list of so many fits [`XMLRPC_BYTES_MAX`] with
/// the longest names and descriptions, all of their characters escaped.
pub const ROOMS_MAX: usize = 2000;

/// Most members of one room; then `join_room` is refused.
pub const MEMBERS_MAX: usize = 20_000;

/// Most rooms that one connection can be in at once; then `join_room` is refused.
pub const ROOMS_PER_CONNECTION_MAX: usize = 1000;

/// Highest number of a message: XML-RPC's integers have 32 bits (protocol, section 5).
pub const SEQUENCE_NUMBER_MAX: u32 = i32::MAX as u32;

/// Largest body of an XML-RPC request or response between nodes; a larger one is refused unread. Twice
/// what the largest join needs: [`MEMBERS_MAX`] names and [`HISTORY_MESSAGES_MAX`] contents, all of their
/// characters escaped.
pub const XMLRPC_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Most values in an XML-RPC body; more are refused. A join of a full room has a tenth as many.
pub const XMLRPC_VALUES_MAX: usize = 200_000;

/// How deep values may be nested in an XML-RPC body; deeper ones are refused. Calls need 5.
pub const XMLRPC_DEPTH_MAX: usize = 16;
