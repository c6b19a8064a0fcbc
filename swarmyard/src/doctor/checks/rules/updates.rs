//! How a service comes, is replaced, and goes.

use std::time::Duration;

use service::value::duration;

use super::{Problem, each_service};
use crate::doctor::check::Outcome;
use crate::doctor::facts::FileFacts;
use crate::doctor::stack::Service;

/// Shortest look at a new task before the next one is replaced; Swarm's own 5 s end before many programs do.
const MONITOR_MIN: Duration = Duration::from_secs(10);

/// Shortest pause before a task is started again.
const RESTART_DELAY_MIN: Duration = Duration::from_secs(2);

/// What Docker gives a program to stop in.
const STOP_GRACE_PERIOD: Duration = Duration::from_secs(10);

/// How long our programs take to finish what is open, if nothing else is set.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

fn time(text: Option<String>) -> Option<Duration> {
    duration(&text?).ok()
}

pub(super) fn updates(facts: &FileFacts) -> Outcome {
    let effect = "users notice an update, one that fails stays, or two tasks write to one volume";
    each_service(facts, effect, |service| {
        let wrong = [("update_config", "failure_action: rollback, "), ("rollback_config", "")].map(|(way, action)| {
            let order = order(service);
            let wrong = wrong_settings(service, way, order);
            let mend = format!("{way}: {{ parallelism: 1, order: {order}, {action}monitor: 15s }}");
            (!wrong.is_empty()).then(|| (format!("{way}: {}", wrong.join(", ")), mend))
        });
        let (what, mend): (Vec<_>, Vec<_>) = wrong.into_iter().flatten().unzip();
        let line = service.line_of(&["deploy", "update_config"]);
        (!what.is_empty()).then(|| Problem::new(line, what.join("; "), mend.join("\n")))
    })
}

/// Which of two tasks comes first: not the new one, where both would write to one volume, or want one port.
fn order(service: Service<'_>) -> &'static str {
    let is_alone = service.volumes().next().is_some() || service.has_host_port() || service.is_global();
    if is_alone { "stop-first" } else { "start-first" }
}

fn wrong_settings(service: Service<'_>, way: &str, order: &str) -> Vec<String> {
    let setting = |key| service.text(&["deploy", way, key]);
    let mut wrong = Vec::new();
    // Where nothing is said, the old one stops first.
    if setting("order").as_deref().unwrap_or("stop-first") != order {
        wrong.push(format!("order is not {order}"));
    }
    if setting("parallelism").is_some_and(|number| number != "1") {
        wrong.push("parallelism is not 1".to_owned());
    }
    if way == "update_config" {
        if setting("failure_action").as_deref() != Some("rollback") {
            wrong.push("failure_action is not rollback".to_owned());
        }
        if time(setting("monitor")).is_none_or(|time| time < MONITOR_MIN) {
            wrong.push(format!("monitor is shorter than {} s", MONITOR_MIN.as_secs()));
        }
    }
    wrong
}

pub(super) fn healthcheck(facts: &FileFacts) -> Outcome {
    let effect = "Swarm gives a task its name, and goes on with an update, after the first check that is good: late, or \
                  before it can serve";
    each_service(facts, effect, |service| {
        let check = service.node.get("healthcheck")?;
        let test = check.get("test").and_then(|test| test.items().first().unwrap_or(test).text());
        let is_off =
            test.as_deref() == Some("NONE") || service.text(&["healthcheck", "disable"]).as_deref() == Some("true");
        let what = match check.get("start_interval") {
            _ if is_off => "its check is switched off",
            None => "its check has no start_interval",
            Some(_) => return None,
        };
        Some(Problem::new(check.line, what, "healthcheck: { interval: 30s, start_period: 60s, start_interval: 1s }"))
    })
}

pub(super) fn grace(facts: &FileFacts) -> Outcome {
    each_service(facts, "requests are cut off when it stops", |service| {
        let variables = ["DRAIN_DELAY", "DRAIN_TIMEOUT"].map(|name| service.variable(name));
        if variables.iter().all(Option::is_none) {
            return None;
        }
        let [delay, timeout] = variables.map(time);
        let drain = delay.unwrap_or_default() + timeout.unwrap_or(DRAIN_TIMEOUT);
        let grace = time(service.text(&["stop_grace_period"])).unwrap_or(STOP_GRACE_PERIOD);
        let what = format!("it is killed after {} s, and may take {} s", grace.as_secs_f64(), drain.as_secs_f64());
        let line = service.line_of(&["stop_grace_period"]);
        (grace <= drain).then(|| Problem::new(line, what, "stop_grace_period: 20s"))
    })
}

pub(super) fn restart(facts: &FileFacts) -> Outcome {
    let effect = "what it needs may be away for longer than any number of tries, and then it stays ended";
    each_service(facts, effect, |service| {
        let setting = |key| service.text(&["deploy", "restart_policy", key]);
        let is_short = |delay: &String| duration(delay).is_ok_and(|delay| delay < RESTART_DELAY_MIN);
        let wrong = [
            setting("condition").filter(|on| on != "any").map(|on| format!("started again {on} only")),
            setting("max_attempts").map(|number| format!("given up after {number} attempts")),
            setting("delay").filter(is_short).map(|delay| format!("started again after {delay} already")),
        ];
        let wrong: Vec<_> = wrong.into_iter().flatten().collect();
        let line = service.line_of(&["deploy", "restart_policy"]);
        let what = format!("a task that ends is {}", wrong.join(", "));
        let mend = "restart_policy: { condition: any, delay: 2s, window: 10s }";
        (!wrong.is_empty()).then(|| Problem::new(line, what, mend))
    })
}
