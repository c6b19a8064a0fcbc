//! The images for every platform: built at once, small, and running, under emulation where needed.
#![expect(clippy::print_stdout, reason = "the report of a test")]

use std::{
    io::Write,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use e2e::{
    engine::{Engine, output_of},
    images, wait,
};
use serde_json::Value;

mod container;
mod search;

use container::{ANSWER_LIMIT, Container, Volume};

const PLATFORMS: [&str; 3] = ["linux/amd64", "linux/arm64", "linux/arm/v7"];

const PROGRAMS: [&str; 7] = ["producer", "consumer", "chat-node", "miner", "api", "webui", "swarmyard"];

/// The promise, for each image, packed and unpacked.
const IMAGE_BYTES_MAX: u64 = 6_000_000;

/// A tag of this test's own, so that no other test's `latest` is replaced.
const TAG: &str = "e2e-platforms";

#[test]
fn one_bake_gives_small_images_that_work_on_every_platform() -> Result<()> {
    let mut bake = Engine::local().command();
    output_of(bake.args(["buildx", "bake", "--progress=quiet"]).current_dir(images::root()).env("TAG", TAG))?;
    for platform in PLATFORMS {
        for program in PROGRAMS {
            let bytes = unpacked_bytes(platform, program)?;
            println!("{program} for {platform}: {} kB", bytes / 1000);
            ensure!(bytes <= IMAGE_BYTES_MAX, "{program} for {platform} has {bytes} bytes");
        }
        numbers_arrive(platform)?;
        the_toolkit_sees_who_answers(platform)?;
        a_chat_node_keeps_its_data(platform)?;
        coins_are_found_and_told(platform)?;
        a_copy_is_taken_and_counts(platform)?;
    }
    Ok(())
}

/// Redis is this machine's; the one in which the copy is restored is the platform's. The volume has to be the program's
/// own, too.
fn a_copy_is_taken_and_counts(platform: &str) -> Result<()> {
    let redis = ["--publish=127.0.0.1::9100", "--user=999:1000", "--tmpfs=/data:mode=1777"];
    let redis = Container::run(PLATFORMS[0], &[&redis[..], &["redis:8-alpine", "redis-server"]].concat())?;
    let volume = Volume::new(platform)?;
    let mount = format!("--volume={}:/copies", volume.0);
    let url = "--env=REDIS_URL=redis://127.0.0.1:6379";
    let backup = Container::run(platform, &[&redis.network(), url, &mount, "--tmpfs=/tmp", &image("backup")])?;
    redis.introduces_itself("9100", platform, TAG)?;
    backup.is_healthy()?;
    // At its start the service takes one itself, and there is one at a time.
    let copy = wait::until(ANSWER_LIMIT, || Engine::local().docker(&["exec", &backup.0, "/backup", "take"]))?;
    ensure!(copy.starts_with("ledger-") && copy.ends_with("-0.rdb"), "{copy}");
    Ok(())
}

fn numbers_arrive(platform: &str) -> Result<()> {
    let producer = Container::run(platform, &["--publish=127.0.0.1::5000", &image("producer")])?;
    producer.introduces_itself("5000", platform, TAG)?;
    let url = "--env=PRODUCER_URL=http://127.0.0.1:5000/number";
    let consumer = Container::run(platform, &[&producer.network(), url, &image("consumer")])?;
    wait::until(ANSWER_LIMIT, || {
        let lines = Engine::local().docker(&["logs", &consumer.0])?;
        ensure!(lines.contains("Received number: "), "{lines}");
        Ok(())
    })?;
    producer.is_healthy()?;
    consumer.is_healthy()
}

fn the_toolkit_sees_who_answers(platform: &str) -> Result<()> {
    let named = "--env=SERVED_BY=producer.1@pi1";
    let producer = Container::run(platform, &["--publish=127.0.0.1::5000", named, &image("producer")])?;
    producer.introduces_itself("5000", platform, TAG)?;
    let (network, image) = (producer.network(), image("swarmyard"));
    let look = |arguments: &[&str]| -> Result<Value> {
        let run = ["run", "--rm", "--platform", platform, "--read-only", "--cap-drop=ALL", &network, &image];
        let asked = ["http://127.0.0.1:5000/number", "--duration=2s", "--timeout=30s", "--json"];
        let output = Engine::local().docker(&[&run[..], arguments, &asked].concat())?;
        // `watch` ends with the sum of its seconds.
        let last = serde_json::Deserializer::from_str(&output).into_iter().last();
        Ok(last.context("it says nothing")??)
    };
    let manual = Engine::local().docker(&["run", "--rm", "--platform", platform, &image])?;
    ensure!(manual.contains("Usage: swarmyard <COMMAND>") && !manual.contains("  up "), "{manual}");
    let load = look(&["load", "--fail-on=errors>0"])?;
    ensure!(load["answers"].as_u64() > Some(0) && load["nodes"]["pi1"] == load["answers"], "{load}");
    let watch = look(&["watch"])?;
    ensure!(watch["answers"].as_u64() > Some(0) && watch["failed"] == 0, "{watch}");
    ensure!(watch["versions"][TAG]["producer.1@pi1"] == watch["answers"], "{watch}");
    Ok(())
}

/// What it keeps goes into a new volume, which has to be the program's own.
fn a_chat_node_keeps_its_data(platform: &str) -> Result<()> {
    let volume = Volume::new(platform)?;
    let mount = format!("--volume={}:/data", volume.0);
    let arguments = ["--publish=127.0.0.1::9090", "--env=DATA_DIR=/data", &mount, &image("chat-node")];
    let node = Container::run(platform, &arguments)?;
    node.introduces_itself("9090", platform, TAG)?;
    let heartbeat = ["exec", &node.0, "/chat-node", "heartbeat", "http://localhost:9090"];
    let answer = Engine::local().docker(&heartbeat)?;
    ensure!(answer.contains("\"status\":\"ok\""), "{answer}");
    node.is_healthy()
}

/// Redis is this machine's; the platform's miner finds coins in its own way, and everybody can check them.
fn coins_are_found_and_told(platform: &str) -> Result<()> {
    let redis =
        ["--publish=127.0.0.1::9000", "--publish=127.0.0.1::8080", "--user=999:1000", "--tmpfs=/data:mode=1777"];
    let redis = Container::run(PLATFORMS[0], &[&redis[..], &["redis:8-alpine", "redis-server"]].concat())?;
    let network = redis.network();
    let url = "--env=REDIS_URL=redis://127.0.0.1:6379";
    let miner = Container::run(platform, &[&network, url, "--env=MINING_SPEED=super-fast", &image("miner")])?;
    let api = Container::run(platform, &[&network, url, &image("api")])?;
    let webui = Container::run(platform, &[&network, "--env=API_URL=http://127.0.0.1:9000", &image("webui")])?;
    redis.introduces_itself("9000", platform, TAG)?;
    redis.introduces_itself("8080", platform, TAG)?;
    let answer = wait::until(ANSWER_LIMIT, || {
        let answer = redis.get("8080", "/api/coins?limit=10")?;
        ensure!(answer["coins"].as_array().is_some_and(|coins| coins.len() == 10), "{answer}");
        Ok(answer)
    })?;
    for coin in answer["coins"].as_array().into_iter().flatten() {
        let message = coin["message"].as_str().context("a coin has a message")?;
        let hash = sha256sum(message)?;
        ensure!(coin["hash"] == hash.as_str() && hash.starts_with("0000"), "{coin}, but sha256sum says {hash}");
    }
    for container in [&miner, &api, &webui] {
        container.is_healthy()?;
    }
    Ok(())
}

fn image(program: &str) -> String {
    format!("{program}:{TAG}")
}

/// All files of an image together.
fn unpacked_bytes(platform: &str, program: &str) -> Result<u64> {
    let image = image(program);
    let container = Container(Engine::local().docker(&["create", "--platform", platform, &image])?);
    let mut export = Engine::local().command();
    let output = export.args(["export", &container.0]).output()?;
    ensure!(output.status.success(), "docker export failed for {image} {platform}");
    Ok(output.stdout.len() as u64)
}

fn sha256sum(text: &str) -> Result<String> {
    let mut program = Command::new("sha256sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    program.stdin.take().context("its input is ours")?.write_all(text.as_bytes())?;
    let output = String::from_utf8(program.wait_with_output()?.stdout)?;
    Ok(output.split(' ').next().unwrap_or_default().to_owned())
}
