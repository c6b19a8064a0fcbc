//! One connection.

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::header::HeaderMap;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use service::identity::X_SERVED_BY;

use super::{Addresses, Failure};

/// Largest head of an answer; a larger one is no answer.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// An open connection.
#[derive(Debug)]
pub(crate) struct Connection {
    sender: SendRequest<Empty<Bytes>>,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    /// As the protocol has it.
    Orderly,
    /// By a reset, for connections that end by the thousand: an orderly end would keep this machine's port for a
    /// minute, and there are some 28,000.
    Reset,
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Bytes of the body.
    pub(crate) size: u64,
}

/// Why there is none.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// The server had ended the connection before the request left: another connection may carry it.
    NotAsked,
    /// The request has failed.
    Failed(Failure),
}

impl Answer {
    /// Who says to have given it, if anybody does in plain text.
    pub(crate) fn served_by(&self) -> Option<&str> {
        self.headers.get(X_SERVED_BY)?.to_str().ok()
    }

    /// What is wrong with it, if its status is an error's.
    pub(crate) fn failure(&self) -> Option<Failure> {
        let is_error = self.status.is_client_error() || self.status.is_server_error();
        is_error.then(|| Failure::Status(self.status.as_u16()))
    }
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When there is nobody, or no way there. How long that may take is the caller's to say.
    pub(crate) async fn open(addresses: &Addresses, end: End) -> Result<Self, Failure> {
        let stream = addresses.connect().await?;
        // Where these cannot be had, requests are only later, and ports only rarer.
        let _ = stream.set_nodelay(true);
        if end == End::Reset {
            let _ = stream.set_zero_linger();
        }
        let handshake = Builder::new().max_buf_size(HEAD_BYTES_MAX).handshake(TokioIo::new(stream)).await;
        let (sender, connection) = handshake.map_err(|error| Failure::from(&error))?;
        // It ends with its sender; who waits for an answer gets its error.
        tokio::spawn(async { drop(connection.await) });
        Ok(Self { sender })
    }

    /// Waits until the answer before is done with; false when the server has ended the connection.
    pub(crate) async fn is_usable(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    /// Sends a request, and gives the answer with its body unread.
    ///
    /// # Errors
    /// When there is no answer. How long that may take is the caller's to say; dropping this ends the connection.
    pub(crate) async fn send(&mut self, request: Request<Empty<Bytes>>) -> Result<Response<Incoming>, NoAnswer> {
        self.sender.try_send_request(request).await.map_err(|mut error| match error.take_message() {
            Some(_) => NoAnswer::NotAsked,
            None => NoAnswer::Failed(error.error().into()),
        })
    }

    /// Sends a request, and passes over the answer's body.
    ///
    /// # Errors
    /// As [`Connection::send`].
    pub(crate) async fn ask(&mut self, request: Request<Empty<Bytes>>) -> Result<Answer, NoAnswer> {
        let (head, mut body) = self.send(request).await?.into_parts();
        let mut size = 0;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| NoAnswer::Failed(Failure::from(&error)))?;
            size += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        Ok(Answer { status: head.status, headers: head.headers, size })
    }
}
