//! A web page: a folder of files in the binary, so that it works without any other network, and needs no
//! build step.

use std::ffi::OsStr;
use std::path::Path;

use axum::Router;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::IntoResponse;
use axum::routing::get;
use include_dir::{Dir, File};

// With it, a service embeds its folder: `include_dir::include_dir!("$CARGO_MANIFEST_DIR/src/page")`.
pub use include_dir;

/// Whatever somebody else's text holds, nothing but the page's own files runs, and they talk only to the
/// service that they came from.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What all pages look like.
static BASE: File = File::new("base.css", include_bytes!("page/base.css"));

/// `GET` and `HEAD` of the files in `folder`, but not of those in folders below it: `index.html` at `/`,
/// every other under `/page/`. `/page/base.css`, which all pages share, comes with them.
///
/// # Panics
/// When the folder has a `base.css` of its own.
pub fn routes(folder: &Dir<'static>) -> Router {
    folder.files().chain([&BASE]).fold(Router::new(), |router, file| {
        let path = match file.path().display().to_string() {
            name if name == "index.html" => "/".to_owned(),
            name => format!("/page/{name}"),
        };
        router.route(&path, get(async || answer(file)))
    })
}

fn answer(file: &'static File<'static>) -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, content_type(file.path()).unwrap_or("application/octet-stream")),
        // After an update of the service, no browser mixes old files with new ones.
        (CACHE_CONTROL, "no-cache"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    (headers, file.contents())
}

/// The type by a name's ending; `None` for one that no page has had so far.
fn content_type(path: &Path) -> Option<&'static str> {
    match path.extension().and_then(OsStr::to_str)? {
        "css" => Some("text/css; charset=utf-8"),
        "html" => Some("text/html; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use axum::body::Body;
    use axum::http::{HeaderName, Request, StatusCode};
    use include_dir::DirEntry;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn every_file_is_served_with_its_type_and_the_strict_policy() {
        static FOLDER: Dir = Dir::new("", {
            const FILES: &[DirEntry] = &[
                DirEntry::File(File::new("chat.js", b"chat()")),
                DirEntry::File(File::new("icon.svg", b"<svg/>")),
                DirEntry::File(File::new("index.html", b"<p>")),
                DirEntry::File(File::new("style.css", b"p {}")),
            ];
            FILES
        });
        let routes = routes(&FOLDER);
        for (path, content_type) in [
            ("/", "text/html; charset=utf-8"),
            ("/page/base.css", "text/css; charset=utf-8"),
            ("/page/chat.js", "text/javascript; charset=utf-8"),
            ("/page/icon.svg", "image/svg+xml"),
            ("/page/style.css", "text/css; charset=utf-8"),
        ] {
            let answer = routes.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK, "{path}");
            let header = |name: HeaderName| answer.headers()[name].to_str().unwrap();
            assert_eq!(header(CONTENT_TYPE), content_type, "{path}");
            assert_eq!(header(CACHE_CONTROL), "no-cache");
            assert_eq!(header(X_CONTENT_TYPE_OPTIONS), "nosniff");
            assert_eq!(header(REFERRER_POLICY), "no-referrer");
            let policy = header(CONTENT_SECURITY_POLICY);
            assert!(policy.starts_with("default-src 'none'; ") && !policy.contains("unsafe"), "{policy}");
        }
    }

    /// The files of every package's page, as they are in the checkout, and those that pages share.
    fn files_of_all_pages() -> Vec<PathBuf> {
        let in_folder = |folder: PathBuf| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        // A test runs in the folder of its package.
        let (shared, packages) = (PathBuf::from("src/page"), in_folder(PathBuf::from("../..")));
        let pages = packages.map(|package| package.join("src/page")).filter(|page| page.join("index.html").exists());
        let pages: Vec<_> = pages.collect();
        assert!(pages.len() >= 2, "no pages but {pages:?}");
        pages.into_iter().chain([shared]).flat_map(in_folder).collect()
    }

    #[test]
    fn every_file_of_every_page_has_a_known_type() {
        for file in files_of_all_pages() {
            assert!(content_type(&file).is_some(), "{}", file.display());
        }
    }

    #[test]
    fn nothing_comes_from_elsewhere_and_text_never_becomes_markup() {
        for file in files_of_all_pages() {
            // The one address is the name of SVG's vocabulary, which nobody fetches.
            let text = fs::read_to_string(&file).unwrap().replace("http://www.w3.org/2000/svg", "");
            for wrong in
                ["http://", "https://", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("]
            {
                assert!(!text.contains(wrong), "{wrong} in {}", file.display());
            }
        }
    }
}
