//! What people type while the services run.

use std::io;
use std::str::FromStr;
use std::thread;

use rustix::process::getpgrp;
use rustix::stdio::stdin;
use rustix::termios::{isatty, tcgetpgrp};
use tokio::sync::mpsc;

/// Lines that wait while a command is carried out; then typing waits.
const LINES_WAITING_MAX: usize = 16;

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

/// The lines of stdin, read in a thread of their own; none while the program is in a terminal's background,
/// where reading would stop it.
pub(crate) fn lines() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(LINES_WAITING_MAX);
    if !isatty(stdin()) || tcgetpgrp(stdin()).is_ok_and(|foreground| foreground == getpgrp()) {
        thread::spawn(move || {
            for line in io::stdin().lines().map_while(Result::ok) {
                if sender.blocking_send(line).is_err() {
                    return;
                }
            }
        });
    }
    lines
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
}
