//! The `docker` command: what it says of itself, its engine, and the Swarm.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::program::{Printed, Silence, in_time, run, stdout};

const DOCKER: &str = "docker";

/// What Docker says; all of it was asked for at once.
#[derive(Debug)]
pub(in crate::doctor) struct Docker {
    /// `docker --version`, which asks no engine.
    pub(in crate::doctor) client: Result<String, Silence>,
    pub(in crate::doctor) info: Result<Info, Silence>,
    /// What `docker-compose --version` says, which was a program of its own.
    pub(in crate::doctor) old_compose: Result<String, Silence>,
    pub(in crate::doctor) containers: Result<Vec<Published>, Silence>,
    pub(in crate::doctor) services: Result<Vec<Published>, Silence>,
    pub(in crate::doctor) networks: Result<Vec<Network>, Silence>,
    pub(in crate::doctor) nodes: Result<Vec<Node>, Silence>,
}

impl Docker {
    /// Asks all else that is to be known than `info`, each question for no longer than `limit`.
    pub(in crate::doctor) async fn ask(limit: Duration, info: impl Future<Output = Result<Info, Silence>>) -> Self {
        let containers = ["ps", "--no-trunc", "--format", "{{json .}}"];
        let services = ["service", "ls", "--format", "{{json .}}"];
        let networks = ["network", "ls", "--quiet"];
        let (client, info, old_compose, containers, services, networks, nodes) = tokio::join!(
            in_time(limit, "docker --version", stdout(DOCKER, &["--version"])),
            info,
            in_time(limit, "docker-compose --version", stdout("docker-compose", &["--version"])),
            in_time(limit, "docker ps", listed(&containers)),
            in_time(limit, "docker service ls", listed(&services)),
            in_time(limit, "docker network ls", inspected("network", &networks)),
            in_time(limit, "docker node ls", nodes()),
        );
        Self { client, info, old_compose, containers, services, networks, nodes }
    }

    /// What the engine says of itself.
    ///
    /// # Errors
    /// When none answers.
    pub(in crate::doctor) fn engine(&self) -> Result<&Info, String> {
        let info = self.info.as_ref()?;
        // Where no engine answered, all of its part is there, and says nothing.
        let has_answered = info.server_version.as_ref().is_some_and(|version| !version.is_empty());
        has_answered.then_some(info).ok_or_else(|| "no engine answers".to_owned())
    }
}

/// The nodes of the Swarm that this machine manages.
///
/// # Errors
/// Why they are not known.
pub(in crate::doctor) async fn nodes_of_swarm(limit: Duration) -> Result<Vec<Node>, String> {
    in_time(limit, "docker node ls", nodes()).await.map_err(|silence| silence.to_string())
}

async fn nodes() -> Result<Vec<Node>, Silence> {
    inspected("node", &["node", "ls", "--quiet"]).await
}

/// `docker info`, also that of a client without an engine, for no longer than `limit`.
///
/// # Errors
/// When there is no client, or no answer in time.
pub(in crate::doctor) async fn info(limit: Duration) -> Result<Info, Silence> {
    in_time(limit, "docker info", ask_for_info()).await
}

async fn ask_for_info() -> Result<Info, Silence> {
    let Printed { stdout, stderr, .. } = run(DOCKER, &["info", "--format", "{{json .}}"]).await?;
    let received = Timestamp::now();
    match parsed(&stdout) {
        Ok(info) => Ok(Info { received, ..info }),
        Err(_) if !stderr.is_empty() => Err(Silence::Failed(stderr)),
        Err(silence) => Err(silence),
    }
}

/// What a command prints, an object a line.
async fn listed<T: DeserializeOwned>(arguments: &[&str]) -> Result<Vec<T>, Silence> {
    stdout(DOCKER, arguments).await?.lines().map(parsed).collect()
}

/// Everything about what `list` lists the ids of.
async fn inspected<T: DeserializeOwned>(kind: &str, list: &[&str]) -> Result<Vec<T>, Silence> {
    let ids = stdout(DOCKER, list).await?;
    let ids: Vec<_> = ids.split_whitespace().collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    parsed(&stdout(DOCKER, &[&[kind, "inspect"][..], &ids].concat()).await?)
}

fn parsed<T: DeserializeOwned>(text: &str) -> Result<T, Silence> {
    serde_json::from_str(text).map_err(|error| Silence::Failed(format!("docker says what is not understood: {error}")))
}

