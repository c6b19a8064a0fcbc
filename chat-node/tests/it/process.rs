//! The process: settings, exit codes, signals, the health check, the heartbeat (protocol, section 1, and
//! section 12, rows 30 and 31).

use std::net::TcpListener;
use std::time::Duration;

use chat_protocol::ServerMessage;
use serde_json::Value;
use testing::Signal;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use crate::harness::{CHAT_NODE, Client, Node, free_port, start};

/// Runs the program to its end.
fn output(arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String, String) {
    testing::start(CHAT_NODE, arguments, environment).output()
}

// Row 30.
#[test]
fn a_wrong_setting_stops_it_at_once_with_one_line_that_says_what_is_accepted() {
    let port = "a port number from 0 (any free one) to 65535";
    let address = "an IP address such as 127.0.0.1, 0.0.0.0 (all IPv4) or :: (all)";
    let time = "a time such as 500ms, 3s or 2m";
    let longer = "a time longer than zero, such as 500ms, 3s or 2m";
    let name = "a name of 1 to 100 bytes without commas and colons";
    let plain = "letters, digits and signs of plain ASCII, without spaces";
    for (variable, value, accepted) in [
        ("WEBSOCKET_PORT", "http", port),
        ("XMLRPC_PORT", "65536", port),
        ("WEBSOCKET_HOST", "pi", address),
        ("XMLRPC_HOST", "0.0.0", address),
        ("NODE_ID", "node1:9090", name),
        ("NODE_ID", "a,b", name),
        ("HEARTBEAT_INTERVAL", "often", time),
        ("HEARTBEAT_INTERVAL", "0", longer),
        ("HEARTBEAT_TIMEOUT", "-1", time),
        ("INACTIVITY_TIMEOUT", "0s", longer),
        ("CLEANUP_INTERVAL", "1 parsec", time),
        ("DRAIN_TIMEOUT", "soon", time),
        ("CLUSTER_SECRET", "two words", plain),
        ("PEER_NODES", "node2", "id:host:port"),
        ("PEER_NODES", "node2:9999", "id:host:port"),
        ("PEER_NODES", "node2:http://", "host:port"),
        ("PEER_NODES", "node2:https://node2:9090", "http://"),
    ] {
        let (code, stdout, log) = output(&[], &[(variable, value)]);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{variable}: {log}");
        assert_eq!(log.lines().count(), 1, "{log}");
        assert!(log.starts_with(&format!("chat-node: {variable}")), "{log}");
        assert!(log.contains(accepted), "{log}");
    }
}

#[test]
fn a_secret_that_is_given_twice_or_cannot_be_read_stops_it() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    for environment in [
        &[("CLUSTER_SECRET", "one"), ("CLUSTER_SECRET_FILE", path)][..],
        &[("CLUSTER_SECRET_FILE", "/nothing/is/here")],
    ] {
        let (code, _, log) = output(&[], environment);
        assert_eq!((code, log.lines().count()), (Some(2), 1), "{log}");
        assert!(log.contains("CLUSTER_SECRET"), "{log}");
    }
}

#[test]
fn help_is_the_manual_with_every_variable_default_and_command() {
    let (code, help, _) = output(&["--help"], &[]);
    assert_eq!(code, Some(0));
    for (variable, default) in [
        ("NODE_ID", "node1"),
        ("WEBSOCKET_HOST", "0.0.0.0"),
        ("WEBSOCKET_PORT", "8080"),
        ("XMLRPC_HOST", "0.0.0.0"),
        ("XMLRPC_PORT", "9090"),
        ("XMLRPC_ADDRESS", ""),
        ("PEER_NODES", ""),
        ("HEARTBEAT_INTERVAL", "30s"),
        ("HEARTBEAT_TIMEOUT", "2s"),
        ("INACTIVITY_TIMEOUT", "15m"),
        ("CLEANUP_INTERVAL", "1m"),
        ("DATA_DIR", ""),
        ("CLUSTER_SECRET", ""),
        ("CLUSTER_SECRET_FILE", ""),
        ("SERVED_BY", ""),
        ("DRAIN_DELAY", "0s"),
        ("DRAIN_TIMEOUT", "5s"),
        ("LOG_LEVEL", "info"),
        ("LOG_FORMAT", "text"),
    ] {
        let flag = variable.to_lowercase().replace('_', "-");
        let after = help.split(&format!("--{flag} ")).nth(1).unwrap_or_else(|| panic!("--{flag} is missing: {help}"));
        let entry = after.split("\n      --").next().unwrap();
        assert!(entry.contains(&format!("[env: {variable}")), "{entry}");
        assert!(default.is_empty() || entry.contains(&format!("[default: {default}]")), "{entry}");
    }
    for command in ["healthcheck", "heartbeat"] {
        assert!(help.contains(&format!("  {command} ")), "{command} is missing: {help}");
    }
}

