//! An instance with knobs, at the other end of a connection.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Client, Method, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use service::chaos::{Knob, Turned};
use service::identity::X_SERVED_BY;
use service::outgoing::{self, NoAnswer};

/// Longest wait for a connection, half of it for the name.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// Longest wait for an answer: a small machine takes its time to give memory.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// An instance, as far as the address leads to the same one each time.
#[derive(Debug)]
pub(crate) struct Instance {
    client: Client,
    /// Beside its other paths is `chaos`.
    url: Url,
    /// Where it is, for people.
    address: String,
}

/// What `GET /chaos` answers.
#[derive(Deserialize)]
struct List {
    knobs: Vec<Turned>,
}

/// What an error says.
#[derive(Deserialize)]
struct Problem {
    message: String,
}

impl Instance {
    /// The instance behind `url`, or rather at this one of its addresses.
    ///
    /// # Errors
    /// When no header can carry the token.
    pub(crate) fn new(url: Url, address: Option<SocketAddr>, token: Option<&SecretString>) -> anyhow::Result<Self> {
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            let value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()));
            let mut value = value.context("CHAOS_TOKEN: accepted are letters, digits and signs of plain ASCII")?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let mut client = outgoing::client(CONNECT_TIMEOUT / 2, CONNECT_TIMEOUT).timeout(ANSWER_TIMEOUT);
        client = client.default_headers(headers);
        let mut shown = outgoing::server(&url);
        if let (Some(mut address), Some(host)) = (address, url.host_str()) {
            client = client.resolve_to_addrs(host, &[address]);
            address.set_port(url.port_or_known_default().unwrap_or_default());
            shown = address.to_string();
        }
        Ok(Self { client: client.build()?, url, address: shown })
    }

    /// Its name, and the knobs that are on.
    ///
    /// # Errors
    /// When it does not tell.
    pub(crate) async fn list(&self) -> anyhow::Result<(String, Vec<Turned>)> {
        let (name, body) = self.ask(Method::GET, "chaos", None).await?;
        let List { knobs } = self.read(&body)?;
        Ok((name, knobs))
    }

    /// Turns a knob on; gives the instance's name and what it does now.
    ///
    /// # Errors
    /// When it refuses.
    pub(crate) async fn turn_on(&self, knob: Knob, time: Duration) -> anyhow::Result<(String, Turned)> {
        let mut terms = serde_json::to_value(knob)?[knob.name()].take();
        if !matches!(knob, Knob::Exit { .. }) {
            terms["for_seconds"] = time.as_secs_f64().into();
        }
        let (name, body) = self.ask(Method::PUT, &format!("chaos/{}", knob.name()), Some(terms)).await?;
        Ok((name, self.read(&body)?))
    }

    /// Takes back whatever is on; gives the instance's name.
    ///
    /// # Errors
    /// When it refuses.
    pub(crate) async fn take_all_back(&self) -> anyhow::Result<String> {
        Ok(self.ask(Method::DELETE, "chaos", None).await?.0)
    }

    /// The name of who answers, and what.
    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<(String, Vec<u8>)> {
        let mut request = self.client.request(method, self.url.join(path)?);
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let answer = request.send().await.map_err(|error| self.explain(&error))?;
        let (status, name) = (answer.status(), answer.headers().get(X_SERVED_BY).cloned());
        let body = answer.bytes().await.map_err(|error| self.explain(&error))?;
        let address = &self.address;
        match status {
            StatusCode::NOT_FOUND => {
                bail!("{address} has nothing at /chaos: it has to be a service of ours, started with a CHAOS_TOKEN")
            }
            StatusCode::UNAUTHORIZED => {
                bail!("{address} takes another token: set CHAOS_TOKEN to the one that it was started with")
            }
            _ if !status.is_success() => {
                let problem = serde_json::from_slice(&body).map(|Problem { message }| message);
                bail!("{address}: {}", problem.unwrap_or_else(|_| format!("HTTP {status}")))
            }
            _ => {}
        }
        let name = name.as_ref().and_then(|name| name.to_str().ok()).unwrap_or("somebody");
        Ok((format!("{name} at {address}"), body.into()))
    }

    fn read<T: DeserializeOwned>(&self, body: &[u8]) -> anyhow::Result<T> {
        serde_json::from_slice(body).with_context(|| format!("{} is no service of ours", self.address))
    }

    fn explain(&self, error: &reqwest::Error) -> anyhow::Error {
        let address = &self.address;
        match NoAnswer::from(error) {
            NoAnswer::NameNotFound(reason) => anyhow!(reason),
            NoAnswer::Refused => anyhow!("connection refused by {address} (does it run?)"),
            NoAnswer::NotConnected => anyhow!("no connection to {address} within {CONNECT_TIMEOUT:?}"),
            NoAnswer::TimedOut => anyhow!("no answer from {address} within {ANSWER_TIMEOUT:?}"),
            NoAnswer::Unreachable(reason) | NoAnswer::Broken(reason) => anyhow!("cannot ask {address}: {reason}"),
        }
    }
}
