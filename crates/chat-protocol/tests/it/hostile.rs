//! Whatever comes, nothing panics; whatever is sent, arrives.

use chat_protocol::xmlrpc::{PeerCall, Value, fault_xml, read_response, response_xml};
use chat_protocol::{properties, text, xmlrpc::Fault};
use proptest::prelude::*;

use crate::examples::{calls, replies};

/// Text that the chat carries.
fn carried() -> impl Strategy<Value = String> {
    let difficult = prop::sample::select(vec!['\t', '\n', '\r', '<', '>', '&', ']', '\'', '"', '\u{FFFD}', '\u{FEFF}']);
    let character = prop_oneof![3 => any::<char>(), 1 => difficult];
    let text = prop::collection::vec(character, 0..20).prop_map(String::from_iter);
    text.prop_filter("XML has no place for it", |text| text::is_carried(text))
}

fn value() -> impl Strategy<Value = Value<'static>> {
    let leaf = prop_oneof![
        Just(Value::Nil),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::Integer),
        carried().prop_map(|text| Value::Text(text.into())),
    ];
    leaf.prop_recursive(4, 32, 6, |value| {
        let field = (carried(), value.clone()).prop_map(|(name, value)| (name.into(), value));
        prop_oneof![
            prop::collection::vec(value, 0..6).prop_map(Value::Array),
            prop::collection::vec(field, 0..6).prop_map(Value::Struct),
        ]
    })
}

/// The bodies of the examples.
fn bodies() -> Vec<Vec<u8>> {
    let calls = calls().into_iter().map(|(call, _)| call.to_xml());
    let replies = replies().into_iter().map(|reply| response_xml(&reply.value));
    calls.chain(replies).chain([fault_xml(&Fault::unknown_method("x"))]).map(String::into_bytes).collect()
}

/// A body with a few bytes replaced, removed or repeated.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), 0..3, any::<u8>(), 1..30_usize);
    (prop::sample::select(bodies()), prop::collection::vec(change, 1..4)).prop_map(|(mut body, changes)| {
        for (at, kind, byte, length) in changes {
            let at = at.index(body.len());
            let end = (at + length).min(body.len());
            match kind {
                0 => body[at] = byte,
                1 if length < body.len() => drop(body.drain(at..end)),
                _ => body.extend_from_within(at..end),
            }
        }
        body
    })
}

proptest! {
    #[test]
    fn values_arrive(value in value()) {
        let written = response_xml(&value);
        prop_assert_eq!(read_response(written.as_bytes()), Ok(Ok(value)));
    }

    #[test]
    fn faults_arrive(code: i32, text in carried()) {
        let fault = Fault { code, text };
        let written = fault_xml(&fault);
        prop_assert_eq!(read_response(written.as_bytes()), Ok(Err(fault)));
    }

    #[test]
    fn calls_arrive(room_id in carried(), username in carried(), content in prop::option::of(carried()), sender_node_id in carried()) {
        let call = PeerCall::ForwardMessage { room_id, username, content, sender_node_id };
        let several = PeerCall::Multicall(vec![Ok(call.clone()), Ok(PeerCall::Heartbeat)]);
        prop_assert_eq!(PeerCall::from_xml(call.to_xml().as_bytes()), Ok(call));
        prop_assert_eq!(PeerCall::from_xml(several.to_xml().as_bytes()), Ok(several));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        properties::xmlrpc(&bytes);
        properties::websocket_json(&bytes);
        properties::peer_nodes(&bytes);
    }

    #[test]
    fn any_text_is_read_or_refused(text: String) {
        properties::websocket_json(text.as_bytes());
        properties::peer_nodes(text.as_bytes());
    }

    #[test]
    fn damaged_bodies_are_read_or_refused(body in mutated()) {
        properties::xmlrpc(&body);
    }

    #[test]
    fn peers_are_read_or_skipped(setting in "[a-c1:/, htp.]{0,60}") {
        properties::peer_nodes(setting.as_bytes());
    }
}
