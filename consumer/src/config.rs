//! The consumer's settings.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use reqwest::Url;
use service::value::{boolean, ip_address, port, positive_duration};
use service::{ServiceConfig, Settings};

/// The consumer's settings.
#[derive(Clone, Debug, clap::Args)]
pub struct Config {
    /// Address that gives the numbers
    #[arg(long, env = "PRODUCER_URL", value_name = "URL", default_value = "http://producer:5000/number", value_parser = http_url)]
    pub producer_url: Url,

    /// Pause between two polls
    #[arg(long, env = "POLL_INTERVAL", value_name = "TIME", default_value = "3s", value_parser = positive_duration)]
    pub poll_interval: Duration,

    /// Longest wait for an answer; then the poll is an error, and the next one follows
    #[arg(long, env = "POLL_TIMEOUT", value_name = "TIME", default_value = "5s", value_parser = positive_duration)]
    pub poll_timeout: Duration,

    /// Tell in each line which replica answered; as a variable, true or false
    #[arg(long, env = "SHOW_SERVED_BY", value_parser = boolean)]
    pub show_served_by: bool,

    /// Address on which health and metrics are served
    #[arg(long, env = "OPS_HOST", value_name = "ADDRESS", default_value = "0.0.0.0", value_parser = ip_address)]
    pub ops_host: IpAddr,

    /// Port on which health and metrics are served
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
}

fn http_url(text: &str) -> Result<Url, String> {
    match Url::parse(text) {
        Ok(url) if url.scheme() == "http" && url.path() == "/" => {
            Err("the numbers are at a path: accepted is an address such as http://producer:5000/number".to_owned())
        }
        Ok(url) if url.scheme() == "http" && url.has_host() => Ok(url),
        Ok(url) if url.scheme() == "https" => Err("https is left to a reverse proxy; accepted is http://…".to_owned()),
        _ => Err("accepted is an address such as http://producer:5000/number".to_owned()),
    }
}
