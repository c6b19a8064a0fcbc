//! One machine of the virtual Swarm.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use crate::{
    engine::{Engine, output_of},
    wait,
};

/// A container that plays a machine with Docker.
#[derive(Debug)]
pub struct Node {
    name: String,
    container: String,
    socket: PathBuf,
    process: u32,
    address: String,
}

impl Node {
    pub(super) fn new(name: &str, container: String, socket_folder: &Path) -> Self {
        let socket = socket_folder.join("docker.sock");
        Self { name: name.to_owned(), container, socket, process: 0, address: String::new() }
    }

    pub(super) fn wait_for_engine(&mut self, limit: Duration) -> Result<()> {
        let engine = self.engine();
        wait::until(limit, || engine.docker(&["info"])).with_context(|| {
            let log = Engine::local().docker(&["logs", "--tail", "20", &self.container]);
            format!("the engine of {} does not answer: {}", self.name, log.unwrap_or_default())
        })?;
        let template = "{{.State.Pid}} {{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let facts = Engine::local().docker(&["inspect", "--format", template, &self.container])?;
        let (process, address) = facts.split_once(' ').context("docker inspect prints two words")?;
        self.process = process.parse()?;
        address.clone_into(&mut self.address);
        Ok(())
    }

    /// The machine's host name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The machine's IP address.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The process of this machine in whose network the node lives.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.process
    }

    pub(super) fn container(&self) -> &str {
        &self.container
    }

    /// The machine's engine.
    #[must_use]
    pub fn engine(&self) -> Engine {
        Engine::at_socket(&self.socket)
    }

    /// Runs a shell command on the machine itself, as root.
    ///
    /// # Errors
    /// When the command fails.
    pub fn shell(&self, script: &str) -> Result<String> {
        Engine::local().docker(&["exec", &self.container, "sh", "-c", script])
    }

    /// Gives the machine images that this one has, for this machine's platform.
    ///
    /// # Errors
    /// When an image is not here, or cannot be loaded there.
    pub fn load(&self, images: &[&str]) -> Result<()> {
        let here = Engine::local();
        for image in images {
            // Pulls what a Docker Hub nearby would give: these are found here only once.
            here.docker(&["image", "inspect", image]).or_else(|_| here.docker(&["pull", image]))?;
        }
        let platform = here.docker(&["version", "--format", "{{.Server.Os}}/{{.Server.Arch}}"])?;
        let mut save = here.command();
        save.args(["save", "--platform", &platform]).args(images).stdout(Stdio::piped());
        let mut save = save.spawn().context("cannot start docker save")?;
        let archive = save.stdout.take().context("the output of docker save is a pipe")?;
        let mut load = self.engine().command();
        let loaded = output_of(load.args(["load", "--quiet"]).stdin(archive));
        ensure!(save.wait()?.success(), "docker save {images:?} failed");
        loaded.with_context(|| format!("{} cannot load {images:?}", self.name)).map(drop)
    }

    /// Cuts the machine's power.
    ///
    /// # Errors
    /// When it is not running.
    pub fn cut_power(&self) -> Result<()> {
        Engine::local().docker(&["kill", &self.container]).map(drop)
    }
}
