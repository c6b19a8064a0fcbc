//! Chat nodes as processes.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;

use anyhow::{Context, ensure};
use tempfile::TempDir;
use testing::Program;

use crate::options::Options;

/// A chat node that runs, or can be started again as it was.
pub(crate) struct Node {
    /// Where clients connect.
    pub(crate) address: SocketAddr,
    path: PathBuf,
    environment: Vec<(&'static str, String)>,
    program: Option<Program>,
    /// Its journal, if it has one.
    _folder: Option<TempDir>,
}

/// Nodes `node1`, `node2`, … that know each other; with journals or without.
///
/// # Errors
/// When there is no program, no free port, or no place for a journal.
pub(crate) fn start_nodes(options: &Options, nodes: usize, journals: bool) -> anyhow::Result<Vec<Node>> {
    let path = options.node();
    ensure!(
        path.exists(),
        "there is no {}: run `cargo build --release -p chat-node`, or name the program with --node",
        path.display()
    );
    let ports = free_ports(2 * nodes)?;
    let calls: Vec<_> =
        ports.chunks(2).enumerate().map(|(index, ports)| format!("node{}:127.0.0.1:{}", index + 1, ports[1])).collect();
    let node = |index: usize| {
        let [clients, peers] = [ports[2 * index], ports[2 * index + 1]];
        let others: Vec<_> = (0..nodes).filter(|other| *other != index).map(|other| &*calls[other]).collect();
        let folder = if journals { Some(tempfile::tempdir().context("no place for a journal")?) } else { None };
        let mut environment = vec![
            ("NODE_ID", format!("node{}", index + 1)),
            ("WEBSOCKET_HOST", "127.0.0.1".to_owned()),
            ("WEBSOCKET_PORT", clients.to_string()),
            ("XMLRPC_HOST", "127.0.0.1".to_owned()),
            ("XMLRPC_PORT", peers.to_string()),
            ("XMLRPC_ADDRESS", format!("http://127.0.0.1:{peers}")),
            ("PEER_NODES", others.join(",")),
        ];
        if let Some(folder) = &folder {
            environment.push(("DATA_DIR", folder.path().display().to_string()));
        }
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, clients));
        let mut node = Node { address, path: path.clone(), environment, program: None, _folder: folder };
        node.start();
        Ok(node)
    };
    (0..nodes).map(node).collect()
}

/// Ports that are free now, all different.
fn free_ports(ports: usize) -> anyhow::Result<Vec<u16>> {
    let taken: Vec<_> = (0..ports).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect::<Result<_, _>>()?;
    Ok(taken
        .iter()
        .map(TcpListener::local_addr)
        .map(|address| address.map(|it| it.port()))
        .collect::<Result<_, _>>()?)
}

impl Node {
    /// Starts it, again if it ran before, and waits until it listens for clients and peers.
    pub(crate) fn start(&mut self) {
        let environment: Vec<_> = self.environment.iter().map(|(name, value)| (*name, &**value)).collect();
        let mut program = testing::start(&self.path.to_string_lossy(), &[], &environment);
        program.address();
        program.address();
        self.program = Some(program);
    }

    /// Kills it, which it cannot notice.
    pub(crate) fn kill(&mut self) {
        // Dropping sends SIGKILL and waits for the end.
        self.program = None;
    }

    /// Its process, while it runs.
    ///
    /// # Errors
    /// When it was killed and not started again.
    pub(crate) fn program(&self) -> anyhow::Result<&Program> {
        self.program.as_ref().context("the node does not run")
    }

    /// Gives its process away, to wait for its end.
    ///
    /// # Errors
    /// When it was killed and not started again.
    pub(crate) fn into_program(self) -> anyhow::Result<Program> {
        self.program.context("the node does not run")
    }
}
