//! A real terminal: the program on one side of it, a test with keyboard and eyes on the other.

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use portable_pty::{Child, CommandBuilder, PtyPair, PtySize, native_pty_system};
use testing::LIMIT;

use crate::harness::{SWARMYARD, free_offset};
use crate::server::{Deed, Server};

const CTRL_C: &str = "\x03";
const ROWS: u16 = 40;
const COLUMNS: u16 = 160;

struct Terminal {
    /// Kept, since the program ends when nobody holds the other side.
    _pty: PtyPair,
    child: Box<dyn Child + Send + Sync>,
    keyboard: Box<dyn Write + Send>,
    pieces: Receiver<Vec<u8>>,
    /// All that was written.
    seen: String,
    /// What it looks like.
    screen: vt100::Parser,
}

impl Terminal {
    fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let size = PtySize { rows: ROWS, cols: COLUMNS, pixel_width: 0, pixel_height: 0 };
        let pty = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(SWARMYARD);
        command.args(arguments);
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
        let screen = vt100::Parser::new(NonZero::new(ROWS).unwrap(), NonZero::new(COLUMNS).unwrap(), 0);
        Self { _pty: pty, child, keyboard, pieces, seen: String::new(), screen }
    }

    /// Starts `up`.
    fn start_up(environment: &[(&str, &str)]) -> Self {
        Self::start(&[&format!("--port-offset={}", free_offset())], environment)
    }

    /// Waits until this was written.
    fn see(&mut self, text: &str) {
        self.until(text, |terminal| terminal.seen.contains(text));
    }

    /// Waits until this stands on the screen.
    fn see_on_screen(&mut self, text: &str) {
        self.until(text, |terminal| terminal.screen.screen().contents().contains(text));
    }

    fn until(&mut self, what: &str, is_there: impl Fn(&Self) -> bool) {
        while !is_there(self) {
            let piece = self.pieces.recv_timeout(LIMIT);
            let piece = piece.unwrap_or_else(|error| {
                panic!("no {what:?} ({error}): {}\n{}", self.seen, self.screen.screen().contents())
            });
            self.seen.push_str(&String::from_utf8_lossy(&piece));
            self.screen.process(&piece);
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
    let mut terminal = Terminal::start_up(&[]);
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
    let mut terminal = Terminal::start_up(&[("NO_COLOR", "1")]);
    terminal.see("consumer  | Received number: ");
    terminal.see("Open http://");
    assert!(!terminal.seen.contains("\x1b["), "{}", terminal.seen);
}

#[test]
fn load_draws_how_it_goes_and_leaves_its_report_on_the_terminal() {
    let server = Server::start(|number| Deed::Answer(200, if number % 2 == 0 { "producer.1@pi1" } else { "b@pi2" }));
    for end in ["q", "\x1b", CTRL_C] {
        let mut terminal = Terminal::start(&["load", &server.url(), "--duration=1h"], &[("TERM", "xterm-256color")]);
        terminal.see_on_screen("q ends it, with the report");
        terminal.see_on_screen("/s  50.0 %");
        terminal.see_on_screen("producer.1@pi1 █");
        terminal.press(end);
        let status = terminal.child.wait().unwrap();
        assert_eq!(status.exit_code(), 0);
        terminal.see_on_screen("errors     0");
        assert!(!terminal.screen.screen().alternate_screen(), "{}", terminal.screen.screen().contents());
    }
}

#[test]
fn load_draws_without_colours_if_wanted() {
    let server = Server::start(|_| Deed::Answer(200, "a"));
    let environment = [("TERM", "xterm-256color"), ("NO_COLOR", "1")];
    let mut terminal = Terminal::start(&["load", &server.url(), "--duration=1h"], &environment);
    terminal.see_on_screen("100.0 %");
    let screen = terminal.screen.screen();
    let cells = (0..ROWS).flat_map(|row| (0..COLUMNS).map(move |column| (row, column)));
    let mut colours = cells.filter_map(|(row, column)| screen.cell(row, column)).map(vt100::Cell::fgcolor);
    assert!(colours.all(|colour| colour == vt100::Color::Default));
}

#[test]
fn doctor_has_colours_on_a_terminal_unless_they_are_unwanted() {
    Terminal::start(&["doctor", "nothing.yml"], &[]).see("\x1b[31merror");
    let mut plain = Terminal::start(&["doctor", "nothing.yml"], &[("NO_COLOR", "1")]);
    plain.see("1 errors, ");
    assert!(!plain.seen.contains("\x1b["), "{}", plain.seen);
}
