//! Keys and messages in, actions out.

use std::time::Duration;

use chat_protocol::{
    ChatMessage, CreateRoom, DeleteRoomFailed, ErrorCode, Failure, JoinRoomError, JoinRoomSuccess, MemberEvent,
    MessageError, MessageSent, Request, Room, RoomCreated, RoomDeleted, RoomTransaction, RoomUser, RoomsList,
    SendMessage, ServerMessage,
};
use jiff::tz::TimeZone;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tokio::time::Instant;

use super::chat::{Chat, Membership};
use super::history::Content;
use super::{Action, App, Input, Notice, Screen, Status};
use crate::arguments::ScreenArguments;
use crate::link::{LinkEvent, REJOIN_DELAY, REJOIN_LIMIT};

/// A message of room `r`.
pub(crate) fn message(number: u32, username: &str, content: &str) -> ChatMessage {
    ChatMessage {
        message_id: format!("id {number}"),
        room_id: "r".to_owned(),
        username: username.to_owned(),
        content: content.to_owned(),
        sequence_number: number,
        timestamp: format!("2026-11-21T14:{:02}:{:02}.000000+00:00", number / 60 % 60, number % 60),
    }
}

/// An app with somebody at its keyboard, and a node that says what a test says.
pub(crate) struct Player {
    pub(crate) app: App,
    now: Instant,
}

impl Player {
    /// At the first screen.
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        let none = ScreenArguments { username: None, address: None, room: None };
        Self { app: App::start(none, TimeZone::UTC, now).0, now }
    }

    /// At the second screen, connected.
    pub(crate) fn online(username: &str) -> Self {
        let mut player = Self::new();
        player.type_text(username);
        player.key(KeyCode::Enter);
        assert!(matches!(player.key(KeyCode::Enter)[..], [Action::Connect(_)]));
        player.link(LinkEvent::Connected);
        player
    }

    fn in_room(username: &str) -> Self {
        let mut player = Self::online(username);
        player.hear(list(&[room("r", "general", "alice")]));
        player.key(KeyCode::Enter);
        player.hear(joined(&[username, "bob"]));
        player
    }

    fn update(&mut self, input: Input) -> Vec<Action> {
        self.app.update(input, self.now)
    }

    pub(crate) fn key(&mut self, code: KeyCode) -> Vec<Action> {
        self.key_with(code, KeyModifiers::NONE)
    }

    pub(crate) fn key_with(&mut self, code: KeyCode, modifiers: KeyModifiers) -> Vec<Action> {
        self.update(Input::Key(KeyEvent::new(code, modifiers)))
    }

    pub(crate) fn type_text(&mut self, text: &str) {
        for letter in text.chars() {
            assert_eq!(self.key(KeyCode::Char(letter)), []);
        }
    }

    fn say(&mut self, text: &str) -> Vec<Action> {
        self.type_text(text);
        self.key(KeyCode::Enter)
    }

    pub(crate) fn hear(&mut self, message: ServerMessage) -> Vec<Action> {
        self.link(LinkEvent::Message(message))
    }

    fn link(&mut self, event: LinkEvent) -> Vec<Action> {
        self.update(Input::Link(event))
    }

    pub(crate) fn lose(&mut self, reason: &str) {
        let next_try = self.now + Duration::from_millis(1500);
        assert_eq!(self.link(LinkEvent::Lost { reason: reason.to_owned(), next_try }), []);
    }

    fn wait(&mut self, time: Duration) -> Vec<Action> {
        self.now += time;
        self.update(Input::Tick)
    }

    fn chat(&mut self) -> &mut Chat {
        match &mut self.app.screen {
            Screen::Chat(chat) => chat,
            other => panic!("no chat, but {other:?}"),
        }
    }

    fn shown(&mut self) -> Vec<String> {
        let entries = self.chat().history.entries().iter().map(|entry| match &entry.content {
            Content::Message(message) => format!("{}: {}", message.username, message.content),
            Content::Event(text) => text.clone(),
        });
        entries.collect()
    }

    fn complaint(&self) -> &str {
        match &self.app.notice {
            Some(Notice::Bad(text)) => text,
            other => panic!("no complaint, but {other:?}"),
        }
    }
}

