//! `docker-compose.yml` on this machine's engine.

use std::process::Command;

use anyhow::{Context, Result};

use crate::{
    engine::{Engine, output_of},
    images, mesh,
};

/// A Compose project of a test's own, on free ports. Dropping it removes it.
#[derive(Debug)]
pub struct Project {
    name: String,
    settings: Vec<(&'static str, String)>,
}

impl Project {
    /// A project in which nothing runs yet. `settings` are the file's variables; the images have been built.
    ///
    /// # Errors
    /// What `docker compose build` says when it fails.
    pub fn new(test: &str, settings: &[(&'static str, &str)]) -> Result<Self> {
        images::build()?;
        let settings = settings.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Ok(Self { name: format!("e2e-{}-{test}", std::process::id()), settings })
    }

    /// `docker compose`, ready for its arguments.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Engine::local().command();
        command.args(["compose", "--project-name", &self.name]).current_dir(images::root());
        command.envs(mesh::NO_PORTS).envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs `docker compose ARGUMENTS` and returns what it printed.
    ///
    /// # Errors
    /// What Compose says when it fails.
    pub fn compose(&self, arguments: &[&str]) -> Result<String> {
        output_of(self.command().args(arguments))
    }

    /// The ids of all its containers, running or not.
    ///
    /// # Errors
    /// What Compose says when it fails.
    pub fn containers(&self) -> Result<Vec<String>> {
        Ok(self.compose(&["ps", "--all", "--quiet"])?.lines().map(str::to_owned).collect())
    }

    /// Where a service's port is published, as `localhost:PORT`.
    ///
    /// # Errors
    /// When it is not published.
    pub fn address(&self, service: &str, port: &str) -> Result<String> {
        let address = self.compose(&["port", service, port])?;
        let port = address.rsplit(':').next().context("an address has a port")?;
        Ok(format!("localhost:{port}"))
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // A failure leaves containers behind, which their names tell apart; nothing else to do.
        let _ = self.compose(&["down", "--timeout=1", "--remove-orphans", "--volumes"]);
    }
}
