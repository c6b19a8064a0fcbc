//! Bodies that came compressed: an original node does that with long ones (protocol, section 5).

use std::io::{self, Read};

use flate2::read::GzDecoder;

/// Why there is no body.
#[derive(Debug)]
pub(crate) enum NotInflated {
    /// It has more bytes than are taken.
    TooLong,
    NotGzip(io::Error),
}

/// What `body` holds, `bytes_max` at most: no more is ever inflated.
pub(crate) fn inflate(body: &[u8], bytes_max: usize) -> Result<Vec<u8>, NotInflated> {
    let mut inflated = Vec::new();
    GzDecoder::new(body).take(bytes_max as u64 + 1).read_to_end(&mut inflated).map_err(NotInflated::NotGzip)?;
    if inflated.len() > bytes_max { Err(NotInflated::TooLong) } else { Ok(inflated) }
}
