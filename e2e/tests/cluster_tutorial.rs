//! Lives through `docs/swarm.md` and `docs/cluster.md`, line by line.
#![expect(clippy::print_stdout, reason = "the report of a test")]

use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use anyhow::Result;
use e2e::{
    cluster::Cluster, engine::require_engine_and_root, images, machine::Machines, mesh, page, story::Surroundings,
    tutorial::live,
};

const MACHINES: [&str; 5] = ["pi1", "pi2", "pi3", "pi4", "pi5"];

/// Where a page puts its registry, on the first machine and, through a tunnel, on the laptop.
const REGISTRY_PORT: u16 = 5001;

/// Both have ports of this machine's.
static ONE_CLUSTER_AT_A_TIME: Mutex<()> = Mutex::new(());

#[test]
fn every_command_of_the_swarm_page_does_what_the_page_says() -> Result<()> {
    images::build()?;
    follow("docs/swarm.md", &["redis:8-alpine", "producer:latest", mesh::STAND_IN_IMAGE])
}

#[test]
fn every_command_of_the_cluster_page_does_what_the_page_says() -> Result<()> {
    follow("docs/cluster.md", &["registry:2", "redis:8-alpine", "nginx:1-alpine"])
}

fn follow(page: &str, images: &[&str]) -> Result<()> {
    let _turn = ONE_CLUSTER_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    require_engine_and_root()?;
    let (page, steps) = page::open(page)?;
    let cluster = Cluster::up(&MACHINES, Some(REGISTRY_PORT))?;
    let machines = Machines::new(cluster.nodes())?;
    println!("All nodes get {images:?} now, which a Pi would pull, or was given before.");
    for node in cluster.nodes() {
        node.load(images)?;
    }
    let here = Here::prepare(&cluster, &machines)?;
    live(&page, &steps, &machines, &here)
}

/// The machines, and the kernel as far as the page can notice it.
struct Here<'a> {
    cluster: &'a Cluster,
    /// For files that stand in for the routing mesh and for virtual addresses, where the kernel has neither.
    stand_ins: Option<PathBuf>,
}

impl<'a> Here<'a> {
    fn prepare(cluster: &'a Cluster, machines: &Machines) -> Result<Self> {
        let mut here = Self { cluster, stand_ins: None };
        if !mesh::kernel_has_ipvs() {
            println!("This kernel has no IPVS, so Swarm's routing mesh cannot answer. Therefore:");
            println!("- the stack gets one more file, with DNS round robin instead of the producer's virtual address;");
            println!("- a service that is created with -p gets {} in front, on every node;", mesh::STAND_IN_IMAGE);
            println!("- the registry's port is the first machine's, and the others' traffic is sent there;");
            println!("- ports that only the mesh would list are not compared.");
            here.stand_ins = Some(machines.folder());
            for machine in MACHINES {
                here.lead_to_registry(machine)?;
            }
        }
        Ok(here)
    }

    fn lead_to_registry(&self, machine: &str) -> Result<()> {
        let registry = self.cluster.node(MACHINES[0])?;
        if self.stand_ins.is_none() || machine == registry.name() {
            return Ok(());
        }
        mesh::lead_traffic(self.cluster.node(machine)?, registry, REGISTRY_PORT)
    }
}

impl Surroundings for Here<'_> {
    fn adapt(&self, command: &str) -> Result<String> {
        let Some(folder) = &self.stand_ins else { return Ok(command.to_owned()) };
        let round_robin = mesh::write_producer_round_robin(folder)?;
        let deploy = format!("STACK_FILE=stack.yml:{} deploy/scripts/deploy.sh", round_robin.display());
        let command = command.replace("deploy/scripts/deploy.sh", &deploy);
        mesh::adapt(&mesh::adapt_published(&command, folder)?, &round_robin)
    }

    fn strip(&self, lines: &str) -> Result<Vec<String>> {
        match &self.stand_ins {
            Some(_) => mesh::without_mesh(lines),
            None => Ok(lines.lines().map(str::to_owned).collect()),
        }
    }

    fn switch(&self, machine: &str, on: bool) -> Result<()> {
        let node = self.cluster.node(machine)?;
        if !on {
            return node.cut_power();
        }
        node.restore_power()?;
        self.lead_to_registry(machine)
    }
}
