//! The API's settings.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use devcoin::RedisLedger;
use devcoin::ledger::RedisSettings;
use service::secret::{self, Secret};
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

    /// Address of the Redis that holds the ledger, as in <redis://HOST:PORT> or <redis://HOST:PORT/DATABASE>
    ///
    /// It need not be there at the start. While it is away, the last known figures are given, marked as
    /// stale; it is found again within 2 s.
    #[arg(long, env = "REDIS_URL", value_name = "URL", default_value = "redis://redis:6379")]
    pub redis_url: Secret,

    /// Password of that Redis, if it asks for one
    #[arg(long, env = "REDIS_PASSWORD", value_name = "PASSWORD", hide_env_values = true)]
    pub redis_password: Option<Secret>,

    /// File that holds the password, instead of `REDIS_PASSWORD`
    #[arg(long, env = "REDIS_PASSWORD_FILE", value_name = "FILE")]
    pub redis_password_file: Option<PathBuf>,

    /// What every service has.
    #[command(flatten)]
    pub service: ServiceConfig,
}

impl Config {
    /// The ledger that the settings name; it is not asked for anything yet.
    ///
    /// # Errors
    /// One line that names the setting and what is accepted.
    pub fn ledger(&self) -> Result<RedisLedger, String> {
        let name = "REDIS_PASSWORD";
        let password =
            secret::read(name, self.redis_password.as_ref().map(Secret::reveal), self.redis_password_file.as_deref());
        let password = password.map_err(|error| error.to_string())?.map(|password| password.reveal().to_owned());
        let settings = RedisSettings { url: self.redis_url.reveal().to_owned(), password };
        RedisLedger::new(settings).map_err(|error| format!("REDIS_URL: {error}"))
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
        self.ledger().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_no_password() {
        let config = service::config::parse_arguments::<Config>(
            &crate::ABOUT,
            ["api", "--redis-url=redis://:tuna@redis", "--redis-password=salmon"],
        )
        .unwrap();
        let text = format!("{config:?}");
        assert!(!text.contains("tuna") && !text.contains("salmon"), "{text}");
    }
}
