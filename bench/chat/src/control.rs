//! One client that asks and waits for the answer: it creates rooms and deletes them.

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

/// Longest wait for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// One client that asks and waits for the answer.
pub(crate) struct Control(WebSocket<TcpStream>);

impl Control {
    /// Connects to a node.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        let (socket, _) = client(format!("ws://{address}/"), stream).context("no WebSocket")?;
        Ok(Self(socket))
    }

    /// Sends a request and waits for a text of one of these types; gives the type and the text.
    ///
    /// # Errors
    /// When none comes in time.
    pub(crate) fn ask(&mut self, kind: &str, data: &Value, answers: &[&str]) -> anyhow::Result<(String, String)> {
        self.0.send(Message::text(json!({ "type": kind, "data": data }).to_string()))?;
        let start = Instant::now();
        while start.elapsed() < ANSWER_TIMEOUT {
            let message = self.0.read().with_context(|| format!("no answer to {kind}"))?;
            let Message::Text(text) = message else { continue };
            let answer: Value = serde_json::from_str(&text)?;
            if let Some(answer) = answer["type"].as_str().filter(|answer| answers.contains(answer)) {
                return Ok((answer.to_owned(), text.to_string()));
            }
        }
        bail!("no answer to {kind} within {ANSWER_TIMEOUT:?}")
    }

    /// Creates a room; gives its id.
    ///
    /// # Errors
    /// When the node refuses.
    pub(crate) fn create_room(&mut self, name: &str, creator: &str) -> anyhow::Result<String> {
        let (_, text) =
            self.ask("create_room", &json!({ "room_name": name, "creator_id": creator }), &["room_created"])?;
        let answer: Value = serde_json::from_str(&text)?;
        Ok(answer["data"]["room_id"].as_str().with_context(|| format!("no room: {text}"))?.to_owned())
    }

    /// Sends a message to a room as this user, and leaves; gives the bytes that a delivery has.
    ///
    /// # Errors
    /// When the node refuses.
    pub(crate) fn delivery_bytes(&mut self, room: &str, user: &str, content: &str) -> anyhow::Result<usize> {
        let mut member = json!({ "room_id": room, "username": user });
        self.ask("join_room", &member, &["join_room_success"])?;
        member["content"] = content.into();
        let (_, text) = self.ask("send_message", &member, &["new_message"])?;
        Ok(text.len())
    }
}
