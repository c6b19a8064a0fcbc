//! `swarmyard load chat`, against real nodes.

use std::net::TcpListener;
use std::process::Command;

use serde_json::Value;
use testing::{Signal, start_command};

use crate::harness::{Yard, command};

fn load_chat(arguments: &[&str]) -> Command {
    command(&[&["load", "chat"], arguments].concat())
}

/// The yard's nodes.
fn nodes(yard: &Yard) -> Vec<String> {
    [8081, 8082, 8083].map(|port| format!("ws://{}", yard.address(port))).into()
}

/// Runs it to its end; gives the exit code, the report, and what stderr says.
fn report(nodes: &[String], arguments: &[&str]) -> (Option<i32>, Value, String) {
    let nodes: Vec<_> = nodes.iter().map(String::as_str).collect();
    let (code, stdout, stderr) = start_command(load_chat(&[&nodes, arguments, &["--json"]].concat())).output();
    let report = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}\n{stderr}"));
    (code, report, stderr)
}

/// How many rooms a node has.
fn rooms(yard: &Yard) -> u64 {
    let metrics = yard.get(9091, "/metrics").unwrap();
    metrics.lines().find_map(|line| line.strip_prefix("chat_rooms ")).unwrap().parse().unwrap()
}

#[test]
fn every_message_comes_to_every_member_on_every_node_and_the_room_is_gone_afterwards() {
    let yard = Yard::start(&["--only=chat"]);
    let arguments = ["--clients=6", "--rate=50", "--duration=1s", "--size=200", "--fail-on=errors>0"];
    let (code, report, log) = report(&nodes(&yard), &arguments);
    assert_eq!((code, log.as_str()), (Some(0), ""), "{report:#}");
    assert_eq!((&report["deliveries"], &report["errors"]), (&300.into(), &0.into()));
    assert_eq!(report["bytes"], 300 * 200);
    for port in [8081, 8082, 8083] {
        assert_eq!(report["replicas"][yard.address(port).to_string()], 100, "{report:#}");
    }
    let counted = |index: usize| {
        let rows = report["histogram"].as_array().unwrap().iter();
        rows.map(|row| row["counts"][index].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!([counted(0), counted(1)], [50, 300]);
    assert_eq!(rooms(&yard), 0);
}

#[test]
fn a_node_that_is_lost_is_told_and_what_did_not_come() {
    let mut yard = Yard::start(&["--only=chat"]);
    let nodes = nodes(&yard);
    let nodes: Vec<_> = nodes.iter().map(String::as_str).collect();
    let arguments = ["--clients=3", "--rate=50", "--duration=1h", "--timeout=1s", "--fail-on=errors>0"];
    let mut program = start_command(load_chat(&[nodes.as_slice(), &arguments].concat()));
    program.line();
    yard.program.type_line("stop node2");
    while program.line().contains("   0 errors   ") {}
    program.line();
    program.signal(Signal::INT);
    let (code, stdout, log) = program.output();
    assert_eq!(code, Some(1), "{stdout}\n{log}");
    assert!(stdout.contains(" 1 connection lost\n") && stdout.contains(" not delivered\n"), "{stdout}");
    // The line before may be that the room stays, as a node is away that has to agree to its end.
    assert!(log.lines().last().unwrap().starts_with("swarmyard: errors>0: it is "), "{log}");
}

#[test]
fn a_node_that_is_not_there_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let node = listener.local_addr().unwrap();
    drop(listener);
    let (code, stdout, log) = start_command(load_chat(&[&node.to_string()])).output();
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(log.starts_with(&format!("swarmyard: cannot connect to the node {node}: ")), "{log}");
}

#[test]
fn wrong_usage_is_said_with_what_is_accepted() {
    for (arguments, message) in [
        ("", "<URL>... needs a value"),
        ("http://pi1:8081", "http:// is not spoken here"),
        ("pi1:8081 --clients=0", "accepted is a number from 1 to 1000"),
        ("pi1:8081 --size=10", "accepted is a number from 60 to 5000"),
        ("pi1:8081 --fresh", "no such argument: --fresh"),
    ] {
        let words: Vec<_> = arguments.split_whitespace().collect();
        let (code, stdout, log) = start_command(load_chat(&words)).output();
        assert_eq!((code, stdout.as_str(), log.lines().count()), (Some(2), "", 1), "{arguments:?}: {log}");
        assert!(log.starts_with("swarmyard load chat: ") && log.contains(message), "{arguments:?}: {log}");
    }
}
