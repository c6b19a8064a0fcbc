//! A room's node that is killed, and comes back (protocol, section 10, and section 12, row 29).

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::{Duration, Instant};

use chat_protocol::{ChatMessage, ServerMessage};
use serde_json::json;
use testing::{Signal, needs};

use crate::harness::{Client, cluster, in_time};
use crate::python_peer::{PythonPeer, pair};

/// Longest time that a client of another node may be without an answer.
const BLOCKED_MAX: Duration = Duration::from_secs(1);

async fn try_join(client: &mut Client, room_id: &str, username: &str) -> ServerMessage {
    client.text(&json!({"type": "join_room", "data": {"room_id": room_id, "username": username}}).to_string()).await;
    client.next().await
}

/// Section 10.
#[tokio::test]
async fn without_its_node_a_room_is_not_found_and_clients_elsewhere_stay_connected() {
    let [mut first, second, _third] = cluster(&[]);
    let mut alice = first.client().await;
    let room_id = alice.create_room("general", "alice").await;
    let mut bob = second.client().await;
    bob.join(&room_id, "bob").await;
    let own = bob.create_room("bob's", "bob").await;
    bob.join(&own, "bob").await;
    first.kill();

    for _ in 0..3 {
        let asked = Instant::now();
        bob.send_message(&room_id, "bob", "anybody?").await;
        let error = expect!(bob, MessageError);
        assert!(["ROOM_NOT_FOUND", "ADMIN_NODE_UNAVAILABLE"].contains(&&*error.error_code.0), "{error:?}");
        assert!(asked.elapsed() < BLOCKED_MAX, "{:?}", asked.elapsed());
    }
    let asked = Instant::now();
    let mut eve = second.client().await;
    let ServerMessage::JoinRoomError(error) = try_join(&mut eve, &room_id, "eve").await else { panic!("joined") };
    assert_eq!((error.error.as_str(), &*error.error_code.0), ("Room not found", "ROOM_NOT_FOUND"));
    assert!(asked.elapsed() < BLOCKED_MAX, "{:?}", asked.elapsed());
    bob.say(&own, "bob", "still connected").await;
    bob.leave(&room_id, "bob").await;

    // Without a journal the room is lost, its name is free, and the node is part of the cluster at once.
    first.start_again();
    let ServerMessage::JoinRoomError(error) = try_join(&mut eve, &room_id, "eve").await else { panic!("joined") };
    assert_eq!(&*error.error_code.0, "ROOM_NOT_FOUND");
    let mut alice = first.client().await;
    let room_id = alice.create_room("general", "alice").await;
    eve.join(&room_id, "eve").await;
    eve.say(&room_id, "eve", "hello").await;
}

