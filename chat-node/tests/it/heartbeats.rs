//! Nodes that are gone, and come back (protocol, sections 8 and 10).

use std::time::{Duration, Instant};

use serde_json::json;
use testing::{Signal, needs};

use crate::harness::{Client, Node, cluster};
use crate::python_peer::{PythonPeer, pair};

/// Short, so that tests are; a failure takes two.
const HEARTBEATS: [(&str, &str); 2] = [("HEARTBEAT_INTERVAL", "200ms"), ("HEARTBEAT_TIMEOUT", "300ms")];

/// A room of our node with alice in it, and pia, who is a client of the Python node.
async fn room(python: &PythonPeer, node: &Node) -> (Client, String) {
    let mut alice = node.client().await;
    let room_id = alice.create_room("general", "alice").await;
    alice.join(&room_id, "alice").await;
    python.call(node, "join_room", json!([room_id, "pia", "py"])).await;
    expect!(alice, MemberJoined);
    (alice, room_id)
}

async fn unreachable(client: &mut Client) -> (String, u32) {
    let left = expect!(client, MemberLeft);
    assert_eq!(left.reason.as_deref(), Some("Node unreachable"));
    (left.username, left.member_count)
}

#[tokio::test]
async fn members_of_a_node_that_is_killed_are_removed_everywhere() {
    let [first, second, mut third] = cluster(&HEARTBEATS);
    let mut alice = first.client().await;
    let room_id = alice.create_room("general", "alice").await;
    alice.join(&room_id, "alice").await;
    let mut bob = second.client().await;
    bob.join(&room_id, "bob").await;
    let mut eve = third.client().await;
    eve.join(&room_id, "eve").await;
    expect!(alice, MemberJoined);
    expect!(alice, MemberJoined);
    expect!(bob, MemberJoined);
    third.kill();
    assert_eq!(unreachable(&mut alice).await, ("eve".to_owned(), 2));
    assert_eq!(unreachable(&mut bob).await, ("eve".to_owned(), 2));
    // The node is back, and so is its client.
    third.start_again();
    let mut eve = third.client().await;
    eve.join(&room_id, "eve").await;
    eve.say(&room_id, "eve", "back").await;
    expect!(alice, MemberJoined);
    assert_eq!(expect!(alice, NewMessage).content, "back");
}

/// Row 1: a node that is there but answers nothing is like one that is not.
#[needs("python3")]
#[tokio::test]
async fn members_of_a_stopped_node_are_removed_while_the_chat_goes_on() {
    let (python, node) = pair(&HEARTBEATS).await;
    let (mut alice, room_id) = room(&python, &node).await;
    python.wait_for_calls("heartbeat", 1).await;
    python.signal(Signal::STOP);
    let stopped = Instant::now();
    let mut slowest = Duration::ZERO;
    let left = loop {
        let asked = Instant::now();
        alice.send_message(&room_id, "alice", "hello").await;
        let mut left = None;
        loop {
            match alice.next().await {
                chat_protocol::ServerMessage::MemberLeft(event) => left = Some(event),
                chat_protocol::ServerMessage::MessageSent(_) => break,
                _ => {}
            }
        }
        slowest = slowest.max(asked.elapsed());
        if let Some(left) = left {
            break left;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!((left.username.as_str(), left.reason.as_deref()), ("pia", Some("Node unreachable")));
    assert!(stopped.elapsed() < Duration::from_secs(10), "{:?}", stopped.elapsed());
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
}

/// Row 25.
#[needs("python3")]
#[tokio::test]
async fn after_its_return_a_node_may_miss_one_heartbeat_again() {
    let (python, node) = pair(&HEARTBEATS).await;
    let (mut alice, room_id) = room(&python, &node).await;
    for _ in 0..2 {
        python.misbehave(json!({"kind": "500", "times": 2, "method": "heartbeat"})).await;
        assert_eq!(unreachable(&mut alice).await.0, "pia");
        python.call(&node, "join_room", json!([room_id, "pia", "py"])).await;
        expect!(alice, MemberJoined);
    }
    for _ in 0..2 {
        python.misbehave(json!({"kind": "500", "times": 1, "method": "heartbeat"})).await;
        let heartbeats = python.calls("heartbeat").await.len();
        python.wait_for_calls("heartbeat", heartbeats + 3).await;
        alice.hears_nothing().await;
    }
}

#[needs("python3")]
#[tokio::test]
async fn only_nodes_with_members_get_heartbeats() {
    let (python, with_members) = (PythonPeer::start("py"), PythonPeer::start("other"));
    let peers = format!("{},{}", python.entry(), with_members.entry());
    let node = crate::harness::start(&[&HEARTBEATS[..], &[("PEER_NODES", &peers)]].concat());
    with_members.knows(&[&node]).await;
    let mut alice = node.client().await;
    let room_id = alice.create_room("general", "alice").await;
    with_members.call(&node, "join_room", json!([room_id, "otto", "other"])).await;
    with_members.wait_for_calls("heartbeat", 3).await;
    assert!(python.calls("heartbeat").await.is_empty());
    with_members.call(&node, "leave_room", json!([room_id, "otto", "other"])).await;
    let heartbeats = with_members.calls("heartbeat").await.len();
    tokio::time::sleep(Duration::from_secs(1)).await;
    // One may have been on its way.
    assert!(with_members.calls("heartbeat").await.len() <= heartbeats + 1);
}

/// A node that comes back tells its clients that they are members no more; nobody else is told twice.
#[needs("python3")]
#[tokio::test]
async fn a_node_that_was_only_unreachable_learns_that_its_members_are_removed() {
    let (python, node) = pair(&HEARTBEATS).await;
    let (mut alice, room_id) = room(&python, &node).await;
    python.misbehave(json!({"kind": "500", "times": 2, "method": "heartbeat"})).await;
    assert_eq!(unreachable(&mut alice).await.0, "pia");
    let events = python.wait_for_calls("receive_member_event_broadcast", 2).await;
    let event = &events[1]["parameters"];
    assert_eq!(
        (&event[0], &event[1], &event[2]["reason"]),
        (&json!(room_id), &json!("member_left"), &json!("Node unreachable"))
    );
    let refused = python.call(&node, "forward_message", json!([room_id, "pia", "hello?", "py"])).await;
    assert_eq!(refused["error_code"], "NOT_MEMBER");
}
