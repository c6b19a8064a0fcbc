//! A client's stream, as hyper reads and writes it.
//!
//! It tells whether the client takes what is written. And it makes the bare refusals that hyper
//! sends by itself, for what is not HTTP or is too large, into errors like all others here: JSON, and
//! with the name of the replica. Only garbage that came together with a request before it still gets
//! a bare one, after that request's answer.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

use axum::http::{HeaderValue, StatusCode};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use metrics::Gauge;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::error::HttpError;

/// What happens on a connection.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    asked: AtomicUsize,
    answered: AtomicUsize,
    /// The answer to the last request is the service's, or is to come from it.
    answers: AtomicBool,
    /// The client has not taken yet what was answered.
    unwritten: AtomicBool,
    /// It is a WebSocket by now.
    upgraded: AtomicBool,
}

impl Activity {
    /// A request has come.
    pub(crate) fn note_request(&self) {
        self.asked.fetch_add(1, Relaxed);
    }

    /// The head of its answer is known.
    pub(crate) fn note_answer(&self) {
        self.answers.store(true, Relaxed);
    }

    /// The last of the answer's body is on its way to the client.
    pub(crate) fn note_body_given(&self) {
        self.answered.fetch_add(1, Relaxed);
    }

    /// Requests are over; the stream is somebody else's from now on.
    pub(crate) fn note_upgrade(&self) {
        self.upgraded.store(true, Relaxed);
    }

    /// While the client is to send a request: how many it sent before.
    pub(crate) fn waiting(&self) -> Option<usize> {
        let asked = self.asked.load(Relaxed);
        let busy = asked != self.answered.load(Relaxed) || self.unwritten.load(Relaxed);
        (!busy && !self.upgraded.load(Relaxed)).then_some(asked)
    }

    /// Whether what hyper writes now is its own refusal.
    fn is_refused(&self) -> bool {
        !self.answers.load(Relaxed)
            && self.asked.load(Relaxed) == self.answered.load(Relaxed)
            && !self.upgraded.load(Relaxed)
    }
}

/// A client's stream.
pub(crate) struct ClientStream {
    stream: TokioIo<TcpStream>,
    activity: Arc<Activity>,
    served_by: HeaderValue,
    /// What is still to be written of a refusal.
    refusal: Vec<u8>,
    _open: Open,
}

impl ClientStream {
    pub(crate) fn new(stream: TcpStream, activity: Arc<Activity>, served_by: HeaderValue, open: Open) -> Self {
        Self { stream: TokioIo::new(stream), activity, served_by, refusal: Vec::new(), _open: open }
    }
}

/// An open connection, as gauge, slots and stop count it: as long as its stream lives, also as a
/// WebSocket, and however it ends.
pub(crate) struct Open {
    gauge: Gauge,
    _slot: OwnedSemaphorePermit,
    _tracked: TaskTrackerToken,
}

impl Open {
    pub(crate) fn new(gauge: Gauge, slot: OwnedSemaphorePermit, tracked: TaskTrackerToken) -> Self {
        gauge.increment(1);
        Self { gauge, _slot: slot, _tracked: tracked }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.gauge.decrement(1);
    }
}

impl Read for ClientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready() && self.activity.waiting().is_some() {
            self.activity.answers.store(false, Relaxed);
        }
        read
    }
}

impl Write for ClientStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.activity.is_refused() {
            self.refusal = refusal(bytes, &self.served_by);
            return Poll::Ready(Ok(bytes.len()));
        }
        // hyper writes until all is written, or this is pending.
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.activity.unwritten.store(written.is_pending(), Relaxed);
        written
    }

    /// For `WebSockets`, whose owner writes many frames at one go; hyper is told to write one buffer.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if !self.activity.upgraded.load(Relaxed) {
            let first = buffers.iter().find(|buffer| !buffer.is_empty());
            return self.poll_write(context, first.map_or(&[], |buffer| buffer));
        }
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.refusal.is_empty() {
            let Self { stream, refusal, .. } = &mut *self;
            let written = ready!(Pin::new(stream).poll_write(context, refusal))?;
            refusal.drain(..written);
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// An error with the status of hyper's answer, of which only the first line counts.
fn refusal(answer: &[u8], served_by: &HeaderValue) -> Vec<u8> {
    // `HTTP/1.1 400 Bad Request`; hyper writes no other form.
    let status = answer.get(9..12).and_then(|code| StatusCode::from_bytes(code).ok());
    let status = status.unwrap_or(StatusCode::BAD_REQUEST);
    let message = match status {
        StatusCode::URI_TOO_LONG => "the path is too long",
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => "the headers are too large or too many",
        _ => "this is not an HTTP/1 request",
    };
    let body = HttpError::new(status, message).to_json();
    let mut answer = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\nx-served-by: ",
        body.len()
    )
    .into_bytes();
    answer.extend_from_slice(served_by.as_bytes());
    answer.extend_from_slice(b"\r\n\r\n");
    answer.extend_from_slice(&body);
    answer
}
