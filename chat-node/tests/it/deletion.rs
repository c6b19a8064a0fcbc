//! Deleting a room on all nodes or none (protocol, section 9).

use std::time::{Duration, Instant};

use chat_protocol::ServerMessage;
use serde_json::{Value, json};
use testing::{Signal, needs};

use crate::harness::{Client, Node, cluster};
use crate::python_peer::{PythonPeer, pair};

async fn room(node: &Node) -> (Client, String) {
    let mut alice = node.client().await;
    let room_id = alice.create_room("general", "alice").await;
    alice.join(&room_id, "alice").await;
    (alice, room_id)
}

/// The two frames that a deletion begins with, at a requester who is in the room.
async fn begun(alice: &mut Client) -> String {
    let to_requester = expect!(alice, DeleteRoomInitiated);
    assert_eq!((to_requester.initiator, to_requester.status.as_str()), (None, "in_progress"));
    let to_room = expect!(alice, DeleteRoomInitiated);
    assert_eq!((to_room.initiator.as_deref(), to_room.transaction_id), (Some("alice"), None));
    to_requester.transaction_id.unwrap()
}

#[tokio::test]
async fn a_deletion_is_told_on_all_nodes_in_the_originals_frames() {
    let [first, second, third] = cluster(&[]);
    let (mut alice, room_id) = room(&first).await;
    let mut local = first.client().await;
    let mut remotes = [second.client().await, third.client().await];
    local.join(&room_id, "local").await;
    expect!(alice, MemberJoined);
    for (number, remote) in remotes.iter_mut().enumerate() {
        remote.join(&room_id, &format!("remote {number}")).await;
        expect!(alice, MemberJoined);
        expect!(local, MemberJoined);
    }
    expect!(remotes[0], MemberJoined);
    alice.delete(&room_id, "alice").await;
    let transaction = begun(&mut alice).await;
    let success = expect!(alice, DeleteRoomSuccess);
    assert_eq!((success.room_id.as_str(), success.message.as_str()), (room_id.as_str(), "Room deleted successfully"));
    assert_eq!(success.transaction_id, transaction);
    let deleted = expect!(alice, RoomDeleted);
    assert_eq!((deleted.room_name.as_str(), deleted.transaction_id), ("general", None));
    assert!(deleted.message.is_some());
    expect!(local, DeleteRoomInitiated);
    expect!(local, RoomDeleted);
    for remote in &mut remotes {
        let deleted = expect!(remote, RoomDeleted);
        assert_eq!((deleted.room_name.as_str(), deleted.transaction_id.as_ref()), ("general", Some(&transaction)));
        assert_eq!(deleted.message, None);
        // The room is gone for whoever sends or joins.
        remote.send_message(&room_id, "remote 0", "hello").await;
        expect!(remote, MessageError);
        remote.text(&json!({"type": "join_room", "data": {"room_id": room_id, "username": "r"}}).to_string()).await;
        assert_eq!(expect!(remote, JoinRoomError).error_code.0, "ROOM_NOT_FOUND");
    }
    assert_eq!(alice.list_rooms().await.total_count, 0);
    // Its name is free again.
    alice.create_room("general", "alice").await;
}

#[tokio::test]
async fn a_room_of_another_node_cannot_be_deleted() {
    let [first, second] = cluster(&[]);
    let (_alice, room_id) = room(&first).await;
    let mut bob = second.client().await;
    bob.join(&room_id, "alice").await;
    bob.delete(&room_id, "alice").await;
    let failed = expect!(bob, DeleteRoomFailed);
    assert_eq!((&*failed.error_code.0, failed.transaction_id), ("ROOM_NOT_FOUND", None));
}

#[needs("python3")]
#[tokio::test]
async fn a_python_peer_is_asked_told_and_counts() {
    let (python, node) = pair(&[]).await;
    let (mut alice, room_id) = room(&node).await;
    alice.delete(&room_id, "alice").await;
    let transaction = begun(&mut alice).await;
    expect!(alice, DeleteRoomSuccess);
    expect!(alice, RoomDeleted);
    let prepared = python.calls("prepare_delete_room").await;
    assert_eq!(prepared[0]["parameters"], json!([room_id, transaction, "node1"]));
    let committed = python.calls("commit_delete_room").await;
    assert_eq!(committed[0]["parameters"], json!([room_id, transaction, "general"]));
    assert!(python.calls("rollback_delete_room").await.is_empty());
}

