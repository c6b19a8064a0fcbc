//! Nodes as processes.

use std::net::{SocketAddr, TcpListener};

use testing::{Program, Signal};

use super::Client;

pub(crate) const CHAT_NODE: &str = env!("CARGO_BIN_EXE_chat-node");

/// Tries to take ports that were free just before; other programs may be quicker.
const TRIES_MAX: usize = 20;

/// A node that runs, until this is dropped.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) id: String,
    pub(crate) program: Program,
    /// Where clients are served.
    pub(crate) address: SocketAddr,
    /// Where peers are served, and health and metrics.
    pub(crate) xmlrpc: SocketAddr,
    settings: Vec<(String, String)>,
}

/// Starts a node on free ports of the loopback interface. `settings` are environment variables.
pub(crate) fn start(settings: &[(&str, &str)]) -> Node {
    try_start(settings).unwrap()
}

/// Starts nodes `node1`, `node2`, … that know each other. `settings` hold for all of them.
pub(crate) fn cluster<const N: usize>(settings: &[(&str, &str)]) -> [Node; N] {
    for _ in 0..TRIES_MAX {
        if let Ok(nodes) = try_cluster::<N>(settings) {
            return nodes.try_into().unwrap();
        }
    }
    panic!("no free ports for {N} nodes in {TRIES_MAX} tries")
}

fn try_cluster<const N: usize>(settings: &[(&str, &str)]) -> Result<Vec<Node>, String> {
    let ports = free_ports::<N>();
    let name = |index| format!("node{}", index + 1);
    let entry = |(index, port)| format!("{}:http://127.0.0.1:{port}", name(index));
    // Each gets its own entry, too, and has to drop it (row 27).
    let peers: Vec<_> = ports.iter().enumerate().map(entry).collect();
    let start = |(index, port): (usize, &u16)| {
        let (id, address) = (name(index), format!("http://127.0.0.1:{port}"));
        let (port, peers) = (port.to_string(), peers.join(","));
        let own =
            [("NODE_ID", id.as_str()), ("XMLRPC_PORT", &port), ("XMLRPC_ADDRESS", &address), ("PEER_NODES", &peers)];
        try_start(&[&own[..], settings].concat())
    };
    ports.iter().enumerate().map(start).collect()
}

/// The error is the log's line on a port that is taken.
fn try_start(settings: &[(&str, &str)]) -> Result<Node, String> {
    let loopback =
        [("WEBSOCKET_HOST", "127.0.0.1"), ("WEBSOCKET_PORT", "0"), ("XMLRPC_HOST", "127.0.0.1"), ("XMLRPC_PORT", "0")];
    let settings: Vec<_> =
        loopback.iter().chain(settings).map(|(name, value)| (name.to_string(), value.to_string())).collect();
    run(settings)
}

fn run(settings: Vec<(String, String)>) -> Result<Node, String> {
    let environment: Vec<_> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut program = testing::start(CHAT_NODE, &[], &environment);
    // The port for clients is told of first.
    let address = listening(&mut program)?;
    let xmlrpc = listening(&mut program)?;
    let id = settings.iter().rfind(|(name, _)| name == "NODE_ID").map_or("node1", |(_, value)| value).to_owned();
    Ok(Node { id, program, address, xmlrpc, settings })
}

fn listening(program: &mut Program) -> Result<SocketAddr, String> {
    loop {
        let line = program.log_line("");
        if line.contains(" is taken: ") {
            return Err(line);
        }
        if let Some(address) = testing::address_in(&line) {
            return Ok(address);
        }
    }
}

/// A port that is free now.
pub(crate) fn free_port() -> u16 {
    let [port] = free_ports();
    port
}

/// Different ports that are free now.
fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

impl Node {
    /// A client that is connected.
    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.address).await
    }

    /// Ends the process as a crash would, and waits for its end.
    pub(crate) fn kill(&mut self) {
        self.program.signal(Signal::KILL);
        self.program.ended();
    }

    /// Starts an ended node again with its settings; the port for clients may be another one.
    pub(crate) fn start_again(&mut self) {
        *self = run(self.settings.clone()).unwrap();
    }

    /// The value of a metric, labels included in its name; 0 when nothing was counted yet.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let metrics = super::ask(self.xmlrpc, "GET", "/metrics").await;
        let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map_or(0.0, |value| value.parse().unwrap())
    }

    /// Waits until a metric has this value.
    pub(crate) async fn metric_becomes(&self, name: &str, wanted: f64) {
        super::in_time(async {
            while (self.metric(name).await - wanted).abs() > f64::EPSILON {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}