#[test]
fn a_taken_port_is_explained_and_its_variable_named() {
    for variable in ["WEBSOCKET_PORT", "XMLRPC_PORT"] {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port().to_string();
        let other = if variable == "WEBSOCKET_PORT" { "XMLRPC_PORT" } else { "WEBSOCKET_PORT" };
        let hosts = [("WEBSOCKET_HOST", "127.0.0.1"), ("XMLRPC_HOST", "127.0.0.1")];
        let (code, _, log) = output(&[], &[&hosts[..], &[(variable, &port), (other, "0")]].concat());
        assert_eq!(code, Some(1));
        let hint = format!("port {port} is taken: stop the program that has it, or set {variable} to another port");
        assert!(log.contains(&hint), "{log}");
    }
}

// Row 30.
#[tokio::test]
async fn the_log_is_only_as_loud_as_wanted() {
    for (level, has_lines) in [("WARNING", false), ("INFO", true), ("debug", true)] {
        let port = free_port().to_string();
        let settings =
            [("WEBSOCKET_HOST", "127.0.0.1"), ("WEBSOCKET_PORT", &port), ("XMLRPC_PORT", "0"), ("LOG_LEVEL", level)];
        let program = testing::start(CHAT_NODE, &[], &settings);
        let address = format!("127.0.0.1:{port}").parse().unwrap();
        while tokio::net::TcpStream::connect(address).await.is_err() {
            tokio::task::yield_now().await;
        }
        let mut client = Client::connect(address).await;
        let room = client.create_room("general", "alice").await;
        client.join(&room, "alice").await;
        client.say(&room, "alice", "hello").await;
        client.close().await;
        program.signal(Signal::TERM);
        let (code, stdout, log) = spawn_blocking(|| program.output()).await.unwrap();
        assert_eq!((code, stdout.as_str(), log.is_empty()), (Some(0), "", !has_lines), "{level}: {log}");
    }
}

// Row 31.
#[tokio::test]
async fn a_stop_closes_every_client_with_1001_and_exits_0_at_once() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut node = start(&[("DRAIN_TIMEOUT", "10m")]);
        let mut clients = Vec::new();
        for number in 0..20 {
            let mut client = node.client().await;
            if number == 0 {
                client.create_room("general", "alice").await;
            }
            let room = client.list_rooms().await.rooms.remove(0).room_id;
            client.join(&room, &format!("user {number}")).await;
            clients.push(client);
        }
        let start = Instant::now();
        node.program.signal(signal);
        for client in &mut clients {
            let closed = client.closed().await;
            assert_eq!((closed.code, closed.reason.as_str()), (Some(1001), "the node stops"));
        }
        let (status, _) = node.program.ended();
        assert_eq!(status.code(), Some(0));
        // The promise is a second; a busy test machine gets more, but not what a cut would take.
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    }
}

// Row 31.
#[tokio::test]
async fn a_client_that_does_not_answer_the_close_frame_does_not_hold_the_stop_up() {
    let mut node = start(&[("DRAIN_TIMEOUT", "10m")]);
    let _deaf = node.client().await;
    node.program.signal(Signal::TERM);
    let (status, time) = spawn_blocking(move || node.program.ended()).await.unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(time < Duration::from_secs(20), "{time:?}");
}

/// Messages of 20 kB that are more than the system keeps for a client that does not read, 4 MB mostly,
/// and less than the node keeps in addition.
const UNREAD_MESSAGES: u32 = 230;

