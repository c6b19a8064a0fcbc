//! Copies of the chat's journals, from real nodes.

use std::fs;
use std::path::Path;

use chat_journal::{Journal, Record, RoomFacts};
use chat_protocol::ChatMessage;
use jiff::SignedDuration;
use service::Readiness;
use tempfile::{TempDir, tempdir};
use testing::needs;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::backup::{Backup, arguments, command, names, start};
use crate::clock::{TestClock, asleep};
use crate::ledger::Ledger;

const SECRET: &str = "--cluster-secret=open-sesame";

/// A node with a room in which so many messages were said.
struct Node {
    address: String,
    _directory: TempDir,
    _stop: DropGuard,
}

impl Node {
    async fn start(messages: u32) -> Self {
        let directory = tempdir().unwrap();
        let (journal, _) = Journal::open(directory.path(), Readiness::ready()).unwrap();
        journal.write([room()].into_iter().chain((1..=messages).map(message)).collect()).await.unwrap();
        journal.close().await;
        let data = format!("--data-dir={}", directory.path().display());
        let loopback = ["--websocket-host=127.0.0.1", "--xmlrpc-host=127.0.0.1"];
        let ports = ["--websocket-port=0", "--xmlrpc-port=0"];
        let arguments = ["chat-node", &data, SECRET].into_iter().chain(loopback).chain(ports);
        let config = service::config::parse_arguments::<chat_node::Config>(&chat_node::ABOUT, arguments).unwrap();
        let (node, stop) = (chat_node::bind(&config).unwrap(), CancellationToken::new());
        let address = format!("http://{}", node.xmlrpc_address());
        tokio::spawn(node.run(stop.clone()));
        Self { address, _directory: directory, _stop: stop.drop_guard() }
    }
}

fn room() -> Record {
    Record::RoomCreated(RoomFacts {
        id: "r".to_owned(),
        name: "general".to_owned(),
        description: None,
        creator_id: "alice".to_owned(),
        created_at: "2026-11-21T14:20:07.000000+00:00".to_owned(),
    })
}

fn message(sequence_number: u32) -> Record {
    Record::Message(ChatMessage {
        message_id: sequence_number.to_string(),
        room_id: "r".to_owned(),
        username: "alice".to_owned(),
        content: "hello".to_owned(),
        sequence_number,
        timestamp: "2026-11-21T14:20:08.000000+00:00".to_owned(),
    })
}

/// The rooms' numbers that a node would begin with, which finds this in its directory.
fn last_number(directory: &Path) -> u32 {
    let (_, rooms) = Journal::open(directory, Readiness::ready()).unwrap();
    assert_eq!(rooms.len(), 1);
    rooms[0].last_number
}

#[needs("redis-server", "redis-cli")]
#[tokio::test(flavor = "multi_thread")]
async fn journals_are_copied_and_brought_back_and_one_that_is_away_keeps_nobody_from_it() {
    let (ledger, node) = (Ledger::start(), Node::start(150).await);
    ledger.mine(3).await;
    let nodes = format!("--chat-nodes=node1:{},node2:http://127.0.0.1:1", node.address);
    let (clock, mut sleepers) = TestClock::new("2026-11-28T00:00:00Z");
    let backup = Backup::start(&ledger, clock.clone(), tempdir().unwrap(), &[&nodes, SECRET]);
    let sleeping = asleep(&mut sleepers).await;
    let copies = ["ledger-20261128T000000Z-3.rdb", "node1-20261128T000000Z-150.redb"];
    assert_eq!(backup.copies().iter().map(ToString::to_string).collect::<Vec<_>>(), copies);
    let reason = backup.unready().await.unwrap();
    assert!(reason.contains("there is no copy of the journal of node2 yet: no journal comes from "), "{reason}");
    assert!(!reason.contains("node1") && !reason.contains("the ledger"), "{reason}");
    // Each is due for itself.
    clock.pass(sleeping, SignedDuration::from_hours(4));
    drop(asleep(&mut sleepers).await);
    assert_eq!(backup.copies().len(), 4);

    let data = tempdir().unwrap();
    let settings = [
        format!("--backup-peers={}", backup.address),
        format!("--data={}", data.path().display()),
        SECRET.to_owned(),
        "--of=node1".to_owned(),
    ];
    let restore = |more: &[&str]| {
        let settings: Vec<_> = settings.iter().map(String::as_str).chain(more.iter().copied()).collect();
        command("restore", &settings)
    };
    let (code, told, log) = tokio::task::block_in_place(|| restore(&[]));
    assert_eq!(code, Some(0), "{log}");
    assert!(told.starts_with("node1-20261128T040000Z-150.redb of "), "the newest: {told}");
    assert!(told.contains(": 150 messages of 1 rooms, their numbers without a gap; "), "{told}");
    assert_eq!(names(data.path()), ["restore.redb"]);
    assert_eq!(last_number(data.path()), 150);

    let (code, _, said) = tokio::task::block_in_place(|| restore(&[copies[0]]));
    assert!(code == Some(1) && said.contains("is no copy of the journal of node1"), "{code:?}: {said}");
}

#[needs("redis-server", "redis-cli")]
#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_is_none_is_refused_and_a_secret_that_is_wrong_is_told() {
    let (ledger, node) = (Ledger::start(), Node::start(5).await);
    let folder = tempdir().unwrap();
    let mut settings = arguments(&ledger, folder.path());
    settings.push(format!("--chat-nodes=node1:{}", node.address));
    let take = |secret: &str| {
        let secret = format!("--cluster-secret={secret}");
        tokio::task::block_in_place(|| command("take", &[&settings[..], &[secret]].concat()))
    };
    let (code, copies, said) = take("open-sesame!");
    assert!(code == Some(1) && copies.starts_with("ledger-") && copies.lines().count() == 1, "{copies}: {said}");
    assert!(said.contains("no copy of the journal of node1: ") && said.contains("HTTP 403: "), "{said}");
    let (code, copies, said) = take("open-sesame");
    assert_eq!(code, Some(0), "{said}");

    let path = folder.path().join(copies.lines().nth(1).unwrap());
    let sound = fs::read(&path).unwrap();
    let check = |bytes: &[u8]| {
        let file = folder.path().join("a.redb");
        fs::write(&file, bytes).unwrap();
        tokio::task::block_in_place(|| command("check", &[file.to_str().unwrap()]))
    };
    let (code, told, _) = check(&sound);
    assert!(code == Some(0) && told.ends_with("a.redb: 5 messages of 1 rooms, their numbers without a gap"), "{told}");
    let place = sound.windows(5).position(|bytes| bytes == b"hello").unwrap();
    let mut flipped = sound.clone();
    flipped[place] ^= 1;
    for damaged in [&flipped[..], &sound[..sound.len() / 2]] {
        let (code, _, said) = check(damaged);
        assert!(code == Some(1) && said.contains("a.redb is refused: it holds no sound journal: it is"), "{said}");
    }
}

#[test]
fn a_node_whose_name_no_file_can_have_is_refused() {
    for (nodes, reason) in [("../x:http://node1:9090", "\"../x\" cannot be a copy's name"), ("node1", "is no node")] {
        let (code, _, said) = start(&[&format!("--chat-nodes={nodes}")]).output();
        assert!(code == Some(2) && said.contains("CHAT_NODES: ") && said.contains(reason), "{said}");
    }
}
