//! Instances that say of themselves whatever a test wants.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// A small server that answers every request with the same JSON, on connections that it keeps. It is killed when this
/// is dropped.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    answer: Mutex<String>,
    connections: Mutex<Vec<TcpStream>>,
    open: AtomicUsize,
    requests: AtomicUsize,
    is_killed: AtomicBool,
}

/// What an instance called so says of itself.
pub(crate) fn whoami(served_by: &str) -> Value {
    json!({
        "name": "producer", "version": "1.0.0", "served_by": served_by, "host": "4f1c2a9be07d", "node": "pi1",
        "architecture": "arm64", "uptime_seconds": 7, "ready": true, "requests": 0,
        "caller": "127.0.0.1:40000", "x_forwarded_for": [],
    })
}

impl Instance {
    /// Starts one on a free port, which says that it is called so.
    pub(crate) fn start(served_by: &str) -> Self {
        Self::answering("200 OK", &whoami(served_by).to_string())
    }

    pub(crate) fn answering(status: &str, body: &str) -> Self {
        Self::at(TcpListener::bind("127.0.0.1:0").unwrap(), status, body)
    }

    pub(crate) fn at(listener: TcpListener, status: &str, body: &str) -> Self {
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            answer: Mutex::new(answer(status, body)),
            connections: Mutex::default(),
            open: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
            is_killed: AtomicBool::new(false),
        });
        let instance = Self { address, shared: shared.clone() };
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                if shared.is_killed.load(SeqCst) {
                    return;
                }
                shared.connections.lock().unwrap().push(connection.try_clone().unwrap());
                shared.open.fetch_add(1, SeqCst);
                let shared = shared.clone();
                thread::spawn(move || {
                    serve(&shared, &connection);
                    shared.open.fetch_sub(1, SeqCst);
                });
            }
        });
        instance
    }

    /// Says something else from now on.
    pub(crate) fn says(&self, whoami: &Value) {
        *self.shared.answer.lock().unwrap() = answer("200 OK", &whoami.to_string());
    }

    /// Requests so far.
    pub(crate) fn requests(&self) -> usize {
        self.shared.requests.load(SeqCst)
    }

    /// Connections that are open now.
    pub(crate) fn open(&self) -> usize {
        self.shared.open.load(SeqCst)
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.lock().unwrap().len()
    }
}

impl Drop for Instance {
    /// As a kill does: its connections end, and its port refuses new ones.
    fn drop(&mut self) {
        self.shared.is_killed.store(true, SeqCst);
        // The thread that accepts is woken by this, and closes the port.
        drop(TcpStream::connect(self.address));
        for connection in self.shared.connections.lock().unwrap().iter() {
            // It may have ended by itself.
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

fn answer(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn serve(shared: &Shared, mut connection: &TcpStream) {
    let mut lines = BufReader::new(connection).lines().map_while(Result::ok);
    while let Some(first) = lines.next() {
        if !first.starts_with("GET /whoami ") || !lines.by_ref().any(|line| line.is_empty()) {
            return;
        }
        shared.requests.fetch_add(1, SeqCst);
        let answer = shared.answer.lock().unwrap().clone();
        if connection.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}
