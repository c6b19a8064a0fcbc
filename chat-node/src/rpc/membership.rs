//! Other nodes' clients in the rooms of this one.
//!
//! A node speaks for its own clients only, and only if it is a peer: another one could not be told
//! what happens in the room (protocol, section 12, row 14).

use chat_protocol::xmlrpc::{Accepted, DisconnectReply, ForwardReply, JoinReply, Joined, LeaveReply};
use chat_protocol::{ErrorCode, JoinRoomSuccess};
use tokio::time::{Duration, Instant};

use crate::node::Node;
use crate::node_id::NodeId;
use crate::peers::FLUSH_TIMEOUT;
use crate::refused::Reason;
use crate::room::{Forwarded, Holder, Refusal, Removal, Room, Sent, Snapshot};
use crate::session::{check_content, check_names};

/// How often the room is looked at for one join.
const SNAPSHOTS_MAX: usize = 3;

impl Node {
    /// The answer comes when the client's node has heard all that happened in the room up to here, so
    /// that nothing older reaches the client after its join (protocol, section 13, obligations 1 and 3).
    pub(super) async fn join(&self, room_id: String, username: String, node: &str) -> JoinReply {
        match self.try_join(&room_id, username, node).await {
            Ok(joined) => JoinReply::Joined(joined),
            Err(Refusal { code, reason }) => JoinReply::Refused { message: reason, error_code: code },
        }
    }

    async fn try_join(&self, room_id: &str, username: String, node: &str) -> Result<Joined, Refusal> {
        check_names(room_id, &username)?;
        let room = self.rooms.get(room_id).ok_or_else(Refusal::room_not_found)?;
        let node = self.peer(node)?;
        let is_new = room.register(username, node.clone()).await?;
        let snapshot = heard_snapshot(&room, node).await.ok_or_else(Refusal::room_not_found)?;
        let entry = room.listing.entry(None);
        let message = if is_new { Joined::NEW } else { Joined::AGAIN };
        Ok(Joined {
            message: message.to_owned(),
            room_info: JoinRoomSuccess {
                room_id: entry.room_id,
                room_name: entry.room_name,
                description: entry.description,
                member_count: u32::try_from(snapshot.members.len()).unwrap_or(u32::MAX),
                members: snapshot.members,
                admin_node: entry.admin_node,
            },
            messages: snapshot.history,
        })
    }

    pub(super) async fn leave(&self, room_id: String, username: String, node: &str) -> LeaveReply {
        let refused = |message: &str, error_code| LeaveReply::Refused { message: message.to_owned(), error_code };
        match self.release(&room_id, username, node, true, None).await {
            None => refused("Room not found", ErrorCode::ROOM_NOT_FOUND),
            Some(Removal::NotHeld) => refused("Not in room", ErrorCode::NOT_IN_ROOM),
            Some(Removal::StillHeld | Removal::Gone) => {
                LeaveReply::Left { message: "Successfully left room".to_owned() }
            }
        }
    }

    pub(super) async fn disconnected(
        &self,
        room_id: String,
        username: String,
        node: &str,
        reason: String,
    ) -> DisconnectReply {
        let (success, message) = match self.release(&room_id, username, node, false, Some(reason)).await {
            None => (false, "Room not found"),
            Some(Removal::NotHeld) => (true, "User not in room"),
            Some(Removal::StillHeld | Removal::Gone) => (true, "Member removed successfully"),
        };
        DisconnectReply { success, message: message.to_owned() }
    }

    async fn release(
        &self,
        room_id: &str,
        username: String,
        node: &str,
        all: bool,
        reason: Option<String>,
    ) -> Option<Removal> {
        let room = self.rooms.get(room_id)?;
        let Ok(node) = self.peer(node) else { return Some(Removal::NotHeld) };
        room.leave(username, Holder::Node(node), all, reason).await
    }

    /// Gives a message its place in the room, behind those that were given theirs before. Waits only
    /// while the room has too much to do.
    pub(super) async fn take_forwarded(
        &self,
        room_id: String,
        username: String,
        content: Option<String>,
        node: &str,
    ) -> Result<Forwarded, Refusal> {
        let content = check_content(content)?;
        let room = self.rooms.get(&room_id).ok_or_else(Refusal::room_not_found)?;
        let node =
            self.peer(node).map_err(|_| Refusal::new(ErrorCode::NOT_MEMBER, "You are not a member of this room"))?;
        Ok(room.forward(username, content, node).await)
    }

    /// What became of it. The answer comes when the sender's node has heard the message, so that the
    /// sender sees its own message before the confirmation (protocol, section 13, obligation 2).
    pub(super) async fn confirm_forwarded(taken: Result<Forwarded, Refusal>) -> ForwardReply {
        let sent = match taken {
            Ok(forwarded) => forwarded.sent().await,
            Err(refusal) => Err(refusal),
        };
        match sent {
            Ok(Sent { message_id, sequence_number, timestamp, mark }) => {
                if let Some(mark) = mark {
                    mark.wait().await;
                }
                ForwardReply::Accepted(Accepted { message_id, sequence_number, timestamp })
            }
            Err(Refusal { code, reason }) => ForwardReply::Refused { error: reason, error_code: code },
        }
    }

    fn peer(&self, id: &str) -> Result<NodeId, Refusal> {
        let unknown = || {
            self.refused.note(id, Reason::Unknown);
            let reason = format!("{} does not know a node of this name: add it to PEER_NODES there", self.id);
            Refusal::new(ErrorCode::INVALID_REQUEST, reason)
        };
        self.peers.get(id).map(|peer| peer.id.clone()).ok_or_else(unknown)
    }
}

/// The room as it was at a moment up to which the node has heard everything, and, if the room is quiet for
/// a moment, nothing after it: an original node misses for its client what it hears before the answer.
async fn heard_snapshot(room: &Room, node: NodeId) -> Option<Snapshot> {
    let deadline = Instant::now() + FLUSH_TIMEOUT;
    let mut snapshot = room.snapshot(node.clone()).await?;
    for _ in 1..SNAPSHOTS_MAX {
        let Some(mark) = &mut snapshot.mark else { return Some(snapshot) };
        if mark.wait_for(Duration::ZERO).await || !mark.wait_until(deadline).await {
            return Some(snapshot);
        }
        snapshot = room.snapshot(node.clone()).await?;
    }
    if let Some(mark) = &mut snapshot.mark {
        mark.wait_until(deadline).await;
    }
    Some(snapshot)
}
