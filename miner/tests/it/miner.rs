//! The miner as a process.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use testing::{Program, Signal};

use crate::redis::Redis;
use crate::wait_for;

pub(crate) const MINER: &str = env!("CARGO_BIN_EXE_miner");

/// Reports, one every five seconds, among which is what a test waits for.
const REPORTS_MAX: usize = 12;

/// A running miner.
#[derive(Debug)]
pub(crate) struct Miner {
    pub(crate) program: Program,
    ops: SocketAddr,
}

/// What the miner counts itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Counts {
    pub(crate) found: u64,
    pub(crate) recorded: u64,
    pub(crate) buffered: u64,
}

/// Starts the program with these settings, and waits for nothing.
pub(crate) fn start(settings: &[(&str, &str)]) -> Program {
    let usual = [("OPS_PORT", "0"), ("OPS_HOST", "127.0.0.1")];
    testing::start(MINER, &[], &[&usual, settings].concat())
}

impl Miner {
    /// A miner for this Redis.
    pub(crate) fn start(redis: &Redis, settings: &[(&str, &str)]) -> Self {
        let url = redis.url();
        let mut program = start(&[&[("REDIS_URL", url.as_str())], settings].concat());
        let ops = program.address();
        Self { program, ops }
    }

    /// Where its health and metrics are.
    pub(crate) fn ops(&self) -> SocketAddr {
        self.ops
    }

    /// The answer to a GET, its head included.
    pub(crate) fn get(&self, path: &str) -> String {
        let mut connection = TcpStream::connect(self.ops).unwrap();
        write!(connection, "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer
    }

    pub(crate) fn counts(&self) -> Counts {
        let metrics = self.get("/metrics");
        let figure = |name: &str| {
            let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.unwrap_or_else(|| panic!("no {name} in {metrics}")).parse().unwrap()
        };
        Counts {
            found: figure("miner_coins_found_total"),
            recorded: figure("miner_coins_recorded_total"),
            buffered: figure("miner_coins_buffered"),
        }
    }

    /// Waits until the answer to `/readyz` contains this.
    pub(crate) fn readyz(&self, text: &str) -> String {
        wait_for(text, || Some(self.get("/readyz")).filter(|answer| answer.contains(text)))
    }

    /// Waits until a report says that mining pauses; gives what the miner counts then.
    pub(crate) fn pauses(&mut self) -> Counts {
        let mut reports = (0..REPORTS_MAX).map(|_| self.program.log_line(" coins in "));
        assert!(reports.any(|line| line.contains("mining pauses when that many wait")), "mining does not pause");
        self.counts()
    }

    /// Waits until nothing comes any more, and the ledger has all; gives the number of coins.
    pub(crate) fn settled(&self) -> u64 {
        let mut last = self.counts();
        wait_for("a miner that holds nothing", || {
            let before = std::mem::replace(&mut last, self.counts());
            (last == before && last.buffered == 0 && last.found == last.recorded).then_some(last.found)
        })
    }

    /// Has it read its file again.
    pub(crate) fn reload(&mut self) -> String {
        self.program.signal(Signal::HUP);
        self.program.log_line("SIGHUP: ")
    }
}
