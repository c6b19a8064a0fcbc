//! The page: the files in `page/`.

use axum::Router;
use service::page::include_dir::{self, Dir};

static FILES: Dir = include_dir::include_dir!("$CARGO_MANIFEST_DIR/src/page");

/// `GET /` and what it loads. The page asks for the figures under `api/`, beside it.
pub(crate) fn routes() -> Router {
    service::page::routes(&FILES)
}
