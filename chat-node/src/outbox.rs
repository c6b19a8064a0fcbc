//! What waits to be sent to one client: bounded, filled without waiting, so that a client that does
//! not read slows nobody.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use tokio::sync::Notify;
use tokio_util::bytes::Buf;

/// Most bytes that wait for one client. One that leaves more unread is disconnected with a close
/// frame that says so. A room's history at its longest (100 messages of 5000 four-byte characters)
/// fits twice; an answer that is larger by itself, such as a long list of rooms, is taken when nothing
/// else waits.
pub(crate) const OUTBOX_BYTES_MAX: usize = 4 * 1024 * 1024;

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

/// One client connection, as rooms know it.
#[derive(Clone, Debug)]
pub(crate) struct Outbox(Arc<Shared>);

/// Tells connections apart, in this process.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct ConnectionId(u64);

#[derive(Debug)]
struct Shared {
    id: ConnectionId,
    state: Mutex<State>,
    changed: Notify,
    overflowed: Notify,
}

#[derive(Debug, Default)]
struct State {
    frames: Queue,
    /// The client did not read, or the connection is gone: nothing is queued any more.
    closed: bool,
}

impl Outbox {
    pub(crate) fn new() -> Self {
        let id = ConnectionId(NEXT_ID.fetch_add(1, Relaxed));
        Self(Arc::new(Shared { id, state: Mutex::default(), changed: Notify::new(), overflowed: Notify::new() }))
    }

    pub(crate) fn id(&self) -> ConnectionId {
        self.0.id
    }

    /// Queues whole frames. False when the connection is closed, or is from now on since its client
    /// does not read: who asks may forget it.
    pub(crate) fn push(&self, frames: Bytes) -> bool {
        let mut state = self.state();
        if state.closed {
            return false;
        }
        if !state.frames.is_empty() && state.frames.bytes + frames.len() > OUTBOX_BYTES_MAX {
            state.closed = true;
            state.frames = Queue::default();
            drop(state);
            self.0.overflowed.notify_one();
            return false;
        }
        let was_empty = state.frames.is_empty();
        state.frames.push(frames);
        drop(state);
        if was_empty {
            self.0.changed.notify_one();
        }
        true
    }

    /// Waits for frames, and moves them to `queue`.
    pub(crate) async fn take(&self, queue: &mut Queue) {
        loop {
            {
                let mut state = self.state();
                if !state.frames.is_empty() {
                    queue.append(&mut state.frames);
                    return;
                }
            }
            self.0.changed.notified().await;
        }
    }

    /// Moves what is there to `queue`, without waiting.
    pub(crate) fn take_now(&self, queue: &mut Queue) {
        queue.append(&mut self.state().frames);
    }

    /// Waits until the client has left too much unread. Once told, it is not told again.
    pub(crate) async fn overflowed(&self) {
        self.0.overflowed.notified().await;
    }

    /// The connection is gone.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.frames = Queue::default();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whole frames in their order, of which the first may be written in part.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    chunks: VecDeque<Bytes>,
    bytes: usize,
    /// Some of the first chunk is written already.
    begun: bool,
}

impl Queue {
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    pub(crate) fn push(&mut self, frames: Bytes) {
        self.bytes += frames.len();
        self.chunks.push_back(frames);
    }

    fn append(&mut self, other: &mut Self) {
        self.bytes += std::mem::take(&mut other.bytes);
        if self.chunks.is_empty() {
            std::mem::swap(&mut self.chunks, &mut other.chunks);
        } else {
            self.chunks.append(&mut other.chunks);
        }
    }

    /// Drops what is not begun: after it, a new frame can follow.
    pub(crate) fn keep_what_is_begun(&mut self) {
        self.chunks.truncate(usize::from(self.begun));
        self.bytes = self.chunks.iter().map(Bytes::len).sum();
    }
}

impl Buf for Queue {
    fn remaining(&self) -> usize {
        self.bytes
    }

    fn chunk(&self) -> &[u8] {
        self.chunks.front().map_or(&[], |first| first)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let used = self.chunks.iter().zip(slices).map(|(chunk, slice)| *slice = IoSlice::new(chunk));
        used.count()
    }

    fn advance(&mut self, mut count: usize) {
        self.bytes -= count;
        while count > 0 {
            // `count` is at most what remains, so there is a chunk.
            let Some(first) = self.chunks.front_mut() else { return };
            if count < first.len() {
                first.advance(count);
                self.begun = true;
                return;
            }
            count -= first.len();
            self.chunks.pop_front();
            self.begun = false;
        }
        // An idle connection keeps no memory for its busiest moment.
        if self.chunks.is_empty() {
            self.chunks = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_come_out_in_their_order() {
        let outbox = Outbox::new();
        assert!(outbox.push(Bytes::from_static(b"one ")));
        assert!(outbox.push(Bytes::from_static(b"two ")));
        let mut queue = Queue::default();
        outbox.take(&mut queue).await;
        assert!(outbox.push(Bytes::from_static(b"three")));
        outbox.take(&mut queue).await;
        assert_eq!(queue.copy_to_bytes(queue.remaining()), "one two three");
    }

    #[tokio::test]
    async fn a_client_that_leaves_too_much_unread_is_told_of_and_gets_no_more() {
        let outbox = Outbox::new();
        let half = Bytes::from(vec![0; OUTBOX_BYTES_MAX / 2]);
        assert!(outbox.push(half.clone()));
        assert!(outbox.push(half));
        assert!(!outbox.push(Bytes::from_static(b"x")));
        assert!(!outbox.push(Bytes::from_static(b"x")));
        outbox.overflowed().await;
        let mut queue = Queue::default();
        outbox.take_now(&mut queue);
        assert!(queue.is_empty());
    }

    #[test]
    fn one_large_answer_is_taken_when_nothing_else_waits() {
        let outbox = Outbox::new();
        assert!(outbox.push(Bytes::from(vec![0; OUTBOX_BYTES_MAX + 1])));
        assert!(!outbox.push(Bytes::from_static(b"x")));
    }

    #[test]
    fn what_is_begun_is_finished_and_the_rest_can_be_dropped() {
        let mut queue = Queue::default();
        queue.push(Bytes::from_static(b"first"));
        queue.push(Bytes::from_static(b"second"));
        queue.advance(2);
        queue.keep_what_is_begun();
        queue.push(Bytes::from_static(b"!"));
        assert_eq!(queue.copy_to_bytes(queue.remaining()), "rst!");
        queue.push(Bytes::from_static(b"unbegun"));
        queue.keep_what_is_begun();
        assert!(queue.is_empty());
    }
}