/// Row 32: all peers have a vote, also those without members. The room stays, and goes on.
#[tokio::test]
async fn a_dead_node_keeps_the_room_and_remote_members_hear_of_it() {
    let [first, second, mut third] = cluster(&[]);
    third.kill();
    let (mut alice, room_id) = room(&first).await;
    let mut bob = second.client().await;
    bob.join(&room_id, "bob").await;
    expect!(alice, MemberJoined);
    alice.delete(&room_id, "alice").await;
    let transaction = begun(&mut alice).await;
    let failed = expect!(alice, DeleteRoomFailed);
    assert_eq!((failed.reason.as_str(), &*failed.error_code.0), ("Node node3 timed out", "DELETION_FAILED"));
    assert_eq!(failed.transaction_id.as_ref(), Some(&transaction));
    let cancelled = expect!(bob, DeleteRoomCancelled);
    assert_eq!((cancelled.room_id, cancelled.transaction_id), (room_id.clone(), transaction));
    bob.say(&room_id, "bob", "still here").await;
    expect!(alice, NewMessage);
    alice.hears_nothing().await;
}

#[needs("python3")]
#[tokio::test]
async fn the_reason_of_a_python_peer_that_votes_against_it_is_told() {
    let (python, node) = pair(&[]).await;
    let (mut alice, room_id) = room(&node).await;
    for (vote, reason) in [
        (json!({"vote": "ABORT", "node_id": "py", "transaction_id": "t", "reason": "I like it"}), "I like it"),
        (json!({"vote": "ABORT", "node_id": "py", "transaction_id": "t"}), "Node py voted ABORT"),
    ] {
        python.misbehave(json!({"kind": "answer", "method": "prepare_delete_room", "value": vote})).await;
        alice.delete(&room_id, "alice").await;
        let transaction = begun(&mut alice).await;
        assert_eq!(expect!(alice, DeleteRoomFailed).reason, reason);
        let rolled_back = python.calls("rollback_delete_room").await;
        assert_eq!(rolled_back.last().unwrap()["parameters"], json!([room_id, transaction]));
    }
    for kind in ["fault", "garbage", "500", "cut"] {
        python.misbehave(json!({"kind": kind, "method": "prepare_delete_room", "times": 2})).await;
        alice.delete(&room_id, "alice").await;
        begun(&mut alice).await;
        assert_eq!(expect!(alice, DeleteRoomFailed).reason, "Node py timed out", "{kind}");
        python.behave().await;
    }
    alice.delete(&room_id, "alice").await;
    begun(&mut alice).await;
    expect!(alice, DeleteRoomSuccess);
}

