//! `PROGRAM healthcheck`: asks the running instance, because an image without a shell has no curl.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use axum::body::Body;
use axum::http::header::HOST;
use axum::http::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longest wait for the answer; a check is over within 1 s.
pub const HEALTHCHECK_TIMEOUT: Duration = Duration::from_millis(900);

/// Asks for `/healthz` at `port` of this machine.
///
/// # Errors
/// When no answer, or another one than 200, comes within [`HEALTHCHECK_TIMEOUT`].
pub async fn ask(port: u16) -> anyhow::Result<()> {
    let status = timeout(HEALTHCHECK_TIMEOUT, status_of_healthz(port))
        .await
        .map_err(|_| anyhow!("no answer from port {port} within {} ms", HEALTHCHECK_TIMEOUT.as_millis()))??;
    if status != StatusCode::OK {
        bail!("port {port} answered HTTP {}", status.as_u16());
    }
    Ok(())
}

async fn status_of_healthz(port: u16) -> anyhow::Result<StatusCode> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .with_context(|| format!("nothing answers at port {port}"))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get("/healthz").header(HOST, "localhost").body(Body::empty())?;
    Ok(sender.send_request(request).await.with_context(|| format!("port {port} does not speak HTTP"))?.status())
}
