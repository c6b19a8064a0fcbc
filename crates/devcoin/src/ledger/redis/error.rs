//! What Redis says, in words for people.

use std::io;

use redis::{ErrorKind, RedisError};

use crate::ledger::LedgerError;

/// Where a password is set.
const PASSWORD: &str = "REDIS_PASSWORD or REDIS_PASSWORD_FILE";

/// An error that a later try may not have.
pub(super) fn away(server: &str, reason: &str) -> LedgerError {
    LedgerError::Away(format!("cannot reach {server}: {reason}"))
}

/// An error while connecting.
pub(super) fn explain_connect(server: &str, error: &RedisError) -> LedgerError {
    if error.is_connection_refusal() {
        return away(server, "connection refused (is Redis running?)");
    }
    explain(server, error)
}

/// Whether the connection that gave this error is of no use any more.
pub(super) fn is_broken(error: &RedisError) -> bool {
    error.is_io_error() || error.kind() == ErrorKind::Parse || error.is_unrecoverable_error()
}

/// An error that Redis answered, or instead of an answer.
pub(super) fn explain(server: &str, error: &RedisError) -> LedgerError {
    if error.is_io_error() {
        return away(server, &format!("the connection broke ({error})"));
    }
    if error.kind() == ErrorKind::Parse {
        return LedgerError::Refused(format!("{server} does not answer as Redis does: correct REDIS_URL"));
    }
    // Redis repeats what it does not know; that may be a password.
    let said = error.detail().unwrap_or_default().split(", with args").next().unwrap_or_default();
    let refused = |text: String| LedgerError::Refused(format!("{server} {text}"));
    match error.code().unwrap_or_default() {
        "LOADING" => LedgerError::Away(format!("{server} is still loading its data")),
        "BUSY" => LedgerError::Away(format!("{server} is busy with somebody's script")),
        "MASTERDOWN" => LedgerError::Away(format!("{server} is a replica that has lost the Redis that it copies")),
        "ERR" if said.contains("max number of clients") => {
            LedgerError::Away(format!("{server} takes no more connections: it has its most (maxclients)"))
        }
        "NOAUTH" => refused(format!("asks for a password: set {PASSWORD}")),
        "WRONGPASS" => refused(format!("does not accept the password: correct {PASSWORD}")),
        "ERR" if said.contains("without any password configured") => {
            refused(format!("has no password: unset {PASSWORD}, or start Redis with --requirepass"))
        }
        "ERR" if said.contains("DB index is out of range") => {
            refused("has no database of that number: correct REDIS_URL".to_owned())
        }
        "READONLY" => refused("is a read-only replica: set REDIS_URL to the Redis that it copies".to_owned()),
        "OOM" => refused("has no memory left: raise its maxmemory, or delete what is not the ledger's".to_owned()),
        "MISCONF" => refused("cannot save its data, so it takes none: look at its disk and its log".to_owned()),
        "NOPERM" => refused(format!("does not permit what the ledger does: {said}")),
        "DENIED" => refused("takes no connection from another machine: give it a password".to_owned()),
        // Of the scripts here.
        "WRONGKEY" => refused(format!("holds something else: {said}; rename or delete it")),
        // Of reading the stream.
        "WRONGTYPE" => refused(
            "holds something else: the key coins is no stream, the ledger needs one; rename or delete it".into(),
        ),
        code => refused(format!("did not do it: {code} {said}")),
    }
}

/// A name that could not be looked up. The system's words differ, and tell no more.
pub(super) fn explain_lookup(server: &str, _error: &io::Error) -> LedgerError {
    away(server, "name not found (is there a service of that name in this network?)")
}
