//! `stack.yml` on virtual machines of three architectures, with nothing overridden: what no test on one kernel can
//! show. One story, as making the machines takes longest. Run by `./test --machines`; its figures are not judged.
#![expect(clippy::print_stdout, reason = "the report of a test")]

use std::{collections::BTreeSet, time::Instant};

use anyhow::{Context, Result, ensure};
use e2e::{
    engine::{Engine, output_of},
    images,
    virtual_machines::Node,
};
use serde_json::Value;

mod chat;
mod requests;
mod yard;

use requests::{Asked, get, while_asking};
use yard::{Yard, until};

/// The machines, in the order of their names: `node1` and so on.
const ARCHITECTURES: [&str; 3] = ["amd64", "arm64", "arm"];

/// A tag of this test's own, so that no other test's `latest` is replaced.
const TAG: &str = "e2e-machines";

const OUR_IMAGES: [&str; 6] = ["producer", "consumer", "chat-node", "miner", "api", "webui"];
const FOREIGN_IMAGES: [&str; 2] = ["nginx:1-alpine", "redis:8-alpine"];

/// How many of each service that may run anywhere there are in the end: one on every machine at least.
const SPREAD: [(&str, usize); 5] = [("producer", 6), ("consumer", 3), ("webui", 3), ("api", 3), ("miner", 3)];

/// The services that a label holds on a machine.
const CHAT_NODES: [&str; 3] = ["node1", "node2", "node3"];

/// One of each at first: all of it at once is more than emulated processors start in time.
const SETTINGS: [(&str, &str); 7] = [
    ("TAG", TAG),
    // No registry is asked which image a tag means: where none can be, each question costs a quarter of a minute.
    ("RESOLVE_IMAGE", "never"),
    ("PRODUCER_REPLICAS", "1"),
    ("CONSUMER_REPLICAS", "1"),
    ("WEBUI_REPLICAS", "1"),
    ("API_REPLICAS", "1"),
    ("MINER_REPLICAS", "1"),
];

/// A wire that many know: to the other side of the world, and not a good one.
const DELAY_MILLISECONDS: u32 = 100;
const LOSS_PERCENT: u32 = 1;

/// What each of three people says while the wire is like that.
const LINES: usize = 30;

#[test]
#[ignore = "it needs virtual machines, and up to 45 minutes: ./test --machines"]
fn the_stack_does_what_it_should_on_machines_of_three_architectures() -> Result<()> {
    step("images for every platform are baked", bake)?;
    let yard = step("three machines start", || Yard::prepare(&ARCHITECTURES))?;
    step("the images go into their registry", || push(&yard))?;
    step("deploy.sh deploys everything", || deploy(&yard))?;
    step("every service runs on every architecture, where it may", || each_is_everywhere(&yard))?;
    step("the way in of each machine leads to every service", || every_way_in_is_open(&yard))?;
    step("through the mesh of each machine, all six producers are seen", || the_mesh_reaches_all(yard.nodes()))?;
    step("with a bad wire everywhere, the chat keeps one order", || one_order_over_a_bad_wire(&yard))?;
    step("the producer is updated, and no request through any machine fails", || no_update_costs_a_request(&yard))?;
    step("a machine is switched off, and what ran there runs elsewhere", || a_machine_is_lost(&yard))?;
    step("labels take the chat's nodes and Redis to every architecture", || labels_move_what_they_hold(&yard))
}

/// Does one part of the story under a heading.
fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("\n--- {name}");
    let start = Instant::now();
    let outcome = work().with_context(|| format!("not so: {name}"))?;
    println!("    {} in all", since(start));
    Ok(outcome)
}

fn since(start: Instant) -> String {
    format!("{:.0} s", start.elapsed().as_secs_f32())
}

fn bake() -> Result<()> {
    let mut bake = Engine::local().command();
    bake.args(["buildx", "bake", "--progress=quiet"]).current_dir(images::root()).env("TAG", TAG);
    output_of(&mut bake).map(drop)
}

