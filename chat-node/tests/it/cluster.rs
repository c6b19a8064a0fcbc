//! Three nodes of ours.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use chat_protocol::{Request, RoomUser, ServerMessage};
use futures_util::future::join_all;
use testing::Signal;

use crate::harness::{Client, Node, cluster, free_port, start};

async fn room(node: &Node) -> (Client, String) {
    let mut alice = node.client().await;
    let room_id = alice.create_room("general", "alice").await;
    alice.join(&room_id, "alice").await;
    (alice, room_id)
}

/// Section 4, over nodes.
#[tokio::test]
async fn who_comes_says_something_and_goes_is_told_on_every_node() {
    let [first, second, third] = cluster(&[]);
    let (mut alice, room_id) = room(&first).await;
    let mut bob = second.client().await;
    let joined = bob.join(&room_id, "bob").await;
    assert_eq!((joined.member_count, joined.admin_node.as_str()), (2, "node1"));
    assert_eq!(expect!(alice, MemberJoined).username, "bob");
    let mut eve = third.client().await;
    eve.join(&room_id, "eve").await;
    for client in [&mut alice, &mut bob] {
        let event = expect!(client, MemberJoined);
        assert_eq!((event.username.as_str(), event.member_count, event.reason), ("eve", 3, None));
    }
    let message = eve.say(&room_id, "eve", "a\rb <&> \u{1F98A}").await;
    for client in [&mut alice, &mut bob] {
        assert_eq!(expect!(client, NewMessage), message);
    }
    eve.leave(&room_id, "eve").await;
    for client in [&mut alice, &mut bob] {
        let event = expect!(client, MemberLeft);
        assert_eq!((event.username.as_str(), event.member_count, event.reason), ("eve", 2, None));
    }
    bob.close().await;
    let event = expect!(alice, MemberLeft);
    assert_eq!((event.username.as_str(), event.reason.as_deref()), ("bob", Some("User disconnected")));
    eve.hears_nothing().await;
    alice.hears_nothing().await;
}

/// Row 27: each node of this cluster has itself in its setting, too.
#[tokio::test]
async fn every_room_is_discovered_once_from_every_node() {
    let nodes = cluster::<3>(&[]);
    let mut created = HashSet::new();
    for node in &nodes {
        created.insert(room(node).await.1);
    }
    for node in &nodes {
        let mut client = node.client().await;
        client.request(&Request::DiscoverRooms).await;
        let list = expect!(client, GlobalRoomsList);
        assert_eq!((list.total_count, list.rooms.len()), (3, 3));
        assert_eq!(list.rooms.iter().map(|room| room.room_id.clone()).collect::<HashSet<_>>(), created);
        let own = |room: &&chat_protocol::Room| room.node_address.is_none();
        assert_eq!(list.rooms.iter().filter(own).count(), 1);
        assert_eq!(list.rooms[0].admin_node, node.id);
        assert_eq!((list.nodes_queried[0].as_str(), list.nodes_queried.len()), (node.id.as_str(), 3));
        assert!(list.nodes_unavailable.is_empty());
    }
}

/// Row 2: each node's clients join, and say something in, rooms of the other.
#[tokio::test]
async fn crossing_joins_and_messages_do_not_deadlock() {
    let [first, second] = cluster(&[]);
    let (_alice, at_first) = room(&first).await;
    let (_bob, at_second) = room(&second).await;
    let asked = Instant::now();
    let talk = async |node: &Node, room_id: &str, username: String| {
        let mut client = node.client().await;
        client.join(room_id, &username).await;
        for number in 0..10 {
            client.send_message(room_id, &username, &number.to_string()).await;
            let mut is_heard = false;
            loop {
                match client.next().await {
                    ServerMessage::NewMessage(message) => is_heard |= message.username == username,
                    ServerMessage::MessageSent(_) => break assert!(is_heard, "the confirmation came first"),
                    ServerMessage::MemberJoined(_) | ServerMessage::MemberLeft(_) => {}
                    other => panic!("{other:?}"),
                }
            }
        }
        client.close().await;
    };
    let talks = (0..10)
        .flat_map(|number| [(&second, &at_first, format!("b{number}")), (&first, &at_second, format!("a{number}"))]);
    join_all(talks.map(|(node, room_id, username)| talk(node, room_id, username))).await;
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
}

