//! What people read: lines of several instances, each under its instance's name.

use std::io::{self, Write};
use std::mem;

use service::logging::colour_is_welcome;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::fmt::MakeWriter;

/// Columns that names take; a longer one moves its line to the right.
const NAME_WIDTH: usize = 9;

/// Colours of names, by turns: cyan, green, yellow, magenta, blue, and the bright ones.
const COLOURS: [u8; 10] = [36, 32, 33, 35, 34, 96, 92, 93, 95, 94];

/// One of the process's two outputs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    /// For what a tutorial shows as output.
    Stdout,
    /// For logs.
    Stderr,
}

impl Stream {
    fn write_all(self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(bytes)?;
                stdout.flush()
            }
            Self::Stderr => io::stderr().lock().write_all(bytes),
        }
    }
}

impl Stream {
    fn is_coloured(self) -> bool {
        match self {
            Self::Stdout => colour_is_welcome(&io::stdout()),
            Self::Stderr => colour_is_welcome(&io::stderr()),
        }
    }
}

/// The terminal, or whatever takes its place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Console {
    /// Cancelled when it takes nothing any more: nobody is there.
    pub(crate) gone: CancellationToken,
}

impl Console {
    /// Lines under `name`; `number` chooses its colour.
    pub(crate) fn lines(&self, stream: Stream, name: &str, number: usize) -> Lines {
        let name = format!("{name:NAME_WIDTH$} |");
        let start = if stream.is_coloured() {
            format!("\x1b[{}m{name}\x1b[0m ", COLOURS[number % COLOURS.len()])
        } else {
            format!("{name} ")
        };
        Lines { stream, start, line: Vec::new(), gone: self.gone.clone() }
    }

    /// Prints text of the program's own to stdout.
    pub(crate) fn print(&self, text: &str) {
        if Stream::Stdout.write_all(text.as_bytes()).is_err() {
            self.gone.cancel();
        }
    }
}

/// Writes each line under a name, and at once, so that lines of several threads do not mix.
#[derive(Debug)]
pub(crate) struct Lines {
    stream: Stream,
    start: String,
    /// The line so far.
    line: Vec<u8>,
    gone: CancellationToken,
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let line = [self.start.as_bytes(), &mem::take(&mut self.line)].concat();
                self.stream.write_all(&line).inspect_err(|_| self.gone.cancel())?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Lines {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        Self { stream: self.stream, start: self.start.clone(), line: Vec::new(), gone: self.gone.clone() }
    }
}
