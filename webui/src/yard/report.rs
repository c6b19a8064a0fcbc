//! What an instance says of itself.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Client, Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use service::chaos::Turned;
use tokio::time::timeout;

/// Longest wait for an instance's answer, connecting included; then it counts as silent this time. With two such waits
/// and the pauses between, one that is killed is gone within 3 s.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_millis(700);

/// Longest body that is read, in bytes; a longer one is none. Twenty rooms of a chat node, with the longest names, are
/// a third of it.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// What an instance says of itself at `/whoami`; of what an older one does not say, nothing is known.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Report {
    #[serde(flatten)]
    pub(super) facts: Facts,
    #[serde(default)]
    pub(super) uptime_seconds: u64,
    /// Requests answered since it started.
    #[serde(default)]
    pub(super) requests: Option<u64>,
    /// What breaks it on purpose; none when nothing can.
    #[serde(default)]
    pub(super) knobs: Option<Vec<Turned>>,
}

/// What does not change by itself as time goes on.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Facts {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) served_by: String,
    pub(super) host: String,
    #[serde(default)]
    node: Option<String>,
    #[serde(default)]
    architecture: Option<String>,
    #[serde(default)]
    pub(super) ready: Option<bool>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    details: Option<Value>,
}

/// Asks the instance at this address; none when it does not answer as one of ours does.
pub(super) async fn ask(client: &Client, address: SocketAddr) -> Option<Report> {
    timeout(ANSWER_TIMEOUT, read(client, address)).await.ok()?
}

async fn read(client: &Client, address: SocketAddr) -> Option<Report> {
    let answer = client.get(format!("http://{address}/whoami")).send().await.ok()?;
    if answer.status() != StatusCode::OK {
        return None;
    }
    serde_json::from_slice(&read_body(answer).await?).ok()
}

/// Reads what an instance answers; none when it breaks off or is too long.
pub(super) async fn read_body(mut answer: Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.ok()? {
        if body.len() + chunk.len() > BODY_BYTES_MAX {
            return None;
        }
        body.extend_from_slice(&chunk);
    }
    Some(body)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What an instance of the producer says.
    pub(in crate::yard) fn report(served_by: &str) -> Report {
        let facts = Facts {
            name: "producer".to_owned(),
            version: "1".to_owned(),
            served_by: served_by.to_owned(),
            host: "4f1c2a9be07d".to_owned(),
            node: Some("pi1".to_owned()),
            architecture: Some("arm64".to_owned()),
            ready: Some(true),
            reason: None,
            details: None,
        };
        Report { facts, uptime_seconds: 7, requests: Some(0), knobs: None }
    }

    #[test]
    fn of_an_older_instance_is_known_what_it_says() {
        let old = r#"{"name":"api","version":"0.1.0","served_by":"api.1","host":"pi1","node":null,
            "architecture":"arm/v7","uptime_seconds":12,"caller":"10.0.1.7:41000","x_forwarded_for":[]}"#;
        let report: Report = serde_json::from_str(old).unwrap();
        assert_eq!((report.uptime_seconds, report.requests, report.facts.ready), (12, None, None));
        assert!(serde_json::from_str::<Report>(r#"{"number":73}"#).is_err());
    }
}