/// Rows 3 and 26: rooms are looked for once, calls wait for each other and go together, and
/// connections are kept.
#[tokio::test]
async fn own_nodes_send_several_calls_at_once_over_connections_that_stay() {
    let [first, second] = cluster(&[]);
    let (mut alice, room_id) = room(&first).await;
    let mut clients = Vec::new();
    for number in 0..10 {
        let mut client = second.client().await;
        client.join(&room_id, &format!("client {number}")).await;
        clients.push(client);
    }
    let rooms_asked = "chat_peer_calls_total{peer=\"node1\",method=\"get_hosted_rooms\",result=\"ok\"}";
    let asked = second.metric(rooms_asked).await;
    assert!(asked > 0.0);
    for number in 0..20 {
        for (index, client) in clients.iter_mut().enumerate() {
            client.send_message(&room_id, &format!("client {index}"), &number.to_string()).await;
        }
    }
    let (mut heard, total) = (0, 200);
    while heard < total {
        if let ServerMessage::NewMessage(message) = alice.next().await {
            heard += 1;
            assert_eq!(message.sequence_number, heard);
        }
    }
    let several = |peer| format!("chat_peer_calls_total{{peer=\"{peer}\",method=\"system.multicall\",result=\"ok\"}}");
    let forwards = second.metric(&several("node1")).await;
    let broadcasts = first.metric(&several("node2")).await;
    assert!(forwards > 0.0 && broadcasts > 0.0, "{forwards} {broadcasts}");
    assert!((second.metric(rooms_asked).await - asked).abs() < f64::EPSILON);
    // Those of the second node's calls, and the one that asks.
    let open = first.metric("http_connections").await;
    assert!(open < 12.0, "{open} connections");
}

/// Row 21, over nodes.
#[tokio::test]
async fn a_name_stays_while_one_of_its_connections_on_any_node_does() {
    let [first, second] = cluster(&[]);
    let (mut alice, room_id) = room(&first).await;
    let mut bobs = Vec::new();
    for node in [&second, &second, &first] {
        let mut bob = node.client().await;
        bob.join(&room_id, "bob").await;
        bobs.push(bob);
    }
    expect!(alice, MemberJoined);
    let mut third = bobs.pop().unwrap();
    let mut second = bobs.pop().unwrap();
    bobs.pop().unwrap().close().await;
    second.say(&room_id, "bob", "still two").await;
    expect!(alice, NewMessage);
    expect!(third, NewMessage);
    second.leave(&room_id, "bob").await;
    third.say(&room_id, "bob", "still one").await;
    assert_eq!(expect!(alice, NewMessage).content, "still one");
    third.close().await;
    assert_eq!(expect!(alice, MemberLeft).username, "bob");
}

/// Row 11: a client that does not read is dropped, wherever it is, and slows nobody.
#[tokio::test]
async fn a_client_of_another_node_that_does_not_read_slows_nobody() {
    let [first, second] = cluster(&[]);
    let (mut alice, room_id) = room(&first).await;
    let mut deaf = second.client().await;
    deaf.join(&room_id, "deaf").await;
    let mut bob = second.client().await;
    bob.join(&room_id, "bob").await;
    expect!(alice, MemberJoined);
    expect!(alice, MemberJoined);
    let content = "\u{1F98A}".repeat(5000);
    let mut slowest = Duration::ZERO;
    let mut said = 0;
    // More than what waits for a client, and what the system holds.
    let left = loop {
        let asked = Instant::now();
        alice.send_message(&room_id, "alice", &content).await;
        said += 1;
        assert!(said < 10_000, "the client is not dropped");
        let mut left = None;
        loop {
            match alice.next().await {
                ServerMessage::NewMessage(_) => {}
                ServerMessage::MessageSent(_) => break,
                ServerMessage::MemberLeft(event) => left = Some(event),
                other => panic!("{other:?}"),
            }
        }
        slowest = slowest.max(asked.elapsed());
        if let Some(left) = left {
            break left;
        }
        while !matches!(bob.next().await, ServerMessage::NewMessage(message) if message.sequence_number == said) {}
    };
    assert_eq!((left.username.as_str(), left.reason.as_deref()), ("deaf", Some("User disconnected")));
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    let closed = deaf.closed().await;
    assert!(closed.code.is_none_or(|code| code == 1008), "{closed:?}");
}

