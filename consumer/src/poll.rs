//! One poll: a connection, a request, a number; or a reason that a learner understands.

use std::time::Duration;

use reqwest::header::CONNECTION;
use reqwest::{Client, StatusCode, Url};
use serde_json::Value;

use service::outgoing::{self, NoAnswer};

/// Longest answer that is read; a longer one is an error. The producer's has 14 bytes.
pub(crate) const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// What a poll gave.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Answer {
    pub(crate) number: i64,
    /// The replica that answered, from X-Served-By; `unknown` when it does not say.
    pub(crate) served_by: String,
}

/// Why a poll gave no number.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PollError {
    #[error("{0}")]
    NameNotFound(String),
    #[error("connection refused by {server} (is the producer running?)")]
    Refused { server: String },
    #[error("timed out after {} s", .0.as_secs_f64())]
    TimedOut(Duration),
    #[error("cannot reach {server}: {reason}")]
    Unreachable { server: String, reason: String },
    #[error("{server} answered something that is not HTTP, or broke off: {reason}")]
    Broken { server: String, reason: String },
    #[error("HTTP {}{}", .0.as_u16(), .0.canonical_reason().map(|reason| format!(" {reason}")).unwrap_or_default())]
    Status(StatusCode),
    #[error("the answer has more than {ANSWER_BYTES_MAX} bytes")]
    TooLong,
    #[error("the answer is not JSON")]
    NotJson,
    #[error("the answer has no whole \"number\"")]
    NoNumber,
}

impl PollError {
    /// The error in a word, for a metric's label.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::NameNotFound(_) => "name_not_found",
            Self::Refused { .. } => "refused",
            Self::TimedOut(_) => "timed_out",
            Self::Unreachable { .. } => "unreachable",
            Self::Broken { .. } => "broken",
            Self::Status(_) => "http_status",
            Self::TooLong | Self::NotJson | Self::NoNumber => "bad_answer",
        }
    }
}

/// Polls one address, with a connection of its own each time.
#[derive(Debug)]
pub(crate) struct Poller {
    client: Client,
    url: Url,
    timeout: Duration,
}

impl Poller {
    pub(crate) fn new(url: Url, timeout: Duration) -> reqwest::Result<Self> {
        // One of several addresses may be dead: half of the time is for finding a living one.
        let client = outgoing::client(timeout / 2, timeout / 2)
            // A Swarm VIP balances connections, not requests: a kept one would hide the replicas.
            .pool_max_idle_per_host(0)
            .timeout(timeout)
            .build()?;
        Ok(Self { client, url, timeout })
    }

    pub(crate) async fn poll(&self) -> Result<Answer, PollError> {
        let explain = |error: reqwest::Error| self.explain(&error);
        let mut response =
            self.client.get(self.url.clone()).header(CONNECTION, "close").send().await.map_err(explain)?;
        if !response.status().is_success() {
            return Err(PollError::Status(response.status()));
        }
        let served_by = response.headers().get(service::identity::X_SERVED_BY);
        let served_by = served_by.and_then(|value| value.to_str().ok()).unwrap_or("unknown").to_owned();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(explain)? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(PollError::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { number: number(&body)?, served_by })
    }

    fn explain(&self, error: &reqwest::Error) -> PollError {
        let server = outgoing::server(&self.url);
        match NoAnswer::from(error) {
            NoAnswer::NameNotFound(reason) => PollError::NameNotFound(reason),
            NoAnswer::Refused => PollError::Refused { server },
            NoAnswer::NotConnected => PollError::TimedOut(self.timeout / 2),
            NoAnswer::Unreachable(reason) => PollError::Unreachable { server, reason },
            NoAnswer::TimedOut => PollError::TimedOut(self.timeout),
            NoAnswer::Broken(reason) => PollError::Broken { server, reason },
        }
    }
}

/// Takes the number out of the answer's body.
fn number(body: &[u8]) -> Result<i64, PollError> {
    let json: Value = serde_json::from_slice(body).map_err(|_| PollError::NotJson)?;
    json.get("number").and_then(Value::as_i64).ok_or(PollError::NoNumber)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(body: &str) -> String {
        number(body.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_whole_number_is_taken_from_the_answer() {
        assert_eq!(number(br#"{"number":73}"#).unwrap(), 73);
        assert_eq!(number(br#"{ "number": 180, "more": [] }"#).unwrap(), 180);
    }

    #[test]
    fn an_answer_without_a_whole_number_says_what_it_lacks() {
        assert_eq!(reason("<html>"), "the answer is not JSON");
        assert_eq!(reason(""), "the answer is not JSON");
        for body in ["{}", "[]", "7", r#"{"number":"73"}"#, r#"{"number":7.5}"#, r#"{"number":null}"#] {
            assert_eq!(reason(body), "the answer has no whole \"number\"", "{body}");
        }
    }
}
