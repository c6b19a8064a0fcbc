//! What a container may take of its machine: memory, disk, files, power, and the wire.

use super::{Problem, each_service, in_common};
use crate::doctor::check::{Finding, Outcome};
use crate::doctor::facts::FileFacts;
use crate::doctor::stack::{Node, Service, bytes};

/// What may be reserved in all, in bytes: half of three Raspberry Pis of 1 GB each. As much again is for Docker and the
/// system.
const RESERVED_MAX: u64 = 1_500_000_000;

/// Nodes to count a task on each for.
const NODES: u64 = 3;

/// Files that a program may open, at least.
const FILES_MIN: u64 = 65_536;

pub(super) fn resources(facts: &FileFacts) -> Outcome {
    let wanted = [["limits", "memory"], ["limits", "cpus"], ["reservations", "memory"]];
    let effect = "one that goes wild takes its machine with it, and Swarm puts more on a machine than fits";
    each_service(facts, effect, |service| {
        let is_missing = |[kind, what]: &&[&str; 2]| service.node.at(&["deploy", "resources", kind, what]).is_none();
        let missing: Vec<_> = wanted.iter().filter(is_missing).map(|path| path.join(".")).collect();
        let mend = "resources: { limits: { cpus: \"1.0\", memory: 96M }, reservations: { memory: 16M } }";
        let problem = Problem::new(service.line_of(&["deploy"]), format!("no {}", missing.join(", ")), mend);
        (!missing.is_empty()).then_some(problem)
    })
}

pub(super) fn reserved(facts: &FileFacts) -> Outcome {
    let stack = facts.stack.as_ref()?;
    let reserved = |service: Service<'_>| {
        let memory = service.text(&["deploy", "resources", "reservations", "memory"]).and_then(|text| bytes(&text))?;
        let tasks = if service.is_global() { NODES } else { service.replicas() };
        memory.checked_mul(tasks)
    };
    let all: u64 = stack.services().filter_map(reserved).fold(0, u64::saturating_add);
    if all <= RESERVED_MAX {
        return Ok(Vec::new());
    }
    let found = format!("{} MB are reserved in all", all / 1_000_000);
    let effect =
        "three Raspberry Pis of 1 GB do not have them, beside Docker: tasks stay pending, insufficient resources";
    Ok(vec![Finding::warning(found, effect, "reservations: { memory: 16M }")])
}

pub(super) fn logging(facts: &FileFacts) -> Outcome {
    let effect = "some day they fill the card of a Raspberry Pi, and everything on it ends";
    each_service(facts, effect, |service| {
        let driver = service.text(&["logging", "driver"]).unwrap_or_else(|| "json-file".to_owned());
        let grows = driver == "json-file" && service.node.at(&["logging", "options", "max-size"]).is_none();
        let mend = "logging: { driver: local, options: { max-size: 10m, max-file: \"3\" } }";
        grows.then(|| Problem::new(service.line_of(&["logging"]), "its logs grow without an end", mend))
    })
}

pub(super) fn files(facts: &FileFacts) -> Outcome {
    let effect = "each connection is one: at some number of users, it says: too many open files";
    each_service(facts, effect, |service| {
        let limit = service.node.at(&["ulimits", "nofile"])?;
        let node = limit.get("soft").unwrap_or(limit);
        let files = node.text()?.parse::<u64>().ok().filter(|files| *files < FILES_MIN)?;
        let mend = format!("ulimits: {{ nofile: {{ soft: {FILES_MIN}, hard: {FILES_MIN} }} }}");
        Some(Problem::new(node.line, format!("a program may open {files} files"), mend))
    })
}

pub(super) fn socket(facts: &FileFacts) -> Outcome {
    let effect = "whoever is in that container has the machine, read-only or not";
    each_service(facts, effect, |service| {
        let source = |volume: &Node| volume.get("source").unwrap_or(volume).text();
        let is_socket = |volume: &&Node| source(volume).is_some_and(|source| source.contains("docker.sock"));
        let volume = service.node.get("volumes")?.items().iter().find(is_socket)?;
        let mend = "a proxy between them that lets through only what it needs";
        Some(Problem::new(volume.line, "it has the engine's socket", mend))
    })
}

pub(super) fn power(facts: &FileFacts) -> Outcome {
    let effect = "whoever breaks into the program has more to work with";
    each_service(facts, effect, |service| {
        let line = |key| service.line_of(&[key]);
        let drops = service.node.get("cap_drop").map_or(&[][..], Node::items);
        let writes = (service.text(&["read_only"]).as_deref() != Some("true"))
            .then(|| Problem::new(line("read_only"), "it may write to its own files: no read_only", "read_only: true"));
        let is_all = |drop: &Node| drop.written().is_some_and(|name| name.eq_ignore_ascii_case("all"));
        let is_root = (!drops.iter().any(is_all))
            .then(|| Problem::new(line("cap_drop"), "it keeps root's capabilities: no cap_drop", "cap_drop: [ALL]"));
        writes.into_iter().chain(is_root)
    })
}

/// The option of a network that says how large its packets are.
const MTU: &str = "com.docker.network.driver.mtu";

pub(super) fn packets(facts: &FileFacts) -> Outcome {
    let problem = |network: &Node| {
        let is_external = network.get("external").is_some_and(|external| external.written() != Some("false"));
        let is_overlay = network.get("driver").and_then(Node::text).is_none_or(|driver| driver == "overlay");
        let is_silent = !is_external && is_overlay && network.at(&["driver_opts", MTU]).is_none();
        let mend = format!("driver_opts: {{ {MTU}: \"${{OVERLAY_MTU:-1450}}\" }}");
        is_silent.then(|| Problem::new(network.line, "the size of packets is not said", mend))
    };
    let networks = facts.stack.as_ref()?.root.get("networks").into_iter().flat_map(Node::entries);
    let found = networks.filter_map(|(name, network)| Some((name, problem(network)?)));
    let effect = "where the wire carries less than 1500 bytes, as in tunnels and some clouds, large packets vanish";
    Ok(in_common(found, effect))
}
