//! Addresses, and the size of packets.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

use crate::doctor::check::Category::Swarm;
use crate::doctor::check::{Check, Finding, Outcome};
use crate::doctor::facts::Facts;
use crate::doctor::source::docker::Network;

pub(super) const CHECKS: &[Check<Facts>] = &[
    Check {
        id: "address-pool",
        category: Swarm,
        needs: &["engine"],
        looks_at: "whether the Swarm's networks may get addresses of the LAN",
        anchor: "nodes-do-not-join-or-reach-each-other-only-sometimes",
        look: address_pool,
    },
    Check {
        id: "networks",
        category: Swarm,
        needs: &["engine"],
        looks_at: "whether Docker's networks on this machine have addresses of the LAN",
        anchor: "a-machine-of-the-lan-cannot-be-reached",
        look: networks,
    },
    Check {
        id: "mtu",
        category: Swarm,
        needs: &[],
        looks_at: "how large the packets are that leave this machine, and OVERLAY_MTU",
        anchor: "nodes-do-not-join-or-reach-each-other-only-sometimes",
        look: mtu,
    },
];

/// What a Swarm takes where nothing else was said.
const DEFAULT_POOL: &str = "10.0.0.0/8";

/// Pools to take instead, the first one that is free.
const OTHER_POOLS: [&str; 3] = ["172.30.0.0/16", "192.168.192.0/18", "10.200.0.0/16"];

/// What an overlay network adds to each packet, in bytes.
const OVERHEAD: u32 = 50;

/// The largest packets of an overlay network in `stack.yml`.
const OVERLAY_MTU: u32 = 1450;

/// A line of the kernel's table of routes.
#[derive(Debug)]
struct Route {
    interface: String,
    to: Ipv4Net,
}

fn routes(facts: &Facts) -> Result<Vec<Route>, String> {
    facts.machine.kernel()?;
    let table = facts.machine.read("proc/net/route")?;
    Ok(table.lines().skip(1).filter_map(route).collect())
}

fn route(line: &str) -> Option<Route> {
    let fields: Vec<_> = line.split_whitespace().collect();
    // In the order of the bytes in memory, which is the little end first on all our processors.
    let address = |field: usize| Some(Ipv4Addr::from(u32::from_str_radix(fields.get(field)?, 16).ok()?.to_le_bytes()));
    Some(Route { interface: (*fields.first()?).to_owned(), to: Ipv4Net::with_netmask(address(1)?, address(7)?).ok()? })
}

/// The networks that this machine is in, without those that Docker made.
fn lan(facts: &Facts) -> Result<Vec<Route>, String> {
    let networks = facts.docker.networks.as_ref().map_or(&[][..], Vec::as_slice);
    let is_dockers = |interface: &str| {
        let named = |network: &Network| network.options.iter().flatten().any(|(_, value)| value == interface);
        let has_its_id = |network: &Network| interface.strip_prefix("br-").is_some_and(|id| network.id.starts_with(id));
        interface.starts_with("docker") || networks.iter().any(|network| named(network) || has_its_id(network))
    };
    let mut routes = routes(facts)?;
    routes.retain(|route| route.to.prefix_len() > 0 && !is_dockers(&route.interface));
    Ok(routes)
}

fn overlap(one: &IpNet, other: &IpNet) -> bool {
    one.contains(other) || other.contains(one)
}

fn address_pool(facts: &Facts) -> Outcome {
    let swarm = facts.docker.engine()?.swarm.clone().unwrap_or_default();
    let pools = match (swarm.local_node_state.as_str(), swarm.cluster.and_then(|cluster| cluster.default_addr_pool)) {
        (_, Some(pools)) => pools,
        ("active", None) => return Err("a worker does not know: run it on a manager".to_owned()),
        (_, None) => vec![DEFAULT_POOL.to_owned()],
    };
    let lan = lan(facts)?;
    let collides = |pool: &str| {
        let pool: IpNet = pool.parse().ok()?;
        lan.iter().find(|route| overlap(&pool, &route.to.into()))
    };
    let Some((pool, route)) = pools.iter().find_map(|pool| Some((pool, collides(pool)?))) else {
        return Ok(Vec::new());
    };
    let Route { interface, to } = route;
    let found = format!("the Swarm's networks get addresses of {pool}, and {interface} is in {to}");
    let effect = "tasks may get the address of a machine of the LAN, and reach each other instead of it";
    let other = OTHER_POOLS.into_iter().find(|pool| collides(pool).is_none()).unwrap_or("FREE-NETWORK");
    let again = if swarm.local_node_state == "active" { "docker swarm leave --force && " } else { "" };
    Ok(vec![Finding::warning(found, effect, format!("{again}docker swarm init --default-addr-pool {other}"))])
}

fn networks(facts: &Facts) -> Outcome {
    let lan = lan(facts)?;
    let mut findings = Vec::new();
    // Those of a Swarm have addresses of its pool, which is looked at above.
    for network in facts.docker.networks.as_ref()?.iter().filter(|network| network.scope == "local") {
        let subnets = network.ipam.config.iter().flatten().filter_map(|config| config.subnet.parse::<IpNet>().ok());
        let mut pairs = subnets.flat_map(|subnet| lan.iter().map(move |route| (subnet, route)));
        let Some((subnet, route)) = pairs.find(|(subnet, route)| overlap(subnet, &route.to.into())) else { continue };
        let Route { interface, to } = route;
        let name = &network.name;
        let found = format!("the network {name} of Docker has {subnet}, and {interface} is in {to}");
        let effect = "machines of the LAN with such addresses cannot be reached from here, or answers to them are lost";
        findings.push(Finding::warning(found, effect, format!("docker network rm {name}   # and create it anew")));
    }
    Ok(findings)
}

fn mtu(facts: &Facts) -> Outcome {
    let routes = routes(facts)?;
    let swarm = facts.docker.engine().ok().and_then(|info| info.swarm.clone()).unwrap_or_default();
    // Where the nodes of the Swarm are, or else, where the rest of the world is.
    let node: IpAddr = swarm.node_addr.parse().unwrap_or(Ipv4Addr::UNSPECIFIED.into());
    let towards = |route: &&Route| IpNet::from(route.to).contains(&node);
    let route = routes.iter().filter(towards).max_by_key(|route| route.to.prefix_len()).ok_or("there is no network")?;
    let interface = &route.interface;
    let mtu = facts.machine.read(&format!("sys/class/net/{interface}/mtu"))?;
    let mtu: u32 = mtu.trim().parse().map_err(|_| format!("{interface} has no size of packets"))?;
    let overlay = facts.settings.get("OVERLAY_MTU").and_then(|value| value.parse().ok()).unwrap_or(OVERLAY_MTU);
    if overlay + OVERHEAD <= mtu {
        return Ok(Vec::new());
    }
    let found =
        format!("{interface} carries packets of {mtu} bytes, and an overlay network makes {}", overlay + OVERHEAD);
    let effect = "large packets between machines vanish while small ones pass: ping works, pages hang";
    let fits = mtu.saturating_sub(OVERHEAD);
    Ok(vec![Finding::warning(found, effect, format!("echo OVERLAY_MTU={fits} >>deploy/.env"))])
}
