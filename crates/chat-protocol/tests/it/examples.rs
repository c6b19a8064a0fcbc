//! Every call and every reply of the protocol's section 6, with the values that Python has for it.

use chat_protocol::xmlrpc::{
    Accepted, DisconnectReply, Fault, ForwardReply, HeartbeatReply, JoinReply, Joined, LeaveReply, MulticallReply,
    Outcome, PeerCall, PeerEvent, Reply, Value, Vote,
};
use chat_protocol::{ChatMessage, ErrorCode, JoinRoomSuccess, MemberEvent, Room};
use serde_json::{Value as Json, json};

/// Text with everything that needs care; a carriage return is tested by itself.
pub(crate) const DIFFICULT: &str = " <b>&amp; \"Füchse\" 🦊\n\t]]> 'x' ";

const TIME: &str = "2026-11-21T14:20:07.000000+00:00";

pub(crate) fn message(content: &str) -> ChatMessage {
    ChatMessage {
        message_id: "m-1".to_owned(),
        room_id: "r".to_owned(),
        username: "Zoë".to_owned(),
        content: content.to_owned(),
        sequence_number: i32::MAX.unsigned_abs(),
        timestamp: TIME.to_owned(),
    }
}

fn message_json(content: &str) -> Json {
    json!({
        "message_id": "m-1", "room_id": "r", "username": "Zoë", "content": content,
        "sequence_number": i32::MAX, "timestamp": TIME,
    })
}

/// Calls with their method and parameters.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn calls() -> Vec<(PeerCall, Json)> {
    let text = str::to_owned;
    let event = MemberEvent {
        room_id: text("r"),
        username: text("bob"),
        member_count: 0,
        timestamp: text(TIME),
        reason: Some(text("Inactivity")),
    };
    let event_json =
        json!({"room_id": "r", "username": "bob", "member_count": 0, "timestamp": TIME, "reason": "Inactivity"});
    let joined = MemberEvent { reason: None, member_count: 3, ..event.clone() };
    let joined_json = json!({"room_id": "r", "username": "bob", "member_count": 3, "timestamp": TIME});
    let member_event = |event| PeerCall::ReceiveMemberEventBroadcast { room_id: text("r"), event };
    let (room_id, username, node) = (text("r"), text(DIFFICULT), text("node2"));
    let forward = |content: Option<&str>| PeerCall::ForwardMessage {
        room_id: room_id.clone(),
        username: username.clone(),
        content: content.map(text),
        sender_node_id: node.clone(),
    };
    let commit = |room_name: Option<&str>| PeerCall::CommitDeleteRoom {
        room_id: room_id.clone(),
        transaction_id: text("t"),
        room_name: room_name.map(text),
    };
    let prepare =
        PeerCall::PrepareDeleteRoom { room_id: room_id.clone(), transaction_id: text("t"), coordinator: node.clone() };
    let mut calls = vec![
        (PeerCall::Heartbeat, json!(["heartbeat", []])),
        (PeerCall::GetHostedRooms, json!(["get_hosted_rooms", []])),
        (
            PeerCall::JoinRoom { room_id: room_id.clone(), username: username.clone(), client_node_id: node.clone() },
            json!(["join_room", ["r", DIFFICULT, "node2"]]),
        ),
        (
            PeerCall::LeaveRoom { room_id: room_id.clone(), username: text(""), client_node_id: node.clone() },
            json!(["leave_room", ["r", "", "node2"]]),
        ),
        (forward(Some(DIFFICULT)), json!(["forward_message", ["r", DIFFICULT, DIFFICULT, "node2"]])),
        (forward(Some("")), json!(["forward_message", ["r", DIFFICULT, "", "node2"]])),
        (forward(None), json!(["forward_message", ["r", DIFFICULT, null, "node2"]])),
        (
            PeerCall::ReceiveMessageBroadcast { room_id: room_id.clone(), message: message(DIFFICULT) },
            json!(["receive_message_broadcast", ["r", message_json(DIFFICULT)]]),
        ),
        (
            member_event(PeerEvent::MemberJoined(joined)),
            json!(["receive_member_event_broadcast", ["r", "member_joined", joined_json]]),
        ),
        (
            member_event(PeerEvent::MemberLeft(event)),
            json!(["receive_member_event_broadcast", ["r", "member_left", event_json]]),
        ),
        (
            member_event(PeerEvent::Other(text("room_deleted"))),
            json!(["receive_member_event_broadcast", ["r", "room_deleted", {}]]),
        ),
        (
            PeerCall::NotifyMemberDisconnect {
                room_id: room_id.clone(),
                username: username.clone(),
                member_node_id: node.clone(),
                reason: text("Node unreachable"),
            },
            json!(["notify_member_disconnect", ["r", DIFFICULT, "node2", "Node unreachable"]]),
        ),
        (prepare, json!(["prepare_delete_room", ["r", "t", "node2"]])),
        (commit(Some("general")), json!(["commit_delete_room", ["r", "t", "general"]])),
        (commit(None), json!(["commit_delete_room", ["r", "t", null]])),
        (
            PeerCall::RollbackDeleteRoom { room_id, transaction_id: text("t") },
            json!(["rollback_delete_room", ["r", "t"]]),
        ),
    ];
    let all = calls.iter().map(|(call, _)| Ok(call.clone())).collect();
    let all_json: Vec<_> = calls.iter().map(|(_, json)| json!({"methodName": json[0], "params": json[1]})).collect();
    calls.push((PeerCall::Multicall(all), json!(["system.multicall", [all_json]])));
    calls
}

