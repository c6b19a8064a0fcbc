//! The chat node: serves its clients over `WebSockets`, and agrees with its peers over XML-RPC.
//!
//! A room lives on the node where it was created, which gives every message its number; the clients of
//! other nodes hear it through theirs. "Protocol, section N" in the comments is a section of the
//! description of the wire that `crates/chat-protocol` has as types.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::Request;
use axum::http::header::UPGRADE;
use axum::response::IntoResponse;
use chat_journal::Journal;
use hyper::body::Incoming;
use service::chaos::Role;
use service::error::HttpError;
use service::server::{Answer, Client};
use service::{About, Chaos, Identity, Readiness, Server, Settings};
use tokio::sync::mpsc;
use tokio::time::{Duration, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

mod config;
mod deletion;
mod figures;
mod frame;
mod gzip;
pub mod heartbeat;
mod journal_copy;
mod liveness;
mod node;
mod node_id;
mod outbox;
mod page;
mod peers;
mod refused;
mod relay;
mod room;
mod rooms;
mod rpc;
mod session;
mod socket;
mod told;
mod votes;

pub use config::Config;
use liveness::Times;
use node::Node;
use node_id::NodeId;
use peers::Peers;
use refused::Refused;
use relay::Relay;
use room::Context;
use rooms::Rooms;
use votes::Votes;

/// What the program says of itself.
pub const ABOUT: About = service::about!();

/// Longest time for goodbyes after the last connection is closed: deletions are brought to an end, and
/// peers that answer are told who has gone.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(2);

/// A node whose ports are taken, but which serves nobody yet.
#[derive(Debug)]
pub struct ChatNode {
    clients: Server,
    peers: Server,
    identity: Identity,
    readiness: Readiness,
    node: Arc<Node>,
    times: Times,
    failed: mpsc::Receiver<NodeId>,
    journal: Option<Journal>,
}

/// Takes the ports, and opens the journal. It has to be called within a tokio runtime, where the rooms
/// of the journal begin to live.
///
/// # Errors
/// When a port or the journal cannot be had, or a setting is wrong.
pub fn bind(config: &Config) -> anyhow::Result<ChatNode> {
    let identity = Identity::new(&ABOUT, &config.service);
    service::metrics::init(&identity);
    figures::describe();
    let clients_address = (config.websocket_host, config.websocket_port).into();
    let (settings, faces) = (("WEBSOCKET_HOST", "WEBSOCKET_PORT"), ["clients: ws://", "page: http://"]);
    let clients = Server::bind(settings, clients_address, &faces, &identity, &config.service)?;
    let (settings, faces) = (("XMLRPC_HOST", "XMLRPC_PORT"), ["nodes: http://"]);
    let peers_server = Server::bind(settings, config.health_address(), &faces, &identity, &config.service)?;

    let parsed = config.peers().map_err(anyhow::Error::msg)?;
    for skipped in &parsed.skipped {
        tracing::warn!("PEER_NODES: {skipped}");
    }
    let secret = config.cluster_secret.read().map_err(anyhow::Error::msg)?;
    let (peers, failed) = Peers::new(parsed.nodes, secret.as_ref())?;
    let readiness = Readiness::ready();
    let chaos = Chaos::new(&config.service, &readiness, Role::Server)?;
    let (journal, saved) = match &config.data_dir {
        Some(directory) => {
            Journal::open(directory, readiness.clone()).map(|(journal, saved)| (Some(journal), saved))?
        }
        None => (None, Vec::new()),
    };
    let id: NodeId = config.node_id.as_str().into();
    let context = Context { peers: peers.clone(), journal: journal.clone() };
    let port = peers_server.address().port();
    let node = Arc::new(Node {
        address: config.xmlrpc_address.clone().unwrap_or_else(|| format!("http://{id}:{port}")),
        rooms: Rooms::new(id.clone(), context, saved),
        id,
        secret,
        peers,
        relay: Relay::new(),
        votes: Votes::default(),
        refused: Refused::default(),
        chaos,
        requests: identity.requests(),
        work: TaskTracker::new(),
    });
    let own = node.clone();
    identity.tell(move || told::details(&own));
    let times = config.times();
    Ok(ChatNode { clients, peers: peers_server, identity, readiness, node, times, failed, journal })
}

impl ChatNode {
    /// The address for clients.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.clients.address()
    }

    /// The address for other nodes.
    #[must_use]
    pub fn xmlrpc_address(&self) -> SocketAddr {
        self.peers.address()
    }

    /// Serves clients and other nodes until `shutdown`.
    ///
    /// # Errors
    /// When a listening socket breaks.
    pub async fn run(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let Self { clients, peers, identity, readiness, node, times, failed, journal } = self;
        let routes = rpc::routes(node.clone()).merge(journal_copy::routes(node.clone(), journal.clone()));
        let rpc = service::http::router(routes, &identity, &readiness, &node.chaos);
        let page = service::http::router(page::routes(), &identity, &readiness, &node.chaos);
        let contact =
            AbortOnDropHandle::new(tokio::spawn(liveness::keep_contact(node.clone(), times.heartbeat_interval)));
        let trying = journal.clone().map(|journal| AbortOnDropHandle::new(tokio::spawn(journal.keep_trying())));
        let watching = AbortOnDropHandle::new(tokio::spawn(liveness::watch(node.clone(), times, failed)));

        // Peers are served for as long as clients are, and while these say goodbye.
        let clients_are_gone = CancellationToken::new();
        let serve_clients = async {
            let app = Clients { node: node.clone(), page };
            let result = clients.run(app, readiness.clone(), shutdown).await;
            node.work.close();
            let farewell = async {
                node.work.wait().await;
                node.peers.flush().await;
            };
            if timeout(FAREWELL_TIMEOUT, farewell).await.is_err() {
                tracing::warn!("not every peer has heard yet who is gone");
            }
            clients_are_gone.cancel();
            result
        };
        let serve_peers = peers.run(rpc, readiness.clone(), clients_are_gone.clone());
        let (clients, peers) = tokio::join!(serve_clients, serve_peers);
        drop((watching, contact, trying));
        if let Some(journal) = journal {
            journal.close().await;
        }
        clients.and(peers)
    }
}

/// What is served on the port for clients: a WebSocket at every path, and the page.
#[derive(Clone)]
struct Clients {
    node: Arc<Node>,
    page: Router,
}

impl service::server::App for Clients {
    type Body = axum::body::Body;

    fn answer(&self, request: Request<Incoming>, client: &Client) -> Answer<Self::Body> {
        if request.headers().contains_key(UPGRADE) {
            let (node, closing) = (self.node.clone(), client.closing.clone());
            return Answer::Later(Box::pin(async move {
                let opened = match node.chaos.admit().await {
                    Ok(()) => socket::open(&node, request, closing),
                    Err(error) => Err(HttpError::from(error)),
                };
                opened.unwrap_or_else(IntoResponse::into_response)
            }));
        }
        self.page.answer(request, client)
    }
}
