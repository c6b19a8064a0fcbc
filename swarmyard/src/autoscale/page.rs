//! The page: the files in `page/`, and the figures that they ask for.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::{Router, routing};
use rust_embed::Embed;

use super::record::Record;

#[derive(Embed)]
#[folder = "src/autoscale/page"]
struct Files;

/// `GET /` and what it loads; `GET /data`, beside it, is the record.
pub(crate) fn routes(record: &Record) -> Router {
    let record = record.clone();
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
    service::page::routes::<Files>().route("/data", routing::get(async move || (headers, record.json())))
}
