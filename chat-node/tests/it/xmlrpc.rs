//! Every method, called by Python's `xmlrpc.client` (protocol, section 6).

use serde_json::{Value, json};
use testing::needs;

use crate::harness::Client;
use crate::python_peer::{PythonPeer, pair};

/// A room with one local member, alice, who has said `messages` things.
async fn room(node: &crate::harness::Node, messages: usize) -> (Client, String) {
    let mut alice = node.client().await;
    let room_id = alice.create_room("general", "alice").await;
    alice.join(&room_id, "alice").await;
    for number in 1..=messages {
        alice.say(&room_id, "alice", &format!("message {number}")).await;
    }
    (alice, room_id)
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[needs("python3")]
#[tokio::test]
async fn a_heartbeat_has_three_keys() {
    let (python, node) = pair(&[]).await;
    let reply = python.call(&node, "heartbeat", json!([])).await;
    assert_eq!(keys(&reply), ["node_id", "status", "timestamp"]);
    assert_eq!((&reply["status"], &reply["node_id"]), (&json!("ok"), &json!("node1")));
    assert!(reply["timestamp"].as_str().unwrap().ends_with("+00:00"));
}

#[needs("python3")]
#[tokio::test]
async fn hosted_rooms_are_listed_with_the_reported_address() {
    let (python, node) = pair(&[("XMLRPC_ADDRESS", "http://elsewhere:1234")]).await;
    assert_eq!(python.call(&node, "get_hosted_rooms", json!([])).await, json!([]));
    let (_alice, room_id) = room(&node, 0).await;
    let rooms = python.call(&node, "get_hosted_rooms", json!([])).await;
    let expected = json!([{
        "room_id": room_id, "room_name": "general", "description": null, "member_count": 1,
        "admin_node": "node1", "creator_id": "alice", "node_address": "http://elsewhere:1234",
    }]);
    assert_eq!(rooms, expected);
}

#[needs("python3")]
#[tokio::test]
async fn a_join_gives_the_room_and_its_history() {
    let (python, node) = pair(&[]).await;
    let (mut alice, room_id) = room(&node, 3).await;
    let join = json!([room_id, "pia", "py"]);
    let mut reply = python.call(&node, "join_room", join.clone()).await;
    assert_eq!(keys(&reply), ["message", "messages", "room_info", "success"]);
    let messages = reply["messages"].take();
    reply["room_info"]["members"].as_array_mut().unwrap().sort_by_key(ToString::to_string);
    let room_info = json!({
        "room_id": room_id, "room_name": "general", "description": null, "members": ["alice", "pia"],
        "member_count": 2, "admin_node": "node1",
    });
    assert_eq!(reply["room_info"], room_info);
    assert_eq!((&reply["success"], &reply["message"]), (&json!(true), &json!("Successfully joined room")));
    let message_keys = ["content", "message_id", "room_id", "sequence_number", "timestamp", "username"];
    let messages = messages.as_array().unwrap();
    assert_eq!(messages.len(), 3);
    assert!(messages.iter().all(|message| keys(message) == message_keys));
    assert_eq!(messages[2]["sequence_number"], 3);
    let joined = expect!(alice, MemberJoined);
    assert_eq!((joined.username.as_str(), joined.member_count), ("pia", 2));

    let again = python.call(&node, "join_room", join).await;
    assert_eq!(again["message"], "Already in room, re-registered");
    assert_eq!(again["messages"].as_array().unwrap().len(), 3);
    alice.hears_nothing().await;
}

#[needs("python3")]
#[tokio::test]
async fn an_unknown_room_is_not_found_by_any_method() {
    let (python, node) = pair(&[]).await;
    let code = "ROOM_NOT_FOUND";
    let message = "Room not found";
    let join = python.call(&node, "join_room", json!(["nowhere", "pia", "py"])).await;
    assert_eq!(join, json!({"success": false, "message": message, "error_code": code, "room_info": null}));
    let leave = python.call(&node, "leave_room", json!(["nowhere", "pia", "py"])).await;
    assert_eq!(leave, json!({"success": false, "message": message, "error_code": code}));
    let forward = python.call(&node, "forward_message", json!(["nowhere", "pia", "hi", "py"])).await;
    assert_eq!(forward, json!({"success": false, "error": message, "error_code": code}));
    let gone = python.call(&node, "notify_member_disconnect", json!(["nowhere", "pia", "py"])).await;
    assert_eq!(gone, json!({"success": false, "message": message}));
}

#[needs("python3")]
#[tokio::test]
async fn a_member_of_a_python_node_speaks_and_leaves() {
    let (python, node) = pair(&[]).await;
    let (mut alice, room_id) = room(&node, 0).await;
    let names = json!([room_id, "pia", "py"]);
    python.call(&node, "join_room", names.clone()).await;
    expect!(alice, MemberJoined);
    let sent = python.call(&node, "forward_message", json!([room_id, "pia", "hi <&> ü", "py"])).await;
    assert_eq!(keys(&sent), ["message_id", "sequence_number", "success", "timestamp"]);
    let message = expect!(alice, NewMessage);
    assert_eq!((message.content.as_str(), message.username.as_str()), ("hi <&> ü", "pia"));
    assert_eq!((&sent["message_id"], &sent["sequence_number"]), (&json!(message.message_id), &json!(1)));

    let left = python.call(&node, "leave_room", names.clone()).await;
    assert_eq!(left, json!({"success": true, "message": "Successfully left room"}));
    let event = expect!(alice, MemberLeft);
    assert_eq!((event.username.as_str(), event.reason), ("pia", None));
    let again = python.call(&node, "leave_room", names).await;
    assert_eq!(again, json!({"success": false, "message": "Not in room", "error_code": "NOT_IN_ROOM"}));
    alice.hears_nothing().await;
}

#[needs("python3")]
#[tokio::test]
async fn a_lost_connection_at_a_python_node_is_told_with_its_reason() {
    let (python, node) = pair(&[]).await;
    let (mut alice, room_id) = room(&node, 0).await;
    for (parameters, reason) in
        [(json!([room_id, "pia", "py"]), "User disconnected"), (json!([room_id, "pia", "py", "Gone"]), "Gone")]
    {
        python.call(&node, "join_room", json!([room_id, "pia", "py"])).await;
        expect!(alice, MemberJoined);
        let removed = python.call(&node, "notify_member_disconnect", parameters.clone()).await;
        assert_eq!(removed, json!({"success": true, "message": "Member removed successfully"}));
        assert_eq!(expect!(alice, MemberLeft).reason.as_deref(), Some(reason));
        let again = python.call(&node, "notify_member_disconnect", parameters).await;
        assert_eq!(again, json!({"success": true, "message": "User not in room"}));
    }
}

/// Rows 6 and 20, and the order of the tests in section 6.
#[needs("python3")]
#[tokio::test]
async fn content_that_cannot_be_taken_is_refused_before_everything_else() {
    let (python, node) = pair(&[]).await;
    let (mut alice, room_id) = room(&node, 0).await;
    let too_long = "ü".repeat(5001);
    for content in
        [json!(""), json!(too_long), json!(["a", "list"]), json!({"a": 1}), json!(7), json!(true), Value::Null]
    {
        for room_id in [room_id.as_str(), "nowhere"] {
            let reply = python.call(&node, "forward_message", json!([room_id, "pia", content, "py"])).await;
            assert_eq!(keys(&reply), ["error", "error_code", "success"]);
            assert_eq!(reply["error_code"], "INVALID_CONTENT", "{reply}");
        }
    }
    // What XML cannot carry is no XML at all: a fault, for Python's reader as for ours.
    for text in ["a\u{1}b", "\u{FFFE}", "\u{0}"] {
        for (method, parameters) in
            [("forward_message", json!([room_id, "pia", text, "py"])), ("join_room", json!([room_id, text, "py"]))]
        {
            let result = python.try_call(&node, method, parameters).await;
            assert_eq!(result["fault"][0], 1, "{method}: {result}");
        }
    }
    alice.hears_nothing().await;
    assert_eq!(alice.say(&room_id, "alice", "first").await.sequence_number, 1);
}

/// Row 12: a node speaks for the names that it registered, and for no others.
#[needs("python3")]
#[tokio::test]
async fn a_node_cannot_speak_or_leave_for_members_of_another() {
    let (python, node) = pair(&[]).await;
    let (mut alice, room_id) = room(&node, 0).await;
    let not_member =
        json!({"success": false, "error": "You are not a member of this room", "error_code": "NOT_MEMBER"});
    let forged = python.call(&node, "forward_message", json!([room_id, "alice", "I owe pia 5", "py"])).await;
    assert_eq!(forged, not_member);
    let left = python.call(&node, "leave_room", json!([room_id, "alice", "py"])).await;
    assert_eq!(left["error_code"], "NOT_IN_ROOM");
    let gone = python.call(&node, "notify_member_disconnect", json!([room_id, "alice", "py"])).await;
    assert_eq!(gone, json!({"success": true, "message": "User not in room"}));
    alice.say(&room_id, "alice", "still here").await;
}

/// Row 14.
#[needs("python3")]
#[tokio::test]
async fn a_node_that_is_no_peer_cannot_join_speak_or_remove() {
    let (python, node) = pair(&[]).await;
    let (mut alice, room_id) = room(&node, 0).await;
    python.call(&node, "join_room", json!([room_id, "pia", "py"])).await;
    expect!(alice, MemberJoined);
    let join = python.call(&node, "join_room", json!([room_id, "eve", "stranger"])).await;
    assert_eq!((&join["success"], &join["error_code"]), (&json!(false), &json!("INVALID_REQUEST")));
    assert!(join["message"].as_str().unwrap().contains("PEER_NODES"), "{join}");
    let forward = python.call(&node, "forward_message", json!([room_id, "pia", "hi", "stranger"])).await;
    assert_eq!(forward["error_code"], "NOT_MEMBER");
    let leave = python.call(&node, "leave_room", json!([room_id, "pia", "stranger"])).await;
    assert_eq!(leave["error_code"], "NOT_IN_ROOM");
    alice.hears_nothing().await;
}

/// Row 21, at the admin: registrations are counted.
#[needs("python3")]
#[tokio::test]
async fn a_name_stays_while_one_of_a_nodes_two_registrations_does() {
    let (python, node) = pair(&[]).await;
    let (mut alice, room_id) = room(&node, 0).await;
    let names = json!([room_id, "pia", "py"]);
    python.call(&node, "join_room", names.clone()).await;
    python.call(&node, "join_room", names.clone()).await;
    expect!(alice, MemberJoined);
    python.call(&node, "notify_member_disconnect", names.clone()).await;
    alice.hears_nothing().await;
    let sent = python.call(&node, "forward_message", json!([room_id, "pia", "still here", "py"])).await;
    assert_eq!(sent["success"], true);
    expect!(alice, NewMessage);
    python.call(&node, "notify_member_disconnect", names).await;
    assert_eq!(expect!(alice, MemberLeft).username, "pia");
}

#[needs("python3")]
#[tokio::test]
async fn broadcasts_for_rooms_without_clients_are_true() {
    let (python, node) = pair(&[]).await;
    let message = json!({
        "message_id": "m", "room_id": "r", "username": "u", "content": "c", "sequence_number": 1, "timestamp": "t",
    });
    assert_eq!(python.call(&node, "receive_message_broadcast", json!(["r", message])).await, true);
    let event = json!({"room_id": "r", "username": "u", "member_count": 1, "timestamp": "t"});
    assert_eq!(python.call(&node, "receive_member_event_broadcast", json!(["r", "member_joined", event])).await, true);
}

/// What a fault says.
async fn fault(python: &PythonPeer, node: &crate::harness::Node, method: &str, parameters: Value) -> String {
    let result = python.try_call(node, method, parameters).await;
    assert_eq!(result["fault"][0], 1, "{result}");
    result["fault"][1].as_str().unwrap().to_owned()
}

#[needs("python3")]
#[tokio::test]
async fn faults_have_code_1_and_name_a_class() {
    let (python, node) = pair(&[]).await;
    let unknown = fault(&python, &node, "dance", json!([1])).await;
    assert_eq!(unknown, "<class 'Exception'>:method \"dance\" is not supported");
    let listed = fault(&python, &node, "system.listMethods", json!([])).await;
    assert_eq!(listed, "<class 'Exception'>:method \"system.listMethods\" is not supported");
    for (method, parameters) in [
        ("heartbeat", json!([1])),
        ("join_room", json!(["r"])),
        ("join_room", json!(["r", "u", "n", "x"])),
        ("join_room", json!(["r", 5, "n"])),
        ("receive_message_broadcast", json!(["r", "text"])),
        ("receive_message_broadcast", json!(["r", {"message_id": "m"}])),
        ("commit_delete_room", json!(["r"])),
    ] {
        let text = fault(&python, &node, method, parameters).await;
        assert!(text.starts_with("<class 'TypeError'>:"), "{method}: {text}");
    }
}

/// Row 26.
#[needs("python3")]
#[tokio::test]
async fn several_calls_at_once_give_what_each_gives() {
    let (python, node) = pair(&[]).await;
    let (mut alice, room_id) = room(&node, 0).await;
    let address = crate::python_peer::url(&node);
    let mut calls = vec![json!(["join_room", [room_id, "pia", "py"]])];
    calls.extend((1..=3).map(|number| json!(["forward_message", [room_id, "pia", number.to_string(), "py"]])));
    calls.push(json!(["dance", []]));
    let results = python.ask("multicall", json!({ "address": address, "calls": calls })).await;
    assert_eq!(results[0]["success"], true, "{results}");
    let numbers: Vec<_> = (1..=3).map(|index| results[index]["sequence_number"].as_u64()).collect();
    assert_eq!(numbers, [Some(1), Some(2), Some(3)]);
    assert_eq!(results[4], json!({"fault": [1, "<class 'Exception'>:method \"dance\" is not supported"]}));
    expect!(alice, MemberJoined);
    for number in 1..=3 {
        assert_eq!(expect!(alice, NewMessage).content, number.to_string());
    }
    // A multicall in a multicall is refused, and the rest is carried out.
    let calls = json!([["system.multicall", [[]]], ["heartbeat", []]]);
    let nested = python
        .call(
            &node,
            "system.multicall",
            json!([calls
                .as_array()
                .unwrap()
                .iter()
                .map(|call| json!({"methodName": call[0], "params": call[1]}))
                .collect::<Vec<_>>()]),
        )
        .await;
    assert_eq!(nested[0]["faultCode"], 1, "{nested}");
    assert_eq!(nested[1][0]["status"], "ok");
}

/// Row 8: a peer's clients have many messages on the way, and each client's keep their order.
#[needs("python3")]
#[tokio::test]
async fn messages_that_come_in_one_call_are_numbered_in_their_order() {
    const MESSAGES: u64 = 1000;
    let (python, node) = pair(&[]).await;
    let (_alice, room_id) = room(&node, 0).await;
    python.call(&node, "join_room", json!([room_id, "pia", "py"])).await;
    let address = crate::python_peer::url(&node);
    let calls: Vec<_> =
        (1..=MESSAGES).map(|number| json!(["forward_message", [room_id, "pia", number.to_string(), "py"]])).collect();
    let results = python.ask("multicall", json!({ "address": address, "calls": calls })).await;
    let numbers: Vec<_> = results.as_array().unwrap().iter().map(|sent| sent["sequence_number"].as_u64()).collect();
    assert_eq!(numbers, (1..=MESSAGES).map(Some).collect::<Vec<_>>());
}
