//! `chat-client tail`.

use chat_protocol::{ChatMessage, RoomDeleted, ServerMessage};
use testing::{Program, Signal, start};

use crate::CLIENT;
use crate::fake::{Fake, ROOM_ID, message};

fn tail(fake: &Fake, more: &[&str]) -> Program {
    let address = fake.argument();
    let arguments: Vec<_> = ["tail", &address, "--room=general"].into_iter().chain(more.iter().copied()).collect();
    start(CLIENT, &arguments, &[("TZ", "UTC")])
}

#[test]
fn times_are_those_of_the_readers_zone() {
    let fake = Fake::with_room("general");
    fake.remember(1, "hello");
    for (zone, expected) in [("<-05>5", "09:20:07"), ("<+0530>-5:30", "19:50:07")] {
        let arguments = ["tail", &fake.argument(), "--room=general", "--lines=1"];
        let (_, stdout, stderr) = start(CLIENT, &arguments, &[("TZ", zone)]).output();
        assert_eq!(stdout, format!("{expected}  bob: hello"), "{stderr}");
    }
}

#[test]
fn history_and_live_messages_are_lines_and_end_after_as_many_as_wanted() {
    let fake = Fake::with_room("general");
    fake.remember(1, "hello");
    let mut tail = tail(&fake, &["--lines=2"]);
    assert_eq!(tail.line(), "14:20:07  bob: hello");
    fake.tell(ServerMessage::NewMessage(message(2, "eve\u{1b}[2J", "two\nlines\u{7}")));
    assert_eq!(tail.line(), r"14:20:07  eve\u{1b}[2J: two⏎lines\u{7}");
    let (status, _) = tail.ended();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_history_that_starts_late_is_shown_and_a_gap_does_not_stop_what_follows() {
    let fake = Fake::with_room("general");
    fake.remember(151, "the first of the last hundred");
    let mut tail = tail(&fake, &[]);
    assert!(tail.line().ends_with("the first of the last hundred"));
    fake.tell(ServerMessage::NewMessage(message(154, "bob", "after a gap")));
    assert!(tail.line().ends_with("after a gap"));
}

#[test]
fn what_comes_out_of_order_is_printed_in_order() {
    let fake = Fake::with_room("general");
    fake.remember(1, "one");
    let mut tail = tail(&fake, &[]);
    assert!(tail.line().ends_with("one"));
    for (number, content) in [(3, "three"), (2, "two"), (2, "two")] {
        fake.tell(ServerMessage::NewMessage(message(number, "bob", content)));
    }
    assert!(tail.line().ends_with("two"));
    assert!(tail.line().ends_with("three"));
}

#[test]
fn after_a_lost_connection_it_prints_what_it_missed_once() {
    let fake = Fake::with_room("general");
    fake.remember(1, "before");
    let mut tail = tail(&fake, &["--lines=3"]);
    assert!(tail.line().ends_with("before"));
    fake.cut();
    fake.remember(2, "meanwhile");
    assert!(tail.line().ends_with("meanwhile"));
    assert!(tail.log_line("connecting again").starts_with("chat-client: "));
    fake.tell(ServerMessage::NewMessage(message(3, "bob", "after")));
    assert!(tail.line().ends_with("after"));
    assert_eq!(tail.ended().0.code(), Some(0));
}

#[test]
fn json_is_the_message_as_it_is() {
    let fake = Fake::with_room("general");
    let message = fake.remember(1, "two\nlines\u{9b}");
    let mut tail = tail(&fake, &["--json", "-n1"]);
    let line = tail.line();
    assert!(line.contains(r"\n") && line.contains(r"\u009b"), "{line}");
    assert_eq!(serde_json::from_str::<ChatMessage>(&line).unwrap(), message);
}

#[test]
fn a_signal_ends_it_cleanly_and_it_leaves_the_room() {
    for signal in [Signal::INT, Signal::TERM] {
        let fake = Fake::with_room("general");
        fake.remember(1, "hello");
        let mut tail = tail(&fake, &["--username=reader"]);
        tail.line();
        tail.signal(signal);
        let (status, _) = tail.ended();
        assert_eq!(status.code(), Some(0), "{signal:?}");
        let last = fake.requests().pop();
        assert!(
            matches!(&last, Some(chat_protocol::Request::LeaveRoom(user)) if user.username == "reader"),
            "{last:?}"
        );
    }
}

#[test]
fn a_reader_that_goes_away_ends_it_cleanly() {
    let fake = Fake::with_room("general");
    for number in 1..=100 {
        fake.remember(number, "hello");
    }
    let script = format!("{CLIENT} tail {} --room=general | head -n 1", fake.argument());
    let (code, stdout, stderr) =
        start("/bin/sh", &["-c", &script], &[("PATH", "/usr/bin:/bin"), ("TZ", "UTC")]).output();
    assert_eq!((code, &*stdout, &*stderr), (Some(0), "14:20:07  bob: hello", ""));
}

#[test]
fn a_missing_or_deleted_room_is_said() {
    let fake = Fake::start();
    let (code, _, stderr) = tail(&fake, &[]).output();
    assert_eq!(code, Some(1));
    assert!(stderr.contains("no node has a room \"general\""), "{stderr}");
    let fake = Fake::with_room("general");
    fake.remember(1, "hello");
    let mut tail = tail(&fake, &[]);
    tail.line();
    fake.tell(ServerMessage::RoomDeleted(RoomDeleted {
        room_id: ROOM_ID.to_owned(),
        room_name: "general".to_owned(),
        message: None,
        transaction_id: None,
    }));
    let (code, _, stderr) = tail.output();
    assert_eq!(code, Some(1));
    assert!(stderr.contains("was deleted"), "{stderr}");
}
