//! Rules for `stack.yml`, what may be added to it, and its settings; they need the `docker` command, no engine.

use std::{collections::BTreeMap, fs, time::Duration};

use anyhow::{Context, Result, ensure};
use e2e::{
    engine::{Engine, output_of},
    images,
};
use regex::Regex;
use serde_json::Value;

/// What the scripts have of their own in `deploy/.env.example`.
const OF_THE_SCRIPTS: [&str; 5] = ["STACK", "STACK_FILE", "DEPLOY_TIMEOUT", "PLAYGROUND", "RESOLVE_IMAGE"];

/// What `DRAIN_TIMEOUT` is where nothing else is set.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Three Raspberry Pis of 1 GB each.
const MEMORY_OF_THE_SMALLEST_CLUSTER: u64 = 3_000_000_000;

fn text(name: &str) -> Result<String> {
    fs::read_to_string(images::root().join(name)).with_context(|| name.to_owned())
}

/// `stack.yml` and what may be added to it.
const FILES: [&str; 5] =
    ["stack.yml", "deploy/replica.yml", "deploy/backup.yml", "deploy/autoscale.yml", "deploy/chaos.yml"];

/// The one service that has the engine's socket, which is a manager's.
const ENGINE_PROXY: &str = "engine-proxy";

/// All of the files as they are written.
fn all_text() -> Result<String> {
    FILES.into_iter().map(text).collect()
}

/// All of them as Compose understands them together, with every default.
fn stack() -> Result<Value> {
    let mut config = Engine::local().command();
    config.arg("compose").args(FILES.map(|file| format!("--file={file}"))).args(["config", "--format=json"]);
    config.current_dir(images::root());
    for (name, _) in variables(&all_text()?)? {
        config.env_remove(name);
    }
    Ok(serde_json::from_str(&output_of(&mut config)?)?)
}

fn services() -> Result<Vec<(String, Value)>> {
    let services = stack()?["services"].as_object().context("there are services")?.clone();
    ensure!(services.len() >= 10, "only {:?} were found", services.keys());
    Ok(services.into_iter().collect())
}

/// The variables of a file, `${NAME:-DEFAULT}`, with their defaults.
fn variables(text: &str) -> Result<BTreeMap<String, String>> {
    let variable = Regex::new(r"\$\{(\w+)(?::-([^}]*))?\}")?;
    let mut found = BTreeMap::new();
    for variable in variable.captures_iter(text) {
        let default = variable.get(2).with_context(|| format!("{} has no default", &variable[0]))?.as_str();
        let former = found.insert(variable[1].to_owned(), default.to_owned());
        ensure!(former.is_none_or(|former| former == default), "{} has two defaults", &variable[1]);
    }
    ensure!(!found.is_empty(), "no variable was found");
    Ok(found)
}

/// Such as `15s`, `1m0s`.
fn duration(text: &Value) -> Result<Duration> {
    let text = text.as_str().context("a duration is a text")?;
    let (minutes, seconds) = text.split_once('m').unwrap_or(("0", text));
    let seconds: u64 = seconds.strip_suffix('s').with_context(|| text.to_owned())?.parse()?;
    Ok(Duration::from_secs(minutes.parse::<u64>()? * 60 + seconds))
}

#[test]
fn compose_and_stack_accept_it() -> Result<()> {
    stack()?;
    let (stack, added) = FILES.split_at(1);
    for added in added.chunks(1).chain([&[][..], added]) {
        let files = stack.iter().chain(added).flat_map(|file| ["-c", file]);
        output_of(Engine::local().command().args(["stack", "config"]).args(files).current_dir(images::root()))?;
    }
    Ok(())
}

#[test]
fn the_example_of_settings_has_every_variable_with_its_default_and_nothing_else() -> Result<()> {
    let mut wanted = variables(&all_text()?)?;
    // deploy.sh makes the names of configs and secrets.
    wanted.retain(|name, _| !name.ends_with("_CONFIG") && !name.ends_with("_SECRET"));
    let mut found = BTreeMap::new();
    for line in text("deploy/.env.example")?.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (name, value) = line.split_once('=').with_context(|| format!("not NAME=VALUE: {line}"))?;
        let value = value.split_once(" #").map_or(value, |(value, _)| value).trim();
        ensure!(found.insert(name.to_owned(), value.to_owned()).is_none(), "{name} is there twice");
    }
    for name in OF_THE_SCRIPTS {
        ensure!(found.remove(name).is_some(), "{name} is missing");
    }
    ensure!(found == wanted, "deploy/.env.example has {found:#?}, stack.yml {wanted:#?}");
    Ok(())
}

