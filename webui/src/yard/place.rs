//! Where instances are.

use std::fmt::{self, Display, Formatter};
use std::net::SocketAddr;
use std::str::FromStr;

/// Where instances are: one at an address, or any number under a name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Place {
    /// One instance.
    Address(SocketAddr),
    /// As many as the name has addresses.
    Name {
        /// To be looked up.
        name: String,
        /// Where each of them listens.
        port: u16,
    },
}

impl FromStr for Place {
    /// What is accepted.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse::<SocketAddr>()
            && address.port() != 0
        {
            return Ok(Self::Address(address));
        }
        let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        let parts = text.rsplit_once(':').filter(|(name, _)| !name.is_empty() && name.bytes().all(is_of_name));
        let parts = parts.and_then(|(name, port)| Some((name, port.parse().ok().filter(|port| *port != 0)?)));
        let (name, port) =
            parts.ok_or("accepted are names or addresses with a port, as in producer:5000,10.0.0.2:5000")?;
        Ok(Self::Name { name: name.to_owned(), port })
    }
}

impl Display for Place {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(formatter, "{address}"),
            Self::Name { name, port } => write!(formatter, "{name}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_name_or_an_address_with_a_port() {
        let name = Place::Name { name: "my_app-node1.lan".to_owned(), port: 9090 };
        assert_eq!("my_app-node1.lan:9090".parse(), Ok(name));
        for address in ["127.0.0.1:5000", "[::1]:5000"] {
            assert_eq!(address.parse(), Ok(Place::Address(address.parse().unwrap())));
        }
        for text in ["producer:5000", "127.0.0.1:5000", "[::1]:5000"] {
            assert_eq!(text.parse::<Place>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_none_is_refused_with_what_is_accepted() {
        for wrong in
            ["", "producer", "producer:", ":5000", "producer:0", "producer:70000", "http://producer:5000", "::1"]
        {
            assert!(wrong.parse::<Place>().is_err_and(|message| message.contains("producer:5000")), "{wrong}");
        }
    }
}
