//! `stack.yml` with `deploy/autoscale.yml`: a load that goes up and down, and how many replicas there are then.
//!
//! The load is `swarmyard load` on the page's service, which passes requests on to an API that is slow, as it may use
//! little of a processor: so each connection of the load has a request in flight nearly all the time, whatever else
//! this machine does.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use e2e::{
    browser::{Browser, Driver, LAPTOP, PHONE},
    engine::output_of,
    images, wait,
    yard::{self, STACK, Yard},
};
use serde_json::Value;

use crate::SETTLE_LIMIT;

/// Requests in flight that a replica is to have.
const TARGET: u32 = 4;

/// Connections of the load that is there all the time: two replicas' worth.
const LOW: u32 = 7;

/// Connections of each of the two that come in addition: two more replicas' worth.
const MORE: u32 = 8;

/// How many replicas each step of the load needs: low, high, middle, low.
const NEEDED: [u64; 4] = [2, 6, 4, 2];

/// Leaves the API so little of a processor that its answers take some time.
const SLOW_API: &str = "services:
  api:
    deploy: {resources: {limits: {cpus: '0.05'}}}
";

/// How long everything takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) interval: Duration,
    pub(crate) window: Duration,
    /// How long the replicas have to stay as many as a step of the load needs.
    pub(crate) hold: Duration,
}

/// Deploys everything with the autoscaler for the page's service.
pub(crate) fn deploy(pace: Pace) -> Result<Yard> {
    images::build_toolkit()?;
    let yard = Yard::prepare(&["node1"], &["node2", "node3"])?;
    yard.label_all()?;
    for node in yard.cluster().nodes() {
        node.load(&[images::TOOLKIT])?;
    }
    fs::write(yard.file("slow-api.yml"), SLOW_API)?;
    let mut deploy = yard.script_with("deploy.sh", &["deploy/autoscale.yml", "slow-api.yml"])?;
    deploy.envs([
        ("AUTOSCALE_SERVICE", format!("{STACK}_webui")),
        ("AUTOSCALE_METRICS", "tasks.webui:8080".to_owned()),
        ("AUTOSCALE_REPLICAS", "1-8".to_owned()),
        ("AUTOSCALE_TARGET", TARGET.to_string()),
        ("AUTOSCALE_INTERVAL", format!("{}s", pace.interval.as_secs())),
        ("AUTOSCALE_WINDOW", format!("{}s", pace.window.as_secs())),
        ("WEBUI_REPLICAS", NEEDED[0].to_string()),
        ("MINER_REPLICAS", "1".to_owned()),
    ]);
    output_of(&mut deploy)?;
    Ok(yard)
}

