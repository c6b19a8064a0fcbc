//! Clients of our node in a room of an original node.

use chat_protocol::Request;
use serde_json::{Value, json};
use testing::needs;

use crate::harness::{Client, Node};
use crate::python_peer::{PythonPeer, pair, said};

/// A room of the Python node, with messages `1` to `messages`.
async fn room(python: &PythonPeer, messages: u32) -> String {
    let room_id = python.create_room("python's").await;
    python.ask("join", json!({"room_id": room_id, "username": "host"})).await;
    let contents: Vec<_> = (1..=messages).map(|number| number.to_string()).collect();
    python.say(&room_id, &contents.iter().map(String::as_str).collect::<Vec<_>>()).await;
    room_id
}

/// A client of our node that has joined; the history is read.
async fn joined(node: &Node, room_id: &str, username: &str, history: u32) -> Client {
    let mut client = node.client().await;
    client.join(room_id, username).await;
    for number in 1..=history {
        assert_eq!(expect!(client, NewMessage).sequence_number, number);
    }
    client
}

/// Section 13, obligation 1, with a Python admin: it tells our node of the join before it answers it.
#[needs("python3")]
#[tokio::test]
async fn a_joiner_gets_the_history_and_not_its_own_event() {
    let (python, node) = pair(&[]).await;
    let room_id = room(&python, 3).await;
    let mut bob = node.client().await;
    let mut joined = bob.join(&room_id, "bob").await;
    joined.members.sort();
    assert_eq!(joined.members, ["bob", "host"]);
    assert_eq!((joined.member_count, joined.admin_node.as_str()), (2, "py"));
    for number in 1..=3 {
        assert_eq!(expect!(bob, NewMessage).content, number.to_string());
    }
    bob.hears_nothing().await;
    let events = python.calls("join_room").await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["parameters"], json!([room_id, "bob", "node1"]));
}

/// Section 13, obligation 2, with a Python admin.
#[needs("python3")]
#[tokio::test]
async fn a_sender_hears_its_message_before_its_confirmation() {
    let (python, node) = pair(&[]).await;
    let room_id = room(&python, 0).await;
    let mut bob = joined(&node, &room_id, "bob", 0).await;
    for number in 1..=20 {
        // This checks the order.
        assert_eq!(bob.say(&room_id, "bob", "hello").await.sequence_number, number);
    }
}

/// Row 3.
#[needs("python3")]
#[tokio::test]
async fn sending_and_leaving_ask_nobody_for_rooms() {
    let (python, node) = pair(&[]).await;
    let room_id = room(&python, 0).await;
    let mut bob = joined(&node, &room_id, "bob", 0).await;
    let asked = python.calls("get_hosted_rooms").await.len();
    assert_eq!(asked, 1);
    for _ in 0..10 {
        bob.say(&room_id, "bob", "hello").await;
    }
    bob.leave(&room_id, "bob").await;
    python.wait_for_calls("leave_room", 1).await;
    bob.join(&room_id, "bob").await;
    for _ in 0..10 {
        expect!(bob, NewMessage);
    }
    bob.close().await;
    python.wait_for_calls("notify_member_disconnect", 1).await;
    assert_eq!(python.calls("get_hosted_rooms").await.len(), asked);
}

/// Row 9: what comes between the admin's snapshot and its answer, and while it is on its way.
#[needs("python3")]
#[tokio::test]
async fn messages_sent_during_a_join_come_once_and_after_the_history() {
    let (python, node) = pair(&[]).await;
    let room_id = room(&python, 3).await;
    python.ask("send_during_joins", json!({"room_id": room_id, "contents": ["4", "5", "6"]})).await;
    let mut bob = joined(&node, &room_id, "bob", 6).await;
    python.ask("send_during_joins", json!({"room_id": room_id, "contents": []})).await;
    bob.hears_nothing().await;

    // The same from another thread of the original, which is not ordered with the join.
    let contents: Vec<_> = (7..=90).map(|number| number.to_string()).collect();
    let arguments = json!({"room_id": room_id, "username": "host", "contents": contents});
    let sending = python.command("send", arguments);
    let mut clients = Vec::new();
    for number in 0..5 {
        let mut client = node.client().await;
        client.join(&room_id, &format!("client {number}")).await;
        clients.push(client);
    }
    sending.await;
    for client in &mut clients {
        assert_eq!(numbers(client, 90).await, (1..=90).collect::<Vec<_>>());
    }
    assert_eq!(numbers(&mut bob, 90).await, (7..=90).collect::<Vec<_>>());
}

/// The numbers of the messages up to `last`; other events are passed over.
async fn numbers(client: &mut Client, last: u32) -> Vec<u32> {
    let mut numbers = Vec::new();
    while numbers.last() != Some(&last) {
        if let chat_protocol::ServerMessage::NewMessage(message) = client.next().await {
            numbers.push(message.sequence_number);
        }
    }
    numbers
}

