//! What `docker stack deploy` does with a file's keys: version 3.13 of its schema, which it has where there is no
//! `version:` line, and what its loader then ignores.

use crate::doctor::check::{Finding, Outcome};
use crate::doctor::facts::FileFacts;
use crate::doctor::stack::{Node, Service};

/// The keys that it accepts, place by place; `*` is any name, or any item of a list. Others it refuses, but for those
/// that begin with `x-` in the first two levels.
const ACCEPTED: &[(&str, &str)] = &[
    ("", "version services networks volumes secrets configs"),
    (
        "services.*",
        "build cap_add cap_drop cgroup_parent cgroupns_mode command configs container_name credential_spec \
         depends_on deploy devices dns dns_search domainname entrypoint env_file environment expose external_links \
         extra_hosts group_add healthcheck hostname image init ipc isolation labels links logging mac_address \
         network_mode networks oom_score_adj pid ports privileged read_only restart secrets security_opt shm_size \
         stdin_open stop_grace_period stop_signal sysctls tmpfs tty ulimits user userns_mode volumes working_dir",
    ),
    ("services.*.healthcheck", "disable interval retries test timeout start_period start_interval"),
    ("services.*.logging", "driver options"),
    ("services.*.networks.*", "aliases driver_opts ipv4_address ipv6_address"),
    ("services.*.ports.*", "mode target published protocol"),
    ("services.*.volumes.*", "type source target read_only consistency bind volume tmpfs"),
    (
        "services.*.deploy",
        "mode endpoint_mode replicas labels rollback_config update_config resources restart_policy placement",
    ),
    ("services.*.deploy.update_config", UPDATE),
    ("services.*.deploy.rollback_config", UPDATE),
    ("services.*.deploy.resources", "limits reservations"),
    ("services.*.deploy.resources.limits", "cpus memory pids"),
    ("services.*.deploy.resources.reservations", "cpus memory generic_resources"),
    ("services.*.deploy.restart_policy", "condition delay max_attempts window"),
    ("services.*.deploy.placement", "constraints preferences max_replicas_per_node"),
    ("networks.*", "name driver driver_opts ipam external internal attachable labels"),
    ("networks.*.ipam", "driver config"),
    ("networks.*.ipam.config.*", "subnet"),
    ("volumes.*", "name driver driver_opts external labels"),
    ("secrets.*", "name file external labels driver driver_opts template_driver"),
    ("configs.*", "name file external labels template_driver"),
];

/// The versions that have all of them; without a `version:` line, a file is of the last one.
const LATEST: [&str; 2] = ["3.12", "3.13"];

const UPDATE: &str = "parallelism delay failure_action monitor max_failure_ratio order";

/// What to write in place of keys that it refuses, and that many have.
const INSTEAD: &[(&str, &str)] = &[
    ("name", "docker stack deploy -c FILE NAME"),
    ("include", "docker stack deploy -c FILE -c OTHER NAME"),
    ("services.*.profiles", "a file of its own for what is optional: docker stack deploy -c FILE -c OTHER NAME"),
    ("services.*.extends", "<<: *name, of an anchor &name"),
    ("services.*.pull_policy", "leave it out, or in docker-compose.override.yml: a node pulls what it has not"),
    ("services.*.platform", "placement: { constraints: [node.platform.arch == aarch64] }"),
    ("services.*.develop", "leave it out, or in docker-compose.override.yml"),
    ("services.*.scale", "deploy: { replicas: 2 }"),
    ("services.*.cpus", "deploy: { resources: { limits: { cpus: \"1.0\" } } }"),
    ("services.*.mem_limit", "deploy: { resources: { limits: { memory: 96M } } }"),
    ("services.*.memswap_limit", "deploy: { resources: { limits: { memory: 96M } } }"),
    ("services.*.mem_reservation", "deploy: { resources: { reservations: { memory: 16M } } }"),
    ("services.*.pids_limit", "deploy: { resources: { limits: { pids: 100 } } }"),
    ("services.*.cpu_quota", "deploy: { resources: { limits: { cpus: \"1.0\" } } }"),
    ("services.*.cpu_shares", "deploy: { resources: { limits: { cpus: \"1.0\" } } }"),
    ("services.*.cpuset", "deploy: { resources: { limits: { cpus: \"1.0\" } } }"),
    ("services.*.volumes_from", "a volume under volumes:, which both services name"),
    ("services.*.volume_driver", "driver:, of the volume under volumes:"),
    ("configs.*.content", "file: PATH"),
    ("secrets.*.environment", "file: PATH"),
];

