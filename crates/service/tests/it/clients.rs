//! Slow and hostile clients: they get a clear answer or the end, and cost nobody else anything.
//!
//! Time is paused in these tests: it jumps ahead as soon as everybody waits.

use service::http::REQUEST_TIMEOUT;
use service::server::{REQUEST_HEAD_BYTES_MAX, REQUEST_HEAD_TIMEOUT};
use tokio::time::{Duration, Instant, timeout};

use crate::harness::{LARGE, Raw, start};

/// Asserts that a wait ended at a limit, give or take what the clients need themselves.
fn assert_ended_at(limit: Duration, start: Instant) {
    let waited = start.elapsed();
    assert!(waited > limit / 2 && waited < 2 * limit, "{waited:?} instead of {limit:?}");
}

#[tokio::test(start_paused = true)]
async fn half_a_request_head_is_waited_for_no_longer_than_the_limit() {
    let echo = start([]);
    let mut client = echo.connect().await;
    client.send("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ").await;
    let start = Instant::now();
    assert_eq!(client.rest().await, "");
    assert_ended_at(REQUEST_HEAD_TIMEOUT, start);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_trickles_in_is_waited_for_no_longer_than_the_limit() {
    let echo = start([]);
    let mut client = echo.connect().await;
    let start = Instant::now();
    let mut trickle = client.try_send("GET /healthz HTTP/1.1\r\n").await;
    while trickle.is_ok() {
        tokio::time::sleep(REQUEST_HEAD_TIMEOUT / 10).await;
        trickle = client.try_send("X-Slow: 1\r\n").await;
    }
    assert_ended_at(REQUEST_HEAD_TIMEOUT, start);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_well_before_a_swarm_vip_forgets_it() {
    let echo = start([]);
    let mut client = echo.connect().await;
    client.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    client.read_to("\r\n\r\nok\n").await;
    let start = Instant::now();
    assert_eq!(client.rest().await, "");
    assert_ended_at(REQUEST_HEAD_TIMEOUT, start);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_answered_408_as_json() {
    let echo = start([]);
    let mut client = echo.connect().await;
    client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf").await;
    let start = Instant::now();
    let answer = client.rest().await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.ends_with(r#"{"status":408,"message":"the request was not complete in time"}"#), "{answer}");
    assert_ended_at(REQUEST_TIMEOUT, start);
}

/// Sends what hyper refuses by itself; the refusal is an error like all others, and the end.
async fn assert_refused(request: impl AsRef<[u8]>, status: u16) {
    let echo = start(["--served-by=echo.2@pi1"]);
    let mut client = echo.connect().await;
    // The service may close before it has read everything.
    let _ = client.try_send(request).await;
    let answer = client.rest().await;
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer:?}");
    assert!(answer.contains("\r\nx-served-by: echo.2@pi1\r\n"), "{answer:?}");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("\r\ncontent-length: {}\r\n", body.len())), "{answer:?}");
    let error: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(error["status"], status);
    assert!(error["message"].is_string(), "{error}");
}

#[tokio::test]
async fn what_is_not_http_is_refused_with_400() {
    for garbage in ["\0\x01\x02\r\n\r\n", "GET\r\n\r\n", "\x16\x03\x01\x02\0\x01\0\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"] {
        assert_refused(garbage, 400).await;
    }
}

#[tokio::test]
async fn a_request_that_http_1_1_has_refused_is_refused_with_the_reason() {
    for (head, status, message) in [
        ("GET /healthz HTTP/1.1", 400, "the request has no header Host, which HTTP/1.1 asks for"),
        ("GET /healthz HTTP/1.1\r\nHost: x\r\nHost: x", 400, "the request has more than one header Host"),
        ("GET /healthz HTTP/1.1\r\nHost: a b", 400, "the header Host is no host: it has to be NAME or NAME:PORT"),
        ("GET x:80 HTTP/1.1\r\nHost: x", 400, "the request's target is no path: it has to begin with /"),
        ("GET * HTTP/1.1\r\nHost: x", 400, "the request's target is no path: it has to begin with /"),
        (
            "CONNECT x:80 HTTP/1.1\r\nHost: x",
            501,
            "CONNECT asks for a tunnel: this is no proxy, so ask for a path, with GET",
        ),
    ] {
        let answer = ask(head).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{head}: {answer}");
        let json = format!(r#"{{"status":{status},"message":"{message}"}}"#);
        assert!(answer.ends_with(&json), "{head}: {answer}");
    }
}

#[tokio::test]
async fn a_request_that_http_1_1_has_answered_is_answered() {
    for (head, status) in [
        ("GET /healthz HTTP/1.0", "200"),
        ("GET /healthz HTTP/1.1\r\nHost:", "200"),
        ("GET http://x/healthz HTTP/1.1\r\nHost: x", "200"),
        ("GET /%68ealth%7A HTTP/1.1\r\nHost: x", "200"),
        ("OPTIONS * HTTP/1.1\r\nHost: x", "204"),
    ] {
        let answer = ask(head).await;
        assert_eq!(answer.split(' ').nth(1), Some(status), "{head}: {answer}");
    }
}

/// The whole answer to a request, which begins with this and says that it is the last.
async fn ask(head: &str) -> String {
    let echo = start([]);
    let mut client = echo.connect().await;
    client.send(format!("{head}\r\nConnection: close\r\n\r\n")).await;
    client.rest().await
}

#[tokio::test]
async fn what_is_not_http_is_refused_also_after_a_request() {
    let echo = start([]);
    let mut client = echo.connect().await;
    client.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    client.read_to("\r\n\r\nok\n").await;
    client.send("\0\r\n\r\n").await;
    let answer = client.rest().await;
    assert!(answer.ends_with(r#"{"status":400,"message":"this is not an HTTP/1 request"}"#), "{answer:?}");
}

#[tokio::test]
async fn a_head_over_the_limit_is_refused_with_431() {
    assert_refused(format!("GET / HTTP/1.1\r\nX-Long: {}", "x".repeat(REQUEST_HEAD_BYTES_MAX)), 431).await;
    assert_refused(format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(1000)), 431).await;
}

#[tokio::test]
async fn a_client_that_asks_whether_to_send_its_body_is_told_to() {
    let echo = start([]);
    let mut client = echo.connect().await;
    client.send("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n").await;
    assert_eq!(client.read_to("\r\n\r\n").await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("hi").await;
    assert!(client.read_to("\r\n\r\nhi").await.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn hundreds_of_hanging_connections_do_not_keep_others_waiting() {
    let echo = start([]);
    let mut hanging: Vec<Raw> = Vec::new();
    for _ in 0..300 {
        let mut client = echo.connect().await;
        client.send("GET /healthz HTTP/1.1\r\nX-Slow").await;
        hanging.push(client);
    }
    let answer = timeout(REQUEST_HEAD_TIMEOUT / 2, echo.get("/healthz")).await;
    assert_eq!(answer.map(|response| response.status().as_u16()), Ok(200));
    assert_eq!(hanging.len(), 300);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_takes_longer_than_the_limit_on_heads_is_not_cut() {
    let echo = start([]);
    let seconds = 3 * REQUEST_HEAD_TIMEOUT.as_secs();
    let answer = echo.get(&format!("/drip/{seconds}")).await.text().await.unwrap();
    assert_eq!(answer.len() as u64, seconds);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_slowly_gets_the_whole_answer() {
    let echo = start([]);
    let mut client = echo.connect().await;
    client.send("GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    let start = Instant::now();
    let mut read = 0;
    loop {
        match client.read(LARGE / 100).await {
            0 => break,
            some => read += some,
        }
        tokio::time::sleep(REQUEST_HEAD_TIMEOUT / 20).await;
    }
    assert!(read > LARGE, "{read} bytes");
    assert!(start.elapsed() > 2 * REQUEST_HEAD_TIMEOUT, "{:?}: this test is to be slower", start.elapsed());
}

#[tokio::test]
async fn a_client_that_has_said_everything_may_close_its_side() {
    let echo = start([]);
    let mut client = echo.connect().await;
    client.send("GET /slow/50 HTTP/1.1\r\nHost: x\r\n\r\n").await;
    client.close_sending().await;
    let answer = client.rest().await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\ndone"), "{answer}");
}
