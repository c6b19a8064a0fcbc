//! Calls of one other node, and whether it answers.

use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use chat_protocol::peer_nodes::PeerNode;
use chat_protocol::xmlrpc::{Fault, MulticallReply, PeerCall, Reply, ReplyError, Value, multicall_xml, read_reply};
use reqwest::{Client, Url};
use tokio::time::{Duration, Instant, timeout};

use super::transport::{self, CallError};
use crate::figures;
use crate::node_id::NodeId;

/// How long a peer that does not know `system.multicall` gets single calls before it is tried again:
/// an original node may have been replaced by one of ours.
const MULTICALL_RETRY: Duration = Duration::from_mins(1);

/// What an address is.
pub(super) const ACCEPTED: &str = "an address is host:port or http://host:port";

/// How a peer has taken the last call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Standing {
    /// It has not been called yet.
    Unknown,
    Answers,
    /// It answers that it does not let this node in.
    Refuses,
    /// There is no answer, for a reason of this kind.
    Silent(&'static str),
}

/// Calls one peer.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) id: NodeId,
    url: Url,
    client: Client,
    /// Until when the peer gets single calls only.
    single_calls_until: Mutex<Option<Instant>>,
    standing: Mutex<Standing>,
}

impl Caller {
    /// For a node of this address.
    ///
    /// # Errors
    /// When that is no address of a node.
    pub(super) fn new(node: PeerNode, client: Client) -> anyhow::Result<Self> {
        let PeerNode { id, address } = node;
        let url = url(&address).with_context(|| format!("{id} at {address:?} cannot be called: {ACCEPTED}"))?;
        Ok(Self {
            id: id.into(),
            url,
            client,
            single_calls_until: Mutex::new(None),
            standing: Mutex::new(Standing::Unknown),
        })
    }

    /// Whether the last call had an answer that was no refusal.
    pub(super) fn answers(&self) -> bool {
        *self.standing() == Standing::Answers
    }

    /// Whether it answered the last call: `up`, `refuses`, `silent`; `unknown` before the first.
    pub(super) fn state(&self) -> &'static str {
        match *self.standing() {
            Standing::Unknown => "unknown",
            Standing::Answers => "up",
            Standing::Refuses => "refuses",
            Standing::Silent(_) => "silent",
        }
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how a call went, and logs what has changed by it.
    fn note(&self, method: &'static str, error: Option<&CallError>) {
        let now = match error {
            Some(error) if error.refusal().is_some() => Standing::Refuses,
            None | Some(CallError::Fault(_)) => Standing::Answers,
            Some(error) => Standing::Silent(error.kind()),
        };
        let mut standing = self.standing();
        // Everybody is answered a heartbeat: that says nothing of other calls.
        let is_same = *standing == now
            || (method == PeerCall::Heartbeat.method() && *standing == Standing::Refuses && now == Standing::Answers);
        if is_same {
            return;
        }
        *standing = now;
        drop(standing);
        let id = &self.id;
        match error {
            Some(error) if let Some(reason) = error.refusal() => {
                tracing::warn!(peer = &**id, "{id} refuses the calls of this node: {reason}");
            }
            Some(error) if !matches!(error, CallError::Fault(_)) => {
                tracing::warn!(peer = &**id, "{id} does not answer: {error}");
            }
            _ => tracing::info!(peer = &**id, "{id} answers"),
        }
    }

    /// Calls the peer once.
    pub(super) async fn call<R: Reply>(&self, call: &PeerCall, limit: Duration) -> Result<R, CallError> {
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
        let start = Instant::now();
        let result = self.exchange(body, limit).await;
        self.note(method, result.as_ref().err());
        let outcome = result.as_ref().map_or_else(CallError::kind, |_| "ok");
        figures::peer_call(&self.id, method, outcome, start.elapsed(), self.answers());
        result
    }

    /// Posts a call's body, and reads the reply within `limit`.
    async fn exchange<R: Reply>(&self, body: String, limit: Duration) -> Result<R, CallError> {
        let answer = timeout(limit, transport::post(&self.client, &self.url, body)).await;
        let answer = answer.map_err(|_| CallError::TimedOut(limit))??;
        read_reply(&answer).map_err(|error| match error {
            ReplyError::Fault(fault) => CallError::Fault(fault),
            ReplyError::NotXmlRpc(error) => CallError::Nonsense(error.to_string()),
            ReplyError::Unexpected(error) => CallError::Nonsense(error.to_string()),
        })
    }
}

/// One value of a multicall, as the reply that a call gives alone.
pub(super) fn reply<R: Reply>(value: Result<Value<'_>, Fault>) -> Result<R, CallError> {
    let value = value.map_err(CallError::Fault)?;
    R::from_value(value).map_err(|error| CallError::Nonsense(error.to_string()))
}

/// A client given `http://host:port` calls `/RPC2` (protocol, section 5).
pub(super) fn url(address: &str) -> Option<Url> {
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
        let caller = Caller::new(node, transport::client(None).unwrap()).unwrap();
        assert!(caller.takes_multicalls());
        *caller.single_calls_until.lock().unwrap() = Some(Instant::now() + MULTICALL_RETRY);
        tokio::time::advance(MULTICALL_RETRY.checked_sub(Duration::from_millis(1)).unwrap()).await;
        assert!(!caller.takes_multicalls());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(caller.takes_multicalls());
    }
}
