//! What `/metrics` tells of the chat.

use metrics::{Counter, Gauge, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use tokio::time::Duration;

use crate::node_id::NodeId;

/// Describes the figures; needed once, after the recorder is there.
pub(crate) fn describe() {
    describe_gauge!("chat_connections", Unit::Count, "Connected clients");
    describe_gauge!("chat_rooms", Unit::Count, "Rooms that this node hosts");
    describe_gauge!("chat_members", Unit::Count, "Members of the rooms that this node hosts");
    describe_counter!("chat_messages_total", Unit::Count, "Messages taken by rooms of this node");
    describe_counter!("chat_deliveries_total", Unit::Count, "Messages queued for clients of this node");
    describe_counter!("chat_clients_dropped_total", Unit::Count, "Clients that the node disconnected, by reason");
    describe_gauge!("chat_peer_up", Unit::Count, "Whether the last call of the peer had an answer");
    describe_gauge!("chat_peer_queue_depth", Unit::Count, "Calls that wait for the peer");
    describe_counter!("chat_peer_calls_total", Unit::Count, "Calls of the peer, by method and result");
    describe_counter!("chat_refused_calls_total", Unit::Count, "Calls of other nodes that were refused, by reason");
    describe_histogram!("chat_peer_call_seconds", Unit::Seconds, "How long calls of the peer took");
}

pub(crate) fn connections() -> Gauge {
    gauge!("chat_connections")
}

pub(crate) fn rooms() -> Gauge {
    gauge!("chat_rooms")
}

pub(crate) fn members() -> Gauge {
    gauge!("chat_members")
}

pub(crate) fn messages() -> Counter {
    counter!("chat_messages_total")
}

pub(crate) fn deliveries() -> Counter {
    counter!("chat_deliveries_total")
}

pub(crate) fn dropped(reason: &'static str) {
    counter!("chat_clients_dropped_total", "reason" => reason).increment(1);
}

pub(crate) fn refused(reason: &'static str) {
    counter!("chat_refused_calls_total", "reason" => reason).increment(1);
}

pub(crate) fn peer_queue(peer: &NodeId, depth: usize) {
    // A queue's length is far below what a float holds exactly.
    #[allow(clippy::cast_precision_loss)]
    gauge!("chat_peer_queue_depth", "peer" => peer.to_string()).set(depth as f64);
}

pub(crate) fn peer_call(peer: &NodeId, method: &'static str, result: &'static str, time: Duration, up: bool) {
    let peer = peer.to_string();
    gauge!("chat_peer_up", "peer" => peer.clone()).set(if up { 1.0 } else { 0.0 });
    histogram!("chat_peer_call_seconds", "peer" => peer.clone(), "method" => method).record(time.as_secs_f64());
    counter!("chat_peer_calls_total", "peer" => peer, "method" => method, "result" => result).increment(1);
}
