//! The page: a few files in the binary, so that it works without any other network, and needs no build
//! step.

use axum::Router;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// Whatever a coin's text holds, nothing but these files runs, and they talk to this service only.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// A file of the page.
#[derive(Clone, Copy, Debug)]
struct Asset {
    path: &'static str,
    content_type: &'static str,
    text: &'static str,
}

const fn asset(path: &'static str, content_type: &'static str, text: &'static str) -> Asset {
    Asset { path, content_type, text }
}

const ASSETS: [Asset; 17] = [
    asset("/", HTML, include_str!("page/index.html")),
    asset("/page/icon.svg", SVG, include_str!("page/icon.svg")),
    asset("/page/style.css", CSS, include_str!("page/style.css")),
    asset("/page/panels.css", CSS, include_str!("page/panels.css")),
    asset("/page/chart.js", JAVASCRIPT, include_str!("page/chart.js")),
    asset("/page/checker.js", JAVASCRIPT, include_str!("page/checker.js")),
    asset("/page/coins.js", JAVASCRIPT, include_str!("page/coins.js")),
    asset("/page/devcoin.js", JAVASCRIPT, include_str!("page/devcoin.js")),
    asset("/page/dom.js", JAVASCRIPT, include_str!("page/dom.js")),
    asset("/page/feed.js", JAVASCRIPT, include_str!("page/feed.js")),
    asset("/page/limits.js", JAVASCRIPT, include_str!("page/limits.js")),
    asset("/page/miners.js", JAVASCRIPT, include_str!("page/miners.js")),
    asset("/page/numbers.js", JAVASCRIPT, include_str!("page/numbers.js")),
    asset("/page/proof.js", JAVASCRIPT, include_str!("page/proof.js")),
    asset("/page/series.js", JAVASCRIPT, include_str!("page/series.js")),
    asset("/page/sha256.js", JAVASCRIPT, include_str!("page/sha256.js")),
    asset("/page/status.js", JAVASCRIPT, include_str!("page/status.js")),
];

/// `GET /` and what it loads. The page asks for the figures under `api/`, beside it.
pub(crate) fn routes() -> Router {
    ASSETS.into_iter().fold(Router::new(), |router, asset| router.route(asset.path, get(async move || asset)))
}
impl IntoResponse for Asset {
    fn into_response(self) -> Response {
        let headers = [
            (CONTENT_TYPE, self.content_type),
            // After an update, no browser mixes old files with new ones.
            (CACHE_CONTROL, "no-cache"),
            (CONTENT_SECURITY_POLICY, POLICY),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (REFERRER_POLICY, "no-referrer"),
        ];
        (headers, self.text).into_response()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_file_of_the_page_is_served() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/page");
        let files = fs::read_dir(folder).unwrap();
        let mut found: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        let mut served: Vec<_> = ASSETS.iter().map(|asset| asset.path.rsplit('/').next().unwrap().to_owned()).collect();
        let index = served.iter().position(String::is_empty).unwrap();
        served[index] = "index.html".to_owned();
        found.sort();
        served.sort();
        assert_eq!(found, served);
    }

    #[test]
    fn every_file_has_its_type_and_the_strict_policy() {
        for asset in ASSETS {
            let response = asset.into_response();
            let header = |name| response.headers().get(name).unwrap().to_str().unwrap().to_owned();
            assert_eq!(header(CONTENT_TYPE), asset.content_type);
            assert_eq!(header(CACHE_CONTROL), "no-cache");
            let policy = header(CONTENT_SECURITY_POLICY);
            assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        }
    }

    #[test]
    fn nothing_comes_from_elsewhere_and_text_never_becomes_markup() {
        for asset in ASSETS {
            // The one address is the name of SVG's vocabulary, which nobody fetches.
            let text = asset.text.replace("http://www.w3.org/2000/svg", "");
            for wrong in
                ["http://", "https://", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("]
            {
                assert!(!text.contains(wrong), "{} in {}", wrong, asset.path);
            }
        }
    }
}
