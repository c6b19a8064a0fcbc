//! The instances: what they are called, where they are, and how each comes to its settings.

use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context;
use devcoin::MemoryLedger;
use futures_util::future::{FutureExt, LocalBoxFuture};
use secrecy::ExposeSecret;
use service::config::parse_arguments;
use service::{About, Settings};
use tokio_util::sync::CancellationToken;

use super::console::Lines;
use super::options::{Demo, Options};

/// How many nodes the chat has.
const NODES: u16 = 3;

/// One instance of a service. Their order is that of the start, and of the table: who is asked comes before who
/// asks; the stop goes the other way.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Instance {
    Producer,
    Consumer,
    Node(u16),
    Api,
    Webui,
    Miner(u16),
}

/// A service that has its ports, ready to run until a token is cancelled.
pub(crate) type Bound = Box<dyn FnOnce(CancellationToken) -> LocalBoxFuture<'static, anyhow::Result<()>>>;

/// What all instances share.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) options: Options,
    ledger: Arc<MemoryLedger>,
}

impl Display for Instance {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Producer => write!(formatter, "producer"),
            Self::Consumer => write!(formatter, "consumer"),
            Self::Node(number) => write!(formatter, "node{number}"),
            Self::Api => write!(formatter, "api"),
            Self::Webui => write!(formatter, "webui"),
            Self::Miner(number) => write!(formatter, "miner-{number}"),
        }
    }
}

impl Instance {
    /// Those to begin with, in their order.
    pub(crate) fn all(options: &Options) -> Vec<Self> {
        let mut instances = Vec::new();
        let is_wanted = |demo| options.only.contains(&demo);
        if is_wanted(Demo::Numbers) {
            instances.extend([Self::Producer, Self::Consumer]);
        }
        if is_wanted(Demo::Chat) {
            instances.extend((1..=NODES).map(Self::Node));
        }
        if is_wanted(Demo::Devcoin) {
            instances.extend([Self::Api, Self::Webui]);
            instances.extend((1..=options.miners).map(Self::Miner));
        }
        instances
    }

    /// Which colour its name has; the first one is the program's own.
    pub(crate) fn colour(self) -> usize {
        match self {
            Self::Producer => 1,
            Self::Consumer => 2,
            Self::Node(number) => 2 + usize::from(number),
            Self::Api => 6,
            Self::Webui => 7,
            Self::Miner(number) => 7 + usize::from(number),
        }
    }

    /// The port that people use, before any offset.
    pub(crate) fn port(self) -> u16 {
        match self {
            Self::Producer => 5000,
            Self::Consumer => 9100,
            Self::Node(number) => 8080 + number,
            Self::Api => 9000,
            Self::Webui => 8080,
            Self::Miner(number) => 9100 + number,
        }
    }

    /// The port of `/readyz`, `/metrics` and `/whoami`, before any offset.
    pub(crate) fn ops_port(self) -> u16 {
        match self {
            Self::Node(number) => 9090 + number,
            other => other.port(),
        }
    }

    /// One line for the table.
    pub(crate) fn description(self, site: &Site) -> String {
        match self {
            Self::Producer => "gives random numbers".to_owned(),
            Self::Consumer => "prints a number every 3 s; health and metrics here".to_owned(),
            Self::Node(_) => format!("chat page and clients; other nodes at {}", site.shown_url(self.ops_port())),
            Self::Api => "how many coins there are, as JSON".to_owned(),
            Self::Webui => "a page that shows all of it".to_owned(),
            Self::Miner(_) => "finds coins; health and metrics here".to_owned(),
        }
    }

