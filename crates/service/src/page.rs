//! A web page: a folder of files in the binary, so that it works without any other network, and needs no
//! build step.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::Path;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::{Embed, EmbeddedFile};
use tower_http::compression::CompressionLayer;

/// Whatever somebody else's text holds, nothing but the page's own files runs, and they talk only to the
/// service that they came from.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What all pages share: how they look, and small helpers.
#[derive(Embed)]
#[folder = "src/page"]
struct Shared;

/// `GET` and `HEAD` of the files in the folder `F`: `index.html` at `/`, every other under `/page/`, where those that all
/// pages share are too. A browser that has a file already is told so (304), one that takes gzip gets it.
///
/// # Panics
/// When the folder has a file of a shared one's name.
pub fn routes<F: Embed>() -> Router {
    let files =
        F::iter().map(|name| (F::get(&name), name)).chain(Shared::iter().map(|name| (Shared::get(&name), name)));
    let route = |router: Router, (file, name): (Option<EmbeddedFile>, Cow<'static, str>)| {
        // Each name that is listed has its file.
        let Some(file) = file else { return router };
        let path = if name == "index.html" { "/".to_owned() } else { format!("/page/{name}") };
        let page_file = PageFile::new(&name, file);
        router.route(&path, get(async move |headers: HeaderMap| page_file.answer(&headers)))
    };
    files.fold(Router::new(), route).layer(CompressionLayer::new())
}

#[derive(Clone)]
struct PageFile {
    content: Bytes,
    content_type: &'static str,
    etag: String,
}

impl PageFile {
    fn new(name: &str, file: EmbeddedFile) -> Self {
        // Half of the hash tells the file from every other one that it ever was.
        let hash = file.metadata.sha256_hash();
        let hash = hash.first_chunk().map_or(0, |half| u128::from_be_bytes(*half));
        Self {
            content: match file.data {
                Cow::Borrowed(data) => Bytes::from_static(data),
                Cow::Owned(data) => data.into(),
            },
            content_type: content_type(Path::new(name)).unwrap_or("application/octet-stream"),
            // Weak: the same for what is compressed and what is not.
            etag: format!("W/\"{hash:032x}\""),
        }
    }

    fn answer(&self, request: &HeaderMap) -> Response {
        let known = request.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let is_known =
            known.flat_map(|tags| tags.split(',')).any(|tag| [self.etag.as_str(), "*"].contains(&tag.trim()));
        let headers = [
            (CONTENT_TYPE, self.content_type),
            (ETAG, self.etag.as_str()),
            // After an update of the service, no browser mixes old files with new ones: it asks each time.
            (CACHE_CONTROL, "no-cache"),
            (CONTENT_SECURITY_POLICY, POLICY),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (REFERRER_POLICY, "no-referrer"),
        ];
        if is_known {
            return (StatusCode::NOT_MODIFIED, headers, Body::empty()).into_response();
        }
        (headers, self.content.clone()).into_response()
    }
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

    use axum::body::to_bytes;
    use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, VARY};
    use axum::http::{HeaderName, Request};
    use tower::ServiceExt;

    use super::*;

    /// The shared files are a folder like any other.
    struct Nothing;

    impl Embed for Nothing {
        fn get(_: &str) -> Option<EmbeddedFile> {
            None
        }

        fn iter() -> impl Iterator<Item = Cow<'static, str>> + 'static {
            std::iter::empty()
        }
    }

    async fn ask(path: &str, headers: &[(HeaderName, &str)]) -> Response {
        let request = headers.iter().fold(Request::get(path), |request, (name, value)| request.header(name, *value));
        routes::<Nothing>().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn every_file_is_served_with_its_type_and_the_strict_policy() {
        for (path, content_type) in
            [("/page/base.css", "text/css; charset=utf-8"), ("/page/dom.js", "text/javascript; charset=utf-8")]
        {
            let answer = ask(path, &[]).await;
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

    #[tokio::test]
    async fn a_browser_that_has_a_file_is_told_so_and_gets_no_body() {
        let first = ask("/page/base.css", &[]).await;
        let etag = first.headers()[ETAG].to_str().unwrap();
        for known in [etag.to_owned(), format!("\"other\", {etag}"), "*".to_owned()] {
            let again = ask("/page/base.css", &[(IF_NONE_MATCH, &known)]).await;
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{known}");
            assert_eq!(again.headers()[ETAG].to_str().unwrap(), etag);
            assert!(to_bytes(again.into_body(), 1).await.unwrap().is_empty());
        }
        assert_eq!(ask("/page/base.css", &[(IF_NONE_MATCH, "\"other\"")]).await.status(), StatusCode::OK);
        assert_ne!(ask("/page/dom.js", &[]).await.headers()[ETAG].to_str().unwrap(), etag);
    }

    #[tokio::test]
    async fn who_takes_gzip_gets_it_and_nobody_else() {
        let plain = ask("/page/base.css", &[]).await;
        assert!(!plain.headers().contains_key(CONTENT_ENCODING));
        let plain = to_bytes(plain.into_body(), usize::MAX).await.unwrap();
        let short = ask("/page/base.css", &[(ACCEPT_ENCODING, "br, gzip")]).await;
        assert_eq!(short.headers()[CONTENT_ENCODING], "gzip");
        assert_eq!(short.headers()[VARY], "accept-encoding");
        let short = to_bytes(short.into_body(), usize::MAX).await.unwrap();
        assert!(
            short.starts_with(&[0x1f, 0x8b]) && short.len() < plain.len() / 2,
            "{} of {}",
            short.len(),
            plain.len()
        );
        assert!(
            !ask("/page/base.css", &[(ACCEPT_ENCODING, "gzip;q=0")]).await.headers().contains_key(CONTENT_ENCODING)
        );
    }

    /// The files of every package's page, as they are in the checkout, and those that pages share.
    fn files_of_all_pages() -> Vec<PathBuf> {
        let in_folder = |folder: PathBuf| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        // A test runs in the folder of its package.
        let (shared, packages) = (PathBuf::from("src/page"), in_folder(PathBuf::from("../..")));
        // One is a command's.
        let pages = packages.flat_map(|package| ["src/page", "src/autoscale/page"].map(|page| package.join(page)));
        let pages: Vec<_> = pages.filter(|page| page.join("index.html").exists()).collect();
        assert!(pages.len() >= 3, "no pages but {pages:?}");
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
