//! Another machine, and the ports at which the nodes of a Swarm meet.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::net::{TcpStream, UdpSocket, lookup_host};
use tokio::time::timeout;

/// The managers', over TCP.
pub(in crate::doctor) const MANAGEMENT: u16 = 2377;

/// At which nodes tell each other who is there, over TCP and UDP.
pub(in crate::doctor) const GOSSIP: u16 = 7946;

/// Longest wait for a name's address, and for a UDP port to be refused: an open one answers nothing to a stranger.
const REFUSAL_TIMEOUT: Duration = Duration::from_millis(500);

/// Another machine that was tried.
#[derive(Clone, Debug)]
pub(in crate::doctor) struct Peer {
    pub(in crate::doctor) name: String,
    /// What its ports answered, or why it has no address.
    pub(in crate::doctor) ports: Result<Ports, String>,
}

/// What the ports answered.
#[derive(Clone, Debug)]
pub(in crate::doctor) struct Ports {
    pub(in crate::doctor) management: Answer,
    pub(in crate::doctor) gossip: Answer,
    pub(in crate::doctor) gossip_udp: Answer,
}

/// What a port answers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::doctor) enum Answer {
    Open,
    /// The machine is there, and nobody listens.
    Refused,
    /// Over TCP: a firewall, or no such machine. Over UDP it may be open as well.
    Silent,
    Unreachable(String),
}

/// Tries all machines at once, each for no longer than `limit`.
pub(in crate::doctor) async fn try_all(names: &[String], limit: Duration) -> Vec<Peer> {
    join_all(names.iter().map(|name| try_one(name, limit))).await
}

async fn try_one(name: &str, limit: Duration) -> Peer {
    let address = timeout(REFUSAL_TIMEOUT, lookup_host((name, GOSSIP))).await;
    let ports = match address.map(|found| found.map(|mut addresses| addresses.next())) {
        Ok(Ok(Some(address))) => {
            Ok(try_ports(address.ip(), MANAGEMENT, GOSSIP, limit.saturating_sub(REFUSAL_TIMEOUT)).await)
        }
        Ok(Ok(None) | Err(_)) => Err("name not found".to_owned()),
        Err(_) => Err("the name server does not answer".to_owned()),
    };
    Peer { name: name.to_owned(), ports }
}

async fn try_ports(address: IpAddr, management: u16, gossip: u16, limit: Duration) -> Ports {
    let (management, gossip, gossip_udp) =
        tokio::join!(tcp(address, management, limit), tcp(address, gossip, limit), udp(address, gossip));
    Ports { management, gossip, gossip_udp }
}

async fn tcp(address: IpAddr, port: u16, limit: Duration) -> Answer {
    match timeout(limit, TcpStream::connect((address, port))).await {
        Ok(Ok(_)) => Answer::Open,
        Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => Answer::Refused,
        Ok(Err(error)) => Answer::Unreachable(error.to_string()),
        Err(_) => Answer::Silent,
    }
}

/// Sends a packet without contents, which no program of a Swarm takes for anything.
async fn udp(address: IpAddr, port: u16) -> Answer {
    let here: IpAddr = if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let talk = async {
        let socket = UdpSocket::bind((here, 0)).await?;
        socket.connect((address, port)).await?;
        socket.send(&[]).await?;
        socket.recv(&mut [0; 1]).await
    };
    match timeout(REFUSAL_TIMEOUT, talk).await {
        Ok(Ok(_)) => Answer::Open,
        Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => Answer::Refused,
        Ok(Err(error)) => Answer::Unreachable(error.to_string()),
        Err(_) => Answer::Silent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    const LIMIT: Duration = Duration::from_mins(1);
    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[tokio::test]
    async fn what_listens_is_open_and_what_does_not_is_refused() {
        let listener = TcpListener::bind((HERE, 0)).await.unwrap();
        let open = listener.local_addr().unwrap().port();
        // Taken, but nobody listens: for TCP this one is closed.
        let socket = UdpSocket::bind((HERE, 0)).await.unwrap();
        let quiet = socket.local_addr().unwrap().port();
        assert_eq!(tcp(HERE, open, LIMIT).await, Answer::Open);
        assert_eq!(udp(HERE, quiet).await, Answer::Silent);
        drop((listener, socket));
        let ports = try_ports(HERE, open, quiet, LIMIT).await;
        assert_eq!((ports.management, ports.gossip_udp), (Answer::Refused, Answer::Refused));
    }

    #[tokio::test]
    async fn a_name_that_nobody_has_is_said() {
        let peer = try_one("nobody.invalid", LIMIT).await;
        assert!(peer.ports.is_err(), "{peer:?}");
    }
}
