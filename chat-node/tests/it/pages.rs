//! Plain HTTP: the chat page on the port for clients, health and figures on both ports.

use serde_json::{Value, json};

use crate::harness::{Node, ask, cluster, in_time, start};

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}

#[tokio::test]
async fn a_browser_gets_the_chat_page_from_the_port_for_clients() {
    let node = start(&[("SERVED_BY", "node1@pi1")]);
    let page = ask(node.address, "GET", "/").await;
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    assert!(page.contains("\r\ncontent-type: text/html; charset=utf-8\r\n"), "{page}");
    assert!(page.contains("\r\nx-served-by: node1@pi1\r\n"), "{page}");
    // What it loads is there, too.
    let links: Vec<_> = page.split("=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let links: Vec<_> = links.into_iter().filter(|link| link.contains("page/")).collect();
    assert!(links.len() >= 3, "{page}");
    for link in links {
        let path = format!("/{}", link.trim_start_matches("./").trim_start_matches('/'));
        let answer = ask(node.address, "GET", &path).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{path}: {answer}");
    }
}

#[tokio::test]
async fn both_ports_answer_for_health_and_say_who_served() {
    let node = start(&[("SERVED_BY", "node1@pi1")]);
    for address in [node.address, node.xmlrpc] {
        for path in ["/healthz", "/readyz", "/metrics", "/whoami"] {
            let answer = ask(address, "GET", path).await;
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{path}: {answer}");
            assert!(answer.contains("\r\nx-served-by: node1@pi1\r\n"), "{path}: {answer}");
        }
        let whoami: Value = serde_json::from_str(body(&ask(address, "GET", "/whoami").await)).unwrap();
        assert_eq!((&whoami["name"], &whoami["served_by"]), (&"chat-node".into(), &"node1@pi1".into()), "{whoami}");
    }
    let nothing = ask(node.address, "GET", "/nothing").await;
    assert!(nothing.starts_with("HTTP/1.1 404 "), "{nothing}");
    assert_eq!(body(&nothing), r#"{"status":404,"message":"nothing is at /nothing"}"#);
}

#[tokio::test]
async fn whoami_tells_the_rooms_that_a_node_hosts_with_the_fullest_first() {
    let [one, two] = cluster(&[("HEARTBEAT_INTERVAL", "100ms")]);
    let (mut alice, mut bob) = (one.client().await, two.client().await);
    alice.create_room("empty", "alice").await;
    let room = alice.create_room("general", "alice").await;
    alice.join(&room, "alice").await;
    bob.join(&room, "bob").await;
    let details = async |node: &Node| {
        let whoami: Value = serde_json::from_str(body(&ask(node.xmlrpc, "GET", "/whoami").await)).unwrap();
        // What clients ask in their WebSockets.
        assert!(whoami["requests"].as_u64() >= Some(1), "{whoami}");
        whoami["details"].clone()
    };
    let general = json!({"name": "general", "members": 2, "nodes": ["node2"]});
    let rooms = json!([general, {"name": "empty", "members": 0, "nodes": []}]);
    let told = details(&one).await;
    assert_eq!((&told["node"], &told["rooms"], &told["rooms_total"]), (&json!("node1"), &rooms, &json!(2)), "{told}");
    // It has just told the other node of Bob's arrival, or asked it for its rooms.
    in_time(async {
        while details(&two).await["peers"] != json!([{"node": "node1", "state": "up"}]) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let told = details(&two).await;
    assert_eq!((&told["rooms"], &told["rooms_total"]), (&json!([]), &json!(0)), "{told}");
}

#[tokio::test]
async fn the_figures_tell_of_connections_rooms_members_and_messages() {
    let node = start(&[]);
    assert!((node.metric("chat_connections").await).abs() < f64::EPSILON);
    let (mut alice, mut bob) = (node.client().await, node.client().await);
    let room = alice.create_room("general", "alice").await;
    alice.create_room("empty", "alice").await;
    alice.join(&room, "alice").await;
    bob.join(&room, "bob").await;
    expect!(alice, MemberJoined);
    for _ in 0..5 {
        alice.say(&room, "alice", "hello").await;
        expect!(bob, NewMessage);
    }
    bob.send_message(&room, "bob", "").await;
    expect!(bob, MessageError);
    for (name, value) in [
        ("chat_connections", 2.0),
        ("chat_rooms", 2.0),
        ("chat_members", 2.0),
        ("chat_messages_total", 5.0),
        ("chat_deliveries_total", 10.0),
    ] {
        node.metric_becomes(name, value).await;
    }
    bob.close().await;
    expect!(alice, MemberLeft);
    alice.delete(&room, "alice").await;
    skip_to!(alice, RoomDeleted);
    for (name, value) in [("chat_connections", 1.0), ("chat_rooms", 1.0), ("chat_members", 0.0)] {
        node.metric_becomes(name, value).await;
    }
    let metrics = ask(node.xmlrpc, "GET", "/metrics").await;
    for name in ["chat_connections", "chat_rooms", "chat_members", "chat_messages_total", "chat_deliveries_total"] {
        assert!(metrics.contains(&format!("# HELP {name} ")), "{name}: {metrics}");
    }
}
