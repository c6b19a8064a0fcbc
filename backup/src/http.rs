//! Asking services of this cluster, which know the backup by the cluster's secret.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::body::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{Client, Response};
use service::cluster_secret::ClusterSecret;
use service::outgoing::{self, NoAnswer};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

/// Longest wait for the address of a name.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(3);

/// Longest wait for a connection, the lookup included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest time for one request, all that it brings included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// A client that shows this secret.
pub(crate) fn client(secret: Option<&ClusterSecret>) -> anyhow::Result<Client> {
    let mut headers = HeaderMap::new();
    if let Some(secret) = secret {
        secret.add_to(&mut headers);
    }
    let client = outgoing::client(LOOKUP_TIMEOUT, CONNECT_TIMEOUT);
    Ok(client.default_headers(headers).timeout(REQUEST_TIMEOUT).build()?)
}

/// The answer to a GET.
///
/// # Errors
/// When there is none, or another one than it should be, with the words of who answers.
pub(crate) async fn get(client: &Client, url: &str) -> anyhow::Result<Response> {
    let response = client.get(url).send().await.map_err(|error| explain(&error))?;
    let status = response.status();
    if !status.is_success() {
        let text = response.text().await.unwrap_or_default();
        let said: Option<serde_json::Value> = serde_json::from_str(&text).ok();
        let message = said.as_ref().and_then(|said| said["message"].as_str()).unwrap_or("it says no more");
        bail!("it answers HTTP {}: {message}", status.as_u16());
    }
    Ok(response)
}

/// The body of an answer, as it comes.
pub(crate) struct Coming {
    response: Response,
    bytes_left: u64,
}

impl Coming {
    /// Of which there may be `bytes_max` at most.
    pub(crate) fn new(response: Response, bytes_max: u64) -> Self {
        Self { response, bytes_left: bytes_max }
    }

    /// The next part; nothing after the last.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Bytes>> {
        let part = self.response.chunk().await.map_err(|error| explain(&error))?;
        let bytes = part.as_ref().map_or(0, Bytes::len) as u64;
        self.bytes_left = self.bytes_left.checked_sub(bytes).context("it sends more than it should")?;
        Ok(part)
    }
}

/// Writes what comes to a file; when this returns, it is on the disk.
pub(crate) async fn write(mut coming: Coming, file: &Path) -> anyhow::Result<()> {
    let mut file = File::create(file).await?;
    while let Some(part) = coming.next().await? {
        file.write_all(&part).await?;
    }
    Ok(file.sync_all().await?)
}

fn explain(error: &reqwest::Error) -> anyhow::Error {
    anyhow::Error::msg(match NoAnswer::from(error) {
        NoAnswer::NameNotFound(reason) | NoAnswer::Unreachable(reason) => format!("it cannot be reached: {reason}"),
        NoAnswer::Refused => "it refuses the connection".to_owned(),
        NoAnswer::NotConnected => format!("there is no connection within {} s", CONNECT_TIMEOUT.as_secs()),
        NoAnswer::TimedOut => format!("it has not answered within {} s", REQUEST_TIMEOUT.as_secs()),
        NoAnswer::Broken(reason) => format!("the connection broke: {reason}"),
    })
}
