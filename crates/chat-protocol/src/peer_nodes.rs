//! The setting `PEER_NODES`: which other nodes there are (protocol, section 1).

/// A node that this one calls.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PeerNode {
    /// The node's name.
    pub id: String,
    /// Its XML-RPC address, `http://host:port`. It may be text that nobody can call, as in `node2:9999`:
    /// then the node counts as unavailable in every discovery, and blocks every deletion.
    pub address: String,
}

/// What a text of the setting says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PeerNodes {
    /// The nodes, in the order in which their names occur first.
    pub nodes: Vec<PeerNode>,
    /// What is not used, for the log.
    pub skipped: Vec<Skipped>,
}

/// An entry that is not used, and why. Empty entries are none.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Skipped {
    /// An entry without a colon.
    #[error("{0:?} is skipped: an entry is id:host:port or id:http://host:port")]
    NoAddress(String),
    /// The node itself (protocol, section 12, row 27: it would list its own rooms twice).
    #[error("{0:?} is skipped: it is this node itself")]
    Own(String),
    /// A node with another entry after this one.
    #[error("{id} at {address:?} is skipped: a later entry gives {id} another address")]
    Replaced {
        /// The node's name.
        id: String,
        /// The address that is not used.
        address: String,
    },
}

/// Reads the setting. `own_id` is the name of the node that reads it.
///
/// Entries stand between commas. The id is what precedes the first colon. What follows is the address
/// if it starts with `http://`, else `host:port`; more parts are dropped, and fewer are kept as an
/// address that cannot be called. Where an id is repeated, the last entry counts.
#[must_use]
pub fn parse(text: &str, own_id: &str) -> PeerNodes {
    let mut peers = PeerNodes::default();
    for entry in text.split(',') {
        let Some((id, rest)) = entry.split_once(':') else {
            if !entry.trim().is_empty() {
                peers.skipped.push(Skipped::NoAddress(entry.trim().to_owned()));
            }
            continue;
        };
        let id = id.trim();
        if id == own_id {
            peers.skipped.push(Skipped::Own(entry.trim().to_owned()));
            continue;
        }
        peers.add(id, address(rest));
    }
    peers
}

impl PeerNodes {
    fn add(&mut self, id: &str, address: String) {
        match self.nodes.iter_mut().find(|node| node.id == id) {
            Some(known) if known.address == address => {}
            Some(known) => {
                let address = std::mem::replace(&mut known.address, address);
                self.skipped.push(Skipped::Replaced { id: id.to_owned(), address });
            }
            None => self.nodes.push(PeerNode { id: id.to_owned(), address }),
        }
    }
}

/// The address in what follows the id.
fn address(rest: &str) -> String {
    let trimmed = rest.trim();
    if trimmed.starts_with("http://") {
        return trimmed.to_owned();
    }
    // The original does not trim these parts, which matters to nobody who can be called.
    let mut parts = rest.split(':');
    match (parts.next(), parts.next()) {
        (Some(host), Some(port)) => format!("http://{host}:{port}"),
        _ => trimmed.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        parse(text, "node1").nodes.into_iter().map(|node| (node.id, node.address)).collect()
    }

    fn one(text: &str, id: &str, address: &str) {
        assert_eq!(read(text), [(id.to_owned(), address.to_owned())], "{text}");
    }

    #[test]
    fn an_entry_is_an_id_and_an_address() {
        one("node2:node2:9090", "node2", "http://node2:9090");
        one("node2:http://10.0.0.2:9090", "node2", "http://10.0.0.2:9090");
        one(" node2 : http://[::1]:9090 ", "node2", "http://[::1]:9090");
        one("node2:http://node2:9090/RPC2", "node2", "http://node2:9090/RPC2");
    }

    #[test]
    fn parts_of_an_address_are_taken_as_the_original_takes_them() {
        one("node2:host:9090:more:parts", "node2", "http://host:9090");
        one("node2: host :9090 ", "node2", "http:// host :9090 ");
        one("node2:https://host:9090", "node2", "http://https://host");
        one("node2::", "node2", "http://:");
        one(":host:1", "", "http://host:1");
    }

    #[test]
    fn an_address_that_nobody_can_call_stays_listed() {
        one("node2:9999", "node2", "9999");
        one("node2: ", "node2", "");
    }

    #[test]
    fn the_last_entry_of_an_id_counts() {
        let peers = parse("node2:a:1,node3:b:2,node2:c:3,node3:b:2", "node1");
        let addresses: Vec<_> = peers.nodes.iter().map(|node| node.address.as_str()).collect();
        assert_eq!(addresses, ["http://c:3", "http://b:2"]);
        assert_eq!(peers.skipped, [Skipped::Replaced { id: "node2".to_owned(), address: "http://a:1".to_owned() }]);
    }

    #[test]
    fn what_is_no_peer_is_skipped_and_told() {
        let peers = parse(" , node2,, node1 :self:9090,node3:c:3,", "node1");
        assert_eq!(peers.nodes, [PeerNode { id: "node3".to_owned(), address: "http://c:3".to_owned() }]);
        assert_eq!(
            peers.skipped,
            [Skipped::NoAddress("node2".to_owned()), Skipped::Own("node1 :self:9090".to_owned())]
        );
        assert_eq!(parse("", "node1"), PeerNodes::default());
    }
}
