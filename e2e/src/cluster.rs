//! A Docker Swarm's machines on this one machine: each node is a privileged container with an engine
//! of its own, a host name, an address, and power that can be cut.
//!
//! Nodes know nothing of each other until someone runs `docker swarm init` and `join`. They can be
//! entered from here: through their engine's socket, and through their network with `nsenter`.

mod leftovers;
mod node;

use std::path::Path;

use anyhow::{Context, Result};
use tempfile::TempDir;

pub use self::node::Node;
use crate::engine::{Engine, require_engine_and_root};

const NODE_IMAGE: &str = "docker:28-dind";

/// Where the nodes' addresses begin; the network's own is 1.
const FIRST_ADDRESS: usize = 11;

/// Nodes on a network of their own. Dropping it removes everything.
#[derive(Debug)]
pub struct Cluster {
    network: String,
    /// The first three bytes of the nodes' addresses.
    subnet: String,
    nodes: Vec<Node>,
    /// Holds the nodes' sockets.
    folder: TempDir,
}

impl Cluster {
    /// Starts nodes with these names, and waits until their engines answer.
    ///
    /// `published` is a port of the first node that shall be at this machine's loopback as well.
    ///
    /// # Errors
    /// When this machine lacks an engine or root, or when a node does not start.
    pub fn up(names: &[&str], published: Option<u16>) -> Result<Self> {
        require_engine_and_root()?;
        leftovers::sweep();
        let folder = TempDir::with_prefix("e2e-")?;
        let unique = folder.path().file_name().context("a temporary folder has a name")?;
        let network = unique.to_string_lossy().into_owned();
        let subnet = create_network(&network)?;
        let mut cluster = Self { network, subnet, nodes: Vec::new(), folder };
        let mut published = published;
        for name in names {
            let socket_folder = cluster.folder.path().join(name);
            std::fs::create_dir(&socket_folder)?;
            let container = format!("{}-{name}", cluster.network);
            // The same after a power cut, as that of a machine is.
            let address = format!("{}.{}", cluster.subnet, FIRST_ADDRESS + cluster.nodes.len());
            // Known before it is started: half started, it has to go as well.
            cluster.nodes.push(Node::new(name, container, &socket_folder, address));
            cluster.create_node(&socket_folder, published.take())?;
        }
        for node in &cluster.nodes {
            node.wait_for_engine()?;
        }
        Ok(cluster)
    }

    /// Starts nodes that are a Swarm: first its managers, then its workers.
    ///
    /// # Errors
    /// As [`Cluster::up`], and when a node cannot join.
    pub fn swarm(managers: &[&str], workers: &[&str]) -> Result<Self> {
        let cluster = Self::up(&[managers, workers].concat(), None)?;
        let (first, others) = cluster.nodes.split_first().context("a Swarm needs a node")?;
        first.engine().docker(&["swarm", "init", "--advertise-addr", first.address()])?;
        let token = |role| first.engine().docker(&["swarm", "join-token", "--quiet", role]);
        let (as_manager, as_worker) = (token("manager")?, token("worker")?);
        let address = format!("{}:2377", first.address());
        for node in others {
            let token = if managers.contains(&node.name()) { &as_manager } else { &as_worker };
            let own = format!("--advertise-addr={}", node.address());
            node.engine().docker(&["swarm", "join", "--token", token, &own, &address])?;
        }
        Ok(cluster)
    }

    /// All nodes, in the order of their names at the start.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node of that name.
    ///
    /// # Errors
    /// When there is none.
    pub fn node(&self, name: &str) -> Result<&Node> {
        self.nodes.iter().find(|node| node.name() == name).with_context(|| format!("no machine is called {name}"))
    }

    /// Starts the node that is known last.
    fn create_node(&self, socket_folder: &Path, published: Option<u16>) -> Result<()> {
        let node = self.nodes.last().context("a node is known before it is started")?;
        let mut arguments: Vec<String> =
            ["run", "--detach", "--privileged", "--env", "DOCKER_TLS_CERTDIR="].map(str::to_owned).into();
        for (option, value) in [
            ("name", node.container().to_owned()),
            ("hostname", node.name().to_owned()),
            ("label", leftovers::label()),
            ("network", self.network.clone()),
            ("ip", node.address().to_owned()),
            ("volume", format!("{}:/run/host", socket_folder.display())),
        ] {
            arguments.push(format!("--{option}={value}"));
        }
        if let Some(port) = published {
            arguments.push(format!("--publish=127.0.0.1:{port}:{port}"));
        }
        arguments.extend(
            [NODE_IMAGE, "dockerd", "--host=unix:///var/run/docker.sock", "--host=unix:///run/host/docker.sock"]
                .map(str::to_owned),
        );
        Engine::local().docker(&arguments).map(drop)
    }
}

/// Overlay networks add 50 bytes to a packet: the wire below them must carry 1500, whatever the
/// engine's default is. The subnet is one that nothing on this machine uses; its first three bytes are given back.
fn create_network(name: &str) -> Result<String> {
    let label = leftovers::label();
    let create = |number: u32| {
        // Away from 10.0.0.0/16, where overlay networks get theirs.
        let subnet = format!("10.{}.{}", 100 + number / 250 % 100, number % 250);
        let whole = format!("{subnet}.0/24");
        let options = ["--opt", "com.docker.network.driver.mtu=1500", "--label", &label, "--subnet", &whole];
        let mut arguments = vec!["network", "create"];
        arguments.extend(options);
        arguments.push(name);
        Engine::local().docker(&arguments).map(|_| subnet)
    };
    let first = std::process::id();
    let mut outcome = create(first);
    for number in (first..).skip(1).take(20) {
        if outcome.is_ok() {
            break;
        }
        outcome = create(number);
    }
    outcome
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let containers = self.nodes.iter().map(Node::container);
        leftovers::remove(containers, [self.network.as_str()]);
    }
}
