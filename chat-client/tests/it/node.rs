//! Real nodes, as processes.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use testing::{Program, Signal};

use crate::CLIENT;

/// Tries to take ports that were free just before; other programs may be quicker.
const TRIES_MAX: usize = 20;

/// The node's program, beside the client's. Cargo builds only the package under test: when it is
/// missing, it is built here.
static CHAT_NODE: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(CLIENT).parent().unwrap();
    let program = folder.join("chat-node");
    if !program.exists() {
        let profile = if folder.ends_with("release") { "release" } else { "dev" };
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--package=chat-node", "--profile", profile, "--target-dir"]);
        build.arg(folder.parent().unwrap()).current_dir(env!("CARGO_MANIFEST_DIR"));
        assert!(build.status().unwrap().success(), "chat-node cannot be built");
    }
    program
});

/// A node that runs, until this is dropped.
pub(crate) struct Node {
    program: Program,
    pub(crate) address: SocketAddr,
    /// Where other nodes call it.
    pub(crate) for_nodes: SocketAddr,
    settings: Vec<(String, String)>,
}

impl Node {
    /// Starts a node that knows no other.
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        (0..TRIES_MAX).find_map(|_| Self::try_start(settings)).unwrap()
    }

    /// Starts `node1` and `node2`, which know each other.
    pub(crate) fn pair() -> [Self; 2] {
        (0..TRIES_MAX).find_map(|_| Self::try_pair()).unwrap()
    }

    fn try_pair() -> Option<[Self; 2]> {
        let ports = [free_port(), free_port()].map(|port| port.to_string());
        let urls = [0, 1].map(|index| format!("http://127.0.0.1:{}", ports[index]));
        let peers = format!("node1:{},node2:{}", urls[0], urls[1]);
        let start = |index: usize, id: &str| {
            let own = [("NODE_ID", id), ("XMLRPC_PORT", &*ports[index]), ("XMLRPC_ADDRESS", &*urls[index])];
            Self::try_start(&[&own[..], &[("PEER_NODES", &*peers)]].concat())
        };
        Some([start(0, "node1")?, start(1, "node2")?])
    }

    /// Nothing when a port is taken.
    fn try_start(settings: &[(&str, &str)]) -> Option<Self> {
        let port = free_port().to_string();
        let ports = [
            ("WEBSOCKET_HOST", "127.0.0.1"),
            ("WEBSOCKET_PORT", &port),
            ("XMLRPC_HOST", "127.0.0.1"),
            ("XMLRPC_PORT", "0"),
        ];
        let settings = ports.iter().chain(settings);
        Self::run(settings.map(|&(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    fn run(settings: Vec<(String, String)>) -> Option<Self> {
        let environment: Vec<_> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut program = testing::start(CHAT_NODE.to_str().unwrap(), &[], &environment);
        // The port for clients is told of first.
        let mut addresses = [None, None];
        for address in &mut addresses {
            // What the log says instead ends with a way out, too.
            *address = Some(testing::address_in(&program.log_line(" on "))?);
        }
        Some(Self { program, address: addresses[0]?, for_nodes: addresses[1]?, settings })
    }

    /// Ends the node as a crash would.
    pub(crate) fn kill(&mut self) {
        self.program.signal(Signal::KILL);
        self.program.ended();
    }

    /// Starts an ended node again, at its address.
    pub(crate) fn start_again(&mut self) {
        *self = Self::run(self.settings.clone()).unwrap();
    }

    /// The address, as an argument.
    pub(crate) fn argument(&self) -> String {
        format!("--address={}", self.address)
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
