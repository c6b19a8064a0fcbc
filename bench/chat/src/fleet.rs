//! Many clients in one thread.
//!
//! The load shares the processors with the servers, so a delivery must cost it much less than them:
//! large reads, frames found in place, no parser. Yet each delivery is checked.

use std::io::Read;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use hdrhistogram::Histogram;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;
use serde_json::{Value, json};

use crate::checks::Faults;
use crate::connection::{Connection, State};
use crate::frame::{CLOSE, PING, PONG, TEXT, find, put_frame, take_frame};
use crate::interrupt::is_interrupted;
use crate::layout::{Delivery, Layout};

/// Bytes that are read at once.
const READ_BYTES: usize = 128 * 1024;

/// The longest frame that a server may send; a list of 5,000 members takes a tenth.
const FRAME_BYTES_MAX: usize = 1024 * 1024;

/// Connections that are looked at in one step.
const EVENTS_MAX: usize = 512;

/// Longest latency that is told from longer ones.
const LATENCY_US_MAX: u64 = 60_000_000;

/// Longest wait for what was sent to come to all; then it counts as lost.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// How often a state that has no event is looked at.
pub(crate) const GLANCE: Duration = Duration::from_millis(10);

/// Told what happens to the clients of a fleet.
pub(crate) trait Watch {
    /// A message came to a client.
    fn delivered(&mut self, _client: usize, _delivery: &Delivery) {}
    /// Any other text came to a client.
    fn answered(&mut self, _client: usize, _kind: &str, _text: &str) {}
}

impl Watch for () {}

/// Many clients in one thread.
pub(crate) struct Fleet {
    pub(crate) clients: Vec<Connection>,
    /// Messages that came to clients.
    pub(crate) delivered: u64,
    /// Bytes that came to clients, and how many reads that took.
    pub(crate) read_bytes: u64,
    pub(crate) reads: u64,
    /// Times from a message's way out to its way in, in microseconds, a group each.
    pub(crate) latencies: Vec<Histogram<u64>>,
    /// Whether a client sends another message for each of its own that comes back.
    pub(crate) refills: bool,
    /// The room that clients join when they are connected.
    room: Option<String>,
    numbered: bool,
    layout: Layout,
    epoll: OwnedFd,
    start: Instant,
    buffer: Vec<u8>,
    /// Clients whose `out` the kernel did not take.
    blocked: Vec<usize>,
}

impl Fleet {
    /// No clients yet. With a `room`, each joins it. The server is one that numbers messages, or not.
    ///
    /// # Errors
    /// When the system has no more files.
    pub(crate) fn new(numbered: bool, room: Option<String>, groups: usize) -> anyhow::Result<Self> {
        let latency = Histogram::new_with_max(LATENCY_US_MAX, 3)?;
        Ok(Self {
            clients: Vec::new(),
            delivered: 0,
            read_bytes: 0,
            reads: 0,
            latencies: vec![latency; groups],
            refills: false,
            room,
            numbered,
            layout: Layout::new(numbered),
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            start: Instant::now(),
            buffer: vec![0; FRAME_BYTES_MAX + READ_BYTES],
            blocked: Vec::new(),
        })
    }

    /// Microseconds since the fleet was made; enough for 71 minutes.
    pub(crate) fn now_us(&self) -> u32 {
        self.start.elapsed().as_micros() as u32
    }

    /// Begins to connect one more client; gives its index.
    ///
    /// # Errors
    /// When the system has no more sockets.
    pub(crate) fn connect(
        &mut self,
        address: SocketAddr,
        group: usize,
        receive_bytes: Option<usize>,
    ) -> anyhow::Result<usize> {
        let client = Connection::begin(address, group, receive_bytes, self.now_us())
            .with_context(|| format!("cannot connect to {address}"))?;
        let index = self.clients.len();
        // The first event is that it is connected; then only reading matters.
        let interest = epoll::EventFlags::IN | epoll::EventFlags::OUT;
        if let Some(stream) = &client.stream {
            epoll::add(&self.epoll, stream, epoll::EventData::new_u64(index as u64), interest)?;
        }
        self.clients.push(client);
        Ok(index)
    }

    /// The name of a client in the room.
    pub(crate) fn user(index: usize) -> String {
        format!("u{index:05}")
    }

