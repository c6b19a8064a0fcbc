//! Which peer hosts a room: asked once, then known until it fails (protocol, section 12, row 3).
//!
//! A room's node is called at the address in `PEER_NODES`, which has just answered, whatever address
//! it gives for itself: that one may be wrong, or lead anywhere (row 33).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chat_protocol::Room;
use chat_protocol::xmlrpc::PeerCall;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::Duration;

use super::Peers;
use super::peer::Peer;
use super::transport::CallError;
use crate::node_id::NodeId;

/// Longest wait for a peer's list of rooms; then it counts as unavailable (protocol, section 8).
const DISCOVERY_TIMEOUT: Duration = Duration::from_secs(3);

/// Rooms whose node is remembered; when there are more, all are asked for again.
const KNOWN_ROOMS_MAX: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Directory(Mutex<HashMap<String, NodeId>>);

impl Directory {
    fn known(&self) -> MutexGuard<'_, HashMap<String, NodeId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self, rooms: &[Room], peer: &Peer) {
        let mut known = self.known();
        if known.len() + rooms.len() > KNOWN_ROOMS_MAX {
            known.clear();
        }
        known.extend(rooms.iter().take(KNOWN_ROOMS_MAX).map(|room| (room.room_id.clone(), peer.id.clone())));
    }
}

/// The rooms of all peers, as they answered.
#[derive(Debug, Default)]
pub(crate) struct Discovery {
    pub(crate) rooms: Vec<Room>,
    pub(crate) queried: Vec<String>,
    pub(crate) available: Vec<String>,
    pub(crate) unavailable: Vec<String>,
    /// Those of them that refused.
    pub(crate) refusing: Vec<String>,
}

type Answer = (Arc<Peer>, Result<Vec<Room>, CallError>);

impl Peers {
    /// The rooms of all peers.
    pub(crate) async fn discover(&self) -> Discovery {
        let mut discovery = Discovery::default();
        let mut answers = self.ask_all();
        while let Some((peer, result)) = answers.next().await {
            discovery.queried.push(peer.id.to_string());
            match result {
                Ok(rooms) => {
                    discovery.available.push(peer.id.to_string());
                    discovery.rooms.extend(rooms);
                }
                Err(error) => {
                    tracing::debug!("{} gives no rooms: {error}", peer.id);
                    if error.refusal().is_some() {
                        discovery.refusing.push(peer.id.to_string());
                    }
                    discovery.unavailable.push(peer.id.to_string());
                }
            }
        }
        discovery
    }

    /// The peer that hosts the room: the one that is known to, or the first that says so.
    pub(crate) async fn find(&self, room_id: &str) -> Option<Arc<Peer>> {
        let known = self.directory.known().get(room_id).cloned();
        if let Some(peer) = known.and_then(|id| self.get(&id)) {
            return Some(peer.clone());
        }
        let mut answers = self.ask_all();
        while let Some((peer, result)) = answers.next().await {
            if result.is_ok_and(|rooms| rooms.iter().any(|room| room.room_id == room_id)) {
                return Some(peer);
            }
        }
        None
    }

    /// The room is not where it was thought to be.
    pub(crate) fn forget_room(&self, room_id: &str) {
        self.directory.known().remove(room_id);
    }

    fn ask_all(&self) -> FuturesUnordered<impl Future<Output = Answer>> {
        let ask = async |peer: Arc<Peer>| {
            let result = peer.call::<Vec<Room>>(&PeerCall::GetHostedRooms, DISCOVERY_TIMEOUT).await;
            if let Ok(rooms) = &result {
                self.directory.learn(rooms, &peer);
            }
            (peer, result)
        };
        self.all().iter().cloned().map(ask).collect()
    }
}
