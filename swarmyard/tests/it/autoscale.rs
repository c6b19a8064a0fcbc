//! `swarmyard autoscale`, with real replicas and a stand-in for the engine.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;

use serde_json::Value;
use testing::{Program, Signal, start_command};

use crate::engine::{Engine, SERVICE};
use crate::harness::{Yard, command};

/// The port of DevCoin's page.
const PAGE: u16 = 8080;

fn autoscale(engine: SocketAddr, replicas: SocketAddr, more: &[&str]) -> Command {
    let (engine, metrics) = (format!("--engine=http://{engine}"), format!("--metrics={replicas}"));
    let own = ["autoscale", SERVICE, &engine, &metrics, "--interval=300ms", "--host=127.0.0.1", "--port=0"];
    command(&[&own, more].concat())
}

/// The page's service, as a replica.
fn replica() -> Yard {
    Yard::start(&["--only=devcoin", "--miners=0"])
}

/// Requests that go on until they are dropped: the events of so many open pages.
fn open_pages(yard: &Yard, number: usize) -> Vec<TcpStream> {
    let open = |_| {
        let mut stream = TcpStream::connect(yard.address(PAGE)).unwrap();
        stream.write_all(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        // Its answer has begun.
        stream.read_exact(&mut [0]).unwrap();
        stream
    };
    (0..number).map(open).collect()
}

/// The answer to `GET path`, without its head.
fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

fn ends_in_order(program: Program) {
    program.signal(Signal::TERM);
    assert_eq!(program.output().0, Some(0));
}

#[test]
fn a_service_grows_with_its_load_and_shrinks_when_the_window_is_over() {
    let (engine, yard) = (Engine::start(1), replica());
    let pages = open_pages(&yard, 6);
    let arguments = ["--target=2", "--replicas=1-8", "--window=2s"];
    let mut program = start_command(autoscale(engine.address, yard.address(PAGE), &arguments));
    program
        .log_line("yard_webui: 6 requests in flight at 1 replica, where 2 are wanted; 3 needed: from 1 to 3 replicas");
    // Only one of the three is there, so that two are not serving yet: nothing more comes.
    program.log_line(", 2 not serving, more than 2; the others may be idle: 3 replicas stay");
    assert_eq!(engine.replicas_of_the_same(), 3);
    drop(pages);
    program.log_line("0 needed now, but 3 in the last 2s: 3 replicas stay");
    // Pages are noticed to be gone one by one.
    program.log_line(" replicas to 1");
    program.log_line("0 needed, no fewer than 1 allowed: 1 replica stays");
    assert_eq!(engine.replicas_of_the_same(), 1);
    assert!(engine.known(|known| known.updates.iter().all(|(_, is_taken)| *is_taken)));
    ends_in_order(program);
}

#[test]
fn when_others_change_the_service_it_is_looked_at_again() {
    let (engine, yard) = (Engine::start(2), replica());
    engine.known(|known| known.overtaken = 2);
    let _pages = open_pages(&yard, 3);
    let mut program = start_command(autoscale(engine.address, yard.address(PAGE), &["--target=1"]));
    program.log_line("from 2 to 3 replicas");
    program.log_line("3 replicas stay");
    assert_eq!(engine.replicas_of_the_same(), 3);
    assert_eq!(engine.known(|known| known.updates.clone()), [(7, false), (10, false), (13, true)]);
}

#[test]
fn what_is_updated_or_whose_replicas_do_not_tell_stays_as_it_is() {
    let (engine, yard) = (Engine::start(2), replica());
    engine.known(|known| known.update_state = "updating");
    let _pages = open_pages(&yard, 9);
    let mut program = start_command(autoscale(engine.address, yard.address(PAGE), &["--target=1"]));
    program.log_line("the service is being updated, and a change now would take its way back: 2 replicas stay");
    engine.known(|known| known.update_state = "completed");
    program.log_line("from 2 to 6 replicas");

    let (engine, nobody) = (Engine::start(2), TcpListener::bind("127.0.0.1:0").unwrap());
    let silent = nobody.local_addr().unwrap();
    let mut program = start_command(autoscale(engine.address, silent, &["--window=600ms"]));
    for _ in 0..4 {
        program.log_line(
            "no replica tells how many requests it has in flight, 1 not serving, and a guess changes nothing",
        );
    }
    assert!(engine.known(|known| known.updates.is_empty()));
}

#[test]
fn a_dry_run_says_what_it_would_do_and_asks_for_no_update() {
    let (engine, yard) = (Engine::start(1), replica());
    let _pages = open_pages(&yard, 2);
    let mut program = start_command(autoscale(engine.address, yard.address(PAGE), &["--target=1", "--dry-run"]));
    for _ in 0..3 {
        program.log_line("from 1 to 2 replicas (not done: a dry run)");
    }
    assert!(engine.known(|known| known.updates.is_empty()));
}

#[test]
fn the_page_shows_what_is_seen_and_done() {
    let (engine, yard) = (Engine::start(1), replica());
    let _pages = open_pages(&yard, 4);
    let mut program = start_command(autoscale(engine.address, yard.address(PAGE), &["--target=2"]));
    let address = program.address();
    program.log_line("from 1 to 2 replicas");
    program.log_line("2 replicas stay");
    let page = get(address, "/");
    for file in ["style.css", "base.css", "dashboard.css", "autoscale.js", "icon.svg"] {
        assert!(page.contains(&format!("\"page/{file}\"")) && !get(address, &format!("/page/{file}")).is_empty());
    }
    let data: Value = serde_json::from_str(&get(address, "/data")).unwrap();
    let settings = ["service", "min", "max", "target", "window_seconds", "is_dry_run", "problem"].map(|key| &data[key]);
    assert_eq!(serde_json::json!(settings), serde_json::json!([SERVICE, 1, 10, 2.0, 300.0, false, null]));
    let first = &data["moments"][0];
    let figures = ["load", "telling", "silent", "not_ready", "replicas", "needed", "highest", "decided"];
    assert_eq!(serde_json::json!(figures.map(|key| &first[key])), serde_json::json!([4.0, 1, 0, 0, 1, 2, 2, 2]));
    assert!(first["sentence"].as_str().unwrap().ends_with("2 needed: from 1 to 2 replicas"), "{data:#}");
    assert!(get(address, "/readyz").starts_with("ready"));
}

#[test]
fn a_proxy_that_is_away_is_waited_for_and_said_once() {
    let yard = replica();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut program = start_command(autoscale(nobody, yard.address(PAGE), &[]));
    let address = program.address();
    let refusal = format!("{nobody} refuses connections (does the engine's proxy run there?)");
    program.log_line(&format!("{refusal}; nothing is changed, and it is tried again every 300ms"));
    assert!(get(address, "/readyz").contains(&refusal));
    assert!(get(address, "/data").contains(&refusal));
    program.signal(Signal::TERM);
    let (code, _, log) = program.output();
    assert_eq!(code, Some(0));
    assert!(!log.contains("refuses"), "{log}");
}

#[test]
fn a_service_that_does_not_exist_is_said_with_where_to_look() {
    let (engine, yard) = (Engine::start(1), replica());
    let (url, metrics) = (format!("--engine=http://{}", engine.address), format!("--metrics={}", yard.address(PAGE)));
    let words = ["autoscale", "yard_nothing", &url, &metrics, "--interval=300ms", "--port=0"];
    let mut program = start_command(command(&words));
    program.log_line("there is no service yard_nothing: `docker service ls` shows those that are");
    // One that runs on every node.
    engine.known(|known| known.spec["Mode"] = serde_json::json!({ "Global": {} }));
    let mut program = start_command(autoscale(engine.address, yard.address(PAGE), &[]));
    program.log_line("yard_webui has no number of replicas: it runs on every node, or once and no more");
}

#[test]
fn wrong_usage_is_said_with_what_is_accepted() {
    for (arguments, message) in [
        ("", "needs a value"),
        ("yard_webui", "needs a value"),
        ("yard_webui --metrics=tasks.webui", "accepted is a name and a port such as tasks.api:9000"),
        ("yard_webui --metrics=tasks.api:9000 --replicas=5-4", "accepted are two numbers from 1 to 100, such as 1-10"),
        ("yard_webui --metrics=tasks.api:9000 --target=0", "accepted is a number above 0"),
        ("../x --metrics=tasks.api:9000", "accepted is a service's name such as yard_api"),
    ] {
        let words: Vec<_> = ["autoscale"].into_iter().chain(arguments.split_whitespace()).collect();
        let (code, stdout, log) = start_command(command(&words)).output();
        assert_eq!((code, stdout.as_str(), log.lines().count()), (Some(2), "", 1), "{arguments:?}: {log}");
        assert!(log.starts_with("swarmyard autoscale: ") && log.contains(message), "{arguments:?}: {log}");
    }
}
