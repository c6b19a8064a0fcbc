//! The numbers, as answers.

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Response};
use http_body_util::Full;

/// The answer for each number, made once. They live as long as the process, so that none has to count
/// references to it.
static ANSWERS: LazyLock<Vec<Bytes>> = LazyLock::new(|| {
    let answer = |number| Bytes::from_static(format!("{{\"number\":{number}}}").leak().as_bytes());
    (1..=180).map(answer).collect()
});

/// All answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbers(&'static [Bytes]);

impl Numbers {
    pub(crate) fn new() -> Self {
        Self(&ANSWERS)
    }

    /// Draws one, each as likely as any other.
    pub(crate) fn draw(self, mut headers: HeaderMap) -> Response<Full<Bytes>> {
        let number = rand::random_range(0..self.0.len());
        let mut response = Response::new(Full::new(self.0[number].clone()));
        headers.clear();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *response.headers_mut() = headers;
        response
    }
}
