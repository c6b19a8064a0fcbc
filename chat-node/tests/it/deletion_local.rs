//! Deleting a room of a node without peers (protocol, section 9).

use serde_json::json;

use crate::harness::start;

#[tokio::test]
async fn the_creator_in_the_room_hears_initiated_twice_then_success_then_deleted() {
    let node = start(&[]);
    let (mut alice, mut bob) = (node.client().await, node.client().await);
    let room = alice.create_room("general", "alice").await;
    alice.join(&room, "alice").await;
    bob.join(&room, "bob").await;
    expect!(alice, MemberJoined);
    alice.delete(&room, "alice").await;
    let first = alice.json().await;
    let transaction = &first["data"]["transaction_id"];
    assert_eq!(transaction.as_str().unwrap().len(), 36);
    let data = json!({"room_id": room, "transaction_id": transaction, "status": "in_progress"});
    assert_eq!(first, json!({"type": "delete_room_initiated", "data": data}));
    let data = json!({"room_id": room, "initiator": "alice", "status": "in_progress"});
    let initiated = json!({"type": "delete_room_initiated", "data": data});
    assert_eq!(alice.json().await, initiated);
    let data = json!({"room_id": room, "transaction_id": transaction, "message": "Room deleted successfully"});
    assert_eq!(alice.json().await, json!({"type": "delete_room_success", "data": data}));
    let data = json!({"room_id": room, "room_name": "general", "message": "Room 'general' has been deleted"});
    let deleted = json!({"type": "room_deleted", "data": data});
    assert_eq!(alice.json().await, deleted);
    assert_eq!(bob.json().await, initiated);
    assert_eq!(bob.json().await, deleted);
    alice.hears_nothing().await;
    bob.hears_nothing().await;
}

#[tokio::test]
async fn the_creator_outside_the_room_hears_initiated_and_success_only() {
    let node = start(&[]);
    let (mut alice, mut bob) = (node.client().await, node.client().await);
    let room = alice.create_room("general", "alice").await;
    bob.join(&room, "bob").await;
    alice.delete(&room, "alice").await;
    let initiated = expect!(alice, DeleteRoomInitiated);
    assert_eq!(initiated.initiator, None);
    assert_eq!(expect!(alice, DeleteRoomSuccess).transaction_id, initiated.transaction_id.unwrap());
    alice.hears_nothing().await;
    expect!(bob, DeleteRoomInitiated);
    expect!(bob, RoomDeleted);
}

#[tokio::test]
async fn a_deleted_room_is_gone_and_its_name_free() {
    let node = start(&[]);
    let mut alice = node.client().await;
    let room = alice.create_room("general", "alice").await;
    alice.join(&room, "alice").await;
    alice.say(&room, "alice", "hello").await;
    alice.delete(&room, "alice").await;
    skip_to!(alice, RoomDeleted);
    assert_eq!(alice.list_rooms().await.total_count, 0);
    alice.send_message(&room, "alice", "hello?").await;
    assert_eq!(expect!(alice, MessageError).error_code.0, "ROOM_NOT_FOUND");
    alice.text(&json!({"type": "join_room", "data": {"room_id": room, "username": "bob"}}).to_string()).await;
    assert_eq!(expect!(alice, JoinRoomError).error_code.0, "ROOM_NOT_FOUND");
    alice.leave(&room, "alice").await;
    let again = alice.create_room("general", "alice").await;
    assert_ne!(again, room);
    alice.join(&again, "alice").await;
    assert_eq!(alice.say(&again, "alice", "hello").await.sequence_number, 1);
}

#[tokio::test]
async fn refused_deletions_say_why_and_change_nothing() {
    let node = start(&[]);
    let (mut alice, mut bob) = (node.client().await, node.client().await);
    let room = alice.create_room("general", "alice").await;
    bob.join(&room, "bob").await;
    let failed = |room: &str, reason, code| json!({"type": "delete_room_failed", "data": {"room_id": room, "reason": reason, "error_code": code}});
    let missing = "Missing room_id or username";
    for (request, answer) in [
        (json!({"room_id": room}), failed(&room, missing, "INVALID_REQUEST")),
        (json!({"username": "alice"}), failed("", missing, "INVALID_REQUEST")),
        (json!({"room_id": "", "username": ""}), failed("", missing, "INVALID_REQUEST")),
        (json!({"room_id": "no room", "username": "bob"}), failed("no room", "Room not found", "ROOM_NOT_FOUND")),
        (
            json!({"room_id": room, "username": "bob"}),
            failed(&room, "Only the room creator can delete the room", "UNAUTHORIZED"),
        ),
        (
            json!({"room_id": room, "username": "Alice"}),
            failed(&room, "Only the room creator can delete the room", "UNAUTHORIZED"),
        ),
    ] {
        let request = json!({"type": "delete_room", "data": request}).to_string();
        assert_eq!(bob.answer(&request).await, answer);
    }
    assert_eq!(bob.say(&room, "bob", "it is still here").await.sequence_number, 1);
}

// Row 17: what is confirmed was heard before the deletion.
#[tokio::test]
async fn what_is_accepted_while_a_room_is_deleted_is_heard_before_the_room_is_gone() {
    let node = start(&[]);
    let (mut alice, mut bob) = (node.client().await, node.client().await);
    let room = alice.create_room("general", "alice").await;
    bob.join(&room, "bob").await;
    for number in 1..=20 {
        bob.send_message(&room, "bob", &number.to_string()).await;
        if number == 10 {
            alice.delete(&room, "alice").await;
        }
    }
    let mut is_deleted = false;
    let (mut heard, mut answers) = (0, 0);
    while answers < 20 || !is_deleted {
        match bob.next().await {
            chat_protocol::ServerMessage::NewMessage(message) => {
                heard += 1;
                assert_eq!((message.sequence_number, is_deleted), (heard, false));
            }
            chat_protocol::ServerMessage::MessageSent(sent) => {
                answers += 1;
                assert_eq!(sent.sequence_number, answers);
                assert!(answers <= heard, "confirmed before it is heard");
            }
            chat_protocol::ServerMessage::MessageError(error) => {
                answers += 1;
                // Once told that the room is gone, the sender is no member of it.
                assert!(["ROOM_NOT_FOUND", "NOT_MEMBER"].contains(&&*error.error_code.0), "{error:?}");
            }
            chat_protocol::ServerMessage::DeleteRoomInitiated(_) => {}
            chat_protocol::ServerMessage::RoomDeleted(_) => is_deleted = true,
            other => panic!("{other:?}"),
        }
    }
    bob.hears_nothing().await;
}