fn push(yard: &Yard) -> Result<()> {
    let ours = OUR_IMAGES.map(|image| format!("{image}:{TAG}"));
    let all: Vec<_> = ours.iter().map(String::as_str).chain(FOREIGN_IMAGES).collect();
    yard.machines.push(&all)
}

fn deploy(yard: &Yard) -> Result<()> {
    for (node, chat_node) in yard.nodes().iter().zip(CHAT_NODES) {
        yard.label(node, "node_type", Some(chat_node))?;
    }
    yard.label(&yard.nodes()[0], "redis", Some("primary"))?;
    yard.deploy(&SETTINGS)?;
    let mut tasks = yard.tasks()?;
    tasks.sort();
    for node in yard.nodes() {
        let here: Vec<_> = tasks.iter().filter(|task| task.node == node.name).map(|task| &*task.service).collect();
        println!("    {} ({}): {}", node.name, node.architecture, here.join(" "));
    }
    Ok(())
}

/// Swarm counts a task as running when it is healthy; what a service says shows that it is.
fn each_is_everywhere(yard: &Yard) -> Result<()> {
    for (service, count) in SPREAD {
        let start = Instant::now();
        let name = format!("yard_{service}");
        yard.docker(&["service", "scale", "--detach", &format!("{name}={count}")])?;
        let mut forced = 0;
        loop {
            yard.until_they_run(&[(service, count)], yard.nodes())?;
            let on: BTreeSet<_> = yard.nodes_of(service)?.into_iter().collect();
            if on.len() == ARCHITECTURES.len() {
                break;
            }
            // A machine was too busy to be seen for a while: nothing moves back by itself.
            ensure!(forced < 3, "{service} runs only on {on:?}");
            forced += 1;
            yard.docker(&["service", "update", "--detach", "--force", &name])?;
            yard.until_updated(service)?;
        }
        println!("    {} until {count} of {service} ran, some on each; spread anew {forced} times", since(start));
    }
    yard.until_they_run(&[("way-in", ARCHITECTURES.len())], yard.nodes())?;
    for (service, path) in [("producer", "/numbers/whoami"), ("api", "/api/whoami")] {
        let url = way_in(&yard.nodes()[0], path);
        until(|| {
            let mut seen = BTreeSet::new();
            for _ in 0..20 {
                let whoami: Value = serde_json::from_str(&get(&url)?.body)?;
                seen.insert(whoami["architecture"].as_str().unwrap_or_default().to_owned());
            }
            ensure!(seen.len() == ARCHITECTURES.len(), "{service} answers only from {seen:?}");
            println!("    {service} says that it runs on {seen:?}");
            Ok(())
        })?;
    }
    let miners = until(|| {
        let answer = get(&way_in(&yard.nodes()[0], "/api/miners"))?.body;
        let miners: Value = serde_json::from_str(&answer)?;
        let mining = |miner: &&Value| miner["alive"] == true && miner["coins"].as_u64() > Some(0);
        let miners: Vec<_> = miners["miners"].as_array().into_iter().flatten().filter(mining).cloned().collect();
        ensure!(miners.len() == 3, "{answer}");
        Ok(miners)
    })?;
    for miner in miners {
        println!("    {} found {} coins, with {} hashes a second", miner["id"], miner["coins"], miner["hash_rate"]);
    }
    until(|| {
        for task in
            yard.docker(&["service", "ps", "--quiet", "--filter=desired-state=running", "yard_consumer"])?.lines()
        {
            let printed = yard.docker(&["service", "logs", "--tail=5", task])?;
            ensure!(printed.contains("Received number: "), "a consumer prints: {printed}");
        }
        Ok(())
    })?;
    Ok(())
}

fn way_in(node: &Node, path: &str) -> String {
    format!("http://{}:8080{path}", node.address)
}

