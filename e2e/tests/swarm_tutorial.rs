//! Lives through `docs/swarm.md`, line by line.
#![expect(clippy::print_stdout, reason = "the report of a test")]

use std::path::PathBuf;

use anyhow::Result;
use e2e::{
    cluster::Cluster, engine::require_engine_and_root, images, machine::Machines, mesh, page, story::Surroundings,
    tutorial::live,
};

const MACHINES: [&str; 5] = ["pi1", "pi2", "pi3", "pi4", "pi5"];

/// What a Pi would pull, or was given before.
const IMAGES: [&str; 3] = ["redis:8-alpine", "producer:latest", mesh::STAND_IN_IMAGE];

#[test]
fn every_command_of_the_swarm_page_does_what_the_page_says() -> Result<()> {
    require_engine_and_root()?;
    images::build()?;
    let (page, steps) = page::open("docs/swarm.md")?;
    let cluster = Cluster::up(&MACHINES, None)?;
    let machines = Machines::new(cluster.nodes())?;
    println!("All nodes get {IMAGES:?} now.");
    for node in cluster.nodes() {
        node.load(&IMAGES)?;
    }
    live(&page, &steps, &machines, &Here::prepare(&cluster, &machines))
}

/// The machines, and the kernel as far as the page can notice it.
struct Here<'a> {
    cluster: &'a Cluster,
    /// For files that stand in for the routing mesh, where the kernel has none.
    stand_ins: Option<PathBuf>,
}

impl<'a> Here<'a> {
    fn prepare(cluster: &'a Cluster, machines: &Machines) -> Self {
        if mesh::kernel_has_ipvs() {
            return Self { cluster, stand_ins: None };
        }
        println!("This kernel has no IPVS, so Swarm's routing mesh cannot answer. Therefore:");
        println!("- a service that is created with -p gets {} in front, on every node;", mesh::STAND_IN_IMAGE);
        println!("- ports that only the mesh would list are not compared.");
        Self { cluster, stand_ins: Some(machines.folder()) }
    }
}

impl Surroundings for Here<'_> {
    fn adapt(&self, command: &str) -> Result<String> {
        match &self.stand_ins {
            Some(folder) => mesh::adapt_published(command, folder),
            None => Ok(command.to_owned()),
        }
    }

    fn strip(&self, lines: &str) -> Result<Vec<String>> {
        match &self.stand_ins {
            Some(_) => mesh::without_mesh(lines),
            None => Ok(lines.lines().map(str::to_owned).collect()),
        }
    }

    fn switch(&self, machine: &str, on: bool) -> Result<()> {
        let node = self.cluster.node(machine)?;
        if on { node.restore_power() } else { node.cut_power() }
    }
}
