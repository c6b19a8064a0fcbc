//! Why the API gave no answer, in words for a learner.

use std::io;
use std::time::Duration;

use axum::http::StatusCode;
use reqwest::Url;
use service::cause::{cause, innermost};
use service::error::HttpError;
use service::resolve::LookupError;

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
        if let Some(error) = cause::<LookupError>(error) {
            return Self::Away(error.to_string());
        }
        match cause::<io::Error>(error) {
            Some(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                Self::Away(format!("{server} refuses connections (is the API running?)"))
            }
            _ if error.is_timeout() => Self::Away(format!("{server} does not accept the connection")),
            _ if error.is_connect() => Self::Away(format!("{server} cannot be reached: {}", innermost(error))),
            _ => Self::Broken(format!("{server}: {}", innermost(error))),
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

fn server(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
}