fn producer(node: &Node) -> String {
    format!("http://{}:5000/number", node.address)
}

fn every_way_in_is_open(yard: &Yard) -> Result<()> {
    for node in yard.nodes() {
        until(|| is_open(node, &CHAT_NODES)).with_context(|| format!("the way in of {}", node.name))?;
    }
    Ok(())
}

/// Whether a machine's way in leads to every service, and to these nodes of the chat.
fn is_open(node: &Node, chat_nodes: &[&str]) -> Result<()> {
    for path in ["/healthz", "/", "/numbers/number", "/api/", "/api/readyz"] {
        get(&way_in(node, path)).with_context(|| path.to_owned())?;
    }
    for chat_node in chat_nodes {
        get(&way_in(node, &format!("/chat/{chat_node}/"))).with_context(|| format!("/chat/{chat_node}/"))?;
    }
    Ok(())
}

fn the_mesh_reaches_all(nodes: &[Node]) -> Result<()> {
    for node in nodes {
        let mut seen = BTreeSet::new();
        let mut asked = 0;
        until(|| {
            asked += 1;
            seen.insert(get(&producer(node))?.served_by);
            ensure!(seen.len() == 6, "{seen:?} answer");
            Ok(())
        })?;
        println!("    {}: six, in {asked} requests", node.name);
    }
    Ok(())
}

/// One replica after the other, each of which takes a minute and a half: so with one for each machine.
fn no_update_costs_a_request(yard: &Yard) -> Result<()> {
    let scale = |count: usize| yard.docker(&["service", "scale", "--detach", &format!("yard_producer={count}")]);
    scale(ARCHITECTURES.len())?;
    // The others go on serving for a while: it is the update that is looked at, and not their end.
    until(|| {
        let states = yard.docker(&["service", "ps", "--format={{.CurrentState}}", "yard_producer"])?;
        let running = states.lines().filter(|state| state.starts_with("Running")).count();
        ensure!(running == ARCHITECTURES.len(), "{running} producers run");
        Ok(())
    })?;
    yard.until_they_run(&[("producer", ARCHITECTURES.len())], yard.nodes())?;
    let urls = yard.nodes().iter().flat_map(|node| [producer(node), way_in(node, "/numbers/number")]);
    let urls: Vec<_> = urls.collect();
    let next = "--env-add=SERVED_BY=next.{{.Task.Slot}}@{{.Node.Hostname}}";
    let ((), asked) = while_asking(&urls, || {
        let start = Instant::now();
        yard.docker(&["service", "update", "--detach", next, "yard_producer"])?;
        yard.until_updated("producer")?;
        println!("    updated in {}", since(start));
        // Whoever is left of the version before is gone when only the next one answers.
        for node in yard.nodes() {
            until(|| (0..12).try_for_each(|_| is_next(&get(&producer(node))?.served_by)))?;
        }
        Ok(())
    })?;
    for Asked { url, answers, served_by, failures } in &asked {
        let next = served_by.iter().filter(|replica| is_next(replica).is_ok()).count();
        println!(
            "    {url}: {answers} answers of {} replicas before and {next} after, {} failed",
            served_by.len() - next,
            failures.len()
        );
        ensure!(next > 0 && next < served_by.len(), "{url} did not see the update");
    }
    let failures: Vec<_> = asked.iter().flat_map(|asked| &asked.failures).collect();
    ensure!(failures.is_empty(), "{} requests failed: {failures:?}", failures.len());
    let [(_, count), ..] = SPREAD;
    scale(count).map(drop)
}

fn is_next(served_by: &str) -> Result<()> {
    ensure!(served_by.starts_with("next."), "{served_by} still answers");
    Ok(())
}

