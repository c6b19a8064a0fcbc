//! `swarmyard watch`, while something is updated: from outside and from inside.

use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use e2e::{
    engine::output_of,
    images,
    yard::{STACK, Yard},
};
use serde_json::Value;

use crate::load::interrupt;

/// `swarmyard watch` at work. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Watch(Option<Child>);

impl Watch {
    /// Asks for these addresses, as new users do.
    pub(crate) fn urls(urls: &[String]) -> Result<Self> {
        let mut watch = swarmyard();
        watch.args(urls).args(["--rate=20", "--timeout=10s"]);
        Self::start(watch)
    }

    /// Follows the tasks of the yard's stack.
    pub(crate) fn stack(yard: &Yard) -> Result<Self> {
        let mut watch = swarmyard();
        watch.args(["stack", STACK]);
        watch.env("DOCKER_HOST", yard.engine()?.host().context("a node's engine has a socket")?);
        Self::start(watch)
    }

    fn start(mut watch: Command) -> Result<Self> {
        Ok(Self(Some(watch.arg("--json").stdout(Stdio::piped()).spawn().context("cannot start swarmyard")?)))
    }

    /// Ends it; gives what it has printed.
    pub(crate) fn end(mut self) -> Result<Vec<Value>> {
        let watch = self.0.take().context("it runs")?;
        interrupt(&watch);
        let output = watch.wait_with_output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "swarmyard watch, {}: {text}", output.status);
        text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(mut watch) = self.0.take() {
            // It may have ended by itself; then there is nothing to end.
            let _ = watch.kill();
            let _ = watch.wait();
        }
    }
}

/// Compiles the program of this checkout.
pub(crate) fn build() -> Result<()> {
    let mut build = Command::new("cargo");
    output_of(build.args(["build", "--quiet", "--package=swarmyard"]).current_dir(images::root())).map(drop)
}

/// The program, which was compiled before.
fn swarmyard() -> Command {
    let mut run = Command::new("cargo");
    // On Unix, cargo becomes the program, which so hears signals itself.
    run.args(["run", "--quiet", "--package=swarmyard", "--", "watch"]).current_dir(images::root());
    run
}
