//! Programs that a test starts, kills, and starts again.

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::{running::Running, wait};

/// The setting that says which version a service is.
const VERSION: &str = "SERVICE_VERSION";

const LIMIT: Duration = Duration::from_mins(1);

/// A program and its settings.
#[derive(Debug)]
pub(crate) struct Service {
    program: PathBuf,
    arguments: Vec<String>,
    settings: Vec<(&'static str, String)>,
    /// What it prints when it can be used.
    sign: &'static str,
    running: Option<Running>,
}

impl Service {
    pub(crate) fn new(program: PathBuf, sign: &'static str) -> Self {
        Self { program, arguments: Vec::new(), settings: Vec::new(), sign, running: None }
    }

    pub(crate) fn listening(name: &'static str, host: Ipv4Addr, port: u16) -> Result<Self> {
        let service = Self::new(program(name)?, "listening on ");
        Ok(service.setting("HOST", &host.to_string()).setting("PORT", &port.to_string()))
    }

    pub(crate) fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(ToString::to_string));
        self
    }

    pub(crate) fn setting(mut self, name: &'static str, value: &str) -> Self {
        self.settings.push((name, value.to_owned()));
        self
    }

    pub(crate) fn argument_after(&self, name: &str) -> &str {
        self.arguments.iter().skip_while(|argument| *argument != name).nth(1).map_or("", |value| value)
    }

    pub(crate) fn setting_of(&self, name: &str) -> &str {
        self.settings.iter().find(|(setting, _)| *setting == name).map_or("", |(_, value)| value)
    }

    /// Starts it, also again, with the same settings.
    pub(crate) fn start(&mut self) -> Result<()> {
        let settings = self.settings.iter().map(|(name, value)| (*name, value));
        let mut command = Command::new(&self.program);
        let mut running = Running::start(command.args(&self.arguments).envs(settings))?;
        wait::until(LIMIT, || {
            let output = running.output()?;
            ensure!(running.ended()?.is_none(), "{} ended: {output}", self.program.display());
            ensure!(output.contains(self.sign), "{} is not ready: {output}", self.program.display());
            Ok(())
        })?;
        self.running = Some(running);
        Ok(())
    }

    /// Stops it, and starts it in this version.
    pub(crate) fn update(&mut self, version: &str) -> Result<()> {
        self.kill();
        self.settings.retain(|(name, _)| *name != VERSION);
        self.settings.push((VERSION, version.to_owned()));
        self.start()
    }

    /// Kills it, without a goodbye.
    pub(crate) fn kill(&mut self) {
        self.running = None;
    }
}

/// A loopback address that only one test has, since ports must be known before programs start, and
/// nobody else takes a free one there in between.
pub(crate) fn own_address() -> Ipv4Addr {
    static TESTS: AtomicU8 = AtomicU8::new(1);
    if !cfg!(target_os = "linux") {
        return Ipv4Addr::LOCALHOST; // others have no other one
    }
    let [_, _, high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, high.max(1), low, TESTS.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn free_port(host: Ipv4Addr) -> Result<u16> {
    let listener = TcpListener::bind((host, 0)).with_context(|| format!("no port is free on {host}"))?;
    Ok(listener.local_addr()?.port())
}

/// One of the services' programs, built once.
pub(crate) fn program(name: &str) -> Result<PathBuf> {
    static PROGRAMS: OnceLock<Result<Vec<PathBuf>, String>> = OnceLock::new();
    let programs = PROGRAMS.get_or_init(|| build().map_err(|error| format!("{error:#}")));
    let programs = programs.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?;
    let found = programs.iter().find(|path| path.file_name().is_some_and(|file| file == name));
    found.cloned().with_context(|| format!("cargo does not say where {name} is"))
}

fn build() -> Result<Vec<PathBuf>> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["build", "--quiet"]);
    command
        .args(["api", "chat-node", "consumer", "miner", "producer", "webui"].map(|name| format!("--package={name}")));
    command.arg("--message-format=json-render-diagnostics");
    // A test runs in the folder of its package, so this builds what is in the same checkout.
    let output = command.output()?;
    ensure!(output.status.success(), "the services do not build: {}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout)?;
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    Ok(messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).collect())
}
