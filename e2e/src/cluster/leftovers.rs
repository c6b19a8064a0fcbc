//! Nothing stays: what this run made is removed with it, what a dead run left is removed by the next.

use std::fs;

use crate::engine::Engine;

const LABEL: &str = "swarmyard.e2e";

/// Marks what this process made, as `NAME=PROCESS-STARTED`.
pub(super) fn label() -> String {
    format!("{LABEL}={}", owner(std::process::id()).unwrap_or_default())
}

/// A process and when it started: numbers of dead processes are given again.
fn owner(process: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // Field 22 is the start time; the second field, in parentheses, may hold spaces.
    let started = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?;
    Some(format!("{process}-{started}"))
}

/// Removes what runs left that ended without the time to clean up.
pub(super) fn sweep() {
    let template = format!("{{{{.ID}}}} {{{{.Label \"{LABEL}\"}}}}");
    let list = |kind: &[&str]| {
        let mut arguments = kind.to_vec();
        let filter = format!("label={LABEL}");
        arguments.extend(["--filter", &filter, "--format", &template]);
        let found = Engine::local().docker(&arguments).unwrap_or_default();
        let dead = |line: &str| {
            let (id, label) = line.split_once(' ')?;
            let process = label.split_once('-')?.0.parse().ok()?;
            (owner(process).as_deref() != Some(label)).then(|| id.to_owned())
        };
        found.lines().filter_map(dead).collect::<Vec<_>>()
    };
    let containers = list(&["ps", "--all"]);
    let networks = list(&["network", "ls"]);
    remove(containers.iter().map(String::as_str), networks.iter().map(String::as_str));
}

/// Removes containers with their volumes, then networks. What is gone already is no concern.
pub(super) fn remove<'a>(containers: impl IntoIterator<Item = &'a str>, networks: impl IntoIterator<Item = &'a str>) {
    for (command, names) in [
        (&["rm", "--force", "--volumes"][..], containers.into_iter().collect::<Vec<_>>()),
        (&["network", "rm", "--force"][..], networks.into_iter().collect()),
    ] {
        if !names.is_empty() {
            let _ = Engine::local().docker(&[command, &names].concat());
        }
    }
}
