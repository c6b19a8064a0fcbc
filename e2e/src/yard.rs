//! `stack.yml` as the stack `yard` on a virtual Swarm, deployed by `deploy/scripts/deploy.sh`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    cluster::{Cluster, Node},
    engine::{Engine, output_of},
    images, mesh,
};

/// The stack's name.
pub const STACK: &str = "yard";

/// The port of the way in, on every node.
pub const WAY_IN_PORT: u16 = 8080;

/// The images that every node needs.
pub const IMAGES: [&str; 9] = [
    "producer:latest",
    "consumer:latest",
    "chat-node:latest",
    "miner:latest",
    "api:latest",
    "webui:latest",
    "backup:latest",
    "redis:8-alpine",
    "nginx:1-alpine",
];

/// The labels that the stack asks for, from the first node to the fourth and on.
pub const LABELS: [&str; 4] = ["redis=primary", "node_type=node1", "node_type=node2", "node_type=node3"];

/// Everything that the file describes, on machines of its own. Dropping it removes them.
#[derive(Debug)]
pub struct Yard {
    cluster: Cluster,
    /// How many of the nodes, from the first, are managers.
    managers: usize,
    /// Holds a copy of `stack.yml` and `deploy`, which a test may change.
    folder: TempDir,
}

impl Yard {
    /// Makes a Swarm and deploys, with `settings` in the environment of `deploy.sh`. The images must have been built.
    ///
    /// The ledger is on the first node, the chat's on the second, third and fourth, or again on the first.
    ///
    /// # Errors
    /// As [`Yard::prepare`], and when `deploy.sh` fails; the message holds what it said.
    pub fn deploy(managers: &[&str], workers: &[&str], settings: &[(&str, &str)]) -> Result<Self> {
        let yard = Self::prepare(managers, workers)?;
        yard.label_all()?;
        output_of(yard.script("deploy.sh")?.envs(settings.iter().copied()))?;
        Ok(yard)
    }

    /// Makes a Swarm whose nodes have the images, but no labels, and deploys nothing.
    ///
    /// # Errors
    /// When a machine does not start, or an image is missing here.
    pub fn prepare(managers: &[&str], workers: &[&str]) -> Result<Self> {
        let folder = TempDir::with_prefix("swarmyard-")?;
        for part in ["deploy/scripts", "deploy/configs"] {
            copy(&images::root().join(part), &folder.path().join(part))?;
        }
        for file in ["stack.yml", "deploy/replica.yml", "deploy/backup.yml", "deploy/autoscale.yml", "deploy/chaos.yml"]
        {
            fs::copy(images::root().join(file), folder.path().join(file))?;
        }
        let yard = Self { cluster: Cluster::swarm(managers, workers)?, managers: managers.len(), folder };
        for node in yard.cluster.nodes() {
            node.load(&IMAGES)?;
        }
        Ok(yard)
    }

    /// The machines.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Gives the nodes the labels that the stack asks for.
    ///
    /// # Errors
    /// When Docker refuses.
    pub fn label_all(&self) -> Result<()> {
        for (label, node) in LABELS.iter().zip(self.cluster.nodes().iter().cycle()) {
            self.engine()?.docker(&["node", "update", "--label-add", label, node.name()])?;
        }
        Ok(())
    }

    /// The node that got this label of [`LABELS`].
    ///
    /// # Errors
    /// When it is none of them.
    pub fn node_with(&self, label: &str) -> Result<&Node> {
        let mut labels = LABELS.iter().zip(self.cluster.nodes().iter().cycle());
        labels.find(|(name, _)| **name == label).map(|(_, node)| node).with_context(|| format!("no node has {label}"))
    }

    /// The services that can be nowhere but on this node.
    ///
    /// # Errors
    /// When there are no machines.
    pub fn lives_on(&self, node: &str) -> Result<Vec<String>> {
        let mut services = Vec::new();
        for label in LABELS {
            if self.node_with(label)?.name() == node {
                services.push(label.trim_end_matches("=primary").trim_start_matches("node_type=").to_owned());
            }
        }
        Ok(services)
    }

    /// Where this node's way in is: `HOST:PORT`.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn way_in(&self, node: &str) -> Result<String> {
        Ok(format!("{}:{WAY_IN_PORT}", self.cluster.node(node)?.address()))
    }

    /// Whether `health-check.sh` says that all is well.
    ///
    /// # Errors
    /// What it says is wrong.
    pub fn check(&self) -> Result<()> {
        let output = self.script("health-check.sh")?.output()?;
        let said = [output.stdout, output.stderr].concat();
        ensure!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&said));
        Ok(())
    }

    /// The file of that path in this deployment's own copy of the checkout, such as `deploy/configs/miner.toml`.
    #[must_use]
    pub fn file(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// A script of `deploy/scripts`, ready to be run on this stack by way of a manager that answers.
    ///
    /// # Errors
    /// When none does.
    pub fn script(&self, name: &str) -> Result<Command> {
        self.script_with(name, &[])
    }

    /// The same, for a stack of which further files of this deployment's copy are a part.
    ///
    /// # Errors
    /// As [`Yard::script`].
    pub fn script_with(&self, name: &str, further: &[&str]) -> Result<Command> {
        let mut script = Command::new(self.file("deploy/scripts").join(name));
        script.env("DOCKER_HOST", self.engine()?.host().context("a node's engine has a socket")?);
        script.envs([("STACK", STACK), ("PLAYGROUND", "yes")]);
        let mut files: Vec<_> = ["stack.yml"].iter().chain(further).map(|file| self.file(file)).collect();
        if !mesh::kernel_has_ipvs() {
            files.push(mesh::write_producer_round_robin(self.folder.path())?);
        }
        script.env("STACK_FILE", std::env::join_paths(files)?);
        Ok(script)
    }

    /// The engine of a manager that answers.
    ///
    /// # Errors
    /// When none does.
    pub fn engine(&self) -> Result<Engine> {
        let engines = self.cluster.nodes().iter().take(self.managers).map(Node::engine);
        let answers = |engine: &Engine| engine.docker(&["node", "ls", "--quiet"]).is_ok();
        engines.into_iter().find(answers).context("no manager answers")
    }
}

/// What is at an address of the way in.
///
/// # Errors
/// When nobody answers within ten seconds, or with a status of 400 or more.
pub fn get(url: &str) -> Result<String> {
    let options = ["--silent", "--show-error", "--fail", "--max-time", "10"];
    output_of(Command::new("curl").args(options).arg(url))
}

/// The chat's client for scripts, compiled from this checkout.
///
/// # Errors
/// What cargo says when it fails.
pub fn chat_client() -> Result<PathBuf> {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--locked", "--package", "chat-client", "--message-format=json"]);
    let messages = output_of(build.current_dir(images::root()))?;
    let artifact = |line: &str| {
        let message: Value = serde_json::from_str(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    };
    messages.lines().find_map(artifact).context("cargo builds chat-client")
}

/// Copies a folder of files.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}
