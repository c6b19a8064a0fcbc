//! The other nodes: what they are asked, what they are told, and which rooms they host.

use std::sync::Arc;

use service::secret::Secret;
use tokio::sync::mpsc;

mod call;
mod directory;
mod forwards;
mod peer;
mod told;

pub(crate) use call::CallError;
pub(crate) use peer::Peer;
pub(crate) use told::{PASSED_TIMEOUT, Passed};

use chat_protocol::peer_nodes::PeerNode;
use directory::Directory;

/// The header that carries `CLUSTER_SECRET`.
pub(crate) const SECRET_HEADER: &str = "x-cluster-secret";

/// Peers that are reported as failed at the same time; there are not as many.
const FAILURES_MAX: usize = 1024;

/// The peers, in the order of the setting.
#[derive(Debug)]
pub(crate) struct Peers {
    all: Vec<Arc<Peer>>,
    directory: Directory,
}

impl Peers {
    /// Peers that are not called yet, and where they are reported when they cannot be told what
    /// happens.
    pub(crate) fn new(
        nodes: Vec<PeerNode>,
        secret: Option<&Secret>,
    ) -> anyhow::Result<(Arc<Self>, mpsc::Receiver<Arc<Peer>>)> {
        let (failures, failed) = mpsc::channel(FAILURES_MAX);
        let client = call::client(secret)?;
        let peer = |node| Peer::new(node, client.clone(), failures.clone());
        let peers = Self { all: nodes.into_iter().map(peer).collect(), directory: Directory::default() };
        Ok((Arc::new(peers), failed))
    }

    pub(crate) fn all(&self) -> &[Arc<Peer>] {
        &self.all
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Arc<Peer>> {
        self.all.iter().find(|peer| *peer.id == *id)
    }

    /// Begins to tell the peers what happens.
    pub(crate) fn start(&self) {
        for peer in &self.all {
            peer.start();
        }
    }

    /// Waits until every peer that answers has heard everything.
    pub(crate) async fn all_told(&self) {
        for peer in &self.all {
            if peer.answers() {
                peer.told().wait().await;
            }
        }
    }
}
