//! Deleting a room on all nodes or on none: two-phase commit (protocol, section 9).

use std::sync::Arc;

use chat_protocol::xmlrpc::{Outcome, PeerCall, Vote};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Duration, Instant};

use crate::node::Node;
use crate::outbox::Outbox;
use crate::peers::Peer;
use crate::room::Room;

/// Longest time of each phase: the votes, the commit, and the rollback (protocol, section 8).
const PHASE_TIMEOUT: Duration = Duration::from_secs(5);

/// Deletes a room that this node hosts, or says why not. The room has begun already.
pub(crate) async fn delete(node: &Arc<Node>, room: &Arc<Room>, requester: Outbox, transaction_id: String) {
    let room_id = room.about.room_id.clone();
    let agreed = match ask_all(node, &room_id, &transaction_id).await {
        // From here on nothing is taken; what was is told to each peer before the commit, which waits
        // behind it. A restart does not bring the room back.
        Ok(()) => room.seal().await.map_err(|reason| (reason, node.peers.all().to_vec())),
        Err(refused) => Err(refused),
    };
    match agreed {
        Ok(()) => {
            let room_name = Some(room.about.room_name.clone());
            let commit = PeerCall::CommitDeleteRoom { room_id, transaction_id: transaction_id.clone(), room_name };
            tell_all(node.peers.all(), commit).await;
            node.rooms.remove(&room.about);
            room.finish_deletion(requester, transaction_id).await;
        }
        Err((reason, answering)) => {
            tracing::info!("room {room_id} stays: {reason}");
            let rollback = Arc::new(PeerCall::RollbackDeleteRoom { room_id, transaction_id: transaction_id.clone() });
            for peer in node.peers.all() {
                peer.tell(rollback.clone());
            }
            // Who did not vote would not hear this in time either.
            wait(&answering).await;
            room.keep(requester, transaction_id, reason).await;
        }
    }
}

/// Asks all peers for their vote.
///
/// # Errors
/// The reason of the last that did not agree, and the peers that answered.
async fn ask_all(node: &Node, room_id: &str, transaction_id: &str) -> Result<(), (String, Vec<Arc<Peer>>)> {
    let call = PeerCall::PrepareDeleteRoom {
        room_id: room_id.to_owned(),
        transaction_id: transaction_id.to_owned(),
        coordinator: node.id.to_string(),
    };
    let ask = async |peer: Arc<Peer>| {
        let vote = peer.call::<Vote>(&call, PHASE_TIMEOUT).await;
        (peer, vote)
    };
    let mut votes: FuturesUnordered<_> = node.peers.all().iter().cloned().map(ask).collect();
    let mut refused = None;
    let mut answering = Vec::new();
    while let Some((peer, vote)) = votes.next().await {
        match vote {
            Ok(Vote { ready: true, .. }) => answering.push(peer),
            Ok(Vote { reason, .. }) => {
                refused = Some(reason.unwrap_or_else(|| format!("Node {} voted ABORT", peer.id)));
                answering.push(peer);
            }
            Err(error) => {
                tracing::warn!("{} does not vote on deleting room {room_id}: {error}", peer.id);
                refused = Some(format!("Node {} timed out", peer.id));
            }
        }
    }
    refused.map_or(Ok(()), |reason| Err((reason, answering)))
}

async fn tell_all(peers: &[Arc<Peer>], call: PeerCall) {
    let call = Arc::new(call);
    for peer in peers {
        peer.tell(call.clone());
    }
    wait(peers).await;
}

async fn wait(peers: &[Arc<Peer>]) {
    let deadline = Instant::now() + PHASE_TIMEOUT;
    for peer in peers {
        let limit = deadline.saturating_duration_since(Instant::now());
        if !peer.mark().is_heard_within(limit).await {
            tracing::warn!("{} has not heard yet how a deletion ended; it will be told", peer.id);
        }
    }
}

impl Node {
    /// A peer asks for this node's vote. A room that this node hosts is its own to delete; but the
    /// original agrees to that, too, and nothing comes of it (protocol, section 12, rows 15 and 16).
    pub(crate) async fn vote(&self, room_id: String, transaction_id: String) -> Vote {
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
    pub(crate) fn commit(&self, room_id: &str, transaction_id: String, room_name: Option<String>) -> Outcome {
        let success = self.rooms.get(room_id).is_none() && self.votes.is_given(room_id, &transaction_id);
        if success {
            self.relay.deleted(room_id, room_name, transaction_id);
        } else {
            tracing::warn!("not obeying the deletion of room {room_id}, which this node has not agreed to");
        }
        Outcome { success, node_id: self.id.to_string() }
    }

    /// A peer keeps its room.
    pub(crate) async fn roll_back(&self, room_id: &str, transaction_id: String) -> Outcome {
        if let Some(room) = self.rooms.get(room_id) {
            room.roll_back().await;
        }
        self.relay.deletion_cancelled(room_id, transaction_id);
        Outcome { success: true, node_id: self.id.to_string() }
    }
}