fn room(id: &str, name: &str, creator: &str) -> Room {
    Room {
        room_id: id.to_owned(),
        room_name: name.to_owned(),
        description: None,
        member_count: 0,
        admin_node: "node1".to_owned(),
        creator_id: creator.to_owned(),
        node_address: None,
    }
}

fn list(rooms: &[Room]) -> ServerMessage {
    ServerMessage::RoomsList(RoomsList { rooms: rooms.to_vec(), total_count: 0 })
}

fn joined(members: &[&str]) -> ServerMessage {
    ServerMessage::JoinRoomSuccess(JoinRoomSuccess {
        room_id: "r".to_owned(),
        room_name: "general".to_owned(),
        description: None,
        members: members.iter().map(|&name| name.to_owned()).collect(),
        member_count: 0,
        admin_node: "node1".to_owned(),
    })
}

fn not_joined() -> ServerMessage {
    ServerMessage::JoinRoomError(JoinRoomError {
        room_id: "r".to_owned(),
        error: "Room not found".to_owned(),
        error_code: ErrorCode::ROOM_NOT_FOUND,
    })
}

fn sent(number: u32) -> ServerMessage {
    ServerMessage::MessageSent(MessageSent {
        room_id: "r".to_owned(),
        message_id: format!("id {number}"),
        sequence_number: number,
        timestamp: String::new(),
    })
}

fn refused(error_code: ErrorCode) -> ServerMessage {
    ServerMessage::MessageError(MessageError { room_id: "r".to_owned(), error: "no".to_owned(), error_code })
}

fn left(username: &str, reason: Option<&str>) -> ServerMessage {
    ServerMessage::MemberLeft(MemberEvent {
        room_id: "r".to_owned(),
        username: username.to_owned(),
        member_count: 1,
        timestamp: String::new(),
        reason: reason.map(str::to_owned),
    })
}

fn user(username: &str) -> RoomUser {
    RoomUser { room_id: "r".to_owned(), username: username.to_owned() }
}

fn join_request(username: &str) -> Action {
    Action::Send(Request::JoinRoom(user(username)))
}

fn send_request(username: &str, content: &str) -> Action {
    let RoomUser { room_id, username } = user(username);
    Action::Send(Request::SendMessage(SendMessage { room_id, username, content: Some(content.to_owned()) }))
}

fn load_requests() -> [Action; 2] {
    [Action::Send(Request::ListRooms), Action::Send(Request::DiscoverRooms)]
}

fn rejoin_requests(username: &str) -> [Action; 2] {
    [join_request(username), Action::Send(Request::ListRooms)]
}

#[test]
fn the_command_line_skips_the_first_screen() {
    let arguments = |room: Option<&str>| ScreenArguments {
        username: Some("alice".to_owned()),
        address: Some(crate::arguments::OptionalAddress(Some("node1:8080".parse().unwrap()))),
        room: room.map(str::to_owned),
    };
    let now = Instant::now();
    let (app, actions) = App::start(arguments(Some("general")), TimeZone::UTC, now);
    assert!(matches!(&actions[..], [Action::Connect(address)] if address.to_string() == "node1:8080"));
    let mut player = Player { app, now };
    assert_eq!(player.link(LinkEvent::Connected), load_requests());
    assert_eq!(player.hear(list(&[room("r", "general", "bob")])), [join_request("alice")]);
}

