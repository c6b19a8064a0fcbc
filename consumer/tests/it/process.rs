//! The process: settings, readiness, signals.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

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
fn a_signal_ends_it_also_during_a_poll_and_during_a_pause() {
    let hanging = Server::start(Behaviour::Hang);
    let answering = Server::start(number(73));
    for (server, signal) in [(&hanging, Signal::TERM), (&answering, Signal::INT)] {
        let mut consumer = start(&server.url(), &[("POLL_INTERVAL", "10m"), ("POLL_TIMEOUT", "10m")]);
        consumer.address();
        while server.heads().is_empty() {
            std::thread::yield_now();
        }
        consumer.signal(signal);
        let (status, time) = consumer.ended();
        assert_eq!(status.code(), Some(0));
        assert!(time < Duration::from_secs(5), "{time:?}");
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
fn a_wrong_address_is_refused_with_what_is_accepted() {
    let cases = [
        ("producer:5000", "accepted is an address such as http://producer:5000/number"),
        ("https://producer/number", "https is left to a reverse proxy; accepted is http://…"),
    ];
    for (url, accepted) in cases {
        let line = format!("consumer: PRODUCER_URL (--producer-url <URL>) is '{url}': {accepted}");
        assert_eq!(start(url, &[]).output(), (Some(2), String::new(), line));
    }
}
