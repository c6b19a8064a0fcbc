//! Redis, miners, the API and the page's server, as processes.

use std::net::Ipv4Addr;
use std::process::Command;

use anyhow::{Result, ensure};
use tempfile::TempDir;

use crate::service::{Service, free_port, own_address, program};

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
        let webui_port = free_port(host)?;
        let webui = Service::listening("webui", host, webui_port)?
            .setting("API_URL", &format!("http://{host}:{api_port}"))
            .setting("YARD", &format!("{host}:{api_port},{host}:{webui_port}"))
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
