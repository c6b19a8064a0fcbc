//! `chat-node heartbeat URL`: asks a node whether it is there, as an image has no other program to.

use std::io::Write;

use chat_protocol::peer_nodes::PeerNode;
use chat_protocol::xmlrpc::{HeartbeatReply, PeerCall};
use clap::ArgMatches;
use tokio::time::Duration;

use crate::peers::Peers;

/// Longest wait for the answer.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(2);

/// The command's name, and its argument.
pub(crate) const HEARTBEAT: &str = "heartbeat";
pub(crate) const URL: &str = "url";

/// Prints the answer of the node that the command's arguments name.
///
/// # Errors
/// When no chat node answers there in time, or stdout cannot be written.
pub async fn print(arguments: &ArgMatches) -> anyhow::Result<()> {
    // The argument is required.
    let url = arguments.get_one::<String>(URL).map_or("", String::as_str);
    let answer = ask(url).await?;
    Ok(writeln!(std::io::stdout(), "{answer}")?)
}

/// Calls `heartbeat` of the node at `url`, and gives its answer as JSON.
async fn ask(url: &str) -> anyhow::Result<String> {
    let address = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    let (peers, _) = Peers::new(vec![PeerNode { id: url.to_owned(), address }], None)?;
    let reply = async {
        let peer = peers.get(url)?;
        Some(peer.call::<HeartbeatReply>(&PeerCall::Heartbeat, HEARTBEAT_TIMEOUT).await)
    };
    let Some(reply) = reply.await else { anyhow::bail!("no node at {url}") };
    let HeartbeatReply { status, node_id, timestamp } = reply.map_err(|error| anyhow::anyhow!("{url}: {error}"))?;
    Ok(serde_json::json!({ "status": status, "node_id": node_id, "timestamp": timestamp }).to_string())
}
