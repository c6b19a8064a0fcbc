//! A real Redis, which tests can kill, stop and start again.

use std::env;
use std::net::{TcpListener, TcpStream};
use std::ops::Range;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Instant;

use tempfile::TempDir;

use crate::{GLANCE, LIMIT, Program, Signal, start_command};

/// Ports that no system gives to clients by itself: a Redis that comes back finds its own free.
const PORTS: Range<u16> = 16_000..32_000;

/// A Redis on a port of 127.0.0.1, with its data in a folder that goes with it.
#[derive(Debug)]
pub struct RedisServer {
    program: Option<Program>,
    port: u16,
    folder: TempDir,
    options: Vec<String>,
}

impl RedisServer {
    /// Starts one with nothing in it, and waits until it answers. `options` are those of `redis-server`.
    #[must_use]
    pub fn start(options: &[&str]) -> Self {
        loop {
            let mut server = Self::absent(options);
            if server.try_to_run("Ready to accept connections") {
                return server;
            }
        }
    }

    /// A port for a Redis that does not run yet.
    #[must_use]
    pub fn absent(options: &[&str]) -> Self {
        let port = loop {
            let port = rand::random_range(PORTS);
            if TcpListener::bind(("127.0.0.1", port)).is_ok() {
                break port;
            }
        };
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        Self { program: None, port, folder: tempfile::tempdir().unwrap(), options }
    }

    /// Starts it, again with the data that it had, and waits until it answers.
    pub fn run(&mut self) {
        self.run_until("Ready to accept connections");
    }

    /// Starts it, and waits until it accepts connections, but not until it has read its data.
    pub fn run_loading(&mut self) {
        self.run_until("Server initialized");
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            thread::sleep(GLANCE);
        }
    }

    /// Kills it at once, as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut program) = self.program.take() {
            program.signal(Signal::KILL);
            program.ended();
        }
    }

    /// From now on it accepts connections and does not answer.
    pub fn hang(&self) {
        self.signal(Signal::STOP);
    }

    /// It answers again.
    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    /// `redis://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Its port, also while it does not run.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it keeps its data.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn signal(&self, signal: Signal) {
        self.program.as_ref().unwrap().signal(signal);
    }

    fn run_until(&mut self, line: &str) {
        let start = Instant::now();
        while !self.try_to_run(line) {
            assert!(start.elapsed() < LIMIT, "port {} is taken", self.port);
        }
    }

    /// Runs it until it prints this; false when somebody else has the port.
    fn try_to_run(&mut self, line: &str) -> bool {
        let mut folders = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>().into_iter();
        assert!(
            folders.any(|folder| folder.join("redis-server").is_file()),
            "this test needs Redis 7 or later, and there is no redis-server in PATH: \
             install it (Debian, Ubuntu: apt-get install redis-server; macOS: brew install redis)"
        );
        let mut command = Command::new("redis-server");
        command.current_dir(self.folder.path()).args(["--bind", "127.0.0.1", "--save", ""]);
        command.args(["--port", &self.port.to_string()]).args(&self.options);
        let mut program = start_command(command);
        let start = Instant::now();
        let mut log = Vec::new();
        while start.elapsed() < LIMIT {
            log.extend(program.lines_so_far());
            let says = |text: &str| log.iter().any(|line| line.contains(text));
            if says(line) {
                self.program = Some(program);
                return true;
            }
            if says("Address already in use") {
                return false;
            }
            thread::sleep(GLANCE);
        }
        panic!("Redis does not start: {log:#?}");
    }
}
