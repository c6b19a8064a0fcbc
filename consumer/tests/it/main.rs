//! What the consumer prints, by its real program against producers that behave and misbehave.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic: that is how it fails")]

mod chaos;
mod lines;
mod process;
mod server;

const CONSUMER: &str = env!("CARGO_BIN_EXE_consumer");

/// Starts a consumer that polls often, with this address and these settings.
fn start(url: &str, settings: &[(&str, &str)]) -> testing::Program {
    let usual = [
        ("PRODUCER_URL", url),
        ("POLL_INTERVAL", "20ms"),
        ("OPS_PORT", "0"),
        ("OPS_HOST", "127.0.0.1"),
        // To be ignored: it cannot know the names of a container network.
        ("HTTP_PROXY", "http://127.0.0.1:1"),
        ("http_proxy", "http://127.0.0.1:1"),
    ];
    testing::start(CONSUMER, &[], &[&usual, settings].concat())
}