    /// Takes the ports, on the runtime of the current thread. What it would print on stdout goes to `stdout`.
    pub(crate) fn bind(self, site: &Site, stdout: Lines) -> anyhow::Result<Bound> {
        let served_by = format!("--served-by={self}");
        let (host, port) = (site.options.host, site.port(self.port()));
        let [ops_host, ops_port] = [format!("--ops-host={host}"), format!("--ops-port={port}")];
        let [host, port] = [format!("--host={host}"), format!("--port={port}")];
        Ok(match self {
            Self::Producer => {
                let service = producer::bind(&settings(site, &producer::ABOUT, [served_by, host, port])?)?;
                Box::new(|shutdown| service.run(shutdown).boxed_local())
            }
            Self::Consumer => {
                let url = format!("--producer-url={}/number", site.url(Self::Producer.port()));
                let service = settings(site, &consumer::ABOUT, [served_by, ops_host, ops_port, url])?;
                let service = consumer::bind_with(&service, stdout)?;
                Box::new(|shutdown| service.run(shutdown).boxed_local())
            }
            Self::Node(number) => {
                let service = chat_node::bind(&settings(site, &chat_node::ABOUT, node_arguments(number, site))?)?;
                Box::new(|shutdown| service.run(shutdown).boxed_local())
            }
            Self::Api => {
                let arguments = [served_by, host, port].into_iter().chain(site.redis());
                let config = settings(site, &api::ABOUT, arguments)?;
                let service = match site.options.redis {
                    Some(_) => api::bind(&config)?,
                    None => api::bind_with(&config, site.ledger.clone())?,
                };
                Box::new(|shutdown| service.run(shutdown).boxed_local())
            }
            Self::Webui => {
                let url = format!("--api-url={}", site.url(Self::Api.port()));
                let yard = format!("--yard={}", site.yard().join(","));
                let service = webui::bind(&settings(site, &webui::ABOUT, [served_by, host, port, url, yard])?)?;
                Box::new(|shutdown| service.run(shutdown).boxed_local())
            }
            Self::Miner(_) => {
                let speed = format!("--mining-speed={}", site.options.speed.name());
                let arguments = [served_by, ops_host, ops_port, speed].into_iter().chain(site.redis());
                let config = settings(site, &miner::ABOUT, arguments)?;
                let service = match site.options.redis {
                    Some(_) => miner::bind(&config)?,
                    None => miner::bind_with(&config, site.ledger.clone())?,
                };
                Box::new(|shutdown| service.run(shutdown).boxed_local())
            }
        })
    }
}

/// The settings that a service's own flags say.
fn settings<C: Settings>(site: &Site, about: &About, arguments: impl IntoIterator<Item = String>) -> anyhow::Result<C> {
    let arguments = [about.name.to_owned()].into_iter().chain(arguments).chain(site.chaos_token());
    parse_arguments(about, arguments).context("cannot be set up")
}

fn node_arguments(number: u16, site: &Site) -> Vec<String> {
    let peer = |number| {
        let node = Instance::Node(number);
        format!("{node}:{}", site.url(node.ops_port()))
    };
    let peers: Vec<_> = (1..=NODES).filter(|other| *other != number).map(peer).collect();
    let node = Instance::Node(number);
    vec![
        format!("--served-by={node}"),
        format!("--node-id={node}"),
        format!("--websocket-host={}", site.options.host),
        format!("--websocket-port={}", site.port(node.port())),
        format!("--xmlrpc-host={}", site.options.host),
        format!("--xmlrpc-port={}", site.port(node.ops_port())),
        format!("--xmlrpc-address={}", site.url(node.ops_port())),
        format!("--peer-nodes={}", peers.join(",")),
    ]
}

impl Site {
    pub(crate) fn new(options: Options) -> Self {
        Self { options, ledger: Arc::default() }
    }

    /// A port with the offset.
    pub(crate) fn port(&self, port: u16) -> u16 {
        // `--port-offset` takes no number that leads beyond the last port.
        port.saturating_add(self.options.port_offset)
    }

    /// The address at which instances reach what listens on a port.
    fn address(&self, port: u16) -> SocketAddr {
        let host = match self.options.host {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
            host => host,
        };
        SocketAddr::new(host, self.port(port))
    }

    /// The same as a URL.
    pub(crate) fn url(&self, port: u16) -> String {
        format!("http://{}", self.address(port))
    }

    /// Where those are that the page asks. Miners report through the ledger.
    fn yard(&self) -> Vec<String> {
        let instances = Instance::all(&self.options).into_iter();
        let asked = instances.filter(|instance| !matches!(instance, Instance::Miner(_)));
        asked.map(|instance| self.address(instance.ops_port()).to_string()).collect()
    }

    /// The same for people.
    pub(crate) fn shown_url(&self, port: u16) -> String {
        let host = self.options.host;
        if host == Ipv4Addr::LOCALHOST || host.is_unspecified() {
            format!("http://localhost:{}", self.port(port))
        } else {
            self.url(port)
        }
    }

    fn chaos_token(&self) -> Option<String> {
        let token = self.options.chaos_token.as_ref().map(ExposeSecret::expose_secret);
        // A variable that is set to nothing counts as unset.
        token.filter(|token| !token.is_empty()).map(|token| format!("--chaos-token={token}"))
    }

    fn redis(&self) -> Option<String> {
        self.options.redis.as_ref().map(|url| format!("--redis-url={url}"))
    }
}