/// A client that said [`UNREAD_MESSAGES`] messages to another that has not read them.
async fn with_unread_messages(node: &Node) -> (Client, Client) {
    let mut alice = node.client().await;
    let mut sleeper = Client::connect_with_little_room(node.address).await;
    let room = alice.create_room("general", "alice").await;
    alice.join(&room, "alice").await;
    sleeper.join(&room, "sleeper").await;
    expect!(alice, MemberJoined);
    let content = "🦊".repeat(5000);
    for _ in 0..UNREAD_MESSAGES {
        alice.say(&room, "alice", &content).await;
    }
    (alice, sleeper)
}

// Row 31.
#[tokio::test]
async fn what_is_confirmed_before_a_stop_is_heard_by_all_before_the_close_frame() {
    let mut node = start(&[]);
    let (mut alice, mut sleeper) = with_unread_messages(&node).await;
    node.program.signal(Signal::TERM);
    assert_eq!(alice.closed().await.code, Some(1001));
    let mut heard = 0;
    let closed = loop {
        match sleeper.next_or_end().await {
            Ok(ServerMessage::NewMessage(message)) => {
                heard += 1;
                assert_eq!(message.sequence_number, heard);
            }
            // Alice may be gone a moment earlier.
            Ok(ServerMessage::MemberLeft(_)) => {}
            Ok(other) => panic!("{other:?}"),
            Err(closed) => break closed,
        }
    };
    assert_eq!((heard, closed.code), (UNREAD_MESSAGES, Some(1001)));
    assert_eq!(node.program.ended().0.code(), Some(0));
}

// Row 31.
#[tokio::test]
async fn a_client_that_does_not_read_holds_the_stop_up_for_the_drain_limit_only() {
    let mut node = start(&[("DRAIN_TIMEOUT", "1s")]);
    let (mut alice, _sleeper) = with_unread_messages(&node).await;
    node.program.signal(Signal::TERM);
    assert_eq!(alice.closed().await.code, Some(1001));
    let (status, time) = node.program.ended();
    assert_eq!(status.code(), Some(0));
    assert!(time < Duration::from_secs(10), "{time:?}");
}

#[tokio::test]
async fn heartbeat_prints_a_nodes_answer_as_json() {
    let node = start(&[("NODE_ID", "node7")]);
    for url in [format!("http://{}", node.xmlrpc), format!("http://{}/RPC2", node.xmlrpc), node.xmlrpc.to_string()] {
        let (code, stdout, log) = output(&["heartbeat", &url], &[]);
        assert_eq!((code, log.as_str()), (Some(0), ""), "{url}");
        let answer: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!((&answer["status"], &answer["node_id"]), (&"ok".into(), &"node7".into()), "{stdout}");
        assert!(answer["timestamp"].as_str().unwrap().ends_with("+00:00"), "{stdout}");
    }
}

#[tokio::test]
async fn heartbeat_fails_with_a_line_that_names_who_does_not_answer() {
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let node = start(&[]);
    let clients = format!("http://{}", node.address);
    for url in [nobody.as_str(), &clients, "http://name.invalid:9090", "nonsense"] {
        let (code, stdout, log) = output(&["heartbeat", url], &[]);
        assert_eq!((code, stdout.as_str(), log.lines().count()), (Some(1), "", 1), "{url}: {log}");
        assert!(log.starts_with(&format!("chat-node: {url}: ")), "{log}");
    }
    let (code, _, log) = output(&["heartbeat"], &[]);
    assert_eq!(code, Some(2), "{log}");
}

#[test]
fn heartbeat_gives_up_on_a_silent_node_in_seconds() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let (code, _, log) = output(&["heartbeat", &url], &[]);
    assert_eq!(code, Some(1));
    assert!(log.starts_with(&format!("chat-node: {url}: ")), "{log}");
}

#[tokio::test]
async fn the_health_check_asks_the_port_for_nodes() {
    let mut node = start(&[]);
    let port = node.xmlrpc.port().to_string();
    assert_eq!(output(&["healthcheck"], &[("XMLRPC_PORT", &port)]), (Some(0), String::new(), String::new()));
    node.kill();
    let (code, _, log) = output(&["healthcheck"], &[("XMLRPC_PORT", &port)]);
    assert_eq!(code, Some(1));
    assert!(log.starts_with(&format!("unhealthy: nothing answers at 127.0.0.1:{port}: ")), "{log}");
}