/// Row 10: everybody joins at once, from everywhere.
#[tokio::test]
async fn many_who_join_at_once_are_all_members() {
    let nodes = cluster::<3>(&[]);
    let (mut alice, room_id) = room(&nodes[0]).await;
    let join = async |number: usize| {
        let mut client = nodes[number % 3].client().await;
        client.join(&room_id, &format!("client {number}")).await;
        client
    };
    let _clients = join_all((0..60).map(join)).await;
    let mut joined = HashSet::new();
    while joined.len() < 60 {
        joined.insert(expect!(alice, MemberJoined).username);
    }
    assert_eq!(alice.list_rooms().await.rooms[0].member_count, 61);
}

/// Row 5, with a node that is stopped as a whole for a moment.
#[tokio::test]
async fn clients_of_a_node_that_is_stopped_for_a_moment_miss_nothing() {
    let [first, second] = cluster(&[]);
    let (mut alice, room_id) = room(&first).await;
    let mut bob = second.client().await;
    bob.join(&room_id, "bob").await;
    expect!(alice, MemberJoined);
    second.program.signal(Signal::STOP);
    let asked = Instant::now();
    for number in 1..=100 {
        alice.say(&room_id, "alice", &number.to_string()).await;
    }
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    second.program.signal(Signal::CONT);
    for number in 1..=100 {
        assert_eq!(expect!(bob, NewMessage).sequence_number, number);
    }
    bob.hears_nothing().await;
}

/// A node that stops tells who is gone, so that nobody has to wait for a heartbeat.
#[tokio::test]
async fn members_of_a_node_that_is_stopped_properly_leave_at_once() {
    let [first, mut second] = cluster(&[]);
    let (mut alice, room_id) = room(&first).await;
    let mut bob = second.client().await;
    bob.join(&room_id, "bob").await;
    expect!(alice, MemberJoined);
    second.program.signal(Signal::TERM);
    let left = expect!(alice, MemberLeft);
    assert_eq!((left.username.as_str(), left.reason.as_deref()), ("bob", Some("User disconnected")));
    assert_eq!(bob.closed().await.code, Some(1001));
    assert_eq!(second.program.ended().0.code(), Some(0));
}

/// Section 12, row 32: who is away has a vote.
#[tokio::test]
async fn a_peer_that_was_never_there_is_unavailable_and_keeps_every_room() {
    let port = free_port();
    let node = start(&[("PEER_NODES", &format!("ghost:127.0.0.1:{port},,node1:127.0.0.1:1"))]);
    let (mut alice, room_id) = room(&node).await;
    alice.request(&Request::DiscoverRooms).await;
    let list = expect!(alice, GlobalRoomsList);
    assert_eq!((list.nodes_queried, list.total_count), (vec!["node1".to_owned(), "ghost".to_owned()], 1));
    assert_eq!((list.nodes_available, list.nodes_unavailable), (vec!["node1".to_owned()], vec!["ghost".to_owned()]));
    alice.delete(&room_id, "alice").await;
    expect!(alice, DeleteRoomInitiated);
    expect!(alice, DeleteRoomInitiated);
    assert_eq!(expect!(alice, DeleteRoomFailed).reason, "Node ghost timed out");
}

#[test]
fn the_log_says_of_a_peer_that_was_never_there_why_without_a_client_that_asks() {
    let port = free_port();
    let mut node = start(&[("PEER_NODES", &format!("ghost:127.0.0.1:{port}"))]);
    let line = node.program.log_line("ghost does not answer");
    assert!(line.contains(&format!("cannot reach 127.0.0.1:{port}: connection refused")), "{line}");
}

#[test]
fn in_json_the_log_has_the_peer_as_a_field() {
    let mut node = start(&[("PEER_NODES", &format!("ghost:127.0.0.1:{}", free_port())), ("LOG_FORMAT", "json")]);
    let line: serde_json::Value = serde_json::from_str(&node.program.log_line("ghost does not answer")).unwrap();
    assert_eq!((&line["peer"], &line["service"]), (&"ghost".into(), &"chat-node".into()), "{line}");
}

/// Section 13, obligation 1, between own nodes.
#[tokio::test]
async fn a_joiner_on_another_node_does_not_get_its_own_event() {
    let [first, second] = cluster(&[]);
    let (_alice, room_id) = room(&first).await;
    for _ in 0..10 {
        let mut bob = second.client().await;
        bob.join(&room_id, "bob").await;
        bob.hears_nothing().await;
        bob.leave(&room_id, "bob").await;
        bob.hears_nothing().await;
    }
}

