//! For tests: real programs as processes, with their lines, signals and exit codes.
//!
//! Everything here panics when a program does not do what a test waits for within [`LIMIT`].
#![allow(clippy::unwrap_used, clippy::panic, clippy::missing_panics_doc, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, WaitId, WaitIdOptions, getrlimit, kill_process, setrlimit, waitid};

pub use needs::needs;
pub use redis::RedisServer;
pub use rustix::process::Signal;

pub mod knobs;
mod redis;

/// Sends a signal to a program that was not waited for yet. After `Signal::STOP` it does nothing any more.
pub fn signal(child: &Child, signal: Signal) {
    // So the id is still its own.
    let id = Pid::from_child(child);
    kill_process(id, signal).unwrap();
    if signal == Signal::STOP {
        waitid(WaitId::Pid(id), WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT).unwrap();
    }
}

/// The first address that a log line says a service listens on.
#[must_use]
pub fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, faces) = line.split_once("listening on ")?;
    let (_, url) = faces.split_once("://")?;
    url.split([',', ' ']).next()?.replace("localhost", "127.0.0.1").parse().ok()
}

/// Generous: only a broken program, or a very busy machine, takes this long.
pub const LIMIT: Duration = Duration::from_mins(1);

/// How often a state that has no event is looked at.
const GLANCE: Duration = Duration::from_millis(5);

/// A running program; it is killed when this is dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
    /// The lines of stderr that were read while looking for another one.
    log: Vec<String>,
}

/// Lets this test process open as many files, and so connections, as it is allowed to.
pub fn raise_limit_on_files() {
    let files = getrlimit(Resource::Nofile);
    // macOS names no maximum, and refuses more than this.
    let current = files.maximum.or(Some(10_240));
    setrlimit(Resource::Nofile, Rlimit { current, ..files }).unwrap();
}

/// Starts `program` with nothing of this process's environment but these variables.
#[must_use]
pub fn start(program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Program {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(environment.iter().copied());
    start_command(command)
}

/// Starts a command whose arguments and environment are set already.
#[must_use]
pub fn start_command(command: Command) -> Program {
    start_with_stdout(command, Stdio::piped())
}

/// Starts a command that reads what [`Program::type_line`] writes.
#[must_use]
pub fn start_to_type(command: Command, stdout: impl Into<Stdio>) -> Program {
    spawn(command, Stdio::piped(), stdout.into())
}

/// Starts a command that prints somewhere else; [`Program::line`] has nothing to give then.
#[must_use]
pub fn start_with_stdout(command: Command, stdout: impl Into<Stdio>) -> Program {
    spawn(command, Stdio::null(), stdout.into())
}

fn spawn(mut command: Command, stdin: Stdio, stdout: Stdio) -> Program {
    let mut child = command.stdin(stdin).stdout(stdout).stderr(Stdio::piped()).spawn().unwrap();
    // The command holds this process's copy of stdout.
    drop(command);
    let stdout = child.stdout.take().map_or_else(|| channel().1, lines);
    // It is piped above.
    let stderr = lines(child.stderr.take().unwrap());
    Program { stdin: child.stdin.take(), child, stdout, stderr, log: Vec::new() }
}

/// Reads lines in a thread of its own, so that the program never waits for a test.
fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || BufReader::new(pipe).lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    receiver
}

impl Program {
    /// Writes a line to stdin, of a program that [`start_to_type`] started.
    pub fn type_line(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        writeln!(stdin, "{line}").unwrap();
        stdin.flush().unwrap();
    }

    /// The next line of stdout.
    pub fn line(&mut self) -> String {
        self.stdout
            .recv_timeout(LIMIT)
            .unwrap_or_else(|_| panic!("no line on stdout; the log: {:#?}", self.rest_of_log()))
    }

    /// Passes over lines of stdout until one begins with `start`.
    pub fn line_that_starts(&mut self, start: &str) -> String {
        loop {
            let line = self.line();
            if line.starts_with(start) {
                return line;
            }
        }
    }

    /// The lines of stdout that are there by now.
    pub fn lines_so_far(&mut self) -> Vec<String> {
        self.stdout.try_iter().collect()
    }

    /// Passes over lines of stderr until one contains `text`.
    pub fn log_line(&mut self, text: &str) -> String {
        loop {
            match self.stderr.recv_timeout(LIMIT) {
                Ok(line) if line.contains(text) => return line,
                Ok(line) => self.log.push(line),
                Err(error) => panic!("no line with {text:?} in the log ({error}): {:#?}", self.log),
            }
        }
    }

    /// The address that the program says it listens on.
    pub fn address(&mut self) -> SocketAddr {
        address_in(&self.log_line("listening on ")).unwrap()
    }

    /// The process's id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// As [`signal`].
    pub fn signal(&self, signal: Signal) {
        self::signal(&self.child, signal);
    }

    /// Waits for the program's end; gives its status and the time that it took.
    pub fn ended(&mut self) -> (ExitStatus, Duration) {
        let start = Instant::now();
        while start.elapsed() < LIMIT {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, start.elapsed());
            }
            thread::sleep(GLANCE);
        }
        panic!("the program does not end; the log: {:#?}", self.rest_of_log())
    }

    /// Waits for the program's end; gives its exit code and everything on stdout and stderr.
    #[must_use]
    pub fn output(mut self) -> (Option<i32>, String, String) {
        let (status, _) = self.ended();
        // The pipes are closed, so both iterators end.
        let stdout: Vec<_> = self.stdout.iter().collect();
        let stderr: Vec<_> = self.log.drain(..).chain(self.stderr.iter()).collect();
        (status.code(), stdout.join("\n"), stderr.join("\n"))
    }

    fn rest_of_log(&mut self) -> &[String] {
        self.log.extend(self.stderr.try_iter());
        &self.log
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