/// What it ignores: the key, what that does, and what to write instead.
const IGNORED: &[(&str, &str, &str)] = &[
    ("build", "nothing is built: nodes have the image, or pull it", "docker compose build && docker compose push"),
    ("cgroup_parent", "the container is where all are", "leave it out"),
    ("cgroupns_mode", "the container has what the engine's setting says", "leave it out"),
    ("container_name", "tasks are called STACK_SERVICE.1.ID", "docker ps --filter name=STACK_SERVICE"),
    ("depends_on", "services start in any order, at once", "a program that waits for what it needs, as ours do"),
    ("devices", "the program does not see the device", "docker run, on the machine that has it"),
    ("domainname", "the container has no domain", "hostname: NAME.DOMAIN"),
    ("expose", "on a common network, all ports can be reached anyway", "leave it out"),
    ("external_links", "the name is not known", "networks: [NAME], of a network both are on"),
    ("ipc", "the container has its own", "leave it out"),
    ("links", "the other name is not known", "networks: { NAME: { aliases: [OTHER] } }"),
    ("mac_address", "Docker chooses it", "leave it out"),
    (
        "network_mode",
        "the service is on the stack's network",
        "networks: [host], with host: { external: true, name: host }",
    ),
    ("pid", "the container has its own", "leave it out"),
    ("privileged", "the program has no such power", "cap_add: [NAME]"),
    ("restart", "Swarm starts again whatever ends", "deploy: { restart_policy: { condition: any, delay: 2s } }"),
    (
        "security_opt",
        "no-new-privileges and profiles do not hold",
        "\"no-new-privileges\": true, in /etc/docker/daemon.json of each node",
    ),
    ("shm_size", "/dev/shm has 64 MB", "volumes: [{ type: tmpfs, target: /dev/shm }]"),
    ("userns_mode", "the container has what the engine's setting says", "leave it out"),
];

/// The nodes at a place such as `services.*.deploy`, each with the names that stand for the `*`.
fn at<'a>(node: &'a Node, place: &str) -> Vec<&'a Node> {
    if place.is_empty() {
        return vec![node];
    }
    let (key, rest) = place.split_once('.').unwrap_or((place, ""));
    let below: Vec<&Node> = match key {
        "*" => node.entries().map(|(_, value)| value).chain(node.items()).collect(),
        key => node.get(key).into_iter().collect(),
    };
    below.into_iter().flat_map(|node| at(node, rest)).collect()
}

pub(super) fn refused(facts: &FileFacts) -> Outcome {
    let root = &facts.stack.as_ref()?.root;
    let mut found: Vec<(usize, String, String)> = Vec::new();
    for (place, accepted) in ACCEPTED {
        let may_be_ours = place.matches('.').count() < 2;
        for (key, value) in at(root, place).into_iter().flat_map(Node::entries) {
            if accepted.split(' ').any(|known| known == key) || (may_be_ours && key.starts_with("x-")) {
                continue;
            }
            let path = if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") };
            let instead =
                INSTEAD.iter().find(|(known, _)| *known == path).map_or("leave it out", |(_, instead)| *instead);
            let of = if place.is_empty() { "the file".to_owned() } else { place.replace(".*", "") };
            found.push((value.line, format!("{key} of {of}"), instead.to_owned()));
        }
    }
    found.extend(wrong_kinds(root));
    // What an anchor brings to several services is at one line.
    found.sort();
    found.dedup();
    let effect = "docker stack deploy refuses the whole file: Additional property, or: must be";
    let finding = |(line, found, mend): (usize, String, String)| Finding::error(found, effect, mend).at(line);
    Ok(found.into_iter().map(finding).collect())
}

/// Values of a kind that it refuses, though Compose takes them.
fn wrong_kinds(root: &Node) -> Vec<(usize, String, String)> {
    let mut found = Vec::new();
    for node in at(root, "services.*.depends_on").into_iter().filter(|node| node.is_map()) {
        let names: Vec<_> = node.entries().map(|(name, _)| name).collect();
        found.push((node.line, "depends_on with conditions".to_owned(), format!("depends_on: [{}]", names.join(", "))));
    }
    for kind in ["limits", "reservations"] {
        for node in at(root, &format!("services.*.deploy.resources.{kind}.cpus")) {
            if let Some(number) = node.written().filter(|text| !node.is_quoted() && text.parse::<f64>().is_ok()) {
                found.push((node.line, "cpus as a number".to_owned(), format!("cpus: \"{number}\"")));
            }
        }
    }
    for node in at(root, "services.*.ports.*.published") {
        if let Some(number) = node.written().filter(|text| node.is_quoted() && text.parse::<u16>().is_ok()) {
            found.push((node.line, "published as a text".to_owned(), format!("published: {number}")));
        }
    }
    for node in at(root, "services.*.env_file.*").into_iter().filter(|node| node.is_map()) {
        let path = node.get("path").and_then(Node::text).unwrap_or_default();
        found.push((node.line, "a path of env_file with settings".to_owned(), format!("env_file: [{path}]")));
    }
    if let Some(version) = root.get("version").and_then(Node::written).filter(|version| !LATEST.contains(version))
        && let Some(check) = at(root, "services.*.healthcheck.start_interval").first()
    {
        found.push((
            check.line,
            format!("start_interval, which version {version} has not"),
            "no version: line".to_owned(),
        ));
    }
    found
}

pub(super) fn ignored(facts: &FileFacts) -> Outcome {
    let stack = facts.stack.as_ref()?;
    let mut findings = Vec::new();
    for (key, effect, mend) in IGNORED {
        // A depends_on with conditions is refused.
        let is_ignored = |node: &&Node| *key != "depends_on" || !node.is_map();
        let used = |service: Service<'_>| service.node.get(key).filter(is_ignored).map(|node| node.line);
        let used: Vec<_> = stack.services().filter_map(|service| Some((service.name, used(service)?))).collect();
        let Some((_, line)) = used.first() else { continue };
        let names: Vec<_> = used.iter().map(|(name, _)| *name).collect();
        let found = format!("{key} of {} is ignored by docker stack deploy", names.join(", "));
        findings.push(Finding::warning(found, *effect, *mend).at(*line));
    }
    Ok(findings)
}
