//! The page's settings.

use std::net::{IpAddr, SocketAddr};

use reqwest::Url;
use service::value::{ip_address, port};
use service::{ServiceConfig, Settings};

use crate::yard::Place;

/// The page's settings.
#[derive(Clone, Debug, clap::Args)]
pub struct Config {
    /// Address to listen on; 0.0.0.0 is every network interface of the machine or container
    #[arg(long, env = "HOST", value_name = "ADDRESS", default_value = "0.0.0.0", value_parser = ip_address)]
    pub host: IpAddr,

    /// Port to listen on
    #[arg(long, env = "PORT", value_name = "PORT", default_value = "8080", value_parser = port)]
    pub port: u16,

    /// Address of the API, which browsers reach under /api/ of this service
    ///
    /// Each request opens a connection of its own and looks the name up again, so that all replicas
    /// behind it get their share. While it is away, the page is served all the same, and says so.
    #[arg(long, env = "API_URL", value_name = "URL", default_value = "http://api:9000", value_parser = http_url)]
    pub api_url: Url,

    /// Where the yard's instances are: names or addresses, each with its port
    ///
    /// A name stands for all its addresses, on a Swarm for those of its tasks (`tasks.NAME`), and is looked up
    /// again and again. Each is asked for /whoami once a second, as long as somebody looks at the page. Miners are not:
    /// they report through the ledger.
    #[arg(
        long,
        env = "YARD",
        value_name = "NAME:PORT,…",
        value_delimiter = ',',
        default_value = "producer:5000,consumer:9100,node1:9090,node2:9090,node3:9090,api:9000,webui:8080"
    )]
    pub yard: Vec<Place>,

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

/// No path: with one, a request's `..` could lead out of it.
fn http_url(text: &str) -> Result<Url, String> {
    match Url::parse(text) {
        Ok(url) if url.scheme() == "https" => Err("https is left to a reverse proxy; accepted is http://…".to_owned()),
        Ok(url) if is_plain(&url) => Ok(url),
        _ => Err("accepted is an address such as http://api:9000, without a path".to_owned()),
    }
}

fn is_plain(url: &Url) -> bool {
    let nothing_else = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    url.scheme() == "http" && url.has_host() && url.username().is_empty() && url.password().is_none() && nothing_else
}