/// `docker info`: the client's part, and the engine's, which is empty where no engine answered.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(in crate::doctor) struct Info {
    #[serde(rename = "ClientInfo")]
    pub(in crate::doctor) client: Client,
    pub(in crate::doctor) server_errors: Option<Vec<String>>,
    pub(in crate::doctor) server_version: Option<String>,
    /// As `uname -m` says.
    pub(in crate::doctor) architecture: Option<String>,
    pub(in crate::doctor) cgroup_version: Option<String>,
    pub(in crate::doctor) memory_limit: Option<bool>,
    /// Of the image store.
    pub(in crate::doctor) driver_status: Option<Vec<(String, String)>>,
    pub(in crate::doctor) docker_root_dir: Option<String>,
    /// The engine's clock, as in RFC 3339.
    pub(in crate::doctor) system_time: Option<String>,
    /// Where Docker Hub is, as a URL.
    pub(in crate::doctor) index_server_address: Option<String>,
    pub(in crate::doctor) registry_config: Option<RegistryConfig>,
    pub(in crate::doctor) swarm: Option<Swarm>,
    /// When this came, by the clock of this machine.
    #[serde(skip)]
    pub(in crate::doctor) received: Timestamp,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(in crate::doctor) struct Client {
    pub(in crate::doctor) plugins: Option<Vec<Plugin>>,
}

/// A command that came with a package of its own, such as `docker compose`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::doctor) struct Plugin {
    pub(in crate::doctor) name: String,
    #[serde(default)]
    pub(in crate::doctor) version: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(in crate::doctor) struct RegistryConfig {
    pub(in crate::doctor) mirrors: Option<Vec<String>>,
}

/// This machine's part in a Swarm.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(in crate::doctor) struct Swarm {
    pub(in crate::doctor) local_node_state: String,
    pub(in crate::doctor) node_addr: String,
    pub(in crate::doctor) control_available: bool,
    pub(in crate::doctor) error: String,
    pub(in crate::doctor) cluster: Option<Cluster>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(in crate::doctor) struct Cluster {
    pub(in crate::doctor) default_addr_pool: Option<Vec<String>>,
}

/// A container, or a service of the Swarm, and what it publishes.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::doctor) struct Published {
    #[serde(alias = "Names")]
    pub(in crate::doctor) name: String,
    pub(in crate::doctor) image: String,
    /// Such as `0.0.0.0:8081-8083->8081-8083/tcp, [::]:5050->5000/tcp`, and of a service, `*:5000->5000/tcp`.
    ports: String,
}

impl Published {
    /// Whether it has this port of the machine.
    pub(in crate::doctor) fn has(&self, port: u16) -> bool {
        let published = self.ports.split(", ").filter_map(|ports| ports.split_once("->")?.0.rsplit_once(':'));
        published.filter_map(|(_, ports)| super::port::range(ports)).any(|ports| ports.contains(&port))
    }
}

/// A network of the engine.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::doctor) struct Network {
    pub(in crate::doctor) name: String,
    pub(in crate::doctor) id: String,
    /// `local`, or `swarm` for those of all nodes.
    pub(in crate::doctor) scope: String,
    #[serde(rename = "IPAM", default)]
    pub(in crate::doctor) ipam: Ipam,
    #[serde(default)]
    pub(in crate::doctor) options: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(in crate::doctor) struct Ipam {
    pub(in crate::doctor) config: Option<Vec<Subnet>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(in crate::doctor) struct Subnet {
    pub(in crate::doctor) subnet: String,
}

/// A node of the Swarm.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::doctor) struct Node {
    pub(in crate::doctor) spec: NodeSpec,
    pub(in crate::doctor) description: Description,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::doctor) struct NodeSpec {
    #[serde(default)]
    pub(in crate::doctor) labels: Option<BTreeMap<String, String>>,
    pub(in crate::doctor) role: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::doctor) struct Description {
    pub(in crate::doctor) hostname: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(ports: &str) -> Published {
        Published { name: String::new(), image: String::new(), ports: ports.to_owned() }
    }

    #[test]
    fn a_published_port_is_found_in_what_docker_lists() {
        let container = published("6379/tcp, 0.0.0.0:8081-8083->8081-8083/tcp, [::]:5050->5000/tcp");
        assert_eq!([5050, 8081, 8083].map(|port| container.has(port)), [true; 3]);
        assert_eq!([5000, 6379, 8084].map(|port| container.has(port)), [false; 3]);
        assert!(published("*:5000->5000/tcp").has(5000));
        assert!(!published("").has(5000));
    }
}
