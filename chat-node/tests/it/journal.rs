//! Restarts with and without `DATA_DIR` (protocol, section 12, row 29).

use std::collections::BTreeMap;

use chat_protocol::{ChatMessage, ServerMessage};
use testing::Signal;
use tokio::task::JoinSet;

use crate::harness::{Client, Node, start};

/// A node that keeps its rooms in a directory that goes with the test.
fn start_with_journal() -> (Node, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let node = start(&[("DATA_DIR", directory.path().to_str().unwrap())]);
    (node, directory)
}

/// Joins a room; gives its history.
async fn history(client: &mut Client, room: &str, username: &str) -> Vec<ChatMessage> {
    client.join(room, username).await;
    client.text(r#"{"type":"list_rooms"}"#).await;
    let mut messages = Vec::new();
    loop {
        match client.next().await {
            ServerMessage::NewMessage(message) => messages.push(message),
            ServerMessage::RoomsList(_) => return messages,
            other => panic!("{other:?}"),
        }
    }
}

// Row 29.
#[tokio::test]
async fn rooms_ids_history_and_numbers_survive_a_stop_and_a_crash() {
    let (mut node, _directory) = start_with_journal();
    let mut alice = node.client().await;
    let created = alice
        .answer(
            r#"{"type":"create_room","data":{"room_name":"general","creator_id":"alice","description":"all sorts"}}"#,
        )
        .await;
    let room = created["data"]["room_id"].as_str().unwrap().to_owned();
    let gone = alice.create_room("gone", "alice").await;
    alice.create_room("third", "bob").await;
    alice.delete(&gone, "alice").await;
    skip_to!(alice, DeleteRoomSuccess);
    alice.join(&room, "alice").await;
    let mut said = Vec::new();
    for number in 1..=103 {
        said.push(alice.say(&room, "alice", &format!("Füchse 🦊 \r\n {number}")).await);
    }
    let mut rooms = alice.list_rooms().await;
    rooms.rooms[0].member_count = 0;

    for signal in [Signal::TERM, Signal::KILL] {
        node.program.signal(signal);
        alice.closed().await;
        node.program.ended();
        node.start_again();
        alice = node.client().await;
        assert_eq!(alice.list_rooms().await, rooms, "after {signal:?}");
        let kept = history(&mut alice, &room, "alice").await;
        assert_eq!(kept, said[said.len() - 100..], "after {signal:?}");
        let next = alice.say(&room, "alice", "after the restart").await;
        assert_eq!(next.sequence_number as usize, said.len() + 1);
        said.push(next);
    }
    // Names and rights are kept as well.
    let again = alice.answer(r#"{"type":"create_room","data":{"room_name":"third","creator_id":"eve"}}"#).await;
    assert_eq!(again["data"]["message"], "Room with name 'third' already exists");
    alice.delete(&room, "bob").await;
    assert_eq!(expect!(alice, DeleteRoomFailed).error_code.0, "UNAUTHORIZED");
}

#[tokio::test]
async fn without_a_directory_everything_is_in_memory_only() {
    let mut node = start(&[]);
    let mut alice = node.client().await;
    let room = alice.create_room("general", "alice").await;
    node.kill();
    node.start_again();
    let mut alice = node.client().await;
    assert_eq!(alice.list_rooms().await.total_count, 0);
    assert_ne!(alice.create_room("general", "alice").await, room);
}

// Row 29.
#[tokio::test]
async fn after_a_crash_under_load_every_confirmed_message_is_there_with_its_number() {
    let (mut node, _directory) = start_with_journal();
    let mut creator = node.client().await;
    let mut rooms = Vec::new();
    for number in 0..3 {
        rooms.push(creator.create_room(&number.to_string(), "creator").await);
    }
    // Numbers and ids that somebody was told, of one crash after the other.
    let mut told: BTreeMap<(String, u32), String> = BTreeMap::new();
    for crash in 0..3 {
        let mut senders = JoinSet::new();
        for number in 0..6 {
            let (address, room) = (node.address, rooms[number % rooms.len()].clone());
            senders.spawn(send_until_the_end(address, room, format!("sender {number}")));
        }
        // In the midst of it: the senders have some hundred confirmations by now.
        node_has_taken(&node, 300.0).await;
        node.kill();
        let mut heard_now = 0;
        for (room, number, id) in senders.join_all().await.into_iter().flatten() {
            heard_now += 1;
            let before = told.insert((room, number), id.clone());
            assert!(before.is_none_or(|before| before == id), "a number was given twice");
        }
        assert!(heard_now > 100, "{heard_now}");
        node.start_again();
        for room in &rooms {
            let mut reader = node.client().await;
            let kept = history(&mut reader, room, "reader").await;
            let last = kept.last().unwrap().sequence_number;
            for message in kept {
                let id = told.get(&(room.clone(), message.sequence_number));
                // The last ones may have been recorded, and the process gone before it said so.
                assert!(id.is_none_or(|id| *id == message.message_id), "{message:?} was {id:?} before crash {crash}");
            }
            let highest = told.keys().filter(|(of, _)| of == room).map(|(_, number)| *number).max().unwrap();
            assert!(highest <= last, "number {highest} was confirmed, {last} is the last after crash {crash}");
            let next = reader.say(room, "reader", "after the crash").await;
            assert_eq!(next.sequence_number, last + 1);
            told.insert((room.clone(), next.sequence_number), next.message_id);
        }
    }
}

/// Sends until the node is gone; gives the room, numbers and ids that it heard or was confirmed.
async fn send_until_the_end(
    address: std::net::SocketAddr,
    room: String,
    username: String,
) -> Vec<(String, u32, String)> {
    let mut client = Client::connect(address).await;
    client.join(&room, &username).await;
    let mut told = Vec::new();
    for _ in 0..10 {
        if client.try_send_message(&room, &username, "hello").await.is_err() {
            return told;
        }
    }
    loop {
        match client.next_or_end().await {
            Ok(ServerMessage::MessageSent(sent)) => {
                told.push((room.clone(), sent.sequence_number, sent.message_id));
                if client.try_send_message(&room, &username, "hello").await.is_err() {
                    return told;
                }
            }
            Ok(ServerMessage::NewMessage(message)) => {
                told.push((room.clone(), message.sequence_number, message.message_id));
            }
            Ok(ServerMessage::MemberJoined(_) | ServerMessage::MemberLeft(_)) => {}
            Ok(other) => panic!("{other:?}"),
            Err(_) => return told,
        }
    }
}

async fn node_has_taken(node: &Node, messages: f64) {
    while node.metric("chat_messages_total").await < messages {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_directory_that_another_node_uses_is_refused() {
    let (_node, directory) = start_with_journal();
    let settings = [("DATA_DIR", directory.path().to_str().unwrap()), ("WEBSOCKET_PORT", "0"), ("XMLRPC_PORT", "0")];
    let (code, _, log) = testing::start(crate::harness::CHAT_NODE, &[], &settings).output();
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains(directory.path().to_str().unwrap()), "{log}");
}

/// The status and the body of the answer to `GET /journal`, with this secret.
async fn journal_of(node: &Node, secret: &str) -> (u16, Vec<u8>) {
    let url = format!("http://{}/journal", node.xmlrpc);
    let response = reqwest::Client::new().get(url).header("x-cluster-secret", secret).send().await.unwrap();
    (response.status().as_u16(), response.bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn who_has_the_secret_gets_a_copy_while_everybody_goes_on_and_nobody_else_does() {
    let directory = tempfile::tempdir().unwrap();
    let data = ("DATA_DIR", directory.path().to_str().unwrap());
    let mut node = start(&[data, ("CLUSTER_SECRET", "open-sesame")]);
    let mut alice = node.client().await;
    let room = alice.create_room("general", "alice").await;
    alice.join(&room, "alice").await;
    for number in 1..=5 {
        alice.say(&room, "alice", &number.to_string()).await;
    }
    for wrong in ["", "open-sesame!"] {
        let (status, body) = journal_of(&node, wrong).await;
        assert_eq!(status, 403);
        assert!(String::from_utf8_lossy(&body).contains("CLUSTER_SECRET"));
    }
    node.program.log_line("refusing calls from 127.0.0.1");
    let (status, copy) = journal_of(&node, "open-sesame").await;
    assert_eq!(status, 200);
    alice.say(&room, "alice", "6").await;

    let file = directory.path().join("a.redb");
    std::fs::write(&file, copy).unwrap();
    let rooms = chat_journal::rooms_of(&file).unwrap();
    assert_eq!((rooms.len(), rooms[0].facts.name.as_str(), rooms[0].last_number), (1, "general", 5));

    // The next start begins with it, if it is put there.
    node.program.signal(Signal::TERM);
    node.program.ended();
    std::fs::rename(file, directory.path().join("restore.redb")).unwrap();
    node.start_again();
    let mut alice = node.client().await;
    let numbers: Vec<_> = history(&mut alice, &room, "alice").await.iter().map(|said| said.sequence_number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn without_a_secret_or_a_directory_nobody_gets_a_copy() {
    let (node, _directory) = start_with_journal();
    let (status, body) = journal_of(&node, "").await;
    assert!(status == 403 && String::from_utf8_lossy(&body).contains("set CLUSTER_SECRET"));
    let node = start(&[("CLUSTER_SECRET", "open-sesame")]);
    let (status, body) = journal_of(&node, "open-sesame").await;
    assert!(status == 404 && String::from_utf8_lossy(&body).contains("set DATA_DIR"));
}
