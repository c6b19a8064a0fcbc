//! A Docker Swarm's machines on this one machine: each node is a privileged container with an engine
//! of its own, a host name, an address, and power that can be cut.
//!
//! Nodes know nothing of each other until someone runs `docker swarm init` and `join`. They can be
//! entered from here: through their engine's socket, and through their network with `nsenter`.

mod leftovers;
mod node;

use std::{path::Path, time::Duration};

use anyhow::{Context, Result};
use tempfile::TempDir;

pub use self::node::Node;
use crate::engine::{Engine, require_engine_and_root};

const NODE_IMAGE: &str = "docker:28-dind";

/// An engine on a busy machine took 9 s to answer.
const ENGINE_START_LIMIT: Duration = Duration::from_secs(90);

/// Nodes on a network of their own. Dropping it removes everything.
#[derive(Debug)]
pub struct Cluster {
    network: String,
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
        create_network(&network)?;
        let mut cluster = Self { network, nodes: Vec::new(), folder };
        let mut published = published;
        for name in names {
            let socket_folder = cluster.folder.path().join(name);
            std::fs::create_dir(&socket_folder)?;
            let container = format!("{}-{name}", cluster.network);
            // Known before it is started: half started, it has to go as well.
            cluster.nodes.push(Node::new(name, container.clone(), &socket_folder));
            cluster.start_node(name, container, &socket_folder, published.take())?;
        }
        for node in &mut cluster.nodes {
            node.wait_for_engine(ENGINE_START_LIMIT)?;
        }
        Ok(cluster)
    }

    /// Starts nodes, the first of them the manager of a Swarm, the others its workers.
    ///
    /// # Errors
    /// As [`Cluster::up`], and when a node cannot join.
    pub fn swarm(names: &[&str]) -> Result<Self> {
        let cluster = Self::up(names, None)?;
        let (manager, workers) = cluster.nodes.split_first().context("a Swarm needs a node")?;
        manager.engine().docker(&["swarm", "init", "--advertise-addr", manager.address()])?;
        let token = manager.engine().docker(&["swarm", "join-token", "--quiet", "worker"])?;
        let address = format!("{}:2377", manager.address());
        for worker in workers {
            worker.engine().docker(&["swarm", "join", "--token", &token, &address])?;
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

    fn start_node(&self, name: &str, container: String, socket_folder: &Path, published: Option<u16>) -> Result<()> {
        let mut arguments: Vec<String> =
            ["run", "--detach", "--privileged", "--env", "DOCKER_TLS_CERTDIR="].map(str::to_owned).into();
        for (option, value) in [
            ("name", container),
            ("hostname", name.to_owned()),
            ("label", leftovers::label()),
            ("network", self.network.clone()),
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
/// engine's default is. The subnet is one that nothing on this machine uses.
fn create_network(name: &str) -> Result<()> {
    let label = leftovers::label();
    let create = |number: u32| {
        // Away from 10.0.0.0/16, where overlay networks get theirs.
        let subnet = format!("10.{}.{}.0/24", 100 + number / 250 % 100, number % 250);
        let options = ["--opt", "com.docker.network.driver.mtu=1500", "--label", &label, "--subnet", &subnet];
        let mut arguments = vec!["network", "create"];
        arguments.extend(options);
        arguments.push(name);
        Engine::local().docker(&arguments)
    };
    let first = std::process::id();
    let mut outcome = create(first);
    for number in (first..).skip(1).take(20) {
        if outcome.is_ok() {
            break;
        }
        outcome = create(number);
    }
    outcome.map(drop)
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let containers = self.nodes.iter().map(Node::container);
        leftovers::remove(containers, [self.network.as_str()]);
    }
}