/// Section 13, obligation 2, between own nodes: `say` checks the order.
#[tokio::test]
async fn a_sender_on_another_node_hears_its_message_before_its_confirmation() {
    let [first, second] = cluster(&[]);
    let (_alice, room_id) = room(&first).await;
    let mut bob = second.client().await;
    bob.join(&room_id, "bob").await;
    for _ in 0..50 {
        bob.say(&room_id, "bob", "hello").await;
    }
}

/// Section 13, obligation 3, between own nodes: also when who joins was in the room just before.
#[tokio::test]
async fn what_happened_before_a_join_does_not_come_after_it() {
    let [first, second] = cluster(&[]);
    let (_alice, room_id) = room(&first).await;
    let mut eve = first.client().await;
    let mut witness = second.client().await;
    witness.join(&room_id, "witness").await;
    let mut bob = second.client().await;
    let user = |username: &str| RoomUser { room_id: room_id.clone(), username: username.to_owned() };
    for _ in 0..30 {
        eve.request(&Request::JoinRoom(user("eve"))).await;
        eve.request(&Request::LeaveRoom(user("eve"))).await;
        let mut members: HashSet<_> = bob.join(&room_id, "bob").await.members.into_iter().collect();
        bob.request(&Request::LeaveRoom(user("bob"))).await;
        loop {
            match bob.next().await {
                ServerMessage::MemberJoined(event) => assert!(members.insert(event.username)),
                ServerMessage::MemberLeft(event) => assert!(members.remove(&event.username)),
                ServerMessage::LeaveRoomSuccess(_) => break,
                other => panic!("{other:?}"),
            }
        }
    }
}

/// A leave that is still on its way must not undo the join after it.
#[tokio::test]
async fn who_leaves_and_joins_again_at_once_is_a_member() {
    let [first, second] = cluster(&[]);
    let (_alice, room_id) = room(&first).await;
    let mut bob = second.client().await;
    for number in 1..=20 {
        bob.join(&room_id, "bob").await;
        for _ in 1..number {
            expect!(bob, NewMessage);
        }
        bob.say(&room_id, "bob", "hello").await;
        bob.leave(&room_id, "bob").await;
    }
}

/// What is said last is heard, although whoever said it is gone at once.
#[tokio::test]
async fn what_is_said_just_before_the_end_of_a_connection_is_heard() {
    let [first, second] = cluster(&[]);
    let (mut alice, room_id) = room(&first).await;
    for round in 0..10 {
        let mut bob = second.client().await;
        bob.join_among_events(&room_id, "bob").await;
        for line in 0..3 {
            bob.send_message(&room_id, "bob", &format!("line {line} of {round}")).await;
        }
        bob.close().await;
        for line in 0..3 {
            assert_eq!(skip_to!(alice, NewMessage).content, format!("line {line} of {round}"));
        }
        skip_to!(alice, MemberLeft);
    }
}

/// A node that was killed took no name back: the room's node has one registration too many.
#[tokio::test]
async fn who_leaves_after_its_node_was_killed_is_a_member_no_more() {
    let [first, mut second] = cluster(&[]);
    let (mut alice, room_id) = room(&first).await;
    let mut bob = second.client().await;
    bob.join_among_events(&room_id, "bob").await;
    second.kill();
    second.start_again();
    let mut bob = second.client().await;
    bob.join_among_events(&room_id, "bob").await;
    bob.close().await;
    assert_eq!(skip_to!(alice, MemberLeft).username, "bob");
}

#[tokio::test]
async fn a_name_can_join_a_room_of_another_node_again_but_not_for_ever() {
    let [first, second] = cluster(&[]);
    let (_alice, room_id) = room(&first).await;
    let mut bob = second.client().await;
    for _ in 0..100 {
        bob.join_among_events(&room_id, "bob").await;
    }
    bob.text(&serde_json::json!({"type": "join_room", "data": {"room_id": room_id, "username": "bob"}}).to_string())
        .await;
    assert_eq!(expect!(bob, JoinRoomError).error_code.0, "LIMIT_REACHED");
    bob.leave(&room_id, "bob").await;
    bob.join_among_events(&room_id, "bob").await;
}
