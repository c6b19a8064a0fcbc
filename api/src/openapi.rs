//! `GET /openapi.json`: the routes, described by what is written at each of them.

use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::{Router, routing};
use serde::Serialize;
use utoipa::openapi::InfoBuilder;
use utoipa::{OpenApi as _, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use crate::{ABOUT, App};

/// What was wrong with a request, and what to do.
#[derive(Serialize, ToSchema)]
pub(crate) struct Problem {
    #[schema(example = 400)]
    status: u16,
    message: String,
}

/// The routes, and one more with the description of all of them.
///
/// # Errors
/// When the description cannot be written; it is the same for each run, so a test would have seen it.
pub(crate) fn described(routes: OpenApiRouter<App>) -> anyhow::Result<Router<App>> {
    let (described, mut document) = routes.split_for_parts();
    document.merge(Further::openapi());
    document.info =
        InfoBuilder::new().title(ABOUT.name).version(ABOUT.version).description(Some(ABOUT.description)).build();
    let document = Bytes::from(document.to_json()?);
    Ok(described.route("/openapi.json", routing::get(async move || ([(CONTENT_TYPE, "application/json")], document))))
}

/// The routes that are not made here: of every service, and of the description itself.
#[derive(utoipa::OpenApi)]
#[openapi(paths(openapi, whoami, healthz, readyz, metrics))]
struct Further;

/// This description
#[utoipa::path(get, path = "/openapi.json", responses((status = OK, description = "This", body = Object)))]
#[allow(dead_code, reason = "it is read by the line above")]
fn openapi() {}

/// Which replica answers, and where it runs
#[utoipa::path(get, path = "/whoami", responses((status = OK, description = "The replica", body = Object)))]
#[allow(dead_code, reason = "it is read by the line above")]
fn whoami() {}

/// Whether the process works
#[utoipa::path(get, path = "/healthz", responses(
    (status = OK, description = "It does", content_type = "text/plain", body = String),
))]
#[allow(dead_code, reason = "it is read by the line above")]
fn healthz() {}

/// Whether the figures are fresh
#[utoipa::path(get, path = "/readyz", responses(
    (status = OK, description = "They are", content_type = "text/plain", body = String),
    (status = SERVICE_UNAVAILABLE, description = "They are not; why", body = Problem),
))]
#[allow(dead_code, reason = "it is read by the line above")]
fn readyz() {}

/// Figures for Prometheus
#[utoipa::path(get, path = "/metrics", responses(
    (status = OK, description = "The figures", content_type = "text/plain", body = String),
))]
#[allow(dead_code, reason = "it is read by the line above")]
fn metrics() {}
