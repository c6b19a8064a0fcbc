//! `docker-compose.yml` as the stack `myapp` on a virtual Swarm.
#![expect(clippy::print_stdout, reason = "the report of a test")]

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::{
    cluster::{Cluster, Node},
    engine::{Engine, output_of},
    images, mesh,
};

/// The images that every node needs.
const IMAGES: [&str; 6] =
    ["producer:latest", "consumer:latest", "chat-node:latest", "miner:latest", "api:latest", "webui:latest"];

/// The image of the one service that stays on the manager.
const MANAGER_IMAGE: &str = "redis:8-alpine";

/// Everything that the file describes, on machines of its own.
#[derive(Debug)]
pub struct Stack {
    cluster: Cluster,
}

impl Stack {
    /// Makes a Swarm, gives its nodes the images, which must have been built, and deploys.
    ///
    /// `nodes` are the machines' names, the first of them the manager's; `images` is what they need beside
    /// the file's images, and `settings` the file's variables.
    ///
    /// # Errors
    /// When a machine does not start, or Docker refuses the stack.
    pub fn deploy(nodes: &[&str], images: &[&str], settings: &[(&str, &str)]) -> Result<Self> {
        let (manager, workers) = nodes.split_first().context("a Swarm needs a machine")?;
        let stack = Self { cluster: Cluster::swarm(&[manager], workers)? };
        for node in stack.cluster.nodes() {
            node.load(&[&IMAGES, images].concat())?;
        }
        stack.manager()?.load(&[MANAGER_IMAGE])?;
        stack.engine()?.docker(&["node", "update", "--label-add", "redis=primary", stack.manager()?.name()])?;
        let folder = TempDir::with_prefix("swarmyard-")?;
        let mut deploy = stack.engine()?.command();
        deploy.current_dir(images::root()).args(["stack", "deploy", "-c", "docker-compose.yml"]);
        if !mesh::kernel_has_ipvs() {
            println!("This kernel has no IPVS: DNS round robin stands in for the virtual addresses.");
            deploy.arg("-c").arg(mesh::write_round_robin(folder.path())?).envs(mesh::NO_PORTS);
        }
        output_of(deploy.arg("myapp").envs(settings.iter().copied()))?;
        Ok(stack)
    }

    /// The machines.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The machine that manages the others.
    ///
    /// # Errors
    /// When there are no machines.
    pub fn manager(&self) -> Result<&Node> {
        self.cluster.nodes().first().context("a Swarm has a manager")
    }

    /// The manager's engine.
    ///
    /// # Errors
    /// When there are no machines.
    pub fn engine(&self) -> Result<Engine> {
        Ok(self.manager()?.engine())
    }

    /// The tasks of these services that run, as `NAME STATE NODE`.
    ///
    /// # Errors
    /// When Docker does not tell.
    pub fn running(&self, services: &[&str]) -> Result<Vec<String>> {
        let filter = "--filter=desired-state=running";
        let format = "--format={{.Name}} {{.CurrentState}} {{.Node}}";
        let tasks = self.engine()?.docker(&["stack", "ps", filter, format, "myapp"])?;
        let is_meant = |task: &str| services.iter().any(|service| task.starts_with(&format!("myapp_{service}.")));
        let tasks = tasks.lines().filter(|task| is_meant(task) && task.contains(" Running "));
        Ok(tasks.map(str::to_owned).collect())
    }
}
