//! `stack.yml` on five machines: what a learner breaks there, and what must go on.
#![expect(clippy::print_stdout, reason = "the report of a test")]

mod autoscale;
mod load;
mod network;
mod pages;
mod replica;
mod room;
mod watch;

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use e2e::{
    cluster::Node,
    images,
    ledger::Ledger,
    wait,
    yard::{STACK, Yard},
};

use self::{load::Load, room::Room, watch::Watch};

/// Two clusters at once would measure each other's load.
static ONE_CLUSTER_AT_A_TIME: Mutex<()> = Mutex::new(());

const MANAGERS: [&str; 3] = ["node1", "node2", "node3"];
const WORKERS: [&str; 2] = ["node4", "node5"];

/// Swarm takes 15 s to miss a node; an engine that is back may take a minute and more until all its tasks run.
const SETTLE_LIMIT: Duration = Duration::from_mins(5);

/// As long as somebody trips over a cable and looks for the reason.
const CUT_OFF: Duration = Duration::from_mins(1);

/// The least number of requests that shows something.
const REQUESTS_MIN: u64 = 100_000;

/// The same of requests on connections of their own, of which there are a few each second.
const REQUESTS_WATCHED_MIN: u64 = 1000;

/// What a path of the way in leads to, and what its answer contains when all is well.
const PATHS: [(&str, &str); 6] = [
    ("/", "<html"),
    ("/api/", r#""blocks":"#),
    ("/numbers/number", r#"{"number":"#),
    ("/chat/node1/whoami", r#""chat-node""#),
    ("/chat/node2/whoami", r#""chat-node""#),
    ("/chat/node3/whoami", r#""chat-node""#),
];

#[test]
fn each_service_is_replaced_under_load_and_no_request_fails() -> Result<()> {
    let _turn = ONE_CLUSTER_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    images::build()?;
    watch::build()?;
    let yard = Yard::deploy(&MANAGERS, &WORKERS, &[])?;
    let way_in = yard.way_in("node5")?;
    let nodes = ["node1", "node2", "node3"].map(|node| format!("{way_in}/chat/{node}/"));
    let mut room = Room::open(&nodes)?;
    let urls = ["/numbers/number", "/api/", "/"].map(|path| format!("http://{way_in}{path}"));
    let loads = urls.iter().map(|url| Load::start(url)).collect::<Result<Vec<_>>>()?;
    let (users, tasks) = (Watch::urls(&urls)?, Watch::stack(&yard)?);

    for service in ["producer", "api", "webui", "consumer", "miner", "redis", "node1", "node2", "node3"] {
        let start = Instant::now();
        yard.engine()?.docker(&["service", "update", "--force", "--quiet", &format!("{STACK}_{service}")])?;
        println!("{service} is replaced after {:.1} s", start.elapsed().as_secs_f32());
        // The writer tries until a node takes it: which may be the one that is being replaced.
        for node in &nodes {
            wait::until(SETTLE_LIMIT, || room.say(node))?;
        }
    }
    let sum = users.end()?.pop().context("watch ends with the sum")?;
    println!("watched: {} answers, {} failed", sum["answers"], sum["failed"]);
    ensure!(sum["failed"] == 0 && sum["answers"].as_u64() > Some(REQUESTS_WATCHED_MIN), "{sum:#}");
    each_was_replaced(&tasks.end()?)?;
    let report = load::total(loads)?;
    println!("{} requests, {:?}", report.requests, report.failures);
    ensure!(report.failures.is_empty(), "of {} requests: {:?}", report.requests, report.failures);
    ensure!(report.requests >= REQUESTS_MIN, "only {} requests prove little", report.requests);
    let said = wait::until(SETTLE_LIMIT, || room.check())?;
    let losses = room.losses()?;
    println!("{said} lines, read by everybody once and in one order; {losses:#?}");
    for node in ["node1", "node2", "node3"] {
        let told = |loss: &String| loss.contains(&format!("/chat/{node}/")) && loss.contains("the node stops");
        ensure!(losses.iter().any(told), "nobody at {node} was told why the connection ended: {losses:#?}");
    }
    Ok(())
}

/// Whether a task of each service has ended, and another one begun to run.
fn each_was_replaced(changes: &[serde_json::Value]) -> Result<()> {
    for service in ["producer", "api", "webui", "consumer", "miner", "redis", "node1", "node2", "node3"] {
        let of_it = |change: &&serde_json::Value| {
            change["task"].as_str().is_some_and(|task| task.split('.').next() == Some(service))
        };
        let states: Vec<_> = changes.iter().filter(of_it).map(|change| [&change["from"], &change["to"]]).collect();
        // Those that ran at the beginning are told as well.
        let begun = states.iter().filter(|[_, to]| *to == "running").count();
        let ended = states.iter().filter(|[from, _]| *from == "running").count();
        ensure!(ended > 0 && begun > ended, "{service}: {states:?}");
    }
    Ok(())
}

#[test]
fn whichever_node_is_lost_the_others_answer_and_nothing_confirmed_is_missing() -> Result<()> {
    let _turn = ONE_CLUSTER_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    images::build()?;
    let settings = [("MINER_REPLICAS", "4")];
    // The first node leads the Swarm and keeps the ledger; the second is a manager and the home of a room.
    let yard = Yard::deploy(&MANAGERS, &WORKERS, &settings)?;
    let redis = yard.node_with("redis=primary")?;
    let home = yard.node_with("node_type=node1")?;
    println!("Redis is on {}, the room on {}", redis.name(), home.name());
    let nodes = ["node1", "node2", "node3"];
    let addresses = |way_in: &str| nodes.map(|node| format!("{way_in}/chat/{node}/"));
    let mut room = Room::open(&addresses(&yard.way_in("node5")?))?;
    let mut before = Ledger::read(redis)?;

    for lost in [redis.name(), home.name()] {
        let others: Vec<_> = yard.cluster().nodes().iter().filter(|node| node.name() != lost).collect();
        let lost = yard.cluster().node(lost)?;
        lost.cut_power()?;
        let cut = Instant::now();
        wait::until(SETTLE_LIMIT, || everything_answers(&others, &yard.lives_on(lost.name())?))?;
        println!("{}: the others answer again after {:.1} s", lost.name(), cut.elapsed().as_secs_f32());
        lost.restore_power()?;
        let back = Instant::now();
        wait::until(SETTLE_LIMIT, || yard.check())?;
        println!("{}: all is well {:.1} s after it is back", lost.name(), back.elapsed().as_secs_f32());

        let way_in = yard.way_in("node5")?;
        for address in addresses(&way_in) {
            wait::until(SETTLE_LIMIT, || room.say(&address))?;
        }
        let said = wait::until(SETTLE_LIMIT, || room.check())?;
        let after = wait::until(SETTLE_LIMIT, || Ledger::read(redis))?;
        println!("{said} lines, {before:?}, then {after:?}");
        ensure!(after.blocks >= before.blocks && after.sum == after.blocks, "{before:?}, then {after:?}");
        before = after;
    }
    Ok(())
}

#[test]
fn a_worker_that_was_cut_off_for_a_minute_finds_back() -> Result<()> {
    let _turn = ONE_CLUSTER_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    images::build()?;
    let yard = Yard::deploy(&MANAGERS, &WORKERS, &[])?;
    let worker = yard.node_with("node_type=node3")?;
    ensure!(WORKERS.contains(&worker.name()), "{} is no worker", worker.name());
    worker.cut_off()?;
    let cut = Instant::now();
    let others: Vec<_> = yard.cluster().nodes().iter().filter(|node| node.name() != worker.name()).collect();
    wait::until(SETTLE_LIMIT, || everything_answers(&others, &yard.lives_on(worker.name())?))?;
    println!("the others answer again after {:.1} s", cut.elapsed().as_secs_f32());
    let error = yard.check().err().context("health-check.sh finds nothing wrong with a node that is cut off")?;
    ensure!(format!("{error:#}").contains(worker.name()), "{error:#}");
    wait::until(SETTLE_LIMIT, || {
        ensure!(cut.elapsed() >= CUT_OFF, "not long enough");
        Ok(())
    })?;
    worker.heal()?;
    let healed = Instant::now();
    wait::until(SETTLE_LIMIT, || {
        yard.check()?;
        everything_answers(&yard.cluster().nodes().iter().collect::<Vec<_>>(), &[])
    })?;
    println!("all is well {:.1} s after it is healed", healed.elapsed().as_secs_f32());
    Ok(())
}

#[test]
fn the_pages_work_through_the_way_in_and_each_network_lets_only_those_talk_who_must() -> Result<()> {
    let _turn = ONE_CLUSTER_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    images::build()?;
    let yard = Yard::deploy(&["node1"], &["node2", "node3", "node4"], &[])?;
    tokio::runtime::Runtime::new()?.block_on(pages::check(&yard))?;
    network::check(&yard)
}

#[test]
fn a_lost_volume_or_machine_of_redis_costs_no_coin_and_the_api_goes_on_with_the_replica() -> Result<()> {
    let _turn = ONE_CLUSTER_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    images::build()?;
    let yard = replica::deploy(&MANAGERS, &WORKERS)?;
    let watch = replica::Watch::start(&format!("http://{}/api/stats", yard.way_in("node5")?));
    let miners = replica::Miners::follow(&yard)?;
    let redis = yard.node_with("redis=primary")?;
    wait::until(SETTLE_LIMIT, || replica::counts(redis, 10))?;

    replica::lose_the_volume(redis)?;
    wait::until(SETTLE_LIMIT, || replica::refuses_to_start(&yard))?;
    let lost = Instant::now();
    replica::update_redis(&yard, &["--env-add=EMPTY_VOLUME=fill"])?;
    let filled = wait::until(SETTLE_LIMIT, || replica::counts(redis, 1))?;
    println!("the volume is filled {:.1} s after the command: {filled:?}", lost.elapsed().as_secs_f32());
    wait::until(SETTLE_LIMIT, || replica::counts(redis, filled.blocks + 10))?;
    let said = watch.end()?;
    println!("the API: {said:?}");
    ensure!(said.failures.is_empty(), "{said:?}");
    ensure!(said.sources.contains("replica") && said.sources.contains("primary"), "{said:?}");
    let recorded = miners.stop(&yard)?;
    let end = replica::counts(redis, 0)?;
    println!("the miners were told of {recorded} coins; {end:?}");
    ensure!(end.blocks == recorded && end.sum == recorded, "miners were told of {recorded} coins: {end:?}");

    // Its machine goes, and another takes its place.
    wait::until(SETTLE_LIMIT, || replica::has_copied(&yard, recorded))?;
    redis.cut_power()?;
    let other = yard.cluster().node("node4")?;
    let place = format!("--constraint-add=node.hostname=={}", other.name());
    let lost = Instant::now();
    wait::until(SETTLE_LIMIT, || {
        replica::update_redis(&yard, &["--constraint-rm=node.labels.redis == primary", &place])
    })?;
    let promoted = wait::until(SETTLE_LIMIT, || replica::counts(other, end.blocks))?;
    println!("another machine has the ledger after {:.1} s: {promoted:?}", lost.elapsed().as_secs_f32());
    ensure!(promoted.blocks == end.blocks && promoted.sum == end.sum, "{end:?}, then {promoted:?}");
    replica::mine(&yard)?;
    wait::until(SETTLE_LIMIT, || replica::counts(other, promoted.blocks + 10)).map(drop)
}

#[test]
fn a_service_grows_and_shrinks_with_its_load_in_one_step_each_and_no_request_fails() -> Result<()> {
    let (interval, window, hold) = (Duration::from_secs(2), Duration::from_secs(20), Duration::from_secs(20));
    scale(autoscale::Pace { interval, window, hold })
}

#[test]
#[ignore = "takes half an hour: the same with the window and the pace that a cluster has"]
fn a_service_grows_and_shrinks_in_one_step_each_over_twenty_minutes() -> Result<()> {
    let (interval, window, hold) = (Duration::from_secs(15), Duration::from_mins(5), Duration::from_mins(5));
    scale(autoscale::Pace { interval, window, hold })
}

fn scale(pace: autoscale::Pace) -> Result<()> {
    let _turn = ONE_CLUSTER_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    images::build()?;
    let yard = autoscale::deploy(pace)?;
    autoscale::let_nothing_else_through(&yard)?;
    let answers = autoscale::live_through(&yard, pace)?;
    println!("{answers} answers, none failed");
    ensure!(answers >= REQUESTS_WATCHED_MIN, "only {answers} prove little");
    Ok(())
}

/// Whether the way in of each of these nodes leads to everything but to the services in `away`.
fn everything_answers(nodes: &[&Node], away: &[String]) -> Result<()> {
    for node in nodes {
        for (path, expected) in PATHS {
            if away.iter().any(|service| path.contains(&format!("/{service}/"))) {
                continue;
            }
            let answer = e2e::yard::get(&format!("http://{}:8080{path}", node.address()))?;
            if !answer.contains(expected) {
                bail!("{} answers at {path}: {answer}", node.name());
            }
        }
    }
    Ok(())
}
