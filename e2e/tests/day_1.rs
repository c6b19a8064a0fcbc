//! Lives through `docs/day-1.md`, line by line.
#![expect(clippy::print_stdout, reason = "the report of a test")]

use std::path::PathBuf;

use anyhow::Result;
use e2e::{
    cluster::Cluster,
    engine::require_engine_and_root,
    machine::Machines,
    mesh,
    page::{self, Action, LAPTOP, Step},
    story::Surroundings,
    tutorial::{ComposeProject, live},
};

/// Where the page puts its registry, on the manager and, through a tunnel, on the laptop.
const REGISTRY_PORT: u16 = 5001;

#[test]
fn every_command_of_day_1_does_what_the_page_says() -> Result<()> {
    require_engine_and_root()?;
    let (page, steps) = page::open("docs/day-1.md")?;
    let _compose = ComposeProject::clean()?;

    // The nodes come when they are needed, because the registry's port is then taken on this machine.
    let (alone, together) = steps.split_at(steps.iter().position(needs_nodes).unwrap_or(steps.len()));
    live(&page, alone, &Machines::new(&[])?, &Here { stand_in: None })?;

    let cluster = Cluster::up(&["manager", "worker"], Some(REGISTRY_PORT))?;
    let machines = Machines::new(cluster.nodes())?;
    println!("From here on, `manager` and `worker` are containers, and scripts stand in for ssh and scp.");
    println!("Both nodes get registry:2 and redis:8-alpine now, which a Pi would pull from Docker Hub.");
    for node in cluster.nodes() {
        node.load(&["registry:2", "redis:8-alpine"])?;
    }
    let here = Here::prepare(&cluster, &machines)?;
    live(&page, together, &machines, &here)
}

fn needs_nodes(step: &Step) -> bool {
    match &step.action {
        Action::Type { machine, command, .. } => {
            machine != LAPTOP || command.contains("ssh ") || command.contains("scp ")
        }
        Action::Enter(_) | Action::Interrupt | Action::Switch { .. } => false,
    }
}

/// The kernel, as far as the page can notice it.
struct Here {
    /// What stands in for the routing mesh, where the kernel has none.
    stand_in: Option<PathBuf>,
}

impl Here {
    fn prepare(cluster: &Cluster, machines: &Machines) -> Result<Self> {
        if mesh::kernel_has_ipvs() {
            return Ok(Self { stand_in: None });
        }
        println!("This kernel has no IPVS, so Swarm's routing mesh cannot answer. Therefore:");
        println!("- `docker stack deploy` gets one more file, with DNS round robin instead of virtual");
        println!("  addresses, and {} on port 5000 of every node;", mesh::STAND_IN_IMAGE);
        println!("- the registry's port is the manager's, and the worker's traffic is sent there;");
        println!("- ports that only the mesh would list are not compared.");
        let manager = cluster.node("manager")?;
        for node in cluster.nodes() {
            node.load(&[mesh::STAND_IN_IMAGE])?;
            if node.name() != manager.name() {
                mesh::lead_traffic(node, manager, REGISTRY_PORT)?;
            }
        }
        Ok(Self { stand_in: Some(mesh::write_stand_in(&machines.folder())?) })
    }
}

impl Surroundings for Here {
    fn adapt(&self, command: &str) -> Result<String> {
        match &self.stand_in {
            Some(stand_in) => mesh::adapt(command, stand_in),
            None => Ok(command.to_owned()),
        }
    }

    fn strip(&self, lines: &str) -> Result<Vec<String>> {
        match &self.stand_in {
            Some(_) => mesh::without_mesh(lines),
            None => Ok(lines.lines().map(str::to_owned).collect()),
        }
    }
}
