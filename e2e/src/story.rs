//! Lives through a tutorial: types its commands one after the other, each on its machine, and compares
//! what they print with what the page shows.
//!
//! - A command has to succeed, unless the page shows its failure (a line that starts with `Error
//!   response from daemon`, `curl: (` or the name of one of our programs).
//! - A command under which the page shows nothing may print anything.
//! - A command that only looks (a list, a log, `curl`) is typed again until it shows what the page
//!   shows: a cluster needs time to settle.
//! - A command with `…` in it is taken from what was printed earlier, as a reader would copy it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use regex::Regex;

use crate::{
    compare::{Extent, compare},
    machine::Machines,
    page::{Action, Step},
    running::Running,
    wait,
};

/// Nothing on a page takes longer: an image of three platforms, built from nothing.
const COMMAND_LIMIT: Duration = Duration::from_mins(45);

/// Swarm gives a node five chances, some seconds apart, before it chooses another.
const SETTLE_LIMIT: Duration = Duration::from_mins(3);

/// From Ctrl-C to the prompt.
const INTERRUPT_LIMIT: Duration = Duration::from_mins(1);

/// What to do to commands and to lines before they are used. See [`crate::mesh`].
pub trait Surroundings {
    /// The command as it has to be here.
    ///
    /// # Errors
    /// When it cannot be told.
    fn adapt(&self, command: &str) -> Result<String>;

    /// Lines without what differs here, of the page and of the output.
    ///
    /// # Errors
    /// When it cannot be told.
    fn strip(&self, lines: &str) -> Result<Vec<String>>;

    /// Gives a machine its power, or takes it away.
    ///
    /// # Errors
    /// When there is no such machine, or it does not start.
    fn switch(&self, machine: &str, _on: bool) -> Result<()> {
        bail!("nobody here can switch {machine}")
    }
}

/// A tutorial on its way.
pub struct Story<'a> {
    machines: &'a Machines,
    surroundings: &'a dyn Surroundings,
    /// Commands in the foreground, the one started last at the end.
    foreground: Vec<Running>,
    /// Everything printed so far.
    printed: String,
}

impl<'a> Story<'a> {
    /// The beginning.
    #[must_use]
    pub fn new(machines: &'a Machines, surroundings: &'a dyn Surroundings) -> Self {
        Self { machines, surroundings, foreground: Vec::new(), printed: String::new() }
    }

    /// Does one step.
    ///
    /// # Errors
    /// Says where the page is wrong: what it shows, and what was printed instead.
    pub fn follow(&mut self, step: &Step) -> Result<()> {
        match &step.action {
            Action::Enter(text) => self.enter(text, &step.shown),
            Action::Interrupt => self.interrupt(step),
            Action::Switch { machine, on } => self.surroundings.switch(machine, *on),
            Action::Type { machine, command, stays } => {
                let command = self.surroundings.adapt(&self.copy(command)?)?;
                if *stays {
                    self.start(machine, &command, &step.shown)
                } else if only_looks(&command) {
                    self.look(machine, &command, &step.shown)
                } else {
                    self.run(machine, &command, &step.shown)
                }
            }
        }
    }

    fn run(&mut self, machine: &str, command: &str, shown: &[String]) -> Result<()> {
        let (output, succeeded) = self.output_of(machine, command)?;
        self.printed.push_str(&output);
        self.check(shown, &output, Extent::Whole)?;
        check_status(shown, &output, succeeded)
    }

    fn look(&mut self, machine: &str, command: &str, shown: &[String]) -> Result<()> {
        let output = wait::until(SETTLE_LIMIT, || {
            let (output, succeeded) = self.output_of(machine, command)?;
            self.check(shown, &output, Extent::Whole)?;
            check_status(shown, &output, succeeded)?;
            Ok(output)
        })?;
        self.printed.push_str(&output);
        Ok(())
    }

    fn start(&mut self, machine: &str, command: &str, shown: &[String]) -> Result<()> {
        let mut running = Running::start_in_foreground(&mut self.machines.command(machine, command))?;
        self.wait_for(shown, &mut running, 0)?;
        self.foreground.push(running);
        Ok(())
    }

