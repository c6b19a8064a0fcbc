//! The screens as they look, in a terminal that is none.

use chat_protocol::{GlobalRoomsList, JoinRoomSuccess, MemberEvent, Room, ServerMessage};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyModifiers};
use ratatui::style::{Color, Modifier};

use super::draw;
use super::theme::Theme;
use crate::app::chat::Membership;
use crate::app::tests::{Player, message};
use crate::app::{App, Notice, Screen};

/// What `app` looks like at this size: text, a line a row.
fn screen(app: &mut App, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, app, Theme::PLAIN)).unwrap();
    terminal.backend().to_string()
}

fn rooms() -> ServerMessage {
    let room = |id: &str, name: &str, node: &str, description: Option<&str>| Room {
        room_id: id.to_owned(),
        room_name: name.to_owned(),
        description: description.map(str::to_owned),
        member_count: 3,
        admin_node: node.to_owned(),
        creator_id: "alice".to_owned(),
        node_address: (node != "node1").then(|| "http://there:9090".to_owned()),
    };
    ServerMessage::GlobalRoomsList(GlobalRoomsList {
        rooms: vec![
            room("r", "general", "node1", Some("everything and nothing")),
            room("s", "雑談 \u{1b}[31m", "node1", None),
            room("t", "general", "node2", Some("the other one")),
        ],
        total_count: 3,
        nodes_queried: vec!["node1".to_owned(), "node2".to_owned(), "node3".to_owned()],
        nodes_available: vec!["node1".to_owned(), "node2".to_owned()],
        nodes_unavailable: vec!["node3".to_owned()],
        nodes_refusing: Vec::new(),
    })
}

fn in_room() -> Player {
    let mut player = Player::online("alice");
    player.hear(rooms());
    player.key(KeyCode::Enter);
    player.hear(ServerMessage::JoinRoomSuccess(JoinRoomSuccess {
        room_id: "r".to_owned(),
        room_name: "general".to_owned(),
        description: Some("everything and nothing".to_owned()),
        members: vec!["bob".to_owned(), "alice".to_owned(), "Zoë 🦊".to_owned()],
        member_count: 3,
        admin_node: "node1".to_owned(),
    }));
    for (number, name, content) in [
        (151, "bob", "hello"),
        (152, "alice", "a long message that does not fit into one line of a small terminal, or of a larger one"),
        (153, "Zoë 🦊", "你好你好你好你好你好你好你好你好你好你好你好你好你好你好你好你好你好你好\nsecond line"),
        (154, "mallory", "\u{1b}[2J\u{1b}]0;owned\u{7}"),
    ] {
        player.hear(ServerMessage::NewMessage(message(number, name, content)));
    }
    player.hear(ServerMessage::MemberLeft(MemberEvent {
        room_id: "r".to_owned(),
        username: "bob".to_owned(),
        member_count: 2,
        timestamp: String::new(),
        reason: Some("Node unreachable".to_owned()),
    }));
    player.type_text("half a messa");
    player
}

#[test]
fn the_first_screen_asks_for_name_and_node() {
    let mut player = Player::new();
    insta::assert_snapshot!("connect_80x24", screen(&mut player.app, 80, 24));
    player.key(KeyCode::Enter);
    insta::assert_snapshot!("connect_without_a_name_40x12", screen(&mut player.app, 40, 12));
}

#[test]
fn the_second_screen_lists_the_rooms_of_all_nodes() {
    let mut player = Player::online("alice");
    insta::assert_snapshot!("rooms_loading_40x12", screen(&mut player.app, 40, 12));
    player.hear(rooms());
    player.key(KeyCode::Down);
    insta::assert_snapshot!("rooms_80x24", screen(&mut player.app, 80, 24));
    insta::assert_snapshot!("rooms_40x12", screen(&mut player.app, 40, 12));
    player.key(KeyCode::Up);
    player.key(KeyCode::Char('d'));
    insta::assert_snapshot!("rooms_delete_80x24", screen(&mut player.app, 80, 24));
    player.key(KeyCode::Esc);
    player.key(KeyCode::Char('c'));
    player.type_text("a name");
    insta::assert_snapshot!("rooms_create_40x12", screen(&mut player.app, 40, 12));
}

#[test]
fn the_third_screen_shows_messages_members_and_what_is_typed() {
    let mut player = in_room();
    insta::assert_snapshot!("chat_80x24", screen(&mut player.app, 80, 24));
    insta::assert_snapshot!("chat_40x12", screen(&mut player.app, 40, 12));
    player.key(KeyCode::Tab);
    insta::assert_snapshot!("chat_members_40x12", screen(&mut player.app, 40, 12));
}

