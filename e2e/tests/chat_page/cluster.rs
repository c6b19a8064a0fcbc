//! Nodes that know each other, as processes.

use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::{running::Running, wait};
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_mins(1);

/// `node1`, `node2`, …; they end when this is dropped.
#[derive(Debug)]
pub(crate) struct Cluster {
    nodes: Vec<Node>,
    _folder: TempDir,
}

#[derive(Debug)]
struct Node {
    settings: Vec<(&'static str, String)>,
    clients: SocketAddrV4,
    running: Option<Running>,
}

impl Cluster {
    /// Starts so many nodes, whose rooms survive them in journals.
    pub(crate) fn start(count: usize) -> Result<Self> {
        Self::start_nodes(count, true)
    }

    /// Starts so many nodes, whose rooms go with them.
    pub(crate) fn start_without_journals(count: usize) -> Result<Self> {
        Self::start_nodes(count, false)
    }

    fn start_nodes(count: usize, has_journals: bool) -> Result<Self> {
        let folder = TempDir::with_prefix("swarmyard-chat-")?;
        let host = own_address();
        let addresses: Vec<_> = (0..count).map(|_| Ok((free_port(host)?, free_port(host)?))).collect::<Result<_>>()?;
        let nodes = addresses.iter().enumerate().map(|(index, (clients, xmlrpc))| {
            let others = addresses.iter().enumerate().filter(|(other, _)| *other != index);
            let peers: Vec<_> = others.map(|(other, (_, xmlrpc))| format!("node{}:{xmlrpc}", other + 1)).collect();
            let mut settings = vec![
                ("NODE_ID", format!("node{}", index + 1)),
                ("WEBSOCKET_HOST", host.to_string()),
                ("WEBSOCKET_PORT", clients.port().to_string()),
                ("XMLRPC_HOST", host.to_string()),
                ("XMLRPC_PORT", xmlrpc.port().to_string()),
                ("XMLRPC_ADDRESS", format!("http://{xmlrpc}")),
                ("PEER_NODES", peers.join(",")),
            ];
            if has_journals {
                settings.push(("DATA_DIR", folder.path().join(format!("node{}", index + 1)).display().to_string()));
            }
            Node { settings, clients: *clients, running: None }
        });
        let mut cluster = Self { nodes: nodes.collect(), _folder: folder };
        for node in &mut cluster.nodes {
            node.start()?;
        }
        Ok(cluster)
    }

    /// The page of a node; the first is 1.
    pub(crate) fn url(&self, number: usize) -> String {
        format!("http://{}/", self.nodes[number - 1].clients)
    }

    /// Kills a node, without a goodbye.
    pub(crate) fn kill(&mut self, number: usize) {
        self.nodes[number - 1].running = None;
    }

    /// Starts a killed node again, with the same settings.
    pub(crate) fn restart(&mut self, number: usize) -> Result<()> {
        self.nodes[number - 1].start()
    }
}

impl Node {
    fn start(&mut self) -> Result<()> {
        let settings = self.settings.iter().map(|(name, value)| (*name, value));
        let mut running = Running::start(Command::new(program()?).env_clear().envs(settings))?;
        // Both ports are announced.
        wait::until(LIMIT, || {
            let output = running.output()?;
            ensure!(running.ended()?.is_none(), "the node ended: {output}");
            ensure!(output.matches("listening on ").count() == 2, "the node does not listen: {output}");
            Ok(())
        })?;
        self.running = Some(running);
        Ok(())
    }
}

/// A loopback address that only one cluster has: its nodes must know each other's ports before they
/// start, and nobody else takes a free port there in between, or while a node is down.
fn own_address() -> Ipv4Addr {
    static CLUSTERS: AtomicU8 = AtomicU8::new(1);
    if !cfg!(target_os = "linux") {
        return Ipv4Addr::LOCALHOST; // others have no other one
    }
    let [_, _, high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, high.max(1), low, CLUSTERS.fetch_add(1, Ordering::Relaxed))
}

fn free_port(host: Ipv4Addr) -> Result<SocketAddrV4> {
    let listener = TcpListener::bind((host, 0)).with_context(|| format!("no port is free on {host}"))?;
    Ok(SocketAddrV4::new(host, listener.local_addr()?.port()))
}

/// The node's program, built once.
fn program() -> Result<&'static PathBuf> {
    static PROGRAM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| build().map_err(|error| format!("{error:#}")));
    program.as_ref().map_err(|error| anyhow::anyhow!("{error}"))
}

fn build() -> Result<PathBuf> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["build", "--quiet", "--package", "chat-node", "--message-format=json-render-diagnostics"]);
    // A test runs in the folder of its package, so this builds what is in the same checkout.
    let output = command.output()?;
    ensure!(output.status.success(), "chat-node does not build: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)?
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .context("cargo does not say where the program is")
}
