//! `WebSocket`s: connections like others, up to the stop.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::harness::{Echo, start};

async fn connect(echo: &Echo, path: &str) -> WebSocketStream<MaybeTlsStream<TcpStream>> {
    connect_async(format!("ws://{}{path}", echo.address)).await.unwrap().0
}

#[tokio::test]
async fn a_websocket_works() {
    let echo = start([]);
    let mut socket = connect(&echo, "/shout").await;
    for text in ["one", "two", "three"] {
        socket.send(Message::text(text)).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text(text));
    }
}

#[tokio::test(start_paused = true)]
async fn a_quiet_websocket_has_no_limit_on_request_heads() {
    let echo = start([]);
    let mut socket = connect(&echo, "/shout").await;
    tokio::time::sleep(10 * service::server::REQUEST_HEAD_TIMEOUT).await;
    socket.send(Message::text("still here")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("still here"));
}

#[tokio::test(start_paused = true)]
async fn at_the_stop_a_websocket_is_closed_with_a_close_frame_and_waited_for() {
    let mut echo = start([]);
    let mut socket = connect(&echo, "/shout").await;
    let start = Instant::now();
    echo.shutdown.cancel();
    let Message::Close(Some(frame)) = socket.next().await.unwrap().unwrap() else { panic!("no close frame") };
    assert_eq!((frame.code, frame.reason.as_str()), (CloseCode::Away, "the service stops"));
    drop(socket);
    echo.ended().await;
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_websocket_that_is_opened_during_the_drain_delay_works() {
    let mut echo = start(["--drain-delay=3s"]);
    echo.shutdown.cancel();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut socket = connect(&echo, "/shout").await;
    socket.send(Message::text("late")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("late"));
    assert!(matches!(socket.next().await, Some(Ok(Message::Close(_)))));
    drop(socket);
    echo.ended().await;
}

#[tokio::test(start_paused = true)]
async fn a_websocket_that_ignores_the_stop_does_not_hold_it_up_for_ever() {
    let mut echo = start(["--drain-timeout=2s"]);
    let _socket = connect(&echo, "/deaf").await;
    let start = Instant::now();
    echo.shutdown.cancel();
    echo.ended().await;
    assert!(
        start.elapsed() >= Duration::from_secs(2) && start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
}
