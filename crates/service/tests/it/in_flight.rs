//! The gauge of requests in flight. Each test keeps its instance's metrics apart from those of the others.

use std::time::Instant;

use service::metrics;

use crate::harness::{Echo, LIMIT, start};

/// Runs a test with an instance whose metrics are its own.
fn apart(test: impl AsyncFnOnce(Echo)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::apart(|| runtime.block_on(async { test(start([])).await }));
}

async fn in_flight(echo: &Echo) -> String {
    let text = echo.get("/metrics").await.text().await.unwrap();
    let figure = text.lines().find_map(|line| line.strip_prefix("http_requests_in_flight "));
    figure.unwrap_or_else(|| panic!("no figure in {text}")).to_owned()
}

/// Waits until so many requests are in flight.
async fn becomes(echo: &Echo, wanted: &str) {
    let begin = Instant::now();
    loop {
        let found = in_flight(echo).await;
        if found == wanted {
            return;
        }
        assert!(begin.elapsed() < LIMIT, "{found} in flight, not {wanted}");
    }
}

#[test]
fn an_idle_instance_says_so_and_who_looks_at_it_is_no_load() {
    apart(async |echo| {
        echo.readiness.set_ready();
        for path in ["/healthz", "/readyz", "/metrics", "/whoami"] {
            echo.get(path).await.bytes().await.unwrap();
            assert_eq!(in_flight(&echo).await, "0");
        }
    });
}

#[test]
fn a_request_is_in_flight_until_its_answer_is_there() {
    apart(async |echo| {
        let (mut one, mut other) = (echo.connect().await, echo.connect().await);
        for client in [&mut one, &mut other] {
            client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na").await;
        }
        becomes(&echo, "2").await;
        one.send("b").await;
        one.read_to("ab").await;
        assert_eq!(in_flight(&echo).await, "1");
        // The request of a client that goes away ends as well.
        drop(other);
        becomes(&echo, "0").await;
    });
}

#[test]
fn an_answer_that_goes_on_is_in_flight_until_its_end_and_a_websocket_is_none() {
    apart(async |echo| {
        let mut stream = echo.connect().await;
        stream.send("GET /drip/3600 HTTP/1.1\r\nHost: x\r\n\r\n").await;
        stream.read_to("\r\n\r\n").await;
        assert_eq!(in_flight(&echo).await, "1");
        drop(stream);
        becomes(&echo, "0").await;

        let mut socket = echo.connect().await;
        let key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
        socket
            .send(format!(
                "GET /deaf HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n{key}\r\n\r\n"
            ))
            .await;
        assert!(socket.read_to("\r\n\r\n").await.starts_with("HTTP/1.1 101 "));
        assert_eq!(in_flight(&echo).await, "0");
    });
}

#[test]
fn a_handler_that_panics_is_no_more_in_flight() {
    apart(async |echo| {
        assert_eq!(echo.get("/panic").await.status(), 500);
        assert_eq!(in_flight(&echo).await, "0");
    });
}
