//! The answer when there is nothing to tell.

use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use devcoin::ledger::LedgerError;
use serde::Serialize;
use utoipa::ToSchema;

/// Nothing is known of the ledger, in the workshop's form.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Failure {
    /// 503 while the ledger is away; 500 when it refuses, and somebody has to change something.
    #[schema(example = 503)]
    status: u16,
    #[schema(example = "Server error")]
    message: &'static str,
    /// What happened, and what to do.
    errors: Vec<String>,
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        let status = match error {
            LedgerError::Away(_) => StatusCode::SERVICE_UNAVAILABLE,
            LedgerError::Refused(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self { status: status.as_u16(), message: "Server error", errors: vec![error.to_string()] }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        // It was made from a status.
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            // The ledger is asked every second.
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