/// Sends one message after the other until `stop`; gives those that were confirmed, and everything that
/// was heard.
async fn talk(
    mut client: Client,
    room_id: String,
    username: &'static str,
    progress: Arc<AtomicUsize>,
    stop: impl Fn() -> bool,
) -> (Client, Vec<u32>, Vec<ChatMessage>) {
    let (mut confirmed, mut heard) = (Vec::new(), Vec::new());
    let mut number = 0;
    while !stop() {
        number += 1;
        let asked = Instant::now();
        client.send_message(&room_id, username, &format!("{username} {number}")).await;
        loop {
            match client.next().await {
                ServerMessage::NewMessage(message) => heard.push(message),
                ServerMessage::MessageSent(sent) => {
                    assert_eq!(heard.iter().filter(|message| message.message_id == sent.message_id).count(), 1);
                    confirmed.push(sent.sequence_number);
                    progress.store(confirmed.len(), Relaxed);
                    break;
                }
                ServerMessage::MessageError(_) => break,
                _ => {}
            }
        }
        assert!(asked.elapsed() < BLOCKED_MAX, "blocked for {:?}", asked.elapsed());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    (client, confirmed, heard)
}

/// Waits until each has 20 confirmations more.
async fn confirmed_more(progress: &[Arc<AtomicUsize>]) {
    let now: Vec<_> = progress.iter().map(|confirmed| confirmed.load(Relaxed)).collect();
    in_time(async {
        while progress.iter().zip(&now).any(|(confirmed, before)| confirmed.load(Relaxed) < before + 20) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Row 29: killed under load, with a journal, it goes on where it was: nothing that was confirmed is
/// missing, nothing comes twice, no number is given twice.
#[tokio::test]
async fn a_node_that_restarts_with_its_journal_loses_and_repeats_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let ports = [(); 3].map(|()| crate::harness::free_port().to_string());
    let peers = ["1", "2", "3"].iter().zip(&ports).map(|(name, port)| format!("{name}:http://127.0.0.1:{port}"));
    let peers = peers.collect::<Vec<_>>().join(",");
    let node = |index: usize| {
        let id = (index + 1).to_string();
        let settings = [("NODE_ID", id.as_str()), ("XMLRPC_PORT", &ports[index]), ("PEER_NODES", &peers)];
        let journal = [("DATA_DIR", directory.path().to_str().unwrap())];
        crate::harness::start(
            if index == 0 { [&settings[..], &journal].concat() } else { settings.to_vec() }.as_slice(),
        )
    };
    let (mut first, second, third) = (node(0), node(1), node(2));
    let mut alice = first.client().await;
    let room_id = alice.create_room("general", "alice").await;
    let mut talkers = Vec::new();
    let mut progress = Vec::new();
    let done = Arc::new(AtomicBool::new(false));
    for (node, username) in [(&second, "bob"), (&third, "eve")] {
        let mut client = node.client().await;
        client.join(&room_id, username).await;
        let done = done.clone();
        let stop = move || done.load(Relaxed);
        progress.push(Arc::new(AtomicUsize::new(0)));
        talkers.push(tokio::spawn(talk(client, room_id.clone(), username, progress[talkers.len()].clone(), stop)));
    }
    for _ in 0..2 {
        confirmed_more(&progress).await;
        first.kill();
        first.start_again();
    }
    confirmed_more(&progress).await;
    done.store(true, Relaxed);
    let mut histories = Vec::new();
    for (index, talker) in talkers.into_iter().enumerate() {
        let (mut client, confirmed, heard) = talker.await.unwrap();
        // What ends is what everybody has to hear, one after the other.
        let username = ["bob", "eve"][index];
        client.send_message(&room_id, username, &format!("{username} has done")).await;
        histories.push((client, confirmed, heard));
    }
    let mut ended = Vec::new();
    for (mut client, confirmed, mut heard) in histories {
        while heard.iter().filter(|message| message.content.ends_with(" has done")).count() < 2 {
            if let ServerMessage::NewMessage(message) = client.next().await {
                heard.push(message);
            }
        }
        ended.push((confirmed, heard));
    }
    check(&ended);
}

fn check(histories: &[(Vec<u32>, Vec<ChatMessage>)]) {
    let numbers: Vec<Vec<u32>> =
        histories.iter().map(|(_, heard)| heard.iter().map(|message| message.sequence_number).collect()).collect();
    for (numbers, (confirmed, _)) in numbers.iter().zip(histories) {
        for pair in numbers.windows(2) {
            assert_eq!(pair[0] + 1, pair[1], "a gap, a double or a wrong order in {numbers:?}");
        }
        assert!(confirmed.iter().all(|number| numbers.contains(number)), "a confirmed message is missing");
    }
    // The same number is the same message for everybody.
    let (first, second) = (&histories[0].1, &histories[1].1);
    for message in first {
        let other = second.iter().find(|other| other.sequence_number == message.sequence_number);
        assert!(other.is_none_or(|other| other == message), "{message:?} is {other:?} elsewhere");
    }
}

/// A Python node notices nothing of a restart with the journal.
#[needs("python3")]
#[tokio::test]
async fn a_python_member_stays_a_member_over_a_restart_with_the_journal() {
    let directory = tempfile::tempdir().unwrap();
    let port = crate::harness::free_port().to_string();
    let python = PythonPeer::start("py");
    let entry = python.entry();
    let settings =
        [("PEER_NODES", entry.as_str()), ("XMLRPC_PORT", &port), ("DATA_DIR", directory.path().to_str().unwrap())];
    let mut node = crate::harness::start(&settings);
    python.knows(&[&node]).await;
    let mut alice = node.client().await;
    let room_id = alice.create_room("general", "alice").await;
    python.call(&node, "join_room", json!([room_id, "pia", "py"])).await;
    python.call(&node, "forward_message", json!([room_id, "pia", "before", "py"])).await;
    node.kill();
    node.start_again();
    let sent = python.call(&node, "forward_message", json!([room_id, "pia", "after", "py"])).await;
    assert_eq!(sent["sequence_number"], 2, "{sent}");
    let mut alice = node.client().await;
    alice.join(&room_id, "alice").await;
    assert_eq!(expect!(alice, NewMessage).content, "before");
    assert_eq!(expect!(alice, NewMessage).content, "after");
}

/// Row 1: the room's node is stopped as a whole. Its clients elsewhere are told so in time, and go on in
/// other rooms.
#[needs("python3")]
#[tokio::test]
async fn clients_of_a_stopped_admin_are_told_in_time() {
    let (python, node) = pair(&[]).await;
    let room_id = python.create_room("python's").await;
    let mut bob = node.client().await;
    bob.join(&room_id, "bob").await;
    let mut eve = node.client().await;
    let own = eve.create_room("eve's", "eve").await;
    eve.join(&own, "eve").await;
    python.signal(Signal::STOP);
    let asked = Instant::now();
    bob.send_message(&room_id, "bob", "anybody?").await;
    for _ in 0..20 {
        let asked = Instant::now();
        eve.say(&own, "eve", "all is well here").await;
        assert!(asked.elapsed() < BLOCKED_MAX);
    }
    assert_eq!(&*expect!(bob, MessageError).error_code.0, "ADMIN_NODE_UNAVAILABLE");
    assert!(asked.elapsed() < Duration::from_secs(8), "{:?}", asked.elapsed());
}
