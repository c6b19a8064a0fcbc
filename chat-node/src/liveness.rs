//! Who is still there: heartbeats to nodes with members here, and members who do nothing (protocol,
//! sections 8 and 12, rows 24 and 25).

use std::collections::HashMap;
use std::sync::Arc;

use chat_protocol::xmlrpc::{HeartbeatReply, PeerCall};
use futures_util::future::join_all;
use tokio::sync::mpsc;
use tokio::time::{Duration, MissedTickBehavior, interval, sleep};

use crate::node::Node;
use crate::node_id::NodeId;
use crate::peers::Peer;

/// Heartbeats without an answer, one after the other, after which a node has failed.
const MISSES_MAX: u32 = 2;

/// Time for the peers to start when all are started together; only then they are called first.
const CONTACT_DELAY: Duration = Duration::from_secs(2);

/// Pause before peers of which one did not answer are called again, at most.
const CONTACT_RETRY: Duration = Duration::from_secs(5);

/// How often, and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) heartbeat_interval: Duration,
    pub(crate) heartbeat_timeout: Duration,
    pub(crate) inactivity_timeout: Duration,
    pub(crate) cleanup_interval: Duration,
}

/// Watches for ever. `failed` gives the peers that did not take what they were told.
pub(crate) async fn watch(node: Arc<Node>, times: Times, mut failed: mpsc::Receiver<NodeId>) {
    let mut heartbeat = every(times.heartbeat_interval);
    let mut cleanup = every(times.cleanup_interval);
    let mut failures = HashMap::new();
    loop {
        tokio::select! {
            _ = heartbeat.tick() => {
                for peer in ask_members(&node, times.heartbeat_timeout, &mut failures).await {
                    remove(&node, &peer).await;
                }
            }
            _ = cleanup.tick() => {
                for room in node.rooms.all() {
                    room.sweep(times.inactivity_timeout).await;
                }
            }
            Some(id) = failed.recv() => {
                if let Some(peer) = node.peers.get(&id) {
                    remove(&node, peer).await;
                }
            }
        }
    }
}

/// Calls every peer now and then, for ever, so that the log, the metrics and the rooms that are known do not
/// depend on what clients ask.
pub(crate) async fn keep_contact(node: Arc<Node>, interval: Duration) {
    sleep(CONTACT_DELAY).await;
    loop {
        let discovery = node.peers.discover().await;
        // Who is away is looked for more often.
        sleep(if discovery.unavailable.is_empty() { interval } else { interval.min(CONTACT_RETRY) }).await;
    }
}

/// The first tick comes after a period, as with the original.
fn every(period: Duration) -> tokio::time::Interval {
    let mut interval = interval(period);
    interval.reset();
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// Asks the peers that have members in rooms of this node; gives those that have failed by now.
async fn ask_members(node: &Node, limit: Duration, failures: &mut HashMap<NodeId, u32>) -> Vec<Arc<Peer>> {
    let mut asked = Vec::new();
    for peer in node.peers.all() {
        let mut has_members = false;
        for room in node.rooms.all() {
            has_members = has_members || room.has_members_of(&peer.id);
        }
        if has_members {
            asked.push(peer.clone());
        }
    }
    // Who has no members any more is not watched, and begins anew.
    failures.retain(|id, _| asked.iter().any(|peer| peer.id == *id));
    let answers = asked.iter().map(|peer| peer.call::<HeartbeatReply>(&PeerCall::Heartbeat, limit));
    let answers = join_all(answers).await;
    let mut failed = Vec::new();
    for (peer, answer) in asked.into_iter().zip(answers) {
        let Err(error) = answer else {
            failures.remove(&peer.id);
            continue;
        };
        let count = failures.entry(peer.id.clone()).or_insert(0);
        *count += 1;
        let id = &peer.id;
        tracing::warn!(peer = &**id, count = *count, "no heartbeat of {id} ({count} of {MISSES_MAX}): {error}");
        if *count == MISSES_MAX {
            // Should it come back, one miss is one miss again.
            failures.remove(&peer.id);
            failed.push(peer);
        }
    }
    failed
}

/// Removes a peer's members from all rooms of this node.
async fn remove(node: &Node, peer: &Arc<Peer>) {
    let id = &peer.id;
    tracing::warn!(peer = &**id, "{id} is unreachable: its members are removed");
    peer.forget_broadcasts();
    for room in node.rooms.all() {
        room.node_failed(peer.id.clone()).await;
    }
}
