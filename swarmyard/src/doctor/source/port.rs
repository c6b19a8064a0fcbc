//! The ports that our services are published at.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::RangeInclusive;
use std::time::Duration;

use listeners::{Protocol, get_process_by_port};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::settings::Settings;

/// What `docker-compose.yml` and `stack.yml` publish: the variable, its default, the service.
const PUBLISHED: [(&str, u16, &str); 10] = [
    ("PRODUCER_PORT", 5000, "producer"),
    ("WEBUI_PORT", 8080, "webui"),
    ("WAY_IN_PORT", 8080, "way-in"),
    ("NODE1_WS_PORT", 8081, "node1"),
    ("NODE2_WS_PORT", 8082, "node2"),
    ("NODE3_WS_PORT", 8083, "node3"),
    ("API_PORT", 9000, "api"),
    ("NODE1_RPC_PORT", 9091, "node1"),
    ("NODE2_RPC_PORT", 9092, "node2"),
    ("NODE3_RPC_PORT", 9093, "node3"),
];

/// Most that is read of what it answers: `AirPlay` says who it is in the first lines.
const ANSWER_MAX: usize = 1024;

/// A port that a service of ours is to be published at.
#[derive(Clone, Debug)]
pub(in crate::doctor) struct Port {
    pub(in crate::doctor) number: u16,
    /// What the number is set by.
    pub(in crate::doctor) variable: &'static str,
    pub(in crate::doctor) service: &'static str,
    /// Who has it already.
    pub(in crate::doctor) holder: Option<Holder>,
}

/// Who has a port.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::doctor) enum Holder {
    AirPlay,
    Process {
        name: String,
        id: u32,
    },
    /// The system does not tell of other people's programs.
    Unknown,
}

/// A port or several, such as `5000` and `5000-5002`.
pub(super) fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(first.parse().ok()?..=last.parse().ok()?)
}

/// Tries all ports, each once, and asks for no longer than `limit` who has those that are taken.
pub(in crate::doctor) async fn try_all(settings: &Settings, limit: Duration) -> Vec<Port> {
    let mut wanted = BTreeMap::new();
    for (variable, default, service) in PUBLISHED {
        let value = settings.get(variable).unwrap_or_else(|| default.to_string());
        // As in 127.0.0.1:8080.
        let ports = value.rsplit(':').next().and_then(range).unwrap_or(default..=default);
        for number in ports {
            wanted.entry(number).or_insert((variable, service));
        }
    }
    let mut ports = Vec::new();
    for (number, (variable, service)) in wanted {
        let holder = is_taken(number).then(|| tokio::spawn(holder(number, limit)));
        ports.push((Port { number, variable, service, holder: None }, holder));
    }
    let mut found = Vec::new();
    for (port, holder) in ports {
        let holder = match holder {
            Some(holder) => Some(holder.await.unwrap_or(Holder::Unknown)),
            None => None,
        };
        found.push(Port { holder, ..port });
    }
    found
}

/// Whether Docker could not have this port, at all addresses of the machine.
fn is_taken(port: u16) -> bool {
    // Docker may have those below 1024.
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_err_and(|error| error.kind() == ErrorKind::AddrInUse)
}

async fn holder(port: u16, limit: Duration) -> Holder {
    let process = spawn_blocking(move || get_process_by_port(port, Protocol::TCP).ok());
    let (answer, process) = tokio::join!(timeout(limit, answer(port)), timeout(limit, process));
    if answer.is_ok_and(|answer| answer.is_some_and(|answer| answer.contains("AirTunes"))) {
        return Holder::AirPlay;
    }
    match process {
        Ok(Ok(Some(process))) => Holder::Process { name: process.name, id: process.pid },
        _ => Holder::Unknown,
    }
}

/// The beginning of what it answers over HTTP.
async fn answer(port: u16) -> Option<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok()?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.ok()?;
    let mut answer = [0; ANSWER_MAX];
    let length = stream.read(&mut answer).await.ok()?;
    Some(String::from_utf8_lossy(&answer[..length]).into_owned())
}
