//! `PROGRAM healthcheck`: asks the running instance, because an image without a shell has no curl.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
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

/// Asks for `/healthz` at the address on which the instance listens.
///
/// # Errors
/// When no answer, or another one than 200, comes within [`HEALTHCHECK_TIMEOUT`].
pub async fn ask(address: SocketAddr) -> anyhow::Result<()> {
    let address = SocketAddr::new(reachable(address.ip()), address.port());
    let status = timeout(HEALTHCHECK_TIMEOUT, status_of_healthz(address))
        .await
        .map_err(|_| anyhow!("no answer from {address} within {} ms", HEALTHCHECK_TIMEOUT.as_millis()))??;
    if status != StatusCode::OK {
        bail!("{address} answered HTTP {}", status.as_u16());
    }
    Ok(())
}

/// Who listens on every interface answers on the loopback one, too.
fn reachable(host: IpAddr) -> IpAddr {
    match host {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        host => host,
    }
}

async fn status_of_healthz(address: SocketAddr) -> anyhow::Result<StatusCode> {
    let stream = TcpStream::connect(address).await.with_context(|| format!("nothing answers at {address}"))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get("/healthz").header(HOST, "localhost").body(Body::empty())?;
    Ok(sender.send_request(request).await.with_context(|| format!("{address} does not speak HTTP"))?.status())
}
