//! OpenSSL's own benchmark, where OpenSSL is installed.

use std::process::Command;

/// Bytes of a message.
const BYTES: f64 = 64.0;

/// Messages of 64 bytes a second on one core, each of two blocks; none when there is no OpenSSL, or when it
/// says something else.
pub(crate) fn messages_per_second() -> Option<f64> {
    let arguments = ["speed", "-mr", "-seconds", "1", "-bytes", "64", "-evp", "sha256"];
    let output = Command::new("openssl").args(arguments).output().ok().filter(|output| output.status.success())?;
    // `+F:22:sha256:123456789.00`: bytes a second.
    let text = String::from_utf8(output.stdout).ok()?;
    let figure = text.lines().find(|line| line.starts_with("+F:"))?.rsplit(':').next()?;
    Some(figure.trim().parse::<f64>().ok()? / BYTES)
}
