//! Where what is to be broken is.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use reqwest::Url;
use secrecy::SecretString;
use service::resolve::look_up;

use super::instance::Instance;

/// Longest wait for the name server; then a name is not known.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);

/// A service or an address, as somebody calls it.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// An address.
    At(Url),
    /// A service of ours.
    Service(Service),
}

/// A service of ours, and the ports where it tells its health.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Service {
    name: String,
    /// In a network of containers.
    port: u16,
    /// Of this machine, under `swarmyard up`.
    local_port: u16,
}

impl Place {
    /// The instances that are there: one of them, or `all`.
    ///
    /// # Errors
    /// When the name is not known.
    pub(crate) async fn instances(&self, all: bool, token: Option<&SecretString>) -> anyhow::Result<Vec<Instance>> {
        let url = self.url().await?;
        if !all {
            return Ok(vec![Instance::new(url, None, token)?]);
        }
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let addresses = every_address(&host).await.with_context(|| format!("cannot ask {url}"))?;
        addresses.into_iter().map(|address| Instance::new(url.clone(), Some(address), token)).collect()
    }

    async fn url(&self) -> anyhow::Result<Url> {
        let service = match self {
            Self::At(url) => return Ok(url.clone()),
            Self::Service(service) => service,
        };
        let Service { name, port, local_port } = service;
        let is_known = look_up(name, LOOKUP_TIMEOUT).await.is_ok();
        let url = if is_known { format!("http://{name}:{port}") } else { format!("http://127.0.0.1:{local_port}") };
        Ok(url.parse()?)
    }
}

/// Every address of a name. A Swarm service may be one virtual address, and then its tasks have a name of their own.
async fn every_address(host: &str) -> anyhow::Result<Vec<SocketAddr>> {
    // What has dots or colons is no service's name.
    let name = if host.contains(['.', ':']) { host.to_owned() } else { format!("tasks.{host}") };
    let mut addresses = match look_up(&name, LOOKUP_TIMEOUT).await {
        Ok(addresses) => addresses,
        Err(_) => look_up(host, LOOKUP_TIMEOUT).await?,
    };
    addresses.sort();
    addresses.dedup();
    Ok(addresses)
}

impl FromStr for Place {
    /// For people.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let accepted = "accepted is a service (producer, consumer, node1, api, webui, miner, miner-1), \
                        or an address with its port, such as localhost:5000";
        if let Some(service) = Service::called(text) {
            return Ok(Self::Service(service));
        }
        if !text.contains([':', '/', '.']) {
            return Err(format!("there is no service {}; {accepted}", text.escape_debug()));
        }
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        match with_scheme.parse::<Url>() {
            Ok(url) if url.scheme() == "http" && url.has_host() => Ok(Self::At(url)),
            _ => Err(accepted.to_owned()),
        }
    }
}

impl Service {
    fn called(name: &str) -> Option<Self> {
        let (port, local_port) = match name {
            "producer" => (5000, 5000),
            "consumer" => (9100, 9100),
            "api" => (9000, 9000),
            "webui" => (8080, 8080),
            "miner" => (9100, 9101),
            _ => match name.strip_prefix("node").and_then(number) {
                Some(number) => (9090, 9090 + number),
                None => (9100, 9100 + name.strip_prefix("miner-").and_then(number)?),
            },
        };
        Some(Self { name: name.to_owned(), port, local_port })
    }
}

/// A number from 1 to 50 as it stands in a name: `swarmyard up` has no more of any.
fn number(text: &str) -> Option<u16> {
    (1..=50).find(|number: &u16| number.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "up")]
    #[test]
    fn a_service_is_known_by_the_name_and_the_port_that_it_has_when_all_run_in_one_process() {
        use crate::up::instance::Instance;

        let miners = [1, 2, 50].map(Instance::Miner);
        let others = [Instance::Producer, Instance::Consumer, Instance::Api, Instance::Webui];
        for instance in (1..=3).map(Instance::Node).chain(others).chain(miners) {
            let service = Service::called(&instance.to_string());
            assert_eq!(service.map(|service| service.local_port), Some(instance.ops_port()), "{instance}");
        }
    }

    #[test]
    fn an_address_is_taken_as_it_is() {
        for (text, url) in [
            ("localhost:5000", "http://localhost:5000/"),
            ("http://pi1:8080/numbers/", "http://pi1:8080/numbers/"),
            ("10.0.0.7", "http://10.0.0.7/"),
            ("[::1]:5000", "http://[::1]:5000/"),
        ] {
            let Ok(Place::At(found)) = text.parse() else { panic!("{text}") };
            assert_eq!(found.as_str(), url);
        }
    }

    #[test]
    fn what_is_neither_is_refused_with_what_is_accepted() {
        for wrong in ["", "redis", "node0", "miner-51", "node+1", "node01", "https://pi1:5000", "http://", "pi1:port"] {
            let error = wrong.parse::<Place>().unwrap_err();
            assert!(error.contains("accepted is a service (producer, "), "{wrong:?}: {error}");
        }
    }
}