#[test]
fn logs_are_rotated() -> Result<()> {
    for (name, service) in services()? {
        let logging = &service["logging"];
        ensure!(logging["driver"] == "local", "{name}: {logging}");
        ensure!(logging["options"]["max-size"] == "10m" && logging["options"]["max-file"] == "3", "{name}: {logging}");
    }
    Ok(())
}

#[test]
fn memory_has_limits_and_what_is_reserved_fits_three_of_the_smallest_machines() -> Result<()> {
    let bytes = |value: &Value| -> Result<u64> { Ok(value.as_str().context("no amount of memory")?.parse()?) };
    let mut all = 0;
    for (name, service) in services()? {
        let resources = &service["deploy"]["resources"];
        let limit = bytes(&resources["limits"]["memory"]).context(name.clone())?;
        let reserved = bytes(&resources["reservations"]["memory"]).context(name.clone())?;
        ensure!(reserved > 0 && reserved <= limit, "{name}: {resources}");
        ensure!(resources["limits"]["cpus"].as_f64().is_some_and(|cpus| cpus > 0.0), "{name}: {resources}");
        let tasks = if service["deploy"]["mode"] == "global" { 3 } else { 1 };
        all += reserved * service["deploy"]["replicas"].as_u64().unwrap_or(tasks);
    }
    // As much again is for Docker and the system.
    ensure!(all <= MEMORY_OF_THE_SMALLEST_CLUSTER / 2, "{all} bytes are reserved");
    Ok(())
}

#[test]
fn containers_write_to_volumes_only_and_have_no_power_over_the_machine() -> Result<()> {
    for (name, service) in services()? {
        ensure!(service["read_only"] == true, "{name} may write anywhere");
        ensure!(service["cap_drop"] == serde_json::json!(["ALL"]), "{name}: {}", service["cap_drop"]);
        let mounts = service["volumes"].as_array().cloned().unwrap_or_default();
        let is_kept = |mount: &Value| mount["type"] == "volume" || mount["type"] == "tmpfs";
        let is_socket = |mount: &Value| name == ENGINE_PROXY && mount["source"] == "/var/run/docker.sock";
        ensure!(mounts.iter().all(|mount| is_kept(mount) || is_socket(mount)), "{name}: {mounts:?}");
    }
    Ok(())
}

#[test]
fn who_has_the_engines_socket_has_the_machine_and_is_alone_with_the_autoscaler() -> Result<()> {
    let services = services()?;
    let (_, proxy) = services.iter().find(|(name, _)| name == ENGINE_PROXY).context("there is a proxy")?;
    let networks = proxy["networks"].as_object().context("it is on a network")?;
    ensure!(networks.keys().eq(["engine"]), "{networks:?}");
    ensure!(stack()?["networks"]["engine"]["internal"] == true, "there is a way out of its network");
    ensure!(proxy["ports"].is_null(), "it is published: {}", proxy["ports"]);
    for (name, service) in &services {
        let is_there = service["networks"].get("engine").is_some();
        ensure!(is_there == [ENGINE_PROXY, "autoscale"].contains(&name.as_str()), "{name} and the engine's network");
        let is_bound = service["volumes"].to_string().contains("docker.sock");
        ensure!(is_bound == (name == ENGINE_PROXY), "{name}: {}", service["volumes"]);
    }
    Ok(())
}

#[test]
fn images_of_others_are_checked_soon_and_often_while_they_start() -> Result<()> {
    let mut foreign = 0;
    for (name, service) in services()? {
        let image = service["image"].as_str().context(name.clone())?;
        if images::root().join(format!("Dockerfile.{}", image.trim_end_matches(":latest"))).exists() {
            // Ours bring it.
            ensure!(service["healthcheck"].is_null(), "{name} has a check beside that of its image");
            continue;
        }
        foreign += 1;
        let check = &service["healthcheck"];
        ensure!(check["test"][0].is_string(), "{name} has no check");
        ensure!(duration(&check["start_interval"])? == Duration::from_secs(1), "{name}: {check}");
        ensure!(duration(&check["start_period"])? >= Duration::from_secs(30), "{name}: {check}");
    }
    ensure!(foreign > 0, "no image of others was found");
    Ok(())
}

