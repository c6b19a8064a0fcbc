//! The setting `PEER_NODES`: which other nodes there are (protocol, section 1).

/// A node that this one calls.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PeerNode {
    /// The node's name.
    pub id: String,
    /// Its XML-RPC address, `http://host:port`, maybe with a path.
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

/// An entry that names no node that could be called. The original keeps such a node, unavailable for ever and
/// against every deletion (section 12, row 32); here it is an error, as nobody can want that.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Malformed {
    /// An entry of another form.
    #[error("{0:?} is no node: an entry is id:host:port or id:http://host:port")]
    Entry(String),
    /// An address with TLS.
    #[error("{0:?} cannot be called: nodes speak http:// with each other, not https://")]
    Https(String),
}

/// Reads the setting. `own_id` is the name of the node that reads it.
///
/// Entries stand between commas. The id is what precedes the first colon. What follows is the address
/// if it starts with `http://`, else `host:port`. Where an id is repeated, the last entry counts.
///
/// # Errors
/// [`Malformed`], for the first entry that names no node.
pub fn parse(text: &str, own_id: &str) -> Result<PeerNodes, Malformed> {
    let mut peers = PeerNodes::default();
    for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let (id, rest) = entry.split_once(':').ok_or_else(|| Malformed::Entry(entry.to_owned()))?;
        let (id, rest) = (id.trim(), rest.trim());
        if id == own_id {
            peers.skipped.push(Skipped::Own(entry.to_owned()));
            continue;
        }
        if rest.starts_with("https://") {
            return Err(Malformed::Https(entry.to_owned()));
        }
        let address = address(rest).filter(|_| !id.is_empty());
        peers.add(id, address.ok_or_else(|| Malformed::Entry(entry.to_owned()))?);
    }
    Ok(peers)
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
fn address(rest: &str) -> Option<String> {
    if rest.starts_with("http://") {
        return Some(rest.to_owned());
    }
    // A host is followed by its port; `[::1]` has colons of its own.
    let (host, port) = rest.rsplit_once(':')?;
    let (host, port) = (host.trim(), port.trim());
    let is_host = !host.is_empty() && !host.contains(['/', ' ']) && (host.starts_with('[') || !host.contains(':'));
    let is_port = port.parse::<u16>().is_ok_and(|port| port != 0);
    (is_host && is_port).then(|| format!("http://{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        parse(text, "node1").unwrap().nodes.into_iter().map(|node| (node.id, node.address)).collect()
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
    fn spaces_around_the_parts_do_not_count() {
        one(" node2 : host : 9090 ", "node2", "http://host:9090");
        one("node2:[::1]:9090", "node2", "http://[::1]:9090");
    }

    #[test]
    fn an_entry_that_names_no_node_is_an_error() {
        for entry in ["node2", "node2:9999", "node2: ", "node2::", "node2::9090", ":host:1", "node2:a:b", "node2:a:1:b"]
        {
            assert_eq!(parse(entry, "node1"), Err(Malformed::Entry(entry.trim().to_owned())), "{entry}");
        }
        let https = "node2:https://host:9090";
        assert_eq!(parse(https, "node1"), Err(Malformed::Https(https.to_owned())));
    }

    #[test]
    fn the_last_entry_of_an_id_counts() {
        let peers = parse("node2:a:1,node3:b:2,node2:c:3,node3:b:2", "node1").unwrap();
        let addresses: Vec<_> = peers.nodes.iter().map(|node| node.address.as_str()).collect();
        assert_eq!(addresses, ["http://c:3", "http://b:2"]);
        assert_eq!(peers.skipped, [Skipped::Replaced { id: "node2".to_owned(), address: "http://a:1".to_owned() }]);
    }

    #[test]
    fn the_node_itself_is_skipped_and_said_so() {
        let peers = parse(" , node1 :self:9090,node3:c:3,", "node1").unwrap();
        assert_eq!(peers.nodes, [PeerNode { id: "node3".to_owned(), address: "http://c:3".to_owned() }]);
        assert_eq!(peers.skipped, [Skipped::Own("node1 :self:9090".to_owned())]);
        assert_eq!(parse("", "node1"), Ok(PeerNodes::default()));
    }
}