fn one_order_over_a_bad_wire(yard: &Yard) -> Result<()> {
    let slow = |milliseconds, percent| {
        yard.nodes().iter().try_for_each(|node| yard.machines.slow(node, milliseconds, percent))
    };
    slow(DELAY_MILLISECONDS, LOSS_PERCENT)?;
    let address = |(index, node): (usize, &Node)| match index {
        // Directly, through the way in of the same machine, and through that of another.
        0 => format!("{}:8081/", node.address),
        1 => format!("{}:8080/chat/node2/", node.address),
        _ => format!("{}:8080/chat/node3/", yard.nodes()[0].address),
    };
    let addresses: Vec<_> = yard.nodes().iter().enumerate().map(address).collect();
    let start = Instant::now();
    let heard = tokio::runtime::Runtime::new()?.block_on(chat::one_order(&addresses, LINES))?;
    let took = since(start);
    slow(0, 0)?;
    let turns = heard.windows(2).filter(|pair| pair[0].username != pair[1].username).count();
    println!("    {} lines in {took}, heard alike by three; {turns} times another went on", heard.len());
    ensure!(turns > LINES, "they talked one after the other, which proves little");
    Ok(())
}

/// The last machine, which manages nothing and keeps no ledger.
fn a_machine_is_lost(yard: &Yard) -> Result<()> {
    let (lost, left) = yard.nodes().split_last().context("there are machines")?;
    let last_chat_node = CHAT_NODES[left.len()];
    yard.machines.cut_power(lost)?;
    let start = Instant::now();
    yard.until_they_run(&SPREAD, left)?;
    println!("    {} after the power of {} was cut, all run elsewhere", since(start), lost.name);
    for node in left {
        until(|| is_open(node, &CHAT_NODES[..left.len()]))?;
        println!("    after {} the way in of {} leads to all that is left", since(start), node.name);
    }
    the_mesh_reaches_all(left)?;
    let start = Instant::now();
    yard.machines.restore_power(lost)?;
    until(|| is_open(lost, &[last_chat_node]))?;
    println!("    {} after its power is back, its way in and {last_chat_node} answer", since(start));
    Ok(())
}

/// Wherever a label names another machine, what it holds starts there anew: its volume stays behind. Last, therefore.
fn labels_move_what_they_hold(yard: &Yard) -> Result<()> {
    let nodes = yard.nodes();
    for turn in 1..nodes.len() {
        let start = Instant::now();
        yard.label(&nodes[turn - 1], "redis", None)?;
        yard.label(&nodes[turn], "redis", Some("primary"))?;
        let chat_nodes: Vec<_> = CHAT_NODES.into_iter().zip(nodes.iter().cycle().skip(turn)).collect();
        for (chat_node, node) in &chat_nodes {
            yard.label(node, "node_type", Some(chat_node))?;
        }
        for (chat_node, node) in &chat_nodes {
            until(|| is_only_on(yard, chat_node, node))?;
            until(|| {
                let answer = get(&way_in(&nodes[0], &format!("/chat/{chat_node}/")))?;
                ensure!(answer.node()? == node.name, "{} answers", answer.served_by);
                Ok(())
            })?;
        }
        until(|| is_only_on(yard, "redis", &nodes[turn]))?;
        let blocks = until(|| {
            let answer = get(&way_in(&nodes[0], "/api/"))?.body;
            let blocks: Value = serde_json::from_str(&answer)?;
            ensure!(blocks["stale"].is_null() && blocks["data"]["blocks"].as_u64() > Some(0), "{answer}");
            Ok(blocks["data"]["blocks"].clone())
        })?;
        let on: Vec<_> = chat_nodes.iter().map(|(name, node)| format!("{name} on {}", node.architecture)).collect();
        let redis = &nodes[turn].architecture;
        println!("    after {}: {}, redis on {redis} with {blocks} coins", since(start), on.join(", "));
    }
    Ok(())
}

fn is_only_on(yard: &Yard, service: &str, node: &Node) -> Result<()> {
    let on = yard.nodes_of(service)?;
    ensure!(on == [&*node.name], "{service} runs on {on:?}");
    Ok(())
}
