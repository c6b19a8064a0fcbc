//! What the page's server promises, by its real program between browsers' sockets and an API's.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic: that is how it fails")]

mod answers;
mod api;
mod events;
mod failures;
mod instance;
mod knobs;
mod process;
mod yard;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use testing::Program;

const WEBUI: &str = env!("CARGO_BIN_EXE_webui");

/// Starts the page's server on a free port, for an API at this address, in an empty yard unless there is a setting.
fn start(api: &str, settings: &[(&str, &str)]) -> (Program, SocketAddr) {
    let usual = [
        ("API_URL", api),
        ("HOST", "127.0.0.1"),
        ("PORT", "0"),
        ("SERVED_BY", "webui.1"),
        ("YARD", "127.0.0.1:1"),
        // To be ignored: it cannot know the names of a container network.
        ("HTTP_PROXY", "http://127.0.0.1:1"),
        ("http_proxy", "http://127.0.0.1:1"),
    ];
    let mut webui = testing::start(WEBUI, &[], &[&usual, settings].concat());
    let address = webui.address();
    (webui, address)
}

/// Opens a connection and sends a request with these further header lines.
fn send(address: SocketAddr, method: &str, path: &str, headers: &str) -> TcpStream {
    let mut connection = TcpStream::connect(address).unwrap();
    connection.set_read_timeout(Some(testing::LIMIT)).unwrap();
    write!(connection, "{method} {path} HTTP/1.1\r\nHost: page\r\n{headers}\r\n").unwrap();
    connection
}

/// Sends one request on a connection of its own; gives the whole answer.
fn ask(address: SocketAddr, method: &str, path: &str) -> String {
    let mut answer = String::new();
    send(address, method, path, "Connection: close\r\n").read_to_string(&mut answer).unwrap();
    answer
}

/// The JSON of an answer.
fn json(answer: &str) -> serde_json::Value {
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

/// Reads up to `end`; panics when the stream ends before.
fn read_to(stream: &mut impl Read, end: &str) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end.as_bytes()) {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        bytes.push(byte[0]);
    }
    String::from_utf8(bytes).unwrap()
}
