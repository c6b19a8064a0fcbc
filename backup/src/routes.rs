//! What the backups of a cluster ask each other: which copies there are, and their bytes.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use serde::{Deserialize, Serialize};
use service::cluster_secret::ClusterSecret;
use service::error::HttpError;
use tokio::fs::File;
use tokio_util::io::ReaderStream;

use crate::copy::CopyName;
use crate::folder::Folder;
use crate::take::blocking;

/// The answer of `GET /copies`.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Listing {
    /// The oldest first.
    pub(crate) copies: Vec<Listed>,
}

/// A copy that can be had.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Listed {
    pub(crate) name: String,
    /// Of the bytes that were restored, in hexadecimal digits.
    pub(crate) sha256: String,
}

/// `GET /copies` and `GET /copies/NAME`, for who has the secret; without one, for nobody.
pub(crate) fn routes(folder: Folder, secret: Option<ClusterSecret>) -> Router {
    Router::new()
        .route("/copies", routing::get(list))
        .route("/copies/{name}", routing::get(give))
        .route_layer(middleware::from_fn_with_state(secret, only_with_secret))
        .with_state(folder)
}

async fn only_with_secret(State(secret): State<Option<ClusterSecret>>, request: Request, next: Next) -> Response {
    let message = match secret {
        Some(secret) if secret.is_in(request.headers()) => return next.run(request).await,
        Some(_) => "the cluster secret is missing or wrong: give all services the same CLUSTER_SECRET",
        None => "copies are for who shows the cluster's secret, and this backup has none: set CLUSTER_SECRET",
    };
    HttpError::new(StatusCode::FORBIDDEN, message).into_response()
}

async fn list(State(folder): State<Folder>) -> Result<Json<Listing>, HttpError> {
    let list = move || {
        let listed = |copy: CopyName| Ok(Listed { name: copy.to_string(), sha256: folder.checksum(&copy)? });
        folder.copies()?.into_iter().map(listed).collect()
    };
    let copies = blocking(list).await.map_err(|error| {
        HttpError::new(StatusCode::INTERNAL_SERVER_ERROR, format!("the folder of the copies cannot be read: {error}"))
    })?;
    Ok(Json(Listing { copies }))
}

async fn give(State(folder): State<Folder>, Path(name): Path<String>) -> Result<Response, HttpError> {
    let nothing = |_| HttpError::new(StatusCode::NOT_FOUND, format!("there is no copy {name}: GET /copies lists them"));
    let copy: CopyName = name.parse().map_err(nothing)?;
    let file = File::open(folder.path(&copy)).await;
    let file =
        file.map_err(|error| HttpError::new(StatusCode::NOT_FOUND, format!("the copy {copy} cannot be had: {error}")))?;
    let length = file.metadata().await.map_or(0, |metadata| metadata.len());
    let headers = [(CONTENT_TYPE, "application/octet-stream".to_owned()), (CONTENT_LENGTH, length.to_string())];
    Ok((headers, Body::from_stream(ReaderStream::new(file))).into_response())
}
