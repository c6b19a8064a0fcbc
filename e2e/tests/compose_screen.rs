//! What Compose shows on an engine that has none of our images yet.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::{compose::Project, engine::Engine, running::Running};
use regex::Regex;

/// The one image that is not ours. A newcomer's engine pulls it, and should.
const REDIS: &str = "redis:8-alpine";

/// All images, built from nothing on a busy machine.
const LIMIT: Duration = Duration::from_mins(45);

/// An engine that knows no image of ours, as far as Compose can tell: all have a tag that was never used.
struct Cold {
    project: Project,
    tag: String,
}

impl Cold {
    fn new(test: &str) -> Result<Self> {
        let engine = Engine::local();
        engine.docker(&["image", "inspect", REDIS]).or_else(|_| engine.docker(&["pull", REDIS]))?;
        let tag = format!("e2e-{}-{test}", std::process::id());
        Ok(Self { project: Project::new(test, &[("TAG", &tag)])?, tag })
    }

    /// Our images that are there by now, as `NAME:TAG`, in their order.
    fn images(&self) -> Result<Vec<String>> {
        let filter = format!("--filter=reference=*:{}*", self.tag);
        let images = Engine::local().docker(&["image", "ls", &filter, "--format={{.Repository}}:{{.Tag}}"])?;
        let mut images: Vec<_> = images.lines().map(str::to_owned).collect();
        images.sort();
        Ok(images)
    }

    /// Runs `docker compose ARGUMENTS`, which has to succeed and show nothing that frightens a newcomer.
    fn shows_no_trouble(&self, arguments: &[&str]) -> Result<()> {
        let mut running = Running::start(self.project.command().args(arguments))?;
        let status = running.wait(LIMIT)?;
        let screen = running.output()?;
        ensure!(status.success(), "{status}:\n{screen}");
        let trouble = Regex::new(r"(?i)\b(error|fail|failed|warn|warning|denied|pull|pulling|pulled)\b")?;
        let lines: Vec<_> = screen.lines().filter(|line| trouble.is_match(line)).collect();
        ensure!(lines.is_empty(), "{lines:#?} in:\n{screen}");
        Ok(())
    }
}

impl Drop for Cold {
    fn drop(&mut self) {
        // What cannot be removed stays, and its tag tells whose it is.
        let _ = self.project.compose(&["down", "--timeout=1", "--volumes"]);
        for image in self.images().unwrap_or_default() {
            let _ = Engine::local().docker(&["image", "rm", &image]);
        }
    }
}

/// Every service of the file runs.
fn everything_runs(cold: &Cold) -> Result<()> {
    let all = cold.project.compose(&["config", "--services"])?;
    let running = cold.project.compose(&["ps", "--services", "--status=running"])?;
    let sorted = |list: &str| {
        let mut lines: Vec<_> = list.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    ensure!(sorted(&all) == sorted(&running), "of {all} run only {running}");
    Ok(())
}

#[test]
fn the_first_up_builds_and_starts_everything_without_an_error_or_a_pull() -> Result<()> {
    let cold = Cold::new("up")?;
    cold.shows_no_trouble(&["up", "--detach"])?;
    everything_runs(&cold)
}

#[test]
fn the_first_up_with_build_does_so_too() -> Result<()> {
    let cold = Cold::new("up-build")?;
    cold.shows_no_trouble(&["up", "--detach", "--build"])?;
    everything_runs(&cold)
}

#[test]
fn each_chat_node_can_be_built_and_started_alone() -> Result<()> {
    for node in ["node1", "node2", "node3"] {
        let cold = Cold::new(&format!("build-{node}"))?;
        cold.shows_no_trouble(&["build", node])?;
        ensure!(cold.images()?.len() == 1, "{:?}", cold.images()?);
        cold.shows_no_trouble(&["up", "--detach", "--wait", "--no-build", node])?;

        let cold = Cold::new(&format!("up-{node}"))?;
        cold.shows_no_trouble(&["up", "--detach", "--wait", "--build", node])?;
        ensure!(cold.project.compose(&["ps", "--services"])? == node);
    }
    Ok(())
}