/// Row 18: the time limit of the votes holds, and local chat goes on meanwhile.
async fn a_hung_peer_ends_a_deletion_in_time(hang: impl AsyncFnOnce(&PythonPeer)) {
    let (python, node) = pair(&[]).await;
    let (mut alice, room_id) = room(&node).await;
    let mut bob = node.client().await;
    bob.join(&room_id, "bob").await;
    expect!(alice, MemberJoined);
    hang(&python).await;
    alice.delete(&room_id, "alice").await;
    begun(&mut alice).await;
    expect!(bob, DeleteRoomInitiated);
    let asked = Instant::now();
    let mut slowest = Duration::ZERO;
    let failed = loop {
        let said = Instant::now();
        bob.say(&room_id, "bob", "meanwhile").await;
        slowest = slowest.max(said.elapsed());
        match alice.next().await {
            ServerMessage::NewMessage(_) => {}
            ServerMessage::DeleteRoomFailed(failed) => break failed,
            other => panic!("{other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(failed.reason, "Node py timed out");
    assert!((4..10).contains(&asked.elapsed().as_secs()), "{:?}", asked.elapsed());
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
}

#[needs("python3")]
#[tokio::test]
async fn a_stopped_peer_ends_a_deletion_in_time() {
    a_hung_peer_ends_a_deletion_in_time(async |python| python.signal(Signal::STOP)).await;
}

#[needs("python3")]
#[tokio::test]
async fn a_peer_that_never_answers_ends_a_deletion_in_time() {
    a_hung_peer_ends_a_deletion_in_time(async |python| {
        python.misbehave(json!({"kind": "hang", "method": "prepare_delete_room"})).await;
    })
    .await;
}

/// Row 17: what is accepted while votes are asked for reaches everybody before the end, and nothing is
/// accepted after it.
#[needs("python3")]
#[tokio::test]
async fn what_is_accepted_during_a_deletion_reaches_everybody_before_its_end() {
    let (python, other) = (PythonPeer::start("py"), crate::harness::free_port().to_string());
    let python_entry = python.entry();
    let port = crate::harness::free_port().to_string();
    let peers = format!("{python_entry},node1:http://127.0.0.1:{port},node2:http://127.0.0.1:{other}");
    let settings = |id, port| [("PEER_NODES", peers.as_str()), ("NODE_ID", id), ("XMLRPC_PORT", port)];
    let first = crate::harness::start(&settings("node1", port.as_str()));
    let second = crate::harness::start(&settings("node2", other.as_str()));
    let (mut alice, room_id) = room(&first).await;
    let mut listeners = [first.client().await, second.client().await];
    for (number, listener) in listeners.iter_mut().enumerate() {
        listener.join(&room_id, &format!("listener {number}")).await;
    }
    let mut senders = Vec::new();
    for node in [&first, &second] {
        let mut client = node.client().await;
        let username = format!("sender on {}", node.id);
        client.join(&room_id, &username).await;
        senders.push((client, username));
    }
    python.misbehave(json!({"kind": "slow", "seconds": 0.4, "method": "prepare_delete_room"})).await;
    alice.delete(&room_id, "alice").await;
    let sending = senders
        .into_iter()
        .map(|(client, username)| tokio::spawn(send_until_refused(client, room_id.clone(), username)));
    let mut accepted = Vec::new();
    for sender in sending.collect::<Vec<_>>() {
        accepted.extend(sender.await.unwrap());
    }
    accepted.sort_unstable();
    assert!(accepted.len() > 10, "{} accepted", accepted.len());
    for listener in &mut listeners {
        let mut heard = Vec::new();
        loop {
            match listener.next().await {
                ServerMessage::NewMessage(message) => heard.push(message.sequence_number),
                ServerMessage::RoomDeleted(_) => break,
                _ => {}
            }
        }
        assert_eq!(heard, accepted);
        listener.hears_nothing().await;
    }
}

/// Sends one message after the other; gives the numbers of those that were accepted.
async fn send_until_refused(mut client: Client, room_id: String, username: String) -> Vec<u32> {
    let mut accepted = Vec::new();
    loop {
        client.send_message(&room_id, &username, "hello").await;
        loop {
            match client.next().await {
                ServerMessage::MessageSent(sent) => {
                    accepted.push(sent.sequence_number);
                    break;
                }
                ServerMessage::MessageError(_) => return accepted,
                _ => {}
            }
        }
    }
}

/// Row 15.
#[needs("python3")]
#[tokio::test]
async fn an_admin_obeys_no_foreign_commit() {
    let (python, node) = pair(&[]).await;
    let (mut alice, room_id) = room(&node).await;
    let refused = json!({"success": false, "node_id": "node1"});
    let commit = json!([room_id, "t", "general"]);
    assert_eq!(python.call(&node, "commit_delete_room", commit.clone()).await, refused);
    let vote = python.call(&node, "prepare_delete_room", json!([room_id, "t", "py"])).await;
    assert_eq!(vote, json!({"vote": "READY", "node_id": "node1", "transaction_id": "t"}));
    assert_eq!(python.call(&node, "commit_delete_room", commit).await, refused);
    alice.say(&room_id, "alice", "still here").await;

    // Prepared, it is locked until the decision, or for some time (row 16).
    let vote = python.call(&node, "prepare_delete_room", json!([room_id, "t2", "py"])).await;
    let abort = json!({"vote": "ABORT", "node_id": "node1", "transaction_id": "t2", "reason": "Room in DELETION_PENDING state"});
    assert_eq!(vote, abort);
    alice.delete(&room_id, "alice").await;
    let failed = expect!(alice, DeleteRoomFailed);
    assert_eq!(
        (&*failed.error_code.0, failed.reason.as_str()),
        ("INVALID_STATE", "Room is in DELETION_PENDING state, cannot delete")
    );
    for _ in 0..2 {
        let rolled_back = python.call(&node, "rollback_delete_room", json!([room_id, "t"])).await;
        assert_eq!(rolled_back, json!({"success": true, "node_id": "node1"}));
    }
    alice.delete(&room_id, "alice").await;
    begun(&mut alice).await;
    expect!(alice, DeleteRoomSuccess);
}

/// A room of the Python node with bob in it, who is a client of our node.
async fn python_room(python: &PythonPeer, node: &Node) -> (Client, String) {
    let room_id = python.create_room("python's").await;
    let mut bob = node.client().await;
    bob.join(&room_id, "bob").await;
    (bob, room_id)
}

/// Section 13, obligation 5; each call comes on a connection of its own.
#[needs("python3")]
#[tokio::test]
async fn a_vote_stands_on_another_connection_and_a_commit_can_be_repeated() {
    let (python, node) = pair(&[]).await;
    let (mut bob, room_id) = python_room(&python, &node).await;
    let vote = python.call(&node, "prepare_delete_room", json!([room_id, "t", "py"])).await;
    assert_eq!(vote, json!({"vote": "READY", "node_id": "node1", "transaction_id": "t"}));
    bob.say(&room_id, "bob", "a last word").await;
    for _ in 0..3 {
        let committed = python.call(&node, "commit_delete_room", json!([room_id, "t", "python's"])).await;
        assert_eq!(committed, json!({"success": true, "node_id": "node1"}));
    }
    let deleted = expect!(bob, RoomDeleted);
    assert_eq!((deleted.room_name.as_str(), deleted.transaction_id.as_deref()), ("python's", Some("t")));
    bob.hears_nothing().await;
}

#[needs("python3")]
#[tokio::test]
async fn a_commit_without_a_name_says_unknown_and_one_without_a_vote_is_not_obeyed() {
    let (python, node) = pair(&[]).await;
    let (mut bob, room_id) = python_room(&python, &node).await;
    let other = python.call(&node, "commit_delete_room", json!([room_id, "never asked", "python's"])).await;
    assert_eq!(other["success"], false);
    bob.say(&room_id, "bob", "still here").await;
    python.call(&node, "prepare_delete_room", json!([room_id, "t", "py"])).await;
    python.call(&node, "commit_delete_room", json!([room_id, "t", Value::Null])).await;
    assert_eq!(expect!(bob, RoomDeleted).room_name, "Unknown");
}

#[needs("python3")]
#[tokio::test]
async fn a_rollback_is_told_as_cancelled_also_when_nothing_was_prepared() {
    let (python, node) = pair(&[]).await;
    let (mut bob, room_id) = python_room(&python, &node).await;
    python.call(&node, "prepare_delete_room", json!([room_id, "t", "py"])).await;
    for transaction in ["t", "never asked"] {
        let rolled_back = python.call(&node, "rollback_delete_room", json!([room_id, transaction])).await;
        assert_eq!(rolled_back, json!({"success": true, "node_id": "node1"}));
        assert_eq!(expect!(bob, DeleteRoomCancelled).transaction_id, transaction);
    }
    bob.say(&room_id, "bob", "still here").await;
}

/// Section 12, row 29: what the other nodes have heard of is gone, also when this one is killed meanwhile.
#[needs("python3")]
#[tokio::test]
async fn a_node_that_is_killed_during_a_deletion_does_not_bring_the_room_back() {
    let directory = tempfile::tempdir().unwrap();
    let (python, mut node) = pair(&[("DATA_DIR", directory.path().to_str().unwrap())]).await;
    let (mut alice, room_id) = room(&node).await;
    python.misbehave(json!({"kind": "hang", "method": "commit_delete_room"})).await;
    alice.delete(&room_id, "alice").await;
    python.wait_for_calls("commit_delete_room", 1).await;
    node.kill();
    node.start_again();
    assert_eq!(node.client().await.list_rooms().await.total_count, 0);
}

#[needs("python3")]
#[tokio::test]
async fn a_vote_on_ids_that_are_too_long_is_no() {
    let (python, node) = pair(&[]).await;
    for (room_id, transaction_id) in [("x".repeat(65), "t".to_owned()), ("x".to_owned(), "t".repeat(65))] {
        let vote = python.call(&node, "prepare_delete_room", json!([room_id, transaction_id, "py"])).await;
        assert_eq!(vote["vote"], "ABORT");
    }
}
