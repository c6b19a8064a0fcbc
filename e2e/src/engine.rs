//! One Docker engine, this machine's or a node's, spoken to through the `docker` command.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail, ensure};

/// A Docker engine.
#[derive(Clone, Debug, Default)]
pub struct Engine {
    host: Option<String>,
}

impl Engine {
    /// The engine that a plain `docker` command talks to.
    #[must_use]
    pub fn local() -> Self {
        Self::default()
    }

    /// The engine behind a socket.
    #[must_use]
    pub fn at_socket(socket: &Path) -> Self {
        Self::at(&format!("unix://{}", socket.display()))
    }

    /// The engine at an address, as `DOCKER_HOST` has it.
    #[must_use]
    pub fn at(host: &str) -> Self {
        Self { host: Some(host.to_owned()) }
    }

    /// The value of `DOCKER_HOST` for this engine, none for the local one.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// A `docker` command, ready for its arguments.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new("docker");
        if let Some(host) = &self.host {
            command.env("DOCKER_HOST", host);
        }
        command
    }

    /// Runs `docker ARGUMENTS` and returns what it printed, without the space around it.
    ///
    /// # Errors
    /// When docker cannot be started or fails; the message holds what it said.
    pub fn docker<A: AsRef<std::ffi::OsStr>>(&self, arguments: &[A]) -> Result<String> {
        let mut command = self.command();
        command.args(arguments);
        output_of(&mut command)
    }
}

/// Runs a command and returns what it printed, without the space around it.
///
/// # Errors
/// When it cannot be started or fails; the message holds what it said.
pub fn output_of(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Checks what the tests on virtual machines need from this one.
///
/// # Errors
/// Names what is missing: an engine that answers, or root.
pub fn require_engine_and_root() -> Result<()> {
    Engine::local()
        .docker(&["info", "--format", "{{.ServerVersion}}"])
        .context("these tests need a Docker engine, and none answers here")?;
    ensure!(
        rustix::process::geteuid().is_root(),
        "these tests enter the networks of virtual machines with nsenter: run them as root"
    );
    output_of(Command::new("nsenter").arg("--version")).context("these tests need nsenter, a part of util-linux")?;
    Ok(())
}
