//! One client of a fleet.

use std::io::{self, ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};

use socket2::{Domain, Socket, Type};

use crate::checks::Received;
use crate::frame::{MessageFrame, TEXT, put_frame};
use crate::token::Token;

/// The request that turns a connection into a WebSocket; a benchmark's key need not be random.
const UPGRADE: &[u8] = b"GET / HTTP/1.1\r\nHost: chat\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// How far a connection is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum State {
    /// The kernel connects, or the server has not agreed to be a WebSocket yet.
    Opening,
    /// A WebSocket.
    Open,
    /// Ended, by whomever; or it never began.
    Ended,
}

/// One client of a fleet.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) state: State,
    /// Which of the fleet's figures it counts for.
    pub(crate) group: usize,
    /// What it sends, if it does.
    pub(crate) message: Option<MessageFrame>,
    /// Messages that it has sent.
    pub(crate) sent: u32,
    /// Messages that the server has refused.
    pub(crate) refused: u32,
    pub(crate) received: Received,
    /// When it began to connect, was a WebSocket, and was in the room; microseconds of the fleet.
    pub(crate) begun_us: u32,
    pub(crate) open_us: Option<u32>,
    pub(crate) joined_us: Option<u32>,
    /// The code of the server's close frame; 1005 for one without.
    pub(crate) close_code: Option<u16>,
    /// What was read of a frame that is not all there yet.
    pub(crate) partial: Vec<u8>,
    /// What the kernel has not taken yet.
    pub(crate) out: Vec<u8>,
    pub(crate) stream: Option<TcpStream>,
}

impl Connection {
    /// Begins to connect. A receive buffer of few bytes makes a client that soon takes no more.
    ///
    /// # Errors
    /// When the system has no more sockets, or refuses at once.
    pub(crate) fn begin(
        address: SocketAddr,
        group: usize,
        receive_bytes: Option<usize>,
        begun_us: u32,
    ) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        if let Some(bytes) = receive_bytes {
            socket.set_recv_buffer_size(bytes)?;
        }
        match socket.connect(&address.into()) {
            Err(error) if error.raw_os_error() != Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {
                return Err(error);
            }
            _ => {}
        }
        Ok(Self {
            state: State::Opening,
            group,
            message: None,
            sent: 0,
            refused: 0,
            received: Received::default(),
            begun_us,
            open_us: None,
            joined_us: None,
            close_code: None,
            partial: Vec::new(),
            out: UPGRADE.to_vec(),
            stream: Some(socket.into()),
        })
    }

    /// Queues a text.
    pub(crate) fn put_text(&mut self, text: &str) {
        put_frame(&mut self.out, TEXT, text.as_bytes());
    }

    /// Queues the client's next message; gives its counter. Only for one that has a `message`.
    pub(crate) fn put_message(&mut self, index: usize, sent_us: u32) -> u32 {
        let Some(message) = &self.message else { return 0 };
        self.sent += 1;
        message.put(&mut self.out, Token { sender: index as u32, counter: self.sent, sent_us });
        self.sent
    }

    /// Writes what is queued, as far as the kernel takes it; true when it took all.
    ///
    /// # Errors
    /// When the connection is gone.
    pub(crate) fn flush(&mut self) -> io::Result<bool> {
        let Some(stream) = &mut self.stream else { return Ok(true) };
        while !self.out.is_empty() {
            match stream.write(&self.out) {
                Ok(written) => drop(self.out.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}
