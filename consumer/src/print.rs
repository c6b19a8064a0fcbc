//! Lines on stdout, or elsewhere, from a thread of their own.
//!
//! A pipe that nobody reads (a paused pager, a log driver in trouble) holds that thread up, not the
//! polls' time limits, the health check or the stop.

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// Lines that wait while stdout takes none; then the polls wait.
const LINES_WAITING_MAX: usize = 16;

/// Longest wait at the stop for stdout to take the last lines; then they are lost.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);

/// A handle on the printing thread.
#[derive(Debug)]
pub(crate) struct Printer {
    lines: mpsc::Sender<String>,
    end: oneshot::Receiver<io::Error>,
}

impl Printer {
    /// Prints into `out`, line by line.
    pub(crate) fn start(mut out: impl Write + Send + 'static) -> Self {
        let (lines, mut waiting) = mpsc::channel::<String>(LINES_WAITING_MAX);
        let (failed, end) = oneshot::channel();
        thread::spawn(move || {
            while let Some(line) = waiting.blocking_recv() {
                if let Err(error) = print(&mut out, &line) {
                    // Nobody is interested when the service has stopped meanwhile.
                    let _ = failed.send(error);
                    return;
                }
            }
        });
        Self { lines, end }
    }

    /// Prints one line, or waits until it can be queued.
    ///
    /// # Errors
    /// What stopped the thread: stdout took no more.
    pub(crate) async fn print(&mut self, line: String) -> io::Result<()> {
        if self.lines.send(line).await.is_ok() {
            return Ok(());
        }
        // The thread ends early only with an error.
        Err((&mut self.end).await.unwrap_or_else(io::Error::other))
    }

    /// Waits until every line is out, [`FLUSH_TIMEOUT`] at most.
    pub(crate) async fn finish(self) {
        drop(self.lines);
        // The thread's end is what counts, with an error or without.
        let _ = timeout(FLUSH_TIMEOUT, self.end).await;
    }
}

/// Writes one line at once, also into a pipe, where stdout would hold it back.
fn print(out: &mut impl Write, line: &str) -> io::Result<()> {
    writeln!(out, "{line}")?;
    out.flush()
}
