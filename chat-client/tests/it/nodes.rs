//! The client with real nodes.

use std::io::Write;
use std::process::{Command, Stdio};

use testing::{Program, start};

use crate::CLIENT;
use crate::node::Node;
use crate::pty::{CTRL_Q, ENTER, ESCAPE, Terminal};

fn open(node: &Node, username: &str) -> Terminal {
    Terminal::start(&[&node.argument(), &format!("--username={username}")], &[])
}

fn tail(node: &Node, more: &[&str]) -> Program {
    let address = node.argument();
    let arguments: Vec<_> = ["tail", &address, "--room=general"].into_iter().chain(more.iter().copied()).collect();
    start(CLIENT, &arguments, &[])
}

/// Sends each line as a message, from stdin.
fn send(node: &Node, lines: &str) {
    let mut child = Command::new(CLIENT)
        .args(["send", &node.argument(), "--username=script", "--room=general", "--create"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn two_chat_over_two_nodes_until_the_room_is_deleted() {
    let [node1, node2] = Node::pair();
    let mut alice = open(&node1, "alice");
    alice.see("There is no room yet");
    alice.press("c");
    alice.see("New room");
    alice.press("general");
    alice.press(ENTER);
    alice.see("general · node1");
    alice.press("hello");
    alice.press(ENTER);
    alice.see("alice: hello");

    let mut bob = open(&node2, "bob");
    bob.see("On other nodes");
    bob.press(ENTER);
    bob.see("alice: hello");
    alice.see("* bob joined");
    bob.press("grüße 🦊");
    bob.press(ENTER);
    bob.see("bob: grüße 🦊");
    alice.see("bob: grüße 🦊");

    alice.press(ESCAPE);
    bob.see("* alice left");
    alice.see("On this node, node1");
    alice.press("d");
    alice.see("for everybody?");
    alice.press("y");
    alice.see("The room was deleted");
    bob.see("* The room was deleted");
    bob.press(ESCAPE);
    bob.see("There is no room yet");
    bob.press("q");
    assert!(bob.end().0.success());
    alice.press(CTRL_Q);
    assert!(alice.end().0.success());
}

#[test]
fn a_node_that_crashed_and_came_back_with_its_journal_is_found_again() {
    let data = std::env::temp_dir().join(format!("chat-client-test-{}", std::process::id()));
    std::fs::create_dir_all(&data).unwrap();
    let mut node = Node::start(&[("DATA_DIR", data.to_str().unwrap())]);
    let mut alice = open(&node, "alice");
    alice.see("There is no room yet");
    alice.press("c");
    alice.see("New room");
    alice.press("general");
    alice.press(ENTER);
    alice.see("general · node1");
    alice.press("before");
    alice.press(ENTER);
    alice.see("alice: before");
    alice.see_no_more("sending");
    node.kill();
    alice.see("* Connection lost");
    node.start_again();
    alice.see("* Connected again");
    alice.press("after");
    alice.press(ENTER);
    let screen = alice.see("alice: after");
    assert_eq!(screen.matches("alice: before").count(), 1, "{screen}");
    alice.press(CTRL_Q);
    assert!(alice.end().0.success());
    std::fs::remove_dir_all(&data).unwrap();
}

#[test]
fn scripts_talk_over_two_nodes() {
    let [node1, node2] = Node::pair();
    send(&node1, "one\ntwo\n");
    let mut tail = tail(&node2, &["--lines=3"]);
    assert!(tail.line().ends_with("  script: one"));
    assert!(tail.line().ends_with("  script: two"));
    send(&node2, "three\n");
    assert!(tail.line().ends_with("  script: three"));
    assert!(tail.ended().0.success());
}

#[test]
fn a_room_with_more_messages_than_its_history_is_shown_from_where_that_begins() {
    let [node1, node2] = Node::pair();
    let lines: Vec<_> = (1..=120).map(|number| format!("number {number}\n")).collect();
    send(&node1, &lines.concat());
    let mut tail = tail(&node2, &["--lines=100"]);
    for number in 21..=120 {
        let line = tail.line();
        assert!(line.ends_with(&format!("script: number {number}")), "{line}");
    }
    let mut bob = Terminal::start(&[&node2.argument(), "--username=bob", "--room=general"], &[]);
    bob.see("script: number 120");
    bob.press("and on");
    bob.press(ENTER);
    bob.see("bob: and on");
}

#[test]
fn a_refused_message_is_explained() {
    let node = Node::start(&[]);
    send(&node, "one\n");
    let long = "a".repeat(5001);
    let arguments = ["send", &node.argument(), "-u", "alice", "-r", "general", &long];
    let (code, _, stderr) = start(CLIENT, &arguments, &[]).output();
    assert_eq!(code, Some(1));
    assert!(stderr.contains("max 5000 characters") && stderr.contains("INVALID_CONTENT"), "{stderr}");
}

#[test]
fn the_port_of_the_nodes_is_told_from_the_one_of_clients() {
    let node = Node::start(&[]);
    let address = format!("--address={}", node.for_nodes);
    let (code, _, stderr) = start(CLIENT, &["send", &address, "-u", "alice", "-r", "general", "hi"], &[]).output();
    assert_eq!(code, Some(1));
    assert!(stderr.contains("clients use the node's other one"), "{stderr}");
}
