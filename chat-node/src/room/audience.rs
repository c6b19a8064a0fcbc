//! The connections of this node that hear what happens in a room it hosts.

use axum::body::Bytes;
use metrics::Counter;

use crate::outbox::{ConnectionId, Outbox};

/// Connections, each once, however many names it joined under (protocol, section 12, row 23).
#[derive(Debug)]
pub(crate) struct Audience {
    listeners: Vec<Listener>,
    deliveries: Counter,
}

#[derive(Debug)]
struct Listener {
    outbox: Outbox,
    names: Vec<String>,
}

impl Audience {
    pub(crate) fn new() -> Self {
        Self { listeners: Vec::new(), deliveries: crate::figures::deliveries() }
    }

    /// The connection hears the room from now on, and has joined under `name`.
    pub(crate) fn add(&mut self, outbox: &Outbox, name: &str) {
        match self.find(outbox.id()) {
            Some(listener) if listener.names.iter().any(|known| known == name) => {}
            Some(listener) => listener.names.push(name.to_owned()),
            None => self.listeners.push(Listener { outbox: outbox.clone(), names: vec![name.to_owned()] }),
        }
    }

    /// The connection has left under `name`; without another name it hears the room no more.
    pub(crate) fn remove_name(&mut self, connection: ConnectionId, name: &str) {
        let Some(listener) = self.find(connection) else { return };
        listener.names.retain(|known| known != name);
        if listener.names.is_empty() {
            self.remove(connection);
        }
    }

    /// The connection hears the room no more; gives the names that it had joined under.
    pub(crate) fn remove(&mut self, connection: ConnectionId) -> Vec<String> {
        let index = self.listeners.iter().position(|listener| listener.outbox.id() == connection);
        index.map_or_else(Vec::new, |index| self.listeners.swap_remove(index).names)
    }

    /// Queues frames for everybody. Who cannot take them is being disconnected, and leaves then.
    pub(crate) fn publish(&self, frames: &Bytes, messages: u64) {
        for listener in &self.listeners {
            listener.outbox.push(frames.clone());
        }
        self.deliveries.increment(messages * self.listeners.len() as u64);
    }

    /// Queues a frame for everybody but one.
    pub(crate) fn publish_except(&self, except: ConnectionId, frame: &Bytes) {
        for listener in self.listeners.iter().filter(|listener| listener.outbox.id() != except) {
            listener.outbox.push(frame.clone());
        }
    }

    fn find(&mut self, connection: ConnectionId) -> Option<&mut Listener> {
        self.listeners.iter_mut().find(|listener| listener.outbox.id() == connection)
    }
}
