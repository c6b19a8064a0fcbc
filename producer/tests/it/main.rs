//! What the producer promises, by its real program over real sockets.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic: that is how it fails")]

mod chaos;
mod load;
mod numbers;
mod process;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use testing::Program;

const PRODUCER: &str = env!("CARGO_BIN_EXE_producer");

/// Starts a producer on a free port.
fn start(environment: &[(&str, &str)]) -> (Program, SocketAddr) {
    let mut producer = testing::start(PRODUCER, &["--port=0"], environment);
    let address = producer.address();
    (producer, address)
}

/// Sends one request on a connection of its own; gives the whole answer.
fn ask(address: SocketAddr, method: &str, path: &str) -> String {
    let mut connection = TcpStream::connect(address).unwrap();
    write!(connection, "{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}
