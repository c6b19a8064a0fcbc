//! An original node with clients in a room of ours: what it is told, when, and how often.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testing::{Signal, needs};

use crate::harness::{Client, Node, start};
use crate::python_peer::{PythonPeer, pair, said};

const MESSAGE: &str = "receive_message_broadcast";
const EVENT: &str = "receive_member_event_broadcast";

/// A room of our node with alice in it, who is a client there, and pia, who is one of the Python node.
async fn room(python: &PythonPeer, node: &Node) -> (Client, String) {
    let mut alice = node.client().await;
    let room_id = alice.create_room("general", "alice").await;
    alice.join(&room_id, "alice").await;
    python.call(node, "join_room", json!([room_id, "pia", "py"])).await;
    expect!(alice, MemberJoined);
    (alice, room_id)
}

/// What the Python node was told, in short and in order.
async fn told(python: &PythonPeer) -> Vec<String> {
    let calls = python.ask("calls", json!({})).await;
    let told = |call: &&Value| [MESSAGE, EVENT].contains(&call["method"].as_str().unwrap());
    calls.as_array().unwrap().iter().filter(told).map(said).collect()
}

/// Section 13, obligation 1: the joiner's own node has heard before the answer comes.
#[needs("python3")]
#[tokio::test]
async fn a_join_is_told_to_the_joiners_node_before_it_is_answered() {
    let (python, node) = pair(&[]).await;
    let (mut alice, room_id) = room(&python, &node).await;
    assert_eq!(told(&python).await, ["member_joined pia"]);
    // However long the Python node takes for it.
    python.misbehave(json!({"kind": "slow", "seconds": 0.3, "method": EVENT})).await;
    let reply = python.call(&node, "join_room", json!([room_id, "paul", "py"])).await;
    assert_eq!(told(&python).await.last().unwrap(), "member_joined paul");
    assert_eq!(reply["room_info"]["member_count"], 3);
    assert_eq!(expect!(alice, MemberJoined).username, "paul");
}

/// Section 13, obligation 2.
#[needs("python3")]
#[tokio::test]
async fn a_message_is_told_to_the_senders_node_before_it_is_confirmed() {
    let (python, node) = pair(&[]).await;
    let (mut alice, room_id) = room(&python, &node).await;
    python.misbehave(json!({"kind": "slow", "seconds": 0.3, "method": MESSAGE})).await;
    for number in 1..=3 {
        let content = format!("message {number}");
        let sent = python.call(&node, "forward_message", json!([room_id, "pia", content, "py"])).await;
        let heard = python.calls(MESSAGE).await;
        let message = &heard.last().unwrap()["parameters"][1];
        assert_eq!((&message["content"], &message["message_id"]), (&json!(content), &sent["message_id"]));
        assert_eq!(expect!(alice, NewMessage).content, content);
    }
}

/// Section 13, obligation 3: what happened before a join is told before it is answered.
#[needs("python3")]
#[tokio::test]
async fn what_was_queued_before_a_join_is_told_before_it_is_answered() {
    let (python, node) = pair(&[]).await;
    let (mut alice, room_id) = room(&python, &node).await;
    let mut eve = node.client().await;
    python.misbehave(json!({"kind": "slow", "seconds": 0.3, "method": MESSAGE})).await;
    alice.say(&room_id, "alice", "one").await;
    eve.join(&room_id, "eve").await;
    assert_eq!(expect!(eve, NewMessage).content, "one");
    eve.leave(&room_id, "eve").await;
    let reply = python.call(&node, "join_room", json!([room_id, "paul", "py"])).await;
    let expected = ["member_joined pia", "one", "member_joined eve", "member_left eve", "member_joined paul"];
    assert_eq!(told(&python).await, expected);
    assert_eq!(reply["room_info"]["member_count"], 3);
    assert_eq!(reply["messages"][0]["content"], "one");
}

