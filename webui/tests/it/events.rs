//! Event streams.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, Sender, channel};

use testing::{LIMIT, Signal};

use crate::api::Api;
use crate::{read_to, send, start};

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
const EVENT: &str = "id: 7-0\nevent: coins\ndata: []\n\n";

/// An API whose streams are in the test's hands, open but silent.
fn api() -> (Api, Receiver<TcpStream>) {
    let (sender, streams): (Sender<TcpStream>, _) = channel();
    let api = Api::start(move |_, mut connection| {
        connection.write_all(HEAD).unwrap();
        drop(sender.send(connection));
    });
    (api, streams)
}

fn event(stream: &mut TcpStream) -> std::io::Result<()> {
    write!(stream, "{:x}\r\n{EVENT}\r\n", EVENT.len())
}

#[test]
fn each_event_comes_at_once_and_the_browsers_last_one_is_told() {
    let (api, streams) = api();
    let (_webui, address) = start(&api.url(), &[]);
    let mut browser = send(address, "GET", "/api/events?after=5-0", "Last-Event-ID: 6-1\r\n");
    let mut stream = streams.recv_timeout(LIMIT).unwrap();
    // The head comes before any event.
    let head = read_to(&mut browser, "\r\n\r\n");
    assert!(head.contains("content-type: text/event-stream\r\n"), "{head}");
    assert!(head.contains("x-accel-buffering: no\r\n"), "{head}");
    for _ in 0..3 {
        // Nothing follows it: what waits for more would wait for ever.
        event(&mut stream).unwrap();
        assert!(read_to(&mut browser, "data: []\n\n").ends_with(EVENT));
    }
    let head = api.heads().remove(0);
    assert!(head.starts_with("get /events?after=5-0 ") && head.contains("\nlast-event-id: 6-1"), "{head}");
}

#[test]
fn a_browser_that_goes_away_ends_its_stream_at_the_api() {
    let (api, streams) = api();
    let (_webui, address) = start(&api.url(), &[]);
    let mut browser = send(address, "GET", "/api/events", "");
    let mut stream = streams.recv_timeout(LIMIT).unwrap();
    event(&mut stream).unwrap();
    read_to(&mut browser, "data: []\n\n");
    drop(browser);
    // The API sends on until it notices.
    while event(&mut stream).is_ok() {
        std::thread::yield_now();
    }
}

#[test]
fn an_api_that_goes_away_ends_the_browsers_stream() {
    let (api, streams) = api();
    let (_webui, address) = start(&api.url(), &[]);
    let mut browser = send(address, "GET", "/api/events", "Connection: close\r\n");
    drop(streams.recv_timeout(LIMIT).unwrap());
    let mut rest = Vec::new();
    browser.read_to_end(&mut rest).unwrap();
}

#[test]
fn several_browsers_listen_at_once_and_all_streams_end_at_the_stop() {
    let (api, streams) = api();
    // The stop does not wait for this time-out: streams end by themselves.
    let (mut webui, address) = start(&api.url(), &[("DRAIN_TIMEOUT", "10m")]);
    let mut browsers: Vec<_> = (0..8).map(|_| send(address, "GET", "/api/events", "")).collect();
    let mut streams: Vec<_> = browsers.iter().map(|_| streams.recv_timeout(LIMIT).unwrap()).collect();
    for stream in &mut streams {
        event(stream).unwrap();
    }
    for browser in &mut browsers {
        read_to(browser, "data: []\n\n");
    }
    webui.signal(Signal::TERM);
    for browser in &mut browsers {
        // Below the 40 s of silence after which a stream ends anyway.
        browser.set_read_timeout(Some(LIMIT / 2)).unwrap();
        let mut rest = String::new();
        browser.read_to_string(&mut rest).unwrap();
        // A clean end of the body, not a cut.
        assert!(rest.ends_with("0\r\n\r\n"), "{rest:?}");
    }
    assert_eq!(webui.ended().0.code(), Some(0));
}
