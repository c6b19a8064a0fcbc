//! The API's settings.

use std::net::{IpAddr, SocketAddr};

use devcoin::RedisLedger;
use devcoin::ledger::LedgerConfig;
use secrecy::SecretString;
use service::value::{ip_address, port};
use service::{ServiceConfig, Settings};

/// The API's settings.
#[derive(Clone, Debug, clap::Args)]
pub struct Config {
    /// Address to listen on; 0.0.0.0 is every network interface of the machine or container
    #[arg(long, env = "HOST", value_name = "ADDRESS", default_value = "0.0.0.0", value_parser = ip_address)]
    pub host: IpAddr,

    /// Port to listen on
    #[arg(long, env = "PORT", value_name = "PORT", default_value = "9000", value_parser = port)]
    pub port: u16,

    /// The ledger.
    #[command(flatten)]
    pub ledger: LedgerConfig,

    /// Address of a Redis that copies that one; it is read while that one is away
    ///
    /// It has the same password.
    #[arg(long, env = "REDIS_REPLICA_URL", value_name = "URL")]
    pub redis_replica_url: Option<SecretString>,

    /// What every service has.
    #[command(flatten)]
    pub service: ServiceConfig,
}

impl Config {
    /// The ledger's replica, if there is one.
    ///
    /// # Errors
    /// One line that names the setting and what is accepted.
    pub(crate) fn replica(&self) -> Result<Option<RedisLedger>, String> {
        let connect = |url| self.ledger.connect("REDIS_REPLICA_URL (--redis-replica-url <URL>)", url);
        self.redis_replica_url.as_ref().map(connect).transpose()
    }
}

impl Settings for Config {
    fn service(&self) -> &ServiceConfig {
        &self.service
    }

    fn health_address(&self) -> SocketAddr {
        (self.host, self.port).into()
    }

    fn check(&self) -> Result<(), String> {
        self.ledger.ledger()?;
        self.replica().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_no_password() {
        let config = service::config::parse_arguments::<Config>(
            &crate::ABOUT,
            [
                "api",
                "--redis-url=redis://:tuna@redis",
                "--redis-password=salmon",
                "--redis-replica-url=redis://:trout@redis",
            ],
        )
        .unwrap();
        let text = format!("{config:?}");
        assert!(["tuna", "salmon", "trout"].iter().all(|password| !text.contains(password)), "{text}");
    }
}
