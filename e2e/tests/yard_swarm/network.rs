//! Who reaches whom: the table at the top of `stack.yml`, tried from a container on each network.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use e2e::{
    engine::Engine,
    wait,
    yard::{STACK, Yard},
};

const LIMIT: Duration = Duration::from_mins(2);

/// What has a shell, a resolver and `nc`.
const IMAGE: &str = "redis:8-alpine";

/// The networks, and for each service its port and the networks on which it is.
const NETWORKS: [&str; 4] = ["numbers", "chat", "devcoin", "ledger"];
const SERVICES: [(&str, u16, &[&str]); 9] = [
    ("producer", 5000, &["numbers"]),
    ("node1", 8080, &["chat"]),
    ("node1", 9090, &["chat"]),
    ("node2", 9090, &["chat"]),
    ("node3", 9090, &["chat"]),
    ("webui", 8080, &["numbers", "chat", "devcoin"]),
    ("api", 9000, &["devcoin", "ledger"]),
    ("miner", 9100, &["ledger"]),
    ("redis", 6379, &["ledger"]),
];

/// Prints each of the addresses `HOST:PORT` at which one of our services or Redis answers. That somebody accepts a
/// connection, or answers, does not say who it is: some gateways do it for whatever address they are asked for.
const WHO_ANSWERS: &str = r#"
    for address; do
        { printf 'GET /healthz HTTP/1.0\r\n\r\n' | timeout 5 nc -w 3 "${address%:*}" "${address##*:}" | grep -Eqi '^(x-served-by:|-(NOAUTH|ERR) )' &&
            echo "$address"; } 2>/dev/null &
    done
    wait"#;

/// Fails when a service is reached from a network that it is not on, by name or by any of its addresses, or is not
/// reached by its name from one that it is on.
pub(crate) fn check(yard: &Yard) -> Result<()> {
    let engine = yard.engine()?;
    let here = yard.cluster().nodes().first().context("there is a node")?.name().to_owned();
    for network in NETWORKS {
        let from = probe(&engine, network, &here)?;
        let (mut near, mut far) = (Vec::new(), Vec::new());
        for (service, port, networks) in SERVICES {
            let name = format!("tasks.{service}:{port}");
            if networks.contains(&network) {
                near.push(name);
            } else {
                far.push(name);
                far.extend(addresses(yard, service)?.iter().map(|address| format!("{address}:{port}")));
            }
        }
        let ask = ["exec", &from, "sh", "-c", WHO_ANSWERS, "sh"];
        let all: Vec<_> = ask.into_iter().chain(near.iter().chain(&far).map(String::as_str)).collect();
        let answers = engine.docker(&all)?;
        let answers: Vec<_> = answers.lines().collect();
        println!("from {network}: {answers:?} answer, {far:?} do not");
        for name in &near {
            ensure!(answers.contains(&name.as_str()), "from {network}, {name} does not answer");
        }
        for name in &far {
            ensure!(!answers.contains(&name.as_str()), "from {network}, {name} answers");
        }
    }
    Ok(())
}

/// A container on this network, on this node.
fn probe(engine: &Engine, network: &str, node: &str) -> Result<String> {
    let service = format!("probe-{network}");
    let (attach, place) = (format!("--network={STACK}_{network}"), format!("--constraint=node.hostname=={node}"));
    engine.docker(&["service", "create", "--quiet", "--name", &service, &attach, &place, IMAGE, "sleep", "1h"])?;
    wait::until(LIMIT, || {
        let filter = format!("--filter=label=com.docker.swarm.service.name={service}");
        let container = engine.docker(&["ps", "--quiet", &filter])?;
        if container.is_empty() {
            bail!("{service} does not run yet");
        }
        Ok(container)
    })
}

/// All addresses of a service's tasks, on whatever network.
fn addresses(yard: &Yard, service: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for node in yard.cluster().nodes() {
        let filter = format!("--filter=label=com.docker.swarm.service.name={STACK}_{service}");
        for container in node.engine().docker(&["ps", "--quiet", &filter])?.lines() {
            let format = "--format={{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}";
            let addresses = node.engine().docker(&["inspect", format, container])?;
            found.extend(addresses.split_whitespace().map(str::to_owned));
        }
    }
    ensure!(!found.is_empty(), "{service} runs nowhere");
    Ok(found)
}