    /// A client's next message; gives its counter.
    pub(crate) fn send(&mut self, index: usize) -> u32 {
        let now = self.now_us();
        let counter = self.clients[index].put_message(index, now);
        self.flush(index);
        counter
    }

    /// A text from a client.
    pub(crate) fn send_text(&mut self, index: usize, text: &str) {
        self.clients[index].put_text(text);
        self.flush(index);
    }

    /// Lets a client stop or go on reading.
    ///
    /// # Errors
    /// When the system refuses.
    pub(crate) fn set_reading(&self, index: usize, reads: bool) -> anyhow::Result<()> {
        let interest = if reads { epoll::EventFlags::IN } else { epoll::EventFlags::empty() };
        if let Some(stream) = &self.clients[index].stream {
            epoll::modify(&self.epoll, stream, epoll::EventData::new_u64(index as u64), interest)?;
        }
        Ok(())
    }

    /// Does what there is to do, or waits for it for `limit` at most.
    ///
    /// # Errors
    /// When the program is to stop, or a server sends what is no frame.
    pub(crate) fn step(&mut self, limit: Duration, watch: &mut impl Watch) -> anyhow::Result<()> {
        ensure!(!is_interrupted(), "interrupted");
        for index in std::mem::take(&mut self.blocked) {
            self.flush(index);
        }
        let limit = if self.blocked.is_empty() { limit } else { limit.min(GLANCE) };
        let mut events = Vec::with_capacity(EVENTS_MAX);
        let waited = epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&Timespec::try_from(limit)?));
        ensure!(matches!(waited, Ok(_) | Err(rustix::io::Errno::INTR)), "cannot wait for events: {waited:?}");
        for event in events {
            let (index, flags) = (event.data.u64() as usize, event.flags);
            if flags.contains(epoll::EventFlags::OUT) {
                self.set_reading(index, true)?;
                self.flush(index);
            }
            if flags.intersects(epoll::EventFlags::IN | epoll::EventFlags::HUP | epoll::EventFlags::ERR) {
                self.read(index, watch)?;
            }
        }
        Ok(())
    }

    /// Steps for some time.
    ///
    /// # Errors
    /// As [`Fleet::step`].
    pub(crate) fn run_for(&mut self, time: Duration, watch: &mut impl Watch) -> anyhow::Result<()> {
        let start = Instant::now();
        while let Some(left) = time.checked_sub(start.elapsed()) {
            self.step(left.min(GLANCE), watch)?;
        }
        Ok(())
    }

    /// Steps until `done`; false when it is not after `limit`.
    ///
    /// # Errors
    /// As [`Fleet::step`].
    pub(crate) fn run_until(&mut self, limit: Duration, mut done: impl FnMut(&Self) -> bool) -> anyhow::Result<bool> {
        let start = Instant::now();
        while !done(self) {
            if start.elapsed() > limit {
                return Ok(false);
            }
            self.step(GLANCE, &mut ())?;
        }
        Ok(true)
    }

    /// Stops refilling, waits until everybody in the fleet has everything, and says what went wrong.
    ///
    /// # Errors
    /// As [`Fleet::step`].
    pub(crate) fn finish(&mut self) -> anyhow::Result<Faults> {
        self.refills = false;
        let expected = |fleet: &Self| -> u64 {
            fleet.clients.iter().map(|client| u64::from(client.sent) - u64::from(client.refused)).sum()
        };
        let start = Instant::now();
        // Looking at all clients takes longer than a step.
        while start.elapsed() < DRAIN_LIMIT
            && !self.clients.iter().all(|c| c.state == State::Ended || c.received.messages >= expected(self))
        {
            self.run_for(GLANCE, &mut ())?;
        }
        // What may still come is one too many.
        self.run_for(2 * GLANCE, &mut ())?;
        let expected = expected(self);
        let mut faults = Faults::default();
        let mut order = None;
        for client in &self.clients {
            faults += client.received.faults;
            faults.refused += u64::from(client.refused);
            faults.lost += expected.saturating_sub(client.received.messages);
            faults.dropped += u64::from(client.state == State::Ended);
            if self.numbered && client.state == State::Open {
                faults.order_differs += u64::from(*order.get_or_insert(client.received.order) != client.received.order);
            }
        }
        Ok(faults)
    }

    fn flush(&mut self, index: usize) {
        match self.clients[index].flush() {
            Ok(true) => {}
            Ok(false) => self.blocked.push(index),
            // What the server sent before is still to be read; reading finds the end.
            Err(_) if self.clients[index].state == State::Open => self.clients[index].out.clear(),
            Err(_) => self.end(index),
        }
    }

    fn read(&mut self, index: usize, watch: &mut impl Watch) -> anyhow::Result<()> {
        let client = &mut self.clients[index];
        let Some(stream) = &mut client.stream else { return Ok(()) };
        let kept = client.partial.len();
        ensure!(kept <= FRAME_BYTES_MAX, "a server sent a frame of more than {FRAME_BYTES_MAX} bytes");
        let mut buffer = std::mem::take(&mut self.buffer);
        let taken = match stream.read(&mut buffer[kept..kept + READ_BYTES]) {
            Ok(0) => {
                self.end(index);
                Ok(())
            }
            Ok(read) => {
                self.read_bytes += read as u64;
                self.reads += 1;
                buffer[..kept].copy_from_slice(&client.partial);
                client.partial.clear();
                self.take(index, &buffer[..kept + read], watch)
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(()),
            Err(_) => {
                self.end(index);
                Ok(())
            }
        };
        self.buffer = buffer;
        taken
    }

    /// Takes the frames off what was read, and keeps the rest.
    fn take(&mut self, index: usize, mut bytes: &[u8], watch: &mut impl Watch) -> anyhow::Result<()> {
        let now = self.now_us();
        if self.clients[index].state == State::Opening {
            let Some(end) = find(bytes, b"\r\n\r\n") else {
                self.clients[index].partial.extend_from_slice(bytes);
                return Ok(());
            };
            let head = String::from_utf8_lossy(&bytes[..end]);
            ensure!(head.starts_with("HTTP/1.1 101"), "the server refused a WebSocket: {head}");
            self.open(index, now);
            bytes = &bytes[end + 4..];
        }
        let mut came_back = 0;
        while let Some(frame) = take_frame(&mut bytes)? {
            let client = &mut self.clients[index];
            match frame.opcode {
                TEXT => {
                    if let Some(delivery) = self.layout.read(frame.payload) {
                        self.delivered += 1;
                        self.latencies[client.group]
                            .saturating_record(u64::from(now.wrapping_sub(delivery.token.sent_us)));
                        client.received.check(&delivery);
                        came_back += u32::from(delivery.token.sender as usize == index);
                        watch.delivered(index, &delivery);
                    } else {
                        came_back += u32::from(self.answered(index, str::from_utf8(frame.payload)?, now, watch));
                    }
                }
                PING => drop(put_frame(&mut client.out, PONG, frame.payload)),
                CLOSE => {
                    client.close_code =
                        Some(frame.payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code)));
                    put_frame(&mut client.out, CLOSE, frame.payload);
                }
                _ => {}
            }
        }
        let client = &mut self.clients[index];
        client.partial.extend_from_slice(bytes);
        if self.refills && client.close_code.is_none() {
            for _ in 0..came_back {
                client.put_message(index, now);
            }
        }
        if !client.out.is_empty() {
            self.flush(index);
        }
        Ok(())
    }

    fn open(&mut self, index: usize, now: u32) {
        let client = &mut self.clients[index];
        client.state = State::Open;
        client.open_us = Some(now);
        match &self.room {
            Some(room) => client.put_text(&join_room(room, index)),
            None => client.joined_us = Some(now),
        }
    }

    /// A text that is no delivery; true when it means that a message will never come back.
    fn answered(&mut self, index: usize, text: &str, now: u32, watch: &mut impl Watch) -> bool {
        let kind = text.split('"').nth(3).unwrap_or_default();
        let client = &mut self.clients[index];
        match kind {
            "join_room_success" => client.joined_us = Some(now),
            "message_error" => client.refused += 1,
            _ => {}
        }
        watch.answered(index, kind, text);
        kind == "message_error"
    }

    fn end(&mut self, index: usize) {
        let client = &mut self.clients[index];
        client.state = State::Ended;
        // This closes it, which also takes it out of epoll.
        client.stream = None;
        client.out = Vec::new();
    }
}

/// The request by which a client joins a room under its name.
pub(crate) fn join_room(room: &str, index: usize) -> String {
    let data: Value = json!({ "room_id": room, "username": Fleet::user(index) });
    json!({ "type": "join_room", "data": data }).to_string()
}