#[test]
fn updates_go_one_by_one_and_back_when_they_fail() -> Result<()> {
    for (name, service) in services()? {
        let deploy = &service["deploy"];
        let keeps_state =
            service["volumes"].as_array().is_some_and(|all| all.iter().any(|one| one["type"] == "volume"));
        let takes_a_port = deploy["mode"] == "global";
        for (way, on_failure) in [("update_config", "rollback"), ("rollback_config", "pause")] {
            let config = &deploy[way];
            ensure!(config["parallelism"] == 1 && config["failure_action"] == on_failure, "{name}, {way}: {config}");
            ensure!(duration(&config["monitor"])? >= Duration::from_secs(10), "{name}, {way}: {config}");
            let order = if keeps_state || takes_a_port { "stop-first" } else { "start-first" };
            ensure!(config["order"] == order, "{name}, {way}: {config}");
        }
    }
    Ok(())
}

#[test]
fn a_task_that_ends_is_started_again_however_often() -> Result<()> {
    for (name, service) in services()? {
        let policy = &service["deploy"]["restart_policy"];
        ensure!(policy["condition"] == "any" && policy["max_attempts"].is_null(), "{name}: {policy}");
        ensure!(duration(&policy["delay"])? >= Duration::from_secs(2), "{name}: {policy}");
    }
    Ok(())
}

#[test]
fn a_stopping_service_is_not_killed_while_it_still_serves() -> Result<()> {
    for (name, service) in services()? {
        let drain = match &service["environment"]["DRAIN_DELAY"] {
            Value::Null => Duration::ZERO,
            delay => duration(delay)?,
        };
        let grace = duration(&service["stop_grace_period"])?;
        ensure!(grace > drain + DRAIN_TIMEOUT, "{name} is killed after {grace:?}");
    }
    Ok(())
}

#[test]
fn what_keeps_state_is_where_a_label_is_and_nothing_goes_by_role() -> Result<()> {
    for (name, service) in services()? {
        let constraints = &service["deploy"]["placement"]["constraints"];
        let constraints: Vec<_> = constraints.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        // A manager's engine is on a manager.
        for constraint in constraints.iter().filter(|_| name != ENGINE_PROXY) {
            ensure!(constraint.starts_with("node.labels."), "{name}: {constraint}");
        }
        let volumes = service["volumes"].as_array().cloned().unwrap_or_default();
        if volumes.iter().any(|one| one["type"] == "volume") {
            ensure!(constraints.len() == 1, "{name} keeps its volume on any machine: {constraints:?}");
        }
    }
    Ok(())
}

#[test]
fn configs_and_secrets_may_be_replaced_and_are_read_by_their_users_only() -> Result<()> {
    let stack = stack()?;
    let all = all_text()?;
    for (kind, ending) in [("configs", "CONFIG"), ("secrets", "SECRET")] {
        let described = stack[kind].as_object().with_context(|| format!("there are {kind}"))?;
        for name in described.keys() {
            let variable = format!("name: \"${{{}_{ending}:-{name}}}\"", name.to_uppercase());
            ensure!(all.contains(&variable), "{kind}: {name}: there is no {variable}");
        }
        for (service, described) in services()? {
            for used in described[kind].as_array().into_iter().flatten() {
                // Compose writes the number of the file's mode in octal: 400 without the zero would come as 0620.
                let mode = if kind == "secrets" { "0400" } else { "0444" };
                ensure!(used["mode"] == mode, "{service}: {used}");
            }
        }
    }
    Ok(())
}

#[test]
fn nothing_can_be_broken_on_purpose_unless_that_is_added_and_then_all_of_ours_can() -> Result<()> {
    let stack = text("stack.yml")?;
    ensure!(!stack.contains("CHAOS_TOKEN"), "stack.yml sets it");
    for (name, service) in services()? {
        let image = service["image"].as_str().context(name.clone())?;
        let is_ours = images::root().join(format!("Dockerfile.{}", image.trim_end_matches(":latest"))).exists();
        // What keeps the others going, the backups and the autoscaler, is not to be broken.
        let is_ours = is_ours && stack.contains(&format!("\n  {name}:\n"));
        let has_token = service["environment"]["CHAOS_TOKEN_FILE"] == "/run/secrets/chaos_token";
        let secrets = service["secrets"].as_array().into_iter().flatten();
        let has_secret = secrets.filter(|secret| secret["source"] == "chaos_token").count() == 1;
        ensure!((has_token, has_secret) == (is_ours, is_ours), "{name}: {service}");
    }
    Ok(())
}

#[test]
fn nothing_is_there_that_a_swarm_ignores() -> Result<()> {
    for (name, service) in services()? {
        for key in ["build", "container_name", "depends_on", "links", "profiles", "restart", "security_opt"] {
            ensure!(service[key].is_null(), "{name}: {key} does nothing on a Swarm");
        }
    }
    Ok(())
}