/// Row 8, and section 13, obligation 4.
#[needs("python3")]
#[tokio::test]
async fn numbers_out_of_order_lose_nothing_and_doubles_are_dropped() {
    let (python, node) = pair(&[]).await;
    let room_id = room(&python, 0).await;
    let mut bob = joined(&node, &room_id, "bob", 0).await;
    let order = [1, 0, 0, 3, 4, 1, 2, 3];
    let contents = ["1", "2", "3", "4", "5"];
    let arguments = json!({"room_id": room_id, "username": "host", "contents": contents, "order": order});
    python.ask("send_in_order", arguments).await;
    for content in ["2", "1", "4", "5", "3"] {
        assert_eq!(expect!(bob, NewMessage).content, content);
    }
    bob.hears_nothing().await;
}

/// Section 13, obligation 4: a number below those of the history may still come.
#[needs("python3")]
#[tokio::test]
async fn a_number_that_is_missing_in_the_history_is_no_double_when_it_comes() {
    let (python, node) = pair(&[]).await;
    let room_id = room(&python, 3).await;
    let late = python.ask("forget", json!({"room_id": room_id, "number": 2})).await;
    let mut bob = node.client().await;
    bob.join(&room_id, "bob").await;
    for number in [1, 3] {
        assert_eq!(expect!(bob, NewMessage).sequence_number, number);
    }
    python.call(&node, "receive_message_broadcast", json!([room_id, late])).await;
    assert_eq!(expect!(bob, NewMessage).sequence_number, 2);
}

/// Row 7. What a Python node writes is a line feed to every reader of XML.
#[needs("python3")]
#[tokio::test]
async fn a_carriage_return_reaches_a_python_admin() {
    let (python, node) = pair(&[]).await;
    let room_id = room(&python, 0).await;
    let mut bob = joined(&node, &room_id, "bob", 0).await;
    bob.send_message(&room_id, "bob", "a\rb\r\nc\td").await;
    let calls = python.wait_for_calls("forward_message", 1).await;
    assert_eq!(calls[0]["parameters"], json!([room_id, "bob", "a\rb\r\nc\td", "node1"]));
    assert_eq!(expect!(bob, NewMessage).content, "a\nb\nc\td");
}

/// Row 33.
#[needs("python3")]
#[tokio::test]
async fn a_room_listed_with_a_wrong_address_can_be_joined() {
    let (python, node) = pair(&[]).await;
    let arguments = json!({"name": "lost", "address": "http://127.0.0.1:1"});
    let room_id = python.ask("create_room", arguments).await.as_str().unwrap().to_owned();
    let mut bob = node.client().await;
    bob.request(&Request::DiscoverRooms).await;
    let rooms = expect!(bob, GlobalRoomsList);
    assert_eq!(rooms.rooms[0].node_address.as_deref(), Some("http://127.0.0.1:1"));
    bob.join(&room_id, "bob").await;
    bob.say(&room_id, "bob", "hello").await;
    bob.leave(&room_id, "bob").await;
    python.wait_for_calls("leave_room", 1).await;
}

#[needs("python3")]
#[tokio::test]
async fn leaving_and_disconnecting_are_told_to_a_python_admin() {
    let (python, node) = pair(&[]).await;
    let room_id = room(&python, 0).await;
    let mut bob = joined(&node, &room_id, "bob", 0).await;
    let mut eve = joined(&node, &room_id, "eve", 0).await;
    assert_eq!(expect!(bob, MemberJoined).username, "eve");
    eve.leave(&room_id, "eve").await;
    assert_eq!(expect!(bob, MemberLeft).reason, None);
    eve.join(&room_id, "eve").await;
    expect!(bob, MemberJoined);
    eve.close().await;
    let gone = python.wait_for_calls("notify_member_disconnect", 1).await;
    assert_eq!(gone[0]["parameters"], json!([room_id, "eve", "node1", "User disconnected"]));
    assert_eq!(expect!(bob, MemberLeft).reason.as_deref(), Some("User disconnected"));
}

