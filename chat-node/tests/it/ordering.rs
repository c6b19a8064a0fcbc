//! One order for all: clients on three nodes that come, talk, leave and vanish, in random schedules.
//!
//! Whatever happens, every client gets from each of its joins on an ascending order of numbers without
//! gaps and doubles, the same messages as everybody else, and its own message before its confirmation.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use chat_protocol::{ChatMessage, MemberEvent, Request, RoomUser, ServerMessage};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::harness::{Client, Node, cluster};

/// What one client does, one step after the other.
#[derive(Clone, Debug)]
enum Step {
    Join,
    /// Sends so many messages, and waits for the confirmations after the last.
    Send(usize),
    Leave,
    /// The connection breaks, and a new one is made.
    Vanish,
}

#[derive(Clone, Debug)]
struct Schedule {
    /// The node of each client, and what the client does there.
    clients: Vec<(usize, Vec<Step>)>,
    /// Whether a member node is killed and started again meanwhile.
    restart: bool,
}

fn schedules() -> impl Strategy<Value = Schedule> {
    let step = prop_oneof![
        2 => Just(Step::Join),
        6 => (1..6_usize).prop_map(Step::Send),
        1 => Just(Step::Leave),
        1 => Just(Step::Vanish),
    ];
    let client = (0..3_usize, prop::collection::vec(step, 1..12));
    (prop::collection::vec(client, 3..9), any::<bool>()).prop_map(|(clients, restart)| Schedule { clients, restart })
}

/// The messages that anybody has heard, by their numbers.
type Heard = Arc<Mutex<HashMap<u32, ChatMessage>>>;

/// A client and what it knows.
struct Talker {
    client: Client,
    username: String,
    room_id: String,
    /// The number of the last message since it joined.
    last: Option<u32>,
    joined: bool,
    /// The ids that it heard on this connection since it joined.
    ids: Vec<String>,
    /// Who is in the room, as far as it was told.
    members: HashSet<String>,
    heard: Heard,
}

impl Talker {
    async fn new(node: &Node, room_id: &str, username: String, heard: &Heard) -> Self {
        let client = node.client().await;
        let (room_id, heard) = (room_id.to_owned(), heard.clone());
        let (ids, members) = (Vec::new(), HashSet::new());
        Self { client, username, room_id, last: None, joined: false, ids, members, heard }
    }

    fn user(&self) -> RoomUser {
        RoomUser { room_id: self.room_id.clone(), username: self.username.clone() }
    }

    fn hear(&mut self, message: &ChatMessage) {
        let number = message.sequence_number;
        if let Some(last) = self.last {
            assert_eq!(number, last + 1, "{}: a gap, a double or a wrong order", self.username);
        }
        self.last = Some(number);
        self.ids.push(message.message_id.clone());
        let mut heard = self.heard.lock().unwrap();
        let known = heard.entry(number).or_insert_with(|| message.clone());
        assert_eq!(known, message, "two messages have one number");
    }

    fn came(&mut self, MemberEvent { username, .. }: MemberEvent) {
        assert!(self.members.insert(username.clone()), "{}: {username} joined twice", self.username);
    }

    fn went(&mut self, MemberEvent { username, .. }: MemberEvent) {
        assert_ne!(username, self.username, "it is in the room");
        assert!(self.members.remove(&username), "{}: {username} left, who was not there", self.username);
    }

    /// Joins, unless it is in the room; a history that is not full begins with the first message.
    async fn join(&mut self) {
        if self.joined {
            return;
        }
        (self.last, self.joined) = (None, true);
        self.ids.clear();
        self.client.request(&Request::JoinRoom(self.user())).await;
        match self.client.next().await {
            ServerMessage::JoinRoomSuccess(joined) => self.members = joined.members.into_iter().collect(),
            other => panic!("{}: {other:?} before the join is answered", self.username),
        }
        assert!(self.members.contains(&self.username));
    }