#[test]
fn a_lost_connection_is_shown_with_the_wait_for_the_next() {
    let mut player = in_room();
    player.lose("the node stopped");
    insta::assert_snapshot!("chat_lost_80x24", screen(&mut player.app, 80, 24));
}

#[test]
fn what_there_is_to_tell_is_shown_whole_where_it_fits_on_half_the_screen() {
    let reason = "cannot reach node2:9090: the name node2 is not found; is the service's name right, and its network?";
    let is_whole = |screen: &str| {
        let words: Vec<_> = screen.split(|it: char| it.is_whitespace() || "\"│".contains(it)).collect();
        let words = words.join(" ");
        let words: Vec<_> = words.split_whitespace().collect();
        words.join(" ").contains(reason)
    };
    let mut player = in_room();
    player.lose(reason);
    assert!(is_whole(&screen(&mut player.app, 80, 24)), "{}", screen(&mut player.app, 80, 24));
    assert!(is_whole(&screen(&mut player.app, 40, 12)), "{}", screen(&mut player.app, 40, 12));
    let mut player = Player::new();
    player.app.notice = Some(Notice::Bad(reason.to_owned()));
    assert!(is_whole(&screen(&mut player.app, 40, 12)));
    let mut player = in_room();
    let Screen::Chat(chat) = &mut player.app.screen else { panic!("not in a room") };
    chat.membership = Membership::Over(reason.to_owned());
    for (width, height) in [(40, 12), (80, 24)] {
        assert!(is_whole(&screen(&mut player.app, width, height)), "{}", screen(&mut player.app, width, height));
    }
}

#[test]
fn every_size_can_be_drawn() {
    let screens = [Player::new(), Player::online("alice"), in_room()];
    for mut player in screens {
        for width in [1, 2, 9, 20, 59, 60, 100] {
            for height in [1, 2, 3, 5, 9, 13, 14, 30] {
                screen(&mut player.app, width, height);
            }
        }
    }
    let mut creating = Player::online("alice");
    creating.key(KeyCode::Char('c'));
    for (width, height) in [(1, 1), (5, 3), (20, 4), (40, 12)] {
        screen(&mut creating.app, width, height);
    }
}

#[test]
fn what_is_scrolled_up_stays_while_more_comes() {
    let mut player = in_room();
    for number in 155..=200 {
        player.hear(ServerMessage::NewMessage(message(number, "bob", &format!("number {number}"))));
    }
    let follows = screen(&mut player.app, 80, 24);
    assert!(follows.contains("number 200"), "{follows}");
    player.key(KeyCode::PageUp);
    let before = screen(&mut player.app, 80, 24);
    assert!(!before.contains("number 200") && before.contains("more lines"), "{before}");
    player.hear(ServerMessage::NewMessage(message(201, "bob", "number 201")));
    let after = screen(&mut player.app, 80, 24);
    let messages = |screen: &str| screen.lines().filter(|line| line.contains("bob: ")).count();
    assert_eq!(messages(&before), messages(&after));
    assert_eq!(before.lines().nth(2), after.lines().nth(2));
    player.key_with(KeyCode::End, KeyModifiers::CONTROL);
    assert!(screen(&mut player.app, 80, 24).contains("number 201"));
}

#[test]
fn the_cursor_is_where_the_next_letter_goes() {
    let mut player = in_room();
    let mut terminal = Terminal::new(TestBackend::new(40, 12)).unwrap();
    player.key_with(KeyCode::Char('u'), KeyModifiers::CONTROL);
    player.type_text("你好");
    terminal.draw(|frame| draw(frame, &mut player.app, Theme::PLAIN)).unwrap();
    let (x, y) = terminal.get_cursor_position().unwrap().into();
    assert_eq!((x, y), (6, 9), "two columns of mark, and four of text");
    player.type_text(&"你".repeat(100));
    terminal.draw(|frame| draw(frame, &mut player.app, Theme::PLAIN)).unwrap();
    assert!(terminal.get_cursor_position().unwrap().x < 40);
}

#[test]
fn without_colours_only_bold_dim_and_reversed_are_used() {
    let mut player = in_room();
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    terminal.draw(|frame| draw(frame, &mut player.app, Theme::PLAIN)).unwrap();
    for cell in terminal.backend().buffer().content() {
        assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
        assert!((Modifier::BOLD | Modifier::DIM | Modifier::REVERSED).contains(cell.modifier));
    }
}
