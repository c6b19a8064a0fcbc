//! A server that answers whatever a test wants.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;

/// What the server does with a connection.
#[derive(Clone, Debug)]
pub(crate) enum Behaviour {
    /// Reads the request, sends this and closes.
    Answer(String),
    /// Reads the request and says nothing.
    Hang,
    /// Closes at once.
    HangUp,
    /// Closes at once, and so the port.
    Quit,
}

/// A server on a port; it ends with the test's process.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    behaviour: Arc<Mutex<Behaviour>>,
    heads: Arc<Mutex<Vec<String>>>,
}

/// An answer with this status line's end and body.
pub(crate) fn http(status: &str, body: &str) -> Behaviour {
    let length = body.len();
    Behaviour::Answer(format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nX-Served-By: stub.1\r\n\r\n{body}"))
}

/// The right answer.
pub(crate) fn number(number: u8) -> Behaviour {
    http("200 OK", &format!("{{\"number\":{number}}}"))
}

impl Server {
    pub(crate) fn start(behaviour: Behaviour) -> Self {
        Self::at(TcpListener::bind("127.0.0.1:0").unwrap(), behaviour)
    }

    pub(crate) fn at(listener: TcpListener, behaviour: Behaviour) -> Self {
        let server = Self {
            address: listener.local_addr().unwrap(),
            behaviour: Arc::new(Mutex::new(behaviour)),
            heads: Arc::default(),
        };
        let (behaviour, heads) = (server.behaviour.clone(), server.heads.clone());
        thread::spawn(move || {
            let mut hanging = Vec::new();
            for mut connection in listener.incoming().map_while(Result::ok) {
                let behaviour = behaviour.lock().unwrap().clone();
                match behaviour {
                    Behaviour::HangUp => continue,
                    Behaviour::Quit => break,
                    Behaviour::Answer(_) | Behaviour::Hang => {}
                }
                let lines = BufReader::new(&connection).lines().map_while(Result::ok);
                heads.lock().unwrap().push(lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join("\n"));
                match behaviour {
                    // The consumer may have given up.
                    Behaviour::Answer(answer) => drop(connection.write_all(answer.as_bytes())),
                    _ => hanging.push(connection),
                }
            }
        });
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/number", self.address)
    }

    /// Behaves differently from the next connection on.
    pub(crate) fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    /// The heads of the requests so far, one for each connection.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}
