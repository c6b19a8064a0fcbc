//! The ports that our services are published at.

use crate::doctor::check::Category::Ports;
use crate::doctor::check::{Check, Finding, Outcome};
use crate::doctor::facts::Facts;
use crate::doctor::source::docker::Published;
use crate::doctor::source::port::{Holder, Port};

pub(super) const CHECKS: &[Check<Facts>] = &[Check {
    id: "ports",
    category: Ports,
    needs: &[],
    looks_at: "whether the ports of the README's table, or of the variables there, are free",
    anchor: "port-is-already-allocated",
    look: ports,
}];

/// What is added to a port to have another one.
const FURTHER: u16 = 50;

/// The images whose ports these are.
const OURS: [&str; 5] = ["producer", "chat-node", "api", "webui", "nginx"];

#[allow(clippy::unnecessary_wraps, reason = "all checks are of one kind")]
fn ports(facts: &Facts) -> Outcome {
    Ok(facts.ports.iter().filter_map(|port| taken(facts, port, port.holder.as_ref()?)).collect())
}

fn taken(facts: &Facts, port: &Port, holder: &Holder) -> Option<Finding> {
    let Port { number, variable, service, .. } = port;
    let docker = &facts.docker;
    let published = [&docker.containers, &docker.services];
    let published = published.into_iter().flatten().flatten().find(|published| published.has(*number));
    if published.is_some_and(is_ours) {
        return None;
    }
    let who = match (published, holder) {
        (Some(published), _) => format!("{} has it, of Docker", published.name),
        (None, Holder::AirPlay) => "AirPlay of this Mac has it".to_owned(),
        // A worker does not know its Swarm's services.
        (None, Holder::Process { name, .. }) if name == "dockerd" => "a service of the Swarm has it".to_owned(),
        (None, Holder::Process { name, id }) => format!("{name} (process {id}) has it"),
        (None, Holder::Unknown) => "another program has it".to_owned(),
    };
    let other = number.checked_add(FURTHER).unwrap_or_else(|| number - FURTHER);
    Some(Finding::error(
        format!("port {number}, where {service} is published, is taken: {who}"),
        "`docker compose up` stops with: port is already allocated, or: address already in use",
        format!("{variable}={other} docker compose up"),
    ))
}

/// Whether it is there because one of our files was started.
fn is_ours(published: &Published) -> bool {
    let name = published.image.rsplit('/').next().unwrap_or_default();
    let name = name.split([':', '@']).next().unwrap_or_default();
    OURS.contains(&name)
}
