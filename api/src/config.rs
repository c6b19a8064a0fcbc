//! The API's settings.

use std::net::{IpAddr, SocketAddr};

use devcoin::ledger::LedgerConfig;
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

    /// What every service has.
    #[command(flatten)]
    pub service: ServiceConfig,
}

impl Settings for Config {
    fn service(&self) -> &ServiceConfig {
        &self.service
    }

    fn health_address(&self) -> SocketAddr {
        (self.host, self.port).into()
    }

    fn check(&self) -> Result<(), String> {
        self.ledger.ledger().map(drop)
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
