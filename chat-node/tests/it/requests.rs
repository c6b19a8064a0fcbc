//! Requests, and every answer to them (protocol, section 3).

use serde_json::{Value, json};

use crate::harness::{Client, start};

/// What Python takes for false; the first stands for a key that is not there.
const MISSING: [&str; 8] = ["absent", "null", "\"\"", "0", "false", "[]", "{}", "[ ]"];

/// `{"type":kind,"data":{…}}` with `key` missing in this way.
fn without(kind: &str, mut data: Value, key: &str, missing: &str) -> String {
    match missing {
        "absent" => drop(data.as_object_mut().unwrap().remove(key)),
        text => data[key] = serde_json::from_str(text).unwrap(),
    }
    json!({"type": kind, "data": data}).to_string()
}

fn is_uuid(text: &Value) -> bool {
    let text = text.as_str().unwrap();
    let dashes: Vec<_> = text.match_indices('-').map(|(index, _)| index).collect();
    text.len() == 36 && dashes == [8, 13, 18, 23] && text.as_bytes()[14] == b'4'
}

/// `2026-11-21T14:20:07.123456+00:00` (section 4).
fn is_timestamp(text: &Value) -> bool {
    let shape = |byte| if u8::is_ascii_digit(&byte) { '0' } else { char::from(byte) };
    text.as_str().unwrap().bytes().map(shape).collect::<String>() == "0000-00-00T00:00:00.000000+00:00"
}

/// A client that is in a new room as alice.
async fn in_room(node: &crate::harness::Node) -> (Client, String) {
    let mut client = node.client().await;
    let room = client.create_room("general", "alice").await;
    client.join(&room, "alice").await;
    (client, room)
}

