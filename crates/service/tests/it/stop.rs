//! The stop: nobody is dropped, and it ends.

use std::time::Duration;

use tokio::time::Instant;

use crate::harness::start;

const REQUEST: &str = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn a_request_in_flight_is_finished_and_its_connection_closed() {
    let mut echo = start([]);
    let mut client = echo.connect().await;
    client.send("GET /slow/2000 HTTP/1.1\r\nHost: x\r\n\r\n").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    echo.shutdown.cancel();
    let answer = client.rest().await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\ndone"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    echo.ended().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_takes_longer_than_the_drain_timeout_is_cut() {
    let mut echo = start(["--drain-timeout=2s"]);
    let mut client = echo.connect().await;
    client.send("GET /slow/20000 HTTP/1.1\r\nHost: x\r\n\r\n").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let start = Instant::now();
    echo.shutdown.cancel();
    echo.ended().await;
    assert_eq!(client.rest().await, "");
    assert!(
        start.elapsed() >= Duration::from_secs(2) && start.elapsed() < Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn during_the_drain_delay_it_serves_but_is_unready_and_keeps_no_connection() {
    let mut echo = start(["--drain-delay=3s"]);
    echo.readiness.set_ready();
    assert_eq!(echo.get("/readyz").await.status(), 200);
    let start = Instant::now();
    echo.shutdown.cancel();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let response = echo.get("/readyz").await;
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["connection"], "close");
    assert_eq!(response.text().await.unwrap(), r#"{"status":503,"message":"stopping"}"#);
    assert_eq!(echo.get("/healthz").await.status(), 200);
    echo.ended().await;
    assert!(
        start.elapsed() >= Duration::from_secs(3) && start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_on_its_way_at_the_stop_is_answered() {
    let mut echo = start([]);
    let mut fresh = echo.connect().await;
    let mut kept = echo.connect().await;
    kept.send(REQUEST).await;
    kept.read_to("ok\n").await;
    echo.shutdown.cancel();
    // The port is closed when connections are to finish; time stands still meanwhile.
    while std::net::TcpStream::connect(echo.address).is_ok() {
        tokio::task::yield_now().await;
    }
    for client in [&mut fresh, &mut kept] {
        client.send(REQUEST).await;
        let answer = client.rest().await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer:?}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
    echo.ended().await;
}

#[tokio::test(start_paused = true)]
async fn half_a_request_does_not_hold_the_stop_up() {
    let mut echo = start([]);
    let mut client = echo.connect().await;
    client.send("GET /healthz HTTP/1.1\r\nX-Slow").await;
    echo.get("/healthz").await;
    let start = Instant::now();
    echo.shutdown.cancel();
    echo.ended().await;
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[tokio::test]
async fn connections_still_in_the_backlog_are_answered() {
    let mut echo = start([]);
    // Accepted by the kernel only: the service gets no turn between these lines.
    let mut clients: Vec<_> = (0..50).map(|_| std::net::TcpStream::connect(echo.address).unwrap()).collect();
    echo.shutdown.cancel();
    for client in &mut clients {
        std::io::Write::write_all(client, REQUEST.as_bytes()).unwrap();
    }
    echo.ended().await;
    for mut client in clients {
        let mut answer = String::new();
        std::io::Read::read_to_string(&mut client, &mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn idle_connections_do_not_hold_the_stop_up() {
    let mut echo = start([]);
    let mut kept = echo.connect().await;
    kept.send(REQUEST).await;
    kept.read_to("ok\n").await;
    let _silent = echo.connect().await;
    let start = Instant::now();
    echo.shutdown.cancel();
    echo.ended().await;
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert_eq!(kept.rest().await, "");
}

#[tokio::test]
async fn after_the_stop_nothing_is_accepted() {
    let mut echo = start([]);
    echo.shutdown.cancel();
    echo.ended().await;
    assert!(tokio::net::TcpStream::connect(echo.address).await.is_err());
}
