//! The knobs that break a service for a while, at a real process.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use testing::knobs::{self, CHAOS_TOKEN, take_back, turn_on};
use testing::{LIMIT, Program};

use crate::{PRODUCER, ask, start};

fn start_with_knobs() -> (Program, SocketAddr) {
    start(&[CHAOS_TOKEN])
}

#[test]
fn the_path_that_is_answered_at_once_is_broken_too_and_works_again_by_itself() {
    let (_producer, address) = start_with_knobs();
    turn_on(address, "errors", r#"{"percent":100,"for_seconds":600}"#);
    let answer = ask(address, "GET", "/number");
    assert!(answer.starts_with("HTTP/1.1 500 ") && answer.contains("this error was asked for: "), "{answer}");
    let metrics = ask(address, "GET", "/metrics");
    let counted = "http_requests_total{route=\"/number\",method=\"GET\",status=\"500\"} 1\n";
    assert!(metrics.contains(counted), "{metrics}");

    turn_on(address, "errors", r#"{"percent":100,"for_seconds":0.1}"#);
    let start = Instant::now();
    while !ask(address, "GET", "/number").starts_with("HTTP/1.1 200 ") {
        assert!(start.elapsed() < LIMIT);
    }

    turn_on(address, "latency", r#"{"milliseconds":300,"for_seconds":600}"#);
    let start = Instant::now();
    assert!(ask(address, "GET", "/number").starts_with("HTTP/1.1 200 "));
    assert!(start.elapsed() >= Duration::from_millis(300), "{:?}", start.elapsed());
}

#[test]
fn a_knob_is_seen_in_the_log_in_the_metrics_and_in_the_list() {
    let (mut producer, address) = start_with_knobs();
    let is_metric = |value| {
        let metrics = ask(address, "GET", "/metrics");
        assert!(metrics.contains(&format!("chaos_knob{{knob=\"not-ready\"}} {value}\n")), "{metrics}");
    };
    is_metric(0);
    turn_on(address, "not-ready", r#"{"for_seconds":600}"#);
    let line = producer.log_line("knob not-ready");
    assert!(line.ends_with("knob not-ready: /readyz says that it is not ready, for 10m"), "{line}");
    is_metric(1);
    let list = ask(address, "GET", "/chaos");
    assert!(list.contains(r#"{"knobs":[{"#) && list.contains(r#""knob":"not-ready""#), "{list}");

    turn_on(address, "not-ready", r#"{"for_seconds":0.1}"#);
    producer.log_line("knob not-ready is over");
    is_metric(0);
    assert!(ask(address, "GET", "/chaos").ends_with(r#"{"knobs":[]}"#));
}

#[test]
fn an_exit_is_answered_and_then_the_process_ends_with_the_code_whatever_it_does() {
    let (mut producer, address) = start_with_knobs();
    let _busy = TcpStream::connect(address).unwrap();
    let answer = knobs::ask(address, "PUT", "exit", r#"{"code":42}"#);
    assert!(answer.contains("the process ends, with exit code 42"), "{answer}");
    assert_eq!(producer.ended().0.code(), Some(42));
    let (_, _, log) = producer.output();
    assert!(log.contains("knob exit: ") && !log.contains("stopped after"), "{log}");
}

#[test]
fn the_health_check_of_what_hangs_fails() {
    let (_producer, address) = start_with_knobs();
    turn_on(address, "hang", r#"{"for_seconds":60}"#);
    let port = address.port().to_string();
    let (code, _, log) = testing::start(PRODUCER, &["healthcheck"], &[("PORT", &port)]).output();
    assert_eq!((code, log), (Some(1), format!("unhealthy: no answer from 127.0.0.1:{port} within 900 ms")));
}

#[test]
fn the_token_may_be_in_a_file() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "{}", CHAOS_TOKEN.1).unwrap();
    let (_producer, address) = start(&[("CHAOS_TOKEN_FILE", file.path().to_str().unwrap())]);
    turn_on(address, "hang", r#"{"for_seconds":1}"#);
}

/// How many MiB of memory a process has.
#[cfg(target_os = "linux")]
fn memory_of(process: &Program) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() / 1024
}

#[cfg(target_os = "linux")]
#[test]
fn memory_is_really_taken_and_given_back() {
    let (producer, address) = start_with_knobs();
    let before = memory_of(&producer);
    // One replaces the other, and does not come on top of it.
    for mebibytes in [200, 100] {
        turn_on(address, "memory", &format!(r#"{{"mebibytes":{mebibytes},"for_seconds":600}}"#));
        let held = memory_of(&producer);
        assert!((before + mebibytes - 10..before + mebibytes + 50).contains(&held), "{held} MiB, {before} before");
    }
    take_back(address, "memory");
    let after = memory_of(&producer);
    assert!(after < before + 50, "{after} MiB, {before} before");
}
