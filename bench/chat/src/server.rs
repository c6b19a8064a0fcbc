//! A server to measure, whatever it is made of.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::json;
use testing::Program;

use crate::control::Control;
use crate::fleet::Fleet;
use crate::frame::MessageFrame;
use crate::node::{Node, start_nodes};
use crate::options::{Kind, Options};
use crate::token::{TOKEN_BYTES, Token};
use crate::usage;

/// Connections that are opened at once where that is not what is measured.
const CONNECT_AT_ONCE: usize = 100;

/// Longest wait for those to be open, and in the room.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);

/// Nothing came for so long: all is said.
const QUIET: Duration = Duration::from_millis(100);

/// Longest wait for a server to be at rest after a round.
const REST_LIMIT: Duration = Duration::from_secs(20);

/// Digits of the message number for which `--frame-bytes` holds.
const NUMBER_DIGITS: usize = 5;

/// Rooms are named by number, for names are unique on a node.
static ROOMS: AtomicUsize = AtomicUsize::new(1);

/// A server to measure.
pub(crate) struct Server {
    pub(crate) kind: Kind,
    pub(crate) nodes: Vec<Node>,
    reference: Option<(Program, SocketAddr)>,
}

/// A room that clients can join.
pub(crate) struct Room {
    pub(crate) id: String,
    /// Bytes to add to a token, so that a delivery has the length that was asked for.
    padding: usize,
}

impl Server {
    /// Starts one, without journals.
    ///
    /// # Errors
    /// When there is no program, or no free port.
    pub(crate) fn start(kind: Kind, options: &Options) -> anyhow::Result<Self> {
        let nodes = match kind {
            Kind::Reference => {
                let program = std::env::current_exe()?;
                let mut program = testing::start(&program.to_string_lossy(), &["reference"], &[]);
                let address = program.address();
                return Ok(Self { kind, nodes: Vec::new(), reference: Some((program, address)) });
            }
            Kind::One => start_nodes(options, 1, false)?,
            Kind::Three => start_nodes(options, 3, false)?,
        };
        Ok(Self { kind, nodes, reference: None })
    }

    /// Starts three nodes with journals.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub(crate) fn start_with_journals(options: &Options) -> anyhow::Result<Self> {
        Ok(Self { kind: Kind::Three, nodes: start_nodes(options, 3, true)?, reference: None })
    }

    /// Where clients connect, in turn.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        let reference = self.reference.iter().map(|(_, address)| *address);
        reference.chain(self.nodes.iter().map(|node| node.address)).collect()
    }

    /// A new room on the first node; nothing at the reference, which is one room.
    ///
    /// # Errors
    /// When the node refuses.
    pub(crate) fn room(&self, options: &Options) -> anyhow::Result<Option<Room>> {
        let Some(node) = self.nodes.first() else { return Ok(None) };
        let mut control = Control::connect(node.address)?;
        let id = control.create_room(&format!("bench {}", ROOMS.fetch_add(1, Relaxed)), "bench")?;
        // As long as a token, but none: it is not to be counted. Its number has one digit.
        let bytes = control.delivery_bytes(&id, &Fleet::user(0), &"-".repeat(TOKEN_BYTES))? + NUMBER_DIGITS - 1;
        Ok(Some(Room { id, padding: options.frame_bytes.saturating_sub(bytes) }))
    }

    /// Clients, spread over the nodes in turn, in one room; the first ones can send.
    ///
    /// # Errors
    /// When not all get in.
    pub(crate) fn fleet(&self, clients: usize, senders: usize, options: &Options) -> anyhow::Result<Fleet> {
        let room = self.room(options)?;
        let mut fleet = self.connect(room.as_ref(), clients)?;
        for index in 0..senders.min(clients) {
            fleet.clients[index].message = Some(message(room.as_ref(), index, options)?);
        }
        Ok(fleet)
    }

    /// Clients, spread over the nodes in turn, in a room or not, all there and at rest.
    ///
    /// # Errors
    /// When not all get in.
    pub(crate) fn connect(&self, room: Option<&Room>, clients: usize) -> anyhow::Result<Fleet> {
        let addresses = self.addresses();
        let mut fleet = Fleet::new(!self.nodes.is_empty(), room.map(|room| room.id.clone()), addresses.len())?;
        for first in (0..clients).step_by(CONNECT_AT_ONCE) {
            for index in first..clients.min(first + CONNECT_AT_ONCE) {
                let group = index % addresses.len();
                fleet.connect(addresses[group], group, None)?;
            }
            let joined = |fleet: &Fleet| fleet.clients[first..].iter().all(|client| client.joined_us.is_some());
            ensure!(fleet.run_until(CONNECT_LIMIT, joined)?, "{}: not all clients get in", self.kind.name());
        }
        settle(&mut fleet)?;
        Ok(fleet)
    }

    /// Processor time and memory of all its processes, up to now.
    ///
    /// # Errors
    /// When one of them has ended.
    pub(crate) fn usage(&self) -> anyhow::Result<usage::Usage> {
        let nodes = self.nodes.iter().map(|node| node.program().map(Program::id));
        let processes = self.reference.iter().map(|(program, _)| Ok(program.id())).chain(nodes);
        processes.map(|id| usage::of(id?)).sum()
    }

    /// Waits until it has nothing to do, so that the clients of a round do not disturb the next.
    ///
    /// # Errors
    /// When one of its processes has ended.
    pub(crate) fn rest(&self) -> anyhow::Result<()> {
        let start = Instant::now();
        let mut before = self.usage()?.processor;
        while start.elapsed() < REST_LIMIT {
            thread::sleep(QUIET);
            let now = self.usage()?.processor;
            if now == before {
                break;
            }
            before = now;
        }
        Ok(())
    }
}

/// What a client sends, so that each delivery has the length that was asked for.
///
/// # Errors
/// Never: it holds a token.
pub(crate) fn message(room: Option<&Room>, index: usize, options: &Options) -> anyhow::Result<MessageFrame> {
    let token = Token { sender: 0, counter: 0, sent_us: 0 }.to_bytes();
    let padded = |padding| format!("{}{}", String::from_utf8_lossy(&token), ".".repeat(padding));
    let Some(room) = room else { return MessageFrame::new(&padded(options.frame_bytes.saturating_sub(TOKEN_BYTES))) };
    let data = json!({ "room_id": room.id, "username": Fleet::user(index), "content": padded(room.padding) });
    MessageFrame::new(&json!({ "type": "send_message", "data": data }).to_string())
}

/// Waits until nothing comes any more, such as who joined.
///
/// # Errors
/// When the program is to stop.
pub(crate) fn settle(fleet: &mut Fleet) -> anyhow::Result<()> {
    let start = Instant::now();
    while start.elapsed() < CONNECT_LIMIT {
        let before = fleet.read_bytes;
        fleet.run_for(QUIET, &mut ())?;
        if fleet.read_bytes == before {
            break;
        }
    }
    Ok(())
}
