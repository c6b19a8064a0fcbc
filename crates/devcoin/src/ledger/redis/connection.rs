//! Connections to Redis: made when they are needed, and given up when they fail.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{AsyncConnectionConfig, Client, ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo, RedisResult};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::lookup_host;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::address::RedisAddress;
use super::error::{away, explain, explain_connect, explain_lookup, is_broken};
use crate::ledger::LedgerError;

/// Longest wait for a connection, from the name's lookup to the password; then Redis is away.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Longest wait for an answer; then Redis is away, and the connection is given up. What was asked for
/// may have been done.
pub(super) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Where connections go.
enum Place {
    /// To a name, which is looked up each time, or an address.
    Network { host: String, port: u16 },
    /// To a socket in this file system.
    Socket(PathBuf),
}

/// One Redis, and the connection that most requests share.
pub(super) struct Server {
    /// `HOST:PORT`, or the socket's path, for messages.
    name: String,
    place: Place,
    user: Option<String>,
    password: Option<SecretString>,
    database: i64,
    shared: Mutex<Shared>,
}

/// The connection that most requests share, if there is one, and how many there were before.
#[derive(Default)]
struct Shared {
    connection: Option<MultiplexedConnection>,
    number: u64,
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the password.
        formatter.write_str(&self.name)
    }
}

impl Server {
    /// Does not connect yet.
    pub(super) fn new(address: RedisAddress) -> Self {
        let RedisAddress { host, port, user, password, database } = address;
        let name = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        Self { name, place: Place::Network { host, port }, user, password, database, shared: Mutex::default() }
    }

    /// Does not connect yet; the Redis at this socket has no password.
    pub(super) fn at_socket(path: &Path, database: i64) -> Self {
        let (name, place) = (path.display().to_string(), Place::Socket(path.to_owned()));
        Self { name, place, user: None, password: None, database, shared: Mutex::default() }
    }

    /// `HOST:PORT`, or the socket's path, for messages.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Asks on the shared connection. When that turns out to be broken (Redis may have been started anew
    /// meanwhile), it asks once more on a new one; so what it asks for must be harmless to do twice.
    pub(super) async fn ask<T, F, R>(&self, request: F) -> Result<T, LedgerError>
    where
        F: Fn(MultiplexedConnection) -> R,
        R: Future<Output = RedisResult<T>>,
    {
        let (number, result) = self.ask_once(&request).await?;
        match result {
            Err(error) if is_broken(&error) => {
                self.forget(number).await;
                let (number, result) = self.ask_once(&request).await?;
                if result.as_ref().is_err_and(is_broken) {
                    self.forget(number).await;
                }
                result.map_err(|error| explain(&self.name, &error))
            }
            result => result.map_err(|error| explain(&self.name, &error)),
        }
    }

    async fn ask_once<T, F, R>(&self, request: &F) -> Result<(u64, RedisResult<T>), LedgerError>
    where
        F: Fn(MultiplexedConnection) -> R,
        R: Future<Output = RedisResult<T>>,
    {
        let (number, connection) = self.shared().await?;
        let Ok(result) = timeout(RESPONSE_TIMEOUT, request(connection)).await else {
            self.forget(number).await;
            return Err(self.silent(RESPONSE_TIMEOUT));
        };
        Ok((number, result))
    }

    /// The shared connection, made now if there is none. Whoever comes meanwhile waits for the same.
    async fn shared(&self) -> Result<(u64, MultiplexedConnection), LedgerError> {
        let connection = async {
            let mut shared = self.shared.lock().await;
            if let Some(connection) = &shared.connection {
                return Ok((shared.number, connection.clone()));
            }
            let connection = self.make().await?;
            shared.number += 1;
            shared.connection = Some(connection.clone());
            Ok((shared.number, connection))
        };
        timeout(CONNECT_TIMEOUT, connection).await.unwrap_or_else(|_| Err(self.silent(CONNECT_TIMEOUT)))
    }

    /// Gives the shared connection up, unless it has been replaced already.
    async fn forget(&self, number: u64) {
        let mut shared = self.shared.lock().await;
        if shared.number == number {
            shared.connection = None;
        }
    }

    /// A new connection, for one user.
    pub(super) async fn connect(&self) -> Result<MultiplexedConnection, LedgerError> {
        timeout(CONNECT_TIMEOUT, self.make()).await.unwrap_or_else(|_| Err(self.silent(CONNECT_TIMEOUT)))
    }

    async fn make(&self) -> Result<MultiplexedConnection, LedgerError> {
        let mut connection = match &self.place {
            Place::Network { host, port } => self.connect_by_name(host, *port).await?,
            Place::Socket(path) => self.connect_to(ConnectionAddr::Unix(path.clone())).await?,
        };
        self.enter(&mut connection).await.map_err(|error| explain(&self.name, &error))?;
        Ok(connection)
    }

    async fn connect_by_name(&self, host: &str, port: u16) -> Result<MultiplexedConnection, LedgerError> {
        let addresses = lookup_host((host, port)).await;
        let addresses = addresses.map_err(|error| explain_lookup(&self.name, &error))?;
        let mut result = Err(away(&self.name, "its name has no address"));
        for address in addresses {
            result = self.connect_to(ConnectionAddr::Tcp(address.ip().to_string(), address.port())).await;
            if result.is_ok() {
                break;
            }
        }
        result
    }

    async fn connect_to(&self, address: ConnectionAddr) -> Result<MultiplexedConnection, LedgerError> {
        let explain = |error| explain_connect(&self.name, &error);
        let info = address.into_connection_info().map_err(explain)?;
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let info = info.set_redis_settings(RedisConnectionInfo::default().set_skip_set_lib_name());
        // The limits are kept here: they differ.
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let client = Client::open(info).map_err(explain)?;
        client.get_multiplexed_async_connection_with_config(&config).await.map_err(explain)
    }

    /// Says the password, and sees that Redis answers. The client library could do so too, but does not
    /// tell what Redis said.
    async fn enter(&self, connection: &mut MultiplexedConnection) -> RedisResult<()> {
        if let Some(password) = &self.password {
            redis::cmd("AUTH").arg(&self.user).arg(password.expose_secret()).exec_async(connection).await?;
        }
        if self.database != 0 {
            redis::cmd("SELECT").arg(self.database).exec_async(connection).await?;
        }
        redis::cmd("PING").exec_async(connection).await
    }

    /// The error for an answer that did not come in time.
    pub(super) fn silent(&self, limit: Duration) -> LedgerError {
        away(&self.name, &format!("no answer within {} s", limit.as_secs()))
    }
}