#[test]
fn the_example_address_is_replaced_by_typing_and_edited_by_other_keys() {
    let typed = |keys: &[KeyCode]| {
        let mut player = Player::new();
        player.type_text("alice");
        player.key(KeyCode::Enter);
        for key in keys {
            player.key(*key);
        }
        player.type_text("pi1:80");
        player.app.connect.address.text().to_owned()
    };
    assert_eq!(typed(&[]), "pi1:80");
    assert_eq!(typed(&[KeyCode::Backspace]), "pi1:80");
    assert_eq!(typed(&[KeyCode::End]), format!("{}pi1:80", crate::address::EXAMPLE));
    let mut player = Player::new();
    player.key(KeyCode::Tab);
    player.update(Input::Paste("pi2:8081".to_owned()));
    assert_eq!(player.app.connect.address.text(), "pi2:8081");
}

#[test]
fn q_quits_but_is_a_letter_in_a_field() {
    let mut player = Player::new();
    player.type_text("q");
    assert_eq!(player.app.connect.username.text(), "q");
    player.key(KeyCode::BackTab);
    assert_eq!(player.key(KeyCode::Char('q')), [Action::Quit]);
    let mut player = Player::online("alice");
    player.key(KeyCode::Char('c'));
    player.type_text("q");
    player.key(KeyCode::Esc);
    assert_eq!(player.key(KeyCode::Char('q')), [Action::Quit]);
    let mut player = Player::in_room("alice");
    player.type_text("q");
    let leave = Action::Send(Request::LeaveRoom(user("alice")));
    assert_eq!(player.key_with(KeyCode::Char('q'), KeyModifiers::CONTROL), [leave, Action::Quit]);
}

#[test]
fn a_wrong_name_or_address_is_said_at_its_field() {
    let mut player = Player::new();
    assert_eq!(player.key(KeyCode::Enter), []);
    assert!(player.complaint().contains("user name"));
    player.type_text("alice");
    player.key(KeyCode::Enter);
    player.key_with(KeyCode::Char('u'), KeyModifiers::CONTROL);
    assert_eq!(player.say("node1"), []);
    assert!(player.complaint().contains("port is missing"));
}

#[test]
fn a_first_connection_that_fails_is_not_tried_again() {
    let mut player = Player::new();
    player.type_text("alice");
    player.key(KeyCode::Enter);
    player.key(KeyCode::Enter);
    let next_try = player.now;
    let lost = LinkEvent::Lost { reason: "node1:1: connection refused".to_owned(), next_try };
    assert_eq!(player.link(lost), [Action::Disconnect]);
    assert_eq!(player.complaint(), "Cannot connect to node1:1: connection refused");
    assert!(matches!((&player.app.screen, &player.app.status), (Screen::Connect, Status::Offline)));
}

#[test]
fn escape_goes_back_a_screen() {
    let mut player = Player::in_room("alice");
    let actions = player.key(KeyCode::Esc);
    assert_eq!(actions[0], Action::Send(Request::LeaveRoom(user("alice"))));
    assert!(matches!(player.app.screen, Screen::Rooms));
    assert_eq!(player.key(KeyCode::Esc), [Action::Disconnect]);
    assert!(matches!(player.app.screen, Screen::Connect));
}

#[test]
fn a_created_room_is_joined_and_a_refused_one_explained() {
    let mut player = Player::online("alice");
    player.key(KeyCode::Char('c'));
    assert_eq!(player.key(KeyCode::Enter), []);
    assert!(player.complaint().contains("name"));
    player.type_text("general");
    player.key(KeyCode::Tab);
    let actions = player.say("all");
    let request =
        CreateRoom { room_name: "general".into(), creator_id: "alice".into(), description: Some("all".into()) };
    assert_eq!(actions, [Action::Send(Request::CreateRoom(request))]);
    player.hear(ServerMessage::RoomCreated(RoomCreated::Refused(Failure::new("Room exists"))));
    assert!(player.complaint().contains("Room exists"));
    let created = RoomCreated::Created {
        room_id: "r".to_owned(),
        room_name: "general".to_owned(),
        admin_node: "node1".to_owned(),
        members: Vec::new(),
        created_at: String::new(),
    };
    assert_eq!(player.hear(ServerMessage::RoomCreated(created)), [join_request("alice")]);
}

