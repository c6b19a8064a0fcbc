//! `deploy/scripts` on a Swarm: what they refuse, what they say, and what they leave.
#![expect(clippy::print_stdout, reason = "the report of a test")]

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use e2e::{
    cluster::Node,
    engine::{Engine, output_of},
    images, wait,
    yard::{STACK, Yard},
};

/// Two clusters at once would measure each other's load.
static ONE_CLUSTER_AT_A_TIME: Mutex<()> = Mutex::new(());

const SETTLE_LIMIT: Duration = Duration::from_mins(3);

const MANAGER: [&str; 1] = ["node1"];
const WORKERS: [&str; 2] = ["node2", "node3"];

/// The producer, which cannot start.
const BROKEN: &str = "producer:broken";

#[test]
fn what_is_missing_is_named_and_nothing_is_deployed() -> Result<()> {
    let _turn = ONE_CLUSTER_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    images::build()?;
    let yard = Yard::prepare(&MANAGER, &[])?;

    let (code, said) = run(yard.script("deploy.sh")?.arg("--nonsense"))?;
    ensure!(code == 2 && said.contains("--help"), "{code}: {said}");

    let (code, said) = run(&mut yard.script("deploy.sh")?)?;
    ensure!(code == 1, "{code}: {said}");
    for label in ["redis=primary", "node_type=node1", "node_type=node2", "node_type=node3"] {
        ensure!(said.contains(&format!("docker node update --label-add {label}")), "{label}: {said}");
    }
    ensure!(!said.contains("TAG"), "this is a playground: {said}");

    for tag in ["", "latest"] {
        let (code, said) = run(yard.script("deploy.sh")?.env_remove("PLAYGROUND").env("TAG", tag))?;
        ensure!(code == 1 && said.contains("TAG is"), "{tag}: {code}: {said}");
    }

    // Of labels with the same name, a node has the last that it was given.
    yard.label_all()?;
    let (code, said) = run(&mut yard.script("deploy.sh")?)?;
    ensure!(code == 1 && said.contains("node2 has to run where the label node_type=node2 is"), "{code}: {said}");
    ensure!(!said.contains("redis=primary"), "{code}: {said}");

    ensure!(yard.engine()?.docker(&["service", "ls", "--quiet"])?.is_empty(), "something was deployed");
    ensure!(!yard.file("deploy/secrets").exists(), "passwords were made for nothing");
    Ok(())
}

#[test]
fn one_command_deploys_everything_and_what_is_replaced_is_removed() -> Result<()> {
    let _turn = ONE_CLUSTER_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    images::build()?;
    let yard = Yard::prepare(&MANAGER, &WORKERS)?;
    yard.label_all()?;
    let start = Instant::now();
    output_of(&mut yard.script("deploy.sh")?)?;
    println!("deployed after {:.1} s", start.elapsed().as_secs_f32());
    yard.check()?;
    println!("all is well after {:.1} s", start.elapsed().as_secs_f32());
    let engine = yard.engine()?;
    let configs = ["config", "ls", "--format={{.Name}}"];
    let secrets = ["secret", "ls", "--format={{.Name}}"];
    let before = (names(&engine, &configs)?, names(&engine, &secrets)?);
    ensure!(before.0.len() == 3 && before.1.len() == 2, "{before:?}");

    let miner = yard.file("deploy/configs/miner.toml");
    fs::write(&miner, fs::read_to_string(&miner)?.replace("\"slow\"", "\"normal\""))?;
    fs::remove_file(yard.file("deploy/secrets/redis_password"))?;
    let said = output_of(&mut yard.script("deploy.sh")?)?;
    let after = (names(&engine, &configs)?, names(&engine, &secrets)?);
    println!("{before:?}, then {after:?}");
    ensure!(after.0.len() == 3 && after.1.len() == 2, "{after:?}");
    for (old, new) in [(&before.0, &after.0), (&before.1, &after.1)] {
        let gone: Vec<_> = old.iter().filter(|name| !new.contains(name)).collect();
        ensure!(gone.len() == 1, "{old:?}, then {new:?}");
        ensure!(said.contains(&format!("{}, which no service uses", gone[0])), "{gone:?} went without a word: {said}");
    }
    // Whoever had the former password has the new one.
    wait::until(SETTLE_LIMIT, || yard.check())?;

    // A password that only Redis knows is named as what it is.
    let redis = yard.node_with("redis=primary")?.engine();
    let container = redis.docker(&["ps", "--quiet", "--filter=label=com.docker.swarm.service.name=yard_redis"])?;
    let change = "export REDISCLI_AUTH=$(cat /run/secrets/redis_password)
        printf 'CONFIG SET requirepass other\nCLIENT KILL TYPE normal\n' | redis-cli";
    redis.docker(&["exec", &container, "sh", "-c", change])?;
    wait::until(SETTLE_LIMIT, || {
        let said = yard.check().err().context("health-check.sh finds nothing wrong")?.to_string();
        ensure!(said.contains("api answers with 503: redis:6379 does not accept the password"), "{said}");
        Ok(())
    })
}

