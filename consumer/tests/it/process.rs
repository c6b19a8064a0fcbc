//! The process: settings, readiness, signals.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use testing::Signal;

use crate::server::{Behaviour, Server, number};
use crate::{CONSUMER, start};

fn get(address: SocketAddr, path: &str) -> String {
    let mut connection = TcpStream::connect(address).unwrap();
    write!(connection, "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn it_is_ready_while_polls_succeed_and_says_why_not_otherwise() {
    let server = Server::start(number(73));
    let mut consumer = start(&server.url(), &[("POLL_TIMEOUT", "100ms")]);
    let ops = consumer.address();
    consumer.line_that_starts("Received");
    assert!(get(ops, "/readyz").starts_with("HTTP/1.1 200 "));
    server.behave(Behaviour::Hang);
    consumer.line_that_starts("Error");
    let answer = get(ops, "/readyz");
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.ends_with(r#"{"status":503,"message":"timed out after 0.1 s"}"#), "{answer}");
    assert!(get(ops, "/healthz").starts_with("HTTP/1.1 200 "));
    let metrics = get(ops, "/metrics");
    assert!(metrics.contains(r#"consumer_polls_total{result="ok"}"#), "{metrics}");
    assert!(metrics.contains(r#"consumer_polls_total{result="timed_out"}"#), "{metrics}");
    assert!(metrics.contains("consumer_last_number 73"), "{metrics}");
}

#[test]
fn whoami_tells_the_last_number_and_who_gave_it() {
    let server = Server::start(number(73));
    let mut consumer = start(&server.url(), &[]);
    let ops = consumer.address();
    consumer.line_that_starts("Received");
    let answer = get(ops, "/whoami");
    let whoami: serde_json::Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    let details = &whoami["details"];
    assert_eq!((&details["last_number"], &details["from"]), (&73.into(), &"stub.1".into()), "{whoami}");
    assert!(details["numbers"].as_u64() >= Some(1), "{whoami}");
}

#[test]
fn a_signal_ends_it_also_during_a_poll_and_during_a_pause() {
    let hanging = Server::start(Behaviour::Hang);
    let answering = Server::start(number(73));
    for (server, signal) in [(&hanging, Signal::TERM), (&answering, Signal::INT)] {
        let slow = [("POLL_INTERVAL", "10m"), ("POLL_TIMEOUT", "10m"), ("DRAIN_TIMEOUT", "10m")];
        let mut consumer = start(&server.url(), &slow);
        consumer.address();
        while server.heads().is_empty() {
            std::thread::yield_now();
        }
        consumer.signal(signal);
        // Neither ten minutes are over by then.
        let (status, _) = consumer.ended();
        assert_eq!(status.code(), Some(0));
    }
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let server = Server::start(number(73));
    let mut command = std::process::Command::new("sh");
    let pipe =
        r#"{ PRODUCER_URL=$1 OPS_PORT=0 POLL_INTERVAL=10ms LOG_LEVEL=error "$0"; echo "exit code $?" >&2; } | head -2"#;
    command.args(["-c", pipe, CONSUMER, &server.url()]);
    let (code, stdout, stderr) = testing::start_command(command).output();
    assert_eq!((code, stdout.as_str()), (Some(0), "Received number: 73\nReceived number: 73"));
    assert_eq!(stderr, "exit code 0");
}

#[test]
fn output_that_nobody_reads_holds_up_neither_the_health_check_nor_the_stop() {
    let server = Server::start(number(73));
    let settings = [("PRODUCER_URL", server.url()), ("OPS_PORT", "0".to_owned()), ("POLL_INTERVAL", "1us".to_owned())];
    let (reader, writer) = std::io::pipe().unwrap();
    fill(&writer);
    let mut command = std::process::Command::new(CONSUMER);
    command.env_clear().envs(settings);
    let mut consumer = testing::start_with_stdout(command, writer);
    let ops = consumer.address();
    // It has polled and printed as much as it can when the number of polls stays the same.
    let mut polls = usize::MAX;
    while polls != server.heads().len() || polls == 0 {
        polls = server.heads().len();
        assert!(get(ops, "/healthz").starts_with("HTTP/1.1 200 "));
    }
    consumer.signal(Signal::TERM);
    assert_eq!(consumer.ended().0.code(), Some(0));
    drop(reader);
}

/// Fills a pipe to the brim.
fn fill(pipe: &std::io::PipeWriter) {
    rustix::io::ioctl_fionbio(pipe, true).unwrap();
    while (&*pipe).write(&[b' '; 4096]).is_ok() {}
    rustix::io::ioctl_fionbio(pipe, false).unwrap();
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "writes to /dev/full, which only Linux has")]
fn a_full_disk_behind_stdout_ends_it_and_says_so() {
    let server = Server::start(number(73));
    let mut command = std::process::Command::new(CONSUMER);
    command.env_clear().env("PRODUCER_URL", server.url()).env("OPS_PORT", "0");
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (code, _, log) = testing::start_with_stdout(command, full).output();
    assert_eq!(code, Some(1));
    assert!(log.contains("cannot write to stdout: No space left"), "{log}");
}

#[test]
fn a_wrong_address_is_refused_with_what_is_accepted() {
    let cases = [
        ("producer:5000", "accepted is an address such as http://producer:5000/number"),
        (
            "http://producer:5000",
            "the numbers are at a path: accepted is an address such as http://producer:5000/number",
        ),
        ("https://producer/number", "https is left to a reverse proxy; accepted is http://…"),
    ];
    for (url, accepted) in cases {
        let line = format!("consumer: PRODUCER_URL (--producer-url <URL>) is '{url}': {accepted}");
        assert_eq!(start(url, &[]).output(), (Some(2), String::new(), line));
    }
}
