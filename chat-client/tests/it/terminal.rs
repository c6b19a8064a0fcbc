//! The screens, in a real terminal.

use chat_protocol::{Request, ServerMessage};
use rustix::process::{Pid, Signal, kill_process};

use crate::fake::{Fake, message};
use crate::pty::{CTRL_Q, ENTER, ESCAPE, PAGE_UP, TAB, Terminal};

/// A client that is in the fake's room.
fn in_room(fake: &Fake, username: &str) -> Terminal {
    let username = format!("--username={username}");
    let terminal = Terminal::start(&[&fake.argument(), &username, "--room=general"], &[]);
    terminal.see("Enter send");
    terminal
}

#[test]
fn one_connects_creates_a_room_and_chats_and_another_sees_it() {
    let fake = Fake::start();
    let mut alice = Terminal::start(&[], &[]);
    alice.see("User name");
    // In a field, q is a letter.
    alice.press("queen");
    alice.see("queen");
    alice.press(ENTER);
    // The address field holds an example, which typing replaces.
    alice.press(&fake.address.to_string());
    alice.see(&fake.address.to_string());
    alice.press(ENTER);
    alice.see("There is no room yet");
    alice.press("c");
    alice.see("New room");
    alice.press("general");
    alice.press(ENTER);
    alice.see("general · fake");
    alice.press("hello, world");
    alice.press(ENTER);
    alice.see("queen: hello, world");

    let mut bob = in_room(&fake, "bob");
    bob.see("queen: hello, world");
    alice.see("* bob joined");
    bob.press("你好 🦊");
    bob.press(ENTER);
    bob.see("bob: 你好 🦊");
    alice.see("bob: 你好 🦊");

    bob.press(ESCAPE);
    bob.see("Description");
    alice.see("* bob left");
    bob.press("q");
    let (status, bytes) = bob.end();
    assert!(status.success());
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("\x1b[?1049h") && text.contains("\x1b[?1049l"), "the terminal is as it was");
    alice.press(CTRL_Q);
    assert!(alice.end().0.success());
    assert!(matches!(fake.requests().last(), Some(Request::LeaveRoom(user)) if user.username == "queen"));
}

#[test]
fn escape_goes_back_screen_by_screen_and_r_refreshes() {
    let fake = Fake::with_room("general");
    let mut terminal = in_room(&fake, "alice");
    terminal.press(ESCAPE);
    // The nodes have been asked again, and have answered.
    terminal.until("the list", |screen| {
        let text = screen.contents();
        text.contains("Enter join") && !text.contains("asking")
    });
    let asked = |fake: &Fake| fake.requests().iter().filter(|it| **it == Request::DiscoverRooms).count();
    assert_eq!(asked(&fake), 2);
    terminal.press("r");
    terminal.until("the list again", |_| asked(&fake) == 3);
    terminal.press("c");
    terminal.see("New room");
    terminal.press(ESCAPE);
    terminal.see_no_more("New room");
    terminal.press(ESCAPE);
    terminal.see("User name");
    terminal.press(TAB);
    terminal.see("quit");
    terminal.press("q");
    assert!(terminal.end().0.success());
}

#[test]
fn a_lost_connection_comes_back_and_shows_what_was_missed_once() {
    let fake = Fake::with_room("general");
    fake.remember(1, "before");
    let mut terminal = in_room(&fake, "alice");
    terminal.see("bob: before");
    fake.cut();
    fake.remember(2, "meanwhile");
    let screen = terminal.see("bob: meanwhile");
    for once in ["bob: before", "bob: meanwhile", "* Connection lost", "* Connected again"] {
        assert_eq!(screen.matches(once).count(), 1, "{once}: {screen}");
    }
    fake.cut_instead_of_confirming();
    terminal.press("said once");
    terminal.press(ENTER);
    terminal.until("back again", |screen| screen.contents().matches("* Connected again").count() == 2);
    terminal.see("alice: said once");
    fake.tell(ServerMessage::NewMessage(message(9, "bob", "after a gap")));
    let screen = terminal.see("bob: after a gap");
    assert_eq!(screen.matches("alice: said once").count(), 1, "{screen}");
    assert_eq!(fake.contents(), ["before", "meanwhile", "said once"]);
}

#[test]
fn what_others_write_cannot_drive_the_terminal() {
    let fake = Fake::with_room("general");
    fake.remember(1, "\x1b]0;owned\x07 \u{9b}2J \u{202e}");
    let mut terminal = in_room(&fake, "alice");
    terminal.see(r"\u{1b}]0;owned\u{7} \u{9b}2J \u{202e}");
    terminal.press(CTRL_Q);
    let (_, bytes) = terminal.end();
    let text = String::from_utf8(bytes).unwrap();
    for raw in ["\x1b]0;", "\x07", "\u{9b}", "\u{202e}"] {
        assert!(!text.contains(raw), "{raw:?}");
    }
}

#[test]
fn without_colours_there_are_none() {
    let fake = Fake::with_room("general");
    let has_colours = |environment: &[(&str, &str)]| {
        let mut terminal = Terminal::start(&[&fake.argument(), "--username=alice", "--room=general"], environment);
        terminal.see("Enter send");
        terminal.press(CTRL_Q);
        let text = String::from_utf8(terminal.end().1).unwrap();
        ["\x1b[3", "\x1b[9"].iter().any(|colour| {
            text.split(colour).skip(1).any(|rest| rest.chars().next().is_some_and(|digit| digit.is_ascii_digit()))
        }) || text.contains("38;5;")
    };
    assert!(has_colours(&[]));
    assert!(!has_colours(&[("NO_COLOR", "1")]));
}

#[test]
fn it_follows_the_size_of_the_terminal() {
    let fake = Fake::with_room("general");
    for number in 1..=60 {
        fake.remember(number, &format!("message {number}"));
    }
    let mut terminal = in_room(&fake, "alice");
    terminal.see("message 60");
    terminal.resize(40, 12);
    let screen = terminal.see("general · fake · 1 member ");
    assert!(screen.contains("message 60") && screen.contains("Enter send"), "{screen}");
    terminal.press(PAGE_UP);
    terminal.see("more lines");
    terminal.see_no_more("message 60");
    terminal.resize(120, 40);
    terminal.see("Members (1)");
}

#[test]
fn sigterm_leaves_the_room_and_the_terminal_as_it_was() {
    let fake = Fake::with_room("general");
    let terminal = in_room(&fake, "alice");
    kill_process(Pid::from_raw(i32::try_from(terminal.id()).unwrap()).unwrap(), Signal::TERM).unwrap();
    let (status, bytes) = terminal.end();
    assert!(status.success());
    assert!(String::from_utf8_lossy(&bytes).contains("\x1b[?1049l"));
    assert!(matches!(fake.requests().last(), Some(Request::LeaveRoom(_))));
}

#[test]
fn a_node_that_is_not_there_is_said_on_the_first_screen() {
    let terminal = Terminal::start(&["--address=127.0.0.1:1", "--username=alice"], &[]);
    let screen = terminal.see("Cannot connect to 127.0.0.1:1");
    assert!(screen.contains("User name"), "{screen}");
}
