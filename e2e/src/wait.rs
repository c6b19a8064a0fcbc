//! Waiting for an event, never for a fixed time.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Time between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// Looks again and again until `look` finds something.
///
/// # Errors
/// The error of the last look, when `limit` has passed without a find.
pub fn until<T>(limit: Duration, mut look: impl FnMut() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    loop {
        match look() {
            Ok(found) => return Ok(found),
            Err(error) if start.elapsed() >= limit => {
                bail!("still not so after {limit:?}: {error:#}")
            }
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}
