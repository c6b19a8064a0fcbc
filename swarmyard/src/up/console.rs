//! What people read: lines of several instances, each under its instance's name.

use std::io::{self, Write};
use std::mem;
use std::sync::Arc;

use service::logging::colour_is_welcome;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::fmt::MakeWriter;

use super::output::Output;

/// Columns that names take; a longer one moves its line to the right.
const NAME_WIDTH: usize = 9;

/// Colours of names, by turns: cyan, green, yellow, magenta, blue, and the bright ones.
const COLOURS: [u8; 10] = [36, 32, 33, 35, 34, 96, 92, 93, 95, 94];

/// The terminal, or whatever takes its place.
#[derive(Clone, Debug)]
pub(crate) struct Console {
    /// For what a tutorial shows as output.
    pub(crate) stdout: Output,
    stdout_is_coloured: bool,
    /// For logs.
    stderr: Output,
    stderr_is_coloured: bool,
    /// Cancelled when one of them takes nothing any more: nobody is there.
    pub(crate) gone: CancellationToken,
}

impl Console {
    /// The process's own.
    pub(crate) fn start() -> Self {
        let gone = CancellationToken::new();
        Self {
            stdout: Output::start(io::stdout(), gone.clone()),
            stdout_is_coloured: colour_is_welcome(&io::stdout()),
            stderr: Output::start(io::stderr(), gone.clone()),
            stderr_is_coloured: colour_is_welcome(&io::stderr()),
            gone,
        }
    }

    /// Lines on stdout under `name`; `number` chooses its colour.
    pub(crate) fn stdout_lines(&self, name: &str, number: usize) -> Lines {
        Lines::new(self.stdout.clone(), name, self.stdout_is_coloured.then_some(number))
    }

    /// The same on stderr.
    pub(crate) fn stderr_lines(&self, name: &str, number: usize) -> Lines {
        Lines::new(self.stderr.clone(), name, self.stderr_is_coloured.then_some(number))
    }

    /// Waits a moment until all is written.
    ///
    /// # Errors
    /// What kept it from being written, if somebody was there to read it.
    pub(crate) fn finish(&self) -> io::Result<()> {
        self.stderr.finish().and(self.stdout.finish())
    }
}

/// Writes each line under a name, and whole, so that lines of several threads do not mix.
#[derive(Clone, Debug)]
pub(crate) struct Lines {
    output: Output,
    start: Arc<str>,
    /// The line so far.
    line: Vec<u8>,
}

impl Lines {
    fn new(output: Output, name: &str, colour: Option<usize>) -> Self {
        let name = format!("{name:NAME_WIDTH$} |");
        let start = match colour {
            Some(number) => format!("\x1b[{}m{name}\x1b[0m ", COLOURS[number % COLOURS.len()]),
            None => format!("{name} "),
        };
        Self { output, start: start.into(), line: Vec::new() }
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.output.write([self.start.as_bytes(), &mem::take(&mut self.line)].concat());
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Each event of the log writes its own line.
impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self { output: self.output.clone(), start: self.start.clone(), line: Vec::new() }
    }
}