#[test]
fn a_broken_image_is_rolled_back_and_its_own_words_are_shown() -> Result<()> {
    let _turn = ONE_CLUSTER_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    images::build()?;
    // Where the kernel has no IPVS each has a node's port to itself: the next one needs a node as well.
    let one = [("PRODUCER_REPLICAS", "1")];
    let yard = Yard::deploy(&MANAGER, &WORKERS, &one)?;
    build_broken()?;
    for node in yard.cluster().nodes() {
        node.load(&[BROKEN])?;
    }
    fs::write(yard.file("broken.yml"), format!("services: {{producer: {{image: '{BROKEN}'}}}}"))?;
    let mut deploy = yard.script_with("deploy.sh", &["broken.yml"])?;
    let start = Instant::now();
    let (code, said) = run(deploy.envs(one))?;
    println!("{code} after {:.1} s: {said}", start.elapsed().as_secs_f32());
    ensure!(code == 3, "{code}: {said}");
    ensure!(said.contains("yard_producer: rollback_"), "{said}");
    ensure!(said.contains("nonsense"), "the program's own words are missing: {said}");

    // The rollback is over and done, and none of the next deployment.
    let (code, said) = run(yard.script("deploy.sh")?.envs(one))?;
    ensure!(code == 0, "{code}: {said}");
    let image = ["service", "inspect", "--format={{.Spec.TaskTemplate.ContainerSpec.Image}}", "yard_producer"];
    let image = yard.engine()?.docker(&image)?;
    ensure!(image.starts_with("producer:latest"), "{image}");
    wait::until(SETTLE_LIMIT, || yard.check())?;

    // Where nothing ran before, there is nothing to go back to.
    yard.engine()?.docker(&["service", "rm", "yard_producer"])?;
    let (code, said) = run(deploy.env("DEPLOY_TIMEOUT", "120"))?;
    ensure!(code == 3 && said.contains("yard_producer: it fails again and again"), "{code}: {said}");
    ensure!(said.contains("nonsense"), "the program's own words are missing: {said}");
    Engine::local().docker(&["rmi", BROKEN]).map(drop)
}

