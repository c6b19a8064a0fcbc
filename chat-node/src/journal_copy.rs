//! `GET /journal`: a copy of what this node keeps, for the backup.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chat_journal::Journal;
use service::error::HttpError;
use tokio::fs::File;
use tokio_util::io::ReaderStream;

use crate::node::Node;
use crate::refused::Reason;

/// The route, at the port for other nodes.
pub(crate) fn routes(node: Arc<Node>, journal: Option<Journal>) -> Router {
    Router::new().route("/journal", get(give)).with_state((node, journal))
}

async fn give(
    State((node, journal)): State<(Arc<Node>, Option<Journal>)>,
    ConnectInfo(caller): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    // All messages are in it. Without a secret, it would be everybody's who reaches the port.
    let Some(secret) = &node.secret else {
        let message = "the journal is for who shows the cluster's secret, and this node has none: set CLUSTER_SECRET";
        return Err(HttpError::new(StatusCode::FORBIDDEN, message));
    };
    if !secret.is_in(&headers) {
        node.refused.note(&caller.ip().to_string(), Reason::Secret);
        let message = "the cluster secret is missing or wrong: give all services the same CLUSTER_SECRET";
        return Err(HttpError::new(StatusCode::FORBIDDEN, message));
    }
    let Some(journal) = journal else {
        let message = "this node keeps nothing on a disk: set DATA_DIR";
        return Err(HttpError::new(StatusCode::NOT_FOUND, message));
    };
    let unavailable = |error: String| HttpError::new(StatusCode::SERVICE_UNAVAILABLE, error);
    let copy = File::from_std(journal.copy().await.map_err(|error| unavailable(error.to_string()))?);
    let length = copy.metadata().await.map_err(|error| unavailable(error.to_string()))?.len();
    let headers = [(CONTENT_TYPE, "application/octet-stream".to_owned()), (CONTENT_LENGTH, length.to_string())];
    Ok((headers, Body::from_stream(ReaderStream::new(copy))).into_response())
}
