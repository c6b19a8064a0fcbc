//! `docker-production.yml` over `docker-compose.yml`: one machine, one open port.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, process::Command, thread, time::Duration};

use anyhow::{Context, Result, ensure};
use e2e::{
    compose::Project,
    engine::{Engine, output_of, require_engine_and_root},
    images, wait,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_mins(2);

const FILES: &str = "docker-compose.yml:docker-production.yml";

/// Longest wait for the answer to a connection, in seconds: between two networks there is none.
const CONNECT_LIMIT_SECONDS: &str = "3";

/// Has a shell and wget.
const OUTSIDE_IMAGE: &str = "nginx:1-alpine";

/// Each service with its networks and the port that it serves there, as the table in the file says.
const TABLE: [(&str, &[&str], Option<u16>); 10] = [
    ("way-in", &["numbers", "chat", "devcoin"], Some(8080)),
    ("producer", &["numbers"], Some(5000)),
    ("consumer", &["numbers"], Some(9100)),
    ("node1", &["chat"], Some(8080)),
    ("node2", &["chat"], Some(8080)),
    ("node3", &["chat"], Some(8080)),
    ("webui", &["numbers", "chat", "devcoin"], Some(8080)),
    ("api", &["devcoin", "ledger"], Some(9000)),
    ("miner", &["ledger"], Some(9100)),
    ("redis", &["ledger"], Some(6379)),
];

/// The services as Compose understands both files.
fn services() -> Result<serde_json::Map<String, Value>> {
    let mut config = Engine::local().command();
    config.args(["compose", "config", "--format=json"]).env("COMPOSE_FILE", FILES).current_dir(images::root());
    let mut config: Value = serde_json::from_str(&output_of(&mut config)?)?;
    serde_json::from_value(config["services"].take()).context("there are services")
}

#[test]
fn one_port_is_open_and_everything_comes_back_and_has_limits() -> Result<()> {
    let services = services()?;
    ensure!(services.len() == TABLE.len(), "there are {:?}", services.keys());
    for (name, service) in services {
        let ports = service["ports"].as_array().map_or(0, Vec::len);
        ensure!(ports == usize::from(name == "way-in"), "{name} publishes {}", service["ports"]);
        ensure!(service["restart"] == "always", "{name} stays away: {}", service["restart"]);
        let limits = &service["deploy"]["resources"]["limits"];
        ensure!(limits["memory"].is_string() && limits["cpus"].is_number(), "{name} has no limits: {limits}");
        let logging = &service["logging"];
        ensure!(logging["driver"] == "local" && logging["options"]["max-size"] == "10m", "{name}: {logging}");
        ensure!(service["read_only"] == true && service["cap_drop"][0] == "ALL", "{name} may do too much");
        ensure!(!service["volumes"].to_string().contains("docker.sock"), "{name} has the machine");
    }
    Ok(())
}

/// The project, all of it healthy, and the folder of its passwords.
fn up(test: &str) -> Result<(Project, TempDir)> {
    require_engine_and_root()?;
    let secrets = TempDir::with_prefix("swarmyard-")?;
    for (name, text) in [("redis_password", r#"a "pass\word""#), ("cluster_secret", "of-the-nodes")] {
        let file = secrets.path().join(name);
        fs::write(&file, text)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o444))?;
    }
    let folder = secrets.path().to_str().context("a path is a text")?;
    let project = Project::new(test, &[("COMPOSE_FILE", FILES), ("WAY_IN_PORT", "0"), ("SECRETS_DIR", folder)])?;
    project.compose(&["up", "--detach", "--wait"])?;
    Ok((project, secrets))
}

/// Where one container is, on each of its networks.
struct Place {
    process: i32,
    /// By the network's name.
    addresses: BTreeMap<String, String>,
}

fn place(project: &Project, service: &str) -> Result<Place> {
    let containers = project.compose(&["ps", "--quiet", service])?;
    let container = containers.lines().next().with_context(|| format!("{service} does not run"))?;
    let found: Value = serde_json::from_str(&Engine::local().docker(&["inspect", container])?)?;
    let process = found[0]["State"]["Pid"].as_i64().context("it has a process")?.try_into()?;
    let networks = found[0]["NetworkSettings"]["Networks"].as_object().context("it is on networks")?;
    let addresses = networks.iter().map(|(name, network)| {
        let address = network["IPAddress"].as_str().context("it has an address")?;
        Ok((name.clone(), address.to_owned()))
    });
    Ok(Place { process, addresses: addresses.collect::<Result<_>>()? })
}

/// Whether a connection to this address can be made from the network of a process.
fn reaches(process: i32, address: &str, port: u16) -> Result<bool> {
    let from = format!("--target={process}");
    let mut connect = Command::new("nsenter");
    connect.args([&from, "--net", "curl", "--silent", "--output", "/dev/null"]);
    connect.args(["--connect-timeout", CONNECT_LIMIT_SECONDS, "--max-time", CONNECT_LIMIT_SECONDS]);
    connect
        .args(["--write-out", "%{num_connects}", &format!("telnet://{address}:{port}")])
        .stdin(std::process::Stdio::null());
    let output = connect.output()?;
    match String::from_utf8_lossy(&output.stdout).trim() {
        "0" => Ok(false),
        "1" => Ok(true),
        other => anyhow::bail!("curl says {other:?}: {}", String::from_utf8_lossy(&output.stderr)),
    }
}

