//! The producer's settings.

use std::net::{IpAddr, SocketAddr};

use service::value::{ip_address, port};
use service::{ServiceConfig, Settings};

/// The producer's settings.
#[derive(Clone, Debug, clap::Args)]
pub struct Config {
    /// Address to listen on; 0.0.0.0 is every network interface of the machine or container
    #[arg(long, env = "HOST", value_name = "ADDRESS", default_value = "0.0.0.0", value_parser = ip_address)]
    pub host: IpAddr,

    /// Port to listen on
    #[arg(long, env = "PORT", value_name = "PORT", default_value = "5000", value_parser = port)]
    pub port: u16,

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
}
