//! The start: all, a part, or nothing.

use std::net::TcpListener;

use testing::{RedisServer, start_command};

use crate::harness::{Yard, command, free_offset};

#[test]
fn all_demos_run_and_the_table_says_where() {
    let mut yard = Yard::start_unready(&[]);
    let heading = yard.program.line_that_starts("NAME");
    let rows: Vec<_> = (0..9).map(|_| yard.program.line()).collect();
    let services = [
        ("producer", 5000, "/number", "\"number\":"),
        ("consumer", 9100, "/metrics", "consumer_last_number"),
        ("node1", 8081, "/", "<!doctype html>"),
        ("node2", 8082, "/", "<!doctype html>"),
        ("node3", 8083, "/", "<!doctype html>"),
        ("api", 9000, "/", "Successfully retrieved blocks."),
        ("webui", 8080, "/api/stats", "\"blocks\":"),
        ("miner-1", 9101, "/metrics", "miner_hashes_total"),
        ("miner-2", 9102, "/metrics", "miner_hashes_total"),
    ];
    for (row, (name, port, path, text)) in rows.iter().zip(services) {
        let url = format!("http://localhost:{}", yard.address(port).port());
        assert!(row.starts_with(name) && row.contains(&url), "{heading}\n{rows:#?}");
        let answer = yard.get(port, path).unwrap();
        assert!(answer.to_lowercase().contains(&text.to_lowercase()), "{name}: {answer}");
        assert!(answer.contains(&format!("x-served-by: {name}\r\n")), "{name}: {answer}");
    }
    let open = yard.program.line_that_starts("Open ");
    assert!(open.starts_with(&format!("Open http://localhost:{} ", yard.address(8080).port())), "{open}");
    assert!(yard.program.line_that_starts("consumer  | ").starts_with("consumer  | Received number: "));
}

#[test]
fn the_table_comes_before_what_the_consumer_prints() {
    let mut yard = Yard::start_unready(&["--only=numbers"]);
    yard.get_until(9100, "/readyz", |answer| answer.is_some_and(|answer| answer.contains(" 200 ")));
    assert_eq!(yard.program.line(), "");
    assert!(yard.program.line().starts_with("Swarmyard "));
}

#[test]
fn on_another_address_what_is_printed_leads_there() {
    let mut yard = Yard::start_unready(&["--only=numbers", "--host=0.0.0.0"]);
    let port = yard.address(5000).port();
    assert!(yard.program.line_that_starts("Open ").starts_with(&format!("Open http://localhost:{port} ")));
    // Linux has the first one, macOS the second.
    let is_there = |host: &&str| TcpListener::bind(format!("{host}:0")).is_ok();
    let host = ["127.0.0.2", "[::1]"].into_iter().find(is_there).unwrap();
    let mut yard = Yard::start_unready(&["--only=numbers", &format!("--host={}", host.trim_matches(['[', ']']))]);
    let port = yard.address(5000).port();
    assert!(yard.program.line_that_starts("Open ").starts_with(&format!("Open http://{host}:{port} ")));
}

#[test]
fn an_address_that_the_machine_has_not_is_said_with_the_option() {
    // Of a block that is for examples (RFC 5737).
    let (code, _, log) = start_command(command(&["--host=192.0.2.1"])).output();
    assert_eq!(code, Some(1));
    let line = log.lines().last().unwrap();
    assert_eq!(line, "swarmyard: 192.0.2.1: set --host to an address that this machine has");
}

#[test]
fn coins_are_counted_in_this_process() {
    let yard = Yard::start(&["--only=devcoin", "--miners=1", "--speed=super-fast"]);
    let has_coins = |answer: Option<&str>| answer.is_some_and(|answer| !answer.contains("\"blocks\":0}"));
    yard.get_until(9000, "/", has_coins);
}

#[test]
fn a_part_is_all_that_runs_if_wanted() {
    let mut yard = Yard::start_unready(&["--only=chat"]);
    let open = yard.program.line_that_starts("Open ");
    assert!(open.contains(&format!("http://localhost:{} ", yard.address(8081).port())), "{open}");
    assert!(yard.get(8083, "/whoami").is_some());
    assert_eq!([5000, 8080, 9000, 9100, 9101].map(|port| yard.get(port, "/")), [None, None, None, None, None]);
}

#[testing::needs("redis-server")]
#[test]
fn a_real_redis_keeps_the_coins_if_wanted() {
    let redis = RedisServer::start(&[]);
    let yard = Yard::start(&["--only=devcoin", "--speed=super-fast", &format!("--redis={}", redis.url())]);
    yard.get_until(9000, "/", |answer| answer.is_some_and(|answer| !answer.contains("\"blocks\":0}")));
    drop(yard);
    let yard = Yard::start(&["--only=devcoin", "--miners=0", &format!("--redis={}", redis.url())]);
    let answer = yard.get(9000, "/").unwrap();
    assert!(!answer.contains("\"blocks\":0}"), "{answer}");
}

#[test]
fn a_ledger_that_is_away_is_said_and_the_others_run() {
    let mut yard = Yard::start_unready(&["--redis=redis://127.0.0.1:1"]);
    let line = yard.program.line_that_starts("Swarmyard ");
    assert!(line.contains("not ready yet: api, miner-1, miner-2; /readyz of each says why"), "{line}");
    assert!(yard.get(5000, "/number").is_some());
}

#[test]
fn a_taken_port_ends_the_start_with_who_wanted_it_and_who_has_it() {
    let offset = free_offset();
    let port = 8082 + offset;
    let _taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let (code, stdout, log) = start_command(command(&[&format!("--port-offset={offset}")])).output();
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    let line = log.lines().last().unwrap();
    assert!(line.starts_with(&format!("swarmyard: port {port}, which node2 needs, is taken: ")), "{log}");
    assert!(line.contains(&format!("(process {}) has it", std::process::id())), "{log}");
    assert!(line.ends_with(&format!("--port-offset {}", offset + 1000)), "{log}");
}

#[test]
fn a_wrong_option_is_one_line_and_exit_code_2() {
    for (argument, accepted) in [
        ("--speed=warp", "--speed <SPEED> is 'warp': accepted are slow, normal, fast, super-fast, unlimited"),
        ("--port-offset=60000", "--port-offset <NUMBER> is '60000': accepted is a number from 0 to 56385"),
        ("--miners=51", "--miners <NUMBER> is '51': accepted is a number from 0 to 50"),
        ("--only=chess", "--only <DEMO,…> is 'chess': accepted are numbers, chat, devcoin"),
        ("--redis=http://redis", "--redis <URL> is 'http://redis': accepted is redis://HOST:PORT"),
    ] {
        for arguments in [&[argument][..], &["up", argument]] {
            let (code, stdout, stderr) = start_command(command(arguments)).output();
            assert_eq!((code, stdout.as_str()), (Some(2), ""), "{arguments:?}");
            assert!(stderr.starts_with(&format!("swarmyard: {accepted}")) && stderr.lines().count() == 1, "{stderr}");
        }
    }
}
