//! The way in alone: `deploy/configs/nginx.conf` in front of services that come and go.

use std::{process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use e2e::{
    engine::{Engine, output_of},
    images, wait,
};
use serde_json::Value;

const LIMIT: Duration = Duration::from_mins(1);

/// A network with nginx on it. Dropping it removes both, and whatever else was started there.
struct WayIn {
    network: String,
    address: String,
}

impl WayIn {
    fn start(test: &str) -> Result<Self> {
        images::build()?;
        let network = format!("e2e-{}-way-in-{test}", std::process::id());
        Engine::local().docker(&["network", "create", &network])?;
        let mut way_in = Self { network, address: String::new() };
        let config = images::root().join("deploy/configs/nginx.conf");
        let mount = format!("--volume={}:/etc/nginx/nginx.conf:ro", config.display());
        let options =
            ["--user=101:101", "--read-only", "--cap-drop=ALL", "--tmpfs=/tmp", "--publish=127.0.0.1::8080", &mount];
        let nginx = way_in.run("nginx", "way-in", "nginx:1-alpine", &options)?;
        way_in.address = Engine::local().docker(&["port", &nginx, "8080"])?;
        wait::until(LIMIT, || way_in.get("/healthz"))?;
        Ok(way_in)
    }

    /// Starts a container that has this name on the network, as one of possibly many.
    fn run(&self, container: &str, name: &str, image: &str, options: &[&str]) -> Result<String> {
        let container = format!("{}-{container}", self.network);
        let (own, network, alias) =
            (format!("--name={container}"), format!("--network={}", self.network), format!("--network-alias={name}"));
        let start = ["run", "--detach", &own, &network, &alias];
        Engine::local().docker(&[&start, options, &[image]].concat())?;
        Ok(container)
    }

    /// The status and the body of the answer to `GET`.
    fn get(&self, path: &str) -> Result<(u16, String)> {
        let url = format!("http://{}{path}", self.address);
        let options = ["--silent", "--show-error", "--max-time", "10", "--write-out", "\n%{http_code}"];
        let answer = output_of(Command::new("curl").args(options).arg(url))?;
        let (body, status) = answer.rsplit_once('\n').unwrap_or(("", &answer));
        Ok((status.parse()?, body.to_owned()))
    }
}

impl Drop for WayIn {
    fn drop(&mut self) {
        let filter = format!("--filter=network={}", self.network);
        let containers = Engine::local().docker(&["ps", "--all", "--quiet", &filter]).unwrap_or_default();
        for container in containers.lines() {
            // What stays is told apart by its name; nothing else to do.
            let _ = Engine::local().docker(&["rm", "--force", "--volumes", container]);
        }
        let _ = Engine::local().docker(&["network", "rm", &self.network]);
    }
}

#[test]
fn it_starts_while_every_name_is_missing_and_finds_what_comes_later() -> Result<()> {
    let way_in = WayIn::start("late")?;
    for (path, service) in [
        ("/", "webui:8080"),
        ("/page/main.js", "webui:8080"),
        ("/yard/events", "webui:8080"),
        ("/yard/instances/x/chaos/hang", "webui:8080"),
        ("/api/", "api:9000"),
        ("/api/events", "api:9000"),
        ("/numbers/number", "tasks.producer:5000"),
        ("/chat/node2/", "node2:8080"),
    ] {
        let (status, body) = way_in.get(path)?;
        let body: Value = serde_json::from_str(&body).with_context(|| body.clone())?;
        ensure!(status == 502 && body["status"] == 502, "{path}: {status} {body}");
        let message = body["message"].as_str().unwrap_or_default();
        ensure!(message.starts_with(&format!("http://{service} does not answer: ")), "{path}: {message}");
    }
    way_in.run("producer", "tasks.producer", "producer:latest", &[])?;
    wait::until(LIMIT, || {
        let (status, body) = way_in.get("/numbers/number")?;
        ensure!(status == 200 && body.starts_with(r#"{"number":"#), "{status} {body}");
        Ok(())
    })
}

#[test]
fn a_path_that_leads_nowhere_is_not_found_and_figures_stay_inside() -> Result<()> {
    let way_in = WayIn::start("paths")?;
    way_in.run("producer", "tasks.producer", "producer:latest", &[])?;
    for path in ["/nope", "/numbersnumber", "/chat/node4/", "/numbers/metrics", "/api/metrics", "/chat/node1/metrics"] {
        let (status, body) = way_in.get(path)?;
        ensure!(status == 404 && body.contains(&format!("nothing is at {path}: there are /, ")), "{path}: {body}");
    }
    for (path, expected) in [("/numbers", "/numbers/"), ("/chat", "/chat/"), ("/chat/", "/chat/node1/")] {
        let url = format!("http://{}{path}", way_in.address);
        let head = output_of(Command::new("curl").args(["-sSI", &url]))?;
        ensure!(head.contains(&format!("Location: {expected}")), "{path}: {head}");
    }
    Ok(())
}

#[test]
fn the_service_learns_the_clients_address_and_not_what_the_client_says() -> Result<()> {
    let way_in = WayIn::start("client")?;
    way_in.run("producer", "tasks.producer", "producer:latest", &[])?;
    let url = format!("http://{}/numbers/whoami", way_in.address);
    let whoami = wait::until(LIMIT, || {
        let options = ["-sS", "--fail", "--header", "X-Forwarded-For: 203.0.113.9", &url];
        output_of(Command::new("curl").args(options))
    })?;
    let whoami: Value = serde_json::from_str(&whoami)?;
    let gateway = ["network", "inspect", "--format", "{{range .IPAM.Config}}{{.Gateway}}{{end}}", &way_in.network];
    let gateway = Engine::local().docker(&gateway)?;
    ensure!(whoami["x_forwarded_for"] == serde_json::json!([gateway]), "{whoami}, and this machine is {gateway}");
    Ok(())
}

#[test]
fn a_replica_that_does_not_answer_costs_no_request() -> Result<()> {
    let way_in = WayIn::start("lost")?;
    let lost = way_in.run("one", "tasks.producer", "producer:latest", &["--env=SERVED_BY=one"])?;
    way_in.run("two", "tasks.producer", "producer:latest", &["--env=SERVED_BY=two"])?;
    let served_by = |name: &str| {
        let url = format!("http://{}/numbers/number", way_in.address);
        let head = output_of(Command::new("curl").args(["-sSi", "--max-time", "10", &url]))?;
        ensure!(head.starts_with("HTTP/1.1 200"), "{head}");
        Ok(head.contains(&format!("x-served-by: {name}")))
    };
    for name in ["one", "two"] {
        wait::until(LIMIT, || {
            ensure!(served_by(name)?, "{name} is not asked");
            Ok(())
        })?;
    }
    // Silent, and its name is still known: as a node that Swarm has not missed yet.
    let process = Engine::local().docker(&["inspect", "--format={{.State.Pid}}", &lost])?;
    let silence = ["--target", &process, "--net", "ip", "link", "set", "eth0", "down"];
    output_of(Command::new("nsenter").args(silence))?;
    for _ in 0..20 {
        ensure!(served_by("two")?, "the lost one answered");
    }
    Ok(())
}
