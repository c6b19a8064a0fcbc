//! The backup's settings.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Command;
use devcoin::ledger::LedgerConfig;
use service::cluster_secret::ClusterSecretConfig;
use service::value::{ip_address, port, positive_duration};
use service::{ServiceConfig, Settings};

use crate::commands;
use crate::take::chat_nodes;

/// The backup's settings.
#[derive(Clone, Debug, clap::Args)]
pub struct Config {
    /// How often a copy of each is taken: of the ledger, and of the journals of `CHAT_NODES`
    ///
    /// /readyz tells of it when the newest one is older than this and a sixteenth: 4 h 15 min after 4 h.
    #[arg(long, env = "BACKUP_INTERVAL", value_name = "TIME", default_value = "4h", value_parser = positive_duration)]
    pub backup_interval: Duration,

    /// Folder that keeps the copies; one backup at a time uses it
    ///
    /// Kept are, of each, the 12 newest and the last of each of 60 days (UTC), and the one with the most coins.
    #[arg(long, env = "BACKUP_DIR", value_name = "FOLDER", default_value = "/copies")]
    pub backup_dir: PathBuf,

    /// Where the backups of this cluster answer: a name that has all their addresses, and the port
    ///
    /// The commands `list` and `restore` ask them all.
    #[arg(long, env = "BACKUP_PEERS", value_name = "HOST:PORT", default_value = "tasks.backup:9100")]
    pub backup_peers: String,

    /// What starts the Redis in which a copy is restored, which is thrown away then
    ///
    /// It should be started as the ledger's own, or it may not know what that one has loaded: images start Redis's
    /// modules by a script.
    #[arg(long, env = "THROWAWAY_REDIS", value_name = "COMMAND", default_value = "redis-server")]
    pub throwaway_redis: String,

    /// The ledger.
    #[command(flatten)]
    pub ledger: LedgerConfig,

    /// Nodes of the chat whose journals are copied as well, as in node1:http://node1:9090,node2:http://node2:9090
    ///
    /// They need the same `CLUSTER_SECRET`.
    #[arg(long, env = "CHAT_NODES", value_name = "ID:ADDRESS,…", default_value = "")]
    pub chat_nodes: String,

    /// What backups know each other by: without it, nobody gets a copy from this one.
    #[command(flatten)]
    pub cluster_secret: ClusterSecretConfig,

    /// Address on which health, metrics and copies are served
    #[arg(long, env = "OPS_HOST", value_name = "ADDRESS", default_value = "0.0.0.0", value_parser = ip_address)]
    pub ops_host: IpAddr,

    /// Port on which health, metrics and copies are served
    #[arg(long, env = "OPS_PORT", value_name = "PORT", default_value = "9100", value_parser = port)]
    pub ops_port: u16,

    /// What every service has.
    #[command(flatten)]
    pub service: ServiceConfig,
}

impl Settings for Config {
    fn service(&self) -> &ServiceConfig {
        &self.service
    }

    fn health_address(&self) -> SocketAddr {
        (self.ops_host, self.ops_port).into()
    }

    fn commands() -> Vec<Command> {
        commands::all()
    }

    fn check(&self) -> Result<(), String> {
        self.cluster_secret.read()?;
        chat_nodes(&self.chat_nodes)?;
        self.ledger.address().map(drop)
    }
}