#[test]
fn only_the_creator_deletes_after_a_question_and_on_the_rooms_node() {
    let mut player = Player::online("alice");
    let remote = Room { node_address: Some("http://node2:9090".to_owned()), ..room("s", "far", "alice") };
    player.hear(list(&[room("r", "mine", "alice"), room("b", "his", "bob"), remote]));
    player.key(KeyCode::Char('d'));
    assert_eq!(player.key(KeyCode::Char('x')), []);
    assert_eq!(player.key(KeyCode::Char('n')), []);
    player.key(KeyCode::Char('d'));
    assert_eq!(player.key(KeyCode::Char('y')), [Action::Send(Request::DeleteRoom(user("alice")))]);
    player.hear(ServerMessage::DeleteRoomFailed(DeleteRoomFailed {
        room_id: "r".to_owned(),
        reason: "Node node2 timed out".to_owned(),
        error_code: ErrorCode::DELETION_FAILED,
        transaction_id: None,
    }));
    assert!(player.complaint().contains("node2 timed out"));
    player.key(KeyCode::Down);
    player.key(KeyCode::Char('d'));
    assert!(player.complaint().contains("Only bob"));
    player.key(KeyCode::Down);
    player.key(KeyCode::Char('d'));
    assert!(player.complaint().contains("only on its node"), "{}", player.complaint());
}

#[test]
fn a_room_that_cannot_be_joined_leads_back_to_the_rooms() {
    let mut player = Player::online("alice");
    player.hear(list(&[room("r", "general", "bob")]));
    player.key(KeyCode::Enter);
    player.hear(not_joined());
    assert!(matches!(player.app.screen, Screen::Rooms));
    assert_eq!(player.complaint(), "Cannot join general: Room not found");
}

#[test]
fn what_happens_in_the_room_is_told() {
    let mut player = Player::in_room("alice");
    let ServerMessage::MemberLeft(eve) = left("eve", None) else { unreachable!() };
    player.hear(ServerMessage::MemberJoined(eve.clone()));
    // Again, as an original node may: nothing new.
    player.hear(ServerMessage::MemberJoined(eve));
    player.hear(left("eve", Some("Node unreachable")));
    player.hear(ServerMessage::DeleteRoomCancelled(RoomTransaction {
        room_id: "r".to_owned(),
        transaction_id: "t".to_owned(),
    }));
    let deleted = |id: &str| {
        ServerMessage::RoomDeleted(RoomDeleted {
            room_id: id.to_owned(),
            room_name: String::new(),
            message: None,
            transaction_id: None,
        })
    };
    player.hear(deleted("another"));
    player.hear(deleted("r"));
    let expected = [
        "eve joined",
        "eve left (Node unreachable)",
        "The deletion was cancelled: the room stays",
        "The room was deleted",
    ];
    assert_eq!(player.shown(), expected);
    assert_eq!(player.say("too late"), []);
    player.key(KeyCode::Esc);
    assert!(matches!(player.app.screen, Screen::Rooms));
}

#[test]
fn a_message_is_shown_when_it_comes_and_counted_until_it_is_confirmed() {
    let mut player = Player::in_room("alice");
    assert_eq!(player.say("hello"), [send_request("alice", "hello")]);
    assert_eq!(player.chat().outbox.len(), 1);
    player.hear(ServerMessage::NewMessage(message(1, "alice", "hello")));
    player.hear(sent(1));
    assert_eq!(player.chat().outbox.len(), 0);
    assert_eq!(player.shown(), ["alice: hello"]);
    assert_eq!(player.key(KeyCode::Enter), [], "nothing is typed");
}

#[test]
fn a_refused_message_comes_back_to_be_changed() {
    let mut player = Player::in_room("alice");
    player.say("hello");
    player.hear(refused(ErrorCode::ROOM_NOT_FOUND));
    assert_eq!(player.chat().input.text(), "hello");
    assert_eq!(player.shown(), ["Not sent: no (ROOM_NOT_FOUND): hello"]);
}

