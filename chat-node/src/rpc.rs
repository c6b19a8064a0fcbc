//! What other nodes ask of this one: XML-RPC over HTTP (protocol, sections 5 and 6).
//!
//! Calls are carried out at the same time: none waits for another, however long that one takes
//! (section 12, rows 2 and 19).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use chat_protocol::timestamp::timestamp;
use chat_protocol::xmlrpc::{Fault, HeartbeatReply, MulticallReply, PeerCall, Reply, Value, fault_xml, response_xml};
use futures_util::future::{BoxFuture, join_all, ready};
use service::error::HttpError;

use crate::gzip::{self, NotInflated};
use crate::node::Node;
use crate::refused::Reason;

mod deletion;
mod membership;

/// Largest request, as it comes and inflated; a larger one is answered 413. Nodes of this kind send
/// 128 calls at one go, of which each has a message of 5000 characters at most.
const REQUEST_BYTES_MAX: usize = 4 * 1024 * 1024;

/// `POST /` and `POST /RPC2`.
pub(crate) fn routes(node: Arc<Node>) -> Router {
    let method = || MethodRouter::new().merge(post(serve)).get(not_implemented);
    Router::new()
        .route("/", method())
        .route("/RPC2", method())
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .with_state(node)
}

/// What the original answers to GET: mostly to clients and browsers that took one port for the other.
async fn not_implemented() -> HttpError {
    let message = "here nodes call each other by XML-RPC (POST to / or /RPC2); \
                   browsers and clients go to the node's other port, its WEBSOCKET_PORT";
    HttpError::new(StatusCode::NOT_IMPLEMENTED, message)
}

async fn serve(
    State(node): State<Arc<Node>>,
    ConnectInfo(caller): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, HttpError> {
    let gzip = headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding == "gzip");
    let result = if gzip { PeerCall::from_xml(&inflate(&body)?) } else { PeerCall::from_xml(&body) };
    // A peer that is refused learns it as it learns every other failure.
    let result = match result {
        Ok(call) if !node.trusts(&call, &headers) => {
            node.refused.note(&caller.ip().to_string(), Reason::Secret);
            let message = "the cluster secret is missing or wrong: give all nodes the same CLUSTER_SECRET";
            Err(Fault::not_permitted(message))
        }
        Ok(PeerCall::Multicall(calls)) => Ok(carry_out_all(&node, calls).await),
        Ok(call) => carry_out(&node, call).await,
        Err(fault) => Err(fault),
    };
    let answer = match result {
        Ok(value) => response_xml(&value),
        Err(fault) => fault_xml(&fault),
    };
    Ok(([(CONTENT_TYPE, "text/xml")], answer).into_response())
}

fn inflate(body: &[u8]) -> Result<Vec<u8>, HttpError> {
    gzip::inflate(body, REQUEST_BYTES_MAX).map_err(|error| match error {
        NotInflated::TooLong => {
            let message = format!("the request has more than {REQUEST_BYTES_MAX} bytes");
            HttpError::new(StatusCode::PAYLOAD_TOO_LARGE, message)
        }
        NotInflated::NotGzip(error) => {
            HttpError::new(StatusCode::BAD_REQUEST, format!("the body is not gzip: {error}"))
        }
    })
}

/// Carries several calls out, one after the other. Two kinds go together, as they come by the dozen:
/// messages that this node is told and that follow each other, and messages that are passed on to its
/// rooms, which take their places one after the other and only wait for their numbers together.
async fn carry_out_all(node: &Arc<Node>, calls: Vec<Result<PeerCall, Fault>>) -> Value<'static> {
    let done = |result| -> BoxFuture<'_, Result<Value<'static>, Fault>> { Box::pin(ready(result)) };
    let mut messages = Vec::new();
    let mut results = Vec::with_capacity(calls.len());
    for call in calls {
        if let Ok(PeerCall::ReceiveMessageBroadcast { room_id, message }) = call {
            messages.push((room_id, message));
            results.push(done(Ok(true.into())));
            continue;
        }
        node.relay.messages(std::mem::take(&mut messages));
        results.push(match call {
            Ok(PeerCall::ForwardMessage { room_id, username, content, sender_node_id }) => {
                let taken = node.take_forwarded(room_id, username, content, &sender_node_id).await;
                Box::pin(async { Ok(value(&Node::confirm_forwarded(taken).await)) })
            }
            Ok(call) => done(carry_out(node, call).await),
            Err(fault) => done(Err(fault)),
        });
    }
    node.relay.messages(messages);
    MulticallReply(join_all(results).await).to_value().into_owned()
}

async fn carry_out(node: &Arc<Node>, call: PeerCall) -> Result<Value<'static>, Fault> {
    Ok(match call {
        PeerCall::Heartbeat => value(&HeartbeatReply {
            status: "ok".to_owned(),
            node_id: node.id.to_string(),
            timestamp: timestamp(SystemTime::now()),
        }),
        PeerCall::GetHostedRooms => value(&node.rooms.entries(Some(&node.address))),
        PeerCall::JoinRoom { room_id, username, client_node_id } => {
            value(&node.join(room_id, username, &client_node_id).await)
        }
        PeerCall::LeaveRoom { room_id, username, client_node_id } => {
            value(&node.leave(room_id, username, &client_node_id).await)
        }
        PeerCall::ForwardMessage { room_id, username, content, sender_node_id } => {
            let taken = node.take_forwarded(room_id, username, content, &sender_node_id).await;
            value(&Node::confirm_forwarded(taken).await)
        }
        PeerCall::NotifyMemberDisconnect { room_id, username, member_node_id, reason } => {
            value(&node.disconnected(room_id, username, &member_node_id, reason).await)
        }
        PeerCall::ReceiveMessageBroadcast { room_id, message } => {
            node.relay.messages(vec![(room_id, message)]);
            true.into()
        }
        PeerCall::ReceiveMemberEventBroadcast { room_id, event } => {
            node.relay.event(&room_id, &event);
            true.into()
        }
        PeerCall::PrepareDeleteRoom { room_id, transaction_id, .. } => value(&node.vote(room_id, transaction_id).await),
        PeerCall::CommitDeleteRoom { room_id, transaction_id, room_name } => {
            value(&node.commit(&room_id, transaction_id, room_name))
        }
        PeerCall::RollbackDeleteRoom { room_id, transaction_id } => {
            value(&node.roll_back(&room_id, transaction_id).await)
        }
        PeerCall::Multicall(_) => return Err(Fault::new("TypeError", "system.multicall within system.multicall")),
    })
}

fn value(reply: &impl Reply) -> Value<'static> {
    reply.to_value().into_owned()
}

impl Node {
    /// With a secret, all calls need it but the heartbeat, by which people and health checks ask.
    fn trusts(&self, call: &PeerCall, headers: &HeaderMap) -> bool {
        let secret = self.secret.as_ref();
        matches!(call, PeerCall::Heartbeat) || secret.is_none_or(|secret| secret.is_in(headers))
    }
}
