//! What the miner promises, by its real program and a real Redis.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic: that is how it fails")]

mod away;
mod chaos;
mod memory;
mod miner;
mod redis;
mod settings;
mod speed;
mod stop;

use std::thread;
use std::time::{Duration, Instant};

/// Waits until `look` gives something; for states that have no event.
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    while start.elapsed() < testing::LIMIT {
        if let Some(found) = look() {
            return found;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("waited in vain: {what}")
}
