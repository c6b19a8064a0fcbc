//! The body of an answer, as far as it is of a sensible length.

use anyhow::ensure;
use reqwest::Response;

/// Reads it to its end.
///
/// # Errors
/// When it breaks off, or is longer than `most` bytes.
pub(crate) async fn body(mut response: Response, most: usize) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        ensure!(body.len() + chunk.len() <= most, "it has more than {most} bytes");
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
