//! A real terminal: the client on one side of it, a test with keyboard and eyes on the other.

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use testing::LIMIT;

use crate::CLIENT;

/// How often a condition is looked at while the screen stays the same.
const GLANCE: Duration = Duration::from_millis(20);

/// Keys as a terminal sends them.
pub(crate) const ENTER: &str = "\r";
pub(crate) const ESCAPE: &str = "\x1b";
pub(crate) const PAGE_UP: &str = "\x1b[5~";
pub(crate) const TAB: &str = "\t";
pub(crate) const CTRL_Q: &str = "\x11";

/// What the program wrote: as it is, and as it looks.
struct Output {
    bytes: Vec<u8>,
    screen: vt100::Parser,
    is_over: bool,
}

/// A client in a terminal; it is killed when this is dropped.
pub(crate) struct Terminal {
    master: Box<dyn MasterPty>,
    keyboard: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    output: Arc<(Mutex<Output>, Condvar)>,
}

impl Terminal {
    /// Starts the client in a terminal of 80 columns and 24 rows.
    pub(crate) fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let size = size(80, 24);
        let pty = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(CLIENT);
        command.args(arguments);
        command.env_clear();
        command.env("TERM", "xterm-256color");
        for (name, value) in environment {
            command.env(name, value);
        }
        let child = pty.slave.spawn_command(command).unwrap();
        let mut reader = pty.master.try_clone_reader().unwrap();
        let screen = vt100::Parser::new(cells(size.rows), cells(size.cols), 0);
        let output = Arc::new((Mutex::new(Output { bytes: Vec::new(), screen, is_over: false }), Condvar::new()));
        let shared = output.clone();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                // An error is how Linux says that the program has gone.
                let size = reader.read(&mut buffer).unwrap_or(0);
                let (output, changed) = &*shared;
                let mut output = output.lock().unwrap();
                output.bytes.extend_from_slice(&buffer[..size]);
                output.screen.process(&buffer[..size]);
                output.is_over = size == 0;
                changed.notify_all();
                if size == 0 {
                    return;
                }
            }
        });
        Self { keyboard: pty.master.take_writer().unwrap(), master: pty.master, child, output }
    }

    /// Types keys.
    pub(crate) fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// Waits until the screen fulfils `condition`; gives its text.
    pub(crate) fn until(&self, what: &str, condition: impl Fn(&vt100::Screen) -> bool) -> String {
        let start = Instant::now();
        let (output, changed) = &*self.output;
        let mut output = output.lock().unwrap();
        while !condition(output.screen.screen()) {
            if output.is_over || start.elapsed() > LIMIT {
                let screen = output.screen.screen().contents();
                // The thread that reads goes on without a poisoned lock.
                drop(output);
                panic!("not on the screen: {what}:\n{screen}");
            }
            // Some conditions are not about the screen, which then does not change.
            output = changed.wait_timeout(output, GLANCE).unwrap().0;
        }
        output.screen.screen().contents()
    }

    /// Waits until `text` is on the screen.
    pub(crate) fn see(&self, text: &str) -> String {
        self.until(text, |screen| screen.contents().contains(text))
    }

    /// Waits until `text` is on the screen no more.
    pub(crate) fn see_no_more(&self, text: &str) -> String {
        self.until(&format!("no {text}"), |screen| !screen.contents().contains(text))
    }

    /// Makes the terminal another size.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        self.output.0.lock().unwrap().screen.screen_mut().set_size(cells(rows), cells(columns));
        self.master.resize(size(columns, rows)).unwrap();
    }

    /// The process's id.
    pub(crate) fn id(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Waits for the program's end; gives its status and all that it wrote.
    pub(crate) fn end(mut self) -> (ExitStatus, Vec<u8>) {
        let start = Instant::now();
        let (output, changed) = &*self.output;
        let mut output = output.lock().unwrap();
        while !output.is_over {
            output = changed.wait_timeout(output, LIMIT).unwrap().0;
            assert!(start.elapsed() < LIMIT, "the program does not end:\n{}", output.screen.screen().contents());
        }
        (self.child.wait().unwrap(), std::mem::take(&mut output.bytes))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

fn cells(number: u16) -> NonZero<u16> {
    NonZero::new(number).unwrap()
}
