//! `deploy/classroom`: what a class of thirty fetches from outside. Docker Hub is a registry of this machine here,
//! whose log tells what it was asked for; the laptops are three engines, each of which is ten, one after the other.
#![expect(clippy::print_stdout, reason = "the report of a test")]

use std::{process::Command, thread, time::Duration};

use anyhow::{Context, Result, anyhow, ensure};
use e2e::{
    cluster::{Cluster, Node},
    engine::{Engine, output_of},
    images, wait,
};

const LAPTOPS: [&str; 3] = ["laptop1", "laptop2", "laptop3"];

/// How many laptops each engine is.
const TURNS: usize = 10;

const IMAGES: [&str; 3] = ["redis:8-alpine", "nginx:1-alpine", "registry:2"];

/// Most requests outside that Docker Hub would count.
const PULLS_MAX: usize = 10;

const LIMIT: Duration = Duration::from_mins(1);

/// Docker Hub with the class before it. Dropping it removes both.
struct Class {
    project: String,
    hub: String,
    hub_address: String,
}

impl Class {
    fn start() -> Result<Self> {
        let project = format!("e2e-{}-class", std::process::id());
        let gateway = Engine::local().docker(&[
            "network",
            "inspect",
            "--format={{range .IPAM.Config}}{{.Gateway}}{{end}}",
            "bridge",
        ])?;
        let hub = format!("{project}-hub");
        let (name, port, local) =
            (format!("--name={hub}"), format!("--publish={gateway}::5000"), "--publish=127.0.0.1::5000");
        Engine::local().docker(&["run", "--detach", &name, &port, local, "registry:2"])?;
        let mut class = Self { project, hub, hub_address: String::new() };
        let ports = Engine::local().docker(&["port", &class.hub, "5000/tcp"])?;
        let at = |address: &str| {
            let found = ports.lines().find(|line| line.starts_with(address));
            found.map(str::to_owned).with_context(|| format!("{ports} has no {address}"))
        };
        class.hub_address = at(&gateway)?;
        let local = at("127.0.0.1")?;
        wait::until(LIMIT, || curl(&format!("http://{local}/v2/")))?;
        for image in IMAGES {
            let name = format!("{local}/library/{image}");
            Engine::local().docker(&["tag", image, &name])?;
            let pushed = Engine::local().docker(&["push", "--quiet", &name]);
            Engine::local().docker(&["image", "rm", &name])?;
            pushed?;
        }
        output_of(class.compose().args(["up", "--detach", "--wait"]))?;
        Ok(class)
    }

    fn compose(&self) -> Command {
        let mut compose = Engine::local().command();
        compose.args(["compose", "--project-name", &self.project, "--file", "deploy/classroom/docker-compose.yml"]);
        compose.env("UPSTREAM", format!("http://{}", self.hub_address)).current_dir(images::root());
        compose.env("MIRROR_PORT", "0").env("REGISTRY_PORT", "0");
        compose
    }

    fn port(&self, service: &str) -> Result<String> {
        let address = output_of(self.compose().args(["port", service, "5000"]))?;
        Ok(address.rsplit(':').next().context("an address has a port")?.to_owned())
    }

    /// How often a manifest was asked for, at Docker Hub.
    fn pulls(&self) -> Result<usize> {
        asked_for_manifests(Engine::local().command().args(["logs", &self.hub]), "GET")
    }
}

impl Drop for Class {
    fn drop(&mut self) {
        // What stays is told apart by its name; nothing else to do.
        let _ = output_of(self.compose().args(["down", "--volumes", "--timeout=1"]));
        let _ = Engine::local().docker(&["rm", "--force", "--volumes", &self.hub]);
    }
}

fn curl(url: &str) -> Result<String> {
    output_of(Command::new("curl").args(["--silent", "--show-error", "--fail", "--max-time", "10", url]))
}

/// The lines of a registry's log with a request of this kind for a manifest.
fn asked_for_manifests(logs: &mut Command, method: &str) -> Result<usize> {
    let output = logs.output()?;
    let log = [output.stdout, output.stderr].concat();
    let log = String::from_utf8_lossy(&log);
    let is_meant = |line: &&str| line.contains(&format!("\"{method} /v2/")) && line.contains("/manifests/");
    Ok(log.lines().filter(is_meant).count())
}

/// Tells the laptop of the mirror, as the page says, and starts its Docker again.
fn use_mirror(laptop: &Node, mirror: &str) -> Result<()> {
    let settings = format!(r#"{{"registry-mirrors": ["http://{mirror}"]}}"#);
    laptop.shell(&format!("mkdir -p /etc/docker && echo '{settings}' >/etc/docker/daemon.json"))?;
    laptop.cut_power()?;
    laptop.restore_power()
}

/// Pulls all images as one new laptop after the other.
fn ten_laptops(laptop: &Node) -> Result<()> {
    for _ in 0..TURNS {
        for image in IMAGES {
            laptop.engine().docker(&["pull", "--quiet", image])?;
        }
        laptop.engine().docker(&[&["image", "rm", "--force"][..], &IMAGES].concat())?;
    }
    Ok(())
}

#[test]
fn thirty_laptops_make_at_most_ten_pulls_from_outside() -> Result<()> {
    let class = Class::start()?;
    let cluster = Cluster::up(&LAPTOPS, None)?;
    let port = class.port("mirror")?;
    let before = class.pulls()?;

    let platform = Engine::local().docker(&["version", "--format", "{{.Server.Os}}/{{.Server.Arch}}"])?;
    let mut fetch = Command::new(images::root().join("deploy/classroom/fetch.sh"));
    println!("{}", output_of(fetch.args(["-p", &platform]).args(IMAGES).env("MIRROR_PORT", &port))?);
    let fetched = class.pulls()? - before;
    ensure!(fetched >= IMAGES.len(), "nothing came from outside: {fetched}");

    thread::scope(|scope| {
        let laptops = cluster.nodes().iter().map(|laptop| {
            // This machine, as the laptops know it.
            let (network, _) = laptop.address().rsplit_once('.').context("an address has four parts")?;
            use_mirror(laptop, &format!("{network}.1:{port}"))?;
            Ok(scope.spawn(|| ten_laptops(laptop)))
        });
        let laptops = laptops.collect::<Result<Vec<_>>>()?;
        laptops.into_iter().try_for_each(|laptop| laptop.join().map_err(|_| anyhow!("a laptop's thread ended"))?)
    })?;

    let pulls = class.pulls()? - before;
    let inside = ["HEAD", "GET"].map(|method| asked_for_manifests(class.compose().args(["logs", "mirror"]), method));
    let [heads, gets] = inside;
    let (heads, gets) = (heads?, gets?);
    println!("outside: {pulls} pulls, of which {fetched} before the class; at the mirror: {heads} HEAD, {gets} GET");
    ensure!(heads + gets >= LAPTOPS.len() * TURNS * IMAGES.len(), "the laptops went past the mirror");
    ensure!(pulls <= PULLS_MAX, "{pulls} pulls came from outside");
    Ok(())
}
