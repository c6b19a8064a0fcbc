//! `swarmyard break`, against real services.

use testing::start_command;

use crate::harness::{Yard, command};

const TOKEN: &str = "--chaos-token=salmon";

/// Runs the command with the token in its environment, to its end.
fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    run_with("salmon", arguments)
}

fn run_with(token: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = command(&[&["break"], arguments].concat());
    command.env("CHAOS_TOKEN", token);
    start_command(command).output()
}

/// The exit code and output of a success.
fn done(stdout: &str) -> (Option<i32>, String, String) {
    (Some(0), stdout.to_owned(), String::new())
}

#[test]
fn a_service_is_broken_tells_so_and_is_whole_again() {
    let yard = Yard::start(&["--only=numbers", TOKEN]);
    let producer = yard.address(5000).to_string();
    let name = format!("producer at {producer}");
    assert_eq!(run(&[&producer]), done(&format!("{name}: nothing is broken")));

    let said = run(&[&producer, "--errors=100%", "--not-ready", "--for=5m"]);
    let errors = "100 % of the requests fail";
    let not_ready = "/readyz says that it is not ready";
    assert_eq!(said, done(&format!("{name}: {errors}, for 300.0 s\n{name}: {not_ready}, for 300.0 s")));
    assert!(yard.get(5000, "/number").unwrap().starts_with("HTTP/1.1 500 "));
    // Who only asks needs no token.
    let (code, stdout, log) = run_with("", &[&producer]);
    assert_eq!((code, log.as_str()), (Some(0), ""));
    assert!(stdout.starts_with(&format!("{name}: {errors}, for another ")) && stdout.lines().count() == 2, "{stdout}");

    assert_eq!(run(&[&producer, "--end"]), done(&format!("{name}: nothing is broken any more")));
    assert!(yard.get(5000, "/number").unwrap().starts_with("HTTP/1.1 200 "));
}

#[test]
fn an_exit_ends_one_instance_of_a_process_that_has_several() {
    let mut yard = Yard::start(&["--only=chat", TOKEN]);
    let node = yard.address(9092).to_string();
    let said = run(&[&node, "--exit=3"]);
    assert_eq!(said, done(&format!("node2 at {node}: the process ends, with exit code 3")));
    let line = yard.program.log_line("node2 has failed: ");
    assert!(line.ends_with("it was told to exit, with code 3; `start node2` starts it again"), "{line}");
    assert!(yard.get(8082, "/whoami").is_none());
    assert!(yard.get(8081, "/whoami").is_some());
    yard.program.type_line("start node2");
    yard.program.line_that_starts("swarmyard | node2 is started, at ");
    assert!(yard.get(8082, "/whoami").is_some());
}

#[test]
fn every_instance_of_every_demo_can_be_broken() {
    let yard = Yard::start(&["--miners=1", TOKEN]);
    for (port, name) in [
        (5000, "producer"),
        (9100, "consumer"),
        (9091, "node1"),
        (8081, "node1"),
        (9000, "api"),
        (8080, "webui"),
        (9101, "miner-1"),
    ] {
        let address = yard.address(port).to_string();
        let (code, stdout, log) = run(&[&address, "--latency=1ms", "--all"]);
        assert_eq!((code, log.as_str()), (Some(0), ""), "{name}");
        assert!(stdout.starts_with(&format!("{name} at {address}: requests are ")), "{stdout}");
        assert!(stdout.ends_with(" 1ms later, for 30.0 s"), "{stdout}");
    }
}

#[test]
fn who_cannot_break_it_is_told_why() {
    let yard = Yard::start(&["--only=numbers"]);
    let producer = yard.address(5000).to_string();
    let refused = |message: &str| (Some(1), String::new(), format!("swarmyard: {message}"));
    let nothing = "has nothing at /chaos: it has to be a service of ours, started with a CHAOS_TOKEN";
    assert_eq!(run(&[&producer, "--hang"]), refused(&format!("{producer} {nothing}")));
    drop(yard);
    assert_eq!(run(&[&producer, "--hang"]), refused(&format!("connection refused by {producer} (does it run?)")));

    let yard = Yard::start(&["--only=numbers", TOKEN]);
    let producer = yard.address(5000).to_string();
    let other = "takes another token: set CHAOS_TOKEN to the one that it was started with";
    for token in ["", "trout"] {
        assert_eq!(run_with(token, &[&producer, "--hang"]), refused(&format!("{producer} {other}")));
    }
    let consumer = yard.address(9100).to_string();
    let message = "errors: this service answers no requests of its own that could fail";
    assert_eq!(run(&[&consumer, "--errors=50"]), refused(&format!("{consumer}: {message}")));
}

#[test]
fn wrong_usage_is_said_with_what_is_accepted() {
    for (arguments, message) in [
        ("", "<SERVICE|ADDRESS> needs a value"),
        ("redis --hang", "there is no service redis; accepted is a service (producer, "),
        ("producer --latency=31s", "accepted is a time from 1ms to 30s"),
        ("producer --errors=0", "accepted is 1% to 100%"),
        ("producer --memory=1G", "accepted is 1M to 512M"),
        ("producer --exit=256", "--exit"),
        ("producer --hang --for=11m", "accepted is a time of at most 10m"),
        ("producer --hang --end", "--hang does not go together with --end; see `swarmyard break --help`"),
    ] {
        let words: Vec<_> = arguments.split_whitespace().collect();
        let (code, stdout, log) = run(&words);
        assert_eq!((code, stdout.as_str(), log.lines().count()), (Some(2), "", 1), "{arguments:?}: {log}");
        assert!(log.starts_with("swarmyard break: ") && log.contains(message), "{arguments:?}: {log}");
    }
}
