//! What other nodes ask and tell about the deletion of rooms (protocol, section 9).

use chat_protocol::xmlrpc::{Outcome, Vote};

use crate::node::Node;

impl Node {
    /// A peer asks for this node's vote. A room that this node hosts is its own to delete; but the
    /// original agrees to that, too, and nothing comes of it (protocol, section 12, rows 15 and 16).
    pub(super) async fn vote(&self, room_id: String, transaction_id: String) -> Vote {
        let vote = |ready, reason| Vote {
            ready,
            node_id: self.id.to_string(),
            transaction_id: transaction_id.clone(),
            reason,
        };
        if let Some(room) = self.rooms.get(&room_id) {
            return match room.prepare().await {
                Ok(()) => vote(true, None),
                Err(state) => vote(false, Some(format!("Room in {state} state"))),
            };
        }
        if self.votes.give(room_id, transaction_id.clone()) {
            vote(true, None)
        } else {
            vote(false, Some("Too many deletions at once, or an id that is too long".to_owned()))
        }
    }

    /// A peer has deleted its room.
    pub(super) fn commit(&self, room_id: &str, transaction_id: String, room_name: Option<String>) -> Outcome {
        let success = self.rooms.get(room_id).is_none() && self.votes.is_given(room_id, &transaction_id);
        if success {
            self.relay.deleted(room_id, room_name, transaction_id);
        } else {
            tracing::warn!(
                room = room_id,
                "not obeying the deletion of room {room_id}, which this node has not agreed to"
            );
        }
        Outcome { success, node_id: self.id.to_string() }
    }

    /// A peer keeps its room.
    pub(super) async fn roll_back(&self, room_id: &str, transaction_id: String) -> Outcome {
        if let Some(room) = self.rooms.get(room_id) {
            room.roll_back().await;
        }
        self.relay.deletion_cancelled(room_id, transaction_id);
        Outcome { success: true, node_id: self.id.to_string() }
    }
}
