//! A server that does what a test says, and counts what it is asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

/// What it does with a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Deed {
    /// Answers with this status, in this name.
    Answer(u16, &'static str),
    /// Ends the connection in the middle of the answer.
    BreakOff,
    /// Answers something that is no HTTP.
    Babble,
    /// Says nothing, until the client goes away.
    Hang,
}

/// A running server; its threads end with the test's process. At `/whoami` it says who it is, uncounted.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    connections: AtomicU64,
    requests: AtomicU64,
}

impl Server {
    /// Starts it; `deed` says what it does with each request, which count from 1.
    pub(crate) fn start(deed: impl Fn(u64) -> Deed + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (counts, deed) = (Arc::new(Counts::default()), Arc::new(deed));
        let shared = counts.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                shared.connections.fetch_add(1, SeqCst);
                let (counts, deed) = (shared.clone(), deed.clone());
                // An error is the client's, which has gone.
                thread::spawn(move || drop(serve(&stream.unwrap(), &counts, &*deed)));
            }
        });
        Self { address, counts }
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/number", self.address)
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> u64 {
        self.counts.connections.load(SeqCst)
    }

    /// How many requests there were.
    pub(crate) fn requests(&self) -> u64 {
        self.counts.requests.load(SeqCst)
    }
}

/// The version of which a replica of this name says to be.
pub(crate) fn version(name: &str) -> String {
    format!("version-of-{name}")
}

fn serve(mut stream: &TcpStream, counts: &Counts, deed: &dyn Fn(u64) -> Deed) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let mut own_name = "";
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let is_last = head.to_lowercase().contains("connection: close");
        if head.starts_with("GET /whoami ") {
            let whoami = format!("{{\"served_by\":\"{own_name}\",\"version\":\"{}\"}}", version(own_name));
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", whoami.len());
            stream.write_all((head + &whoami).as_bytes())?;
            continue;
        }
        match deed(counts.requests.fetch_add(1, SeqCst) + 1) {
            Deed::Answer(status, name) => {
                own_name = name;
                let close = if is_last { "connection: close\r\n" } else { "" };
                let head = format!("HTTP/1.1 {status} x\r\n{close}content-length: 2\r\nx-served-by: {name}\r\n\r\n");
                stream.write_all(format!("{head}ok").as_bytes())?;
            }
            Deed::BreakOff => {
                return stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nthe beginning");
            }
            Deed::Babble => return stream.write_all(b"220 mail.example.org ESMTP\r\n"),
            Deed::Hang => return stream.read_exact(&mut [0]),
        }
        if is_last {
            return Ok(());
        }
    }
}
