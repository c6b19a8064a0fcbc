//! Where tasks run, and how they are reached.

use super::{Problem, each_service};
use crate::doctor::check::{Finding, Outcome};
use crate::doctor::facts::FileFacts;
use crate::doctor::source::docker::Node as Machine;
use crate::doctor::stack::Node;

pub(super) fn spread(facts: &FileFacts) -> Outcome {
    each_service(facts, "with that machine, all of it is away", |service| {
        let has = |key| service.node.at(&["deploy", "placement", key]).is_some();
        let is_way_in = service.image().is_some_and(|image| image == "nginx");
        let (what, mend) = match service.replicas() {
            _ if service.is_global() => return None,
            ..2 if is_way_in => ("one nginx is the only way in", "mode: global"),
            2.. if !has("preferences") && !has("max_replicas_per_node") => {
                ("its replicas may all be on one machine", "placement: { preferences: [spread: node.id] }")
            }
            _ => return None,
        };
        Some(Problem::new(service.line_of(&["deploy"]), what, mend))
    })
}

pub(super) fn of_volumes(facts: &FileFacts) -> Outcome {
    let root = &facts.stack.as_ref()?.root;
    each_service(facts, "moved to another machine, it begins with an empty disk", |service| {
        // One of another driver may be on a disk that all machines reach.
        let driver = |volume: &str| root.at(&["volumes", volume, "driver"])?.text();
        let volume = service.volumes().find(|volume| driver(volume).is_none_or(|driver| driver == "local"))?;
        let is_tied = |wanted: &str| wanted.contains("node.labels.") || wanted.contains("node.hostname");
        if service.is_global() || service.constraints().any(|(_, wanted)| is_tied(&wanted)) {
            return None;
        }
        let mend = "placement: { constraints: [node.labels.NAME == VALUE] }";
        Some(Problem::new(service.line_of(&["volumes"]), format!("{volume} may be on any machine"), mend))
    })
}

/// `node.labels.redis == primary`, as the label and its value.
fn wanted_label(constraint: &str) -> Option<(&str, &str)> {
    let (label, value) = constraint.strip_prefix("node.labels.")?.split_once("==")?;
    Some((label.trim(), value.trim()))
}

pub(super) fn labels(facts: &FileFacts) -> Outcome {
    let stack = facts.stack.as_ref()?;
    let mut findings = Vec::new();
    for service in stack.services() {
        for (line, constraint) in service.constraints() {
            let Some((label, value)) = wanted_label(&constraint) else { continue };
            let nodes = facts.nodes.as_ref().map_err(|why| format!("the Swarm's nodes are not known: {why}"))?;
            let has =
                |node: &&Machine| node.spec.labels.iter().flatten().any(|(key, has)| key == label && has == value);
            if nodes.iter().any(|node| has(&node)) {
                continue;
            }
            // One that has no such label yet.
            let is_free = |node: &&Machine| !node.spec.labels.iter().flatten().any(|(key, _)| key == label);
            let node = nodes.iter().find(is_free).map_or("NODE", |node| node.description.hostname.as_str());
            findings.push(
                Finding::error(
                    format!("{}: no node of this Swarm has the label {label}={value}", service.name),
                    "its task stays pending: no suitable node (scheduling constraints not satisfied)",
                    format!("docker node update --label-add {label}={value} {node}"),
                )
                .at(line),
            );
        }
    }
    Ok(findings)
}

pub(super) fn endpoint_mode(facts: &FileFacts) -> Outcome {
    let mut findings = Vec::new();
    for service in facts.stack.as_ref()?.services() {
        let Some(mode) = service.node.at(&["deploy", "endpoint_mode"]) else { continue };
        let ports = service.node.get("ports").map_or(&[][..], Node::items);
        let is_host = |port: &Node| port.get("mode").and_then(Node::text).is_some_and(|mode| mode == "host");
        if mode.text().is_some_and(|mode| mode == "dnsrr") && !ports.iter().all(is_host) {
            let found = format!("{}: a port on every node, and endpoint_mode dnsrr", service.name);
            let effect = "the engine refuses it: dnsrr has no one address that such a port could lead to";
            findings.push(
                Finding::error(found, effect, "endpoint_mode: vip   # or, of the port, mode: host").at(mode.line),
            );
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_what_must_be_equal() {
        assert_eq!(wanted_label("node.labels.redis == primary"), Some(("redis", "primary")));
        assert_eq!(wanted_label("node.labels.type==a"), Some(("type", "a")));
        assert_eq!(["node.labels.a != b", "node.role == manager"].map(wanted_label), [None, None]);
    }
}