#[test]
fn a_lost_node_is_named_and_the_others_still_show_their_logs() -> Result<()> {
    let _turn = ONE_CLUSTER_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    images::build()?;
    let yard = Yard::deploy(&MANAGER, &WORKERS, &[])?;
    yard.check()?;
    let lost = yard.node_with("node_type=node2")?;
    let named = |check: Result<()>| -> Result<String> {
        let said = check.err().context("health-check.sh finds nothing wrong")?.to_string();
        ensure!(said.contains(&format!("WRONG {}: ", lost.name())), "{said}");
        Ok(said)
    };

    // Swarm does not know it yet.
    lost.cut_off()?;
    let said = named(yard.check())?;
    ensure!(said.contains("does not answer") && !said.contains("moby"), "{said}");
    lost.heal()?;
    wait::until(SETTLE_LIMIT, || yard.check())?;

    lost.cut_power()?;
    wait::until(SETTLE_LIMIT, || {
        let said = named(yard.check())?;
        ensure!(said.contains("the node is down") && said.contains("WRONG node2: 0 of 1 tasks run"), "{said}");
        Ok(())
    })?;
    let (code, logs) = run(yard.script("logs.sh")?.args(["-t", "5"]))?;
    ensure!(code == 0, "{code}: {logs}");
    ensure!(logs.contains(&format!("without node2.1@{0}: the node {0} is down", lost.name())), "{logs}");
    for node in yard.cluster().nodes().iter().filter(|node| node.name() != lost.name()) {
        ensure!(logs.contains(&format!("@{} | ", node.name())), "nothing of {}: {logs}", node.name());
    }
    let (code, logs) = run(yard.script("logs.sh")?.args(["-t", "1", "-n", "redis"]))?;
    ensure!(code == 0 && logs.lines().count() == 1 && logs.starts_with("redis.1@"), "{code}: {logs}");

    lost.restore_power()?;
    wait::until(SETTLE_LIMIT, || yard.check())
}

#[test]
fn a_name_that_a_node_does_not_know_is_told_from_a_service_that_does_not_run() -> Result<()> {
    let _turn = ONE_CLUSTER_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    images::build()?;
    let yard = Yard::deploy(&MANAGER, &WORKERS, &[])?;
    let deaf = yard.node_with("node_type=node2")?;
    // Engines tell each other names at this port; the manager is at another one, and what runs there stays.
    gossip(deaf, "-I")?;
    wait::until(SETTLE_LIMIT, || {
        let said = yard.check().err().context("health-check.sh finds nothing wrong")?.to_string();
        let line = format!("its way in does not reach node2, which runs on {}", deaf.name());
        ensure!(said.contains(&line) && said.contains("service update --force yard_node2"), "{said}");
        ensure!(said.contains("7946") && !said.contains("the node is"), "{said}");
        Ok(())
    })?;
    gossip(deaf, "-D")?;
    let start = Instant::now();
    wait::until(SETTLE_LIMIT, || yard.check())?;
    println!("all names are known again after {:.1} s", start.elapsed().as_secs_f32());
    Ok(())
}

/// Closes the port of engines' talk about names (`-I`), or opens it again (`-D`).
fn gossip(node: &Node, how: &str) -> Result<()> {
    for protocol in ["tcp", "udp"] {
        for (chain, end) in [("INPUT", "--dport"), ("OUTPUT", "--dport"), ("INPUT", "--sport")] {
            node.shell(&format!("iptables {how} {chain} -p {protocol} {end} 7946 -j DROP"))?;
        }
    }
    Ok(())
}

/// A script's exit code and what it printed, stderr last.
fn run(script: &mut Command) -> Result<(i32, String)> {
    let output = script.output().with_context(|| format!("cannot start {script:?}"))?;
    let said = [output.stdout, output.stderr].concat();
    Ok((output.status.code().context("it was killed")?, String::from_utf8_lossy(&said).into_owned()))
}

/// The names of the stack's configs or secrets.
fn names(engine: &Engine, list: &[&str]) -> Result<Vec<String>> {
    let names = engine.docker(list)?;
    let mut names: Vec<_> = names.lines().map(str::to_owned).collect();
    ensure!(names.iter().all(|name| name.starts_with(STACK) && name.len() <= 64), "{names:?}");
    names.sort();
    Ok(names)
}

/// Builds a producer that ends at once, and says why.
fn build_broken() -> Result<()> {
    let mut build = Engine::local().command();
    build.args(["build", "--quiet", "--tag", BROKEN, "-"]).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut build = build.spawn().context("cannot start docker build")?;
    let mut file = build.stdin.take().context("the input of docker build is a pipe")?;
    file.write_all(b"FROM producer:latest\nENV PORT=nonsense\n")?;
    drop(file);
    ensure!(build.wait()?.success(), "docker build failed");
    Ok(())
}
