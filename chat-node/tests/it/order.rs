//! Everybody hears the same, in the same order (protocol, section 7, and section 12, rows 8 and 9).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use chat_protocol::{ChatMessage, MessageSent, Request, RoomUser, ServerMessage};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::harness::{Client, start};

/// Rooms that are played through.
const CASES: u32 = 24;

/// What a player does next.
#[derive(Clone, Copy, Debug)]
enum Action {
    /// Sends this many messages without waiting for their confirmations.
    Say(u8),
    /// Does so, asks for the rooms and leaves without waiting, and joins again after all answers.
    SayAndLeave(u8),
    /// Joins with a new connection, and drops the old one.
    Reconnect,
}

impl Action {
    fn messages(self) -> u32 {
        match self {
            Self::Say(count) | Self::SayAndLeave(count) => count.into(),
            Self::Reconnect => 0,
        }
    }
}

/// What each of a room's players does.
fn scripts() -> impl Strategy<Value = Vec<Vec<Action>>> {
    let action = prop_oneof![
        4 => (1..30_u8).prop_map(Action::Say),
        1 => (0..30_u8).prop_map(Action::SayAndLeave),
        1 => Just(Action::Reconnect),
    ];
    prop::collection::vec(prop::collection::vec(action, 1..10), 2..7)
}

/// A player, and what it has heard.
struct Player {
    client: Client,
    address: SocketAddr,
    room: String,
    name: String,
    heard: BTreeMap<u32, ChatMessage>,
    /// The number that has to come next; none before the first one after a join.
    next: Option<u32>,
    confirmed: Vec<MessageSent>,
}

impl Player {
    async fn enter(address: SocketAddr, room: String, name: String) -> Self {
        let client = Client::connect(address).await;
        let (heard, confirmed) = (BTreeMap::new(), Vec::new());
        let mut player = Self { client, address, room, name, heard, next: None, confirmed };
        player.join().await;
        player
    }

    async fn join(&mut self) {
        self.next = None;
        let joined = self.client.join(&self.room, &self.name).await;
        assert!(joined.members.contains(&self.name), "{joined:?}");
    }

    async fn act(&mut self, action: Action) {
        for _ in 0..action.messages() {
            self.client.send_message(&self.room, &self.name, "hello").await;
        }
        match action {
            Action::Say(_) => self.take_confirmations(action.messages()).await,
            Action::SayAndLeave(_) => {
                self.client.request(&Request::ListRooms).await;
                let user = RoomUser { room_id: self.room.clone(), username: self.name.clone() };
                self.client.request(&Request::LeaveRoom(user.clone())).await;
                self.take_confirmations(action.messages()).await;
                assert!(matches!(self.take_answer().await, ServerMessage::RoomsList(_)));
                assert_eq!(self.take_answer().await, ServerMessage::LeaveRoomSuccess(user));
                self.client.hears_nothing().await;
                self.join().await;
            }
            Action::Reconnect => {
                let old = std::mem::replace(&mut self.client, Client::connect(self.address).await);
                self.join().await;
                drop(old);
            }
        }
    }

    async fn take_confirmations(&mut self, count: u32) {
        for _ in 0..count {
            let ServerMessage::MessageSent(sent) = self.take_answer().await else { panic!("no confirmation") };
            let heard = self.heard.get(&sent.sequence_number).map(|message| &message.message_id);
            assert_eq!(heard, Some(&sent.message_id), "{} was not heard before {sent:?}", self.name);
            self.confirmed.push(sent);
        }
    }

    /// Hears the room until a request is answered.
    async fn take_answer(&mut self) -> ServerMessage {
        loop {
            match self.client.next().await {
                ServerMessage::NewMessage(message) => self.hear(message),
                ServerMessage::MemberJoined(event) | ServerMessage::MemberLeft(event) => {
                    assert_ne!(event.username, self.name, "its own event");
                }
                answer => return answer,
            }
        }
    }

    fn hear(&mut self, message: ChatMessage) {
        let number = message.sequence_number;
        assert_eq!(number, self.next.unwrap_or(number), "{} heard {message:?} out of order", self.name);
        self.next = Some(number + 1);
        if let Some(before) = self.heard.insert(number, message) {
            assert_eq!(before, self.heard[&number]);
        }
    }
}

/// Plays a room through, and checks that all heard the same.
async fn play(address: SocketAddr, room_name: String, scripts: Vec<Vec<Action>>) {
    let said: u32 = scripts.iter().flatten().map(|action| action.messages()).sum();
    let mut witness = Client::connect(address).await;
    let room = witness.create_room(&room_name, "witness").await;
    witness.join(&room, "witness").await;
    let mut players = JoinSet::new();
    for (index, script) in scripts.into_iter().enumerate() {
        let room = room.clone();
        players.spawn(async move {
            let mut player = Player::enter(address, room, format!("player {index}")).await;
            for action in script {
                player.act(action).await;
            }
            (player.heard, player.confirmed)
        });
    }
    // The witness is there from the first message to the last.
    let mut all = Vec::new();
    while all.len() < said as usize {
        all.push(skip_to!(witness, NewMessage));
    }
    let numbers: Vec<_> = all.iter().map(|message| message.sequence_number).collect();
    assert_eq!(numbers, (1..=said).collect::<Vec<_>>());
    let mut confirmations = 0;
    for (heard, confirmed) in players.join_all().await {
        for (number, message) in heard {
            assert_eq!(all[number as usize - 1], message);
        }
        assert!(confirmed.is_sorted_by_key(|sent| sent.sequence_number), "{confirmed:?}");
        confirmations += confirmed.len();
    }
    assert_eq!(confirmations, said as usize);
}

// Rows 8 and 9.
#[test]
fn whoever_sends_joins_and_leaves_all_hear_one_order_without_gaps() {
    let node = start(&[]);
    let address = node.address;
    let runtime = Runtime::new().unwrap();
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let rooms = AtomicU32::new(0);
    let result = TestRunner::new(config).run(&scripts(), |scripts| {
        let room_name = format!("room {}", rooms.fetch_add(1, Relaxed));
        runtime.block_on(play(address, room_name, scripts));
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
