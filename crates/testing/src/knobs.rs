//! The knobs of a service of ours, which break it for a while.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// The setting with which a service has knobs, and this module can turn them.
pub const CHAOS_TOKEN: (&str, &str) = ("CHAOS_TOKEN", "salmon");

/// Turns a knob on.
pub fn turn_on(address: SocketAddr, name: &str, terms: &str) {
    let answer = ask(address, "PUT", name, terms);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

/// Takes a knob back.
pub fn take_back(address: SocketAddr, name: &str) {
    let answer = ask(address, "DELETE", name, "");
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
}

/// Asks for a change of a knob; gives the whole answer, whatever it is.
#[must_use]
pub fn ask(address: SocketAddr, method: &str, name: &str, body: &str) -> String {
    let (token, length) = (CHAOS_TOKEN.1, body.len());
    let mut connection = TcpStream::connect(address).unwrap();
    let head = format!("{method} /chaos/{name} HTTP/1.1\r\nHost: test\r\nConnection: close");
    let headers = format!("Authorization: Bearer {token}\r\nContent-Length: {length}");
    connection.write_all(format!("{head}\r\n{headers}\r\n\r\n{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}
