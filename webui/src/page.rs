//! The page: the files in `page/`.

use axum::Router;
use rust_embed::Embed;

#[derive(Embed)]
#[folder = "src/page"]
struct Files;

/// `GET /` and what it loads. The page asks for the figures under `api/`, beside it.
pub(crate) fn routes() -> Router {
    service::page::routes::<Files>()
}
