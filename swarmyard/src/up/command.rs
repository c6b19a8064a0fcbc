//! What people type while the services run.

use std::io::{self, BufRead, Read};
use std::str::FromStr;
use std::thread;

use rustix::process::getpgrp;
use rustix::stdio::stdin;
use rustix::termios::{isatty, tcgetpgrp};
use tokio::sync::mpsc;

/// Commands that wait while one is carried out; then typing waits.
const COMMANDS_WAITING_MAX: usize = 16;

/// Longest line; a longer one is passed over, and that is said.
const LINE_BYTES_MAX: u64 = 256;

/// What `help` prints.
pub(crate) const HELP: &str = "\
Commands, while the services run:
  stop NAME      stop an instance, as in: stop node2
  start NAME     start it again
  add miner      one more miner
  remove miner   one miner less
  list           what runs, and where
  help           this text
Ctrl-C stops everything.
";

/// A command.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Command {
    Stop(String),
    Start(String),
    AddMiner,
    RemoveMiner,
    List,
    Help,
    /// An empty line: people press Enter to part what was from what comes.
    Nothing,
}

impl FromStr for Command {
    /// For people.
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        match *line.split_whitespace().collect::<Vec<_>>() {
            [] => Ok(Self::Nothing),
            ["stop", name] => Ok(Self::Stop(name.to_owned())),
            ["start", name] => Ok(Self::Start(name.to_owned())),
            ["stop" | "start"] => Err("say what: stop node2; `list` shows all names".to_owned()),
            ["add", "miner"] => Ok(Self::AddMiner),
            ["remove", "miner"] => Ok(Self::RemoveMiner),
            ["add" | "remove", ..] => Err("only miners can be added and removed: add miner, remove miner".to_owned()),
            ["list"] => Ok(Self::List),
            ["help"] => Ok(Self::Help),
            _ => Err(format!("no such command: {}; `help` shows all", line.trim().escape_debug())),
        }
    }
}

/// What is typed on stdin, read in a thread of its own; nothing while the program is in a terminal's background,
/// where reading would stop it. An `Err` is for people.
pub(crate) fn typed() -> mpsc::Receiver<Result<Command, String>> {
    let (sender, typed) = mpsc::channel(COMMANDS_WAITING_MAX);
    let is_terminal = isatty(stdin());
    if !is_terminal || tcgetpgrp(stdin()).is_ok_and(|foreground| foreground == getpgrp()) {
        thread::spawn(move || {
            let mut input = io::stdin().lock();
            while let Some(line) = read_line(&mut input) {
                if sender.blocking_send(line.and_then(|line| line.parse())).is_err() {
                    return;
                }
            }
            if is_terminal {
                // Somebody pressed Ctrl-D. Nobody listens when the process ends.
                let _ = sender.blocking_send(Err("no more commands are read; Ctrl-C stops everything".to_owned()));
            }
        });
    }
    typed
}

/// The next line; none at the end of the input, or when it cannot be read.
fn read_line(input: &mut impl BufRead) -> Option<Result<String, String>> {
    let mut line = Vec::new();
    let size = input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line).ok()?;
    if size == 0 {
        return None;
    }
    if !line.ends_with(b"\n") && line.len() as u64 == LINE_BYTES_MAX {
        input.skip_until(b'\n').ok()?;
        return Some(Err(format!("no command is longer than {LINE_BYTES_MAX} bytes; `help` shows all")));
    }
    Some(Ok(String::from_utf8_lossy(&line).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_is_none_is_answered_with_what_can_be_said() {
        let error = |line: &str| line.parse::<Command>().unwrap_err();
        assert!(error("dance").contains("no such command: dance"));
        assert!(error("stop").contains("stop node2"));
        assert!(error("add node4").contains("only miners"));
        assert!(error("stop node1 node2").contains("no such command"));
        assert_eq!(" stop  node2\r".parse(), Ok(Command::Stop("node2".to_owned())));
        assert_eq!("".parse(), Ok(Command::Nothing));
    }

    #[test]
    fn a_line_of_odd_bytes_or_endless_length_ends_nothing() {
        let long = "x".repeat(1_000_000);
        let input = [b"list\n\xff\xfe\n".as_slice(), long.as_bytes(), b"\nhelp"].concat();
        let mut input = input.as_slice();
        let mut next = || read_line(&mut input).map(|line| line.and_then(|line| line.parse::<Command>()));
        assert_eq!(next(), Some(Ok(Command::List)));
        assert!(next().unwrap().unwrap_err().contains("no such command"));
        assert!(next().unwrap().unwrap_err().contains("longer than 256 bytes"));
        assert_eq!(next(), Some(Ok(Command::Help)));
        assert_eq!(next(), None);
    }
}
