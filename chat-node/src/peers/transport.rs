//! HTTP to another node: one request with a body of XML, and what comes back.

use axum::http::{HeaderMap, HeaderValue};
use chat_protocol::limits::XMLRPC_BYTES_MAX;
use chat_protocol::xmlrpc::Fault;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::{Client, Response, Url};
use service::cluster_secret::ClusterSecret;
use service::outgoing::{self, NoAnswer};
use tokio::time::Duration;

use crate::gzip::{self, NotInflated};

/// Longest wait for a connection to another node.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Idle connections to another node are kept this long; the original closes each after a call.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// Why a call has no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// Nobody can be reached; nothing was carried out.
    #[error("cannot reach {server}: {reason}")]
    Unreachable { server: String, reason: String },
    /// It may have been carried out.
    #[error("no answer within {} s", .0.as_secs_f64())]
    TimedOut(Duration),
    /// The connection broke; it may have been carried out.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// The node refused, or failed.
    #[error("{0}")]
    Fault(Fault),
    /// What answers is no chat node.
    #[error("the answer makes no sense: {0}")]
    Nonsense(String),
}

impl CallError {
    /// Why the node does not let this one in, if that is so.
    pub(crate) fn refusal(&self) -> Option<&str> {
        match self {
            Self::Fault(fault) => fault.not_permitted_reason(),
            _ => None,
        }
    }

    /// For a metric's label.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::TimedOut(_) => "timeout",
            Self::Broken(_) => "broken",
            Self::Fault(fault) if fault.not_permitted_reason().is_some() => "refused",
            Self::Fault(_) => "fault",
            Self::Nonsense(_) => "nonsense",
        }
    }
}

/// The client for all peers.
pub(super) fn client(secret: Option<&ClusterSecret>) -> anyhow::Result<Client> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    if let Some(secret) = secret {
        secret.add_to(&mut headers);
    }
    let client = outgoing::client(CONNECT_TIMEOUT, CONNECT_TIMEOUT)
        .default_headers(headers)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .tcp_nodelay(true)
        .build()?;
    Ok(client)
}

/// Posts a call's body, and gives the body of the answer.
pub(super) async fn post(client: &Client, address: &Url, body: String) -> Result<Vec<u8>, CallError> {
    let response = client.post(address.clone()).body(body).send().await.map_err(|error| explain(address, &error))?;
    if !response.status().is_success() {
        return Err(CallError::Nonsense(format!("HTTP {}", response.status().as_u16())));
    }
    let gzip = response.headers().get(CONTENT_ENCODING).is_some_and(|encoding| encoding == "gzip");
    let body = read(response, address).await?;
    if gzip { inflate(&body) } else { Ok(body) }
}

async fn read(mut response: Response, address: &Url) -> Result<Vec<u8>, CallError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| explain(address, &error))? {
        if body.len() + chunk.len() > XMLRPC_BYTES_MAX {
            return Err(too_long());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The original compresses answers above 1400 bytes for callers that say they take it (protocol,
/// section 5); this one does not say so, but takes it.
fn inflate(body: &[u8]) -> Result<Vec<u8>, CallError> {
    gzip::inflate(body, XMLRPC_BYTES_MAX).map_err(|error| match error {
        NotInflated::TooLong => too_long(),
        NotInflated::NotGzip(error) => CallError::Nonsense(format!("it is not gzip: {error}")),
    })
}

fn too_long() -> CallError {
    CallError::Nonsense(format!("it has more than {XMLRPC_BYTES_MAX} bytes"))
}

fn explain(address: &Url, error: &reqwest::Error) -> CallError {
    let reason = match NoAnswer::from(error) {
        NoAnswer::NameNotFound(reason) | NoAnswer::Unreachable(reason) => reason,
        NoAnswer::Refused => "connection refused".to_owned(),
        NoAnswer::NotConnected => format!("no connection within {} s", CONNECT_TIMEOUT.as_secs()),
        // The client has no time limit for an answer: each call has its own.
        NoAnswer::TimedOut => return CallError::Broken("the answer took too long".to_owned()),
        NoAnswer::Broken(reason) => return CallError::Broken(reason),
    };
    CallError::Unreachable { server: outgoing::server(address), reason }
}
