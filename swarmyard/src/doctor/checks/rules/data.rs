//! Configs and secrets: who may read them.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::doctor::check::{Finding, Outcome};
use crate::doctor::facts::FileFacts;
use crate::doctor::stack::{Node, Service};

/// The user that the programs of our images are.
const OUR_USER: u32 = 10001;

/// The services that our images are for.
const OURS: [&str; 6] = ["producer", "consumer", "chat-node", "miner", "api", "webui"];

/// The user that a service's program is, if the file tells, or the image is ours.
fn user(service: Service<'_>) -> Option<u32> {
    match service.text(&["user"]) {
        Some(user) => user.split(':').next()?.parse().ok(),
        // A file that adds to ours leaves the image to it.
        None if service.image().is_none_or(|image| OURS.contains(&image.as_str())) => Some(OUR_USER),
        None => None,
    }
}

/// A mode as it is written, and as Swarm understands it: octal with a zero before it, decimal without.
fn mode(written: &str) -> Option<u32> {
    match written.strip_prefix("0o").or_else(|| written.strip_prefix('0')) {
        Some(octal) if !octal.is_empty() => u32::from_str_radix(octal, 8).ok(),
        _ => written.parse().ok(),
    }
}

pub(super) fn modes(facts: &FileFacts) -> Outcome {
    let stack = facts.stack.as_ref()?;
    let mut findings = Vec::new();
    for service in stack.services() {
        let used = ["configs", "secrets"].into_iter().filter_map(|kind| service.node.get(kind)).flat_map(Node::items);
        for used in used {
            findings.extend(wrong_mode(service, used));
        }
    }
    Ok(findings)
}

fn wrong_mode(service: Service<'_>, used: &Node) -> Option<Finding> {
    let source = used.get("source")?.text()?;
    let node = used.get("mode")?;
    let (written, name) = (node.written()?, service.name);
    let mode = mode(written)?;
    if !written.starts_with('0') {
        let found = format!("{name}: the mode {written} of {source} has no zero before it: it is {mode:04o}");
        let effect = "more may read it than was meant, or fewer";
        return Some(Finding::warning(found, effect, format!("mode: 0{written}")).at(node.line));
    }
    let uid = used.get("uid").and_then(Node::text).and_then(|uid| uid.parse().ok()).unwrap_or(0);
    let reader = user(service).filter(|reader| *reader != uid && *reader != 0)?;
    let is_readable = mode & 0o004 != 0 || (mode & 0o040 != 0 && used.get("gid").is_some());
    if is_readable {
        return None;
    }
    let found =
        format!("{name}: {source} is for user {uid} with mode {written}, and the program runs as user {reader}");
    let effect = "the program says that it cannot read it, and ends";
    Some(Finding::error(found, effect, format!("uid: \"{reader}\"")).at(used.line))
}

pub(super) fn secret_files(facts: &FileFacts) -> Outcome {
    let stack = facts.stack.as_ref()?;
    let (mut findings, mut missing) = (Vec::new(), Vec::new());
    for (key, node) in stack.root.get("secrets").into_iter().flat_map(Node::entries) {
        let Some(file) = node.get("file").and_then(Node::text) else { continue };
        // With uid and mode, it is for a Swarm, where the file's own do not count.
        let has_it = |service: &Service<'_>| {
            service.node.get("secrets").is_some_and(|used| used.items().iter().any(|one| one.written() == Some(key)))
        };
        let Some((service, user)) =
            stack.services().filter(has_it).find_map(|service| Some((service.name, user(service)?)))
        else {
            continue;
        };
        let path = facts.beside(&file);
        let Ok(metadata) = fs::metadata(&path) else {
            missing.push(path.display().to_string());
            continue;
        };
        let (owner, mode) = (metadata.uid(), metadata.mode() & 0o777);
        let is_readable = mode & 0o004 != 0 || (owner == user && mode & 0o400 != 0) || user == 0;
        if !is_readable {
            let path = path.display();
            let found = format!("{path} belongs to user {owner} with mode {mode:o}, and {service} runs as user {user}");
            let effect =
                "Compose shows it to the container as it is: the program says that it cannot read it, and ends";
            findings.push(Finding::error(found, effect, format!("chmod o+r {path}")).at(node.line));
        }
    }
    if findings.is_empty() && !missing.is_empty() {
        return Err(format!("there is no {} yet", missing.join(", and no ")));
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_without_a_zero_is_decimal() {
        assert_eq!(["0400", "0o444", "400", "0"].map(mode), [Some(0o400), Some(0o444), Some(0o620), Some(0)]);
    }
}