    /// Waits until a command shows this after the first `before` bytes of its output, and stays.
    fn wait_for(&self, shown: &[String], running: &mut Running, before: usize) -> Result<()> {
        let start = Instant::now();
        loop {
            // Asked before the output is read: what it printed last is then seen.
            let ended = running.ended()?;
            let output = running.output()?;
            match self.check(shown, output.get(before..).unwrap_or_default(), Extent::SoFar) {
                Ok(()) if ended.is_none() => return Ok(()),
                Ok(()) => bail!("it should stay in the foreground, and has ended\n{output}"),
                Err(error) if ended.is_some() || start.elapsed() > COMMAND_LIMIT => return Err(error),
                Err(_) => std::thread::sleep(Duration::from_millis(100)),
            }
        }
    }

    fn enter(&mut self, text: &str, shown: &[String]) -> Result<()> {
        let mut running = self.foreground.pop().context("nothing runs")?;
        let before = running.output()?.len();
        running.enter(text)?;
        self.wait_for(shown, &mut running, before)?;
        self.foreground.push(running);
        Ok(())
    }

    fn interrupt(&mut self, step: &Step) -> Result<()> {
        let mut running = self.foreground.pop().context("nothing runs")?;
        ensure!(running.ended()?.is_none(), "it has ended before ^C\n{}", running.output()?);
        let before = running.output()?.len();
        running.interrupt();
        running.wait(INTERRUPT_LIMIT)?;
        let output = running.output()?;
        self.printed.push_str(&output);
        self.check(&step.shown, output.get(before..).unwrap_or_default(), Extent::Whole)
    }

    fn output_of(&self, machine: &str, command: &str) -> Result<(String, bool)> {
        let mut running = Running::start(&mut self.machines.command(machine, command))?;
        let status = running.wait(COMMAND_LIMIT);
        let output = running.output()?;
        let status = status.with_context(|| output.clone())?;
        Ok((output, status.success()))
    }

    fn check(&self, shown: &[String], output: &str, extent: Extent) -> Result<()> {
        if shown.iter().all(|line| line.trim().is_empty()) {
            return Ok(());
        }
        let shown = self.surroundings.strip(&shown.join("\n"))?;
        let stripped = self.surroundings.strip(output)?.join("\n");
        compare(&shown, &stripped, extent).with_context(|| format!("it printed:\n{output}"))
    }

    /// The command itself, or the printed line that it stands for.
    fn copy(&self, command: &str) -> Result<String> {
        let Some((before, after)) = command.split_once('…') else {
            return Ok(command.to_owned());
        };
        let after = Regex::new(r"\d+")?.replace_all(&regex::escape(after), r"\d+").into_owned();
        let line = Regex::new(&format!(r"(?m)^\s*({}.*{after})\s*$", regex::escape(before)))?;
        let found = line.captures_iter(&self.printed).last();
        let found = found.with_context(|| format!("no line like {command:?} was printed before"))?;
        Ok(found[1].to_owned())
    }
}

/// Whether typing a command again changes nothing.
fn only_looks(command: &str) -> bool {
    let looks = [
        "docker compose logs",
        "docker compose ps",
        "docker image ls",
        "docker network ls",
        "docker node ls",
        "docker node ps",
        "docker service logs",
        "docker service ls",
        "docker service ps",
        "docker stack ps",
        "curl ",
        "deploy/scripts/health-check.sh",
        "deploy/scripts/logs.sh",
        "deploy/scripts/restore.sh -l",
        "for ",
    ];
    looks.iter().any(|look| command.starts_with(look))
}

fn check_status(shown: &[String], output: &str, succeeded: bool) -> Result<()> {
    let failure = |line: &String| {
        let line = line.trim_start();
        let docker = ["Error response from daemon", "curl: ("];
        let ours = ["chat-node: ", "chat-client: ", "deploy.sh: ", "restore.sh: ", "swarmyard: "];
        docker.iter().chain(&ours).any(|start| line.starts_with(start))
    };
    let should_fail = shown.iter().any(failure);
    ensure!(succeeded != should_fail, "it {}:\n{output}", if succeeded { "succeeds" } else { "fails" });
    Ok(())
}

/// All of it happens on this machine, where nothing has to be adapted.
#[derive(Debug)]
pub struct AsItIs;

impl Surroundings for AsItIs {
    fn adapt(&self, command: &str) -> Result<String> {
        Ok(command.to_owned())
    }

    fn strip(&self, lines: &str) -> Result<Vec<String>> {
        Ok(lines.lines().map(str::to_owned).collect())
    }
}

#[cfg(test)]
mod tests;
