//! The addresses behind a host's name.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use service::resolve::{LookupError, look_up};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::{Failure, Target};

/// Longest wait for the name server; then the addresses stay what they were, and without any, there is no run.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a name is looked up, so that connections go to replicas that are new, and no more to those that are gone.
const LOOKUP_INTERVAL: Duration = Duration::from_secs(1);

/// The addresses of a target, which connections take in turn.
#[derive(Debug)]
pub(crate) struct Addresses {
    known: Mutex<Vec<SocketAddr>>,
    turn: AtomicUsize,
}

impl Addresses {
    /// Looks the target's host up, and goes on doing so on the runtime that this is called on, as long as somebody
    /// holds what is given.
    ///
    /// # Errors
    /// When it has no address.
    pub(crate) async fn of(target: &Target) -> Result<Arc<Self>, LookupError> {
        let (host, port) = (target.host().to_owned(), target.port());
        let known = with_port(look_up(&host, LOOKUP_TIMEOUT).await?, port);
        let addresses = Arc::new(Self { known: Mutex::new(known), turn: AtomicUsize::new(0) });
        // An address stays what it is.
        if host.parse::<IpAddr>().is_err() {
            tokio::spawn(keep_up(Arc::downgrade(&addresses), host, port));
        }
        Ok(addresses)
    }

    /// Connects to the address whose turn it is, or else to the next ones.
    ///
    /// # Errors
    /// Why the last one could not be reached.
    pub(crate) async fn connect(&self) -> Result<TcpStream, Failure> {
        let mut addresses = self.lock().clone();
        let turn = self.turn.fetch_add(1, Relaxed) % addresses.len().max(1);
        addresses.rotate_left(turn);
        // There is at least one.
        let mut failure = Failure::NotConnected;
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = Failure::from(&error),
            }
            self.pass_over(address);
        }
        Err(failure)
    }

    /// Leaves an address out until the next lookup, unless it is the only one.
    fn pass_over(&self, address: SocketAddr) {
        let mut known = self.lock();
        if known.len() > 1 {
            known.retain(|other| *other != address);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<SocketAddr>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks a host up again and again; without an answer, the addresses stay what they were.
async fn keep_up(addresses: Weak<Addresses>, host: String, port: u16) {
    loop {
        sleep(LOOKUP_INTERVAL).await;
        let found = look_up(&host, LOOKUP_TIMEOUT).await;
        let Some(addresses) = addresses.upgrade() else { return };
        if let Ok(found) = found {
            *addresses.lock() = with_port(found, port);
        }
    }
}

fn with_port(mut addresses: Vec<SocketAddr>, port: u16) -> Vec<SocketAddr> {
    for address in &mut addresses {
        address.set_port(port);
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn addresses(known: Vec<SocketAddr>) -> Addresses {
        Addresses { known: Mutex::new(known), turn: AtomicUsize::new(0) }
    }

    fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    #[tokio::test]
    async fn addresses_are_taken_in_turn_and_one_that_refuses_is_passed_over() {
        let (first, second, gone) = (listener(), listener(), listener().1);
        let addresses = addresses(vec![first.1, gone, second.1]);
        let mut peers = Vec::new();
        for _ in 0..5 {
            peers.push(addresses.connect().await.unwrap().peer_addr().unwrap());
        }
        // The second connection finds out that nobody is there, and goes on to the next address.
        assert_eq!(peers[..2], [first.1, second.1]);
        assert_eq!(*addresses.lock(), [first.1, second.1]);
        assert!(peers[2..].windows(2).all(|pair| pair[0] != pair[1]), "{peers:?}");
    }

    #[tokio::test]
    async fn the_only_address_is_asked_again_also_when_it_refuses() {
        let (_, gone) = listener();
        let addresses = addresses(vec![gone]);
        for _ in 0..2 {
            let refused = addresses.connect().await.map(drop);
            assert_eq!(refused, Err(Failure::Network(std::io::ErrorKind::ConnectionRefused)));
        }
    }
}
