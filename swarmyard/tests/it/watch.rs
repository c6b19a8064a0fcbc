//! `swarmyard watch`, against real servers.

use std::process::Command;

use serde_json::Value;
use testing::{Signal, start_command};

use crate::harness::{Yard, command};
use crate::server::{Deed, Server, version};

const OK: Deed = Deed::Answer(200, "producer.1@pi1");

fn watch(arguments: &[&str]) -> Command {
    command(&[&["watch"], arguments].concat())
}

/// Watches to the end; gives the exit code, the seconds and the sum, and what stderr says.
fn watched(arguments: &[&str]) -> (Option<i32>, Vec<Value>, Value, String) {
    let (code, stdout, stderr) = start_command(watch(&[arguments, &["--json"]].concat())).output();
    let mut lines: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let sum = lines.pop().unwrap_or_else(|| panic!("no line: {stderr}"));
    (code, lines, sum, stderr)
}

#[test]
fn exactly_what_failed_is_counted() {
    let deed = |number: u64| match number {
        5 | 6 => Deed::Answer(503, "producer.1@pi1"),
        9 => Deed::BreakOff,
        12 => Deed::Hang,
        _ => OK,
    };
    let server = Server::start(deed);
    let url = server.url();
    let (code, seconds, sum, log) = watched(&[&url, "--rate=50", "--duration=1s", "--timeout=500ms"]);
    let failures = serde_json::json!({
        format!("{url}: HTTP 503"): 2,
        format!("{url}: closed before the answer's end"): 1,
        format!("{url}: no answer in time"): 1,
    });
    assert_eq!((&sum["failed"], &sum["failures"]), (&4.into(), &failures));
    let asked = server.requests();
    assert_eq!(sum["answers"], asked - 4);
    assert_eq!((code, log), (Some(1), format!("swarmyard: 4 of {asked} requests failed")));
    assert_eq!(server.connections(), asked);
    for figure in ["answers", "failed"] {
        let parts: u64 = seconds.iter().map(|second| second[figure].as_u64().unwrap()).sum();
        assert_eq!(sum[figure], parts, "{seconds:#?}");
    }
}

#[test]
fn answers_are_told_by_version_and_replica() {
    let server = Server::start(|number| Deed::Answer(200, if number % 2 == 0 { "a@pi1" } else { "b@pi2" }));
    let (code, stdout, log) = start_command(watch(&[&server.url(), "--rate=50", "--duration=1500ms"])).output();
    assert_eq!((code, log.as_str()), (Some(0), ""));
    let lines: Vec<_> = stdout.lines().filter(|line| !line.is_empty()).collect();
    assert!(lines.len() >= 2, "{stdout}");
    for line in &lines {
        assert!(line.contains(" s  ") && line.contains(" answers  0 failed  "), "{stdout}");
    }
    for name in ["a@pi1", "b@pi2"] {
        assert!(lines[0].contains(&format!("  {}: {name} ", version(name))), "{stdout}");
    }
    assert!(!stdout.contains('\x1b'), "{stdout}");
}

#[test]
fn several_urls_are_asked_alike_and_a_failure_says_of_which() {
    let (one, other) = (Server::start(|_| OK), Server::start(|_| Deed::Answer(502, "b")));
    let (code, _, sum, _) = watched(&[&one.url(), &other.url(), "--rate=20", "--duration=500ms"]);
    assert_eq!(code, Some(1));
    assert_eq!((&sum["answers"], &sum["failed"]), (&one.requests().into(), &other.requests().into()));
    assert!(one.requests() > 0 && other.requests() > 0, "{sum}");
    assert_eq!(sum["failures"][format!("{}: HTTP 502", other.url())], other.requests());
}

#[test]
fn a_service_of_ours_says_its_version() {
    let yard = Yard::start(&["--only=numbers"]);
    let url = format!("http://{}/number", yard.address(5000));
    let (code, _, sum, log) = watched(&[&url, "--duration=500ms"]);
    assert_eq!((code, &sum["failed"]), (Some(0), &0.into()), "{sum} {log}");
    assert_eq!(sum["versions"], serde_json::json!({ env!("CARGO_PKG_VERSION"): { "producer": sum["answers"] } }));
}

#[test]
fn a_service_that_stops_and_comes_back_is_seen_to() {
    let mut yard = Yard::start(&["--only=numbers"]);
    let url = format!("http://{}/number", yard.address(5000));
    let mut program = start_command(watch(&[&url, "--rate=50"]));
    program.line_that_starts("    1 s ");
    yard.program.type_line("stop producer");
    while !program.line().contains(&format!("× {url}: connection refused")) {}
    yard.program.type_line("start producer");
    while !program.line().contains(" answers  0 failed  ") {}
    program.signal(Signal::INT);
    let (code, stdout, log) = program.output();
    assert_eq!(code, Some(1), "{stdout}");
    let sum = stdout.lines().last().unwrap();
    assert!(!sum.contains("  0 failed") && sum.contains(": connection refused"), "{stdout}");
    assert!(log.ends_with(" requests failed") && log.lines().count() == 1, "{log}");
}

#[test]
fn where_docker_is_missing_a_stack_cannot_be_watched() {
    let mut command = watch(&["stack", "yard"]);
    command.env("PATH", "/var/empty");
    let (code, stdout, log) = start_command(command).output();
    let expected = "swarmyard: there is no command docker: run this where Docker is installed, on a manager";
    assert_eq!((code, stdout.as_str(), log.as_str()), (Some(1), "", expected));
}

#[test]
fn wrong_usage_is_said_with_what_is_accepted() {
    for (arguments, message) in [
        ("", "<URL>... needs a value"),
        ("https://pi1/", "https:// is not spoken here"),
        ("pi1:5000 --rate=200", "accepted is how many a second, from 0.1 to 100"),
        ("pi1:5000 --timeout=2m", "accepted is a time of at most 60 s"),
        ("stack", "<NAME> needs a value"),
        ("stack yard --rate=1", "no such argument: --rate"),
    ] {
        let words: Vec<_> = arguments.split_whitespace().collect();
        let (code, stdout, log) = start_command(watch(&words)).output();
        assert_eq!((code, stdout.as_str(), log.lines().count()), (Some(2), "", 1), "{arguments:?}: {log}");
        let is_stack = arguments.starts_with("stack");
        let name = if is_stack { "swarmyard watch stack: " } else { "swarmyard watch: " };
        assert!(log.starts_with(name) && log.contains(message), "{arguments:?}: {log}");
    }
}