/// Row 21: a Python admin counts nothing, so it must not be told while the name is still held.
#[needs("python3")]
#[tokio::test]
async fn a_name_that_another_connection_holds_goes_on_at_our_node() {
    let (python, node) = pair(&[]).await;
    let room_id = room(&python, 0).await;
    let first = joined(&node, &room_id, "bob", 0).await;
    let mut second = joined(&node, &room_id, "bob", 0).await;
    first.close().await;
    // What comes after it has been told.
    let mut eve = joined(&node, &room_id, "eve", 0).await;
    eve.say(&room_id, "eve", "still there?").await;
    let mut heard = Vec::new();
    while heard.last().is_none_or(|last| last != "still there?") {
        match second.next().await {
            chat_protocol::ServerMessage::NewMessage(message) => heard.push(message.content),
            chat_protocol::ServerMessage::MemberJoined(event) => heard.push(event.username),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(heard, ["eve", "still there?"]);
    second.say(&room_id, "bob", "yes").await;
}

/// Row 14.
#[needs("python3")]
#[tokio::test]
async fn events_of_unknown_types_are_not_passed_on() {
    let (python, node) = pair(&[]).await;
    let room_id = room(&python, 0).await;
    let mut bob = joined(&node, &room_id, "bob", 0).await;
    let event = json!({"room_id": room_id, "username": "x", "member_count": 1, "timestamp": "t"});
    for kind in ["room_deleted", "message_sent", "anything"] {
        let answer = python.call(&node, "receive_member_event_broadcast", json!([room_id, kind, event])).await;
        assert_eq!(answer, json!(true));
    }
    bob.hears_nothing().await;
    python.call(&node, "receive_member_event_broadcast", json!([room_id, "member_left", event])).await;
    expect!(bob, MemberLeft);
}

#[needs("python3")]
#[tokio::test]
async fn a_python_node_that_compresses_whatever_was_asked_is_understood() {
    let (python, node) = pair(&[]).await;
    python.ask("always_gzip", json!({})).await;
    let room_id = room(&python, 50).await;
    let mut bob = joined(&node, &room_id, "bob", 50).await;
    bob.say(&room_id, "bob", "hello").await;
    let calls = python.calls("join_room").await;
    assert_eq!(calls[0]["headers"].get("accept-encoding").and_then(Value::as_str).unwrap_or(""), "");
}

/// Section 3, `discover_rooms` and `join_room`.
#[needs("python3")]
#[tokio::test]
async fn a_python_node_that_answers_wrongly_is_unavailable_and_the_client_is_told() {
    let (python, node) = pair(&[]).await;
    let room_id = room(&python, 0).await;
    let mut bob = node.client().await;
    for kind in ["fault", "cut", "garbage", "500"] {
        // A connection that was cut may be tried once more.
        python.misbehave(json!({"kind": kind, "times": 10})).await;
        bob.request(&Request::DiscoverRooms).await;
        let rooms = expect!(bob, GlobalRoomsList);
        assert_eq!(
            (rooms.nodes_queried, rooms.nodes_available),
            (vec!["node1".to_owned(), "py".to_owned()], vec!["node1".to_owned()]),
            "{kind}"
        );
        assert_eq!(rooms.nodes_unavailable, ["py"], "{kind}");
        python.behave().await;

        // It lists the room, and then fails.
        python.misbehave(json!({"kind": kind, "times": 10, "method": "join_room"})).await;
        bob.text(&json!({"type": "join_room", "data": {"room_id": room_id, "username": "bob"}}).to_string()).await;
        let error = expect!(bob, JoinRoomError);
        assert_eq!(error.error_code.0, "ADMIN_NODE_UNAVAILABLE", "{kind}");
        assert!(error.error.starts_with("Failed to contact administrator node: "), "{}", error.error);
        python.behave().await;
    }
    bob.join(&room_id, "bob").await;
    python.misbehave(json!({"kind": "fault", "method": "forward_message"})).await;
    bob.send_message(&room_id, "bob", "hello").await;
    assert_eq!(expect!(bob, MessageError).error_code.0, "ADMIN_NODE_UNAVAILABLE");
    bob.say(&room_id, "bob", "hello").await;
}

/// Section 3: the admin's verdict is passed on.
#[needs("python3")]
#[tokio::test]
async fn what_a_python_admin_refuses_is_refused_with_its_words() {
    let (python, node) = pair(&[]).await;
    let room_id = room(&python, 0).await;
    let mut bob = node.client().await;
    let refused = json!({"success": false, "message": "Go away", "error_code": "BANNED", "room_info": null});
    python.misbehave(json!({"kind": "answer", "method": "join_room", "value": refused})).await;
    bob.text(&json!({"type": "join_room", "data": {"room_id": room_id, "username": "bob"}}).to_string()).await;
    let error = expect!(bob, JoinRoomError);
    assert_eq!((error.error.as_str(), &*error.error_code.0), ("Go away", "BANNED"));
    bob.join(&room_id, "bob").await;
    let refused = json!({"success": false, "error": "Hush", "error_code": "NOT_MEMBER"});
    python.misbehave(json!({"kind": "answer", "method": "forward_message", "value": refused})).await;
    bob.send_message(&room_id, "bob", "hello").await;
    let error = expect!(bob, MessageError);
    assert_eq!((error.error.as_str(), &*error.error_code.0), ("Hush", "NOT_MEMBER"));
}

/// Row 26: an original node closes each connection, and gets no call of several after the first.
#[needs("python3")]
#[tokio::test]
async fn a_python_admin_is_tried_once_with_several_calls_at_once() {
    let (python, node) = pair(&[]).await;
    let room_id = room(&python, 0).await;
    let mut clients = Vec::new();
    for number in 0..8 {
        let mut client = node.client().await;
        client.join(&room_id, &format!("client {number}")).await;
        clients.push(client);
    }
    let mut tries = 0;
    for round in 1..=3 {
        let slow = json!({"kind": "slow", "seconds": 0.2, "times": 4, "method": "forward_message"});
        python.misbehave(slow).await;
        for _ in 0..3 {
            for (number, client) in clients.iter_mut().enumerate() {
                client.send_message(&room_id, &format!("client {number}"), "hello").await;
            }
        }
        for client in &mut clients {
            numbers(client, 24 * round).await;
        }
        assert_eq!(python.calls("forward_message").await.len(), 24 * round as usize);
        if round == 1 {
            tries = python.calls("system.multicall").await.len();
        }
    }
    // Several calls may have been on their way when the first was refused.
    assert!((1..=4).contains(&tries), "{tries} tries");
    assert_eq!(python.calls("system.multicall").await.len(), tries);
}

#[needs("python3")]
#[tokio::test]
async fn a_python_admin_gets_whole_names_and_contents() {
    let (python, node) = pair(&[]).await;
    let room_id = room(&python, 0).await;
    let mut bob = joined(&node, &room_id, "Bø <b>&amp; \u{1F98A}", 0).await;
    let content = format!("<&>\"'\u{85}\u{2028}{}", "\u{1F98A}".repeat(4990));
    let message = bob.say(&room_id, "Bø <b>&amp; \u{1F98A}", &content).await;
    let calls = python.calls("forward_message").await;
    assert_eq!(calls[0]["parameters"][2], json!(content));
    assert_eq!(message.content, content);
    // A client of the Python node would hear the same.
    let state = python.ask("room", json!({"room_id": room_id})).await;
    assert_eq!(state["messages"][0]["content"], json!(content));
    assert!(
        said(&json!({"method": "receive_message_broadcast", "parameters": [room_id, state["messages"][0]]})) == content
    );
}

/// Row 20: an original node checks no types.
#[needs("python3")]
#[tokio::test]
async fn what_one_client_of_a_python_node_did_wrong_hides_nothing_else() {
    let (python, node) = pair(&[]).await;
    let odd = python.ask("create_room", json!({"name": "odd", "creator": 7})).await;
    python.ask("create_room", json!({"name": 8})).await;
    let room_id = room(&python, 1).await;
    python.ask("send", json!({"room_id": room_id, "username": "host", "contents": [{"not": "text"}, "text"]})).await;
    let mut bob = node.client().await;
    bob.request(&Request::DiscoverRooms).await;
    let rooms = expect!(bob, GlobalRoomsList);
    assert_eq!(rooms.rooms.iter().map(|room| &*room.room_name).collect::<Vec<_>>(), ["odd", "python's"]);
    bob.join(odd.as_str().unwrap(), "bob").await;
    bob.join(&room_id, "bob").await;
    assert_eq!(expect!(bob, NewMessage).content, "1");
    assert_eq!(expect!(bob, NewMessage).content, "text");
}

/// A leave that the room's node has not heard of would undo the join.
#[needs("python3")]
#[tokio::test]
async fn who_left_while_the_rooms_node_hung_can_join_once_it_has_heard() {
    let (python, node) = pair(&[]).await;
    let room_id = room(&python, 0).await;
    let mut eve = joined(&node, &room_id, "eve", 0).await;
    let mut bob = joined(&node, &room_id, "bob", 0).await;
    expect!(eve, MemberJoined);
    python.signal(testing::Signal::STOP);
    bob.leave(&room_id, "bob").await;
    bob.text(&json!({"type": "join_room", "data": {"room_id": room_id, "username": "bob"}}).to_string()).await;
    assert_eq!(expect!(bob, JoinRoomError).error_code.0, "ADMIN_NODE_UNAVAILABLE");
    python.signal(testing::Signal::CONT);
    expect!(eve, MemberLeft);
    python.wait_for_calls("leave_room", 1).await;
    loop {
        bob.text(&json!({"type": "join_room", "data": {"room_id": room_id, "username": "bob"}}).to_string()).await;
        match bob.next().await {
            chat_protocol::ServerMessage::JoinRoomSuccess(_) => break,
            chat_protocol::ServerMessage::JoinRoomError(error) => {
                assert_eq!(error.error_code.0, "ADMIN_NODE_UNAVAILABLE");
            }
            other => panic!("{other:?}"),
        }
    }
    bob.say(&room_id, "bob", "here again").await;
}
