//! `docker-compose.yml` on this machine's engine.

#![expect(clippy::print_stdout, reason = "the report of a test")]

use std::{fs, process::Command, time::Instant};

use anyhow::{Context, Result, ensure};

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

    /// Stops it, and says how long that took.
    ///
    /// # Errors
    /// When a program did not end with code 0: 137 would be the kill that comes after ten seconds without a reaction.
    pub fn stop(&self) -> Result<()> {
        let start = Instant::now();
        self.compose(&["stop"])?;
        println!("stopped in {:.1} s", start.elapsed().as_secs_f32());
        for container in self.containers()? {
            let state = Engine::local().docker(&["inspect", "--format={{.Name}} {{.State.ExitCode}}", &container])?;
            ensure!(state.ends_with(" 0"), "{state}");
        }
        Ok(())
    }

    /// # Errors
    /// When a running container's disk can be written to, its program can gain privileges, has capabilities or is
    /// root's, or when one of `lines` is not in the program's `/proc/PID/status`.
    pub fn ensure_is_hardened(&self, lines: &[&str]) -> Result<()> {
        for container in self.containers()? {
            let format = "--format={{.State.Pid}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.SecurityOpt}}";
            let state = Engine::local().docker(&["inspect", format, &container])?;
            let (pid, rest) = state.split_once(' ').context("a running container has a process")?;
            ensure!(rest == "true [no-new-privileges:true]", "{state}");
            let status =
                fs::read_to_string(format!("/proc/{pid}/status")).context("the engine runs on this machine")?;
            ensure!(!status.contains("Uid:\t0\t"), "{status}");
            for line in ["CapEff:\t0000000000000000", "NoNewPrivs:\t1"].iter().chain(lines) {
                ensure!(status.lines().any(|found| found == *line), "{line:?} is not in {status}");
            }
        }
        Ok(())
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
