//! Load by wrk, a program of its own.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::time::sleep;

/// Load as `bench/numbers` has it.
pub(crate) const THREADS: u32 = 2;
pub(crate) const CONNECTIONS: u32 = 64;

/// How a server answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Answers {
    pub(crate) requests_per_second: f64,
    /// 99 % of the answers took no longer, in milliseconds.
    pub(crate) p99_ms: f64,
}

/// Asks for this path on all connections, each time as soon as the last answer is there.
///
/// # Errors
/// When an answer is none or has another status than 200, or wrk says something else.
pub(crate) async fn ask(address: SocketAddr, path: &str, seconds: u64) -> anyhow::Result<Answers> {
    let mut command = Command::new("wrk");
    command.args([format!("-t{THREADS}"), format!("-c{CONNECTIONS}"), format!("-d{seconds}s")]);
    command.args(["--latency".to_owned(), format!("http://{address}{path}")]);
    let program = testing::start_command(command);
    sleep(Duration::from_secs(seconds)).await;
    let (code, stdout, stderr) = program.output();
    ensure!(code == Some(0), "wrk ended with exit code {code:?}: {stdout}{stderr}");
    read(&stdout).with_context(|| format!("wrk on {path}: {stdout}{stderr}"))
}

fn read(text: &str) -> anyhow::Result<Answers> {
    let figure = |start: &str| text.lines().find_map(|line| line.trim_start().strip_prefix(start)).map(str::trim);
    ensure!(figure("Socket errors:").is_none(), "not all requests were answered");
    ensure!(figure("Non-2xx or 3xx responses:").is_none(), "not all answers have the status 200");
    let requests_per_second = figure("Requests/sec:").context("no line Requests/sec")?.parse()?;
    let p99_ms = figure("99%").and_then(milliseconds).context("no line 99%")?;
    Ok(Answers { requests_per_second, p99_ms })
}

/// `1.23ms`, also in other units.
fn milliseconds(text: &str) -> Option<f64> {
    let unit = text.find(|character: char| character.is_ascii_alphabetic())?;
    let factor = match &text[unit..] {
        "us" => 0.001,
        "ms" => 1.0,
        "s" => 1000.0,
        "m" => 60_000.0,
        _ => return None,
    };
    Some(text[..unit].parse::<f64>().ok()? * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
Running 1s test @ http://127.0.0.1:9000/
  2 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.38ms    1.49ms  27.06ms   88.55%
    Req/Sec    31.30k     3.62k   39.39k    65.00%
  Latency Distribution
     50%    0.91ms
     75%    1.90ms
     90%    3.12ms
     99%    6.80ms
  62374 requests in 1.01s, 24.99MB read
Requests/sec:  61888.11
Transfer/sec:     24.79MB
";

    #[test]
    fn requests_a_second_and_the_99th_percentile_are_read() {
        assert_eq!(read(OUTPUT).unwrap(), Answers { requests_per_second: 61_888.11, p99_ms: 6.8 });
        assert_eq!(
            [milliseconds("500.00us"), milliseconds("1.50s"), milliseconds("x")],
            [Some(0.5), Some(1500.0), None]
        );
    }

    #[test]
    fn an_answer_that_fails_is_an_error() {
        for line in ["  Socket errors: connect 0, read 3, write 0, timeout 0\n", "  Non-2xx or 3xx responses: 17\n"] {
            assert!(read(&format!("{OUTPUT}{line}")).is_err());
        }
    }
}
