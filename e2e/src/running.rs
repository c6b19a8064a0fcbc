//! A command in the foreground of some terminal: what it has printed so far, and Ctrl-C.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

/// How often a process is asked whether it has ended.
const PAUSE: Duration = Duration::from_millis(20);

/// A command, running or ended. Dropping it ends it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    /// Where text is typed, if it stays in the foreground.
    keyboard: Option<ChildStdin>,
    output: PathBuf,
    _folder: TempDir,
}

impl Running {
    /// Starts a command in a process group of its own, as a terminal does.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(command: &mut Command) -> Result<Self> {
        Self::spawn(command, Stdio::null())
    }

    /// Does the same with a command that may be typed to.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_in_foreground(command: &mut Command) -> Result<Self> {
        Self::spawn(command, Stdio::piped())
    }

    fn spawn(command: &mut Command, keyboard: Stdio) -> Result<Self> {
        let folder = TempDir::with_prefix("swarmyard-output-")?;
        let path = folder.path().join("output");
        let output = File::create(&path)?;
        command.stdin(keyboard).stdout(output.try_clone()?).stderr(output).process_group(0);
        let mut child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        Ok(Self { keyboard: child.stdin.take(), child, output: path, _folder: folder })
    }

    /// What it has printed so far, both streams in their order.
    ///
    /// # Errors
    /// When the file that holds it cannot be read.
    pub fn output(&self) -> Result<String> {
        let output = fs::read(&self.output)?;
        Ok(String::from_utf8_lossy(&output).into_owned())
    }

    /// Its exit status, when it has ended.
    ///
    /// # Errors
    /// When it cannot be asked for.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When `limit` passes before; the command is then killed.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if start.elapsed() > limit {
                self.signal(Signal::KILL);
                bail!("it does not end within {limit:?}");
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Types a line.
    ///
    /// # Errors
    /// When the command does not read, or was not started in the foreground.
    pub fn enter(&mut self, text: &str) -> Result<()> {
        writeln!(self.keyboard.as_mut().context("nobody can type here")?, "{text}")?;
        Ok(())
    }

    /// Presses Ctrl-C: every process of the group gets SIGINT.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // An error means that nothing of the group is left.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal(Signal::KILL);
            let _ = self.child.wait();
        }
    }
}
