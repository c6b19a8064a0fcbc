//! An API that does whatever a test wants.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A server on a port; it ends with the test's process.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Api {
    /// Starts it on a free port. Each connection brings one request; `serve` gets its head and answers.
    pub(crate) fn start(serve: impl Fn(&str, TcpStream) + Send + Sync + 'static) -> Self {
        Self::at(TcpListener::bind("127.0.0.1:0").unwrap(), serve)
    }

    pub(crate) fn at(listener: TcpListener, serve: impl Fn(&str, TcpStream) + Send + Sync + 'static) -> Self {
        let api = Self { address: listener.local_addr().unwrap(), heads: Arc::default() };
        let (heads, serve) = (api.heads.clone(), Arc::new(serve));
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let (heads, serve) = (heads.clone(), serve.clone());
                thread::spawn(move || {
                    let lines = BufReader::new(&connection).lines().map_while(Result::ok);
                    let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
                    let head = head.join("\n").to_lowercase();
                    heads.lock().unwrap().push(head.clone());
                    serve(&head, connection);
                });
            }
        });
        api
    }

    /// An API that gives this answer to each request.
    pub(crate) fn answering(answer: &'static str) -> Self {
        Self::start(move |_, mut connection| drop(connection.write_all(answer.as_bytes())))
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The heads of the requests so far, in small letters, one for each connection.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}
