//! A real terminal: the program on one side of it, a test with keyboard and eyes on the other.

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use portable_pty::{Child, CommandBuilder, PtyPair, PtySize, native_pty_system};
use testing::LIMIT;

use crate::harness::{SWARMYARD, free_offset};

const CTRL_C: &str = "\x03";

struct Terminal {
    /// Kept, since the program ends when nobody holds the other side.
    _pty: PtyPair,
    child: Box<dyn Child + Send + Sync>,
    keyboard: Box<dyn Write + Send>,
    pieces: Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    fn start(environment: &[(&str, &str)]) -> Self {
        let size = PtySize { rows: 40, cols: 160, pixel_width: 0, pixel_height: 0 };
        let pty = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(SWARMYARD);
        command.arg(format!("--port-offset={}", free_offset()));
        command.env_clear();
        for (name, value) in environment {
            command.env(name, value);
        }
        let child = pty.slave.spawn_command(command).unwrap();
        let (keyboard, mut screen) = (pty.master.take_writer().unwrap(), pty.master.try_clone_reader().unwrap());
        let (sender, pieces) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // An error is how Linux says that the program has gone.
            while let Ok(size @ 1..) = screen.read(&mut buffer) {
                if sender.send(buffer[..size].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { _pty: pty, child, keyboard, pieces, seen: String::new() }
    }

    fn see(&mut self, text: &str) {
        while !self.seen.contains(text) {
            let piece = self.pieces.recv_timeout(LIMIT);
            let piece = piece.unwrap_or_else(|error| panic!("no {text:?} ({error}): {}", self.seen));
            self.seen.push_str(&String::from_utf8_lossy(&piece));
        }
    }

    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn on_a_terminal_names_are_coloured_commands_are_typed_and_ctrl_c_ends_it() {
    let mut terminal = Terminal::start(&[]);
    terminal.see("Open http://");
    terminal.press("stop node2\r");
    terminal.see("node2 is told to stop");
    terminal.press(CTRL_C);
    let status = terminal.child.wait().unwrap();
    assert_eq!(status.exit_code(), 0);
    terminal.see("stopped after");
    assert!(terminal.seen.contains("\x1b[32mproducer  |\x1b[0m "), "{}", terminal.seen);
}

#[test]
fn no_color_is_heard_on_a_terminal() {
    let mut terminal = Terminal::start(&[("NO_COLOR", "1")]);
    terminal.see("consumer  | Received number: ");
    terminal.see("Open http://");
    assert!(!terminal.seen.contains("\x1b["), "{}", terminal.seen);
}
