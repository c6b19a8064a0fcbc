//! The two Redis servers of `deploy/replica.yml`: their script in the image that it names.

use std::{fs, process::Command, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use e2e::{
    engine::{Engine, output_of},
    images, wait,
};

/// Longest wait for a server; it has to copy everything in that time.
const START: Duration = Duration::from_secs(90);

/// The replica's host name.
const REPLICA: &str = "redis-replica";

/// A password may hold any sign.
const PASSWORD: &str = r#"a"b\c$ d'&"#;

/// Both servers on a network of their own. Dropping it removes all of it.
struct Pair {
    name: String,
}

impl Pair {
    fn new(test: &str) -> Result<Self> {
        let pair = Self { name: format!("redis-{test}-{}", std::process::id()) };
        Engine::local().docker(&["network", "create", &pair.name])?;
        Ok(pair)
    }

    fn container(&self, host: &str) -> String {
        format!("{}-{host}", self.name)
    }

    /// Starts the server of that host name with the powers that it has on a Swarm.
    fn start(&self, host: &str, role: &str, empty_volume: &str) -> Result<()> {
        let script = fs::read_to_string(images::root().join("deploy/configs/redis.sh"))?;
        let container = self.container(host);
        let mut run = Engine::local().command();
        run.args(["run", "--detach", "--read-only", "--cap-drop=ALL", "--tmpfs=/tmp", "--tmpfs=/run/secrets"]);
        for power in ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETPCAP", "SETUID"] {
            run.arg(format!("--cap-add={power}"));
        }
        run.args(["--network", &self.name, "--network-alias", host, "--name", &container]);
        run.args(["--volume", &format!("{container}:/data")]);
        for (name, value) in
            [("PASSWORD", PASSWORD), ("SCRIPT", &script), ("EMPTY_VOLUME", empty_volume), ("REPLICA", REPLICA)]
        {
            run.arg("--env").arg(format!("{name}={value}"));
        }
        let start = r#"printf %s "$PASSWORD" >/run/secrets/redis_password; exec sh -c "$SCRIPT" redis.sh "$0""#;
        output_of(run.args(["redis:8-alpine", "sh", "-c", start, role])).map(drop)
    }

    /// Starts both, and records a coin that both have.
    fn start_with_a_coin(&self) -> Result<()> {
        self.start("redis-replica", "replica", "")?;
        self.start("redis", "primary", "")?;
        self.wait_for("redis", "SET coin 1", "OK")?;
        self.wait_for("redis-replica", "GET coin", "1")
    }

    fn lose_the_primary(&self) -> Result<()> {
        Engine::local().docker(&["rm", "--force", &self.container("redis")]).map(drop)
    }

    fn lose_the_primary_and_its_volume(&self) -> Result<()> {
        self.lose_the_primary()?;
        Engine::local().docker(&["volume", "rm", &self.container("redis")]).map(drop)
    }

    fn ask(&self, host: &str, question: &str) -> Result<String> {
        let ask = format!("REDISCLI_AUTH=$(cat /run/secrets/redis_password) redis-cli {question}");
        Engine::local().docker(&["exec", &self.container(host), "sh", "-c", &ask])
    }

    fn wait_for(&self, host: &str, question: &str, answer: &str) -> Result<()> {
        wait::until(START, || {
            let said = self.ask(host, question)?;
            ensure!(said.contains(answer), "{host} answers {question} with {said}");
            Ok(())
        })
    }

    /// What the primary said when it ended by itself, with code 1.
    fn refusal(&self) -> Result<String> {
        let container = self.container("redis");
        wait::until(START, || {
            let state =
                Engine::local().docker(&["inspect", "--format={{.State.Status}} {{.State.ExitCode}}", &container])?;
            ensure!(state == "exited 1", "{state}");
            Ok(())
        })?;
        let output = Engine::local().command().args(["logs", &container]).output().context("docker logs")?;
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        let docker = |arguments: &[&str]| drop(Command::new("docker").args(arguments).output());
        for container in ["redis", "redis-replica"].map(|host| self.container(host)) {
            docker(&["rm", "--force", &container]);
            docker(&["volume", "rm", &container]);
        }
        docker(&["network", "rm", &self.name]);
    }
}

#[test]
fn a_primary_with_an_empty_volume_is_refused_while_its_replica_has_coins() -> Result<()> {
    let pair = Pair::new("refused")?;
    pair.start_with_a_coin()?;
    pair.lose_the_primary_and_its_volume()?;
    pair.start("redis", "primary", "")?;
    let said = pair.refusal()?;
    ensure!(said.contains("redis-replica has 1 keys") && said.contains("EMPTY_VOLUME=fill"), "{said}");
    ensure!(pair.ask("redis-replica", "GET coin")? == "1", "the replica lost its coin");
    Ok(())
}

#[test]
fn a_lost_volume_is_filled_from_the_replica_which_then_follows_again() -> Result<()> {
    let pair = Pair::new("filled")?;
    pair.start_with_a_coin()?;
    pair.lose_the_primary_and_its_volume()?;
    pair.start("redis", "primary", "fill")?;
    pair.wait_for("redis", "GET coin", "1")?;
    pair.wait_for("redis", "SET coin 2", "OK")?;
    pair.wait_for("redis-replica", "GET coin", "2")?;
    // What it was filled with is there without the replica, too.
    pair.lose_the_primary()?;
    Engine::local().docker(&["rm", "--force", &pair.container("redis-replica")])?;
    pair.start("redis", "primary", "")?;
    pair.wait_for("redis", "GET coin", "2")
}

#[test]
fn an_empty_volume_without_a_replica_in_reach_starts_only_when_told_to_begin() -> Result<()> {
    let pair = Pair::new("begun")?;
    pair.start("redis", "primary", "")?;
    let said = pair.refusal()?;
    ensure!(said.contains("does not say whether it has coins") && said.contains("EMPTY_VOLUME=begin"), "{said}");
    pair.lose_the_primary()?;
    pair.start("redis", "primary", "begin")?;
    pair.wait_for("redis", "DBSIZE", "0")
}

#[test]
fn a_replica_takes_no_coin_of_its_own() -> Result<()> {
    let pair = Pair::new("read-only")?;
    pair.start_with_a_coin()?;
    match pair.ask("redis-replica", "SET coin 2")? {
        said if said.contains("READONLY") => Ok(()),
        said => bail!("the replica answers {said}"),
    }
}