/// A reply as the wire's value, with the value that it is in Python, and a function that says whether
/// a body holds it.
pub(crate) struct ReplyExample {
    pub(crate) value: Value<'static>,
    pub(crate) json: Json,
    pub(crate) is_in: IsIn,
}

type IsIn = Box<dyn Fn(&[u8]) -> bool>;

fn example<R: Reply + PartialEq + 'static>(reply: R, json: Json) -> ReplyExample {
    let value = reply.to_value().into_owned();
    let is_in = move |body: &[u8]| chat_protocol::xmlrpc::read_reply::<R>(body).as_ref() == Ok(&reply);
    ReplyExample { value, json, is_in: Box::new(is_in) }
}

/// Replies with the values that Python has for them.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn replies() -> Vec<ReplyExample> {
    let text = str::to_owned;
    let heartbeat = HeartbeatReply { status: text("ok"), node_id: text("node1"), timestamp: text(TIME) };
    let room = Room {
        room_id: text("r"),
        room_name: text("general"),
        description: None,
        member_count: 2,
        admin_node: text("node1"),
        creator_id: text("alice"),
        node_address: Some(text("http://node1:9090")),
    };
    let room_json = |description: Option<&str>| {
        json!({
            "room_id": "r", "room_name": "general", "description": description, "member_count": 2,
            "admin_node": "node1", "creator_id": "alice", "node_address": "http://node1:9090",
        })
    };
    let described = Room { description: Some(text(DIFFICULT)), ..room.clone() };
    let room_info = JoinRoomSuccess {
        room_id: text("r"),
        room_name: text("general"),
        description: None,
        members: vec![text("alice"), text("Zoë")],
        member_count: 2,
        admin_node: text("node1"),
    };
    let joined = Joined { message: text("Successfully joined room"), room_info, messages: vec![message(DIFFICULT)] };
    let accepted = Accepted { message_id: text("m"), sequence_number: 1, timestamp: text(TIME) };
    let vote = Vote { ready: true, node_id: text("node2"), transaction_id: text("t"), reason: None };
    let not_found = (text("Room not found"), ErrorCode::ROOM_NOT_FOUND);
    let fault = Fault::unknown_method("dance");
    vec![
        example(heartbeat, json!({"status": "ok", "node_id": "node1", "timestamp": TIME})),
        example(Vec::<Room>::new(), json!([])),
        example(vec![room, described], json!([room_json(None), room_json(Some(DIFFICULT))])),
        example(
            JoinReply::Joined(joined),
            json!({
                "success": true, "message": "Successfully joined room",
                "room_info": {
                    "room_id": "r", "room_name": "general", "description": null, "members": ["alice", "Zoë"],
                    "member_count": 2, "admin_node": "node1",
                },
                "messages": [message_json(DIFFICULT)],
            }),
        ),
        example(
            JoinReply::Refused { message: not_found.0.clone(), error_code: not_found.1.clone() },
            json!({
                "success": false, "message": "Room not found", "error_code": "ROOM_NOT_FOUND", "room_info": null,
            }),
        ),
        example(
            LeaveReply::Left { message: text("Successfully left room") },
            json!({"success": true, "message": "Successfully left room"}),
        ),
        example(
            LeaveReply::Refused { message: text("Not in room"), error_code: ErrorCode::NOT_IN_ROOM },
            json!({"success": false, "message": "Not in room", "error_code": "NOT_IN_ROOM"}),
        ),
        example(
            ForwardReply::Accepted(accepted),
            json!({"success": true, "message_id": "m", "sequence_number": 1, "timestamp": TIME}),
        ),
        example(
            ForwardReply::Refused { error: not_found.0, error_code: not_found.1 },
            json!({"success": false, "error": "Room not found", "error_code": "ROOM_NOT_FOUND"}),
        ),
        example(true, json!(true)),
        example(
            DisconnectReply { success: true, message: text("User not in room") },
            json!({"success": true, "message": "User not in room"}),
        ),
        example(vote.clone(), json!({"vote": "READY", "node_id": "node2", "transaction_id": "t"})),
        example(
            Vote { ready: false, reason: Some(text("Room in COMMITTING state")), ..vote },
            json!({
                "vote": "ABORT", "node_id": "node2", "transaction_id": "t", "reason": "Room in COMMITTING state",
            }),
        ),
        example(Outcome { success: true, node_id: text("node2") }, json!({"success": true, "node_id": "node2"})),
        example(
            MulticallReply(vec![Ok(Value::Boolean(true)), Err(fault.clone())]),
            json!([[true], {"faultCode": 1, "faultString": fault.text}]),
        ),
    ]
}
