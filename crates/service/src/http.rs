//! The HTTP face of a service: its own routes, and those that every service has.

use std::any::Any;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::ALLOW;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

use crate::chaos::Chaos;
use crate::error::{self, HttpError};
use crate::identity::Identity;
use crate::metrics;
use crate::readiness::Readiness;
use crate::request::is_about_the_whole_server;

/// Largest request body; a longer one is answered 413. No service here takes more.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// Longest time from a request's head to the answer's, its body included; then the answer is 408.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Completes `routes` with `/healthz`, `/readyz`, `/metrics`, `/whoami`, `/chaos`, JSON errors, limits and
/// counting.
pub fn router(routes: Router, identity: &Identity, readiness: &Readiness, chaos: &Chaos) -> Router {
    metrics::init(identity);
    let health = Router::new()
        .route("/healthz", routing::get(async || "ok\n"))
        .route("/readyz", routing::get(readyz))
        .with_state(readiness.clone());
    let complete = routes
        .merge(health)
        .merge(metrics::routes())
        .merge(identity.routes(readiness, chaos))
        .merge(chaos.routes())
        .fallback(async || StatusCode::NOT_FOUND)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_TIMEOUT))
        .layer(CatchPanicLayer::custom(internal_error))
        .layer(middleware::from_fn(json_errors));
    // Beyond the time limit, which would answer what hangs; what fails is counted as any other answer is.
    chaos.breaking(complete).layer(middleware::from_fn_with_state(identity.requests(), metrics::count))
}

async fn readyz(State(readiness): State<Readiness>) -> Result<&'static str, HttpError> {
    match readiness.check() {
        Ok(()) => Ok("ready\n"),
        Err(reason) => Err(HttpError::new(StatusCode::SERVICE_UNAVAILABLE, reason)),
    }
}

/// A handler that panics costs nobody but its own client anything; what it said is on stderr.
fn internal_error(_: Box<dyn Any + Send>) -> Response {
    HttpError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error").into_response()
}

async fn json_errors(request: Request, next: Next) -> Response {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let response = next.run(request).await;
    let is_question = method == Method::OPTIONS && response.status() == StatusCode::METHOD_NOT_ALLOWED;
    if is_question || is_about_the_whole_server(&method, &uri) {
        // On its way out, axum says which methods the path has, as with every 405.
        return StatusCode::NO_CONTENT.into_response();
    }
    error::as_json(&method, &uri, response)
}

/// Every path has `OPTIONS`, of which axum does not know.
pub(crate) fn allow_options(headers: &mut HeaderMap) {
    let allowed = headers.get(ALLOW).filter(|methods| !methods.is_empty());
    if let Some(Ok(methods)) =
        allowed.map(|methods| HeaderValue::from_bytes(&[methods.as_bytes(), b",OPTIONS"].concat()))
    {
        headers.insert(ALLOW, methods);
    }
}
