//! Where a node is.

use std::fmt::{self, Display};
use std::str::FromStr;

/// Example for messages and for the first screen: where `docker compose up` publishes the first node.
pub(crate) const EXAMPLE: &str = "localhost:8081";

/// A node's address: `host:port`, as people write it, or `ws://host:port`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Address {
    host_and_port: String,
    /// Empty, or from the first slash on; nodes accept every path, a reverse proxy may not.
    path: String,
}

/// Why text is no address. Its `Display` says what is accepted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum WrongAddress {
    #[error("{0}:// is not spoken here: give the node as host:port, such as {EXAMPLE}")]
    Scheme(String),
    #[error("the port is missing: give the node as host:port, such as {EXAMPLE}")]
    NoPort,
    #[error("the host is missing: give the node as host:port, such as {EXAMPLE}")]
    NoHost,
    #[error("{0:?} is no port: give a number from 1 to 65535, as in {EXAMPLE}")]
    Port(String),
    #[error("{0:?} is no host name: give the node as host:port, such as {EXAMPLE} or [::1]:8081")]
    Host(String),
}

impl Address {
    /// The address as a URL for the WebSocket.
    pub(crate) fn url(&self) -> String {
        let path = if self.path.is_empty() { "/" } else { &self.path };
        format!("ws://{}{path}", self.host_and_port)
    }

    /// `host:port`, for [`tokio::net::TcpStream::connect`].
    pub(crate) fn host_and_port(&self) -> &str {
        &self.host_and_port
    }
}

impl FromStr for Address {
    type Err = WrongAddress;

    fn from_str(text: &str) -> Result<Self, WrongAddress> {
        let text = text.trim();
        let rest = match text.split_once("://") {
            Some(("ws", rest)) => rest,
            Some((scheme, _)) => return Err(WrongAddress::Scheme(scheme.to_owned())),
            None => text,
        };
        let (host_and_port, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = host_and_port.rsplit_once(':').ok_or(WrongAddress::NoPort)?;
        if host.is_empty() {
            return Err(WrongAddress::NoHost);
        }
        // Colons in a host are an IPv6 address's, which needs its brackets to tell the port.
        let name = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let good = match name {
            Some(ip) => ip.parse::<std::net::Ipv6Addr>().is_ok(),
            None => host.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_')),
        };
        if !good {
            return Err(WrongAddress::Host(host.to_owned()));
        }
        match port.parse::<u16>() {
            Ok(1..) => Ok(Self { host_and_port: host_and_port.to_owned(), path: path.to_owned() }),
            _ if port.is_empty() => Err(WrongAddress::NoPort),
            _ => Err(WrongAddress::Port(port.to_owned())),
        }
    }
}

impl Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.host_and_port)?;
        formatter.write_str(self.path.trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> String {
        text.parse::<Address>().unwrap_or_else(|error| panic!("{text}: {error}")).url()
    }

    #[test]
    fn host_and_port_are_enough_and_a_url_is_accepted() {
        assert_eq!(url("localhost:8081"), "ws://localhost:8081/");
        assert_eq!(url(" ws://pi1.local:8081 "), "ws://pi1.local:8081/");
        assert_eq!(url("ws://proxy:80/chat"), "ws://proxy:80/chat");
        assert_eq!(url("[::1]:8081"), "ws://[::1]:8081/");
        assert_eq!("ws://node_1:8080/".parse::<Address>().map(|it| it.to_string()), Ok("node_1:8080".to_owned()));
    }

    #[test]
    fn what_is_no_address_is_refused_with_what_is_accepted() {
        for wrong in
            ["", "node1", "node1:", ":8080", "node1:0", "node1:99999", "node1:http", "::1:8080", "a b:1", "\u{1b}:1"]
        {
            let error = wrong.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains(EXAMPLE), "{wrong:?}: {error}");
        }
        assert_eq!("wss://node1:443".parse::<Address>(), Err(WrongAddress::Scheme("wss".to_owned())));
        assert_eq!("http://node1:80".parse::<Address>(), Err(WrongAddress::Scheme("http".to_owned())));
    }
}
