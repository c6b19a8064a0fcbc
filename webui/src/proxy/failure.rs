//! Why the API gave no answer, in words for a learner.

use std::time::Duration;

use axum::http::StatusCode;
use reqwest::Url;
use service::error::HttpError;
use service::outgoing::{NoAnswer, server};

/// Why the API gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// There is nobody: 503.
    #[error("the API is away: {0}")]
    Away(String),
    /// What came is no answer: 502.
    #[error("the API's answer is broken: {0}")]
    Broken(String),
    /// No answer came in time: 504.
    #[error("the API is silent: {0}")]
    Silent(String),
}

impl Failure {
    /// Nothing came from `url` within `limit`.
    pub(crate) fn silent(url: &Url, limit: Duration) -> Self {
        Self::Silent(format!("no answer from {} within {} s", server(url), limit.as_secs()))
    }

    pub(crate) fn explain(error: &reqwest::Error, url: &Url) -> Self {
        let server = server(url);
        match NoAnswer::from(error) {
            NoAnswer::NameNotFound(reason) => Self::Away(reason),
            NoAnswer::Refused => Self::Away(format!("{server} refuses connections (is the API running?)")),
            NoAnswer::NotConnected | NoAnswer::TimedOut => {
                Self::Away(format!("{server} does not accept the connection"))
            }
            NoAnswer::Unreachable(reason) => Self::Away(format!("{server} cannot be reached: {reason}")),
            NoAnswer::Broken(reason) => Self::Broken(format!("{server}: {reason}")),
        }
    }
}

impl From<Failure> for HttpError {
    fn from(failure: Failure) -> Self {
        let status = match failure {
            Failure::Away(_) => StatusCode::SERVICE_UNAVAILABLE,
            Failure::Broken(_) => StatusCode::BAD_GATEWAY,
            Failure::Silent(_) => StatusCode::GATEWAY_TIMEOUT,
        };
        Self::new(status, failure.to_string())
    }
}
