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
    address: String,
}

/// An engine on a busy machine took 9 s to answer.
const ENGINE_START_LIMIT: Duration = Duration::from_secs(90);

impl Node {
    pub(super) fn new(name: &str, container: String, socket_folder: &Path, address: String) -> Self {
        let socket = socket_folder.join("docker.sock");
        Self { name: name.to_owned(), container, socket, address }
    }

    pub(super) fn wait_for_engine(&self) -> Result<()> {
        let engine = self.engine();
        wait::until(ENGINE_START_LIMIT, || engine.docker(&["info"])).map(drop).with_context(|| {
            let log = Engine::local().docker(&["logs", "--tail", "20", &self.container]);
            format!("the engine of {} does not answer: {}", self.name, log.unwrap_or_default())
        })
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

    /// The container that plays it.
    pub(crate) fn container(&self) -> &str {
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
        Engine::local().docker(&["kill", &self.container])?;
        // What is left of it would be taken for an engine that does not answer.
        std::fs::remove_file(&self.socket).context("a node that ran has a socket")
    }

    /// Gives the machine its power back, and waits until its engine answers.
    ///
    /// # Errors
    /// When it does not start.
    pub fn restore_power(&self) -> Result<()> {
        Engine::local().docker(&["start", &self.container])?;
        self.wait_for_engine()
    }

    /// Cuts the machine off the network. What runs there goes on, and its engine still answers here.
    ///
    /// # Errors
    /// When it is not running.
    pub fn cut_off(&self) -> Result<()> {
        self.shell(&CUT.map(|rule| format!("iptables -t {rule}").replace("CHAIN", "-I")).join(" && ")).map(drop)
    }

    /// Undoes [`Self::cut_off`].
    ///
    /// # Errors
    /// When it was not cut off.
    pub fn heal(&self) -> Result<()> {
        self.shell(&CUT.map(|rule| format!("iptables -t {rule}").replace("CHAIN", "-D")).join(" && ")).map(drop)
    }
}

/// Rules that let nothing in or out, before anything else looks at it.
const CUT: [&str; 2] = ["raw CHAIN PREROUTING -i eth0 -j DROP", "mangle CHAIN POSTROUTING -o eth0 -j DROP"];
