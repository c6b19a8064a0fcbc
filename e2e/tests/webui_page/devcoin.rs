//! Redis, miners, the API and the page's server, as processes.

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::{running::Running, wait};
use tempfile::TempDir;

/// The setting that says which version a service is.
const VERSION: &str = "SERVICE_VERSION";

const LIMIT: Duration = Duration::from_mins(1);

/// What a test starts; all end when this is dropped.
#[derive(Debug)]
pub(crate) struct DevCoin {
    host: Ipv4Addr,
    redis: Service,
    replica: Service,
    api: Service,
    webui: Service,
    miners: Vec<Service>,
    // Where Redis keeps what it must not lose.
    _folder: TempDir,
}

impl DevCoin {
    /// Starts Redis, an API and a page; nobody mines yet.
    pub(crate) fn start() -> Result<Self> {
        let host = own_address();
        let folder = TempDir::with_prefix("swarmyard-devcoin-")?;
        let copies = folder.path().join("replica");
        std::fs::create_dir(&copies)?;
        let (redis_port, replica_port, api_port) = (free_port(host)?, free_port(host)?, free_port(host)?);
        let redis_url = format!("redis://{host}:{redis_port}");
        let redis = Service::new("redis-server".into(), "Ready to accept connections")
            .arguments(&["--bind", &host.to_string(), "--port", &redis_port.to_string(), "--save", ""])
            .arguments(&["--appendonly", "yes", "--dir", &folder.path().display().to_string()]);
        let api = Service::listening("api", host, api_port)?
            .setting("REDIS_URL", &redis_url)
            .setting("REDIS_REPLICA_URL", &format!("redis://{host}:{replica_port}"))
            .setting("SERVED_BY", "api.1@pi1");
        let replica = Service::new("redis-server".into(), "MASTER <-> REPLICA sync: Finished with success")
            .arguments(&["--bind", &host.to_string(), "--port", &replica_port.to_string(), "--save", ""])
            .arguments(&["--replicaof", &host.to_string(), &redis_port.to_string()])
            .arguments(&["--dir", &copies.display().to_string()]);
        let webui = Service::listening("webui", host, free_port(host)?)?
            .setting("API_URL", &format!("http://{host}:{api_port}"))
            .setting("SERVED_BY", "webui.1@pi2");
        let mut devcoin = Self { host, redis, replica, api, webui, miners: Vec::new(), _folder: folder };
        devcoin.redis.start()?;
        devcoin.api.start()?;
        devcoin.webui.start()?;
        Ok(devcoin)
    }

    /// Starts a miner that finds about ten coins a second, called `miner.1 on pi3` and so on.
    pub(crate) fn mines(&mut self) -> Result<()> {
        self.mines_at("super-fast")
    }

    /// Starts a miner of this speed.
    pub(crate) fn mines_at(&mut self, speed: &str) -> Result<()> {
        let redis = self.redis.argument_after("--port");
        let mut miner = Service::new(program("miner")?, "listening on ")
            .setting("REDIS_URL", &format!("redis://{}:{redis}", self.host))
            .setting("OPS_HOST", &self.host.to_string())
            .setting("OPS_PORT", "0")
            .setting("SERVED_BY", &format!("yard_miner.{}@pi3", self.miners.len() + 1))
            .setting("DIFFICULTY", "8")
            .setting("MINING_SPEED", speed);
        miner.start()?;
        self.miners.push(miner);
        Ok(())
    }

    /// Kills all miners.
    pub(crate) fn stops_mining(&mut self) {
        self.miners.clear();
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}:{}/", self.host, self.webui.setting_of("PORT"))
    }

    /// Runs a command of `redis-cli`.
    pub(crate) fn redis_cli(&self, arguments: &[&str]) -> Result<String> {
        let (host, port) = (self.host.to_string(), self.redis.argument_after("--port"));
        let output = Command::new("redis-cli").args(["-h", &host, "-p", port]).args(arguments).output()?;
        ensure!(output.status.success(), "redis-cli: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    pub(crate) fn redis(&mut self) -> &mut Service {
        &mut self.redis
    }

    /// A Redis that copies the other one; it does not run as long as a test does not start it.
    pub(crate) fn replica(&mut self) -> &mut Service {
        &mut self.replica
    }

    pub(crate) fn api(&mut self) -> &mut Service {
        &mut self.api
    }

    pub(crate) fn webui(&mut self) -> &mut Service {
        &mut self.webui
    }
}

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
    fn new(program: PathBuf, sign: &'static str) -> Self {
        Self { program, arguments: Vec::new(), settings: Vec::new(), sign, running: None }
    }

    fn listening(name: &'static str, host: Ipv4Addr, port: u16) -> Result<Self> {
        let service = Self::new(program(name)?, "listening on ");
        Ok(service.setting("HOST", &host.to_string()).setting("PORT", &port.to_string()))
    }

    fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(ToString::to_string));
        self
    }

    fn setting(mut self, name: &'static str, value: &str) -> Self {
        self.settings.push((name, value.to_owned()));
        self
    }

    fn argument_after(&self, name: &str) -> &str {
        self.arguments.iter().skip_while(|argument| *argument != name).nth(1).map_or("", |value| value)
    }

    fn setting_of(&self, name: &str) -> &str {
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
fn own_address() -> Ipv4Addr {
    static TESTS: AtomicU8 = AtomicU8::new(1);
    if !cfg!(target_os = "linux") {
        return Ipv4Addr::LOCALHOST; // others have no other one
    }
    let [_, _, high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, high.max(1), low, TESTS.fetch_add(1, Ordering::Relaxed))
}

fn free_port(host: Ipv4Addr) -> Result<u16> {
    let listener = TcpListener::bind((host, 0)).with_context(|| format!("no port is free on {host}"))?;
    Ok(listener.local_addr()?.port())
}

/// One of the services' programs, built once.
fn program(name: &str) -> Result<PathBuf> {
    static PROGRAMS: OnceLock<Result<Vec<PathBuf>, String>> = OnceLock::new();
    let programs = PROGRAMS.get_or_init(|| build().map_err(|error| format!("{error:#}")));
    let programs = programs.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?;
    let found = programs.iter().find(|path| path.file_name().is_some_and(|file| file == name));
    found.cloned().with_context(|| format!("cargo does not say where {name} is"))
}

fn build() -> Result<Vec<PathBuf>> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["build", "--quiet", "-p", "api", "-p", "miner", "-p", "webui"]);
    command.arg("--message-format=json-render-diagnostics");
    // A test runs in the folder of its package, so this builds what is in the same checkout.
    let output = command.output()?;
    ensure!(output.status.success(), "the services do not build: {}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout)?;
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    Ok(messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).collect())
}
