//! The Docker engine of a manager: how many replicas a service is to have.
//!
//! Two questions of the Engine API, without a version in their path, as the answers have been the same since services
//! exist: `GET /services/NAME` and `POST /services/NAME/update?version=NUMBER`. An update is the whole description of
//! the service, given back with one number changed.

use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Method, StatusCode, Url};
use serde::Deserialize;
use serde_json::Value;
use service::outgoing::{self, NoAnswer};

use super::answer::body;

/// Longest wait for the proxy's address and a connection to it: half of it for its name.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Longest wait for an answer; then there is none.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest answer that is read; a longer one is none. A service's description takes some kilobytes.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// How often an update is tried while others change the service as well; then the next decision has another look.
const UPDATE_TRIES: u32 = 5;

/// What the engine says when a service was changed since it was looked at.
const OUT_OF_SEQUENCE: &str = "out of sequence";

/// A service's door to the engine.
#[derive(Debug)]
pub(crate) struct Engine {
    client: Client,
    proxy: Url,
    service_name: String,
}

/// A service, as it was described at one moment.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Service {
    version: Version,
    spec: Value,
    /// Nothing before its first update.
    update_status: Option<UpdateStatus>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Version {
    index: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateStatus {
    #[serde(default)]
    state: String,
}

/// What became of an update.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// The service is to have so many replicas.
    Done,
    /// Others have changed the number of replicas, or begun an update: what was decided is out of date.
    Overtaken,
}

impl Service {
    /// How many replicas there are to be; none for one that runs on every node, or once.
    pub(crate) fn replicas(&self) -> Option<u32> {
        self.spec["Mode"]["Replicated"]["Replicas"].as_u64()?.try_into().ok()
    }

    /// Whether an update, or its way back, is under way or has stopped half-way: a change would make what it goes back
    /// to what it comes from.
    pub(crate) fn is_updating(&self) -> bool {
        let state = self.update_status.as_ref().map_or("", |status| &status.state);
        ["updating", "paused", "rollback_started", "rollback_paused"].contains(&state)
    }
}

impl Engine {
    /// Asks about this service at this proxy.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub(crate) fn new(proxy: Url, service_name: String) -> anyhow::Result<Self> {
        let client = outgoing::client(CONNECT_TIMEOUT / 2, CONNECT_TIMEOUT).timeout(ANSWER_TIMEOUT).build()?;
        Ok(Self { client, proxy, service_name })
    }

    /// Looks at the service.
    ///
    /// # Errors
    /// Why it cannot be seen, and what to do.
    pub(crate) async fn inspect(&self) -> anyhow::Result<Service> {
        let (status, answer) = self.ask(Method::GET, "", Vec::new()).await?;
        if status != StatusCode::OK {
            return Err(self.refused(status, &answer));
        }
        serde_json::from_slice(&answer).with_context(|| format!("{} describes no service", self.place()))
    }

    /// Has the service `to` replicas in place of `from`.
    ///
    /// # Errors
    /// Why it cannot be, and what to do.
    pub(crate) async fn scale(&self, from: u32, to: u32) -> anyhow::Result<Outcome> {
        for _ in 0..UPDATE_TRIES {
            let mut service = self.inspect().await?;
            if service.replicas() != Some(from) || service.is_updating() {
                return Ok(Outcome::Overtaken);
            }
            service.spec["Mode"]["Replicated"]["Replicas"] = to.into();
            let update = format!("/update?version={}", service.version.index);
            let (status, answer) = self.ask(Method::POST, &update, serde_json::to_vec(&service.spec)?).await?;
            if status == StatusCode::OK {
                return Ok(Outcome::Done);
            }
            if !message(&answer).contains(OUT_OF_SEQUENCE) {
                return Err(self.refused(status, &answer));
            }
        }
        bail!("{} was changed by others {UPDATE_TRIES} times in a row", self.service_name)
    }

    async fn ask(&self, method: Method, what: &str, content: Vec<u8>) -> anyhow::Result<(StatusCode, Vec<u8>)> {
        let url = self.proxy.join(&format!("/services/{}{what}", self.service_name))?;
        let request = self.client.request(method, url).header(CONTENT_TYPE, "application/json").body(content);
        let response = request.send().await.map_err(|error| self.silent(&error))?;
        let status = response.status();
        let answer = body(response, ANSWER_BYTES_MAX).await;
        Ok((status, answer.with_context(|| format!("the answer of {} cannot be read", self.place()))?))
    }

    fn place(&self) -> String {
        outgoing::server(&self.proxy)
    }

    fn silent(&self, error: &reqwest::Error) -> anyhow::Error {
        let place = self.place();
        match NoAnswer::from(error) {
            NoAnswer::NameNotFound(reason) => anyhow!("the engine's proxy cannot be found: {reason}"),
            NoAnswer::Refused => anyhow!("{place} refuses connections (does the engine's proxy run there?)"),
            NoAnswer::NotConnected => anyhow!("{place} does not accept the connection"),
            NoAnswer::TimedOut => anyhow!("no answer from {place} within {} s", ANSWER_TIMEOUT.as_secs()),
            NoAnswer::Unreachable(reason) | NoAnswer::Broken(reason) => anyhow!("{place}: {reason}"),
        }
    }

    fn refused(&self, status: StatusCode, answer: &[u8]) -> anyhow::Error {
        let (place, name) = (self.place(), &self.service_name);
        match status {
            StatusCode::NOT_FOUND => anyhow!("there is no service {name}: `docker service ls` shows those that are"),
            StatusCode::FORBIDDEN => {
                anyhow!("the proxy at {place} does not let {name} through: its SERVICE has to be that one")
            }
            StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => {
                anyhow!("the proxy at {place} does not reach its engine's socket")
            }
            _ => anyhow!("{place} answers HTTP {}: {}", status.as_u16(), message(answer)),
        }
    }
}

/// What an error of the engine says, in its own words.
fn message(answer: &[u8]) -> String {
    let said =
        serde_json::from_slice::<Value>(answer).ok().and_then(|error| error["message"].as_str().map(str::to_owned));
    said.unwrap_or_else(|| String::from_utf8_lossy(answer).lines().next().unwrap_or_default().to_owned())
}