/// A load on the page's service, from within its network.
#[derive(Debug)]
struct Load(&'static str);

impl Load {
    /// Begins with so many connections.
    fn start(yard: &Yard, name: &'static str, connections: u32) -> Result<Self> {
        let (network, connections) = (format!("--network={STACK}_devcoin"), format!("--connections={connections}"));
        let create = ["service", "create", "--quiet", "--detach", "--restart-condition=none", "--name", name, &network];
        let load = [images::TOOLKIT, "load", "http://webui:8080/api/stats", &connections, "--duration=2h", "--json"];
        yard.engine()?.docker(&[&create[..], &load].concat())?;
        Ok(Self(name))
    }

    /// Ends it; gives how many answers there were. None may have failed.
    fn end(self, yard: &Yard) -> Result<u64> {
        let name = self.0;
        let filter = format!("--filter=label=com.docker.swarm.service.name={name}");
        for node in yard.cluster().nodes() {
            let container = node.engine().docker(&["ps", "--quiet", &filter])?;
            if !container.is_empty() {
                node.engine().docker(&["kill", "--signal=INT", &container])?;
            }
        }
        let report: Value = wait::until(SETTLE_LIMIT, || {
            let log = yard.engine()?.docker(&["service", "logs", "--raw", name])?;
            serde_json::from_str(&log).with_context(|| format!("{name} has not reported yet: {log}"))
        })?;
        ensure!(report["errors"] == 0, "{name}: {report:#}");
        report["answers"].as_u64().with_context(|| report.to_string())
    }
}

/// What the autoscaler tells to its page, asked for at the way in.
fn data(yard: &Yard) -> Result<Value> {
    Ok(serde_json::from_str(&yard::get(&format!("http://{}/autoscale/data", yard.way_in("node3")?))?)?)
}

/// The last decision.
fn last(data: &Value) -> Result<&Value> {
    data["moments"].as_array().and_then(|moments| moments.last()).with_context(|| data.to_string())
}

/// Each number of replicas that there was, in its turn: `[2, 6, 4, 2]`.
fn path(data: &Value) -> Result<Vec<u64>> {
    let moments = data["moments"].as_array().context("there are decisions")?;
    let numbers = moments.iter().map(|moment| moment["decided"].as_u64().context("a decision is a number"));
    let mut path = numbers.collect::<Result<Vec<_>>>()?;
    path.dedup();
    Ok(path)
}

/// Waits until the service has as many replicas as this step needs, and all of them serve; then they have to stay.
fn settles(yard: &Yard, step: usize, pace: Pace) -> Result<()> {
    wait::until(pace.window + SETTLE_LIMIT, || {
        let data = data(yard)?;
        let now = last(&data)?;
        let is_there = now["replicas"] == NEEDED[step] && now["not_ready"] == 0 && now["telling"] == NEEDED[step];
        ensure!(is_there, "{now:#}");
        Ok(())
    })?;
    let settled = Instant::now();
    wait::until(pace.hold + SETTLE_LIMIT, || {
        ensure!(settled.elapsed() >= pace.hold, "not long enough");
        Ok(())
    })?;
    let data = data(yard)?;
    let path = path(&data)?;
    println!("{} replicas {:.1} s later: {path:?}", NEEDED[step], settled.elapsed().as_secs_f32());
    ensure!(goes_straight(&path, &NEEDED[..=step]), "step {step}: {path:?}, {data:#}");
    Ok(())
}

/// Whether `path` leads from each needed number to the next, with one between them at most: of the interval in which the
/// load changes, the mean is somewhere between.
fn goes_straight(path: &[u64], needed: &[u64]) -> bool {
    let mut at = 0;
    needed.windows(2).all(|pair| {
        let (from, to) = (pair[0], pair[1]);
        let is_between = |number: &u64| (from.min(to) + 1..from.max(to)).contains(number);
        at += 1 + usize::from(path.get(at + 1).is_some_and(is_between));
        path.get(at) == Some(&to)
    }) && path.first() == needed.first()
        && path.len() == at + 1
}

/// Asks the engine's proxy for what it must not let through, and for what it must; the forms that a path may have, too.
pub(crate) fn let_nothing_else_through(yard: &Yard) -> Result<()> {
    let engine = yard.cluster().node("node1")?.engine();
    let filter = format!("--filter=label=com.docker.swarm.service.name={STACK}_engine-proxy");
    let proxy = engine.docker(&["ps", "--quiet", &filter])?;
    ensure!(!proxy.is_empty(), "the engine's proxy does not run on the manager");
    let ask = |request: &str| {
        // nginx gives up on who has sent all and says so: a pipe whose other end is open says nothing.
        let script = r#"rm -f /tmp/request && mkfifo /tmp/request && exec 3<>/tmp/request
            printf '%s HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}' "$0" >&3
            nc 127.0.0.1 2375 <&3 | head -n 1"#;
        engine.docker(&["exec", &proxy, "sh", "-c", script, request])
    };
    let own = format!("/services/{STACK}_webui");
    for request in [
        "GET /".to_owned(),
        "GET /services".to_owned(),
        format!("GET /services/{STACK}_api"),
        format!("POST /services/{STACK}_api/update?version=1"),
        format!("POST {own}/../{STACK}_api/update?version=1"),
        format!("GET {own}/../../info"),
        format!("GET {own}%2f..%2f{STACK}_api"),
        format!("GET {own}/logs?stdout=1"),
        format!("GET {own}?insertDefaults=1"),
        format!("DELETE {own}"),
        format!("POST {own}"),
        format!("GET {own}/update?version=1"),
        format!("POST {own}/update"),
        format!("POST {own}/update?version=1&rollback=previous"),
        "POST /services/create".to_owned(),
        "POST /containers/create".to_owned(),
        "GET /containers/json".to_owned(),
        "GET /v1.44/info".to_owned(),
        "GET /secrets".to_owned(),
        "POST /build".to_owned(),
    ] {
        let answer = ask(&request)?;
        ensure!(answer.starts_with("HTTP/1.1 403 ") || answer.starts_with("HTTP/1.1 400 "), "{request}: {answer}");
    }
    // What comes through is the engine's business: `{}` is no description of a service, and is not what it is now.
    let update = format!("POST {own}/update?version=1");
    for (request, status) in [(format!("GET {own}"), "200"), (format!("GET //services/./{STACK}_webui"), "200")] {
        let answer = ask(&request)?;
        ensure!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
    }
    let answer = ask(&update)?;
    ensure!(!answer.starts_with("HTTP/1.1 403 ") && !answer.starts_with("HTTP/1.1 2"), "{update}: {answer}");
    Ok(())
}

/// The page, in a real browser, on a laptop and on a phone.
async fn show(yard: &Yard) -> Result<()> {
    let url = format!("http://{}/autoscale/", yard.way_in("node2")?);
    let driver = Driver::start()?;
    for size in [LAPTOP, PHONE] {
        let page = driver.open(size, &url).await?;
        shows_all(&page).await.with_context(|| format!("{size:?}"))?;
        if size == PHONE {
            page.fits("the autoscaler's page").await?;
        }
    }
    Ok(())
}

async fn shows_all(page: &Browser) -> Result<()> {
    page.says_that("#state", "Live").await?;
    page.says_that("#service", &format!("{STACK}_webui")).await?;
    page.says_that("#replicas", &NEEDED[3].to_string()).await?;
    // The newest is the first.
    page.says_that("#decisions .change", "to 2 replicas").await?;
    page.says_that("#chart-summary", "2 to 6 replicas, ").await?;
    for line in ["load", "wanted", "replicas", "needed", "highest"] {
        page.waits_for(line, &format!("document.querySelector('#chart .{line}')?.getBBox().width > 100")).await?;
    }
    page.can_be_read("the autoscaler's page").await?;
    page.is_accessible("the autoscaler's page").await?;
    page.expect_no_complaints().await?;
    // The browser complains of what this tries.
    page.runs_nothing_foreign().await
}

/// Goes through all steps of the load; gives how many answers there were.
pub(crate) fn live_through(yard: &Yard, pace: Pace) -> Result<u64> {
    let low = Load::start(yard, "load-low", LOW)?;
    settles(yard, 0, pace)?;
    let (middle, high) = (Load::start(yard, "load-middle", MORE)?, Load::start(yard, "load-high", MORE)?);
    settles(yard, 1, pace)?;
    let mut answers = high.end(yard)?;
    settles(yard, 2, pace)?;
    answers += middle.end(yard)?;
    settles(yard, 3, pace)?;
    tokio::runtime::Runtime::new()?.block_on(show(yard))?;
    Ok(answers + low.end(yard)?)
}