#[test]
fn who_was_removed_joins_again_with_the_next_message() {
    let mut player = Player::in_room("alice");
    player.hear(left("alice", Some("Inactivity")));
    assert_eq!(player.say("hello"), [join_request("alice"), send_request("alice", "hello")]);
    player.hear(joined(&["alice"]));
    // Removed without being told.
    assert_eq!(player.hear(refused(ErrorCode::NOT_MEMBER)), [join_request("alice"), send_request("alice", "hello")]);
    assert_eq!(player.hear(refused(ErrorCode::NOT_MEMBER)), [], "once is enough");
    assert_eq!(player.chat().input.text(), "hello");
}

#[test]
fn after_a_loss_the_room_is_joined_again_and_the_unconfirmed_told_apart() {
    let mut player = Player::in_room("alice");
    player.hear(ServerMessage::NewMessage(message(1, "bob", "hi")));
    player.say("arrived");
    player.say("lost");
    player.lose("the node stopped");
    assert_eq!(player.say("later"), []);
    assert_eq!(player.chat().input.text(), "later", "it stays to be sent");
    assert_eq!(player.link(LinkEvent::Connected), rejoin_requests("alice"));
    player.hear(joined(&["alice", "bob"]));
    for (number, name, content) in [(1, "bob", "hi"), (2, "alice", "arrived"), (3, "bob", "still there?")] {
        player.hear(ServerMessage::NewMessage(message(number, name, content)));
    }
    assert_eq!(player.hear(list(&[])), [send_request("alice", "lost")]);
    let expected =
        ["bob: hi", "Connection lost: the node stopped", "Connected again", "alice: arrived", "bob: still there?"];
    assert_eq!(player.shown(), expected);
}

#[test]
fn a_room_that_is_not_back_yet_is_waited_for_but_not_for_ever() {
    let mut player = Player::in_room("alice");
    player.lose("the node stopped");
    player.link(LinkEvent::Connected);
    player.hear(not_joined());
    assert_eq!(player.wait(REJOIN_DELAY / 2), []);
    assert_eq!(player.wait(REJOIN_DELAY / 2), rejoin_requests("alice"));
    player.now += REJOIN_LIMIT;
    player.hear(not_joined());
    assert_eq!(player.wait(REJOIN_DELAY), []);
    assert!(matches!(&player.chat().membership, Membership::Over(reason) if reason.contains("Room not found")));
}

#[test]
fn control_characters_are_not_sent() {
    let mut player = Player::in_room("alice");
    player.update(Input::Paste("a\u{1b}[2J".to_owned()));
    assert_eq!(player.key(KeyCode::Enter), []);
    assert!(player.complaint().contains("control characters"));
}

#[test]
fn pasted_lines_are_one_message_and_what_does_not_fit_is_said() {
    let mut player = Player::in_room("alice");
    player.update(Input::Paste("one\r\ntwo\rthree".to_owned()));
    assert_eq!(player.key(KeyCode::Enter), [send_request("alice", "one\ntwo\nthree")]);
    player.update(Input::Paste("a".repeat(6000)));
    assert!(player.complaint().contains("does not fit"));
    assert_eq!(player.chat().input.text().len(), 5000);
}

#[test]
fn who_types_before_the_room_answers_is_heard() {
    let mut player = Player::online("alice");
    player.hear(list(&[room("r", "general", "alice")]));
    player.key(KeyCode::Enter);
    assert_eq!(player.say("quick"), [send_request("alice", "quick")]);
    player.lose("the node stopped");
    player.link(LinkEvent::Connected);
    assert_eq!(player.say("too quick"), [], "what was lost goes first");
    player.hear(joined(&["alice"]));
    assert_eq!(player.hear(list(&[])), [send_request("alice", "quick")]);
}
