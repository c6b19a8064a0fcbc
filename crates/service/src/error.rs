//! Errors as JSON: `{"status":404,"message":"…"}`.

use axum::Json;
use axum::body::{Body, HttpBody};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Longest plain text, in bytes, that is an error's reason; a longer one is a page, and stays.
const REASON_BYTES_MAX: usize = 4 * 1024;

/// An error for a client: what went wrong and what to do, in words that it may see.
#[derive(Debug, Serialize)]
pub struct HttpError {
    status: u16,
    message: String,
}

impl HttpError {
    /// An error of the given status.
    #[must_use]
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status: status.as_u16(), message: message.into() }
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        // A number and a text always serialise.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        // It was made from a status.
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(self)).into_response()
    }
}

/// Turns an error that the framework gave (a router, an extractor, a layer), as plain text or without a body, into
/// JSON in our words. Status and headers (`Allow`, `Retry-After`) stay. What a service has to say itself is an
/// [`HttpError`].
pub(crate) fn as_json(method: &Method, uri: &Uri, response: Response) -> Response {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) || !is_short_text(&response) {
        return response;
    }
    let message = match status {
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
            "path, query or body cannot be read: encode text as UTF-8, and give each parameter once".to_owned()
        }
        StatusCode::NOT_FOUND => format!("nothing is at {}", uri.path()),
        StatusCode::METHOD_NOT_ALLOWED => format!("{method} is not possible at {}", uri.path()),
        StatusCode::REQUEST_TIMEOUT => "the request was not complete in time".to_owned(),
        StatusCode::PAYLOAD_TOO_LARGE => format!("the body is larger than {} takes", uri.path()),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => format!("the body is of a type that {} does not take", uri.path()),
        _ => status.canonical_reason().unwrap_or("error").to_lowercase(),
    };
    let mut parts = response.into_parts().0;
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(HttpError::new(status, message).to_json()))
}

/// A page or a stream that a handler passes on is none.
fn is_short_text(response: &Response) -> bool {
    let is_text = match response.headers().get(CONTENT_TYPE) {
        Some(kind) => kind.as_bytes().starts_with(b"text/plain"),
        None => true,
    };
    is_text && response.body().size_hint().exact().is_some_and(|bytes| bytes <= REASON_BYTES_MAX as u64)
}
