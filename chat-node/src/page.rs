//! The chat page, which a browser gets from the WebSocket port: the files in `page/`.

use axum::Router;
use service::page::include_dir::{self, Dir};

static FILES: Dir = include_dir::include_dir!("$CARGO_MANIFEST_DIR/src/page");

/// `GET /` and what it loads. The page opens its WebSocket at `ws` beside it, and asks `whoami`.
pub(crate) fn routes() -> Router {
    service::page::routes(&FILES)
}
