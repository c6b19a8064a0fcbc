//! Why a request has no good answer.

use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::io;

use rustix::io::Errno;

/// Why a request has no good answer. Its `Display` is a few words for a table.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Failure {
    /// An answer whose status is an error's: 400 or above.
    Status(u16),
    /// What the network says.
    Network(io::ErrorKind),
    /// This machine has no port left for one more connection there.
    NoPort,
    /// This process may open no more files.
    NoFile,
    /// There was no connection in time.
    NotConnected,
    /// There was a connection, and no whole answer in time.
    TimedOut,
    /// The connection ended before the answer did.
    Closed,
    /// What answered is no HTTP.
    NotHttp,
}

impl Display for Failure {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(formatter, "HTTP {status}"),
            Self::Network(kind) => kind.fmt(formatter),
            Self::NoPort => write!(formatter, "no free port on this machine"),
            Self::NoFile => write!(formatter, "too many open files on this machine"),
            Self::NotConnected => write!(formatter, "no connection in time"),
            Self::TimedOut => write!(formatter, "no answer in time"),
            Self::Closed => write!(formatter, "closed before the answer's end"),
            Self::NotHttp => write!(formatter, "the answer is no HTTP"),
        }
    }
}

impl From<&io::Error> for Failure {
    fn from(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AddrNotAvailable => Self::NoPort,
            // The kernel gives up after two minutes, which is later than any time limit here.
            io::ErrorKind::TimedOut => Self::NotConnected,
            io::ErrorKind::UnexpectedEof => Self::Closed,
            _ if matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE)) => Self::NoFile,
            kind => Self::Network(kind),
        }
    }
}

impl From<&hyper::Error> for Failure {
    fn from(error: &hyper::Error) -> Self {
        let mut causes = std::iter::successors(error.source(), |&error| error.source());
        if let Some(error) = causes.find_map(|error| error.downcast_ref::<io::Error>()) {
            return error.into();
        }
        if error.is_parse() { Self::NotHttp } else { Self::Closed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_machine_lacks_is_told_from_what_the_server_does() {
        let failure = |code: Errno| Failure::from(&io::Error::from(code)).to_string();
        assert_eq!(failure(Errno::MFILE), "too many open files on this machine");
        assert_eq!(failure(Errno::ADDRNOTAVAIL), "no free port on this machine");
        assert_eq!(failure(Errno::CONNREFUSED), "connection refused");
        assert_eq!(failure(Errno::CONNRESET), "connection reset");
    }
}
