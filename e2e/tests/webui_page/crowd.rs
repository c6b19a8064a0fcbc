//! More instances than a test can start as programs: small servers that say of themselves what instances say.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use anyhow::Result;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::service::{Service, free_port, own_address};

/// Instances on twenty machines, in three versions, and the page's server; all end with the test.
#[derive(Debug)]
pub(crate) struct Crowd {
    host: Ipv4Addr,
    webui: Service,
    /// Requests that each of them has answered, as they say.
    requests: Vec<Arc<AtomicU64>>,
}

impl Crowd {
    /// Starts so many instances.
    pub(crate) async fn start(count: usize) -> Result<Self> {
        let host = own_address();
        let (mut places, mut requests) = (Vec::new(), Vec::new());
        for number in 0..count {
            let listener = TcpListener::bind((host, 0)).await?;
            places.push(listener.local_addr()?);
            let answered = Arc::new(AtomicU64::new(0));
            requests.push(answered.clone());
            tokio::spawn(serve(listener, number, answered));
        }
        let places: Vec<_> = places.iter().map(SocketAddr::to_string).collect();
        let mut webui = Service::listening("webui", host, free_port(host)?)?
            .setting("API_URL", &format!("http://{host}:1"))
            .setting("YARD", &places.join(","));
        webui.start()?;
        Ok(Self { host, webui, requests })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}:{}/", self.host, self.webui.setting_of("PORT"))
    }

    /// Has one of them answer further requests; the first is 0.
    pub(crate) fn answers(&self, number: usize, requests: u64) {
        self.requests[number].fetch_add(requests, Relaxed);
    }
}

async fn serve(listener: TcpListener, number: usize, requests: Arc<AtomicU64>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer_all(stream, number, requests.clone()));
    }
}

/// Answers every request on a connection with what the instance says of itself; whoever asks wants nothing else.
async fn answer_all(mut stream: TcpStream, number: usize, requests: Arc<AtomicU64>) {
    let (reader, mut writer) = stream.split();
    let mut lines = BufReader::new(reader).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if !line.is_empty() {
            continue;
        }
        let body = whoami(number, requests.load(Relaxed)).to_string();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        if writer.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn whoami(number: usize, requests: u64) -> serde_json::Value {
    let machine = number % 20 + 1;
    let architecture = ["arm64", "arm/v7", "amd64"][machine % 3];
    json!({
        "name": "producer", "version": format!("1.{}.0", number % 3), "host": format!("{number:012x}"),
        "served_by": format!("yard_producer.{}@pi{machine}", number + 1), "node": format!("pi{machine}"),
        "architecture": architecture, "uptime_seconds": 1000, "ready": true,
        "requests": requests,
    })
}
