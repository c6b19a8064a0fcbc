//! `/chaos`, over HTTP.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use serde::Serialize;

use super::Role;
use super::knob::{Knob, Order, Turned};
use super::panel::Panel;
use crate::error::HttpError;

/// `GET /chaos` tells which knobs are on, to everybody, as the metrics do. With the token, `PUT /chaos/NAME` turns one
/// on, `DELETE /chaos/NAME` takes it back, and `DELETE /chaos` all of them.
pub(super) fn routes(panel: &Arc<Panel>) -> Router {
    panel.describe();
    Router::new()
        .route("/chaos", routing::get(list).delete(take_all_back))
        .route("/chaos/{name}", routing::put(turn_on).delete(take_back))
        .layer(middleware::from_fn_with_state(panel.clone(), change_with_token_only))
        .with_state(panel.clone())
}

async fn change_with_token_only(State(panel): State<Arc<Panel>>, request: Request, next: Next) -> Response {
    if request.method().is_safe() || bearer(request.headers()).is_some_and(|given| panel.is_token(given)) {
        return next.run(request).await;
    }
    let message = "this takes the token of the service, its CHAOS_TOKEN, as in: Authorization: Bearer TOKEN";
    ([(WWW_AUTHENTICATE, "Bearer")], HttpError::new(StatusCode::UNAUTHORIZED, message)).into_response()
}

/// The token that a request has (RFC 6750, section 2.1).
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.as_bytes().split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
}

/// Those that are on.
#[derive(Debug, Serialize)]
struct List {
    knobs: Vec<Turned>,
}

async fn list(State(panel): State<Arc<Panel>>) -> Json<List> {
    Json(List { knobs: panel.list() })
}

async fn turn_on(
    State(panel): State<Arc<Panel>>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Json<Turned>, HttpError> {
    check_name(&name)?;
    let wrong = |message| HttpError::new(StatusCode::BAD_REQUEST, format!("{name}: {message}"));
    match (Order::read(&name, &body).map_err(wrong)?, panel.role) {
        (Order::TurnOn(Knob::Errors { .. }, _), Role::Client) => {
            let message = "errors: this service answers no requests of its own that could fail";
            Err(HttpError::new(StatusCode::UNPROCESSABLE_ENTITY, message))
        }
        (Order::TurnOn(knob, time), _) => Ok(Json(panel.turn_on(knob, time).await?)),
        (Order::Exit(code), _) => Ok(Json(panel.exit(code))),
    }
}

async fn take_back(State(panel): State<Arc<Panel>>, Path(name): Path<String>) -> Result<StatusCode, HttpError> {
    check_name(&name)?;
    panel.take_back(Some(&name));
    Ok(StatusCode::NO_CONTENT)
}

async fn take_all_back(State(panel): State<Arc<Panel>>) -> StatusCode {
    panel.take_back(None);
    StatusCode::NO_CONTENT
}

fn check_name(name: &str) -> Result<(), HttpError> {
    if Knob::NAMES.contains(&name) {
        return Ok(());
    }
    let message = format!("there is no knob {name}; there are {}", Knob::NAMES.join(", "));
    Err(HttpError::new(StatusCode::NOT_FOUND, message))
}
