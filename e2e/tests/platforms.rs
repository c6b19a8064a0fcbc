//! The images for every platform: built at once, small, and running, under emulation where needed.
#![expect(clippy::print_stdout, reason = "the report of a test")]

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use e2e::{
    engine::{Engine, output_of},
    images, wait,
};

const PLATFORMS: [&str; 3] = ["linux/amd64", "linux/arm64", "linux/arm/v7"];

/// The promise, for each image, packed and unpacked.
const IMAGE_BYTES_MAX: u64 = 6_000_000;

/// Emulation on a busy machine.
const ANSWER_LIMIT: Duration = Duration::from_mins(1);

/// A tag of this test's own, so that no other test's `latest` is replaced.
const TAG: &str = "e2e-platforms";

/// A container that is removed when dropped.
struct Container(String);

impl Container {
    fn run(platform: &str, arguments: &[&str]) -> Result<Self> {
        let mut all = vec!["run", "--detach", "--platform", platform, "--read-only", "--cap-drop=ALL"];
        all.extend(arguments);
        Ok(Self(Engine::local().docker(&all)?))
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = Engine::local().docker(&["rm", "--force", &self.0]);
    }
}

/// A volume that is removed when dropped, after the containers that use it.
struct Volume(String);

impl Volume {
    fn new(platform: &str) -> Result<Self> {
        let name = format!("e2e-platforms-{}-{}", std::process::id(), platform.replace('/', "-"));
        Ok(Self(Engine::local().docker(&["volume", "create", &name])?))
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        let _ = Engine::local().docker(&["volume", "rm", &self.0]);
    }
}

#[test]
fn one_bake_gives_small_images_that_work_on_every_platform() -> Result<()> {
    let mut bake = Engine::local().command();
    output_of(bake.args(["buildx", "bake", "--progress=quiet"]).current_dir(images::root()).env("TAG", TAG))?;
    for platform in PLATFORMS {
        for service in ["producer", "consumer", "chat-node"] {
            let bytes = unpacked_bytes(platform, service)?;
            println!("{service} for {platform}: {} kB", bytes / 1000);
            ensure!(bytes <= IMAGE_BYTES_MAX, "{service} for {platform} has {bytes} bytes");
        }
        let producer = Container::run(platform, &["--publish=127.0.0.1::5000", &format!("producer:{TAG}")])?;
        introduces_itself(&producer, "5000", platform)?;

        let network = format!("--network=container:{}", producer.0);
        let url = "--env=PRODUCER_URL=http://127.0.0.1:5000/number";
        let consumer = Container::run(platform, &[&network, url, &format!("consumer:{TAG}")])?;
        wait::until(ANSWER_LIMIT, || {
            let lines = Engine::local().docker(&["logs", &consumer.0])?;
            ensure!(lines.contains("Received number: "), "{lines}");
            Ok(())
        })?;

        // What it keeps goes into a new volume, which has to be the program's own.
        let volume = Volume::new(platform)?;
        let mount = format!("--volume={}:/data", volume.0);
        let image = format!("chat-node:{TAG}");
        let node = Container::run(platform, &["--publish=127.0.0.1::9090", "--env=DATA_DIR=/data", &mount, &image])?;
        introduces_itself(&node, "9090", platform)?;
        let heartbeat = ["exec", &node.0, "/chat-node", "heartbeat", "http://localhost:9090"];
        let answer = Engine::local().docker(&heartbeat)?;
        ensure!(answer.contains("\"status\":\"ok\""), "{answer}");

        for container in [&producer, &consumer, &node] {
            let program =
                Engine::local().docker(&["inspect", "--format={{index .Config.Entrypoint 0}}", &container.0])?;
            Engine::local().docker(&["exec", &container.0, &program, "healthcheck"])?;
        }
    }
    Ok(())
}

/// Waits until `/whoami` on this port of the container tells the image's platform and tag.
fn introduces_itself(container: &Container, port: &str, platform: &str) -> Result<()> {
    let whoami = wait::until(ANSWER_LIMIT, || whoami(container, port))?;
    ensure!(whoami["architecture"] == platform.trim_start_matches("linux/"), "{whoami}");
    ensure!(whoami["version"] == TAG, "{whoami}");
    Ok(())
}

/// All files of an image together.
fn unpacked_bytes(platform: &str, service: &str) -> Result<u64> {
    let image = format!("{service}:{TAG}");
    let container = Container(Engine::local().docker(&["create", "--platform", platform, &image])?);
    let mut export = Engine::local().command();
    let output = export.args(["export", &container.0]).output()?;
    ensure!(output.status.success(), "docker export failed for {image} {platform}");
    Ok(output.stdout.len() as u64)
}

fn whoami(container: &Container, port: &str) -> Result<serde_json::Value> {
    let address = Engine::local().docker(&["port", &container.0, port])?;
    let mut connection = TcpStream::connect(address.lines().next().context("the port is published")?)?;
    write!(connection, "GET /whoami HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    let (_, body) = answer.split_once("\r\n\r\n").with_context(|| format!("not an answer: {answer:?}"))?;
    Ok(serde_json::from_str(body)?)
}
