//! `CLUSTER_SECRET`: row 14.

use std::io::Write;

use chat_protocol::Request;
use serde_json::{Value, json};
use testing::needs;

use crate::harness::{cluster, free_port, start};
use crate::python_peer::pair;

const SECRET: (&str, &str) = ("CLUSTER_SECRET", "correct-horse-battery");

/// All methods but the heartbeat, each with parameters that are right.
fn calls() -> Vec<(&'static str, Value)> {
    let message = json!({
        "message_id": "m", "room_id": "r", "username": "u", "content": "c", "sequence_number": 1, "timestamp": "t",
    });
    let event = json!({"room_id": "r", "username": "u", "member_count": 1, "timestamp": "t"});
    vec![
        ("get_hosted_rooms", json!([])),
        ("join_room", json!(["r", "u", "py"])),
        ("leave_room", json!(["r", "u", "py"])),
        ("forward_message", json!(["r", "u", "c", "py"])),
        ("receive_message_broadcast", json!(["r", message])),
        ("receive_member_event_broadcast", json!(["r", "member_joined", event])),
        ("notify_member_disconnect", json!(["r", "u", "py"])),
        ("prepare_delete_room", json!(["r", "t", "py"])),
        ("commit_delete_room", json!(["r", "t"])),
        ("rollback_delete_room", json!(["r", "t"])),
        ("system.multicall", json!([[{"methodName": "heartbeat", "params": []}]])),
    ]
}

#[needs("python3")]
#[tokio::test]
async fn without_the_secret_every_call_is_refused_but_the_heartbeat() {
    let (python, node) = pair(&[SECRET]).await;
    for (method, parameters) in calls() {
        let result = python.try_call(&node, method, parameters).await;
        assert_eq!(result["fault"][0], 1, "{method}: {result}");
        let text = result["fault"][1].as_str().unwrap();
        assert!(text.starts_with("<class 'PermissionError'>:") && text.contains("CLUSTER_SECRET"), "{method}: {text}");
    }
    assert_eq!(python.call(&node, "heartbeat", json!([])).await["status"], "ok");
}

#[needs("python3")]
#[tokio::test]
async fn without_a_setting_no_secret_is_asked_for() {
    let (python, node) = pair(&[]).await;
    for (method, parameters) in calls() {
        python.call(&node, method, parameters).await;
    }
}

#[tokio::test]
async fn nodes_with_the_same_secret_work_together_also_from_a_file() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "{}", SECRET.1).unwrap();
    let path = file.path().to_str().unwrap();
    for settings in [[SECRET], [("CLUSTER_SECRET_FILE", path)]] {
        let [first, second] = cluster(&settings);
        let mut alice = first.client().await;
        let room_id = alice.create_room("secret", "alice").await;
        let mut bob = second.client().await;
        bob.join(&room_id, "bob").await;
        bob.say(&room_id, "bob", "psst").await;
    }
}

#[tokio::test]
async fn nodes_with_different_secrets_do_not_see_each_others_rooms() {
    let (first, second) = (free_port().to_string(), free_port().to_string());
    let peers = format!("a:http://127.0.0.1:{first},b:http://127.0.0.1:{second}");
    let settings = [("PEER_NODES", peers.as_str()), SECRET];
    let mut first = start(&[&settings[..], &[("NODE_ID", "a"), ("XMLRPC_PORT", &first)]].concat());
    let other = ("CLUSTER_SECRET", "correct-horse-batterY");
    let mut second = start(&[&settings[..], &[("NODE_ID", "b"), ("XMLRPC_PORT", &second), other]].concat());
    let mut alice = first.client().await;
    let room_id = alice.create_room("secret", "alice").await;
    let mut eve = second.client().await;
    eve.request(&Request::DiscoverRooms).await;
    let rooms = expect!(eve, GlobalRoomsList);
    let refusing = vec!["a".to_owned()];
    assert_eq!((rooms.total_count, &rooms.nodes_unavailable, &rooms.nodes_refusing), (0, &refusing, &refusing));
    eve.text(&json!({"type": "join_room", "data": {"room_id": room_id, "username": "eve"}}).to_string()).await;
    assert_eq!(expect!(eve, JoinRoomError).error_code.0, "ROOM_NOT_FOUND");
    // Both say so, where it is looked for.
    let line = second.program.log_line("a refuses the calls of this node");
    assert!(line.contains("CLUSTER_SECRET"), "{line}");
    let line = first.program.log_line("refusing calls from 127.0.0.1");
    assert!(line.contains("CLUSTER_SECRET"), "{line}");
    second.metric_becomes("chat_peer_up{peer=\"a\"}", 0.0).await;
    assert!(first.metric("chat_refused_calls_total{reason=\"secret\"}").await >= 2.0);
}

#[needs("python3")]
#[tokio::test]
async fn a_heartbeat_does_not_make_a_node_that_refuses_one_that_answers() {
    let (first, second) = (free_port().to_string(), free_port().to_string());
    let peers = format!("a:http://127.0.0.1:{first},b:http://127.0.0.1:{second}");
    let settings = [("PEER_NODES", peers.as_str()), ("HEARTBEAT_INTERVAL", "100ms")];
    // The one without a secret lets the other one in, whose members it asks for heartbeats.
    let first = start(&[&settings[..], &[("NODE_ID", "a"), ("XMLRPC_PORT", &first)]].concat());
    let second = start(&[&settings[..], &[("NODE_ID", "b"), ("XMLRPC_PORT", &second), SECRET]].concat());
    let mut alice = first.client().await;
    let room_id = alice.create_room("open", "alice").await;
    let mut bob = second.client().await;
    bob.join(&room_id, "bob").await;
    alice.request(&Request::DiscoverRooms).await;
    assert_eq!(expect!(alice, GlobalRoomsList).nodes_refusing, ["b"]);
    let heartbeats = "chat_peer_calls_total{peer=\"b\",method=\"heartbeat\",result=\"ok\"}";
    while first.metric(heartbeats).await < 2.0 {
        tokio::task::yield_now().await;
    }
    assert!(first.metric("chat_peer_up{peer=\"b\"}").await < 1.0);
}

#[needs("python3")]
#[tokio::test]
async fn a_python_node_is_not_given_a_secret_that_is_not_set() {
    let (python, node) = pair(&[]).await;
    let mut bob = node.client().await;
    bob.request(&Request::DiscoverRooms).await;
    expect!(bob, GlobalRoomsList);
    let calls = python.calls("get_hosted_rooms").await;
    assert!(calls[0]["headers"].get("x-cluster-secret").is_none(), "{}", calls[0]);
}
