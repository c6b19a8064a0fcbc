//! What holds for every input, for the fuzzer (`fuzz/`) and for the test that replays its corpus.
//! Each function panics when it does not hold.
#![allow(clippy::missing_panics_doc, reason = "these are tests")]

use std::collections::HashSet;
use std::fmt::Debug;

use crate::peer_nodes;
use crate::peer_nodes::PeerNodes;
use crate::xmlrpc::{
    DisconnectReply, Fault, ForwardReply, HeartbeatReply, JoinReply, LeaveReply, MulticallReply, Outcome, PeerCall,
    Reply, Value, Vote, fault_xml, read_response, response_xml,
};
use crate::{Request, Room, SendMessage, ServerMessage};

/// Bodies of requests and responses between nodes: what is read and written is read back equal.
pub fn xmlrpc(body: &[u8]) {
    if let Ok(call) = PeerCall::from_xml(body) {
        // A call that cannot be carried out cannot be written either.
        let is_whole = !matches!(&call, PeerCall::Multicall(calls) if calls.iter().any(Result::is_err));
        let again = PeerCall::from_xml(call.to_xml().as_bytes());
        assert!(!is_whole || again.as_ref() == Ok(&call), "{call:?} became {again:?}");
    }
    match read_response(body) {
        Ok(Ok(value)) => value_of_response(&value),
        Ok(Err(fault)) => {
            let written = fault_xml(&fault);
            assert_eq!(read_response(written.as_bytes()), Ok(Err(fault)));
        }
        Err(error) => assert!(Fault::from(error).text.starts_with("<class 'xml.parsers.expat.ExpatError'>:")),
    }
}

fn value_of_response(value: &Value<'_>) {
    let written = response_xml(value);
    // What the chat has no use for is written as nil: it is the text that must be the same again.
    let again = read_response(written.as_bytes()).map(|response| response.map(|value| response_xml(&value)));
    assert_eq!(again, Ok(Ok(written.clone())));
    reply::<HeartbeatReply>(value);
    reply::<Vec<Room>>(value);
    reply::<JoinReply>(value);
    reply::<LeaveReply>(value);
    reply::<ForwardReply>(value);
    reply::<bool>(value);
    reply::<DisconnectReply>(value);
    reply::<Vote>(value);
    reply::<Outcome>(value);
    reply::<MulticallReply>(value);
}

fn reply<R: Reply + Debug + PartialEq>(value: &Value<'_>) {
    if let Ok(reply) = R::from_value(value.clone()) {
        assert_eq!(R::from_value(reply.to_value()).as_ref(), Ok(&reply));
    }
}

/// Text from a client, or from a node to a client: what is read and written is read back equal.
pub fn websocket_json(text: &[u8]) {
    let Ok(text) = str::from_utf8(text) else { return };
    if let Ok(request) = Request::from_json(text) {
        let is_writable = !matches!(&request, Request::SendMessage(SendMessage { content: None, .. }));
        let again = serde_json::to_string(&request).map(|written| Request::from_json(&written));
        assert!(!is_writable || matches!(&again, Ok(Ok(again)) if *again == request), "{request:?} became {again:?}");
    }
    if let Ok(message) = serde_json::from_str::<ServerMessage>(text) {
        let again = serde_json::from_str::<ServerMessage>(&message.to_json());
        assert!(matches!(&again, Ok(again) if *again == message), "{message:?} became {again:?}");
    }
}

/// The setting `PEER_NODES`: every id is there once, and the nodes written as a setting are read back.
pub fn peer_nodes(text: &[u8]) {
    const OWN_ID: &str = "node1";
    let Ok(text) = str::from_utf8(text) else { return };
    let Ok(PeerNodes { nodes, .. }) = peer_nodes::parse(text, OWN_ID) else { return };
    let ids: HashSet<_> = nodes.iter().map(|node| node.id.as_str()).collect();
    assert_eq!(ids.len(), nodes.len(), "an id is repeated");
    assert!(!ids.contains(OWN_ID), "the node is its own peer");
    let written: Vec<_> = nodes.iter().map(|node| format!("{}:{}", node.id, node.address)).collect();
    let again = peer_nodes::parse(&written.join(","), OWN_ID);
    assert_eq!(again.map(|again| again.nodes), Ok(nodes));
}
