//! A Redis that is thrown away: for a moment it holds what a copy holds, and nobody else can reach it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Child;

use crate::program::{self, last_line};

/// The socket, in the folder of the copy.
const SOCKET: &str = "redis.sock";

/// What it logs, in the folder of the copy.
const LOG: &str = "redis.log";

/// What it is told, beside the copy.
const OPTIONS: [&str; 14] = [
    // No port: the socket is in a folder of this program's own.
    "--port",
    "0",
    "--unixsocket",
    SOCKET,
    "--unixsocketperm",
    "700",
    // It writes nothing.
    "--save",
    "",
    "--appendonly",
    "no",
    "--maxclients",
    "16",
    "--loglevel",
    "notice",
];

/// A running Redis with what a copy holds, or that is reading it. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Throwaway {
    child: Child,
    folder: PathBuf,
}

impl Throwaway {
    /// Starts one in the copy's folder, by this command; it begins to read the copy.
    pub(crate) fn start(command: &str, copy: &Path) -> io::Result<Self> {
        let folder = copy.parent().unwrap_or(Path::new(".")).to_owned();
        let log = File::create(folder.join(LOG))?;
        let mut command = program::limited(command.split_whitespace());
        command.args(OPTIONS).arg("--dir").arg(".").arg("--dbfilename").arg(copy.file_name().unwrap_or_default());
        let child = command.current_dir(&folder).stdout(Stdio::from(log)).spawn()?;
        Ok(Self { child, folder })
    }

    /// Where it answers, once it has begun to read.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join(SOCKET)
    }

    /// Why it has ended, if it has.
    pub(crate) fn end(&mut self) -> io::Result<Option<String>> {
        let Some(status) = self.child.try_wait()? else { return Ok(None) };
        let log = fs::read_to_string(self.folder.join(LOG)).unwrap_or_default();
        Ok(Some(reason(&log).unwrap_or_else(|| format!("{status}: {}", last_line(&log)))))
    }
}

/// The last warning before its last words, which only say that it ends: `17:M 28 Nov 2026 04:00:00.000 # Short read …`.
fn reason(log: &str) -> Option<String> {
    let warnings = log.lines().filter_map(|line| line.split_once(" # ")).map(|(_, text)| text);
    let mut telling = warnings.filter(|text| !text.starts_with("Fatal error loading"));
    telling.next_back().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_of_an_end_is_what_redis_warned_of_last() {
        let log = "9:M 28 Nov 2026 04:00:00.000 * Loading RDB produced by version 7.0.15\n\
                   9:M 28 Nov 2026 04:00:00.001 # Unknown RDB encoding type 9\n\
                   9:M 28 Nov 2026 04:00:00.001 # Fatal error loading the DB: Invalid argument. Exiting.\n";
        assert_eq!(reason(log).as_deref(), Some("Unknown RDB encoding type 9"));
        assert_eq!(reason("sh: 1: exec: redis-server: not found\n"), None);
    }
}
