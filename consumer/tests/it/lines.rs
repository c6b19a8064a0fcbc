//! The lines on stdout.

use std::net::TcpListener;

use crate::server::{Behaviour, Server, http, number};
use crate::start;

/// The reason that a consumer prints for a server that behaves so, and that it goes on afterwards.
fn reason(behaviour: Behaviour) -> String {
    // Enough for every server that answers, and soon over for one that hangs.
    let limit = if matches!(behaviour, Behaviour::Hang) { "300ms" } else { "60s" };
    let server = Server::start(behaviour);
    let mut consumer = start(&server.url(), &[("POLL_TIMEOUT", limit)]);
    let line = consumer.line();
    server.behave(number(73));
    consumer.line_that_starts("Received number: 73");
    line.strip_prefix("Error fetching the number: ").unwrap_or_else(|| panic!("no error: {line}")).to_owned()
}

#[test]
fn a_number_is_printed_again_and_again() {
    let server = Server::start(number(73));
    let mut consumer = start(&server.url(), &[]);
    for _ in 0..5 {
        assert_eq!(consumer.line(), "Received number: 73");
    }
}

#[test]
fn the_replica_that_answered_is_shown_on_request() {
    let server = Server::start(number(73));
    let mut consumer = start(&server.url(), &[("SHOW_SERVED_BY", "true")]);
    assert_eq!(consumer.line(), "Received number: 73 (from stub.1)");
    server.behave(Behaviour::Answer("HTTP/1.1 200 OK\r\n\r\n{\"number\":7}".to_owned()));
    consumer.line_that_starts("Received number: 7 (from unknown)");
}

#[test]
fn a_producer_that_starts_later_goes_away_and_returns_is_found_each_time() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = port.local_addr().unwrap();
    drop(port);
    let mut consumer = start(&format!("http://{address}/number"), &[]);
    let refused = format!("Error fetching the number: connection refused by {address} (is the producer running?)");
    assert_eq!(consumer.line(), refused);
    let producer = Server::at(TcpListener::bind(address).unwrap(), number(73));
    consumer.line_that_starts("Received number: 73");
    producer.behave(Behaviour::Quit);
    consumer.line_that_starts(&refused);
    let _producer = Server::at(TcpListener::bind(address).unwrap(), number(74));
    consumer.line_that_starts("Received number: 74");
}

#[test]
fn a_name_that_does_not_resolve_is_named() {
    let mut consumer = start("http://producer.invalid:5000/number", &[("POLL_TIMEOUT", "60s")]);
    let line =
        "Error fetching the number: name producer.invalid not found (is there a service of that name in this network?)";
    assert_eq!(consumer.line(), line);
    assert_eq!(consumer.line(), line);
}

#[test]
fn an_http_error_shows_its_status() {
    assert_eq!(reason(http("500 Internal Server Error", "{\"number\":1}")), "HTTP 500 Internal Server Error");
    assert_eq!(reason(http("404 Not Found", "")), "HTTP 404 Not Found");
    assert_eq!(reason(http("599 Whatever", "")), "HTTP 599");
    let elsewhere = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(reason(Behaviour::Answer(elsewhere.to_owned())), "HTTP 302 Found");
}

#[test]
fn a_hung_server_is_given_up_after_the_time_limit() {
    assert_eq!(reason(Behaviour::Hang), "timed out after 0.3 s");
}

#[test]
fn garbage_is_called_garbage() {
    assert_eq!(reason(http("200 OK", "<html>hello</html>")), "the answer is not JSON");
    assert_eq!(reason(http("200 OK", "{\"num\":1}")), "the answer has no whole \"number\"");
    assert_eq!(reason(http("200 OK", &" ".repeat(100_000))), "the answer has more than 65536 bytes");
    let endless = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned()
        + &format!("400\r\n{}\r\n", "x".repeat(1024)).repeat(100);
    assert_eq!(reason(Behaviour::Answer(endless)), "the answer has more than 65536 bytes");
}

#[test]
fn what_is_not_http_or_breaks_off_is_called_so() {
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"num";
    for answer in ["SSH-2.0-OpenSSH\r\n\r\n", half] {
        let reason = reason(Behaviour::Answer(answer.to_owned()));
        assert!(reason.contains(" answered something that is not HTTP, or broke off: "), "{reason}");
    }
    assert!(reason(Behaviour::HangUp).starts_with("127.0.0.1:"));
}

#[test]
fn a_password_in_the_address_is_not_printed() {
    let mut consumer = start("http://bob:secret@127.0.0.1:1/number", &[]);
    let line = "Error fetching the number: connection refused by 127.0.0.1:1 (is the producer running?)";
    assert_eq!(consumer.line(), line);
}

#[test]
fn each_poll_has_a_connection_of_its_own() {
    let server = Server::start(number(73));
    let mut consumer = start(&server.url(), &[]);
    for _ in 0..10 {
        consumer.line();
    }
    // The server reads one request from a connection, so each head stands for one.
    let heads = server.heads();
    assert!(heads.len() >= 10, "{heads:#?}");
    assert!(heads.iter().all(|head| head.starts_with("GET /number HTTP/1.1\n")), "{heads:#?}");
    assert!(heads.iter().all(|head| head.to_lowercase().contains("\nconnection: close")), "{heads:#?}");
}