/// Row 5.
#[needs("python3")]
#[tokio::test]
async fn a_broadcast_that_fails_is_told_again_with_the_same_id_and_nothing_is_missing() {
    let (python, node) = pair(&[]).await;
    let (mut alice, room_id) = room(&python, &node).await;
    let mut said_in_order = Vec::new();
    for kind in ["fault", "cut", "garbage", "500"] {
        python.misbehave(json!({"kind": kind, "times": 2, "method": MESSAGE})).await;
        for number in 1..=3 {
            let message = alice.say(&room_id, "alice", &format!("{kind} {number}")).await;
            said_in_order.push(message.message_id);
        }
    }
    // Each heard for the first time, in order.
    let heard = async || {
        let mut ids = Vec::new();
        for call in python.calls(MESSAGE).await {
            ids.push(call["parameters"][1]["message_id"].as_str().unwrap().to_owned());
        }
        ids
    };
    python.wait_for_calls(MESSAGE, 12 + 8).await;
    let last = said_in_order.last().unwrap();
    crate::harness::in_time(async {
        while heard().await.last() != Some(last) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let mut ids = heard().await;
    assert!(ids.len() >= 12 + 8, "{} tries", ids.len());
    let mut seen = HashSet::new();
    ids.retain(|id| seen.insert(id.clone()));
    assert_eq!(ids, said_in_order);
}

/// Row 5: the answer is lost, though the call was carried out.
#[needs("python3")]
#[tokio::test]
async fn a_broadcast_whose_answer_is_lost_is_told_again_with_the_same_id() {
    let (python, node) = pair(&[]).await;
    let (mut alice, room_id) = room(&python, &node).await;
    python.misbehave(json!({"kind": "cut", "after": true, "times": 1, "method": MESSAGE})).await;
    let message = alice.say(&room_id, "alice", "hello").await;
    let calls = python.wait_for_calls(MESSAGE, 2).await;
    for call in calls {
        assert_eq!(call["parameters"][1]["message_id"], json!(message.message_id));
        assert_eq!(call["parameters"][1]["sequence_number"], 1);
    }
}

/// Row 5: what happens while a node restarts is told afterwards.
#[needs("python3")]
#[tokio::test]
async fn a_peer_that_restarts_hears_what_was_said_meanwhile() {
    let (mut python, node) = pair(&[]).await;
    let (mut alice, room_id) = room(&python, &node).await;
    alice.say(&room_id, "alice", "before").await;
    python.wait_for_calls(MESSAGE, 1).await;
    // It has also answered: otherwise it would be told again.
    node.metric_becomes(r#"chat_peer_queue_depth{peer="py"}"#, 0.0).await;
    python.kill();
    let asked = Instant::now();
    for number in 1..=5 {
        alice.say(&room_id, "alice", &format!("meanwhile {number}")).await;
    }
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    let python = PythonPeer::start_at("py", python.port);
    let calls = python.wait_for_calls(MESSAGE, 5).await;
    let said: Vec<_> = calls.iter().map(said).collect();
    assert_eq!(said, (1..=5).map(|number| format!("meanwhile {number}")).collect::<Vec<_>>());
}

/// Row 1: a peer that is slow, or stopped as a whole, delays nobody else.
#[needs("python3")]
#[tokio::test]
async fn a_stopped_peer_delays_no_client_and_no_other_peer() {
    let (python, other) = (PythonPeer::start("py"), PythonPeer::start("other"));
    let node = start(&[("PEER_NODES", &format!("{},{}", python.entry(), other.entry()))]);
    for peer in [&python, &other] {
        peer.knows(&[&node]).await;
    }
    let (mut alice, room_id) = room(&python, &node).await;
    other.call(&node, "join_room", json!([room_id, "otto", "other"])).await;
    expect!(alice, MemberJoined);
    python.signal(Signal::STOP);
    let asked = Instant::now();
    for number in 1..=50 {
        alice.say(&room_id, "alice", &number.to_string()).await;
    }
    other.call(&node, "forward_message", json!([room_id, "otto", "51", "other"])).await;
    other.wait_for_calls(MESSAGE, 51).await;
    let mut bob = node.client().await;
    bob.join(&room_id, "bob").await;
    assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
    python.signal(Signal::CONT);
    let heard: Vec<_> = python.wait_for_calls(MESSAGE, 51).await.iter().map(said).collect();
    assert_eq!(heard[..51], (1..=51).map(|number| number.to_string()).collect::<Vec<_>>());
}

/// Row 2: each calls the other while it serves the other's call.
#[needs("python3")]
#[tokio::test]
async fn crossing_calls_with_a_single_threaded_peer_do_not_deadlock() {
    let (python, node) = pair(&[]).await;
    let (mut alice, ours) = room(&python, &node).await;
    let theirs = python.create_room("python's").await;
    let mut bob = node.client().await;
    bob.join(&theirs, "bob").await;
    let asked = Instant::now();
    let mut forwards = Vec::new();
    for number in 0..20 {
        let parameters = json!([ours, "pia", format!("pia {number}"), "py"]);
        let address = crate::python_peer::url(&node);
        forwards.push(
            python.command("call", json!({"address": address, "method": "forward_message", "parameters": parameters})),
        );
        bob.send_message(&theirs, "bob", &format!("bob {number}")).await;
    }
    for number in 0..20 {
        assert_eq!(expect!(bob, NewMessage).content, format!("bob {number}"));
        expect!(bob, MessageSent);
    }
    for forward in forwards {
        assert_eq!(forward.await["value"]["success"], true);
    }
    for number in 1..=20 {
        assert_eq!(expect!(alice, NewMessage).sequence_number, number);
    }
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
}

/// Row 7.
#[needs("python3")]
#[tokio::test]
async fn a_carriage_return_reaches_a_python_member() {
    let (python, node) = pair(&[]).await;
    let (mut alice, room_id) = room(&python, &node).await;
    alice.say(&room_id, "alice", "a\rb\r\nc").await;
    let calls = python.wait_for_calls(MESSAGE, 1).await;
    assert_eq!(said(&calls[0]), "a\rb\r\nc");
}

/// Row 26: single calls, after one try, with a node that does not know several at once.
#[needs("python3")]
#[tokio::test]
async fn a_python_member_is_tried_once_with_several_calls_at_once() {
    let (python, node) = pair(&[]).await;
    let (mut alice, room_id) = room(&python, &node).await;
    for round in 0..2 {
        python.misbehave(json!({"kind": "slow", "seconds": 0.2, "method": MESSAGE})).await;
        for number in 1..=30 {
            alice.say(&room_id, "alice", &number.to_string()).await;
        }
        let calls = python.wait_for_calls(MESSAGE, 30 * (round + 1)).await;
        let said: Vec<_> = calls[30 * round..].iter().map(said).collect();
        assert_eq!(said, (1..=30).map(|number| number.to_string()).collect::<Vec<_>>());
        assert_eq!(python.calls("system.multicall").await.len(), 1);
    }
}

/// Only nodes with members are told anything.
#[needs("python3")]
#[tokio::test]
async fn a_node_without_members_is_told_nothing() {
    let (python, node) = pair(&[]).await;
    let (mut alice, room_id) = room(&python, &node).await;
    python.call(&node, "leave_room", json!([room_id, "pia", "py"])).await;
    expect!(alice, MemberLeft);
    alice.say(&room_id, "alice", "nobody there?").await;
    let reply = python.call(&node, "join_room", json!([room_id, "pia", "py"])).await;
    assert_eq!(reply["messages"][0]["content"], "nobody there?");
    assert_eq!(told(&python).await, ["member_joined pia", "member_joined pia"]);
}

/// Rows 1 and 10: clients that come and go while a message is told to everybody.
#[needs("python3")]
#[tokio::test]
async fn joins_and_leaves_during_broadcasts_fail_for_nobody() {
    let (python, node) = pair(&[]).await;
    let (mut alice, room_id) = room(&python, &node).await;
    let mut joins = Vec::new();
    let address = crate::python_peer::url(&node);
    for number in 0..20 {
        let parameters = json!([room_id, format!("pia {number}"), "py"]);
        joins
            .push(python.command("call", json!({"address": address, "method": "join_room", "parameters": parameters})));
        alice.send_message(&room_id, "alice", "hello").await;
    }
    for join in joins {
        assert_eq!(join.await["value"]["success"], true);
    }
    let (mut messages, mut joined) = (0, 0);
    while messages < 20 || joined < 20 {
        match alice.next().await {
            chat_protocol::ServerMessage::NewMessage(message) => {
                messages += 1;
                assert_eq!(message.sequence_number, messages);
            }
            chat_protocol::ServerMessage::MemberJoined(_) => joined += 1,
            chat_protocol::ServerMessage::MessageSent(_) => {}
            other => panic!("{other:?}"),
        }
    }
}
