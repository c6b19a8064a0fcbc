//! A client of `GET /events`.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use serde_json::Value;

/// An event, as a browser would see it.
#[derive(Debug, Default)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) id: Option<String>,
    pub(crate) retry: Option<String>,
    data: String,
}

impl Event {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The coins' nonces.
    pub(crate) fn nonces(&self) -> Vec<u64> {
        self.json().as_array().unwrap().iter().map(|coin| coin["nonce"].as_u64().unwrap()).collect()
    }
}

/// A connection that gets events.
pub(crate) struct Listener {
    pub(crate) head: String,
    lines: BufReader<TcpStream>,
}

impl Listener {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self::with(address, "/events", "")
    }

    pub(crate) fn after(address: SocketAddr, id: &str) -> Self {
        Self::with(address, "/events", &format!("Last-Event-ID: {id}\r\n"))
    }

    /// `header` is whole lines.
    pub(crate) fn with(address: SocketAddr, path: &str, header: &str) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(testing::LIMIT)).unwrap();
        // HTTP/1.0 has no chunks: the lines come as they are.
        write!(stream, "GET {path} HTTP/1.0\r\nHost: test\r\n{header}\r\n").unwrap();
        let mut listener = Self { head: String::new(), lines: BufReader::new(stream) };
        while let Some(line) = listener.line().filter(|line| !line.is_empty()) {
            listener.head += &line;
            listener.head += "\n";
        }
        listener
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let bytes = self.lines.read_line(&mut line).unwrap();
        (bytes > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// The next event; nothing at the end.
    pub(crate) fn next(&mut self) -> Option<Event> {
        let mut event = Event::default();
        loop {
            let line = self.line()?;
            match line.split_once(": ").or_else(|| line.split_once(':')) {
                None => return Some(event),
                Some(("event", name)) => name.clone_into(&mut event.name),
                Some(("data", data)) => event.data += data,
                Some(("id", id)) => event.id = Some(id.to_owned()),
                Some(("retry", retry)) => event.retry = Some(retry.to_owned()),
                Some(("", _)) => {}
                Some(_) => panic!("what is {line:?}?"),
            }
        }
    }

    /// Passes over events until one has this name.
    pub(crate) fn next_named(&mut self, name: &str) -> Event {
        let start = Instant::now();
        // Others come all the time.
        while start.elapsed() < testing::LIMIT {
            let event = self.next().unwrap();
            if event.name == name {
                return event;
            }
        }
        panic!("no event {name} comes")
    }

    /// The next coins' nonces, so many at least, and the last event's id.
    pub(crate) fn next_coins(&mut self, number: usize) -> (Vec<u64>, String) {
        let mut nonces = Vec::new();
        loop {
            let event = self.next_named("coins");
            nonces.extend(event.nonces());
            if nonces.len() >= number {
                return (nonces, event.id.unwrap());
            }
        }
    }
}
