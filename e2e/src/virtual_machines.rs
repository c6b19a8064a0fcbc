//! A Swarm of virtual machines, each with a kernel and a processor of its own: for what containers on one kernel
//! cannot show, which is several architectures in one Swarm, and everywhere the routing mesh.
//!
//! Who can make such machines says how: a program, named by the variable `MACHINES`, takes these arguments.
//!
//! | arguments | what it does |
//! | --- | --- |
//! | `up ARCHITECTURE...` | makes `node1`, `node2` and so on of `amd64`, `arm64` or `arm`: a Swarm with one manager |
//! | `push IMAGE...` | has the nodes find images of this machine's engine under their names, for all platforms |
//! | `socket NODE` | prints the value of `DOCKER_HOST` for the node's engine |
//! | `ip NODE` | prints the node's address among the nodes, where its published ports answer this machine too |
//! | `stop NODE` | cuts its power |
//! | `start NODE` | gives it back, and waits until its engine answers |
//! | `slow NODE MILLISECONDS PERCENT` | delays what it sends to other nodes and to here, and loses some |
//! | `down` | removes everything |
//!
//! It ends with 0 when that is done, and otherwise says on stderr why not.

use std::process::Command;

use anyhow::{Context, Result};

use crate::engine::{Engine, output_of};

/// Machines that are a Swarm. Dropping it removes them.
#[derive(Debug)]
pub struct VirtualMachines {
    program: String,
    nodes: Vec<Node>,
}

/// One of them.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its host name.
    pub name: String,
    /// Its processor, as Docker names it in images: `amd64`, `arm64` or `arm`.
    pub architecture: String,
    /// Its IP address.
    pub address: String,
    /// Its engine.
    pub engine: Engine,
}

impl VirtualMachines {
    /// Makes machines of these architectures; the first is the Swarm's manager.
    ///
    /// # Errors
    /// When `MACHINES` is not set, or its program fails. What it has made by then is left, as it may have been
    /// there before: its `down` removes it.
    pub fn up(architectures: &[&str]) -> Result<Self> {
        let program = std::env::var("MACHINES").context(
            "MACHINES is not set: it names the program that makes virtual machines (see e2e/src/virtual_machines.rs)",
        )?;
        run(&program, &[&["up"], architectures].concat())
            .with_context(|| format!("no virtual machines; to remove what there may be of them: {program} down"))?;
        let mut machines = Self { program, nodes: Vec::new() };
        for (number, architecture) in (1..).zip(architectures) {
            let name = format!("node{number}");
            let address = machines.run(&["ip", &name])?;
            let engine = Engine::at(&machines.run(&["socket", &name])?);
            machines.nodes.push(Node { name, architecture: (*architecture).to_owned(), address, engine });
        }
        Ok(machines)
    }

    /// All of them, in their order.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Has the nodes find images of this machine's engine when they pull them.
    ///
    /// # Errors
    /// When one is not here.
    pub fn push(&self, images: &[&str]) -> Result<()> {
        self.run(&[&["push"], images].concat()).map(drop)
    }

    /// Cuts a node's power.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn cut_power(&self, node: &Node) -> Result<()> {
        self.run(&["stop", &node.name]).map(drop)
    }

    /// Gives a node its power back, and waits until its engine answers.
    ///
    /// # Errors
    /// When it does not start.
    pub fn restore_power(&self, node: &Node) -> Result<()> {
        self.run(&["start", &node.name]).map(drop)
    }

    /// Has what a node sends come so many milliseconds later, and some of it, in percent, not at all.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn slow(&self, node: &Node, milliseconds: u32, percent: u32) -> Result<()> {
        self.run(&["slow", &node.name, &milliseconds.to_string(), &percent.to_string()]).map(drop)
    }

    fn run(&self, arguments: &[&str]) -> Result<String> {
        run(&self.program, arguments)
    }
}

impl Drop for VirtualMachines {
    fn drop(&mut self) {
        // What it could not remove, it says when they are made the next time.
        let _ = self.run(&["down"]);
    }
}

fn run(program: &str, arguments: &[&str]) -> Result<String> {
    output_of(Command::new(program).args(arguments))
}