#[tokio::test]
async fn a_created_room_is_told_with_exactly_five_keys_and_listed_in_order_of_creation() {
    let node = start(&[("NODE_ID", "node7")]);
    let mut client = node.client().await;
    assert_eq!(
        client.answer(r#"{"type":"list_rooms"}"#).await,
        json!({"type": "rooms_list", "data": {"rooms": [], "total_count": 0}})
    );
    let created = client
        .answer(
            r#"{"type":"create_room","data":{"room_name":"zoo","creator_id":"alice","description":"all \"sorts\""}}"#,
        )
        .await;
    let (room, created_at) = (&created["data"]["room_id"], &created["data"]["created_at"]);
    assert!(is_uuid(room) && is_timestamp(created_at), "{created}");
    let expected = json!({
        "room_id": room, "room_name": "zoo", "admin_node": "node7", "members": [], "created_at": created_at,
    });
    assert_eq!(created, json!({"type": "room_created", "data": expected}));
    let second = client.create_room("ant", "bob").await;
    let rooms = client.answer(r#"{"type":"list_rooms","data":{}}"#).await;
    let listed = |id: &Value, name, description, creator| {
        json!({
            "room_id": id, "room_name": name, "description": description, "member_count": 0,
            "admin_node": "node7", "creator_id": creator,
        })
    };
    let both =
        [listed(room, "zoo", json!("all \"sorts\""), "alice"), listed(&json!(second), "ant", Value::Null, "bob")];
    assert_eq!(rooms, json!({"type": "rooms_list", "data": {"rooms": both, "total_count": 2}}));
}

#[tokio::test]
async fn a_room_without_name_or_creator_is_not_created() {
    let node = start(&[]);
    let mut client = node.client().await;
    let data = json!({"room_name": "general", "creator_id": "alice"});
    let refused = json!({
        "type": "room_created", "data": {"success": false, "message": "Missing room_name or creator_id"},
    });
    for missing in MISSING {
        for key in ["room_name", "creator_id"] {
            assert_eq!(
                client.answer(&without("create_room", data.clone(), key, missing)).await,
                refused,
                "{key} {missing}"
            );
        }
    }
    assert_eq!(client.answer(r#"{"type":"create_room"}"#).await, refused);
    let error = json!({"type": "room_created", "data": {"success": false, "message": "Internal server error"}});
    assert_eq!(client.answer(r#"{"type":"create_room","data":"x"}"#).await, error);
    assert_eq!(client.list_rooms().await.total_count, 0);
}

#[tokio::test]
async fn a_rooms_name_is_unique_on_its_node_in_upper_and_lower_case() {
    let node = start(&[]);
    let mut client = node.client().await;
    client.create_room("general", "alice").await;
    let again = client.answer(r#"{"type":"create_room","data":{"room_name":"general","creator_id":"bob"}}"#).await;
    let message = "Room with name 'general' already exists";
    assert_eq!(again, json!({"type": "room_created", "data": {"success": false, "message": message}}));
    client.create_room("General", "alice").await;
    client.create_room(" general", "alice").await;
    assert_eq!(client.list_rooms().await.total_count, 3);
}

#[tokio::test]
async fn discovery_on_a_node_without_peers_gives_its_own_rooms_without_an_address() {
    let node = start(&[]);
    let mut client = node.client().await;
    let room = client.create_room("general", "alice").await;
    let found = client.answer(r#"{"type":"discover_rooms"}"#).await;
    let listed = json!({
        "room_id": room, "room_name": "general", "description": null, "member_count": 0,
        "admin_node": "node1", "creator_id": "alice",
    });
    let expected = json!({
        "rooms": [listed], "total_count": 1,
        "nodes_queried": ["node1"], "nodes_available": ["node1"], "nodes_unavailable": [],
    });
    assert_eq!(found, json!({"type": "global_rooms_list", "data": expected}));
}

#[tokio::test]
async fn a_join_is_answered_with_the_room_and_its_members() {
    let node = start(&[]);
    let (mut alice, room) = in_room(&node).await;
    let mut bob = node.client().await;
    let request = json!({"type": "join_room", "data": {"room_id": room, "username": "bob"}});
    let mut joined = bob.answer(&request.to_string()).await;
    joined["data"]["members"].as_array_mut().unwrap().sort_by_key(|name| name.as_str().unwrap().to_owned());
    let expected = json!({
        "room_id": room, "room_name": "general", "description": null,
        "members": ["alice", "bob"], "member_count": 2, "admin_node": "node1",
    });
    assert_eq!(joined, json!({"type": "join_room_success", "data": expected}));
    expect!(alice, MemberJoined);
    assert_eq!(bob.list_rooms().await.rooms[0].member_count, 2);
}

#[tokio::test]
async fn a_join_without_room_or_name_and_one_to_no_room_are_refused() {
    let node = start(&[]);
    let mut client = node.client().await;
    let data = json!({"room_id": "some room", "username": "bob"});
    let refused = |room: &str, error, code| json!({"type": "join_room_error", "data": {"room_id": room, "error": error, "error_code": code}});
    let (text, code) = ("Missing room_id or username", "INVALID_REQUEST");
    for missing in MISSING {
        let request = without("join_room", data.clone(), "room_id", missing);
        assert_eq!(client.answer(&request).await, refused("", text, code), "{missing}");
        let request = without("join_room", data.clone(), "username", missing);
        assert_eq!(client.answer(&request).await, refused("some room", text, code), "{missing}");
    }
    let request = json!({"type": "join_room", "data": data}).to_string();
    assert_eq!(client.answer(&request).await, refused("some room", "Room not found", "ROOM_NOT_FOUND"));
}

#[tokio::test]
async fn a_message_is_heard_and_confirmed_with_the_same_facts() {
    let node = start(&[]);
    let (mut alice, room) = in_room(&node).await;
    let request =
        json!({"type": "send_message", "data": {"room_id": room, "username": "alice", "content": "Füchse 🦊"}});
    let heard = alice.answer(&request.to_string()).await;
    let sent = alice.json().await;
    let (id, time) = (&heard["data"]["message_id"], &heard["data"]["timestamp"]);
    assert!(is_uuid(id) && is_timestamp(time), "{heard}");
    let expected = json!({
        "message_id": id, "room_id": room, "username": "alice", "content": "Füchse 🦊",
        "sequence_number": 1, "timestamp": time,
    });
    assert_eq!(heard, json!({"type": "new_message", "data": expected}));
    let expected = json!({"room_id": room, "message_id": id, "sequence_number": 1, "timestamp": time});
    assert_eq!(sent, json!({"type": "message_sent", "data": expected}));
}

#[tokio::test]
async fn refused_messages_say_why_in_the_order_of_the_tests_and_use_no_number() {
    let node = start(&[]);
    let (mut alice, room) = in_room(&node).await;
    let refused = |room: &str, error, code| json!({"type": "message_error", "data": {"room_id": room, "error": error, "error_code": code}});
    let data = json!({"room_id": room, "username": "alice", "content": "hello"});
    for missing in MISSING {
        let (text, code) = ("Missing room_id or username", "INVALID_REQUEST");
        let request = without("send_message", data.clone(), "room_id", missing);
        assert_eq!(alice.answer(&request).await, refused("", text, code), "{missing}");
        let request = without("send_message", data.clone(), "username", missing);
        assert_eq!(alice.answer(&request).await, refused(&room, text, code), "{missing}");
        let request = without("send_message", data.clone(), "content", missing);
        let empty = refused(&room, "Message content cannot be empty", "INVALID_CONTENT");
        assert_eq!(alice.answer(&request).await, empty, "{missing}");
    }
    // Fields before content, content before membership.
    let request = json!({"type": "send_message", "data": {"room_id": room, "content": ""}});
    let missing = refused(&room, "Missing room_id or username", "INVALID_REQUEST");
    assert_eq!(alice.answer(&request.to_string()).await, missing);
    let request = json!({"type": "send_message", "data": {"room_id": "no room", "username": "bob", "content": ""}});
    let empty = refused("no room", "Message content cannot be empty", "INVALID_CONTENT");
    assert_eq!(alice.answer(&request.to_string()).await, empty);
    for (room, username) in [(room.as_str(), "bob"), ("no room", "alice")] {
        let request = json!({"type": "send_message", "data": {"room_id": room, "username": username, "content": "x"}});
        let stranger = refused(room, "You are not a member of this room", "NOT_MEMBER");
        assert_eq!(alice.answer(&request.to_string()).await, stranger);
    }
    assert_eq!(alice.say(&room, "alice", "the first").await.sequence_number, 1);
}

#[tokio::test]
async fn content_has_up_to_5000_code_points_and_is_not_trimmed() {
    let node = start(&[]);
    let (mut alice, room) = in_room(&node).await;
    for content in [" ", "\n\t\r\n", &"🦊".repeat(5000), " two  spaces ", "e\u{301}", "é"] {
        alice.say(&room, "alice", content).await;
    }
    alice.send_message(&room, "alice", &"x".repeat(5001)).await;
    let error = expect!(alice, MessageError);
    assert_eq!(error.error, "Message content too long (max 5000 characters)");
    assert_eq!(error.error_code.0, "INVALID_CONTENT");
    alice.send_message(&room, "alice", &"🦊".repeat(5001)).await;
    assert_eq!(expect!(alice, MessageError), error);
    assert_eq!(alice.say(&room, "alice", "the seventh").await.sequence_number, 7);
}

#[tokio::test]
async fn the_history_is_the_last_100_messages_oldest_first() {
    let node = start(&[]);
    let (mut alice, room) = in_room(&node).await;
    let mut said = Vec::new();
    for number in 1..=105 {
        said.push(alice.say(&room, "alice", &format!("message {number}")).await);
    }
    let mut bob = node.client().await;
    bob.join(&room, "bob").await;
    for message in &said[5..] {
        assert_eq!(&expect!(bob, NewMessage), message);
    }
    bob.hears_nothing().await;
}

#[tokio::test]
async fn leaving_succeeds_whatever_is_left_and_fails_without_a_name() {
    let node = start(&[]);
    let (mut alice, room) = in_room(&node).await;
    let data = json!({"room_id": room, "username": "alice"});
    let request = json!({"type": "leave_room", "data": data}).to_string();
    // A member, nobody any more, and a room that is none.
    for _ in 0..2 {
        assert_eq!(alice.answer(&request).await, json!({"type": "leave_room_success", "data": data}));
    }
    alice.leave("no room", "bob").await;
    let error = json!({"type": "error", "data": {"success": false, "message": "Missing room_id or username"}});
    for missing in MISSING {
        for key in ["room_id", "username"] {
            assert_eq!(
                alice.answer(&without("leave_room", data.clone(), key, missing)).await,
                error,
                "{key} {missing}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_no_request_is_answered_with_an_error_and_the_connection_stays() {
    let node = start(&[]);
    let mut client = node.client().await;
    let no_object = "A request is a JSON object with type and data";
    let no_data = "The data of a request is a JSON object";
    for (text, message) in [
        (r#"{"type":"dance"}"#, "Unknown message type: dance"),
        (r#"{"type":"dance","data":5}"#, "Unknown message type: dance"),
        ("{}", "Unknown message type: None"),
        (r#"{"data":{}}"#, "Unknown message type: None"),
        (r#"{"type":null}"#, "Unknown message type: None"),
        ("", "Invalid JSON format"),
        ("hello", "Invalid JSON format"),
        (r#"{"type":"list_rooms""#, "Invalid JSON format"),
        ("[]", no_object),
        ("\"list_rooms\"", no_object),
        ("5", no_object),
        (r#"{"type":"join_room","data":[]}"#, no_data),
        (r#"{"type":"send_message","data":"x"}"#, no_data),
        (r#"{"type":"leave_room","data":5}"#, no_data),
    ] {
        let error = json!({"type": "error", "data": {"success": false, "message": message}});
        assert_eq!(client.answer(text).await, error, "{text}");
    }
    client.hears_nothing().await;
}
