//! One of the process's two outputs, written by a thread of its own: one that nobody reads (a full pipe, a paused
//! terminal) holds up neither the services nor the stop.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Pieces of text, lines for the most part, that wait for a reader; further ones are left out, and their number
/// is told.
const PIECES_WAITING_MAX: usize = 1000;

/// Longest wait at the stop for a reader to take the last lines; then they are lost.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);

/// A handle on the thread that writes.
#[derive(Clone, Debug)]
pub(crate) struct Output(Arc<(Mutex<Queue>, Condvar)>);

#[derive(Debug, Default)]
struct Queue {
    pieces: VecDeque<Vec<u8>>,
    /// Nothing is written before [`Output::begin_with`].
    is_held: bool,
    is_writing: bool,
    left_out: usize,
    /// Nothing can be written any more.
    error: Option<io::Error>,
}

impl Output {
    /// Starts the thread. It cancels `gone` when nothing can be written any more.
    pub(crate) fn start(mut stream: impl Write + Send + 'static, gone: CancellationToken) -> Self {
        let output = Self(Arc::default());
        let writer = output.clone();
        thread::spawn(move || {
            loop {
                let text = writer.next_text();
                let written = stream.write_all(&text).and_then(|()| stream.flush());
                let mut queue = writer.lock();
                queue.is_writing = false;
                writer.0.1.notify_all();
                if let Err(error) = written {
                    queue.error = Some(error);
                    gone.cancel();
                    return;
                }
            }
        });
        output
    }

    /// Has everything wait for [`Output::begin_with`].
    pub(crate) fn hold(&self) {
        self.lock().is_held = true;
    }

    /// Writes this before everything that waits.
    pub(crate) fn begin_with(&self, text: String) {
        let mut queue = self.lock();
        queue.pieces.push_front(text.into_bytes());
        queue.is_held = false;
        self.0.1.notify_all();
    }

    /// Writes this, soon.
    pub(crate) fn write(&self, piece: Vec<u8>) {
        let mut queue = self.lock();
        if queue.error.is_some() {
            return;
        }
        if queue.pieces.len() < PIECES_WAITING_MAX {
            queue.pieces.push_back(piece);
        } else {
            queue.left_out += 1;
        }
        self.0.1.notify_all();
    }

    /// Waits until all is written, [`FLUSH_TIMEOUT`] at most.
    ///
    /// # Errors
    /// What kept it from being written, but for a reader that went away: that is its right.
    pub(crate) fn finish(&self) -> io::Result<()> {
        let mut queue = self.lock();
        queue.is_held = false;
        self.0.1.notify_all();
        let is_busy = |queue: &mut Queue| queue.error.is_none() && (queue.is_writing || !queue.pieces.is_empty());
        let waited = self.0.1.wait_timeout_while(queue, FLUSH_TIMEOUT, is_busy);
        let (mut queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match queue.error.take() {
            Some(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }

    /// Waits for text, and takes all that is there.
    fn next_text(&self) -> Vec<u8> {
        let is_idle = |queue: &mut Queue| queue.is_held || queue.pieces.is_empty();
        let waited = self.0.1.wait_while(self.lock(), is_idle);
        let mut queue = waited.unwrap_or_else(PoisonError::into_inner);
        queue.is_writing = true;
        let mut text = mem::take(&mut queue.pieces).into_iter().collect::<Vec<_>>().concat();
        let left_out = mem::take(&mut queue.left_out);
        if left_out > 0 {
            text.extend(format!("({left_out} lines were left out, since nobody read what was printed)\n").bytes());
        }
        text
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};

    /// As a file on a full disk.
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_output_that_nobody_reads_holds_nobody_up_and_tells_later_what_is_missing() {
        let (reader, writer) = io::pipe().unwrap();
        let output = Output::start(writer, CancellationToken::new());
        let line = [vec![b'x'; 999], vec![b'\n']].concat();
        for _ in 0..3 * PIECES_WAITING_MAX {
            output.write(line.clone());
        }
        output.finish().unwrap();
        let mut lines = BufReader::new(reader).lines().map(Result::unwrap);
        let told = lines.find(|line| line.starts_with('(')).unwrap();
        assert!(told.contains("lines were left out"), "{told}");
        drop(lines);
    }

    #[test]
    fn what_is_said_first_comes_before_what_waited() {
        let (reader, writer) = io::pipe().unwrap();
        let output = Output::start(writer, CancellationToken::new());
        output.hold();
        output.write(b"second\n".to_vec());
        output.begin_with("first\n".to_owned());
        let lines: Vec<_> = BufReader::new(reader).lines().take(2).map(Result::unwrap).collect();
        assert_eq!(lines, ["first", "second"]);
    }

    #[test]
    fn a_reader_that_goes_away_is_no_error_and_a_full_disk_is() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let gone = CancellationToken::new();
        let output = Output::start(writer, gone.clone());
        output.write(b"line\n".to_vec());
        assert!(output.finish().is_ok() && gone.is_cancelled());

        let output = Output::start(Full, CancellationToken::new());
        output.write(b"line\n".to_vec());
        assert_eq!(output.finish().unwrap_err().kind(), ErrorKind::StorageFull);
    }
}
