//! The node's settings.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use chat_protocol::name;
use chat_protocol::peer_nodes::{self, PeerNodes};
use clap::{Arg, Command};
use service::cluster_secret::ClusterSecretConfig;
use service::value::{ip_address, port, positive_duration};
use service::{ServiceConfig, Settings};

use crate::heartbeat::{HEARTBEAT, URL};
use crate::liveness::Times;
use crate::peers::check_address;

/// The node's settings; those that the original has keep their names and defaults (protocol,
/// section 1).
#[derive(Clone, Debug, clap::Args)]
pub struct Config {
    /// Name of this node, different from every other node's
    #[arg(long, env = "NODE_ID", value_name = "NAME", default_value = "node1", value_parser = node_id)]
    pub node_id: String,

    /// Address on which clients are served: the chat for programs, and its page for browsers
    #[arg(long, env = "WEBSOCKET_HOST", value_name = "ADDRESS", default_value = "0.0.0.0", value_parser = ip_address)]
    pub websocket_host: IpAddr,

    /// Port for clients
    #[arg(long, env = "WEBSOCKET_PORT", value_name = "PORT", default_value = "8080", value_parser = port)]
    pub websocket_port: u16,

    /// Address on which other nodes are served, and health and metrics
    #[arg(long, env = "XMLRPC_HOST", value_name = "ADDRESS", default_value = "0.0.0.0", value_parser = ip_address)]
    pub xmlrpc_host: IpAddr,

    /// Port for other nodes
    #[arg(long, env = "XMLRPC_PORT", value_name = "PORT", default_value = "9090", value_parser = port)]
    pub xmlrpc_port: u16,

    /// Address that this node's rooms are listed with; original nodes call it [default: made of name and port]
    #[arg(long, env = "XMLRPC_ADDRESS", value_name = "URL")]
    pub xmlrpc_address: Option<String>,

    /// The other nodes, as in node2:node2:9090,node3:http://10.0.0.3:9090
    ///
    /// Nodes have to know each other: a client can join a room only if the room's node has the client's
    /// node here, too.
    #[arg(long, env = "PEER_NODES", value_name = "ID:ADDRESS,…", default_value = "")]
    pub peer_nodes: String,

    /// How often nodes with members here are asked whether they are there
    #[arg(long, env = "HEARTBEAT_INTERVAL", value_name = "TIME", default_value = "30s", value_parser = positive_duration)]
    pub heartbeat_interval: Duration,

    /// Longest wait for the answer; after two without one, the node's members are removed
    #[arg(long, env = "HEARTBEAT_TIMEOUT", value_name = "TIME", default_value = "2s", value_parser = positive_duration)]
    pub heartbeat_timeout: Duration,

    /// How long a member may send nothing before it is removed from a room
    #[arg(long, env = "INACTIVITY_TIMEOUT", value_name = "TIME", default_value = "15m", value_parser = positive_duration)]
    pub inactivity_timeout: Duration,

    /// How often such members are looked for
    #[arg(long, env = "CLEANUP_INTERVAL", value_name = "TIME", default_value = "1m", value_parser = positive_duration)]
    pub cleanup_interval: Duration,

    /// Directory that keeps rooms and their messages over a restart; without it they are in memory only
    #[arg(long, env = "DATA_DIR", value_name = "DIRECTORY")]
    pub data_dir: Option<PathBuf>,

    /// What nodes know each other by.
    #[command(flatten)]
    pub cluster_secret: ClusterSecretConfig,

    /// What every service has.
    #[command(flatten)]
    pub service: ServiceConfig,
}

/// Longest name of a node, in bytes.
const NODE_ID_BYTES_MAX: usize = 100;

/// A name that stands in `PEER_NODES` and in XML.
fn node_id(text: &str) -> Result<String, String> {
    let is_plain = !text.contains([',', ':']) && name::normalise(text) == text && name::check(text).is_ok();
    if text.is_empty() || text.len() > NODE_ID_BYTES_MAX || !is_plain {
        return Err(format!("accepted is a name of 1 to {NODE_ID_BYTES_MAX} bytes without commas and colons"));
    }
    Ok(text.to_owned())
}

impl Config {
    /// The other nodes.
    ///
    /// # Errors
    /// One line that names the setting and what is accepted.
    pub(crate) fn peers(&self) -> Result<PeerNodes, String> {
        let named = |error: &dyn std::fmt::Display| format!("PEER_NODES: {error}");
        let peers = peer_nodes::parse(&self.peer_nodes, &self.node_id).map_err(|error| named(&error))?;
        for node in &peers.nodes {
            check_address(&node.address).map_err(|error| named(&error))?;
        }
        Ok(peers)
    }

    pub(crate) fn times(&self) -> Times {
        Times {
            heartbeat_interval: self.heartbeat_interval,
            heartbeat_timeout: self.heartbeat_timeout,
            inactivity_timeout: self.inactivity_timeout,
            cleanup_interval: self.cleanup_interval,
        }
    }
}

impl Settings for Config {
    fn service(&self) -> &ServiceConfig {
        &self.service
    }

    fn health_address(&self) -> SocketAddr {
        (self.xmlrpc_host, self.xmlrpc_port).into()
    }

    fn commands() -> Vec<Command> {
        let url = Arg::new(URL).value_name("URL").required(true).help("The node's XML-RPC address: http://node2:9090");
        vec![Command::new(HEARTBEAT).about("Ask a node whether it is there, and print its answer").arg(url)]
    }

    fn check(&self) -> Result<(), String> {
        self.peers()?;
        self.cluster_secret.read().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_no_secret() {
        let config =
            service::config::parse_arguments::<Config>(&crate::ABOUT, ["chat-node", "--cluster-secret=salmon"])
                .unwrap();
        assert!(config.cluster_secret.read().unwrap().is_some());
        assert!(!format!("{config:?}").contains("salmon"), "{config:?}");
    }
}
