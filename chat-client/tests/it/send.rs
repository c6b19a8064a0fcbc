//! `chat-client send`.

use std::io::Write;
use std::process::{Command, Stdio};

use chat_protocol::Request;
use testing::start;

use crate::CLIENT;
use crate::fake::Fake;

#[test]
fn a_message_is_sent_and_nothing_printed() {
    let fake = Fake::with_room("general");
    let program = start(CLIENT, &["send", &fake.argument(), "-u", "alice", "-r", "general", "hello", "world"], &[]);
    assert_eq!(program.output(), (Some(0), String::new(), String::new()));
    assert_eq!(fake.contents(), ["hello world"]);
    assert!(matches!(fake.requests().last(), Some(Request::LeaveRoom(user)) if user.username == "alice"));
}

#[test]
fn settings_come_from_the_environment_too() {
    let fake = Fake::with_room("general");
    let address = fake.address.to_string();
    let program =
        start(CLIENT, &["send", "--room=general", "hi"], &[("CHAT_ADDRESS", &address), ("CHAT_USERNAME", "alice")]);
    assert_eq!(program.output().0, Some(0));
    assert_eq!(fake.contents(), ["hi"]);
}

#[test]
fn a_confirmation_is_a_line_of_json_if_wanted() {
    let fake = Fake::with_room("general");
    let (code, stdout, _) =
        start(CLIENT, &["send", &fake.argument(), "-u", "alice", "-r", "general", "--json", "hi"], &[]).output();
    assert_eq!(code, Some(0));
    let sent: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&sent["sequence_number"], &sent["message_id"]), (&1.into(), &"id 1".into()));
}

#[test]
fn lines_of_stdin_are_messages_in_their_order() {
    let fake = Fake::with_room("general");
    let output = pipe(&fake, "one\n\ntwo\r\nthree");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
    assert_eq!(fake.contents(), ["one", "two", "three"]);
}

#[test]
fn a_line_that_cannot_be_sent_is_named() {
    let fake = Fake::with_room("general");
    let output = pipe(&fake, "one\n\u{1b}[2J\nthree\n");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.contains("line 2 was not sent") && stderr.contains("one message before it was"), "{stderr}");
    assert_eq!(fake.contents(), ["one"]);
}

#[test]
fn a_room_that_does_not_exist_is_refused_or_created() {
    let fake = Fake::start();
    let arguments = ["send", &fake.argument(), "-u", "alice", "-r", "new", "hi", "--create"];
    let (code, _, stderr) = start(CLIENT, &arguments[..arguments.len() - 1], &[]).output();
    assert_eq!(code, Some(1));
    assert!(stderr.contains("no node has a room \"new\"") && stderr.contains("--create"), "{stderr}");
    let (code, _, stderr) = start(CLIENT, &arguments, &[]).output();
    assert_eq!((code, &*stderr), (Some(0), ""));
    assert_eq!(fake.contents(), ["hi"]);
}

#[test]
fn who_was_removed_joins_again_and_sends() {
    let fake = Fake::with_room("general");
    fake.remove_members();
    let program = start(CLIENT, &["send", &fake.argument(), "-u", "alice", "-r", "general", "hi"], &[]);
    assert_eq!(program.output().0, Some(0));
    assert_eq!(fake.contents(), ["hi"]);
}

#[test]
fn a_message_without_confirmation_is_a_failure() {
    let fake = Fake::with_room("general");
    fake.cut_instead_of_confirming();
    let program = start(CLIENT, &["send", &fake.argument(), "-u", "alice", "-r", "general", "hi"], &[]);
    let (code, _, stderr) = program.output();
    assert_eq!(code, Some(1));
    assert!(stderr.contains("it may have arrived"), "{stderr}");
}

fn pipe(fake: &Fake, input: &str) -> std::process::Output {
    let mut child = Command::new(CLIENT)
        .args(["send", &fake.argument(), "--username=alice", "--room=general"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}
