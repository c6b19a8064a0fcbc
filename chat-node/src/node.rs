//! What a node is made of; every connection and every call has a handle on it.

use std::sync::Arc;

use service::cluster_secret::ClusterSecret;
use service::{Chaos, Requests};
use tokio_util::task::TaskTracker;

use crate::node_id::NodeId;
use crate::peers::Peers;
use crate::refused::Refused;
use crate::relay::Relay;
use crate::rooms::Rooms;
use crate::votes::Votes;

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) id: NodeId,
    /// Where peers are told to call this node.
    pub(crate) address: String,
    pub(crate) secret: Option<ClusterSecret>,
    pub(crate) peers: Arc<Peers>,
    /// The rooms that this node hosts.
    pub(crate) rooms: Rooms,
    /// The rooms of other nodes.
    pub(crate) relay: Relay,
    /// Deletions of rooms of other nodes that this one has agreed to.
    pub(crate) votes: Votes,
    /// Nodes that this one refuses.
    pub(crate) refused: Refused,
    /// What breaks this node for a while.
    pub(crate) chaos: Chaos,
    /// Counts what clients ask, which no router sees.
    pub(crate) requests: Requests,
    /// Work that outlives the connection which began it: goodbyes and deletions.
    pub(crate) work: TaskTracker,
}
