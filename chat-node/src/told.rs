//! What `/whoami` tells of a node beyond what every service tells: for who looks at the yard.

use std::cmp::Reverse;
use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;

use serde_json::{Value, json};

use crate::node::Node;
use crate::room::Listing;

/// Rooms that are told of, those with the most members first; of the others, only how many they are.
const ROOMS_TOLD_MAX: usize = 20;

/// The node's name, the rooms that it hosts, and whether it hears the other nodes. Whoever reaches the port for
/// clients can ask for all of this there (`discover_rooms`).
pub(crate) fn details(node: &Node) -> Value {
    let mut rooms = node.rooms.all();
    // Those that are alike keep the order of their creation.
    rooms.sort_by_key(|room| Reverse(room.listing.member_count.load(Relaxed)));
    let told: Vec<_> = rooms.iter().take(ROOMS_TOLD_MAX).map(|room| told(&room.listing)).collect();
    let peers: Vec<_> =
        node.peers.all().iter().map(|peer| json!({ "node": &*peer.id, "state": peer.state() })).collect();
    json!({ "node": &*node.id, "rooms": told, "rooms_total": rooms.len(), "peers": peers })
}

fn told(listing: &Listing) -> Value {
    let nodes = listing.nodes.lock().unwrap_or_else(PoisonError::into_inner);
    let nodes: Vec<&str> = nodes.iter().map(|node| &**node).collect();
    json!({ "name": listing.room_name, "members": listing.member_count.load(Relaxed), "nodes": nodes })
}
