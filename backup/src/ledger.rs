//! The ledger: getting a copy of it from Redis, and restoring one, to see whether it is one.

use std::io;
use std::path::Path;
use std::time::Duration;

use anyhow::ensure;
use devcoin::ledger::{LedgerError, RedisAddress};
use devcoin::{Ledger, RedisLedger};
use secrecy::ExposeSecret;
use tokio::time::{Instant, sleep};

use crate::folder;
use crate::program::{self, Output, ProgramError};
use crate::throwaway::Throwaway;
use crate::trial::{Refusal, Restored};

/// Longest time for a copy; then it has failed. Redis may wait some seconds before it begins, so that others who want
/// one as well get the same.
const FETCH_TIMEOUT: Duration = Duration::from_mins(1);

/// Most keys of a copy; one with more is refused before it is added up. A ledger has a few more than it keeps miners.
pub(crate) const KEYS_MAX: u64 = 100_000;

/// The first version of Redis's format that ends with a checksum. In a damaged file an older one may stand, and then
/// nobody would look at it.
const CHECKSUM_VERSION: u32 = 5;

/// Longest time to check a copy's form; then it is refused.
const CHECK_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest time from the start of Redis until it has read a copy; then the copy is refused.
const LOAD_TIMEOUT: Duration = Duration::from_mins(1);

/// Longest wait for a single answer of Redis.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a Redis that reads a copy is asked whether it is done.
const LOAD_GLANCE: Duration = Duration::from_millis(50);

/// Has the Redis at this address make a copy of everything that it holds, and writes it to a file.
///
/// # Errors
/// When Redis gives none, or not all of it.
pub(crate) async fn fetch(address: &RedisAddress, file: &Path) -> anyhow::Result<()> {
    let RedisAddress { host, port, user, password, .. } = address;
    let mut command = program::limited(["redis-cli", "-h", host, "-p", &port.to_string()]);
    if let Some(user) = user {
        command.args(["--user", user]);
    }
    command.arg("--rdb").arg(file).env_remove("REDISCLI_AUTH");
    if let Some(password) = password {
        // Nobody else's command line shows it.
        command.env("REDISCLI_AUTH", password.expose_secret());
    }
    let output = program::run("redis-cli --rdb", &mut command, FETCH_TIMEOUT).await?;
    // It writes the file as the copy comes: only its exit code tells that all of it is there.
    ensure!(output.status.success(), "redis-cli got no copy: {}", output.last_line());
    Ok(())
}

/// Restores a copy into a Redis that this command starts, and adds up the ledger in that database of it. The copy's
/// folder must have nothing else in it.
pub(crate) async fn restore(copy: &Path, redis: &str, database: i64) -> Result<Restored, Refusal> {
    if let Some(version @ ..CHECKSUM_VERSION) = version(copy)? {
        return Err(Refusal::NoChecksum(version));
    }
    let path = copy.display().to_string();
    let check = &mut program::limited(["redis-check-rdb", &path]);
    let check = program::run("redis-check-rdb", check, CHECK_TIMEOUT).await?;
    if !check.status.success() {
        return Err(Refusal::Unsound(finding(&check)));
    }
    let mut redis = Throwaway::start(redis, copy)?;
    let keys = load(&mut redis, database).await?;
    if keys.all > KEYS_MAX {
        return Err(Refusal::TooManyKeys(keys.all));
    }
    if keys.all > 0 && !keys.are_a_ledger {
        return Err(Refusal::Foreign(keys.all));
    }
    let figures = RedisLedger::at_socket(&redis.socket(), database).figures().await;
    let figures = figures.map_err(|error| explain(&redis, &error))?;
    let (sum, blocks) = (figures.sum(), figures.blocks);
    if sum != blocks {
        return Err(Refusal::WrongSum { sum, blocks });
    }
    Ok(Restored { count: blocks, parts: figures.miners.len() })
}

/// The version of the format, which is in the first bytes: `REDIS0011`.
fn version(copy: &Path) -> io::Result<Option<u32>> {
    let start = folder::start(copy, "REDIS0000".len())?;
    let start = String::from_utf8_lossy(&start);
    // Redis takes what is no number for 0.
    Ok(start.strip_prefix("REDIS").map(|digits| digits.parse().unwrap_or(0)))
}

/// What redis-check-rdb says is wrong: `[offset 98] Unexpected EOF reading RDB file`, under a heading of its own.
fn finding(check: &Output) -> String {
    let mut lines = check.text.lines().skip_while(|line| !line.contains("ERROR DETECTED")).skip(1);
    let line = lines.next().unwrap_or_else(|| check.last_line());
    line.split_once("] ").map_or(line, |(_, text)| text).to_owned()
}

/// The keys of a database.
struct Keys {
    all: u64,
    are_a_ledger: bool,
}

/// Waits until Redis has read the copy.
async fn load(redis: &mut Throwaway, database: i64) -> Result<Keys, Refusal> {
    let (socket, database) = (redis.socket().display().to_string(), database.to_string());
    let question = "return {redis.call('DBSIZE'), redis.call('EXISTS', 'blocks')}";
    let start = Instant::now();
    while start.elapsed() < LOAD_TIMEOUT {
        let mut ask = program::limited(["redis-cli", "-s", &socket, "-n", &database, "EVAL", question, "0"]);
        let answer = program::run("redis-cli", ask.env_remove("REDISCLI_AUTH"), ANSWER_TIMEOUT).await?;
        let numbers: Result<Vec<u64>, _> = answer.text.lines().map(str::parse).collect();
        if let Ok([all, blocks]) = numbers.as_deref() {
            return Ok(Keys { all: *all, are_a_ledger: *blocks == 1 });
        }
        // It has no socket yet, or is still reading; unless it could not.
        if let Some(reason) = redis.end()? {
            return Err(Refusal::NotLoaded(reason));
        }
        sleep(LOAD_GLANCE).await;
    }
    Err(ProgramError::TimedOut("Redis, which reads it,".to_owned(), LOAD_TIMEOUT).into())
}

/// The ledger's words, which are for who has a Redis of that name.
fn explain(redis: &Throwaway, error: &LedgerError) -> Refusal {
    Refusal::NoLedger(error.to_string().replace(&redis.socket().display().to_string(), "it"))
}
