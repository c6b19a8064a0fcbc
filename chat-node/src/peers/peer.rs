//! One other node.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use chat_protocol::peer_nodes::PeerNode;
use chat_protocol::xmlrpc::{MulticallReply, PeerCall, Reply, Value, multicall_xml};
use reqwest::{Client, Url};
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant, timeout};

use super::call::{self, CallError};
use super::forwards::{self, Forwards};
use super::told::{PASSED_TIMEOUT, Passed, Told};
use crate::figures;
use crate::node_id::NodeId;

/// How long a peer that does not know `system.multicall` gets single calls before it is tried again:
/// an original node may have been replaced by one of ours.
const MULTICALL_RETRY: Duration = Duration::from_mins(1);

/// How often a wait for a peer looks whether it still answers.
const ANSWERS_GLANCE: Duration = Duration::from_millis(50);

/// Another node: calls of it, and what it is told.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) id: NodeId,
    /// As in the setting.
    pub(crate) address: String,
    /// Nothing when the address is none.
    url: Option<Url>,
    client: Client,
    told: Told,
    forwards: Forwards,
    /// Until when the peer gets single calls only.
    single_calls_until: Mutex<Option<Instant>>,
    /// The last call had an answer.
    answers: AtomicBool,
}

impl Peer {
    pub(super) fn new(node: PeerNode, client: Client, failures: mpsc::Sender<Arc<Self>>) -> Arc<Self> {
        let url = url(&node.address);
        if url.is_none() {
            tracing::warn!("{} at {:?} cannot be called: an address is host:port", node.id, node.address);
        }
        Arc::new(Self {
            id: node.id.into(),
            address: node.address,
            url,
            client,
            told: Told::new(failures),
            forwards: Forwards::new(),
            single_calls_until: Mutex::new(None),
            answers: AtomicBool::new(false),
        })
    }

    pub(super) fn start(self: &Arc<Self>) {
        tokio::spawn(self.clone().tell_all());
        tokio::spawn(forwards::run(self.clone()));
    }

    pub(super) fn told_queue(&self) -> &Told {
        &self.told
    }

    pub(super) fn forwards(&self) -> &Forwards {
        &self.forwards
    }

    /// Whether the last call had an answer.
    pub(crate) fn answers(&self) -> bool {
        self.answers.load(Relaxed)
    }

    /// Queues a call that tells the peer something; it is told in this order, again and again until it
    /// answers. Never waits.
    pub(crate) fn tell(self: &Arc<Self>, call: Arc<PeerCall>) {
        if self.url.is_some() {
            self.told.push(self, call);
        }
    }

    /// When all that was queued so far is told.
    pub(crate) fn told(&self) -> Passed {
        self.told.passed()
    }

    /// Waits until the peer has heard all that was queued so far: [`PASSED_TIMEOUT`] at most, and not
    /// at all for a peer that does not answer.
    pub(crate) async fn heard_all(&self) {
        let mut told = self.told();
        // Its error is that it takes too long.
        let _ =
            timeout(PASSED_TIMEOUT, async { while self.answers() && !told.wait_for(ANSWERS_GLANCE).await {} }).await;
    }

    /// Forgets what the peer was to be told of rooms: it has failed, and its members are removed.
    pub(crate) fn forget_broadcasts(&self) {
        self.told.forget_broadcasts();
    }

    /// Whether the peer has yet to hear that a name leaves a room.
    pub(crate) fn is_to_hear_of_leave(&self, room_id: &str, username: &str) -> bool {
        self.told.has_leave(room_id, username)
    }

    /// Calls the peer once.
    pub(crate) async fn call<R: Reply>(&self, call: &PeerCall, limit: Duration) -> Result<R, CallError> {
        self.post(call.method(), call.to_xml(), limit).await
    }

    /// Whether the peer may understand several calls in one.
    pub(super) fn takes_multicalls(&self) -> bool {
        let until = *self.single_calls_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_none_or(|until| Instant::now() >= until)
    }

    /// Makes several calls in one. None when the peer does not know how, which is remembered for a
    /// while.
    pub(super) async fn multicall<'a>(
        &self,
        calls: impl Iterator<Item = &'a PeerCall> + Send,
        limit: Duration,
    ) -> Option<Result<MulticallReply, CallError>> {
        let body = multicall_xml(calls);
        match self.post("system.multicall", body, limit).await {
            Err(CallError::Fault(fault)) if fault.is_unknown_method() => {
                let until = Instant::now() + MULTICALL_RETRY;
                *self.single_calls_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
                None
            }
            result => Some(result),
        }
    }

    async fn post<R: Reply>(&self, method: &'static str, body: String, limit: Duration) -> Result<R, CallError> {
        let Some(url) = &self.url else {
            return Err(CallError::Unreachable(format!("{:?}, which is no address", self.address)));
        };
        let start = Instant::now();
        let result = call::call(&self.client, url, body, limit).await;
        let answers = matches!(result, Ok(_) | Err(CallError::Fault(_)));
        if self.answers.swap(answers, Relaxed) != answers {
            match &result {
                Err(error) if !answers => tracing::warn!("{} does not answer: {error}", self.id),
                _ => tracing::info!("{} answers", self.id),
            }
        }
        let outcome = result.as_ref().map_or_else(CallError::kind, |_| "ok");
        figures::peer_call(&self.id, method, outcome, start.elapsed(), answers);
        result
    }
}

/// One value of a multicall, as the reply that a call gives alone.
pub(super) fn reply<R: Reply>(value: Result<Value<'_>, chat_protocol::xmlrpc::Fault>) -> Result<R, CallError> {
    let value = value.map_err(CallError::Fault)?;
    R::from_value(value).map_err(|error| CallError::Nonsense(error.to_string()))
}

/// A client given `http://host:port` calls `/RPC2` (protocol, section 5).
fn url(address: &str) -> Option<Url> {
    let mut url = Url::parse(address).ok().filter(|url| url.scheme() == "http" && url.has_host())?;
    if url.path() == "/" {
        url.set_path("/RPC2");
    }
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_path_gets_the_usual_one() {
        let text = |address| url(address).map(|url| url.to_string());
        assert_eq!(text("http://node2:9090").as_deref(), Some("http://node2:9090/RPC2"));
        assert_eq!(text("http://[::1]:9090/").as_deref(), Some("http://[::1]:9090/RPC2"));
        assert_eq!(text("http://proxy/node2").as_deref(), Some("http://proxy/node2"));
        for wrong in ["", "9999", "node2:9090", "http://:", "ftp://node2"] {
            assert_eq!(text(wrong), None, "{wrong}");
        }
    }
    /// Protocol, section 12, row 26.
    #[tokio::test(start_paused = true)]
    async fn a_peer_that_does_not_know_several_calls_at_once_is_tried_again_after_some_time() {
        let node = PeerNode { id: "node2".to_owned(), address: "http://node2:9090".to_owned() };
        let peer = Peer::new(node, call::client(None).unwrap(), mpsc::channel(1).0);
        assert!(peer.takes_multicalls());
        *peer.single_calls_until.lock().unwrap() = Some(Instant::now() + MULTICALL_RETRY);
        tokio::time::advance(MULTICALL_RETRY.checked_sub(Duration::from_millis(1)).unwrap()).await;
        assert!(!peer.takes_multicalls());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(peer.takes_multicalls());
    }
}
