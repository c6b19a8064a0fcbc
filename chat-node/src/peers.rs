//! The other nodes: what they are asked, what they are told, and which rooms they host.

use std::sync::Arc;

use service::cluster_secret::ClusterSecret;
use tokio::sync::mpsc;

mod backlog;
mod caller;
mod directory;
#[cfg(test)]
mod example;
mod forwards;
mod peer;
mod queue;
mod transport;

pub(crate) use peer::Peer;
pub(crate) use queue::{FLUSH_TIMEOUT, Mark};
pub(crate) use transport::CallError;

use chat_protocol::peer_nodes::PeerNode;
use directory::Directory;

use crate::node_id::NodeId;

/// Peers that are reported as failed at the same time; there are not as many.
const FAILURES_MAX: usize = 1024;

/// Checks an address in the way that [`Peers::new`] does.
///
/// # Errors
/// What is accepted.
pub(crate) fn check_address(address: &str) -> Result<(), String> {
    caller::url(address).map(drop).ok_or_else(|| format!("{address:?} cannot be called: {}", caller::ACCEPTED))
}

/// The peers, in the order of the setting.
#[derive(Debug)]
pub(crate) struct Peers {
    all: Vec<Arc<Peer>>,
    directory: Directory,
}

impl Peers {
    /// Peers that are told what happens from now on, within a tokio runtime, and where they are reported
    /// when they do not take it.
    ///
    /// # Errors
    /// When one has no address that can be called.
    pub(crate) fn new(
        nodes: Vec<PeerNode>,
        secret: Option<&ClusterSecret>,
    ) -> anyhow::Result<(Arc<Self>, mpsc::Receiver<NodeId>)> {
        let (failures, failed) = mpsc::channel(FAILURES_MAX);
        let client = transport::client(secret)?;
        let peer = |node| Ok(Arc::new(Peer::new(node, client.clone(), failures.clone())?));
        let peers =
            Self { all: nodes.into_iter().map(peer).collect::<anyhow::Result<_>>()?, directory: Directory::default() };
        Ok((Arc::new(peers), failed))
    }

    pub(crate) fn all(&self) -> &[Arc<Peer>] {
        &self.all
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Arc<Peer>> {
        self.all.iter().find(|peer| *peer.id == *id)
    }

    /// Waits until every peer that answers has heard everything.
    pub(crate) async fn flush(&self) {
        for peer in &self.all {
            peer.flush().await;
        }
    }
}
