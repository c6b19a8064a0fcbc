//! Containers and volumes of these tests.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use e2e::{engine::Engine, wait};
use serde_json::Value;

/// Emulation on a busy machine.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_mins(1);

/// A container that is removed when dropped.
pub(crate) struct Container(pub(crate) String);

impl Container {
    /// Starts one as [`docker-compose.yml`](../../../docker-compose.yml) would, but for another platform.
    pub(crate) fn run(platform: &str, arguments: &[&str]) -> Result<Self> {
        let mut all = vec!["run", "--detach", "--platform", platform, "--read-only", "--cap-drop=ALL"];
        all.extend(arguments);
        Ok(Self(Engine::local().docker(&all)?))
    }

    /// The option of another container that shall be at this one's addresses.
    pub(crate) fn network(&self) -> String {
        format!("--network=container:{}", self.0)
    }

    /// Waits until `/whoami` on this port tells the image's platform and tag.
    pub(crate) fn introduces_itself(&self, port: &str, platform: &str, tag: &str) -> Result<()> {
        let whoami = wait::until(ANSWER_LIMIT, || self.get(port, "/whoami"))?;
        ensure!(whoami["architecture"] == platform.trim_start_matches("linux/"), "{whoami}");
        ensure!(whoami["version"] == tag, "{whoami}");
        Ok(())
    }

    /// What the program's own check says.
    pub(crate) fn is_healthy(&self) -> Result<()> {
        let program = Engine::local().docker(&["inspect", "--format={{index .Config.Entrypoint 0}}", &self.0])?;
        Engine::local().docker(&["exec", &self.0, &program, "healthcheck"]).map(drop)
    }

    /// A published port's answer.
    pub(crate) fn get(&self, port: &str, path: &str) -> Result<Value> {
        let address = Engine::local().docker(&["port", &self.0, port])?;
        let mut connection = TcpStream::connect(address.lines().next().context("the port is published")?)?;
        write!(connection, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").with_context(|| format!("not an answer: {answer:?}"))?;
        Ok(serde_json::from_str(body)?)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = Engine::local().docker(&["rm", "--force", "--volumes", &self.0]);
    }
}

/// A volume that is removed when dropped, after the containers that use it.
pub(crate) struct Volume(pub(crate) String);

impl Volume {
    /// An empty one.
    pub(crate) fn new(platform: &str) -> Result<Self> {
        let name = format!("e2e-platforms-{}-{}", std::process::id(), platform.replace('/', "-"));
        Ok(Self(Engine::local().docker(&["volume", "create", &name])?))
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        let _ = Engine::local().docker(&["volume", "rm", &self.0]);
    }
}