#[test]
fn each_service_reaches_those_of_its_networks_and_nobody_else() -> Result<()> {
    let (project, _secrets) = up("production-table")?;
    let mut places = BTreeMap::new();
    for (service, _, _) in TABLE {
        places.insert(service, place(&project, service)?);
    }
    let wrong = thread::scope(|scope| {
        let sources = TABLE.map(|(from, own, _)| {
            let places = &places;
            scope.spawn(move || -> Result<Vec<String>> {
                let mut wrong = Vec::new();
                for (to, others, port) in TABLE.iter().filter(|(to, _, _)| *to != from) {
                    let expected = own.iter().any(|network| others.contains(network));
                    let mut found = false;
                    for address in places[to].addresses.values() {
                        found |= reaches(places[from].process, address, port.context("it has a port")?)?;
                    }
                    if found != expected {
                        wrong.push(format!("{from} {} {to}", if found { "reaches" } else { "does not reach" }));
                    }
                }
                Ok(wrong)
            })
        });
        let found = sources.into_iter().map(|source| source.join().map_err(|_| anyhow::anyhow!("a thread ended"))?);
        found.collect::<Result<Vec<_>>>()
    })?;
    ensure!(wrong.concat().is_empty(), "{:#?}", wrong.concat());
    Ok(())
}

/// The answer to `GET` at this address, from a container that is on none of the project's networks.
fn get_from_outside(address: &str, path: &str) -> Result<String> {
    let url = format!("http://{address}{path}");
    Engine::local().docker(&["run", "--rm", OUTSIDE_IMAGE, "wget", "-q", "-T", CONNECT_LIMIT_SECONDS, "-O", "-", &url])
}

#[test]
fn from_outside_only_the_way_in_answers_and_it_leads_everywhere() -> Result<()> {
    let (project, _secrets) = up("production-outside")?;
    let gateway = "--format={{range .IPAM.Config}}{{.Gateway}}{{end}}";
    let machine = Engine::local().docker(&["network", "inspect", gateway, "bridge"])?;
    let port = project.address("way-in", "8080")?.replace("localhost:", "");
    let way_in = format!("{machine}:{port}");
    for path in ["/", "/healthz", "/chat/node1/", "/chat/node2/whoami", "/chat/node3/whoami"] {
        get_from_outside(&way_in, path)?;
    }
    let number = get_from_outside(&way_in, "/numbers/number")?;
    ensure!(number.starts_with(r#"{"number":"#), "{number}");

    let published =
        "--format={{range $port, $all := .NetworkSettings.Ports}}{{range $all}}{{.HostPort}} {{end}}{{end}}";
    for container in project.containers()? {
        let found = Engine::local().docker(&["inspect", published, &container])?;
        ensure!(found.split(' ').all(|found| found.is_empty() || found == port), "there is another way in: {found}");
    }
    for (service, _, port) in TABLE {
        for address in place(&project, service)?.addresses.values() {
            let address = format!("{address}:{}", port.context("it has a port")?);
            ensure!(get_from_outside(&address, "/healthz").is_err(), "{service} answers outside, at {address}");
        }
    }
    Ok(())
}

#[test]
fn redis_wants_its_password_and_a_program_that_dies_comes_back_with_what_it_had() -> Result<()> {
    let (project, _secrets) = up("production-restart")?;
    let refused = project.compose(&["exec", "redis", "redis-cli", "GET", "blocks"])?;
    ensure!(refused.starts_with("NOAUTH"), "{refused}");

    // The way in has another port after each start, since the test has asked for any.
    let get = |path: &str| -> Result<String> {
        let url = format!("http://{}{path}", project.address("way-in", "8080")?);
        output_of(Command::new("curl").args(["-sSf", "--max-time", "10", &url]))
    };
    let blocks = || -> Result<u64> {
        let answer: Value = serde_json::from_str(&get("/api/")?)?;
        ensure!(answer["stale"] != true, "{answer}");
        answer["data"]["blocks"].as_u64().with_context(|| answer.to_string())
    };
    let before = wait::until(LIMIT, || {
        blocks().and_then(|blocks| {
            ensure!(blocks > 0, "no coin yet");
            Ok(blocks)
        })
    })?;
    for service in ["redis", "api", "node1", "way-in"] {
        let before = place(&project, service)?.process;
        let process = Pid::from_raw(before).context("a process has a number")?;
        // Docker itself would take it for a wish that the program stays away.
        kill_process(process, Signal::KILL)?;
        wait::until(LIMIT, || {
            let now = place(&project, service)?.process;
            ensure!(now != before && now != 0, "{service} has not come back");
            Ok(())
        })?;
    }
    let after = wait::until(LIMIT, blocks)?;
    ensure!(after >= before, "there were {before} coins, and there are {after}");
    wait::until(LIMIT, || get("/chat/node1/whoami")).map(drop)
}
