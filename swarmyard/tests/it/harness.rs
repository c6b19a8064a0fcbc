//! The program, with ports of its own, and a plain client.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Instant;

use testing::{LIMIT, Program, start_to_type};

pub(crate) const SWARMYARD: &str = env!("CARGO_BIN_EXE_swarmyard");

/// The ports of the README, and those of five miners.
const PORTS: [u16; 15] = [5000, 8080, 8081, 8082, 8083, 9000, 9091, 9092, 9093, 9100, 9101, 9102, 9103, 9104, 9105];

/// A running `swarmyard up`; it is killed when this is dropped.
pub(crate) struct Yard {
    pub(crate) program: Program,
    offset: u16,
}

/// An offset at which all ports are free now. They are below those that a system gives to clients.
pub(crate) fn free_offset() -> u16 {
    loop {
        let offset = rand::random_range(11_000..22_000);
        if PORTS.iter().all(|port| TcpListener::bind(("127.0.0.1", port + offset)).is_ok()) {
            return offset;
        }
    }
}

/// The program with these arguments and no environment.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(SWARMYARD);
    command.args(arguments).env_clear();
    command
}

impl Yard {
    /// Starts it, and waits until it has said what is where.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut yard = Self::start_unready(arguments);
        yard.program.line_that_starts("Open http://");
        yard
    }

    /// Starts it, and waits until it has its ports.
    pub(crate) fn start_unready(arguments: &[&str]) -> Self {
        Self::start_into(arguments, Stdio::piped)
    }

    /// Does the same with another stdout, which is made for each try.
    pub(crate) fn start_into(arguments: &[&str], stdout: impl Fn() -> Stdio) -> Self {
        loop {
            let offset = free_offset();
            let offset_argument = format!("--port-offset={offset}");
            let arguments = [&[offset_argument.as_str()], arguments].concat();
            let mut program = start_to_type(command(&arguments), stdout());
            loop {
                let line = program.log_line("");
                if line.contains("listening on") {
                    return Self { program, offset };
                }
                // Somebody else was faster.
                if line.contains("is taken") {
                    break;
                }
            }
        }
    }

    /// Where a port of the README is.
    pub(crate) fn address(&self, port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port + self.offset).into()
    }

    /// The answer to `GET path`, with its head; `None` when nobody listens.
    pub(crate) fn get(&self, port: u16, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.address(port)).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// The lines of an answer that does not end by itself.
    pub(crate) fn lines(&self, port: u16, path: &str) -> impl Iterator<Item = String> + use<> {
        let mut stream = TcpStream::connect(self.address(port)).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        BufReader::new(stream).lines().map_while(Result::ok)
    }

    /// Asks again and again until the answer is as wanted.
    pub(crate) fn get_until(&self, port: u16, path: &str, is_wanted: impl Fn(Option<&str>) -> bool) -> Option<String> {
        let start = Instant::now();
        loop {
            let answer = self.get(port, path);
            if is_wanted(answer.as_deref()) {
                return answer;
            }
            assert!(start.elapsed() < LIMIT, "{path} at {port}: {answer:?}");
            std::thread::yield_now();
        }
    }
}
