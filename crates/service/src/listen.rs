//! Taking a port, and as many files as connections need.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use tokio::net::TcpListener;

/// Most connections at once; further ones wait in the kernel's backlog until one ends. The limit on
/// open files may lower it.
pub const CONNECTIONS_MAX: u64 = 10_000;

/// Files that the service needs beside its connections.
const OTHER_FILES: u64 = 64;

/// Connections that wait to be accepted; the kernel makes clients beyond it try again after 1 s.
const BACKLOG: i32 = 4096;

/// Longest time that a client may leave an answer unread; then the kernel drops the connection.
pub const UNREAD_ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Silence after which the kernel asks whether the client is still there.
const TCP_KEEPALIVE: Duration = Duration::from_mins(1);

/// Why an address cannot be had, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}{advice}")]
pub struct ListenError {
    /// The address that was wanted.
    pub address: SocketAddr,
    advice: String,
    source: io::Error,
}

impl ListenError {
    /// What the system said.
    #[must_use]
    pub fn kind(&self) -> io::ErrorKind {
        self.source.kind()
    }
}

/// Takes `address`, which the settings called `settings` (host and port) name.
pub(crate) fn listen(settings: (&str, &str), address: SocketAddr) -> Result<TcpListener, ListenError> {
    open(address).map_err(|source| ListenError { address, advice: advice(settings, address.port(), &source), source })
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    // Accepted connections inherit the next three from the listening socket.
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(TCP_KEEPALIVE))?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNREAD_ANSWER_TIMEOUT))?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

fn advice((host_setting, port_setting): (&str, &str), port: u16, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!(": port {port} is taken: stop the program that has it, or set {port_setting} to another port")
        }
        io::ErrorKind::PermissionDenied => format!(": port {port} needs root: set {port_setting} to a port above 1023"),
        io::ErrorKind::AddrNotAvailable => format!(": set {host_setting} to an address that this machine has"),
        // What the system says, which comes with it, is all that there is to say.
        _ => String::new(),
    }
}

/// Lets this process open as many files as it needs for [`CONNECTIONS_MAX`] connections, or as many as it may.
/// A service does so by itself; who runs several of them needs it before.
pub fn raise_limit_on_files() {
    files_max();
}

/// Raises the limit on open files as far as it goes; gives it, but no more than anybody needs.
fn files_max() -> u64 {
    let files = getrlimit(Resource::Nofile);
    let wanted = CONNECTIONS_MAX + OTHER_FILES;
    let most = files.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let now = files.current.unwrap_or(wanted);
    let raised = now >= most || setrlimit(Resource::Nofile, Rlimit { current: Some(most), ..files }).is_ok();
    if raised { now.max(most) } else { now }
}

/// [`CONNECTIONS_MAX`], or fewer where the limit on open files, raised as far as it goes, is lower.
pub(crate) fn connections_max() -> usize {
    let files = files_max();
    let connections = files.saturating_sub(OTHER_FILES).clamp(1, CONNECTIONS_MAX);
    // At most CONNECTIONS_MAX, which fits every usize.
    usize::try_from(connections).unwrap_or(usize::MAX)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use socket2::SockRef;

    #[tokio::test]
    async fn an_accepted_connection_has_the_limits_of_the_listening_socket() {
        let listener = listen(("HOST", "PORT"), ([127, 0, 0, 1], 0).into()).unwrap();
        let client = tokio::net::TcpStream::connect(listener.local_addr().unwrap());
        let (accepted, _client) = tokio::join!(listener.accept(), client);
        let (stream, _) = accepted.unwrap();
        let socket = SockRef::from(&stream);
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(UNREAD_ANSWER_TIMEOUT));
        assert_eq!(socket.tcp_keepalive_time().unwrap(), TCP_KEEPALIVE);
        assert!(socket.keepalive().unwrap() && socket.tcp_nodelay().unwrap());
    }
}
