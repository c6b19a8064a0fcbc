//! Deleting a room on all nodes or on none: two-phase commit (protocol, section 9).

use std::sync::Arc;

use chat_protocol::xmlrpc::{PeerCall, Vote};
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
    let room_id = room.listing.room_id.clone();
    let agreed = match ask_all(node, &room_id, &transaction_id).await {
        // From here on nothing is taken; what was is told to each peer before the commit, which waits
        // behind it. A restart does not bring the room back.
        Ok(()) => room.seal().await.map_err(|reason| (reason, node.peers.all().to_vec())),
        Err(refused) => Err(refused),
    };
    match agreed {
        Ok(()) => {
            let room_name = Some(room.listing.room_name.clone());
            let commit = PeerCall::CommitDeleteRoom { room_id, transaction_id: transaction_id.clone(), room_name };
            tell_all(node.peers.all(), commit).await;
            node.rooms.remove(&room.listing);
            room.finish_deletion(requester, transaction_id).await;
        }
        Err((reason, answering)) => {
            tracing::info!(room = room_id, "room {room_id} stays: {reason}");
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
                let id = &peer.id;
                tracing::warn!(peer = &**id, room = room_id, "{id} does not vote on deleting room {room_id}: {error}");
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
        if !peer.mark().wait_for(limit).await {
            let id = &peer.id;
            tracing::warn!(peer = &**id, "{id} has not heard yet how a deletion ended; it will be told");
        }
    }
}
