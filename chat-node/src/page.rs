//! The chat page, which a browser gets from the WebSocket port: the files in `page/`.

use axum::Router;
use rust_embed::Embed;

#[derive(Embed)]
#[folder = "src/page"]
struct Files;

/// `GET /` and what it loads. The page opens its WebSocket at `ws` beside it, and asks `whoami`.
pub(crate) fn routes() -> Router {
    service::page::routes::<Files>()
}
