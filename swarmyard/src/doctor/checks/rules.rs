//! The rules for a Compose or stack file, by their numbers. The page has all of them; those that are not here (3, 4,
//! 21 and 22) are about scripts, and `deploy/scripts` keeps them.

mod data;
mod keys;
mod limits;
mod names;
mod placement;
mod updates;

use crate::doctor::check::Category::{Files, Secrets};
use crate::doctor::check::{Check, Finding, Outcome};
use crate::doctor::facts::FileFacts;
use crate::doctor::stack::Service;

/// The first check: what the others look at.
const FILE: &str = "file";

/// All rules, in the order of their numbers.
pub(super) fn all() -> impl Iterator<Item = &'static Check<FileFacts>> {
    CHECKS.iter()
}

const CHECKS: &[Check<FileFacts>] = &[
    Check {
        id: FILE,
        category: Files,
        needs: &[],
        looks_at: "whether it is YAML that Docker understands",
        anchor: "rules-for-a-stack-file",
        look: readable,
    },
    rule(
        "rule-1",
        "names of configs and secrets",
        "rule-1-a-config-or-secret-has-a-new-name-for-new-contents",
        names::of_data,
    ),
    rule(
        "rule-2",
        "modes of configs and secrets",
        "rule-2-a-mode-begins-with-a-zero-and-its-user-may-read",
        data::modes,
    ),
    rule(
        "rule-5",
        "update_config, rollback_config",
        "rule-5-an-update-goes-one-by-one-and-back-when-it-fails",
        updates::updates,
    ),
    rule("rule-6", "healthcheck", "rule-6-a-service-is-checked-soon-while-it-starts", updates::healthcheck),
    rule("rule-7", "stop_grace_period", "rule-7-a-service-has-the-time-to-stop", updates::grace),
    rule("rule-8", "nginx's upstreams", "rule-8-nginx-looks-names-up-again", names::of_nginx),
    rule("rule-9", "where replicas are", "rule-9-replicas-are-on-several-machines", placement::spread),
    rule("rule-10", "deploy.resources", "rule-10-memory-and-processor-have-limits", limits::resources),
    rule("rule-10-sum", "what is reserved in all", "rule-10-memory-and-processor-have-limits", limits::reserved),
    rule("rule-11", "logging", "rule-11-logs-do-not-grow", limits::logging),
    rule("rule-12", "ulimits.nofile", "rule-12-a-limit-on-files-is-no-lower-than-65536", limits::files),
    rule("rule-13", "the engine's socket", "rule-13-nobody-has-the-engines-socket", limits::socket),
    rule("rule-14", "read_only, cap_drop", "rule-14-a-container-has-no-power-over-the-machine", limits::power),
    rule("rule-15", "deploy.restart_policy", "rule-15-what-ends-is-started-again-however-often", updates::restart),
    rule(
        "rule-16-refused",
        "keys that docker stack deploy refuses",
        "rule-16-nothing-that-a-swarm-refuses-or-ignores",
        keys::refused,
    ),
    rule(
        "rule-16-ignored",
        "keys that docker stack deploy ignores",
        "rule-16-nothing-that-a-swarm-refuses-or-ignores",
        keys::ignored,
    ),
    rule("rule-17", "where volumes are", "rule-17-what-keeps-data-is-tied-to-a-label", placement::of_volumes),
    rule(
        "rule-17-labels",
        "the labels that services want, and those that nodes have",
        "no-suitable-node",
        placement::labels,
    ),
    rule("rule-18", "deploy.endpoint_mode", "rule-18-dnsrr-publishes-no-port-on-every-node", placement::endpoint_mode),
    rule(
        "rule-19",
        "the size of an overlay network's packets",
        "rule-19-a-network-says-how-large-its-packets-are",
        limits::packets,
    ),
    rule("rule-20", "images' tags", "rule-20-an-image-has-a-version", names::of_images),
    Check {
        category: Secrets,
        ..rule(
            "secret-files",
            "files of secrets that Compose shows to programs",
            "a-secret-that-the-program-cannot-read",
            data::secret_files,
        )
    },
];

const fn rule(
    id: &'static str,
    looks_at: &'static str,
    anchor: &'static str,
    look: fn(&FileFacts) -> Outcome,
) -> Check<FileFacts> {
    Check { id, category: Files, needs: &[FILE], looks_at, anchor, look }
}

#[allow(clippy::unnecessary_wraps, reason = "all checks are of one kind")]
fn readable(facts: &FileFacts) -> Outcome {
    let Err(unreadable) = &facts.stack else { return Ok(Vec::new()) };
    let file = facts.path.display();
    let finding = Finding::error(
        format!("it cannot be read: {unreadable}"),
        "Docker refuses it, too",
        format!("docker stack config -c {file}   # says more"),
    );
    Ok(vec![Finding { line: unreadable.line, ..finding }])
}

/// What is wrong with a service.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Problem {
    line: usize,
    what: String,
    mend: String,
}

impl Problem {
    fn new(line: usize, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { line, what: what.into(), mend: mend.into() }
    }
}

/// Looks at each service that the file describes as a whole, and warns of what is wrong with it.
fn each_service<P: IntoIterator<Item = Problem>>(
    facts: &FileFacts,
    effect: &str,
    problems: impl Fn(Service<'_>) -> P,
) -> Outcome {
    let whole = facts.stack.as_ref()?.services().filter(|service| service.is_whole());
    let found = whole.flat_map(|service| problems(service).into_iter().map(move |problem| (service.name, problem)));
    Ok(in_common(found, effect))
}

/// One warning for all that have the same problem, at the line of the first.
fn in_common<'a>(found: impl Iterator<Item = (&'a str, Problem)>, effect: &str) -> Vec<Finding> {
    let mut groups: Vec<(Problem, Vec<&str>)> = Vec::new();
    for (name, problem) in found {
        let is_same = |other: &Problem| (&other.what, &other.mend) == (&problem.what, &problem.mend);
        match groups.iter_mut().find(|(other, _)| is_same(other)) {
            Some((_, names)) => names.push(name),
            None => groups.push((problem, vec![name])),
        }
    }
    let finding = |(Problem { line, what, mend }, names): (Problem, Vec<&str>)| {
        Finding::warning(format!("{}: {what}", names.join(", ")), effect, mend).at(line)
    };
    groups.into_iter().map(finding).collect()
}