    async fn send(&mut self, count: usize) {
        self.join().await;
        for number in 0..count {
            let (room_id, username) = (self.room_id.clone(), self.username.clone());
            self.client.send_message(&room_id, &username, &number.to_string()).await;
        }
        let mut confirmed = 0;
        while confirmed < count {
            match self.client.next().await {
                ServerMessage::NewMessage(message) => self.hear(&message),
                ServerMessage::MessageSent(sent) => {
                    confirmed += 1;
                    let username = &self.username;
                    assert!(self.ids.contains(&sent.message_id), "{username}: the confirmation overtook the message");
                }
                ServerMessage::MemberJoined(event) => self.came(event),
                ServerMessage::MemberLeft(event) => self.went(event),
                other => panic!("{}: {other:?}", self.username),
            }
        }
    }

    async fn leave(&mut self) {
        if !self.joined {
            return;
        }
        self.client.request(&Request::LeaveRoom(self.user())).await;
        loop {
            match self.client.next().await {
                ServerMessage::NewMessage(message) => self.hear(&message),
                ServerMessage::MemberJoined(event) => self.came(event),
                ServerMessage::MemberLeft(event) => self.went(event),
                ServerMessage::LeaveRoomSuccess(_) => break,
                other => panic!("{}: {other:?}", self.username),
            }
        }
        self.joined = false;
        // Nothing of the room comes any more.
        self.client.hears_nothing().await;
    }

    async fn carry_out(mut self, node: &Node, steps: &[Step]) -> Self {
        for step in steps {
            match step {
                Step::Join => self.join().await,
                Step::Send(count) => self.send(*count).await,
                Step::Leave => self.leave().await,
                Step::Vanish => {
                    self.client = node.client().await;
                    (self.joined, self.last) = (false, None);
                }
            }
        }
        self
    }

    /// Hears everything up to the last message.
    async fn finish(&mut self, last: u32) {
        while self.joined && self.last != Some(last) {
            match self.client.next().await {
                ServerMessage::NewMessage(message) => self.hear(&message),
                ServerMessage::MemberJoined(event) => self.came(event),
                ServerMessage::MemberLeft(event) => self.went(event),
                other => panic!("{}: {other:?}", self.username),
            }
        }
    }
}

async fn try_out(nodes: &mut [Node; 3], schedule: &Schedule, number: usize) {
    let mut host = nodes[0].client().await;
    let room_id = host.create_room(&format!("room {number}"), "host").await;
    let heard = Heard::default();
    let mut host = Talker { client: host, ..Talker::new(&nodes[0], &room_id, "host".to_owned(), &heard).await };
    host.join().await;
    let mut talkers = Vec::new();
    for (index, (node, _)) in schedule.clients.iter().enumerate() {
        talkers.push(Talker::new(&nodes[*node], &room_id, format!("client {index}"), &heard).await);
    }
    let work = talkers.into_iter().zip(&schedule.clients);
    let work = work.map(|(talker, (node, steps))| talker.carry_out(&nodes[*node], steps));
    let ((), mut talkers) = tokio::join!(host.send(5), futures_util::future::join_all(work));
    if schedule.restart {
        // Who was there is gone, and comes again.
        nodes[2].kill();
        host.send(3).await;
        nodes[2].start_again();
        for (index, (node, _)) in schedule.clients.iter().enumerate().filter(|(_, (node, _))| *node == 2) {
            let again = Talker::new(&nodes[*node], &room_id, format!("client {index}"), &heard).await;
            talkers[index] = again.carry_out(&nodes[*node], &[Step::Send(3), Step::Leave, Step::Send(2)]).await;
        }
    }
    host.send(1).await;
    let last = host.last.unwrap();
    for talker in &mut talkers {
        talker.finish(last).await;
    }
    let heard = heard.lock().unwrap();
    assert_eq!(heard.len(), last as usize, "a number is missing everywhere");
}

/// Ends a test run; proptest's own runner knows no async.
#[test]
fn every_client_on_every_node_hears_one_order_without_gaps_and_doubles() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let nodes = runtime.block_on(async { cluster::<3>(&[]) });
    let state = Mutex::new((nodes, 0));
    let config = Config { cases: 24, failure_persistence: None, max_shrink_iters: 30, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let result = runner.run(&schedules(), |schedule| {
        // A case that failed has poisoned it; its nodes go on.
        let mut state = state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (nodes, number) = &mut *state;
        *number += 1;
        runtime.block_on(try_out(nodes, &schedule, *number));
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}
