//! The API as a process.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use testing::Program;
use tokio::time::{sleep, timeout};

use crate::ledger::Ledger;

/// Longest wait until the API knows the ledger; then the measurement fails.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest wait for one answer; then it is asked again.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// How often it is asked.
const GLANCE: Duration = Duration::from_millis(20);

/// An API that tells of a ledger; it is killed when this is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    _program: Program,
}

impl Server {
    /// Starts one, and waits until it listens.
    pub(crate) fn start(path: &Path, ledger: &Ledger) -> Self {
        let mut command = Command::new(path);
        command.env_clear().envs([("HOST", "127.0.0.1"), ("PORT", "0"), ("REDIS_URL", &ledger.url())]);
        let mut program = testing::start_command(command);
        Self { address: program.address(), _program: program }
    }

    /// Waits until the answer to a GET is right.
    ///
    /// # Errors
    /// When it does not become so.
    pub(crate) async fn until(&self, path: &str, is_right: impl Fn(&str) -> bool) -> anyhow::Result<()> {
        let asking = async {
            // What is no answer is none that is right.
            while !self.get(path).is_ok_and(|answer| is_right(&answer)) {
                sleep(GLANCE).await;
            }
        };
        let seconds = START_TIMEOUT.as_secs();
        timeout(START_TIMEOUT, asking)
            .await
            .with_context(|| format!("the API is not ready at {path} after {seconds} s"))
    }

    /// The answer, its head included.
    fn get(&self, path: &str) -> anyhow::Result<String> {
        let mut connection = TcpStream::connect(self.address)?;
        connection.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        write!(connection, "GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        Ok(answer)
    }
}
